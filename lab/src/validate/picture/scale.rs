//! Axes: from values to places on the picture, and the values worth a tick.

use crate::validate::unit::number;

/// An axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// Values at either end.
    low: f64,
    high: f64,
    /// Places of either end.
    from: f64,
    to: f64,
    log: bool,
}

/// Ticks at most; more cannot be told apart on so small a picture.
const TICKS: f64 = 7.0;

impl Scale {
    /// An axis that shows all of `values` between the places `from` and `to`. A linear one that begins near zero begins at
    /// zero.
    pub fn of(values: impl Iterator<Item = f64>, from: f64, to: f64, log: bool) -> Scale {
        let values: Vec<f64> = values.filter(|value| value.is_finite() && (!log || *value > 0.0)).collect();
        let low = values.iter().copied().reduce(f64::min).unwrap_or(if log { 1.0 } else { 0.0 });
        let high = values.iter().copied().reduce(f64::max).unwrap_or(1.0);
        let (low, high) = if log { widened(low, high) } else { rounded(low, high) };
        Scale { low, high, from, to, log }
    }

    /// The place of `value`.
    pub fn place(&self, value: f64) -> f64 {
        let part = match self.log {
            true => libm::log(value / self.low) / libm::log(self.high / self.low),
            false => (value - self.low) / (self.high - self.low),
        };
        self.from + part.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Values with a tick, and how they are written.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let values = if self.log { self.decades() } else { self.steps() };
        values.into_iter().map(|value| (value, number(value))).collect()
    }

    fn steps(&self) -> Vec<f64> {
        let step = step(self.high - self.low);
        let first = libm::ceil(self.low / step - 1e-9) as i64;
        let last = libm::floor(self.high / step + 1e-9) as i64;
        (first..=last).map(|i| i as f64 * step).collect()
    }

    /// Powers of ten, and twice and five times those where there are few.
    fn decades(&self) -> Vec<f64> {
        let first = libm::floor(libm::log10(self.low)) as i32;
        let last = libm::ceil(libm::log10(self.high)) as i32;
        let within = |value: &f64| *value >= self.low * 0.999_999 && *value <= self.high * 1.000_001;
        let fine: Vec<f64> = (first..=last)
            .flat_map(|d| [1.0, 2.0, 5.0].map(|m| m * libm::pow(10.0, f64::from(d))))
            .filter(within)
            .collect();
        if fine.len() as f64 <= TICKS {
            return fine;
        }
        (first..=last).map(|d| libm::pow(10.0, f64::from(d))).filter(within).collect()
    }
}

/// One, two or five times a power of ten, of which at most [`TICKS`] fit into `range`.
fn step(range: f64) -> f64 {
    let least = range / TICKS;
    let decade = libm::pow(10.0, libm::floor(libm::log10(least)));
    let fitting = [1.0, 2.0, 5.0].into_iter().map(|m| m * decade).find(|step| *step >= least);
    fitting.unwrap_or(10.0 * decade)
}

fn rounded(low: f64, high: f64) -> (f64, f64) {
    // Where all the range is far from zero, zero would leave nothing to be seen of it.
    let low = if low > 0.0 && low < 0.6 * high { 0.0 } else { low };
    let high = if high > low { high } else { low + low.abs().max(1.0) };
    let step = step(high - low);
    (libm::floor(low / step) * step, libm::ceil(high / step) * step)
}

fn widened(low: f64, high: f64) -> (f64, f64) {
    let high = if high > low { high } else { low * 10.0 };
    let margin = libm::pow(high / low, 0.06);
    (low / margin, high * margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_ticks_are_round_and_enclose_the_values() {
        let scale = Scale::of([3.0, 97.0].into_iter(), 0.0, 100.0, false);
        let ticks: Vec<String> = scale.ticks().into_iter().map(|tick| tick.1).collect();
        assert_eq!(ticks, ["0", "20", "40", "60", "80", "100"]);
        assert_eq!((scale.place(0.0), scale.place(50.0), scale.place(100.0)), (0.0, 50.0, 100.0));
    }

    #[test]
    fn a_range_far_from_zero_is_seen() {
        let scale = Scale::of([180.0, 202.0].into_iter(), 0.0, 1.0, false);
        assert_eq!(scale.ticks()[0].0, 180.0);
    }

    #[test]
    fn decades_are_equally_far_apart() {
        let scale = Scale::of([1e-4, 1e-1].into_iter(), 0.0, 300.0, true);
        let ticks: Vec<f64> = scale.ticks().into_iter().map(|tick| scale.place(tick.0)).collect();
        assert_eq!(ticks.len(), 4);
        assert!((ticks[1] - ticks[0] - (ticks[3] - ticks[2])).abs() < 1e-9, "{ticks:?}");
    }

    #[test]
    fn nothing_to_show_is_no_reason_to_fail() {
        for log in [false, true] {
            assert!(Scale::of([f64::NAN].into_iter(), 0.0, 1.0, log).place(0.5).is_finite());
            assert!(!Scale::of([5.0, 5.0].into_iter(), 0.0, 1.0, log).ticks().is_empty());
        }
    }
}
