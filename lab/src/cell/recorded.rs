//! The recordings that an experiment replays, each read once.

use std::sync::Arc;

use burstlab_replay as replay;
use burstlab_units::Span;

use crate::experiment::{Cell, Job, TraceSource};

/// What one job entry of an experiment replays: the jobs found in its recording, as the entry changes them.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Mostly one; a recording of several jobs gives them all.
    pub jobs: Arc<Vec<replay::Job>>,
}

impl Recorded {
    /// Workers of one copy, for each recorded job.
    pub fn workers(&self) -> Vec<usize> {
        self.jobs.iter().map(|job| job.workers.len()).collect()
    }

    /// Connections of one copy.
    pub fn connections(&self) -> usize {
        self.jobs.iter().map(|job| job.connections.len()).sum()
    }

    /// What results call `part` of the entry `name`.
    pub fn name_of(&self, name: &str, part: &replay::Job) -> String {
        if self.jobs.len() == 1 { name.to_owned() } else { format!("{name}.{}", part.name) }
    }
}

/// Jobs as they were recorded, by where they come from and the gap between their bursts.
#[derive(Debug, Default)]
pub struct Recordings {
    recorded: Vec<(TraceSource, Option<Span>, Vec<replay::Job>)>,
    /// As cells ask for them: the same recording with other computing times or fewer iterations.
    changed: std::sync::Mutex<Vec<(Key, Recorded)>>,
}

/// What makes one recording's jobs differ from cell to cell; the factor by its bits, as it is compared for sameness.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    source: TraceSource,
    gap: Option<Span>,
    compute_scale: u64,
    iterations: Option<u32>,
}

impl Recordings {
    /// Adds the jobs of a recording, read with the gap `gap`.
    pub fn add(&mut self, source: TraceSource, gap: Option<Span>, jobs: Vec<replay::Job>) {
        self.recorded.push((source, gap, jobs));
    }

    /// What each job entry of `cell` replays, in order; nothing where the recording was not added.
    pub fn of(&self, cell: &Cell) -> Vec<Recorded> {
        cell.jobs.iter().map(|job| self.one(job)).collect()
    }

    fn one(&self, job: &Job) -> Recorded {
        let key = Key {
            source: job.trace.clone(),
            gap: job.burst_gap,
            compute_scale: job.compute_scale.to_bits(),
            iterations: job.iterations,
        };
        let mut changed = self.changed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, recorded)) = changed.iter().find(|(known, _)| *known == key) {
            return recorded.clone();
        }
        let found = self.recorded.iter().find(|(source, gap, _)| *source == key.source && *gap == key.gap);
        let mut jobs = found.map(|(_, _, jobs)| jobs.clone()).unwrap_or_default();
        for part in &mut jobs {
            if let Some(iterations) = job.iterations {
                part.take_iterations(iterations as usize);
            }
            part.scale_compute(job.compute_scale);
        }
        let recorded = Recorded { jobs: Arc::new(jobs) };
        changed.push((key, recorded.clone()));
        recorded
    }
}
