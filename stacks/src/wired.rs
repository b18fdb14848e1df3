//! Our TCP on a network that carries bytes: each segment becomes a packet with content, and the other way round.

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use burstlab_algorithms::{Bytes, Explanation, Rate, Time};
use burstlab_network::{Flags, Segment, wire};

use crate::content::{self, Reader};
use crate::native::Connection;
use crate::native::ranges::Ranges;
use crate::{Counters, Endpoint, PacketEndpoint, Snapshot, Status};

/// Which streams a connection carries: see [`content`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// What this side writes.
    pub outgoing: u64,
    /// What the peer writes.
    pub incoming: u64,
}

/// A [`Connection`] as a [`PacketEndpoint`].
pub struct Wired {
    connection: Connection,
    own: SocketAddrV4,
    peer: SocketAddrV4,
    outgoing: u64,
    reader: Reader,
    beyond: Beyond,
    segment: Segment,
}

impl Wired {
    /// `connection` between the addresses `own` and `peer`. It should be new: what it sent before has no content.
    pub fn new(connection: Connection, own: SocketAddrV4, peer: SocketAddrV4, keys: Keys) -> Wired {
        Wired {
            connection,
            own,
            peer,
            outgoing: keys.outgoing,
            reader: Reader::new(keys.incoming),
            beyond: Beyond::default(),
            segment: Segment::default(),
        }
    }

    /// Keeps what `segment` brought and the connection took, and reads what is now in order.
    fn take(&mut self, start: i64, payload: &[u8]) {
        let (read, arrived) = (self.reader.position(), self.connection.received());
        // A segment that ends before what is read brings nothing, wherever it starts.
        let from = start.max(read as i64) as u64;
        let end = start.saturating_add(payload.len() as i64).max(0) as u64;
        let until = if arrived > from { Some(arrived) } else { self.connection.held_until(from) };
        let taken = until.map_or(from, |until| until.min(end));
        if from < taken {
            // In range: the connection holds no byte of it that the segment does not have.
            let brought = &payload[(from as i64 - start) as usize..(taken as i64 - start) as usize];
            if from == read && self.beyond.is_empty() && arrived == taken {
                self.reader.read(brought);
                return;
            }
            self.beyond.insert(read, from, brought);
        }
        self.beyond.read(arrived, &mut self.reader);
    }
}

/// The content behind a hole, as far as the connection holds it.
#[derive(Debug, Default)]
struct Beyond {
    /// From the reader's position on, with anything in the holes.
    content: VecDeque<u8>,
    held: Ranges,
    fresh: Vec<(u64, u64)>,
}

impl Beyond {
    fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes `bytes` at `start`, while the stream is read up to `read`. What is there already stays as it is, for the
    /// connection may have refused this segment.
    fn insert(&mut self, read: u64, start: u64, bytes: &[u8]) {
        let end = start + bytes.len() as u64;
        self.fresh.clear();
        self.held.insert(start, end, &mut self.fresh);
        let reach = (end - read) as usize;
        if self.content.len() < reach {
            self.content.resize(reach, 0);
        }
        for (from, until) in &self.fresh {
            let places = self.content.range_mut((from - read) as usize..(until - read) as usize);
            places.zip(&bytes[(from - start) as usize..]).for_each(|(place, byte)| *place = *byte);
        }
    }

    /// Hands the stream up to `arrived` to `reader`.
    fn read(&mut self, arrived: u64, reader: &mut Reader) {
        let whole = (arrived - reader.position()) as usize;
        debug_assert!(whole == 0 || self.held.covers(reader.position(), arrived), "content is missing");
        let whole = whole.min(self.content.len());
        if whole == 0 {
            return;
        }
        let (front, back) = self.content.as_slices();
        let split = whole.min(front.len());
        reader.read(&front[..split]);
        reader.read(&back[..whole - split]);
        self.content.drain(..whole);
        self.held.forget_below(arrived);
    }
}

impl PacketEndpoint for Wired {
    fn on_packet(&mut self, now: Time, packet: &[u8]) {
        let mut segment = match wire::from_bytes(packet, true) {
            Ok((segment, from, to)) if from == self.peer && to == self.own => segment,
            _ => {
                self.reader.count_garbage();
                return;
            }
        };
        segment.flow = self.connection.flow();
        segment.direction = self.connection.direction().reversed();
        let start = self.connection.incoming_position(segment.seq);
        self.connection.on_segment(now, &segment);
        // A SYN's payload the connection does not take.
        if segment.payload > 0 && !segment.flags.has(Flags::SYN) {
            self.take(start, wire::payload(packet));
        }
    }

    fn transmit_packet(&mut self, now: Time, packet: &mut Vec<u8>) -> bool {
        if !self.connection.transmit(now, &mut self.segment) {
            return false;
        }
        let start = self.connection.sent_position(self.segment.seq);
        let fill = |payload: &mut [u8]| content::fill(self.outgoing, start, payload);
        wire::write(&self.segment, self.own, self.peer, fill, packet);
        true
    }

    fn reader(&self) -> &Reader {
        &self.reader
    }
}

/// As the connection itself. Payload comes in by [`PacketEndpoint::on_packet`] alone: a segment without its bytes
/// could not be read.
impl Endpoint for Wired {
    fn connect(&mut self, now: Time) {
        self.connection.connect(now);
    }

    fn write(&mut self, now: Time, bytes: Bytes) {
        self.connection.write(now, bytes);
    }

    fn close(&mut self, now: Time) {
        self.connection.close(now);
    }

    fn abort(&mut self, now: Time) {
        self.connection.abort(now);
    }

    fn on_segment(&mut self, now: Time, segment: &Segment) {
        if segment.payload == 0 {
            self.connection.on_segment(now, segment);
        } else {
            self.reader.count_garbage();
        }
    }

    fn on_wake(&mut self, now: Time) {
        self.connection.on_wake(now);
    }

    fn transmit(&mut self, now: Time, segment: &mut Segment) -> bool {
        self.connection.transmit(now, segment)
    }

    fn next_wake(&self) -> Time {
        self.connection.next_wake()
    }

    fn host_limited(&mut self, now: Time) {
        self.connection.host_limited(now);
    }

    fn received(&self) -> u64 {
        self.connection.received()
    }

    fn acknowledged(&self) -> u64 {
        self.connection.acknowledged()
    }

    fn written(&self) -> u64 {
        self.connection.written()
    }

    fn status(&self) -> Status {
        self.connection.status()
    }

    fn begin_iteration(&mut self, expected: Bytes) {
        self.connection.begin_iteration(expected);
    }

    fn set_fair_share(&mut self, share: Rate) {
        self.connection.set_fair_share(share);
    }

    fn counters(&self) -> Counters {
        self.connection.counters()
    }

    fn snapshot(&self) -> Snapshot {
        self.connection.snapshot()
    }

    fn explain(&self) -> Explanation {
        self.connection.explain()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod linux;
#[cfg(test)]
mod tests;
