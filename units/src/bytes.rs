use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::str::FromStr;

use crate::quantity::{Kind, ParseError, Unit};

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(u64);

const KIND: Kind = Kind {
    what: "a size",
    example: "\"1500B\", \"64KiB\" or \"4MB\"",
    units: &[
        Unit { names: &["B"], scale: 1 },
        Unit { names: &["kB", "KB"], scale: 1_000 },
        Unit { names: &["KiB"], scale: 1 << 10 },
        Unit { names: &["MB"], scale: 1_000_000 },
        Unit { names: &["MiB"], scale: 1 << 20 },
        Unit { names: &["GB"], scale: 1_000_000_000 },
        Unit { names: &["GiB"], scale: 1 << 30 },
        Unit { names: &["TB"], scale: 1_000_000_000_000 },
    ],
};

/// As [`KIND`], without the binary units: sizes are printed in decimal ones.
const DECIMAL: Kind = Kind {
    what: KIND.what,
    example: KIND.example,
    units: &[
        Unit { names: &["B"], scale: 1 },
        Unit { names: &["kB"], scale: 1_000 },
        Unit { names: &["MB"], scale: 1_000_000 },
        Unit { names: &["GB"], scale: 1_000_000_000 },
        Unit { names: &["TB"], scale: 1_000_000_000_000 },
    ],
};

impl Bytes {
    /// Nothing.
    pub const ZERO: Bytes = Bytes(0);
    /// More than any run moves.
    pub const MAX: Bytes = Bytes(u64::MAX);

    /// `n` bytes.
    pub const fn new(n: u64) -> Bytes {
        Bytes(n)
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// `self + other`, or `None` if it does not fit.
    pub fn checked_add(self, other: Bytes) -> Option<Bytes> {
        self.0.checked_add(other.0).map(Bytes)
    }

    /// `self - other`, or `None` if `other` is more.
    pub fn checked_sub(self, other: Bytes) -> Option<Bytes> {
        self.0.checked_sub(other.0).map(Bytes)
    }
}

impl Add for Bytes {
    type Output = Bytes;
    fn add(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Bytes) {
        *self = *self + other;
    }
}

impl Sub for Bytes {
    type Output = Bytes;
    fn sub(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_sub(other.0))
    }
}

impl SubAssign for Bytes {
    fn sub_assign(&mut self, other: Bytes) {
        *self = *self - other;
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Bytes>>(iter: I) -> Bytes {
        iter.fold(Bytes::ZERO, Add::add)
    }
}

impl FromStr for Bytes {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Bytes, ParseError> {
        KIND.parse(text).map(Bytes)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        DECIMAL.format(self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn knows_decimal_and_binary_sizes() {
        assert_eq!("4MB".parse(), Ok(Bytes::new(4_000_000)));
        assert_eq!("4MiB".parse(), Ok(Bytes::new(4 << 20)));
        assert_eq!("0.5kB".parse(), Ok(Bytes::new(500)));
        assert!("4Mb".parse::<Bytes>().unwrap_err().to_string().contains("unknown unit \"Mb\""));
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_the_same(n in any::<u64>()) {
            prop_assert_eq!(Bytes::new(n).to_string().parse::<Bytes>().unwrap(), Bytes::new(n));
        }
    }
}
