use std::io;
use std::path::PathBuf;

/// Why traffic could not be read or written. Each names the file and, where there is one, the packet or line at fault;
/// packets and lines are counted from one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("{path}: cannot be read: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system or the decompressor said.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("{path}: cannot be written: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// No file was named.
    #[error("no file given; expected a capture (pcap or pcapng), a trace or a transfer list (csv)")]
    NoFile,
    /// The file holds nothing.
    #[error("{path}: is empty; expected a capture (pcap or pcapng), a trace or a transfer list (csv)", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The content is of no known format, or not of the one that was asked for.
    #[error("{path}: is not {expected}: it begins with {found}", path = path.display())]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// What the content would have to be.
        expected: String,
        /// The first bytes, in hexadecimal.
        found: String,
    },
    /// A format's name is unknown.
    #[error("unknown format \"{name}\"; expected pcap, pcapng, trace or csv")]
    UnknownFormat {
        /// What was asked for.
        name: String,
    },
    /// Several files that cannot be merged.
    #[error("{path}: is a {format} file; only captures (pcap or pcapng) can be merged with other files", path = path.display())]
    CannotMerge {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: crate::Format,
    },
    /// The capture is of a link that this crate does not read.
    #[error(
        "{path}: packet {packet}: link type {link} is not supported; expected Ethernet (1), raw IP (101, 228, 229), \
         Linux cooked (113, 276) or loopback (0, 108)",
        path = path.display()
    )]
    LinkType {
        /// The file.
        path: PathBuf,
        /// The packet at which it was met.
        packet: u64,
        /// The link type, from the registry at tcpdump.org/linktypes.html.
        link: u32,
    },
    /// The capture's structure is damaged.
    #[error("{path}: packet {packet}: the capture is damaged: {reason}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The packet that could not be read.
        packet: u64,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// The capture's clock stepped backwards, so no rate could be trusted.
    #[error(
        "{path}: packet {packet}: the clock steps backwards by {back}; expected packets in order of time \
         (up to {tolerated} out of order is tolerated)",
        path = path.display()
    )]
    ClockBackwards {
        /// The file.
        path: PathBuf,
        /// The first packet after the step.
        packet: u64,
        /// How far it went back.
        back: burstlab_units::Span,
        /// How far it may go back.
        tolerated: burstlab_units::Span,
    },
    /// There is no TCP payload, so there is nothing to replay.
    #[error("{path}: no TCP payload in {packets} packets; expected a capture of TCP traffic{note}", path = path.display())]
    NoTcp {
        /// The file, or the first of several.
        path: PathBuf,
        /// How many packets there are in all files.
        packets: u64,
        /// What else is known of the cause, beginning with a separator; or nothing.
        note: String,
    },
    /// A line of a trace or of a transfer list is wrong.
    #[error("{path}: line {line}: {reason}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A synthetic job, or a multiplexing, that cannot be.
    #[error("{0}")]
    Impossible(String),
}
