//! What left, what arrived, and what may therefore be said: kept beside the stack, by its packets alone.

use std::collections::BTreeMap;

use burstlab_network::{Flags, Segment};
use burstlab_stacks::Endpoint;

use crate::settings::Settings;

/// Both sides' accounts.
pub struct Ledger {
    sides: [Side; 2],
}

#[derive(Default)]
struct Side {
    /// Number of the first byte that it sends.
    first: u32,
    mss: u32,
    /// Shift of the window field in its SYN, if it offers one.
    offer: Option<u8>,
    /// Position behind the highest that it sent.
    sent: u64,
    /// What arrived here of the peer's stream: from each position to another, disjoint.
    arrived: BTreeMap<u64, u64>,
    /// Position of the peer's FIN, if it arrived.
    fin: Option<u64>,
    /// Position up to which it acknowledged.
    acknowledged: u64,
    /// Right edge of the window that it gave the peer last and that arrived there, at most.
    edge: u64,
    /// Right edge that it gave last.
    given: u64,
}

impl Side {
    /// Everything before it arrived.
    fn whole(&self) -> u64 {
        self.arrived.get(&0).copied().unwrap_or(0)
    }

    fn arrive(&mut self, mut start: u64, mut end: u64) {
        while let Some((&a, &b)) = self.arrived.range(..=end).next_back().filter(|(_, b)| **b >= start) {
            self.arrived.remove(&a);
            (start, end) = (start.min(a), end.max(b));
        }
        self.arrived.insert(start, end);
    }
}

/// The position that `number` means in a stream that begins at `first`, near the position `near`.
fn position(number: u32, first: u32, near: u64) -> i64 {
    let at = first.wrapping_add(near as u32);
    near as i64 + i64::from(number.wrapping_sub(at) as i32)
}

impl Ledger {
    /// Nothing has happened.
    pub fn new(settings: &[Settings; 2]) -> Ledger {
        let side = |settings: &Settings| Side { mss: u32::from(settings.config(0).mss), ..Side::default() };
        Ledger { sides: [side(&settings[0]), side(&settings[1])] }
    }

    fn shift(&self, side: usize) -> u8 {
        match (self.sides[side].offer, self.sides[1 - side].offer) {
            (Some(own), Some(_)) => own,
            _ => 0,
        }
    }

    /// `segment` leaves `side`; how many of its bytes did so before.
    pub fn on_departure(&mut self, side: usize, segment: &Segment, endpoint: &dyn Endpoint) -> u64 {
        assert!(segment.options_len() <= 40, "{} bytes of options", segment.options_len());
        if segment.flags.has(Flags::RST) {
            return 0;
        }
        if segment.flags.has(Flags::SYN) {
            self.sides[side].first = segment.seq.wrapping_add(1);
            self.sides[side].offer = segment.syn.window_scale;
            return 0;
        }
        self.check_acknowledgement(side, segment);
        if segment.seq_len() == 0 {
            return 0;
        }
        self.check_data(side, segment, endpoint)
    }

    /// No acknowledgement of what did not arrive; the window's right edge never moves back (RFC 9293, section 3.8.6), but
    /// for what the window field's unit cannot express (RFC 7323, section 2.4).
    fn check_acknowledgement(&mut self, side: usize, segment: &Segment) {
        let (shift, first) = (self.shift(side), self.sides[1 - side].first);
        let own = &mut self.sides[side];
        let whole = own.whole();
        let most = whole + u64::from(own.fin == Some(whole));
        let ack = position(segment.ack, first, whole);
        assert!(ack >= 0 && ack as u64 <= most, "{ack} is acknowledged, and {most} arrived");
        let ack = ack as u64;
        let edge = ack + (u64::from(segment.window) << shift);
        if ack >= own.acknowledged {
            assert!(edge + (1 << shift) > own.given, "the window's edge moves back from {} to {edge}", own.given);
            own.given = own.given.max(edge);
        }
        own.acknowledged = own.acknowledged.max(ack);
    }

    /// Nothing beyond what was written, nor beyond the peer's window by more than the byte of a probe; how many bytes went
    /// before.
    fn check_data(&mut self, side: usize, segment: &Segment, endpoint: &dyn Endpoint) -> u64 {
        let edge = self.sides[1 - side].edge;
        let mss = self.sides[0].mss.min(self.sides[1].mss);
        let own = &mut self.sides[side];
        let start = position(segment.seq, own.first, own.sent);
        assert!(start >= 0 && start as u64 <= own.sent, "a hole before {start}: sent is {}", own.sent);
        let end = start as u64 + u64::from(segment.payload);
        assert!(end <= endpoint.written(), "up to {end} is sent, and {} written", endpoint.written());
        assert!(end <= edge + 1, "up to {end} is sent into a window up to {edge}");
        assert!(segment.payload <= mss, "{} bytes, the MSS is {mss}", segment.payload);
        let again = own.sent.min(end).saturating_sub(start as u64);
        own.sent = own.sent.max(start as u64 + u64::from(segment.seq_len()));
        again
    }

    /// `segment` arrives at `side`.
    pub fn on_arrival(&mut self, side: usize, segment: &Segment) {
        if segment.flags.has(Flags::RST) {
            return;
        }
        let first = self.sides[1 - side].first;
        let shift = if segment.flags.has(Flags::SYN) { 0 } else { self.shift(1 - side) };
        if segment.flags.has(Flags::ACK) {
            let ack = position(segment.ack, self.sides[side].first, self.sides[side].sent);
            let edge = ack.max(0) as u64 + (u64::from(segment.window) << shift);
            self.sides[1 - side].edge = self.sides[1 - side].edge.max(edge);
        } else if segment.flags.has(Flags::SYN) {
            self.sides[1 - side].edge = self.sides[1 - side].edge.max(u64::from(segment.window));
        }
        let own = &mut self.sides[side];
        if segment.flags.has(Flags::SYN) {
            return;
        }
        let start = position(segment.seq, first, own.whole());
        assert!(start >= 0, "before the stream's begin");
        let end = start as u64 + u64::from(segment.payload);
        if segment.payload > 0 {
            own.arrive(start as u64, end);
        }
        if segment.flags.has(Flags::FIN) {
            own.fin = Some(end);
        }
    }

    /// What can be seen of `side` from outside; `arrived`: bytes that it has in order, read or not.
    pub fn look(&self, side: usize, endpoint: &dyn Endpoint, arrived: u64) {
        let (own, peer) = (&self.sides[side], &self.sides[1 - side]);
        assert!(endpoint.received() <= arrived);
        assert!(arrived <= own.whole(), "{arrived} are taken, and {} arrived", own.whole());
        let acknowledged = endpoint.acknowledged();
        assert!(acknowledged <= peer.acknowledged, "{acknowledged} of {} acknowledged", peer.acknowledged);
        assert!(acknowledged <= endpoint.written());
        let in_flight = endpoint.snapshot().in_flight.get();
        assert!(in_flight <= own.sent - acknowledged, "{in_flight} in flight, {} sent", own.sent - acknowledged);
    }
}
