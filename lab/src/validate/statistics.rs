//! Statistics of series and of samples that depend on each other.

use super::band::Precision;

/// A point of a series: an instant in ns, and a value.
pub(crate) type Point = (u64, f64);

/// What is said of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statistic {
    Mean,
    Min,
    Max,
    /// The instant of the maximum, in ns.
    AtMax,
    /// From a peak to the trough behind it, mean over all.
    Amplitude,
    /// From a peak to the next, in ns, mean over all.
    Period,
}

pub(super) const STATISTICS: &[(&str, Statistic)] = &[
    ("mean", Statistic::Mean),
    ("min", Statistic::Min),
    ("max", Statistic::Max),
    ("at_max", Statistic::AtMax),
    ("amplitude", Statistic::Amplitude),
    ("period", Statistic::Period),
];

impl Statistic {
    /// Of `points`; none where there is nothing of the kind.
    pub fn of(self, points: &[Point]) -> Option<f64> {
        let highest = || points.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a });
        match self {
            Statistic::Mean => {
                (!points.is_empty()).then(|| points.iter().map(|p| p.1).sum::<f64>() / points.len() as f64)
            }
            Statistic::Min => points.iter().map(|p| p.1).reduce(f64::min),
            Statistic::Max => highest().map(|p| p.1),
            Statistic::AtMax => highest().map(|p| p.0 as f64),
            Statistic::Amplitude => swings(points).amplitude(),
            Statistic::Period => swings(points).period(),
        }
    }
}

/// Peaks and the troughs behind them.
#[derive(Debug, Default, PartialEq)]
struct Swings {
    peaks: Vec<Point>,
    troughs: Vec<Point>,
}

impl Swings {
    fn amplitude(&self) -> Option<f64> {
        let heights: Vec<f64> = self.peaks.iter().zip(&self.troughs).map(|(peak, trough)| peak.1 - trough.1).collect();
        (!heights.is_empty()).then(|| heights.iter().sum::<f64>() / heights.len() as f64)
    }

    fn period(&self) -> Option<f64> {
        let (first, last) = (self.peaks.first()?, self.peaks.last()?);
        (self.peaks.len() > 1).then(|| (last.0 - first.0) as f64 / (self.peaks.len() - 1) as f64)
    }
}

/// A turn counts when the series has come back by a quarter of its range: less is the packets' own coming and going.
/// What begins or ends within the series is no whole swing, so the first peak is one that has a trough before it.
fn swings(points: &[Point]) -> Swings {
    let Some(first) = points.first().copied() else { return Swings::default() };
    let (low, high) = points.iter().fold((first.1, first.1), |(low, high), p| (low.min(p.1), high.max(p.1)));
    let turn = (high - low) / 4.0;
    if turn <= 0.0 {
        return Swings::default();
    }
    let mut swings = Swings::default();
    let (mut highest, mut lowest, mut rising) = (first, first, None);
    for point in points.iter().copied() {
        highest = if point.1 > highest.1 { point } else { highest };
        lowest = if point.1 < lowest.1 { point } else { lowest };
        if rising != Some(false) && highest.1 - point.1 >= turn {
            // Before the first trough nobody knows whether this was a peak or where the series came in.
            if rising.is_some() {
                swings.peaks.push(highest);
            }
            (rising, lowest) = (Some(false), point);
        } else if rising != Some(true) && point.1 - lowest.1 >= turn {
            if !swings.peaks.is_empty() {
                swings.troughs.push(lowest);
            }
            (rising, highest) = (Some(true), point);
        }
    }
    swings
}

/// The mean of samples that depend on those before, and how sure it is, by the method of batch means (Law: Simulation
/// modeling and analysis, section 9.5.3): means of long batches hardly depend on each other.
pub(crate) fn batch_means(samples: &[f64], batches: usize) -> (f64, Option<Precision>) {
    let length = samples.len() / batches.max(1);
    if length == 0 || batches < 2 {
        return (samples.iter().sum::<f64>() / samples.len() as f64, None);
    }
    let means: Vec<f64> = samples.chunks_exact(length).map(|batch| batch.iter().sum::<f64>() / length as f64).collect();
    let count = means.len() as f64;
    let mean = means.iter().sum::<f64>() / count;
    let variance = means.iter().map(|m| (m - mean) * (m - mean)).sum::<f64>() / (count - 1.0);
    (mean, Some(Precision { error: libm::sqrt(variance / count), freedom: count - 1.0 }))
}

/// The half-width, in standard errors, of the interval that holds the true mean with `probability`: Student's t with
/// `freedom` degrees of freedom, by Cornish and Fisher's expansion of the normal quantile (Abramowitz and Stegun,
/// 26.7.5).
pub(crate) fn student(probability: f64, freedom: f64) -> f64 {
    let z = normal(probability);
    let z2 = z * z;
    let first = (z2 + 1.0) * z / 4.0;
    let second = ((5.0 * z2 + 16.0) * z2 + 3.0) * z / 96.0;
    let third = (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) * z / 384.0;
    z + first / freedom + second / (freedom * freedom) + third / (freedom * freedom * freedom)
}

/// The x for which a normal variable is within -x and x with `probability`.
fn normal(probability: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    // Each step halves the interval: beyond sixty it is as narrow as numbers are.
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        match libm::erf(middle / std::f64::consts::SQRT_2) < probability {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sawtooth that climbs from 10 to 20 in ten steps and falls back at once.
    fn sawtooth(steps: u64) -> Vec<Point> {
        (0..steps).map(|i| (i * 100, 10.0 + (i % 11) as f64 + if i % 2 == 0 { 0.3 } else { -0.3 })).collect()
    }

    #[test]
    fn a_sawtooth_has_its_amplitude_and_period_whatever_ripples_are_on_it() {
        let points = sawtooth(1000);
        let amplitude = Statistic::Amplitude.of(&points).unwrap();
        assert!((amplitude - 10.0).abs() <= 0.6, "{amplitude}");
        let period = Statistic::Period.of(&points).unwrap();
        assert!((period - 1100.0).abs() < 12.0, "{period}");
        assert_eq!(Statistic::Max.of(&points), Some(20.3));
        assert_eq!(Statistic::AtMax.of(&points), Some(1000.0));
    }

    #[test]
    fn what_does_not_swing_has_no_amplitude() {
        let flat: Vec<Point> = (0..100).map(|i| (i, 5.0)).collect();
        let climb: Vec<Point> = (0..100).map(|i| (i, i as f64)).collect();
        for points in [&flat, &climb, &Vec::new()] {
            assert_eq!((Statistic::Amplitude.of(points), Statistic::Period.of(points)), (None, None));
        }
        assert_eq!(Statistic::Mean.of(&[]), None);
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (probability, freedom, expected) in [(0.95, 10.0, 2.228), (0.99, 30.0, 2.750), (0.999, 49.0, 3.500)] {
            let t = student(probability, freedom);
            assert!((t - expected).abs() < 0.002, "{t} {expected}");
        }
        assert!((normal(0.95) - 1.95996).abs() < 1e-4);
    }

    #[test]
    fn batches_tell_the_error_of_a_mean() {
        let samples: Vec<f64> = (0..1000).map(|i| (i / 100 % 2) as f64).collect();
        let (mean, precision) = batch_means(&samples, 10);
        let precision = precision.unwrap();
        assert_eq!((mean, precision.freedom), (0.5, 9.0));
        assert!((precision.error - (10.0 / 9.0 * 0.25f64 / 10.0).sqrt()).abs() < 1e-12);
        assert_eq!(batch_means(&samples, 1).1, None);
    }
}
