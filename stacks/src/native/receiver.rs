//! The receive side: what arrived, what the window still takes, what to acknowledge and when.

use burstlab_algorithms::Time;
use burstlab_network::{SackBlock, SackBlocks, Segment, Timestamps};

use super::Config;
use super::delayed_ack::DelayedAck;
use super::ecn::{Ask, Echo};
use super::reassembly::Reassembly;
use super::seq::{Numbering, earlier};
use crate::Counters;

/// Timestamps older than this say nothing (RFC 7323, section 5.5), in nanoseconds: 2^31 ticks of a clock of the peer's
/// that ticks each microsecond, the finest in use. (The RFC's 24 days are those of a clock that ticks each millisecond.)
const TIMESTAMP_LIFETIME: u64 = (1 << 31) * 1000;

/// Everything that the receive side knows.
#[derive(Debug)]
pub(super) struct Receiver {
    pub numbering: Numbering,
    /// RCV.NXT: position behind what arrived without a hole; the FIN takes one.
    pub next: u64,
    /// Position of the peer's FIN, once seen.
    fin: Option<u64>,
    held: Reassembly,
    /// Position up to which the application read.
    read: u64,
    pub reading: bool,
    buffer: u64,
    /// Right edge of the window, as last advertised.
    edge: u64,
    /// Shift of the window field.
    pub shift: u8,
    mss: u64,
    /// By how much the right edge moves at least: a full segment or half the buffer.
    step: u64,
    pub ack: DelayedAck,
    /// Position, and echo flags, of an acknowledgement that must precede the next.
    pub former: Option<Former>,
    pub echo: Echo,
    /// The acknowledgement that is due is for marks alone.
    of_marks: bool,
    duplicate: Option<(u64, u64)>,
    pub sack: bool,
    /// TS.Recent, and when it was taken.
    recent: Option<(u32, Time)>,
    /// Last.ACK.sent.
    last_ack: u64,
    /// When data last came.
    pub came: Time,
    /// Segments that came out of order.
    pub overtaking: u64,
}

/// An acknowledgement of what came before a change of marks (RFC 8257, section 3.2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Former {
    pub next: u64,
    pub flags: burstlab_network::Flags,
}

impl Receiver {
    pub fn new(config: &Config) -> Receiver {
        Receiver {
            numbering: Numbering::default(),
            next: 0,
            fin: None,
            held: Reassembly::default(),
            read: 0,
            reading: true,
            buffer: config.receive_buffer.get(),
            edge: 0,
            shift: 0,
            mss: u64::from(config.mss),
            step: u64::from(config.mss).min(config.receive_buffer.get() / 2),
            ack: DelayedAck::new(config),
            former: None,
            echo: Echo::new(config.acc_ecn_option),
            of_marks: false,
            duplicate: None,
            sack: false,
            recent: None,
            last_ack: 0,
            came: Time::ZERO,
            overtaking: 0,
        }
    }

    /// Whether the peer's FIN and everything before it arrived.
    pub fn is_finished(&self) -> bool {
        self.fin.is_some_and(|fin| self.next > fin)
    }

    /// Bytes in order, the FIN not counted.
    fn arrived(&self) -> u64 {
        self.next - u64::from(self.is_finished())
    }

    /// Bytes in order that the application has not read.
    pub fn waiting(&self) -> u64 {
        if self.reading { 0 } else { self.arrived() - self.read }
    }

    /// Bytes that the application got.
    pub fn delivered(&self) -> u64 {
        if self.reading { self.arrived() } else { self.read }
    }

    /// Bytes that the window still offers.
    pub fn offered(&self) -> u64 {
        self.edge.saturating_sub(self.next)
    }

    /// The end of the range behind a hole that holds `position`.
    pub fn held_until(&self, position: u64) -> Option<u64> {
        self.held.around(position).map(|range| range.1)
    }

    /// The application starts or stops reading all that comes.
    pub fn set_reading(&mut self, reading: bool) {
        if !reading && self.reading {
            self.read = self.arrived();
        }
        self.reading = reading;
        if reading {
            self.announce_room();
        }
    }

    /// The application reads `bytes` of what waits.
    pub fn read(&mut self, bytes: u64) {
        self.read = (self.read + bytes).min(self.arrived());
        self.announce_room();
    }

    /// The buffer holds `bytes` from now on.
    pub fn set_buffer(&mut self, bytes: u64) {
        self.buffer = bytes;
        self.step = self.mss.min(bytes / 2);
        self.announce_room();
    }

    /// Tells the sender of room, if it grew by enough (RFC 9293, section 3.8.6.2.2).
    fn announce_room(&mut self) {
        let grown = self.right_edge().saturating_sub(self.edge);
        if grown > 0 && grown >= (2 * self.mss).min(self.buffer / 2) {
            self.ack.demand();
        }
    }

    /// The right edge that the buffer allows: never less than was advertised.
    fn right_edge(&self) -> u64 {
        let waiting = if self.reading { 0 } else { self.arrived() - self.read };
        let free = self.buffer.saturating_sub(waiting).min(u64::from(u16::MAX) << self.shift);
        let edge = self.next + (free >> self.shift << self.shift);
        // Against silly windows: it moves by a step or stays.
        let moves = edge >= self.edge + self.step;
        if moves { edge } else { self.edge }
    }

    /// The window field for the next acknowledgement; what it says is promised.
    #[inline]
    pub fn advertise(&mut self) -> u16 {
        let edge = self.right_edge().max(self.next);
        let span = edge - self.next;
        let units = span >> self.shift;
        if units << self.shift == span && units <= u64::from(u16::MAX) {
            self.edge = edge;
            return units as u16;
        }
        self.advertise_rounded(edge, units)
    }

    /// The same where the edge is no whole number of units away.
    #[cold]
    fn advertise_rounded(&mut self, edge: u64, mut units: u64) -> u16 {
        // Rounded down, the edge would move back (RFC 9293, section 3.8.6, SHLD-14); rounded up, a peer that sends crumbs
        // would never find the window closed. So up, but for no more than the buffer once again.
        if edge <= self.capacity() + self.buffer {
            units += 1;
        }
        let units = u16::try_from(units).unwrap_or(u16::MAX);
        // What was offered once is taken, whatever the field says now (RFC 7323, section 2.4, rule 2).
        self.edge = edge.max(self.next + (u64::from(units) << self.shift));
        units
    }

    /// The window field `units` of an acknowledgement of everything before `next`: what it says is promised.
    pub fn promise(&mut self, next: u64, units: u16) {
        self.edge = self.edge.max(next + (u64::from(units) << self.shift));
    }

    /// Where the buffer would be full.
    fn capacity(&self) -> u64 {
        self.next - self.waiting() + self.buffer
    }

    /// The window field of a SYN, which is never scaled (RFC 7323, section 2.2).
    pub fn advertise_unscaled(&mut self) -> u16 {
        let window = self.buffer.min(u64::from(u16::MAX));
        self.edge = self.edge.max(self.next + window);
        window as u16
    }

    /// Whether a segment from `start` to `end` lies in the window: RFC 9293, section 3.4, table 6. An acknowledgement just
    /// behind the window is taken as well, as Linux does: who has filled the window has no other number to give, and
    /// where both sides have, they would answer each other for ever.
    pub fn is_acceptable(&self, start: i64, end: i64) -> bool {
        let (next, edge) = (self.next as i64, self.edge.max(self.next) as i64);
        if end == start {
            return next <= start && start <= edge;
        }
        start < edge && end > next
    }

    /// PAWS (RFC 7323, section 5): whether the segment is an old duplicate.
    pub fn is_old(&self, now: Time, seen: Timestamps) -> bool {
        self.recent
            .is_some_and(|(recent, at)| earlier(seen.value, recent) && now.since(at).as_nanos() < TIMESTAMP_LIFETIME)
    }

    /// Whether the timestamp is later than any that came; none if there is nothing to compare.
    pub fn is_newer(&self, seen: Option<Timestamps>) -> Option<bool> {
        Some(earlier(self.recent?.0, seen?.value))
    }

    /// RFC 7323, section 4.3: the timestamp to echo is that of the oldest segment not yet acknowledged.
    pub fn note_timestamp(&mut self, now: Time, start: i64, timestamps: Option<Timestamps>) {
        if let Some(seen) = timestamps
            && start <= self.last_ack as i64
            && !self.is_old(now, seen)
        {
            self.recent = Some((seen.value, now));
        }
    }

    /// The timestamp to echo.
    pub fn timestamp(&self) -> u32 {
        self.recent.map_or(0, |(recent, _)| recent)
    }

    /// An acceptable segment's payload and FIN.
    // Always: there is one caller, on the fast path.
    #[inline(always)]
    pub fn on_data(&mut self, now: Time, start: i64, segment: &Segment, counters: &mut Counters) {
        match self.echo.on_segment(segment) {
            Ask::Nothing => {}
            Ask::PromptAck => self.ack.demand(),
            Ask::AckOfAck => self.on_marked_ack(),
            Ask::FormerAck => {
                if self.ack.is_waiting() || self.ack.is_due() {
                    self.former = Some(Former { next: self.next, flags: self.echo.flags() });
                }
                self.echo.flip();
                // RFC 8257, section 3.2: the packet that changed it is acknowledged at once, too.
                self.ack.demand();
            }
        }
        let fin = segment.flags.has(burstlab_network::Flags::FIN);
        if segment.payload == 0 && !fin {
            return;
        }
        counters.marked_segments_received += u64::from(segment.codepoint == burstlab_network::Codepoint::Ce);
        let end = start + i64::from(segment.payload);
        if start == self.next as i64 && self.held.is_empty() && !fin && end as u64 <= self.edge {
            self.next = end as u64;
            self.came = now;
            counters.unique_segments_received += 1;
            self.ack.on_data(now, u64::from(segment.payload), self.mss);
            return;
        }
        self.take(now, start.max(0) as u64, end.max(0) as u64, fin, segment.payload > 0, counters);
    }

    #[cold]
    fn on_marked_ack(&mut self) {
        let data_waits = self.ack.is_waiting();
        if data_waits || self.echo.deserves_ack_of_ack() {
            self.of_marks = !data_waits && !self.ack.is_due();
            self.ack.demand();
        }
    }

    /// The long way: out of order, overlapping, or with a FIN.
    #[inline(never)]
    fn take(&mut self, now: Time, start: u64, end: u64, fin: bool, payload: bool, counters: &mut Counters) {
        self.came = now;
        self.of_marks = false;
        let before = self.next;
        let cut = end.min(self.edge.max(self.next));
        if fin && cut == end && self.fin.is_none() {
            self.fin = Some(end);
        }
        let end = self.fin.map_or(cut, |fin| cut.min(fin));
        let mut fresh = 0;
        if start < end && end <= self.next {
            self.duplicate = Some((start, end));
        } else if start < end {
            if start < self.next {
                self.duplicate = Some((start, self.next));
            }
            self.overtaking += u64::from(start > self.next);
            let arrival = self.held.insert(start.max(self.next), end);
            self.duplicate = self.duplicate.or(arrival.duplicate);
            fresh = arrival.fresh;
            self.next = self.held.advance(self.next);
        }
        if self.fin == Some(self.next) {
            self.next += 1;
        }
        if payload {
            let kind = if fresh > 0 {
                &mut counters.unique_segments_received
            } else {
                &mut counters.duplicate_segments_received
            };
            *kind += 1;
        }
        // RFC 5681, section 4.2: at once when out of order and as a hole fills; and RFC 9293 for a FIN.
        let plain =
            !fin && self.duplicate.is_none() && self.held.is_empty() && self.next - before == end.saturating_sub(start);
        self.ack.on_data(now, end.saturating_sub(start), self.mss);
        if !plain {
            self.ack.demand();
        }
    }

    /// An unacceptable segment: acknowledged at once, and reported if it is an old one with data.
    pub fn on_unacceptable(&mut self, start: i64, end: i64, counters: &mut Counters) {
        if end > start && end <= self.next as i64 {
            counters.duplicate_segments_received += 1;
            if start >= 0 {
                self.duplicate = Some((start as u64, (end as u64).min(self.arrived())));
            }
        }
        self.of_marks = false;
        self.ack.demand();
    }

    /// The SACK blocks for the next acknowledgement, at most `room` of them: a D-SACK first (RFC 2883).
    pub fn take_blocks(&mut self, room: usize) -> SackBlocks {
        let mut blocks = SackBlocks::default();
        // An ACK of marked ACKs says nothing of data, so that nobody takes it for a duplicate (RFC 9768, section 3.2.2.5.1).
        if std::mem::take(&mut self.of_marks) || !self.sack || self.held.is_empty() && self.duplicate.is_none() {
            return blocks;
        }
        let wire = |(start, end)| {
            // A FIN has a number of its own (RFC 9293, section 3.4), and came with what ends there.
            let end = end + u64::from(self.fin == Some(end));
            SackBlock { start: self.numbering.wire(start), end: self.numbering.wire(end) }
        };
        let duplicate = self.duplicate.take().filter(|(start, end)| start < end);
        // RFC 2883, section 4.2: the block that holds the duplicate follows it.
        let holder = duplicate.and_then(|(start, _)| self.held.around(start));
        let others = self.held.report().filter(|range| Some(*range) != holder);
        duplicate.into_iter().chain(holder).chain(others).take(room).for_each(|range| blocks.push(wire(range)));
        blocks
    }

    /// Whether there is something to say in SACK blocks.
    pub fn has_blocks(&self) -> bool {
        self.sack && (self.duplicate.is_some() || !self.held.is_empty())
    }

    /// An acknowledgement left.
    #[inline]
    pub fn on_ack_sent(&mut self, now: Time, with_data: bool) {
        self.last_ack = self.next;
        self.ack.on_sent();
        if self.ack.is_quick() {
            self.ack.on_quick_sent(now, with_data);
        }
        self.echo.on_ack_sent();
    }
}
