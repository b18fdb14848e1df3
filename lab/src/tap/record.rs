//! Records on their way into the capture, in the order in which packets arrived.

use std::collections::VecDeque;
use std::io;

use burstlab_network::{PortId, Segment};
use burstlab_replay::pcapng::{InterfaceNumber, Packet, Writer};
use burstlab_units::Time;

/// A packet at a port.
pub struct Record {
    pub interface: InterfaceNumber,
    /// As the capture has it, in nanoseconds.
    pub at: u64,
    /// Length of the packet.
    pub original: u32,
    pub bytes: Vec<u8>,
    pub comments: Vec<String>,
    pub port: PortId,
    pub segment: Segment,
    /// When its fate on the link is known, at the latest.
    pub settles: Time,
}

/// Writes records in order. What a lossy link does to a packet is known when it is due at the far end; until then its
/// record waits, and with it those that came after.
pub struct Records {
    writer: Writer,
    held: VecDeque<Record>,
    written: u64,
    failed: Option<io::Error>,
}

impl Records {
    pub fn new(writer: Writer) -> Records {
        Records { writer, held: VecDeque::new(), written: 0, failed: None }
    }

    /// Adds a record at `now`, and writes those that are settled.
    pub fn add(&mut self, now: Time, record: Record) {
        if self.failed.is_some() {
            return;
        }
        while let Some(settled) = self.held.pop_front_if(|record| record.settles < now) {
            self.write(&settled);
        }
        if self.held.is_empty() && record.settles.as_nanos() == 0 {
            self.write(&record);
        } else {
            self.held.push_back(record);
        }
    }

    /// The record of a packet that was due at the far end of a port's link at `now`.
    pub fn held(&mut self, port: PortId, now: Time, segment: &Segment) -> Option<&mut Record> {
        self.held.iter_mut().find(|r| r.port == port && r.settles == now && r.segment == *segment)
    }

    /// Writes what is held, and gives the number of records, or the first error that there was.
    pub fn finish(mut self) -> io::Result<u64> {
        while let Some(record) = self.held.pop_front() {
            self.write(&record);
        }
        match self.failed {
            Some(error) => Err(error),
            None => self.writer.finish().map(|()| self.written),
        }
    }

    fn write(&mut self, record: &Record) {
        if self.failed.is_some() {
            return;
        }
        let Record { at, original, bytes, comments, .. } = record;
        let comments: Vec<_> = comments.iter().map(String::as_str).collect();
        let packet = Packet { at: *at, original: *original, bytes, comments: &comments };
        match self.writer.packet(record.interface, &packet) {
            Ok(()) => self.written += 1,
            Err(error) => self.failed = Some(error),
        }
    }
}
