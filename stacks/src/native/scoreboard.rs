//! What was sent and not yet acknowledged: one record a packet, in stream order.
//!
//! Packets have numbers that count up from the first; a ring holds the records of the outstanding ones, so that a
//! number finds its record at once and a cumulative ACK takes records off the front. Nothing here walks over the
//! window for an ACK.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use burstlab_algorithms::Time;

use super::ranges::Ranges;
pub(crate) use super::record::{Record, State};

/// Packets by where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Census {
    /// Sent and not acknowledged cumulatively.
    pub out: u32,
    /// Of these: selectively acknowledged,
    pub sacked: u32,
    /// lost and not sent again,
    pub lost: u32,
    /// and sent again.
    pub resent: u32,
}

/// The records, and the sums over them.
#[derive(Debug, Default)]
pub(crate) struct Scoreboard {
    records: VecDeque<Record>,
    /// Number of the record at the front.
    base: u64,
    /// First unacknowledged position.
    una: u64,
    /// Position behind the last one sent.
    next: u64,
    in_flight: u64,
    lost: u64,
    sacked: u64,
    /// The same in packets.
    sacked_packets: u64,
    /// Bytes that duplicate ACKs of a peer without SACK tell of; not counted as in flight.
    vouched: u64,
    /// What is selectively acknowledged.
    ranges: Ranges,
    /// Numbers of packets to be sent again, lowest first; stale ones are skipped.
    resend: BinaryHeap<Reverse<u64>>,
    /// Retransmissions in the order in which they left; stale ones are skipped.
    resent: VecDeque<(u64, u32)>,
    /// No packet below this number is on its way for the first time.
    originals: u64,
    /// The blocks that were reported last.
    known: [(u64, u64); 4],
    /// Number behind that of the packet that was sacked last.
    sacked_last: u64,
    /// Transmissions so far, modulo 2^32.
    sent: u32,
    fresh: Vec<(u64, u64)>,
}

impl Scoreboard {
    /// First unacknowledged position.
    pub fn una(&self) -> u64 {
        self.una
    }

    /// Position behind the last one sent.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Bytes sent, and neither delivered nor lost.
    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Bytes lost and not yet sent again.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Bytes selectively acknowledged.
    pub fn sacked(&self) -> u64 {
        self.sacked
    }

    /// Packets selectively acknowledged.
    pub fn sacked_packets(&self) -> u64 {
        self.sacked_packets
    }

    /// Bytes that duplicate ACKs told of, if the peer has no SACK.
    pub fn vouched(&self) -> u64 {
        self.vouched
    }

    /// A duplicate ACK of a peer without SACK: some packet of up to `bytes` arrived, nobody knows which.
    pub fn vouch(&mut self, bytes: u64) {
        // The first has not arrived, or the ACK would say so; if it is lost, it is not in flight either.
        let first = self.records.front().filter(|record| record.state == State::InFlight);
        let first = first.map_or(0, |record| u64::from(record.len));
        let bytes = bytes.min(self.in_flight.saturating_sub(first));
        self.in_flight -= bytes;
        self.vouched += bytes;
    }

    /// Forgets what duplicate ACKs told; gives how much that was.
    pub fn take_vouched(&mut self) -> u64 {
        let vouched = std::mem::take(&mut self.vouched);
        self.in_flight += vouched;
        vouched
    }

    /// Whether everything sent is acknowledged.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Number of the first outstanding packet.
    pub fn first(&self) -> u64 {
        self.base
    }

    /// Number that the next new packet gets.
    pub fn end(&self) -> u64 {
        self.base + self.records.len() as u64
    }

    /// The record of packet `number`, if it is outstanding.
    pub fn get(&self, number: u64) -> Option<&Record> {
        self.records.get(number.checked_sub(self.base)? as usize)
    }

    /// The same, to change what does not enter the sums.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Record> {
        self.records.get_mut(number.checked_sub(self.base)? as usize)
    }

    /// Number of the first packet that ends behind `position`.
    pub fn number_at(&self, position: u64) -> u64 {
        self.base + self.find(position) as u64
    }

    /// A new packet leaves.
    pub fn push(&mut self, mut record: Record) {
        self.sent = self.sent.wrapping_add(1);
        record.order = self.sent;
        debug_assert_eq!(record.start, self.next);
        self.next = record.end();
        self.in_flight += u64::from(record.len);
        self.records.push_back(record);
    }

    /// Packet `number` leaves again, at `now`.
    pub fn resend(&mut self, number: u64, now: Time) {
        let Some(record) = self.records.get_mut((number - self.base) as usize) else { return };
        if record.state == State::Lost {
            record.state = State::InFlight;
            self.lost -= u64::from(record.len);
            self.in_flight += u64::from(record.len);
        }
        record.set_retransmitted();
        record.sent_at = now;
        self.sent = self.sent.wrapping_add(1);
        record.order = self.sent;
        self.resent.push_back((number, self.sent));
        if self.lost == 0 {
            self.resend.clear();
        }
    }

    /// The lowest packet to be sent again.
    pub fn next_lost(&mut self) -> Option<u64> {
        if self.lost == 0 {
            return None;
        }
        while let Some(&Reverse(number)) = self.resend.peek() {
            if self.get(number).is_some_and(|r| r.state == State::Lost) {
                return Some(number);
            }
            self.resend.pop();
        }
        None
    }

    /// Packet `number` is lost. Whether it was on its way before.
    pub fn mark_lost(&mut self, number: u64) -> bool {
        let Some(record) = self.records.get_mut((number - self.base) as usize) else { return false };
        if record.state != State::InFlight {
            return false;
        }
        record.state = State::Lost;
        let len = u64::from(record.len);
        // What is lost now was not among what duplicate ACKs told of.
        let told = len.saturating_sub(self.in_flight);
        self.vouched -= told;
        self.in_flight = self.in_flight + told - len;
        self.lost += len;
        self.resend.push(Reverse(number));
        true
    }

    /// Takes back every loss mark: what was marked is on its way after all.
    pub fn unmark_lost(&mut self) {
        for record in self.records.iter_mut().filter(|r| r.state == State::Lost) {
            record.state = State::InFlight;
        }
        self.in_flight += self.lost;
        self.lost = 0;
        self.resend.clear();
        // What was sent again before and then marked lost has left the order of retransmissions: bring it back.
        self.reorder();
    }

    /// Acknowledges everything below `position`; `delivered` sees each record that goes, still in its old state.
    pub fn acknowledge(&mut self, position: u64, mut delivered: impl FnMut(&Record)) {
        while let Some(record) = self.records.front_mut() {
            let len = u64::from(record.len);
            if record.end() > position {
                if record.start < position {
                    Self::cut_front(record, position, [&mut self.in_flight, &mut self.lost, &mut self.sacked]);
                }
                break;
            }
            match record.state {
                State::InFlight => self.in_flight -= len,
                State::Lost => self.lost -= len,
                State::Sacked => {
                    self.sacked -= len;
                    self.sacked_packets -= 1;
                }
            }
            delivered(record);
            self.records.pop_front();
            self.base += 1;
        }
        self.una = position;
        if !self.ranges.is_empty() {
            self.ranges.forget_below(position);
        }
    }

    /// A peer acknowledged part of a packet: only the rest stays.
    fn cut_front(record: &mut Record, position: u64, [in_flight, lost, sacked]: [&mut u64; 3]) {
        let cut = position - record.start;
        *match record.state {
            State::InFlight => in_flight,
            State::Lost => lost,
            State::Sacked => sacked,
        } -= cut;
        record.start = position;
        record.len -= cut as u32;
    }

    /// Acknowledges `[start, end)` selectively; `delivered` sees each record that is so for the first time.
    pub fn acknowledge_selectively(&mut self, start: u64, end: u64, mut delivered: impl FnMut(&Record)) {
        // ACKs say the same several times over (RFC 2018, section 4).
        if self.known.contains(&(start, end)) {
            return;
        }
        self.known.rotate_right(1);
        self.known[0] = (start, end);
        let Some((start, end)) = self.whole_packets(start.max(self.una), end.min(self.next)) else { return };
        let mut fresh = std::mem::take(&mut self.fresh);
        self.ranges.insert(start, end, &mut fresh);
        for (start, end) in fresh.drain(..) {
            let mut index = self.find(start);
            while let Some(record) = self.records.get_mut(index).filter(|r| r.start < end) {
                index += 1;
                if record.state == State::Sacked {
                    continue;
                }
                delivered(record);
                let len = u64::from(record.len);
                match record.state {
                    State::InFlight => self.in_flight -= len,
                    _ => self.lost -= len,
                }
                self.sacked += len;
                self.sacked_packets += 1;
                record.state = State::Sacked;
            }
            self.sacked_last = self.base + index as u64;
        }
        self.fresh = fresh;
    }

    /// The packets that lie within `[start, end)` as a whole, if there is one. Only these count: an honest peer's blocks
    /// begin and end where packets do, and another's should not make more ranges than there are packets.
    fn whole_packets(&self, start: u64, end: u64) -> Option<(u64, u64)> {
        let first = self.find(start);
        let begin = self.records.get(first)?.start;
        let begin = if begin >= start { begin } else { self.records.get(first + 1)?.start };
        let last = self.records.partition_point(|r| r.end() <= end).checked_sub(1)?;
        let end = self.records.get(last)?.end();
        (begin < end).then_some((begin, end))
    }

    /// Place in the ring of the first record that ends behind `position`. What is newly sacked mostly follows what was
    /// sacked before it.
    fn find(&self, position: u64) -> usize {
        let guess = self.sacked_last.saturating_sub(self.base) as usize;
        match self.records.get(guess) {
            Some(record) if record.start == position => guess,
            _ => self.records.partition_point(|r| r.end() <= position),
        }
    }

    /// Cuts what carries more than `mss` bytes of payload and has not arrived into packets that do not; gives the numbers
    /// of those that are on their way.
    pub fn split(&mut self, mss: u32) -> Vec<u64> {
        let (mut whole, mut cut) = (VecDeque::with_capacity(self.records.len()), Vec::new());
        for mut record in std::mem::take(&mut self.records) {
            let large = record.payload() > mss && record.state != State::Sacked;
            while large && record.payload() > mss {
                let mut piece = record;
                piece.is_not_the_last();
                piece.len = mss;
                record.start += u64::from(mss);
                record.len -= mss;
                if piece.state == State::InFlight {
                    cut.push(self.base + whole.len() as u64);
                }
                whole.push_back(piece);
            }
            if large && record.state == State::InFlight {
                cut.push(self.base + whole.len() as u64);
            }
            whole.push_back(record);
        }
        self.records = whole;
        let lost = self.records.iter().zip(self.base..).filter(|(r, _)| r.state == State::Lost);
        self.resend = lost.map(|(_, number)| Reverse(number)).collect();
        self.sacked_last = self.base;
        self.reorder();
        cut
    }

    /// Puts the packets on their way in the order of their transmissions anew.
    fn reorder(&mut self) {
        self.originals = self.base;
        self.resent.clear();
        let again =
            self.records.iter().zip(self.base..).filter(|(r, _)| r.is_retransmitted() && r.state == State::InFlight);
        self.resent.extend(again.map(|(r, number)| (number, r.order)));
        let sent = self.sent;
        self.resent.make_contiguous().sort_by_key(|(_, order)| std::cmp::Reverse(sent.wrapping_sub(*order)));
    }

    /// How many packets are out, sacked, lost, and out again.
    pub fn census(&self) -> Census {
        let mut census = Census { out: self.records.len() as u32, ..Census::default() };
        for record in &self.records {
            census.sacked += u32::from(record.state == State::Sacked);
            census.lost += u32::from(record.state == State::Lost);
            census.resent += u32::from(record.state == State::InFlight && record.is_retransmitted());
        }
        census
    }

    /// The receiver threw away what it had selectively acknowledged (RFC 2018, section 8): all of that is on its way
    /// again.
    pub fn renege(&mut self) {
        for record in self.records.iter_mut().filter(|r| r.state == State::Sacked) {
            record.state = State::InFlight;
        }
        self.in_flight += self.sacked;
        self.sacked = 0;
        self.sacked_packets = 0;
        self.ranges.clear();
        self.known = Default::default();
        self.originals = self.base;
    }

    /// Whether it is plain to see that all packets on their way left after the one with the place `order`: the common
    /// case.
    pub fn nothing_sent_by(&self, order: u32) -> bool {
        self.sacked == 0 && self.resent.is_empty() && self.records.front().is_none_or(|first| first.sent_after(order))
    }

    /// The packet on its way that was sent the longest ago among those sent once.
    pub fn oldest_original(&mut self) -> Option<(u64, &Record)> {
        self.originals = self.originals.max(self.base);
        let mut index = (self.originals - self.base) as usize;
        while let Some(record) = self.records.get(index) {
            if record.state == State::InFlight && !record.is_retransmitted() {
                break;
            }
            index += 1;
        }
        self.originals = self.base + index as u64;
        self.records.get(index).map(|record| (self.originals, record))
    }

    /// The packet on its way that was sent the longest ago among those sent again.
    pub fn oldest_resent(&mut self) -> Option<(u64, &Record)> {
        while let Some(&(number, order)) = self.resent.front() {
            if self.get(number).is_some_and(|r| r.state == State::InFlight && r.order == order) {
                return self.get(number).map(|r| (number, r));
            }
            self.resent.pop_front();
        }
        None
    }

    /// Panics unless the sums are those of the records.
    #[cfg(test)]
    pub fn check(&self) {
        let sum = |state| self.records.iter().filter(|r| r.state == state).map(|r| u64::from(r.len)).sum::<u64>();
        assert_eq!(self.in_flight + self.vouched, sum(State::InFlight), "in flight");
        assert_eq!(self.lost, sum(State::Lost), "lost");
        assert_eq!(self.sacked, sum(State::Sacked), "sacked");
        assert_eq!(self.sacked_packets, u64::from(self.census().sacked), "sacked packets");
        assert_eq!(self.in_flight + self.vouched + self.lost + self.sacked, self.next - self.una);
        let mut at = self.una;
        for record in &self.records {
            assert_eq!(record.start, at);
            at = record.end();
        }
        assert_eq!(at, self.next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(packets: u64) -> Scoreboard {
        let mut board = Scoreboard::default();
        for n in 0..packets {
            let mut record = Record::new(n * 10, 10, false);
            record.sent_at = Time::from_nanos(n);
            board.push(record);
        }
        board
    }

    fn sacked(board: &mut Scoreboard, start: u64, end: u64) -> Vec<u64> {
        let mut seen = Vec::new();
        board.acknowledge_selectively(start, end, |r| seen.push(r.start));
        board.check();
        seen
    }

    #[test]
    fn a_packet_is_delivered_once_whichever_way() {
        let mut board = board(5);
        assert_eq!(sacked(&mut board, 20, 40), [20, 30]);
        assert_eq!(sacked(&mut board, 10, 40), [10]);
        let mut states = Vec::new();
        board.acknowledge(30, |r| states.push(r.state));
        assert_eq!(states, [State::InFlight, State::Sacked, State::Sacked]);
        board.check();
        assert_eq!((board.in_flight(), board.sacked()), (10, 10));
    }

    #[test]
    fn half_a_packet_is_not_delivered_by_a_sack_but_cut_by_an_ack() {
        let mut board = board(3);
        assert_eq!(sacked(&mut board, 15, 25), [0u64; 0]);
        assert_eq!(sacked(&mut board, 10, 15), [0u64; 0], "blocks of an honest peer end where packets do");
        assert_eq!(sacked(&mut board, 5, 29), [10]);
        board.acknowledge(5, |_| {});
        board.check();
        assert_eq!(board.in_flight(), 15);
    }

    #[test]
    fn lost_packets_come_out_lowest_first_and_once() {
        let mut board = board(4);
        assert!(board.mark_lost(2) && board.mark_lost(0) && !board.mark_lost(2));
        assert_eq!(board.next_lost(), Some(0));
        board.resend(0, Time::from_nanos(9));
        assert_eq!(board.next_lost(), Some(2));
        board.resend(2, Time::from_nanos(9));
        assert_eq!(board.next_lost(), None);
        board.check();
    }

    #[test]
    fn what_duplicates_told_of_is_not_forgotten_while_the_first_packet_is_lost() {
        let mut board = board(3);
        board.vouch(20);
        board.mark_lost(0);
        let told = board.take_vouched();
        board.vouch(told);
        board.check();
        assert_eq!((board.vouched(), board.in_flight(), board.lost()), (20, 0, 10));
    }

    #[test]
    fn what_is_too_large_is_cut_into_pieces_that_fit() {
        let mut board = board(2);
        let mut last = Record::new(20, 25, true);
        last.sent_at = Time::from_nanos(9);
        board.push(last);
        sacked(&mut board, 0, 10);
        board.mark_lost(1);
        assert_eq!(board.split(10), [2, 3, 4]);
        board.check();
        let pieces: Vec<_> =
            (0..5).map(|n| *board.get(n).unwrap()).map(|r| (r.start, r.payload(), r.is_fin())).collect();
        assert_eq!(pieces, [(0, 10, false), (10, 10, false), (20, 10, false), (30, 10, false), (40, 5, true)]);
        assert_eq!((board.next_lost(), board.end()), (Some(1), 5));
        board.acknowledge(46, |_| {});
        board.check();
    }

    #[test]
    fn losses_can_be_taken_back() {
        let mut board = board(4);
        board.mark_lost(1);
        board.mark_lost(3);
        board.unmark_lost();
        board.check();
        assert_eq!(board.in_flight(), 40);
        assert_eq!(board.oldest_original().map(|(n, _)| n), Some(0));
    }
}
