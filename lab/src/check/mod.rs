//! Comparing results with a baseline.
//!
//! Virtual results are exact, so that by default any difference is one that somebody made. Wall-clock times and provenance
//! are left out; speed is compared only when asked for.

mod baseline;
pub(crate) mod metrics;
mod tolerance;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

pub use baseline::Baseline;
pub use tolerance::{Tolerance, Tolerances};

use crate::results::Run;
use crate::table::so_many;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Version of this document's layout.
    pub schema: u32,
    /// Whether nothing was found.
    pub passed: bool,
    /// Runs that stand on both sides.
    pub runs: usize,
    /// Metrics that were compared.
    pub metrics: usize,
    /// Metrics beyond their tolerance.
    pub differences: Vec<Difference>,
    /// Runs of the baseline that the results lack.
    pub missing_runs: Vec<String>,
    /// Runs of the results that the baseline lacks.
    pub extra_runs: Vec<String>,
}

/// A metric beyond its tolerance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The run, by what tells it from the others.
    pub run: String,
    /// The metric, as a dotted path into the run.
    pub metric: String,
    /// Its value in the baseline.
    pub baseline: Value,
    /// Its value in the results; null if they lack it.
    pub found: Value,
    /// Found less baseline, where both are numbers.
    pub difference: Option<f64>,
    /// What would have been accepted.
    pub tolerance: String,
}

/// Compares `runs` with `baseline`. `speed` is the part by which data packets per wall-clock second may fall, if it matters.
pub fn compare(runs: &[Run], baseline: &Baseline, tolerances: &Tolerances, speed: Option<Tolerance>) -> Outcome {
    let found: BTreeMap<String, &Run> = runs.iter().map(|run| (metrics::run_label(run), run)).collect();
    let expected: BTreeMap<String, &Run> = baseline.runs.iter().map(|run| (metrics::run_label(run), run)).collect();
    let (mut differences, mut compared) = (Vec::new(), 0);
    // In the baseline's own order, which is the experiment's.
    for run in &baseline.runs {
        let label = metrics::run_label(run);
        let Some(found) = found.get(&label) else { continue };
        let values = metrics::of(found);
        for (metric, baseline) in metrics::of(run) {
            compared += 1;
            let tolerance = tolerances.of(&metric);
            let found = values.get(&metric).cloned().unwrap_or(Value::Null);
            if !tolerance.accepts(&baseline, &found) {
                differences.push(Difference::new(&label, metric, baseline, found, tolerance.to_string()));
            }
        }
        if let Some(speed) = speed {
            compared += 1;
            differences.extend(slower(&label, run, found, speed));
        }
    }
    let only_in = |these: &BTreeMap<String, &Run>, those: &BTreeMap<String, &Run>| -> Vec<String> {
        these.keys().filter(|label| !those.contains_key(*label)).cloned().collect()
    };
    let (missing_runs, extra_runs) = (only_in(&expected, &found), only_in(&found, &expected));
    Outcome {
        schema: 1,
        passed: differences.is_empty() && missing_runs.is_empty() && extra_runs.is_empty(),
        runs: expected.keys().filter(|label| found.contains_key(*label)).count(),
        metrics: compared,
        differences,
        missing_runs,
        extra_runs,
    }
}

/// Being faster than the baseline is no fault.
fn slower(label: &str, baseline: &Run, found: &Run, tolerance: Tolerance) -> Option<Difference> {
    let (before, now) = (metrics::speed(baseline)?, metrics::speed(found)?);
    let (baseline, found) = (Value::from(before), Value::from(now));
    if now >= before || tolerance.accepts(&baseline, &found) {
        return None;
    }
    Some(Difference::new(label, "data_packets/wall".to_owned(), baseline, found, tolerance.to_string()))
}

impl Difference {
    fn new(run: &str, metric: String, baseline: Value, found: Value, tolerance: String) -> Difference {
        let difference = baseline.as_f64().zip(found.as_f64()).map(|(baseline, found)| found - baseline);
        Difference { run: run.to_owned(), metric, baseline, found, difference, tolerance }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { run, metric, baseline, found, difference, tolerance } = self;
        write!(f, "{run}: {metric}: baseline {baseline}, found ")?;
        match found {
            Value::Null => write!(f, "nothing")?,
            found => write!(f, "{found}")?,
        }
        if let Some(difference) = difference {
            // Differences of binary fractions have a tail that nobody wrote.
            write!(f, " ({:+}", (difference * 1e9).round() / 1e9)?;
            if let Some(baseline) = baseline.as_f64().filter(|baseline| *baseline != 0.0) {
                write!(f, ", {:+.2}%", difference / baseline.abs() * 100.0)?;
            }
            write!(f, ")")?;
        }
        write!(f, "; tolerance {tolerance}")
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.missing_runs
            .iter()
            .try_for_each(|run| writeln!(f, "missing: {run} is in the baseline and not in the results"))?;
        self.extra_runs
            .iter()
            .try_for_each(|run| writeln!(f, "extra: {run} is in the results and not in the baseline"))?;
        self.differences.iter().try_for_each(|difference| writeln!(f, "{difference}"))?;
        let verdict = if self.passed { "good" } else { "failed" };
        let Outcome { runs, metrics, differences, .. } = self;
        write!(
            f,
            "{verdict}: {} of {} compared, {} beyond their tolerance",
            so_many(*metrics, "metric"),
            so_many(*runs, "run"),
            differences.len()
        )?;
        match self.missing_runs.len() + self.extra_runs.len() {
            0 => Ok(()),
            unmatched => write!(f, ", {} without a counterpart", so_many(unmatched, "run")),
        }
    }
}

#[cfg(test)]
mod tests;
