//! The timestamp clock: RFC 7323, section 5.4.

use burstlab_algorithms::{Span, Time};

/// Nanoseconds of the default tick.
const MICROSECOND: u64 = 1000;

/// Turns instants into timestamps.
#[derive(Debug, Clone, Copy)]
pub(super) struct StampClock {
    tick: u64,
}

impl StampClock {
    /// A clock that ticks once in `tick`.
    pub fn new(tick: Span) -> StampClock {
        StampClock { tick: tick.as_nanos().max(1) }
    }

    /// The timestamp of `now`.
    pub fn at(self, now: Time) -> u32 {
        // By a number that the compiler knows, a division is a multiplication.
        let ticks = if self.tick == MICROSECOND { now.as_nanos() / MICROSECOND } else { now.as_nanos() / self.tick };
        ticks as u32
    }

    /// Time between the timestamp `echo` and `now`; none if the echo is not of the past.
    pub fn since(self, echo: u32, now: Time) -> Option<Span> {
        let ticks = self.at(now).wrapping_sub(echo);
        (ticks < u32::MAX / 2).then(|| Span::from_nanos(u64::from(ticks) * self.tick))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_counts_ticks_and_wraps() {
        let at = |tick, ns| StampClock::new(tick).at(Time::from_nanos(ns));
        assert_eq!(at(Span::from_micros(1), 1_999), 1);
        assert_eq!(at(Span::from_millis(1), 7_999_999), 7);
        assert_eq!(at(Span::from_micros(1), ((1 << 32) + 5) * 1000), 5);
    }

    #[test]
    fn an_echo_of_the_future_tells_no_time() {
        let clock = StampClock::new(Span::from_millis(1));
        let now = Time::from_nanos(10_000_000);
        assert_eq!(clock.since(7, now), Some(Span::from_millis(3)));
        assert_eq!(clock.since(11, now), None);
    }
}
