//! Queues and flows of a run over time.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::error::Error;
use super::input::Directory;
use super::thin::{Series, thin_together};
use crate::results::{Direction, FlowRow, FlowSeriesRow, IterationRow, QueueRow, QueueSeriesRow};

/// Points of all queues together, and of all flows: they bound the size of the report to a few megabytes.
const QUEUE_POINTS: usize = 80_000;
const FLOW_POINTS: usize = 80_000;

/// Of a run with more queues or flows than this, those that say most are shown.
const MOST_PER_RUN: usize = 24;

/// A queue's length over time: its mean and its maximum in each interval, in packets.
#[derive(Debug, Serialize)]
pub struct Queue {
    /// Index into the runs of the report.
    pub run: usize,
    pub name: String,
    pub series: Series,
}

/// A flow within its run: the connection's number, and which way of it.
type FlowKey = (usize, Direction);

/// A flow over time: window and bytes in flight in bytes, rate in bit/s, smoothed round-trip time in ns.
#[derive(Debug, Serialize)]
pub struct Flow {
    /// Index into the runs of the report.
    pub run: usize,
    pub name: String,
    /// Where it goes, and for whom.
    pub label: String,
    /// When the iterations of the flow's job start, in ns.
    pub iterations: Vec<u64>,
    pub series: Series,
}

/// A run's queues and flows, the telling ones first.
#[derive(Debug, Default)]
pub struct Timelines {
    pub queues: Vec<Queue>,
    pub flows: Vec<Flow>,
}

impl Timelines {
    /// Reads the series of `directory`, whose first run has the index `first_run` in the report, in full.
    pub fn read(directory: &Directory, first_run: usize) -> Result<Timelines, Error> {
        Ok(Timelines { queues: queues(directory, first_run)?, flows: flows(directory, first_run)? })
    }

    /// Appends those of another directory.
    pub fn extend(&mut self, other: Timelines) {
        self.queues.extend(other.queues);
        self.flows.extend(other.flows);
    }

    /// Thins all series to what the report has room for.
    pub fn thin(&mut self) {
        thin(self.queues.iter_mut().map(|queue| &mut queue.series), QUEUE_POINTS);
        thin(self.flows.iter_mut().map(|flow| &mut flow.series), FLOW_POINTS);
    }
}

fn thin<'a>(series: impl Iterator<Item = &'a mut Series>, budget: usize) {
    let places: Vec<&mut Series> = series.collect();
    let full = places.iter().map(|series| (**series).clone()).collect();
    places.into_iter().zip(thin_together(full, budget)).for_each(|(place, thinned)| *place = thinned);
}

/// Queues by run; within it, the one with the most queueing first: the largest sum of its packets' delays.
fn queues(directory: &Directory, first_run: usize) -> Result<Vec<Queue>, Error> {
    let mut rank: BTreeMap<(usize, String), u128> = BTreeMap::new();
    directory.run_rows(|row: QueueRow| {
        let delays = u128::from(row.mean_delay_ns) * u128::from(row.offered_packets);
        rank.insert((row.run, row.queue), delays);
    })?;
    let mut all: BTreeMap<(usize, String), Series> = BTreeMap::new();
    directory.run_rows(|row: QueueSeriesRow| {
        let values = [row.packets_mean, row.packets_max as f64];
        all.entry((row.run, row.queue)).or_insert_with(|| Series::new(2)).push(row.time_ns, values);
    })?;
    let telling = best_of_each_run(all, |key| rank.get(key).copied().unwrap_or_default());
    Ok(telling.into_iter().map(|((run, name), series)| Queue { run: first_run + run, name, series }).collect())
}

/// Flows by run; within it, the one with the most bytes first.
fn flows(directory: &Directory, first_run: usize) -> Result<Vec<Flow>, Error> {
    let mut about: BTreeMap<(usize, FlowKey), FlowRow> = BTreeMap::new();
    directory.run_rows(|row: FlowRow| {
        about.insert((row.run, (row.flow, row.direction)), row);
    })?;
    let mut iterations: BTreeMap<(usize, String, u32), Vec<u64>> = BTreeMap::new();
    directory.run_rows(|row: IterationRow| {
        iterations.entry((row.run, row.job, row.copy)).or_default().push(row.start_ns);
    })?;
    let mut all: BTreeMap<(usize, FlowKey), Series> = BTreeMap::new();
    directory.run_rows(|row: FlowSeriesRow| {
        let values = [row.window_bytes, row.in_flight_bytes, row.rate_bit_s, row.smoothed_rtt_ns];
        let series = all.entry((row.run, (row.flow, row.direction))).or_insert_with(|| Series::new(4));
        series.push(row.time_ns, values.map(|value| value as f64));
    })?;
    let flow = |((run, key), series): ((usize, FlowKey), Series)| {
        let about = about.get(&(run, key));
        let iterations = about.and_then(|flow| iterations.get(&(run, flow.job.clone(), flow.copy)));
        Flow {
            run: first_run + run,
            name: name(key),
            label: about.map_or_else(|| format!("flow {}", name(key)), label),
            iterations: iterations.cloned().unwrap_or_default(),
            series,
        }
    };
    let bytes = |key: &(usize, FlowKey)| about.get(key).map_or(0, |flow| flow.bytes);
    Ok(best_of_each_run(all, bytes).into_iter().map(flow).collect())
}

/// Most flows go forward, so that is not said.
fn name((number, direction): FlowKey) -> String {
    match direction {
        Direction::Forward => number.to_string(),
        Direction::Backward => format!("{number} back"),
    }
}

fn label(flow: &FlowRow) -> String {
    let FlowRow { flow: number, direction, job, copy, src, dst, .. } = flow;
    let number = name((*number, *direction));
    let path = format!("flow {number}: {src} \u{2192} {dst}");
    if job.is_empty() { path } else { format!("{path} ({job}, copy {copy})") }
}

/// The series of each run, highest `rank` first, and no more than [`MOST_PER_RUN`].
fn best_of_each_run<K: Ord, R: Ord>(
    all: BTreeMap<(usize, K), Series>,
    rank: impl Fn(&(usize, K)) -> R,
) -> Vec<((usize, K), Series)> {
    let mut all: Vec<_> = all.into_iter().collect();
    // The sort is stable: those of equal rank stay in the order of their names.
    all.sort_by_cached_key(|(key, _)| (key.0, Reverse(rank(key))));
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    all.retain(|((run, _), _)| {
        let taken = taken.entry(*run).or_default();
        *taken += 1;
        *taken <= MOST_PER_RUN
    });
    all
}
