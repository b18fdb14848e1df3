//! Writing captures as pcapng (draft-ietf-opsawg-pcapng), packet by packet, for Wireshark and for our own importer.
//!
//! One section, little-endian, of IP packets without a link's header. Each interface has nanosecond time stamps.
//!
//! ```no_run
//! use burstlab_replay::pcapng::{Interface, Packet, Writer};
//!
//! let mut writer = Writer::create("queue.pcapng".as_ref(), "burstlab")?;
//! let queue = writer.interface(&Interface { name: "switch>host3", ..Interface::default() })?;
//! let bytes = [0x45, 0, 0, 20]; // an IP packet, or as much of it as is of interest
//! writer.packet(queue, &Packet { at: 1_000, original: 1500, bytes: &bytes, comments: &["the first one"] })?;
//! writer.finish()?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod block;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use burstlab_units::Rate;

use crate::sink::Sink;
use block::Block;

/// Packets that begin with the IPv4 or IPv6 header: LINKTYPE_RAW of draft-ietf-opsawg-pcaplinktype.
const LINKTYPE_RAW: u16 = 101;
/// Wireshark and libpcap refuse records that hold more of a packet than this.
const LONGEST_PACKET: usize = 256 << 10;

/// Describes an interface: what packets are said to have passed through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interface<'a> {
    /// Its name, by which Wireshark filters (`frame.interface_name`).
    pub name: &'a str,
    /// More about it, in words; empty for nothing.
    pub description: &'a str,
    /// Its capacity.
    pub rate: Option<Rate>,
    /// So many bytes of each packet are kept; `None` for all.
    pub snap: Option<u32>,
}

/// An interface of the [`Writer`] that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceNumber(u32);

/// A packet at an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Packet<'a> {
    /// When it was there: nanoseconds since 1970 in UTC, or since the start of a run that has no date.
    pub at: u64,
    /// Length in bytes that it had there.
    pub original: u32,
    /// Its bytes from the IP header on, or the first of them.
    pub bytes: &'a [u8],
    /// What is to be said of it, each a comment of its own.
    pub comments: &'a [&'a str],
}

enum Destination {
    File(Sink),
    Stream(Box<dyn Write + Send>),
}

/// Writes a capture. What was written stays readable if the writer never comes to [`finish`](Writer::finish), but for
/// what its buffer held.
pub struct Writer {
    destination: Destination,
    /// Most bytes kept of a packet, by interface.
    snaps: Vec<usize>,
    block: Block,
}

impl Writer {
    /// Begins a capture in a new file at `path`, compressed by zstd if its name ends in `.zst`. `application` is what
    /// the capture names as its maker.
    pub fn create(path: &Path, application: &str) -> io::Result<Writer> {
        Writer::begin(Destination::File(Sink::new(File::create(path)?, path)?), application)
    }

    /// Begins a capture in anything that takes bytes. They come block by block, so a file or a socket wants a buffer.
    pub fn new(stream: impl Write + Send + 'static, application: &str) -> io::Result<Writer> {
        Writer::begin(Destination::Stream(Box::new(stream)), application)
    }

    fn begin(destination: Destination, application: &str) -> io::Result<Writer> {
        let mut writer = Writer { destination, snaps: Vec::new(), block: Block::default() };
        writer.block.begin(block::SECTION_HEADER);
        writer.block.u32(block::BYTE_ORDER_MAGIC);
        writer.block.u16(block::VERSION.0);
        writer.block.u16(block::VERSION.1);
        writer.block.u64(block::LENGTH_UNKNOWN);
        writer.block.text(block::SHB_USERAPPL, application);
        writer.write_block()?;
        Ok(writer)
    }

    /// Adds an interface. One can be added at any time before its first packet.
    pub fn interface(&mut self, interface: &Interface<'_>) -> io::Result<InterfaceNumber> {
        let number = InterfaceNumber(u32::try_from(self.snaps.len()).map_err(|_| invalid("too many interfaces"))?);
        self.block.begin(block::INTERFACE_DESCRIPTION);
        self.block.u16(LINKTYPE_RAW);
        self.block.u16(0);
        // None is 0, as in the draft.
        self.block.u32(interface.snap.unwrap_or(0));
        self.block.text(block::IF_NAME, interface.name);
        if !interface.description.is_empty() {
            self.block.text(block::IF_DESCRIPTION, interface.description);
        }
        if let Some(rate) = interface.rate {
            self.block.option(block::IF_SPEED, rate.bits_per_sec().to_le_bytes());
        }
        self.block.option(block::IF_TSRESOL, [block::NANOSECONDS]);
        self.write_block()?;
        let snap = interface.snap.filter(|snap| *snap > 0).map_or(LONGEST_PACKET, |snap| snap as usize);
        self.snaps.push(snap.min(LONGEST_PACKET));
        Ok(number)
    }

    /// Writes a packet, cut to what the interface keeps. An interface of another writer is an error, and so are comments
    /// of many megabytes; comments beyond 65,535 bytes, the format's limit, are cut.
    pub fn packet(&mut self, interface: InterfaceNumber, packet: &Packet<'_>) -> io::Result<()> {
        let snap = self.snaps.get(interface.0 as usize).ok_or_else(|| invalid("an interface of another capture"))?;
        let kept = &packet.bytes[..packet.bytes.len().min(*snap)];
        // Readers take a packet that is shorter than what was kept of it for damage.
        let original = packet.original.max(u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX));
        self.block.begin(block::ENHANCED_PACKET);
        self.block.u32(interface.0);
        self.block.u32((packet.at >> 32) as u32);
        self.block.u32(packet.at as u32);
        self.block.u32(kept.len() as u32);
        self.block.u32(original);
        self.block.padded(kept);
        for comment in packet.comments {
            self.block.text(block::COMMENT, comment);
        }
        self.write_block()
    }

    /// Writes what is still in buffers, and closes a file.
    pub fn finish(self) -> io::Result<()> {
        match self.destination {
            Destination::File(sink) => sink.finish().map(drop),
            Destination::Stream(mut stream) => stream.flush(),
        }
    }

    fn write_block(&mut self) -> io::Result<()> {
        let bytes = self.block.end().ok_or_else(|| invalid("a block beyond the 16 MiB that readers take"))?;
        match &mut self.destination {
            Destination::File(sink) => sink.write_all(bytes),
            Destination::Stream(stream) => stream.write_all(bytes),
        }
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("a capture cannot take {what}"))
}
