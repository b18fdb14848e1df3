//! Time stamps of pcapng interfaces, in nanoseconds.

const NANOS: u64 = 1_000_000_000;

/// What an interface's time stamps count (option if_tsresol), and from when (if_tsoffset).
pub(crate) struct Resolution {
    ticks: Ticks,
    offset: i64,
}

enum Ticks {
    /// Each tick is so many nanoseconds.
    Coarse(u64),
    /// So many ticks are a nanosecond.
    Fine(u64),
    /// A second has two to the power of this many ticks.
    Binary(u32),
}

impl Resolution {
    /// `tsresol`: a power of ten, or with its highest bit set of two; `offset`: seconds (section 4.2).
    pub fn new(tsresol: u8, offset: i64) -> Resolution {
        let power = u32::from(tsresol & 0x7f);
        let ticks = match tsresol {
            0x80.. => Ticks::Binary(power),
            0..=9 => Ticks::Coarse(10u64.pow(9 - power)),
            _ => Ticks::Fine(10u64.saturating_pow(power - 9)),
        };
        Resolution { ticks, offset }
    }

    /// Unix time in nanoseconds of a stamp.
    pub fn nanos(&self, stamp: u64) -> u64 {
        let nanos = match self.ticks {
            Ticks::Coarse(nanos) => stamp.saturating_mul(nanos),
            Ticks::Fine(ticks) => stamp / ticks,
            Ticks::Binary(power) => {
                let nanos = (u128::from(stamp) * u128::from(NANOS)).checked_shr(power).unwrap_or(0);
                u64::try_from(nanos).unwrap_or(u64::MAX)
            }
        };
        let offset = self.offset.unsigned_abs().saturating_mul(NANOS);
        if self.offset < 0 { nanos.saturating_sub(offset) } else { nanos.saturating_add(offset) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_of_every_resolution_are_the_same_instant() {
        assert_eq!(Resolution::new(6, 0).nanos(1_500_000), 1_500_000_000);
        assert_eq!(Resolution::new(9, 0).nanos(1_500_000_000), 1_500_000_000);
        assert_eq!(Resolution::new(12, 0).nanos(1_500_000_000_000), 1_500_000_000);
        assert_eq!(Resolution::new(0x80 | 10, 0).nanos(1536), 1_500_000_000);
        assert_eq!(Resolution::new(0, 0).nanos(2), 2_000_000_000);
    }

    #[test]
    fn an_offset_moves_the_epoch() {
        assert_eq!(Resolution::new(6, 10).nanos(1), 10_000_001_000);
        assert_eq!(Resolution::new(6, -1).nanos(1_000_001), 1_000);
    }

    #[test]
    fn absurd_resolutions_do_not_overflow() {
        for tsresol in 0..=255 {
            Resolution::new(tsresol, i64::MIN).nanos(u64::MAX);
            Resolution::new(tsresol, i64::MAX).nanos(u64::MAX);
        }
    }
}
