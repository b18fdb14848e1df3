use std::fmt;
use std::str::FromStr;

use crate::Error;

/// A format that traffic can be read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A classic capture (draft-ietf-opsawg-pcap).
    Pcap,
    /// A next-generation capture (draft-ietf-opsawg-pcapng).
    Pcapng,
    /// This crate's own: what an import keeps of a capture.
    Trace,
    /// A list of transfers, one a line.
    Csv,
}

/// The first line of a trace file.
pub(crate) const TRACE_MAGIC: &str = "burstlab-trace 1";
/// No instant of a file lies beyond this, neither since 1970 nor since its first packet: 146 years in nanoseconds, so that
/// sums of two do not overflow.
pub(crate) const LATEST: u64 = 1 << 62;
/// The first line of a transfer list.
pub(crate) const CSV_HEADER: &str = "job,iteration,phase,src,dst,bytes,start_ns,after";

impl Format {
    /// The format of a file that begins (once decompressed) with `head`, if it is a known one.
    pub fn of(head: &[u8]) -> Option<Format> {
        // Magic numbers of pcap with microseconds and nanoseconds in both byte orders, and of the section header block.
        match head.get(..4)? {
            [0xa1, 0xb2, 0xc3, 0xd4] | [0xd4, 0xc3, 0xb2, 0xa1] => return Some(Format::Pcap),
            [0xa1, 0xb2, 0x3c, 0x4d] | [0x4d, 0x3c, 0xb2, 0xa1] => return Some(Format::Pcap),
            [0x0a, 0x0d, 0x0d, 0x0a] => return Some(Format::Pcapng),
            _ => {}
        }
        if head.starts_with(b"burstlab-trace") {
            return Some(Format::Trace);
        }
        head.starts_with(b"job,").then_some(Format::Csv)
    }

    /// Whether this is a capture of packets.
    pub fn is_capture(self) -> bool {
        matches!(self, Format::Pcap | Format::Pcapng)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Format::Pcap => "pcap",
            Format::Pcapng => "pcapng",
            Format::Trace => "trace",
            Format::Csv => "csv",
        })
    }
}

impl FromStr for Format {
    type Err = Error;
    fn from_str(name: &str) -> Result<Format, Error> {
        match name {
            "pcap" => Ok(Format::Pcap),
            "pcapng" => Ok(Format::Pcapng),
            "trace" => Ok(Format::Trace),
            "csv" => Ok(Format::Csv),
            _ => Err(Error::UnknownFormat { name: name.to_owned() }),
        }
    }
}
