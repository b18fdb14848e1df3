//! The greatest bandwidth of the last ten round trips (section 4.1.1).

use std::collections::VecDeque;

/// Length of the window in packet-timed round trips (section 4.1.1.2: BtlBwFilterLen).
const FILTER_LEN: u64 = 10;

/// A windowed maximum: at most one entry a round, and only those that nothing later exceeds.
#[derive(Debug, Clone, Default)]
pub(super) struct BtlBw {
    /// Round and rate; rates fall from front to back.
    best: VecDeque<(u64, f64)>,
}

impl BtlBw {
    /// In bytes per second; zero before the first sample.
    pub(super) fn get(&self) -> f64 {
        self.best.front().map_or(0.0, |(_, rate)| *rate)
    }

    pub(super) fn update(&mut self, rate: f64, round: u64) {
        while self.best.back().is_some_and(|(_, kept)| *kept <= rate) {
            self.best.pop_back();
        }
        if self.best.back().is_none_or(|(kept, _)| *kept != round) {
            self.best.push_back((round, rate));
        }
        while self.best.front().is_some_and(|(kept, _)| kept + FILTER_LEN <= round) {
            self.best.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_maximum_is_forgotten_after_ten_rounds_and_what_came_next_takes_its_place() {
        let mut filter = BtlBw::default();
        filter.update(10.0, 0);
        for round in 1..10 {
            filter.update(10.0 - round as f64, round);
            assert_eq!(filter.get(), 10.0);
        }
        filter.update(0.5, 10);
        assert_eq!(filter.get(), 9.0);
        filter.update(20.0, 11);
        assert_eq!(filter.get(), 20.0);
        assert_eq!(filter.best.len(), 1);
    }

    #[test]
    fn a_round_counts_once_however_many_samples_it_has() {
        let mut filter = BtlBw::default();
        for rate in [5.0, 4.0, 3.0] {
            filter.update(rate, 7);
        }
        assert_eq!((filter.get(), filter.best.len()), (5.0, 1));
    }
}
