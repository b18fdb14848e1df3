//! Which figure of a run a gate looks at.

use burstlab_units::{Span, Time};
use serde_json::Value;

use super::statistics::{Point, STATISTICS, Statistic};
use super::unit::Dimension;
use crate::cell::{Setting, flows_together};
use crate::check;
use crate::experiment::Cell;
use crate::results::{CellResult, FlowRow, FlowSeriesRow, QueueSeriesRow, Run};

/// A figure, and whose.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metric {
    /// As it was written.
    pub text: String,
    pub what: What,
    /// The queue; default the bottleneck.
    pub queue: Option<String>,
    /// The flows of this name, or of this job; default all.
    pub group: Option<String>,
    /// From when; default from the warm-up on.
    pub from: Option<Span>,
    pub until: Option<Span>,
}

/// What kind of figure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// A path of summary.json.
    Summary(String),
    /// A path below a queue.
    Queue(String),
    /// Of a series; without a statistic the series itself.
    Series(Signal, Option<Statistic>),
}

/// What is recorded over time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Signal {
    Queue,
    Window,
    Rate,
    Rtt,
    /// A controller's own.
    Inner(String),
}

/// A cell that ran, and what formulas and units need of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ran<'a> {
    pub cell: &'a Cell,
    pub setting: Option<&'a Setting>,
    pub result: &'a CellResult,
}

impl What {
    /// Reads a metric; or a sentence on what is wrong with it. With `drawn` a series has no statistic, as in a picture
    /// over time.
    pub fn parse(text: &str, drawn: bool) -> Result<What, String> {
        let unknown = |word: &str| {
            let known: Vec<_> = STATISTICS.iter().map(|(name, _)| *name).collect();
            format!("\"{text}\": unknown statistic \"{word}\"; expected one of: {}", known.join(", "))
        };
        if let Some(series) = text.strip_prefix("series.") {
            let (signal, statistic) = match series.split_once('.') {
                Some((signal, word)) => {
                    let found = STATISTICS.iter().find(|(name, _)| *name == word);
                    (signal, Some(found.ok_or_else(|| unknown(word))?.1))
                }
                None => (series, None),
            };
            return match (statistic, drawn) {
                (None, false) => Err(format!("\"{text}\" has no statistic; expected for example \"{text}.mean\"")),
                (Some(_), true) => {
                    Err(format!("\"{text}\" is one figure; expected \"series.{signal}\" to draw over time"))
                }
                _ => Ok(What::Series(Signal::parse(signal), statistic)),
            };
        }
        if drawn {
            return Err(format!("\"{text}\" is no series; expected for example \"series.queue\", or an axis as x"));
        }
        match text.strip_prefix("queue.") {
            Some(path) => check_path(text, &format!("bottleneck.{path}")).map(|()| What::Queue(path.to_owned())),
            None => check_path(text, text).map(|()| What::Summary(text.to_owned())),
        }
    }

    /// What kind of quantity it is.
    pub fn dimension(&self) -> Dimension {
        let of = |words: &[&str], path: &str| path.split('.').any(|part| words.contains(&part));
        match self {
            What::Series(_, Some(Statistic::AtMax | Statistic::Period)) => Dimension::Time,
            What::Series(Signal::Rate, _) => Dimension::Rate,
            What::Series(Signal::Rtt, _) => Dimension::Time,
            What::Series(..) => Dimension::Plain,
            What::Summary(path) | What::Queue(path) if path.ends_with(".count") => Dimension::Plain,
            What::Summary(path) | What::Queue(path) => match () {
                () if of(&["goodput"], path) => Dimension::Rate,
                () if of(&["queue_delay", "completion", "iteration", "communication", "simulated"], path) => {
                    Dimension::Time
                }
                () => Dimension::Plain,
            },
        }
    }
}

/// Jobs and queues have names that no default run knows.
fn check_path(text: &str, path: &str) -> Result<(), String> {
    let known = check::metrics::of(&Run::default());
    if known.contains_key(path) || path.starts_with("jobs.") || path.starts_with("queues.") {
        return Ok(());
    }
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    Err(format!(
        "a run has no figure \"{text}\"; expected series.NAME.STATISTIC, queue.PATH, jobs.NAME.PATH or one of: {}",
        names.join(", ")
    ))
}

impl Signal {
    fn parse(name: &str) -> Signal {
        match name {
            "queue" => Signal::Queue,
            "window" => Signal::Window,
            "rate" => Signal::Rate,
            "rtt" => Signal::Rtt,
            inner => Signal::Inner(inner.to_owned()),
        }
    }
}

impl Metric {
    /// The figure in `ran`, in the results' unit; none if there is nothing of the kind in it.
    ///
    /// # Errors
    /// A sentence, if the run has no such queue, flow or figure.
    pub fn of(&self, ran: Ran<'_>) -> Result<Option<f64>, String> {
        match &self.what {
            What::Series(_, statistic) => {
                let points = self.series(ran)?;
                Ok(statistic.and_then(|statistic| statistic.of(&points)))
            }
            What::Queue(path) => match &self.queue {
                None => figure(&ran.result.run, &format!("bottleneck.{path}")),
                Some(name) => figure(&ran.result.run, &format!("queues.{name}.{path}"))
                    .map_err(|error| format!("{error}; queues: {}", queues(&ran.result.run))),
            },
            What::Summary(path) => match &self.group {
                None => figure(&ran.result.run, path),
                Some(group) => {
                    let flows: Vec<FlowRow> = self.flows(ran.result).cloned().collect();
                    if flows.is_empty() {
                        return Err(format!("there is no flow or job \"{group}\" in the run"));
                    }
                    figure(&Run { flows: flows_together(&flows), ..Run::default() }, path)
                }
            },
        }
    }

    /// The series in `ran`.
    ///
    /// # Errors
    /// A sentence, if the run has no such queue or flow.
    pub fn series(&self, ran: Ran<'_>) -> Result<Vec<Point>, String> {
        let What::Series(signal, _) = &self.what else { return Ok(Vec::new()) };
        let mut points = match signal {
            Signal::Queue => self.of_queue(ran)?,
            signal => self.of_flows(signal, ran)?,
        };
        let from = self.from.unwrap_or(ran.cell.warmup).as_nanos();
        let until = self.until.map_or(Time::NEVER.as_nanos(), Span::as_nanos);
        points.retain(|(at, _)| (from..=until).contains(at));
        Ok(points)
    }

    fn of_queue(&self, ran: Ran<'_>) -> Result<Vec<Point>, String> {
        let Ran { cell, result, .. } = ran;
        let bottleneck = || result.run.queues.iter().find(|queue| queue.queue == result.run.bottleneck);
        let name = match &self.queue {
            Some(name) => name.clone(),
            None => bottleneck().map(|queue| queue.name.clone()).unwrap_or_default(),
        };
        let rows = result.queue_series.iter().filter(|row| row.queue == name);
        let points: Vec<Point> =
            rows.map(|QueueSeriesRow { time_ns, packets_mean, .. }| (*time_ns, *packets_mean)).collect();
        // A queue at which nothing waited has no series, but a length all the same.
        match result.run.queues.iter().any(|queue| queue.name == name) {
            true if points.is_empty() => Ok(vec![(cell.warmup.as_nanos(), 0.0), (result.run.simulated, 0.0)]),
            true => Ok(points),
            false => Err(format!("no packet came to a queue \"{name}\"; queues: {}", queues(&result.run))),
        }
    }

    fn of_flows(&self, signal: &Signal, ran: Ran<'_>) -> Result<Vec<Point>, String> {
        let payload = ran.setting.map_or(1.0, |setting| setting.payload.get() as f64);
        let of_row = |row: &FlowSeriesRow| match signal {
            Signal::Window => row.window_bytes as f64 / payload,
            Signal::Rate => row.rate_bit_s as f64,
            _ => row.smoothed_rtt_ns as f64,
        };
        let samples: Vec<Point> = match signal {
            Signal::Inner(name) => {
                let rows = ran.result.signal_series.iter().filter(|row| row.signal == *name);
                rows.filter(|row| self.takes(ran.result, row.flow, row.direction))
                    .map(|row| (row.time_ns, row.value))
                    .collect()
            }
            _ => {
                let rows = ran.result.flow_series.iter().filter(|row| self.takes(ran.result, row.flow, row.direction));
                rows.map(|row| (row.time_ns, of_row(row))).collect()
            }
        };
        if samples.is_empty() {
            return Err("no flow of it was recorded; see [record] series, flows and signals".to_owned());
        }
        Ok(together(samples, *signal == Signal::Rate))
    }

    fn takes(&self, result: &CellResult, flow: usize, direction: crate::results::Direction) -> bool {
        self.group.is_none() || self.flows(result).any(|row| (row.flow, row.direction) == (flow, direction))
    }

    fn flows<'a>(&'a self, result: &'a CellResult) -> impl Iterator<Item = &'a FlowRow> {
        result.flows.iter().filter(|row| self.group.as_ref().is_none_or(|group| row.job == *group))
    }
}

/// One series of several: their sum, or their mean.
fn together(mut samples: Vec<Point>, sum: bool) -> Vec<Point> {
    samples.sort_by_key(|sample| sample.0);
    let at_once = samples.chunk_by(|a, b| a.0 == b.0);
    let of = |points: &[Point]| {
        let total: f64 = points.iter().map(|point| point.1).sum();
        (points[0].0, if sum { total } else { total / points.len() as f64 })
    };
    at_once.map(of).collect()
}

fn figure(run: &Run, path: &str) -> Result<Option<f64>, String> {
    let metrics = check::metrics::of(run);
    match metrics.get(path) {
        Some(value) => Ok(Value::as_f64(value)),
        None => Err(format!("the run has no figure \"{path}\"")),
    }
}

fn queues(run: &Run) -> String {
    run.queues.iter().map(|queue| queue.name.as_str()).collect::<Vec<_>>().join(", ")
}
