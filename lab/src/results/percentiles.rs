use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// A distribution of times in ns, all integers; all zero if nothing was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many were counted.
    pub count: u64,
    /// Arithmetic mean, rounded.
    pub mean: u64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// The largest.
    pub max: u64,
}

impl Percentiles {
    /// Of a histogram of ns, as precise as its buckets.
    pub fn of(histogram: &Histogram<u64>) -> Percentiles {
        if histogram.is_empty() {
            return Percentiles::default();
        }
        Percentiles {
            count: histogram.len(),
            mean: histogram.mean().round() as u64,
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        }
    }

    /// Of these values, exactly.
    pub fn of_values(values: impl IntoIterator<Item = u64>) -> Percentiles {
        let mut values: Vec<u64> = values.into_iter().collect();
        values.sort_unstable();
        let Some(max) = values.last().copied() else { return Percentiles::default() };
        let sum: u128 = values.iter().map(|value| u128::from(*value)).sum();
        let count = values.len() as u128;
        let at = |quantile| values[rank(quantile, values.len())];
        Percentiles {
            count: values.len() as u64,
            mean: ((sum + count / 2) / count) as u64,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max,
        }
    }
}

/// A distribution of ratios; all zero if nothing was counted.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct RatioPercentiles {
    /// How many were counted.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// The largest.
    pub max: f64,
}

impl RatioPercentiles {
    /// Of these ratios, exactly.
    pub fn of(ratios: impl IntoIterator<Item = f64>) -> RatioPercentiles {
        let mut ratios: Vec<f64> = ratios.into_iter().collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let Some(max) = ratios.last().copied() else { return RatioPercentiles::default() };
        let at = |quantile| ratios[rank(quantile, ratios.len())];
        RatioPercentiles {
            count: ratios.len() as u64,
            mean: ratios.iter().sum::<f64>() / ratios.len() as f64,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max,
        }
    }
}

/// Index of the smallest of `count` sorted values that has at least the part `quantile` at or below it, as HdrHistogram
/// counts.
fn rank(quantile: f64, count: usize) -> usize {
    ((quantile * count as f64).ceil() as usize).clamp(1, count) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_counted_is_all_zero() {
        assert_eq!(Percentiles::of(&Histogram::new(3).unwrap()), Percentiles::default());
        assert_eq!(Percentiles::of_values([]), Percentiles::default());
        assert_eq!(RatioPercentiles::of([]), RatioPercentiles::default());
    }

    #[test]
    fn values_and_their_histogram_agree() {
        let mut histogram = Histogram::new(3).unwrap();
        (1..=1000u64).for_each(|value| histogram.record(value).unwrap());
        let exact = Percentiles::of_values((1..=1000).rev());
        assert_eq!(exact, Percentiles::of(&histogram));
        assert_eq!((exact.p50, exact.p99, exact.p999, exact.max), (500, 990, 999, 1000));
    }

    #[test]
    fn a_single_ratio_is_every_percentile() {
        let ratios = RatioPercentiles::of([1.5]);
        assert_eq!((ratios.count, ratios.mean, ratios.p50, ratios.p999), (1, 1.5, 1.5, 1.5));
    }
}
