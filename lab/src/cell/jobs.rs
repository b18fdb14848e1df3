//! Jobs after a run: their iterations, and what these would be on an ideal network.

use burstlab_engine::traffic::{Progress, Traffic};
use burstlab_units::{Span, Time};

use super::setup::Copy;
use super::{Ran, lanes};
use crate::results::{IterationRow, JobSummary, Percentiles};

/// The iterations that ended, of every copy, in order.
pub(super) fn iterations(run: &Ran) -> Vec<IterationRow> {
    run.plan.copies.iter().flat_map(|copy| iterations_of(copy, &run.plan.traffic)).collect()
}

fn iterations_of(copy: &Copy, traffic: &Traffic) -> Vec<IterationRow> {
    let mut start = copy.start;
    let mut rows = Vec::new();
    for (iteration, transfers) in by_iteration(copy, traffic) {
        let progress: Vec<Progress> = transfers.iter().map(|t| traffic.progress()[*t as usize]).collect();
        let Some(end) = progress.iter().map(|p| p.finished).max().filter(|end| !end.is_never()) else { break };
        rows.push(IterationRow {
            run: 0,
            job: copy.name.clone(),
            copy: copy.copy,
            iteration,
            start_ns: start.as_nanos(),
            end_ns: end.as_nanos(),
            communication_ns: covered(progress.iter().map(|p| (p.started, p.finished)).collect()).as_nanos(),
        });
        start = end;
    }
    rows
}

/// The numbers of a copy's transfers, for each iteration that has any.
fn by_iteration(copy: &Copy, traffic: &Traffic) -> Vec<(u32, Vec<u32>)> {
    let mut groups: Vec<(u32, Vec<u32>)> = (0..copy.iterations).map(|i| (i, Vec::new())).collect();
    for number in copy.transfers.clone() {
        groups[traffic.transfers()[number as usize].iteration as usize].1.push(number);
    }
    groups.retain(|(_, transfers)| !transfers.is_empty());
    groups
}

/// How much time these spans cover together.
pub(super) fn covered(mut spans: Vec<(Time, Time)>) -> Span {
    spans.sort();
    let (mut total, mut until) = (Span::ZERO, Time::ZERO);
    for (start, end) in spans {
        total += end.since(start.max(until));
        until = until.max(end);
    }
    total
}

/// Mean length in ns of the iterations of job `number`; `None` if none ended.
pub(super) fn mean_iteration(run: &Ran, number: usize) -> Option<f64> {
    let copies = run.plan.copies.iter().filter(|copy| copy.job == number);
    mean(copies.flat_map(|copy| iterations_of(copy, &run.plan.traffic)).map(|row| (row.end_ns - row.start_ns) as f64))
}

/// Mean length in ns of the iterations of job `number` if every transfer took only what it needs on an empty path.
fn ideal_iteration(run: &Ran, number: usize) -> Option<f64> {
    let transfers = run.plan.traffic.transfers();
    let mut ends = Vec::new();
    for copy in run.plan.copies.iter().filter(|copy| copy.job == number) {
        let first = copy.transfers.start;
        let mut finished: Vec<Time> = Vec::with_capacity(copy.transfers.len());
        for number in copy.transfers.clone() {
            let transfer = &transfers[number as usize];
            let ready = transfer.after.iter().map(|t| finished[(*t - first) as usize]).max().unwrap_or(Time::ZERO);
            finished.push(ready + transfer.delay + lanes::alone(run, transfer));
        }
        let mut start = copy.start;
        for (_, group) in by_iteration(copy, &run.plan.traffic) {
            let end = group.iter().map(|t| finished[(*t - first) as usize]).max().unwrap_or(start);
            ends.push(end.since(start).as_nanos() as f64);
            start = end;
        }
    }
    mean(ends.into_iter())
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0u64, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

/// Each job entry of the cell, its copies together.
pub(super) fn summaries(run: &Ran, names: &[String], rows: &[IterationRow], alone: &[Option<f64>]) -> Vec<JobSummary> {
    let ratio = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) if b > 0.0 => a / b,
        _ => 0.0,
    };
    let summary = |(number, name): (usize, &String)| {
        let parts: Vec<&str> = run.plan.copies.iter().filter(|c| c.job == number).map(|c| c.name.as_str()).collect();
        let own = || rows.iter().filter(|row| parts.contains(&row.job.as_str()));
        let mean = mean_iteration(run, number);
        JobSummary {
            name: name.clone(),
            iterations: own().count() as u64,
            iteration: Percentiles::of_values(own().map(|row| row.end_ns - row.start_ns)),
            communication: Percentiles::of_values(own().map(|row| row.communication_ns)),
            slowdown_alone: ratio(mean, alone.get(number).copied().flatten()),
            slowdown_ideal: ratio(mean, ideal_iteration(run, number)),
        }
    };
    names.iter().enumerate().map(summary).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_overlap_are_counted_once() {
        let at = Time::from_nanos;
        let spans = vec![(at(10), at(20)), (at(30), at(40)), (at(15), at(25)), (at(16), at(17))];
        assert_eq!(covered(spans), Span::from_nanos(25));
        assert_eq!(covered(Vec::new()), Span::ZERO);
    }
}
