//! Times: when an event is due, and whether something happened in time.

use burstlab_algorithms::Span;

use super::step::When;

/// By how much a time may be off: packetdrill's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// In any case.
    pub fixed: Span,
    /// As a part of the time since the event before: timers of a kernel are the coarser, the longer they run.
    pub share: f64,
}

impl Default for Tolerance {
    fn default() -> Tolerance {
        Tolerance { fixed: Span::from_millis(4), share: 0.125 }
    }
}

impl Tolerance {
    /// For something that is due `since` after the event before.
    pub fn after(self, since: Span) -> Span {
        self.fixed.max(since.scaled(self.share))
    }
}

/// An interval in which something is to happen, counted from the script's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Not before.
    pub from: Span,
    /// Not after; none if any time will do.
    pub until: Option<Span>,
}

impl Due {
    /// Of an event that follows upon `now`.
    pub fn of(when: When, now: Span) -> Due {
        match when {
            When::At(at) => Due { from: at, until: Some(at) },
            When::After(delay) => Due { from: now + delay, until: Some(now + delay) },
            When::Between(from, until) => Due { from, until: Some(until) },
            When::AfterBetween(from, until) => Due { from: now + from, until: Some(now + until) },
            When::Any => Due { from: now, until: None },
        }
    }

    /// Whether `at` is in time.
    pub fn holds(&self, at: Span, tolerance: Span) -> bool {
        let Some(until) = self.until else { return true };
        at + tolerance >= self.from && at <= until + tolerance
    }
}

impl std::fmt::Display for Due {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.until {
            None => f.write_str("any time"),
            Some(until) if until == self.from => f.write_str(&seconds(self.from)),
            Some(until) => write!(f, "{} to {}", seconds(self.from), seconds(until)),
        }
    }
}

/// Seconds with microseconds, as packetdrill writes times.
pub fn seconds(span: Span) -> String {
    let micros = span.as_nanos() / 1000;
    format!("{}.{:06} s", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_with_its_tolerance_at_both_ends() {
        let ms = Span::from_millis;
        let due = Due::of(When::AfterBetween(ms(10), ms(20)), ms(100));
        let tolerance = Tolerance::default().after(ms(10));
        assert_eq!(tolerance, ms(4));
        assert!(due.holds(ms(106), tolerance) && due.holds(ms(124), tolerance));
        assert!(!due.holds(ms(105), tolerance) && !due.holds(ms(125), tolerance));
    }

    #[test]
    fn the_longer_the_wait_the_larger_the_tolerance() {
        assert_eq!(Tolerance::default().after(Span::from_secs(1)), Span::from_millis(125));
    }

    #[test]
    fn any_time_is_always_in_time() {
        assert!(Due::of(When::Any, Span::from_secs(1)).holds(Span::ZERO, Span::ZERO));
    }
}
