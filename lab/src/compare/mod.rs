//! The same experiment in virtual time and in real time, metric by metric.
//!
//! Real runs of one experiment differ from each other. A model that differs from them by no more than that cannot be told
//! from reality, and one that differs by more is wrong somewhere, or the machine is. So every difference stands beside the
//! noise of the real runs.
//!
//! * `results` reads both sides, `sides` tells which is which and whether they are of one experiment.
//! * `cells` groups runs into cells, `metrics` lists what is compared.
//! * `noise` has the statistics, `row` judges one metric by them, `text` shows all of it.

mod cells;
mod error;
mod metrics;
mod noise;
mod results;
mod row;
mod sides;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use cells::Key;
pub use error::Error;
pub use noise::{Interval, Sample};
pub use results::Results;
pub use row::{Row, Verdict};
pub use text::render;

use crate::check::Tolerance;
use crate::results::Run;
use cells::Group;
use sides::{Side, Sides};

/// What is accepted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gate {
    /// How far real time may be from the reference.
    pub tolerance: Option<Tolerance>,
    /// Metrics that fail the comparison beyond it: their dotted paths, or how these end: `queue_delay.p99`.
    pub metrics: Vec<String>,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Version of this document's layout.
    pub schema: u32,
    /// Whether every gated metric is within the tolerance, in runs that can be trusted; true without a gate.
    pub passed: bool,
    /// What real time is held against.
    pub reference: About,
    /// Real time.
    pub real: About,
    /// How far real time may be from the reference.
    pub tolerance: Option<String>,
    /// What else is different about the two, a sentence each.
    pub notes: Vec<String>,
    /// Cells that both have.
    pub cells: Vec<Cell>,
    /// Cells that only the reference has.
    pub only_in_reference: Vec<String>,
    /// Cells that only real time has.
    pub only_in_real: Vec<String>,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct About {
    /// Where its results are.
    pub path: String,
    /// The experiment's name.
    pub name: String,
    /// SHA-256 of the experiment's text, before options were laid over it.
    pub experiment_sha256: String,
    /// Where it ran: `virtual` or `tun`.
    pub on: String,
    /// The program's version.
    pub burstlab: String,
}

/// A cell that both sides have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// What tells it from the others.
    #[serde(flatten)]
    pub key: Key,
    /// Runs of the reference that were compared.
    pub reference_runs: usize,
    /// Real runs that were compared.
    pub real_runs: usize,
    /// Real runs that broke off, or with which the machine did not keep up. They were left out if there were others.
    pub invalid_runs: usize,
    /// Whether the runs that were compared can be trusted.
    pub valid: bool,
    /// What else a reader has to know of this cell, a sentence each.
    pub remarks: Vec<String>,
    /// Every metric, what says most first.
    pub metrics: Vec<Row>,
}

/// Compares two results, in either order.
///
/// # Errors
/// If neither is of real time, they have no cell in common, or the gate names a metric that there is not.
pub fn compare(first: &Results, second: &Results, gate: &Gate) -> Result<Comparison, Error> {
    let sides = Sides::of(first, second)?;
    let (of_reference, of_real) = (cells::group(&sides.reference.runs), cells::group(&sides.real.runs));
    let pairs = of_reference.iter().filter_map(|reference| {
        let real = of_real.iter().find(|real| real.key == reference.key)?;
        Some(Cell::of(reference, real, sides.is_virtual))
    });
    let mut cells: Vec<Cell> = pairs.collect();
    let (only_in_reference, only_in_real) = (only(&of_reference, &of_real), only(&of_real, &of_reference));
    if cells.is_empty() {
        let [first, second] = [&sides.reference, &sides.real].map(|side| side.results.path.display().to_string());
        let (of_first, of_second) = (only_in_reference, only_in_real);
        return Err(Error::NothingInCommon { first, second, of_first, of_second });
    }
    apply(gate, &mut cells)?;
    let passed = cells.iter().all(|cell| cell.beyond_the_gate().next().is_none());
    Ok(Comparison {
        schema: 1,
        passed,
        reference: About::of(&sides.reference),
        real: About::of(&sides.real),
        tolerance: gate.tolerance.map(|tolerance| tolerance.to_string()),
        notes: sides.notes(),
        cells,
        only_in_reference,
        only_in_real,
    })
}

/// Labels of `these` cells that are not among `those`.
fn only(these: &[Group<'_>], those: &[Group<'_>]) -> Vec<String> {
    let missing = these.iter().filter(|this| !those.iter().any(|that| that.key == this.key));
    missing.map(|group| group.key.label()).collect()
}

fn apply(gate: &Gate, cells: &mut [Cell]) -> Result<(), Error> {
    let Some(tolerance) = gate.tolerance else { return Ok(()) };
    cells.iter_mut().flat_map(|cell| &mut cell.metrics).for_each(|row| row.hold_against(tolerance));
    for name in &gate.metrics {
        let mut named = 0;
        for row in cells.iter_mut().flat_map(|cell| &mut cell.metrics).filter(|row| is_called(&row.metric, name)) {
            (row.gated, named) = (true, named + 1);
        }
        if named == 0 {
            return Err(Error::UnknownMetric { name: name.clone() });
        }
    }
    Ok(())
}

/// Whether `name` is `metric`, or its end from one of its dots on.
fn is_called(metric: &str, name: &str) -> bool {
    metric.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.')) && !name.is_empty()
}

impl About {
    fn of(side: &Side<'_>) -> About {
        let Side { results, runs } = side;
        About {
            path: results.path.display().to_string(),
            name: results.name.clone(),
            experiment_sha256: results.provenance.experiment_sha256.clone(),
            on: runs.first().map_or_else(String::new, |run| run.on.clone()),
            burstlab: results.provenance.burstlab.clone(),
        }
    }
}

impl Cell {
    fn of(reference: &Group<'_>, real: &Group<'_>, is_virtual: bool) -> Cell {
        let [(from, invalid_from), (runs, invalid)] = [reference, real].map(|group| trusted(&group.runs));
        let valid = from.iter().chain(&runs).all(|run| results::is_valid(run));
        let mut metrics = rows(&from, draws(&from, is_virtual), &runs);
        metrics.iter_mut().for_each(|row| row.valid = valid);
        let remarks = [
            untrusted("runs of A", &reference.runs, &invalid_from),
            untrusted(if is_virtual { "real runs" } else { "runs of B" }, &real.runs, &invalid),
            elsewhere(&from, &runs),
        ];
        Cell {
            key: reference.key.clone(),
            reference_runs: from.len(),
            real_runs: runs.len(),
            invalid_runs: invalid.len(),
            valid,
            remarks: remarks.into_iter().flatten().collect(),
            metrics,
        }
    }

    /// Gated metrics that are beyond the tolerance, or of runs that show nothing.
    pub fn beyond_the_gate(&self) -> impl Iterator<Item = &Row> {
        self.metrics.iter().filter(|row| row.gated && !(row.valid && row.within_tolerance == Some(true)))
    }
}

fn rows(reference: &[&Run], draws: usize, real: &[&Run]) -> Vec<Row> {
    let values = |runs: &[&Run]| runs.iter().map(|run| metrics::values(run)).collect::<Vec<_>>();
    let of = |values: &[BTreeMap<String, f64>], key: &str| -> Vec<f64> {
        values.iter().filter_map(|values| values.get(key).copied()).collect()
    };
    let (in_reference, in_real) = (values(reference), values(real));
    let mut jobs: Vec<String> = Vec::new();
    for job in reference.iter().chain(real).flat_map(|run| &run.jobs) {
        if !jobs.contains(&job.name) {
            jobs.push(job.name.clone());
        }
    }
    let rows = metrics::listed(&jobs).into_iter().filter_map(|metric| {
        let (reference, real) = (of(&in_reference, &metric.key), of(&in_real, &metric.key));
        Row::of(metric, &reference, draws, &real)
    });
    rows.collect()
}

/// Runs of the reference that are draws of their own: in virtual time, a seed gives the same run however often it runs.
fn draws(runs: &[&Run], is_virtual: bool) -> usize {
    let seeds: BTreeSet<u64> = runs.iter().map(|run| run.seed).collect();
    if is_virtual { seeds.len() } else { runs.len() }
}

/// The runs to compare, and those that cannot be trusted. Without any others, these have to do.
fn trusted<'a>(runs: &[&'a Run]) -> (Vec<&'a Run>, Vec<&'a Run>) {
    let (valid, invalid): (Vec<_>, Vec<_>) = runs.iter().copied().partition(|run| results::is_valid(run));
    if valid.is_empty() { (invalid.clone(), invalid) } else { (valid, invalid) }
}

fn untrusted(what: &str, runs: &[&Run], invalid: &[&Run]) -> Option<String> {
    if invalid.is_empty() {
        return None;
    }
    let left = match runs.len() - invalid.len() {
        0 => "so that these figures show the machine's limits".to_owned(),
        left => format!("which leaves {left} to compare"),
    };
    let late_share = |run: &Run| run.real_time.as_ref().map_or(0.0, |real_time| real_time.late_share);
    let worst = invalid.iter().max_by(|a, b| late_share(a).total_cmp(&late_share(b)));
    let fault = worst.and_then(|run| results::fault(run)).map_or_else(String::new, |fault| format!(": {fault}"));
    Some(format!("{} of {} {what} cannot be trusted, {left}{fault}", invalid.len(), runs.len()))
}

/// Where the queue with the most queueing is another one, delays are of two different queues.
fn elsewhere(reference: &[&Run], real: &[&Run]) -> Option<String> {
    let names = |runs: &[&Run]| -> BTreeSet<String> {
        let queues = runs.iter().filter_map(|run| run.queues.iter().find(|queue| queue.queue == run.bottleneck));
        queues.map(|queue| queue.name.clone()).collect()
    };
    let (expected, found) = (names(reference), names(real));
    let apart = !expected.is_empty() && !found.is_empty() && expected.is_disjoint(&found);
    let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
    apart.then(|| {
        format!(
            "the queue with the most queueing is {} in the reference and {} in real time",
            list(expected),
            list(found)
        )
    })
}

#[cfg(test)]
mod tests;
