//! The cumulative distributions of a run's metrics.

use std::collections::BTreeMap;

use serde::Serialize;

use super::error::Error;
use super::input::Directory;
use super::thin::{Series, rounded};
use crate::results::DistributionRow;

/// More points than this do not change the picture of a distribution.
const POINTS: usize = 200;

/// The resolution of a cumulative share while it is thinned.
const SHARE_SCALE: f64 = 1e9;

/// The share of samples (0 to 1) that are at most each value.
#[derive(Debug, Serialize)]
pub struct Distribution {
    /// Index into the runs of the report.
    pub run: usize,
    pub metric: String,
    pub values: Vec<f64>,
    pub cumulative: Vec<f64>,
}

/// Reads the distributions of `directory`, whose first run has the index `first_run` in the report.
pub fn read(directory: &Directory, first_run: usize) -> Result<Vec<Distribution>, Error> {
    let mut groups: BTreeMap<(String, usize), Vec<(f64, f64)>> = BTreeMap::new();
    directory.run_rows(|row: DistributionRow| {
        groups.entry((row.metric, row.run)).or_default().push((row.value, row.cumulative));
    })?;
    let distribution = |((metric, run), points): ((String, usize), Vec<(f64, f64)>)| {
        let (values, cumulative) = thinned(points);
        Distribution { run: first_run + run, metric, values, cumulative }
    };
    Ok(groups.into_iter().map(distribution).collect())
}

/// Thins along the cumulative share, by how far a value's logarithm strays: the picture's horizontal axis is logarithmic.
fn thinned(mut points: Vec<(f64, f64)>) -> (Vec<f64>, Vec<f64>) {
    points.retain(|(value, cumulative)| value.is_finite() && cumulative.is_finite() && *cumulative >= 0.0);
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    // Counts serve as well as shares: the last of them is the whole.
    let whole = points.last().map_or(1.0, |(_, last)| last.max(1.0));
    let mut series = Series::new(2);
    for (value, cumulative) in points {
        let logarithm = value.max(f64::MIN_POSITIVE).ln().max(0.0);
        series.push((cumulative / whole * SHARE_SCALE) as u64, [logarithm, value]);
    }
    let values = series.columns.pop().unwrap_or_default();
    // The values themselves must not take part in choosing the points, but must be found again.
    let kept = series.thinned(POINTS).times;
    let index = |share: &u64| series.times.binary_search(share).unwrap_or(0);
    let values = kept.iter().map(|share| rounded(values[index(share)])).collect();
    (values, kept.iter().map(|share| *share as f64 / SHARE_SCALE).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_distribution_is_thinned_and_keeps_both_ends() {
        let points: Vec<(f64, f64)> = (1..=50_000).map(|i| (f64::from(i).powi(2), f64::from(i) / 50_000.0)).collect();
        let (values, cumulative) = thinned(points);
        assert!(values.len() <= POINTS);
        assert_eq!(values.first(), Some(&1.0));
        assert_eq!(values.last(), Some(&2.5e9));
        assert_eq!(cumulative.last(), Some(&1.0));
    }

    #[test]
    fn counts_become_shares() {
        let (values, cumulative) = thinned(vec![(10.0, 1.0), (20.0, 4.0)]);
        assert_eq!((values, cumulative), (vec![10.0, 20.0], vec![0.25, 1.0]));
    }

    #[test]
    fn nothing_stays_nothing() {
        assert_eq!(thinned(Vec::new()), (Vec::new(), Vec::new()));
    }
}
