//! What the program carries within itself, so that the built-in experiment runs from any folder.

/// File name of the bundled recording.
pub const RESNET50_NAME: &str = "resnet50-ddp-4w.pcap.zst";

/// ResNet-50 trained by four workers for eight iterations, as captured, compressed with zstd.
pub const RESNET50: &[u8] = include_bytes!("../../traces/resnet50-ddp-4w.pcap.zst");
