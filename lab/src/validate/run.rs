//! Running entries and their mutations, several at a time.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use burstlab_algorithms::Registry;

use super::entry::{Case, Entry, Variant, matching};
use super::formulas::Parameters;
use super::progress::Progress;
use super::subject::Figures;
use super::{ValidateError, claims::Mutation};
use crate::cell::Setting;
use crate::results::CellResult;
use crate::runner::{RunError, Stop};

/// What one run gave.
pub(crate) enum Observed {
    Cell(Box<CellResult>, Option<Setting>),
    Figures(Figures),
}

/// An entry with all that was measured of it.
pub(crate) struct Measured {
    pub entry: Entry,
    pub variant: Variant,
    /// Of each run.
    pub parameters: Vec<Parameters>,
    pub observed: Vec<Option<Observed>>,
    /// For each mutation: what runs, and what those runs gave that its gates need. Empty unless they were asked for.
    pub mutated: Vec<(Variant, Vec<Option<Observed>>)>,
}

/// One run of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Task {
    entry: usize,
    mutation: Option<usize>,
    case: usize,
}

/// Runs `entries`, with their mutations if `mutate` says so, on `threads` threads.
///
/// # Errors
/// What is wrong with an entry, before anything runs; or the first failure of a run.
pub(crate) fn measure(
    entries: Vec<Entry>,
    registry: &Registry,
    mutate: bool,
    threads: NonZeroUsize,
    stop: &Stop,
) -> Result<Vec<Measured>, ValidateError> {
    let prepare = |entry| prepare(entry, registry, mutate, stop);
    let mut measured = entries.into_iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
    let tasks = tasks(&measured);
    let progress = Progress::on_terminal(tasks.len());
    let results = all(&measured, &tasks, threads, stop, &progress);
    progress.finish();
    for (task, observed) in results? {
        let measured = &mut measured[task.entry];
        match task.mutation {
            None => measured.observed[task.case] = Some(observed),
            Some(mutation) => measured.mutated[mutation].1[task.case] = Some(observed),
        }
    }
    Ok(measured)
}

fn prepare(entry: Entry, registry: &Registry, mutate: bool, stop: &Stop) -> Result<Measured, ValidateError> {
    let variant = entry.variant(registry, stop)?;
    let parameters = variant.cases.iter().map(|case| case.parameters(variant.lab.as_ref()));
    let parameters = parameters.collect::<Result<Vec<_>, _>>()?;
    entry.check_differences(&variant.cases, &parameters)?;
    let mutations: &[Mutation] = if mutate { &entry.claims.mutations } else { &[] };
    let mutated = mutations.iter().map(|mutation| {
        let mutated = entry.mutated(mutation, &variant, registry, stop)?;
        let nothing = mutated.cases.iter().map(|_| None).collect();
        Ok((mutated, nothing))
    });
    let mutated = mutated.collect::<Result<Vec<_>, ValidateError>>()?;
    let observed = variant.cases.iter().map(|_| None).collect();
    Ok(Measured { entry, variant, parameters, observed, mutated })
}

/// Every run that is needed: of a mutation those alone whose gates it has to break.
fn tasks(measured: &[Measured]) -> Vec<Task> {
    let mut tasks = Vec::new();
    for (number, measured) in measured.iter().enumerate() {
        tasks.extend((0..measured.variant.cases.len()).map(|case| Task { entry: number, mutation: None, case }));
        let mutations = measured.entry.claims.mutations.iter().enumerate().take(measured.mutated.len());
        for (mutation, of) in mutations {
            let broken = measured.entry.claims.gates.iter().filter(|gate| of.breaks.contains(&gate.claim.name));
            let cases = broken.flat_map(|gate| matching(&gate.claim, &measured.variant.cases));
            tasks.extend(cases.map(|case| Task { entry: number, mutation: Some(mutation), case }));
        }
    }
    tasks.sort_unstable();
    tasks.dedup();
    tasks
}

fn all(
    measured: &[Measured],
    tasks: &[Task],
    threads: NonZeroUsize,
    stop: &Stop,
    progress: &Progress,
) -> Result<BTreeMap<Task, Observed>, ValidateError> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new((BTreeMap::new(), None));
    std::thread::scope(|scope| {
        for _ in 0..threads.get().min(tasks.len()) {
            scope.spawn(|| {
                while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| !stop.is_asked()) {
                    progress.begin(&measured[task.entry].entry.name);
                    let result = guarded(&measured[task.entry], *task, stop);
                    progress.end();
                    let mut results = results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    match result {
                        Ok(observed) => _ = results.0.insert(*task, observed),
                        Err(error) => {
                            // That others then stop is its consequence, and not to be told instead of it.
                            results.1.get_or_insert(error);
                            stop.stop();
                        }
                    }
                }
            });
        }
    });
    let (results, failure) = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    match failure {
        Some(failure) => Err(ValidateError::Run(failure)),
        None if results.len() < tasks.len() => Err(ValidateError::Run(RunError::Stopped)),
        None => Ok(results),
    }
}

fn guarded(measured: &Measured, task: Task, stop: &Stop) -> Result<Observed, RunError> {
    let variant = match task.mutation {
        None => &measured.variant,
        Some(mutation) => &measured.mutated[mutation].0,
    };
    catch_unwind(AssertUnwindSafe(|| one(variant, task.case, stop))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(RunError::Internal(format!("{} in {}", text.unwrap_or("a run failed"), measured.entry.name)))
    })
}

fn one(variant: &Variant, case: usize, stop: &Stop) -> Result<Observed, RunError> {
    match (&variant.cases[case].case, &variant.lab) {
        (Case::Queueing(queueing), _) => queueing.run(stop).map(Observed::Figures),
        (Case::Recording(recording), _) => recording.run(stop).map(Observed::Figures),
        (Case::Cell(cell), Some(lab)) => {
            let result = lab.run(cell, &stop.monitor()).map_err(RunError::from)?;
            let setting = lab.setting(cell).map_err(RunError::from)?;
            Ok(Observed::Cell(Box::new(result), setting))
        }
        (Case::Cell(_), None) => Err(RunError::Internal("a cell without a lab".to_owned())),
    }
}
