//! How late things happened: what a real machine adds to the experiment, and whether the results can be trusted.

use burstlab_units::{Span, Time};
use hdrhistogram::Histogram;

/// Significant decimal digits.
const DIGITS: u8 = 3;

/// How late each event was, in the experiment's time: a packet that reached the end of a link and was handed to its host, a
/// timer of an endpoint, an alarm of an application. What happens between two queues inside the switch is computed for
/// its own instant and cannot be late.
#[derive(Debug, Clone)]
pub struct Lateness {
    late_by: Histogram<u64>,
}

impl Default for Lateness {
    fn default() -> Lateness {
        Lateness { late_by: Histogram::new(DIGITS).expect("three digits are within what the histogram can do") }
    }
}

impl Lateness {
    /// What was due at `due` happened at `now`.
    pub(crate) fn record(&mut self, due: Time, now: Time) {
        // It grows as needed, so there is no value that it cannot take.
        let _ = self.late_by.record(now.since(due).as_nanos());
    }

    /// Nanoseconds of each event.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.late_by
    }

    /// Which part of the events was later than `allowed`, from 0 to 1.
    pub fn share_above(&self, allowed: Span) -> f64 {
        match self.late_by.len() {
            0 => 0.0,
            all => 1.0 - self.late_by.count_between(0, allowed.as_nanos()) as f64 / all as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_late_events_counts_those_above_what_is_allowed() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.share_above(Span::ZERO), 0.0);
        for late in [0, 10, 20, 5000] {
            lateness.record(Time::from_nanos(1000), Time::from_nanos(1000 + late));
        }
        assert_eq!(lateness.share_above(Span::from_nanos(20)), 0.25);
        assert_eq!(lateness.share_above(Span::from_nanos(15)), 0.5);
    }
}
