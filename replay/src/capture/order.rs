//! One stream of packets in order of time, each packet once, out of one or several files.

use std::collections::VecDeque;

use super::segment::Segment;

/// How many packets are held back to be put in order. Where two interfaces are written into one file, their packets
/// come a few out of order; 256 at 100 byte each are 25 kB and cover that many times over.
const HELD: usize = 256;
/// Sightings that are remembered, a power of two.
const REMEMBERED: usize = 4096;
/// Two sightings of one packet, on a bridge's ports or by `any`, are as far apart as forwarding takes.
const SIGHTED_AGAIN_WITHIN: u64 = 5_000_000;
/// Where packets carry no number, a fast retransmission looks like the original; within this no sender can make one,
/// as it takes a round trip.
const UNNUMBERED_AGAIN_WITHIN: u64 = 10_000;

/// A packet's instant, and the TCP segment in it if there is one.
pub(crate) type Sighting = (u64, Option<Segment>);

/// Holds packets back for a while and lets them go in order of time; of equal times the first to come goes first.
#[derive(Default)]
pub(crate) struct Sorter {
    held: VecDeque<Sighting>,
    last: u64,
}

impl Sorter {
    /// Takes a packet in, and lets one go once enough are held.
    pub fn push(&mut self, sighting: Sighting) -> Option<Sighting> {
        let mut at = self.held.len();
        while at > 0 && self.held[at - 1].0 > sighting.0 {
            at -= 1;
        }
        if at == self.held.len() {
            self.held.push_back(sighting);
        } else {
            self.held.insert(at, sighting);
        }
        if self.held.len() > HELD { self.pop() } else { None }
    }

    /// Lets the earliest go. One that came too late to be put in its place goes at the time of the one before.
    pub fn pop(&mut self) -> Option<Sighting> {
        let (time, segment) = self.held.pop_front()?;
        self.last = self.last.max(time);
        Some((self.last, segment))
    }
}

/// Remembers what was seen lately, to tell a packet that is seen a second time.
pub(crate) struct Sightings {
    seen: Vec<(u64, u64)>,
}

impl Sightings {
    pub fn new() -> Sightings {
        Sightings { seen: vec![(0, 0); REMEMBERED] }
    }

    /// Whether this packet was seen a moment ago.
    pub fn is_second(&mut self, time: u64, segment: &Segment) -> bool {
        let slot = &mut self.seen[segment.identity as usize % REMEMBERED];
        let within = if segment.numbered { SIGHTED_AGAIN_WITHIN } else { UNNUMBERED_AGAIN_WITHIN };
        let second = slot.0 == segment.identity && time - slot.1.min(time) <= within;
        *slot = (segment.identity, time);
        second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_a_little_out_of_order_come_out_in_order() {
        let mut sorter = Sorter::default();
        let mut out = Vec::new();
        for time in (0..2000u64).map(|i| if i % 7 == 3 { i * 10 } else { i * 10 + 45 }) {
            out.extend(sorter.push((time, None)));
        }
        out.extend(std::iter::from_fn(|| sorter.pop()));
        assert_eq!(out.len(), 2000);
        assert!(out.is_sorted_by_key(|s| s.0));
    }
}
