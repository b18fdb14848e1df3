//! The recordings of an experiment, read once before any cell runs, so that a bad one leaves no half-written results.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use burstlab_replay::{Error, ImportOptions, Trace};

use crate::bundled;
use crate::cell::Recordings;
use crate::experiment::{Experiment, Job, MOST_FLOWS, TraceSource};
use crate::results::{TracePtmRow, TraceRateRow, TraceRows};
use crate::runner::{RunError, Stop};

/// The recordings of an experiment.
pub(crate) struct Traces {
    /// Their jobs.
    pub recordings: Recordings,
    /// What was amiss but did not prevent reading, a sentence each.
    pub warnings: Vec<String>,
    /// Rates over time and peak-to-mean curves: what each node sends, and all together.
    pub rows: TraceRows,
}

impl Traces {
    /// Reads every recording that `experiment` plays.
    ///
    /// # Errors
    /// What is wrong with the first that cannot be read, or that [`Stop::stop`] was called.
    pub fn load(experiment: &Experiment, stop: &Stop) -> Result<Traces, RunError> {
        let mut traces = Traces { recordings: Recordings::default(), warnings: Vec::new(), rows: TraceRows::default() };
        let (mut read_in_a_way, mut drawn) = (BTreeSet::new(), BTreeSet::new());
        let mut names = Names::default();
        for job in experiment.cells.iter().flat_map(|cell| &cell.jobs) {
            // Jobs may set the silence that ends a burst, so one file may be read in several ways.
            if !read_in_a_way.insert((&job.trace, job.burst_gap)) {
                continue;
            }
            let trace = read(job, stop)?;
            if trace.jobs().is_empty() {
                return Err(RunError::Input(format!("{}: no job was found in it", job.trace)));
            }
            // Where bursts end does not change what was sent.
            if drawn.insert(&job.trace) {
                add_rows(&names.take(job.trace.stem()), &trace, &mut traces.rows);
                traces.warnings.extend_from_slice(trace.warnings());
            }
            traces.recordings.add(job.trace.clone(), job.burst_gap, trace.into_jobs());
        }
        traces.check_sizes(experiment)?;
        Ok(traces)
    }

    /// Copies multiply what a recording holds, so only now is it known how many connections a cell has.
    fn check_sizes(&self, experiment: &Experiment) -> Result<(), RunError> {
        for cell in experiment.cells.iter().filter(|cell| !cell.jobs.is_empty()) {
            let recorded = self.recordings.of(cell);
            let of_jobs =
                recorded.iter().zip(&cell.jobs).map(|(r, job)| r.connections() as u64 * u64::from(job.copies));
            let count = of_jobs.chain(cell.flows.iter().map(|flow| u64::from(flow.count))).sum::<u64>();
            if count > u64::from(MOST_FLOWS) {
                let message = format!(
                    "{} copies of the jobs make {count} connections, which are too many: at most {MOST_FLOWS}",
                    cell.copies
                );
                return Err(RunError::Input(message));
            }
        }
        Ok(())
    }
}

/// What the tables call recordings: two files of one name in different folders are two recordings.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    /// `stem`, with a number if it is taken.
    fn take(&mut self, stem: &str) -> String {
        let numbered = (2u32..).map(|number| format!("{stem}-{number}"));
        let mut names = std::iter::once(stem.to_owned()).chain(numbered);
        names.find(|name| self.0.insert(name.clone())).unwrap_or_default()
    }
}

fn read(job: &Job, stop: &Stop) -> Result<Trace, RunError> {
    let options =
        ImportOptions { gap: job.burst_gap, curve: true, cancel: Some(stop.flag()), ..ImportOptions::default() };
    let read = |path: &Path| {
        Trace::open(&[path], &options).map_err(|error| match error {
            Error::Cancelled => RunError::Stopped,
            error => RunError::Input(error.to_string()),
        })
    };
    match &job.trace {
        TraceSource::File(path) => read(path),
        TraceSource::Bundled(_) => {
            let unpack = || {
                let mut file = tempfile::NamedTempFile::new()?;
                file.write_all(bundled::RESNET50)?;
                Ok(file)
            };
            let file = unpack().map_err(|error: std::io::Error| {
                let folder = std::env::temp_dir();
                let advice = "set TMPDIR to a folder that can be written";
                RunError::Machine(format!("cannot unpack the recording in {}: {error}; {advice}", folder.display()))
            })?;
            read(file.path())
        }
    }
}

fn add_rows(name: &str, trace: &Trace, rows: &mut TraceRows) {
    let stats = trace.stats();
    for node in stats.nodes.iter().chain([&stats.all]) {
        rows.rate.extend((0..).zip(&node.series).map(|(bin, rate)| TraceRateRow {
            trace: name.to_owned(),
            node: node.node.clone(),
            time_ns: bin * stats.bin,
            rate_bit_s: *rate,
        }));
        rows.ptm.extend(node.curve.iter().map(|(tau, ptm)| TracePtmRow {
            trace: name.to_owned(),
            node: node.node.clone(),
            tau_ns: *tau,
            ptm: *ptm,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_of_one_file_name_are_numbered() {
        let mut names = Names::default();
        assert_eq!(["a", "b", "a", "a-2", "a"].map(|stem| names.take(stem)), ["a", "b", "a-2", "a-2-2", "a-3"]);
    }
}
