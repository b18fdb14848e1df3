use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Sub, SubAssign};
use std::str::FromStr;

use crate::quantity::{Kind, ParseError, Unit};

/// An instant: nanoseconds since the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

/// A length of time in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

const KIND: Kind = Kind {
    what: "a length of time",
    example: "\"5us\", \"10ms\" or \"1.5s\"",
    units: &[
        Unit { names: &["ns"], scale: 1 },
        Unit { names: &["us", "µs", "μs"], scale: 1_000 },
        Unit { names: &["ms"], scale: 1_000_000 },
        Unit { names: &["s", "sec"], scale: 1_000_000_000 },
        Unit { names: &["min"], scale: 60_000_000_000 },
        Unit { names: &["h"], scale: 3_600_000_000_000 },
    ],
};

impl Time {
    /// The start of the run.
    pub const ZERO: Time = Time(0);
    /// An instant that does not come.
    pub const NEVER: Time = Time(u64::MAX);

    /// The instant `ns` nanoseconds after the start of the run.
    pub const fn from_nanos(ns: u64) -> Time {
        Time(ns)
    }

    /// Nanoseconds since the start of the run.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the start of the run.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// The span from `earlier` to `self`, or zero if `earlier` is later.
    pub const fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// `self + span`, or `None` past the end of time.
    pub fn checked_add(self, span: Span) -> Option<Time> {
        self.0.checked_add(span.0).map(Time)
    }

    /// `self - earlier`, or `None` if `earlier` is later.
    pub fn checked_since(self, earlier: Time) -> Option<Span> {
        self.0.checked_sub(earlier.0).map(Span)
    }

    /// Whether this instant comes at all.
    pub const fn is_never(self) -> bool {
        self.0 == u64::MAX
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// Longer than any run.
    pub const MAX: Span = Span(u64::MAX);

    /// `ns` nanoseconds.
    pub const fn from_nanos(ns: u64) -> Span {
        Span(ns)
    }

    /// `us` microseconds.
    pub const fn from_micros(us: u64) -> Span {
        Span(us * 1_000)
    }

    /// `ms` milliseconds.
    pub const fn from_millis(ms: u64) -> Span {
        Span(ms * 1_000_000)
    }

    /// `s` seconds.
    pub const fn from_secs(s: u64) -> Span {
        Span(s * 1_000_000_000)
    }

    /// `s` seconds, rounded to the nanosecond; negative and NaN give zero.
    pub fn from_secs_f64(s: f64) -> Span {
        Span((s * 1e9).round() as u64)
    }

    /// The span in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The span in seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// `self + other`, or `None` if it does not fit.
    pub fn checked_add(self, other: Span) -> Option<Span> {
        self.0.checked_add(other.0).map(Span)
    }

    /// This span times `factor`, rounded to the nanosecond; a negative or NaN factor gives zero.
    pub fn scaled(self, factor: f64) -> Span {
        Span((self.0 as f64 * factor).round() as u64)
    }

    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Sub<Span> for Time {
    type Output = Time;
    fn sub(self, span: Span) -> Time {
        Time(self.0.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Span) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl SubAssign for Span {
    fn sub_assign(&mut self, other: Span) {
        *self = *self - other;
    }
}

impl Mul<u64> for Span {
    type Output = Span;
    fn mul(self, factor: u64) -> Span {
        Span(self.0.saturating_mul(factor))
    }
}

impl Div<u64> for Span {
    type Output = Span;
    fn div(self, divisor: u64) -> Span {
        Span(self.0 / divisor)
    }
}

impl FromStr for Span {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Span, ParseError> {
        KIND.parse(text).map(Span)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        KIND.format(self.0, f)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_never() { f.pad("never") } else { KIND.format(self.0, f) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_a_person_writes() {
        for (text, ns) in [("5us", 5_000), ("1.5 ms", 1_500_000), ("2s", 2_000_000_000), ("0s", 0), ("1_000ns", 1_000)]
        {
            assert_eq!(text.parse::<Span>().unwrap(), Span::from_nanos(ns), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, part) in [
            ("5", "unit is missing"),
            ("us", "does not begin with a number"),
            ("-5us", "negative"),
            ("5 parsecs", "unknown unit \"parsecs\""),
            ("1.5ns", "finer"),
            ("99999999999999h", "too large"),
            ("1.2.3s", "two decimal points"),
        ] {
            let error = text.parse::<Span>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn never_stays_never() {
        assert_eq!(Time::NEVER + Span::from_secs(1), Time::NEVER);
        assert_eq!(Time::ZERO - Span::from_secs(1), Time::ZERO);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_the_same(ns in any::<u64>()) {
            prop_assert_eq!(Span::from_nanos(ns).to_string().parse::<Span>().unwrap(), Span::from_nanos(ns));
        }

        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = text.parse::<Span>();
        }
    }
}
