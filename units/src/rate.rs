use std::fmt;
use std::str::FromStr;

use crate::quantity::{Kind, ParseError, Unit};
use crate::{Bytes, Span};

/// A rate in bit/s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rate(u64);

const KIND: Kind = Kind {
    what: "a rate",
    example: "\"10Gbit/s\" or \"500Mbit/s\"",
    units: &[
        Unit { names: &["bit/s", "bps"], scale: 1 },
        Unit { names: &["kbit/s", "Kbit/s", "kbps"], scale: 1_000 },
        Unit { names: &["Mbit/s", "Mbps"], scale: 1_000_000 },
        Unit { names: &["Gbit/s", "Gbps"], scale: 1_000_000_000 },
        Unit { names: &["Tbit/s", "Tbps"], scale: 1_000_000_000_000 },
    ],
};

const NANOS: u128 = 1_000_000_000;

impl Rate {
    /// Nothing moves.
    pub const ZERO: Rate = Rate(0);

    /// `n` bit/s.
    pub const fn from_bits_per_sec(n: u64) -> Rate {
        Rate(n)
    }

    /// The rate of `bytes` in `span`; zero if the span is zero.
    pub fn of(bytes: Bytes, span: Span) -> Rate {
        if span.is_zero() {
            return Rate::ZERO;
        }
        let bits = u128::from(bytes.get()) * 8 * NANOS;
        Rate(u64::try_from(bits / u128::from(span.as_nanos())).unwrap_or(u64::MAX))
    }

    /// The rate in bit/s.
    pub const fn bits_per_sec(self) -> u64 {
        self.0
    }

    /// The rate in bytes per second.
    pub fn bytes_per_sec_f64(self) -> f64 {
        self.0 as f64 / 8.0
    }

    /// `bytes` per second as a rate, rounded to the bit; negative and NaN give zero.
    pub fn from_bytes_per_sec_f64(bytes: f64) -> Rate {
        Rate((bytes * 8.0).round() as u64)
    }

    /// This rate times `factor`, rounded to the bit; a negative or NaN factor gives zero.
    pub fn scaled(self, factor: f64) -> Rate {
        Rate((self.0 as f64 * factor).round() as u64)
    }

    /// How long `bytes` take at this rate, rounded up to the nanosecond; [`Span::MAX`] at rate zero.
    pub fn transmission_time(self, bytes: Bytes) -> Span {
        if self.0 == 0 {
            return Span::MAX;
        }
        // 64 bits hold up to 2.3 GB, which is every packet; the division is several times cheaper than in 128.
        if let Some(bit_nanos) = bytes.get().checked_mul(8 * NANOS as u64) {
            return Span::from_nanos(bit_nanos.div_ceil(self.0));
        }
        let nanos = (u128::from(bytes.get()) * 8 * NANOS).div_ceil(u128::from(self.0));
        Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many whole bytes pass in `span`.
    pub fn bytes_in(self, span: Span) -> Bytes {
        let bytes = u128::from(self.0) * u128::from(span.as_nanos()) / (8 * NANOS);
        Bytes::new(u64::try_from(bytes).unwrap_or(u64::MAX))
    }
}

impl FromStr for Rate {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Rate, ParseError> {
        KIND.parse(text).map(Rate)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        KIND.format(self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_full_packet_takes_1200_ns_at_10_gigabit() {
        let rate: Rate = "10Gbit/s".parse().unwrap();
        assert_eq!(rate.transmission_time(Bytes::new(1500)), Span::from_nanos(1200));
        assert_eq!(rate.bytes_in(Span::from_nanos(1200)), Bytes::new(1500));
        assert_eq!(Rate::of(Bytes::new(1500), Span::from_nanos(1200)), rate);
    }

    #[test]
    fn nothing_moves_at_rate_zero() {
        assert_eq!(Rate::ZERO.transmission_time(Bytes::new(1)), Span::MAX);
        assert_eq!(Rate::of(Bytes::new(1), Span::ZERO), Rate::ZERO);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_the_same(n in any::<u64>()) {
            let rate = Rate::from_bits_per_sec(n);
            prop_assert_eq!(rate.to_string().parse::<Rate>().unwrap(), rate);
        }

        #[test]
        fn transmission_takes_at_least_its_time(n in 1u64..1 << 40, r in 1u64..1 << 42) {
            let (bytes, rate) = (Bytes::new(n), Rate::from_bits_per_sec(r));
            prop_assert!(rate.bytes_in(rate.transmission_time(bytes)) >= bytes);
        }
    }
}
