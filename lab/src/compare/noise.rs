//! How far real runs of one experiment lie apart, and whether a value could be one of them.

use serde::Serialize;

/// What is left when 95 % lie within: the quantile of Student's t at which each side has its half.
///
/// `t(0.975, df)` for 1 to 10 degrees of freedom: Abramowitz and Stegun, Handbook of Mathematical Functions, table 26.10.
const T_975: [f64; 10] =
    [12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157, 2.228_139];
/// The same quantile of the normal distribution, which is Student's with ever more degrees of freedom.
const NORMAL_975: f64 = 1.959_963_985;
/// Sums of binary fractions differ by rounding in what nobody measured.
const ROUNDING: f64 = 1e-12;

/// A metric in several runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sample {
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation; one run has none.
    pub standard_deviation: Option<f64>,
    /// Runs that have the metric.
    pub runs: usize,
}

/// Where 95 % of further runs lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub from: f64,
    /// Its upper end.
    pub to: f64,
}

impl Sample {
    /// Of these values; none without one.
    pub fn of(values: &[f64]) -> Option<Sample> {
        let runs = values.len();
        if runs == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / runs as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let standard_deviation = (runs > 1).then(|| (squares / (runs - 1) as f64).sqrt());
        Some(Sample { mean, standard_deviation, runs })
    }

    /// The 95 % prediction interval for the mean of `further` runs like these: mean ± t(0.975, n - 1) s √(1/m + 1/n), with
    /// n the runs of this sample and m those to come (Hahn and Meeker, Statistical Intervals, 1991, chapter 4). One run
    /// gives none.
    pub fn prediction(&self, further: usize) -> Option<Interval> {
        let deviation = self.standard_deviation?;
        let spread = (1.0 / further.max(1) as f64 + 1.0 / self.runs as f64).sqrt();
        let reach = t_975(self.runs - 1) * deviation * spread + ROUNDING * self.mean.abs();
        Some(Interval { from: self.mean - reach, to: self.mean + reach })
    }
}

impl Interval {
    /// Whether `value` lies in it, ends included.
    pub fn holds(&self, value: f64) -> bool {
        (self.from..=self.to).contains(&value)
    }
}

/// Student's t at 0.975 with `freedom` degrees of freedom, at least 1.
fn t_975(freedom: usize) -> f64 {
    if let Some(t) = T_975.get(freedom.saturating_sub(1)) {
        return *t;
    }
    // Cornish and Fisher's expansion about the normal quantile: Abramowitz and Stegun, 26.7.5.
    let (x, n) = (NORMAL_975, freedom as f64);
    let (x3, x5, x7) = (x.powi(3), x.powi(5), x.powi(7));
    x + (x3 + x) / (4.0 * n)
        + (5.0 * x5 + 16.0 * x3 + 3.0 * x) / (96.0 * n.powi(2))
        + (3.0 * x7 + 19.0 * x5 + 17.0 * x3 - 15.0 * x) / (384.0 * n.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn students_quantiles_are_those_of_the_tables() {
        for (freedom, expected) in
            [(1, 12.706), (2, 4.303), (4, 2.776), (10, 2.228), (11, 2.201), (15, 2.131), (30, 2.042), (120, 1.980)]
        {
            assert!((t_975(freedom) - expected).abs() < 6e-4, "{freedom}: {}", t_975(freedom));
        }
        assert!((t_975(1_000_000) - NORMAL_975).abs() < 1e-5);
    }

    #[test]
    fn quantiles_fall_from_the_table_into_the_expansion() {
        assert!((1..200).all(|freedom| t_975(freedom) > t_975(freedom + 1)));
    }

    #[test]
    fn a_sample_has_the_mean_and_the_deviation_of_its_values() {
        let sample = Sample::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((sample.mean, sample.runs), (5.0, 8));
        assert!((sample.standard_deviation.unwrap() - (32.0f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!(Sample::of(&[]), None);
    }

    #[test]
    fn a_prediction_interval_is_as_worked_by_hand() {
        // Mean 10, s = 1, t(0.975, 2) = 4.3027: 4.3027 x √(1 + 1/3) = 4.9683, and 4.3027 x √(1/4 + 1/3) = 3.2863.
        let sample = Sample::of(&[9.0, 10.0, 11.0]).unwrap();
        let one = sample.prediction(1).unwrap();
        assert!((one.to - 14.9683).abs() < 1e-3 && (one.from - 5.0317).abs() < 1e-3, "{one:?}");
        let four = sample.prediction(4).unwrap();
        assert!((four.to - 13.2863).abs() < 1e-3, "{four:?}");
        assert!(one.holds(14.9) && !one.holds(15.0) && one.holds(5.1) && !one.holds(5.0));
    }

    #[test]
    fn one_run_predicts_nothing() {
        assert_eq!(Sample::of(&[3.0]).unwrap().prediction(1), None);
    }

    #[test]
    fn runs_without_noise_hold_their_own_value_whatever_the_rounding_and_no_other() {
        let interval = Sample::of(&[0.1, 0.1, 0.1]).unwrap().prediction(1).unwrap();
        assert!(interval.holds(0.1) && !interval.holds(0.100_001));
        assert!(Sample::of(&[0.0, 0.0]).unwrap().prediction(1).unwrap().holds(0.0));
    }
}
