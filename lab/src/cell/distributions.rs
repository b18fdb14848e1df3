//! Cumulative distributions with few points.

use hdrhistogram::Histogram;

use crate::results::DistributionRow;

/// The parts of all values at which a distribution is given: even steps, then finer ones towards the tail.
fn parts() -> impl Iterator<Item = f64> {
    let even = (1..200).map(|i| f64::from(i) / 200.0);
    even.chain([0.996, 0.997, 0.998, 0.999, 0.9995, 0.9999, 1.0])
}

/// Of a histogram.
pub(super) fn of_histogram(metric: &str, histogram: &Histogram<u64>) -> Vec<DistributionRow> {
    if histogram.is_empty() {
        return Vec::new();
    }
    let least = std::iter::once((0.0, histogram.min() as f64));
    rows(metric, least.chain(parts().map(|part| (part, histogram.value_at_quantile(part) as f64))))
}

/// Of single values.
pub(super) fn of_values(metric: &str, values: impl IntoIterator<Item = f64>) -> Vec<DistributionRow> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    let Some(first) = values.first().copied() else { return Vec::new() };
    let at = |part: f64| values[((part * values.len() as f64).ceil() as usize).clamp(1, values.len()) - 1];
    rows(metric, std::iter::once((0.0, first)).chain(parts().map(|part| (part, at(part)))))
}

/// Points with the same value are one: the highest.
fn rows(metric: &str, points: impl Iterator<Item = (f64, f64)>) -> Vec<DistributionRow> {
    let mut rows: Vec<DistributionRow> = Vec::new();
    for (cumulative, value) in points {
        match rows.last_mut() {
            Some(last) if last.value == value && last.cumulative > 0.0 => last.cumulative = cumulative,
            _ => rows.push(DistributionRow { run: 0, metric: metric.to_owned(), value, cumulative }),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_rises_from_nothing_to_all() {
        let rows = of_values("x", (0..1000).map(f64::from));
        assert_eq!((rows[0].value, rows[0].cumulative), (0.0, 0.0));
        assert!(rows.windows(2).all(|w| w[0].value <= w[1].value && w[0].cumulative <= w[1].cumulative));
        assert_eq!(rows.last().map(|row| (row.value, row.cumulative)), Some((999.0, 1.0)));
    }
}
