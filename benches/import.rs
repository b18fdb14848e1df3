//! Import of the bundled recording, in bytes of uncompressed capture.

use std::hint::black_box;
use std::path::Path;

use burstlab_replay::{ImportOptions, Trace};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn import(criterion: &mut Criterion) {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("../traces/resnet50-ddp-4w.pcap.zst");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = folder.path().join("recording.pcapng");
    let compressed = std::fs::File::open(&recording).expect("the bundled recording");
    let mut file = std::fs::File::create(&plain).expect("a file in a new folder");
    zstd::stream::copy_decode(compressed, &mut file).expect("a sound recording");
    let size = file.metadata().expect("a file just written").len();
    let mut group = criterion.benchmark_group("import");
    group.sample_size(10).throughput(Throughput::Bytes(size));
    for (name, path) in [("plain", &plain), ("zst", &recording)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(Trace::open(&[path], &ImportOptions::default()).expect("a sound recording")));
        });
    }
    group.finish();
}

criterion_group!(benches, import);
criterion_main!(benches);
