//! The pictures that compare runs: one metric against the axis, a line for each controller.

use serde::Serialize;

use super::facets::Facets;
use super::metrics::{LOSS, Metric, P99_QUEUE_DELAY, SLOWDOWN_ALONE, SLOWDOWN_IDEAL};
use super::thin::rounded;
use crate::results::Run;

/// The metrics that get a picture each.
pub const COMPARED: [Metric; 4] = [P99_QUEUE_DELAY, LOSS, SLOWDOWN_ALONE, SLOWDOWN_IDEAL];

/// One metric against the axis.
#[derive(Debug, Serialize)]
pub struct Picture {
    /// [`Metric::key`].
    pub metric: &'static str,
    /// In the order of [`Facets::lines`].
    pub lines: Vec<Points>,
}

/// One line's values at the axis' positions: the mean over seeds, and the range that the seeds span.
#[derive(Debug, Default, Serialize)]
pub struct Points {
    pub mean: Vec<Option<f64>>,
    pub low: Vec<Option<f64>>,
    pub high: Vec<Option<f64>>,
}

/// The picture of `metric`, or `None` where no run has it.
pub fn picture(metric: &Metric, facets: &Facets, runs: &[&Run]) -> Option<Picture> {
    let lines: Vec<Points> = (0..facets.lines.len()).map(|line| points(metric, line, facets, runs)).collect();
    let any = lines.iter().any(|points| points.mean.iter().any(Option::is_some));
    any.then_some(Picture { metric: metric.key, lines })
}

fn points(metric: &Metric, line: usize, facets: &Facets, runs: &[&Run]) -> Points {
    let mut points = Points::default();
    for position in 0..facets.axis.positions.len() {
        let values: Vec<f64> = (0..runs.len())
            .filter(|&run| facets.line_of_run[run] == line && facets.axis.of_run[run] == position)
            .filter_map(|run| (metric.of)(runs[run]))
            .collect();
        let any = !values.is_empty();
        points.mean.push(any.then(|| rounded(values.iter().sum::<f64>() / values.len() as f64)));
        points.low.push(any.then(|| rounded(values.iter().copied().fold(f64::INFINITY, f64::min))));
        points.high.push(any.then(|| rounded(values.iter().copied().fold(f64::NEG_INFINITY, f64::max))));
    }
    points
}
