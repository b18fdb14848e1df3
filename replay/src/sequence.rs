//! First-time bytes of one direction of a connection, from its sequence numbers (RFC 9293, section 3.4).

/// Ranges that may be missing at once; beyond that the earliest is given up, so that memory stays bounded.
const MOST_HOLES: usize = 1024;
/// A jump beyond the largest window that TCP can offer (RFC 7323, section 2.3) is not a hole but a capture that
/// missed the middle of the connection.
const LARGEST_WINDOW: i64 = 1 << 30;
/// Where unwrapped numbers begin: far enough from zero that what precedes the first seen byte has a place.
const ORIGIN: u64 = 1 << 33;

/// What is known of one direction's byte stream. Numbers are unwrapped to 64 bits.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// The number after the highest seen, or nothing before the first segment.
    next: Option<u64>,
    /// What the other side acknowledged.
    acknowledged: Option<u64>,
    /// Ranges below `next` that were not seen yet, ascending.
    holes: Vec<(u64, u64)>,
    syn: Option<u32>,
}

impl Sequence {
    /// Takes a SYN in. Returns whether it opens a connection other than the one at hand.
    pub fn is_new_connection(&self, sequence: u32) -> bool {
        match self.syn {
            Some(known) => known != sequence,
            None => self.next.is_some(),
        }
    }

    /// Whether nothing was seen of it yet.
    pub fn is_new(&self) -> bool {
        self.syn.is_none() && self.next.is_none()
    }

    /// Begins a connection: SYN consumes a number.
    pub fn open(&mut self, sequence: u32) {
        let first = (ORIGIN & !0xffff_ffff) + u64::from(sequence.wrapping_add(1));
        *self = Sequence { next: Some(first), acknowledged: self.acknowledged, holes: Vec::new(), syn: Some(sequence) };
    }

    /// How many of the `length` bytes from `sequence` on are seen for the first time.
    pub fn first_time(&mut self, sequence: u32, length: u32) -> u64 {
        let next = *self.next.get_or_insert((ORIGIN & !0xffff_ffff) + u64::from(sequence));
        let ahead = i64::from(sequence.wrapping_sub(next as u32) as i32);
        let start = next.wrapping_add_signed(ahead);
        let end = start + u64::from(length);
        if ahead >= 0 {
            if ahead > 0 && ahead <= LARGEST_WINDOW {
                self.miss(next, start);
            }
            self.next = Some(end);
            return u64::from(length);
        }
        let beyond = end.saturating_sub(next);
        self.next = Some(next.max(end));
        beyond + self.fill(start, end)
    }

    fn miss(&mut self, from: u64, to: u64) {
        if self.holes.len() == MOST_HOLES {
            self.holes.remove(0);
        }
        self.holes.push((from, to));
    }

    /// Removes what lies within `start..end` from the holes; returns how much that was.
    fn fill(&mut self, start: u64, end: u64) -> u64 {
        if self.holes.is_empty() {
            return 0;
        }
        let mut filled = 0;
        let mut left = Vec::with_capacity(self.holes.len());
        for &(from, to) in &self.holes {
            let (low, high) = (from.max(start), to.min(end));
            if low >= high {
                left.push((from, to));
                continue;
            }
            filled += high - low;
            left.extend([(from, low), (high, to)].into_iter().filter(|(a, b)| a < b));
        }
        self.holes = left;
        filled
    }

    /// Takes the other side's acknowledgement in. Returns how many bytes it covers that the capture missed, though
    /// both what precedes and what follows them was seen.
    pub fn acknowledge(&mut self, acknowledgement: u32) -> u64 {
        let Some(next) = self.next else { return 0 };
        let ahead = i64::from(acknowledgement.wrapping_sub(next as u32) as i32);
        let upto = next.wrapping_add_signed(ahead);
        if self.acknowledged.is_some_and(|known| known >= upto) {
            return 0;
        }
        self.acknowledged = Some(upto);
        self.fill(0, upto)
    }

    /// Whether all that was seen is acknowledged: then the sender had nothing under way. Where the capture does not hold
    /// acknowledgements, this is never known.
    pub fn is_drained(&self) -> bool {
        self.acknowledged.zip(self.next).is_some_and(|(acknowledged, next)| acknowledged >= next)
    }

    /// Whether a retransmission is still to come, by acknowledgements that do not pass a hole. Without acknowledgements a
    /// hole may as well be a packet that the capture missed.
    pub fn awaits_repair(&self) -> bool {
        !self.holes.is_empty() && self.has_acknowledgements()
    }

    /// Whether the other side was seen to acknowledge.
    pub fn has_acknowledgements(&self) -> bool {
        self.acknowledged.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn opened(isn: u32) -> Sequence {
        let mut s = Sequence::default();
        s.open(isn);
        s
    }

    #[test]
    fn a_retransmission_counts_nothing() {
        let mut s = opened(99);
        assert_eq!(s.first_time(100, 1000), 1000);
        assert_eq!(s.first_time(100, 1000), 0);
        assert_eq!(s.first_time(600, 1000), 500);
    }

    #[test]
    fn a_hole_counts_when_it_is_filled() {
        let mut s = opened(99);
        assert_eq!(s.first_time(1100, 1000), 1000);
        s.acknowledge(100);
        assert!(s.awaits_repair());
        assert_eq!(s.first_time(100, 400), 400);
        assert_eq!(s.first_time(100, 1000), 600);
        assert!(!s.awaits_repair());
    }

    #[test]
    fn numbers_wrap_around() {
        let mut s = opened(u32::MAX - 500);
        let mut sum = 0;
        for i in 0..10u32 {
            sum += s.first_time((u32::MAX - 499).wrapping_add(i * 1000), 1000);
        }
        assert_eq!(sum, 10_000);
        assert_eq!(s.first_time(0, 100), 0);
    }

    #[test]
    fn the_first_segment_seen_begins_the_stream_when_the_handshake_is_missing() {
        let mut s = Sequence::default();
        assert_eq!(s.first_time(5, 10), 10);
        assert_eq!(s.first_time(0, 5), 0);
        assert_eq!(s.first_time(15, 10), 10);
    }

    #[test]
    fn an_acknowledged_hole_was_delivered_without_being_seen() {
        let mut s = opened(99);
        s.first_time(100, 100);
        s.first_time(300, 100);
        assert_eq!(s.acknowledge(200), 0);
        assert_eq!(s.acknowledge(400), 100);
        assert!(s.is_drained());
        assert_eq!(s.first_time(200, 100), 0);
    }

    #[test]
    fn a_keep_alive_counts_nothing() {
        let mut s = opened(99);
        s.first_time(100, 100);
        assert_eq!(s.first_time(199, 1), 0);
        assert_eq!(s.first_time(200, 10), 10);
    }

    proptest! {
        #[test]
        fn any_order_of_any_pieces_counts_each_byte_once(
            isn in any::<u32>(),
            pieces in prop::collection::vec((0u32..5000, 1u32..1500), 1..60),
        ) {
            let mut s = opened(isn);
            let mut seen = vec![false; 7000];
            for (offset, length) in pieces {
                let fresh = (offset..offset + length).filter(|&i| !std::mem::replace(&mut seen[i as usize], true));
                prop_assert_eq!(s.first_time(isn.wrapping_add(1 + offset), length), fresh.count() as u64);
            }
        }
    }
}
