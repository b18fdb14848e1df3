//! How much more than the bandwidth explains is acknowledged at once (section 5.5.9).

use super::Bbr;
use crate::Time;

/// Rounds that the estimate looks back over after Startup (section 2.12: BBR.ExtraAckedFilterLen).
const FILTER_LEN: usize = 10;

/// The estimate of aggregation.
#[derive(Debug, Clone)]
pub(super) struct Aggregation {
    interval_start: Time,
    delivered: u64,
    /// Greatest excess of each of the last rounds, by round modulo length.
    rounds: [u64; FILTER_LEN],
    /// Round of the newest of them.
    round: u64,
    extra: u64,
}

impl Aggregation {
    pub(super) const fn new(now: Time) -> Aggregation {
        Aggregation { interval_start: now, delivered: 0, rounds: [0; FILTER_LEN], round: 0, extra: 0 }
    }

    pub(super) const fn extra(&self) -> u64 {
        self.extra
    }

    /// After an idle time the expectation starts anew (section 5.4.1), and so does what is held against it: the section
    /// moves only the start, after which all that was delivered before the pause would count as excess, and the window
    /// would grow with each burst.
    pub(super) fn restart(&mut self, now: Time) {
        self.interval_start = now;
        self.delivered = 0;
    }

    /// Bytes acknowledged beyond what `bw` explains, since the rate of the ACKs last was below it.
    fn excess(&mut self, newly_acked: u64, bw: f64, now: Time) -> u64 {
        let mut expected = (bw * now.since(self.interval_start).as_secs_f64()) as u64;
        if self.delivered <= expected {
            self.delivered = 0;
            self.interval_start = now;
            expected = 0;
        }
        self.delivered = self.delivered.saturating_add(newly_acked);
        self.delivered - expected.min(self.delivered)
    }

    fn remember(&mut self, excess: u64, round: u64, in_startup: bool) {
        let passed = round.saturating_sub(self.round);
        if passed > 0 {
            if in_startup {
                // A round's excess is soon history while the rate doubles.
                self.rounds.fill(0);
            }
            for i in 0..passed.min(FILTER_LEN as u64) {
                self.rounds[((round - i) % FILTER_LEN as u64) as usize] = 0;
            }
            self.round = round;
            self.extra = self.rounds.iter().copied().max().unwrap_or(0);
        }
        let slot = &mut self.rounds[(self.round % FILTER_LEN as u64) as usize];
        *slot = excess.max(*slot);
        self.extra = self.extra.max(excess);
    }
}

impl Bbr {
    /// UpdateACKAggregation.
    pub(super) fn update_ack_aggregation(&mut self) {
        let excess = self.aggregation.excess(self.rs.newly_acked, self.bw, self.now).min(self.output.cwnd);
        self.aggregation.remember(excess, self.rounds.count, !self.full_pipe.reached);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_is_what_comes_faster_than_the_bandwidth() {
        let mut aggregation = Aggregation::new(Time::ZERO);
        // 1000 bytes a microsecond; 5000 come at once every 5 us.
        let at = |us: u64| Time::from_nanos(us * 1000);
        assert_eq!(aggregation.excess(5000, 1e9, at(5)), 5000);
        assert_eq!(aggregation.excess(5000, 1e9, at(10)), 5000);
        // Twice the bandwidth from here on.
        assert_eq!(aggregation.excess(5000, 1e9, at(11)), 9000);
        assert_eq!(aggregation.excess(0, 1e9, at(12)), 8000);
    }

    #[test]
    fn what_was_delivered_before_a_pause_is_no_excess_after_it() {
        let mut aggregation = Aggregation::new(Time::ZERO);
        let at = |us: u64| Time::from_nanos(us * 1000);
        for us in 1..=1000 {
            aggregation.excess(1000, 1e9, at(us));
        }
        aggregation.restart(at(5000));
        assert_eq!(aggregation.excess(1000, 1e9, at(5001)), 1000);
    }

    #[test]
    fn the_greatest_of_ten_rounds_counts_and_of_one_in_startup() {
        let mut aggregation = Aggregation::new(Time::ZERO);
        aggregation.remember(500, 1, true);
        aggregation.remember(100, 2, true);
        assert_eq!(aggregation.extra(), 100);
        aggregation.remember(700, 3, false);
        (4..=12).for_each(|round| aggregation.remember(10, round, false));
        assert_eq!(aggregation.extra(), 700);
        aggregation.remember(10, 13, false);
        assert_eq!(aggregation.extra(), 10);
        aggregation.remember(20, 100, false);
        assert_eq!(aggregation.extra(), 20);
    }
}
