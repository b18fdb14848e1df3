//! What arrived out of order: RFC 9293, section 3.10.7.4; reported by RFC 2018 and RFC 2883.

use super::ranges::Ranges;

/// Ranges remembered in the order of their last change: the one reported first, and two more (RFC 2018, section 4).
const RECENT: usize = 4;

/// Ranges that are held at most, so that a peer that sends crumbs costs bounded memory and time. What would make one more
/// is dropped before it is acknowledged (RFC 9293, section 3.10.7.4: a receiver may); in one window of 6 MiB, every other
/// packet can be lost.
const MOST: usize = 2048;

/// What a segment brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Bytes that were not there before.
    pub fresh: u64,
    /// The part that was there before, to be reported as a duplicate.
    pub duplicate: Option<(u64, u64)>,
}

/// The ranges held behind a hole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reassembly {
    held: Ranges,
    recent: Vec<(u64, u64)>,
    fresh: Vec<(u64, u64)>,
}

impl Reassembly {
    /// Whether there is no hole.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// `[start, end)` arrived.
    pub fn insert(&mut self, start: u64, end: u64) -> Arrival {
        self.fresh.clear();
        if self.held.count() >= MOST && !self.held.touches(start, end) {
            return Arrival { fresh: 0, duplicate: None };
        }
        self.held.insert(start, end, &mut self.fresh);
        if let Some(range) = self.held.around(start) {
            self.recent.retain(|other| other.1 < range.0 || range.1 < other.0);
            self.recent.insert(0, range);
            self.recent.truncate(RECENT);
        }
        let fresh = self.fresh.iter().map(|r| r.1 - r.0).sum();
        let duplicate = match self.fresh.first() {
            None => Some((start, end)),
            Some(first) if first.0 > start => Some((start, first.0)),
            Some(first) if first.1 < end => Some((first.1, self.fresh.get(1).map_or(end, |second| second.0))),
            Some(_) => None,
        };
        Arrival { fresh, duplicate }
    }

    /// Everything up to `next` arrived in order; gives how far the stream now goes without a hole.
    pub fn advance(&mut self, next: u64) -> u64 {
        let reach = match self.held.first() {
            Some((start, end)) if start <= next => next.max(end),
            _ => next,
        };
        self.held.forget_below(reach);
        self.recent.retain(|range| range.1 > reach);
        reach
    }

    /// The ranges to report, the one that changed last first.
    pub fn report(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.recent.iter().copied()
    }

    /// The range that holds `position`.
    pub fn around(&self, position: u64) -> Option<(u64, u64)> {
        self.held.around(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_range_is_reported_first() {
        let mut held = Reassembly::default();
        for start in [10, 30, 50, 70] {
            held.insert(start, start + 10);
        }
        held.insert(40, 45);
        assert_eq!(held.report().collect::<Vec<_>>(), [(30, 45), (70, 80), (50, 60), (10, 20)]);
    }

    #[test]
    fn duplicates_are_told_apart_from_what_is_new() {
        let mut held = Reassembly::default();
        assert_eq!(held.insert(10, 20), Arrival { fresh: 10, duplicate: None });
        assert_eq!(held.insert(10, 20), Arrival { fresh: 0, duplicate: Some((10, 20)) });
        assert_eq!(held.insert(15, 30), Arrival { fresh: 10, duplicate: Some((15, 20)) });
        assert_eq!(held.insert(5, 12), Arrival { fresh: 5, duplicate: Some((10, 12)) });
    }

    #[test]
    fn crumbs_beyond_a_bound_are_dropped_and_what_closes_holes_is_not() {
        let mut held = Reassembly::default();
        for n in 0..3_000 {
            held.insert(10 * n + 10, 10 * n + 15);
        }
        assert_eq!(held.insert(90_000, 90_005), Arrival { fresh: 0, duplicate: None });
        assert_eq!(held.insert(15, 20), Arrival { fresh: 5, duplicate: None });
        assert_eq!(held.insert(90_000, 90_005).fresh, 5);
    }

    #[test]
    fn a_filled_hole_lets_the_stream_go_on() {
        let mut held = Reassembly::default();
        held.insert(10, 20);
        held.insert(30, 40);
        assert_eq!(held.advance(10), 20);
        assert_eq!(held.advance(25), 25);
        assert_eq!(held.advance(30), 40);
        assert!(held.is_empty());
        assert_eq!(held.report().count(), 0);
    }
}
