//! Running the cells of an experiment: several at a time, results in the cells' order.

mod progress;
mod stop;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use burstlab_engine::Monitor;

use crate::cell::CellError;
use crate::experiment::Cell;
use crate::results::CellResult;

pub use progress::Progress;
pub use stop::Stop;

/// Why an experiment did not run to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// It was asked to stop.
    #[error("interrupted")]
    Stopped,
    /// Something that it was given is wrong; a sentence says what.
    #[error("{0}")]
    Input(String),
    /// The machine cannot do it; a sentence says why and what to do about it.
    #[error("{0}")]
    Machine(String),
    /// A fault of the program.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<CellError> for RunError {
    fn from(error: CellError) -> RunError {
        match error {
            CellError::Cancelled => RunError::Stopped,
            CellError::Machine(why) => RunError::Machine(why),
            CellError::NoSeat | CellError::Violated { .. } => RunError::Internal(error.to_string()),
            error => RunError::Input(error.to_string()),
        }
    }
}

/// Runs one cell and measures it; gives [`RunError::Stopped`] soon after [`Monitor::cancel`] is set.
pub type RunCell<'a> = dyn Fn(&Cell, &Monitor) -> Result<CellResult, RunError> + Sync + 'a;

/// Runs `cells` on `threads` threads and hands each result to `emit` in the cells' order.
///
/// When a cell fails, or [`Stop::stop`] is called, no further cell begins and those that run are stopped; results of cells
/// that had ended by then are still handed over, in order.
///
/// # Errors
/// The first failure: of a cell, or of `emit`.
pub fn run_cells(
    cells: &[Cell],
    threads: NonZeroUsize,
    run_cell: &RunCell<'_>,
    stop: &Stop,
    progress: &Progress,
    mut emit: impl FnMut(CellResult) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads.get().min(cells.len()) {
            let (sender, next, stop, progress) = (sender.clone(), &next, stop.clone(), progress);
            scope.spawn(move || {
                while let Some((index, cell)) = take(cells, next, &stop) {
                    let monitor = stop.monitor();
                    progress.begin(index, cell, &monitor);
                    let result = run_guarded(run_cell, cell, &monitor);
                    progress.end(index);
                    if result.as_ref().map_or(true, |result| result.broken_off.is_some()) {
                        // Here and not where results are gathered, so that this thread begins nothing more.
                        stop.stop();
                    }
                    if sender.send((index, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        in_order(&receiver, cells.len(), stop, &mut emit)
    })
}

fn take<'c>(cells: &'c [Cell], next: &AtomicUsize, stop: &Stop) -> Option<(usize, &'c Cell)> {
    if stop.is_asked() {
        return None;
    }
    let index = next.fetch_add(1, Ordering::Relaxed);
    cells.get(index).map(|cell| (index, cell))
}

/// A panic in one cell must not take the results of the others with it.
fn run_guarded(run_cell: &RunCell<'_>, cell: &Cell, monitor: &Monitor) -> Result<CellResult, RunError> {
    catch_unwind(AssertUnwindSafe(|| run_cell(cell, monitor))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(RunError::Internal(format!("{} under {}", text.unwrap_or("a cell failed"), cell.controller)))
    })
}

/// Emits results in the order of their cells; those behind a cell that gave none come at the end, still in order.
fn in_order(
    receiver: &mpsc::Receiver<(usize, Result<CellResult, RunError>)>,
    total: usize,
    stop: &Stop,
    emit: &mut impl FnMut(CellResult) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let (mut waiting, mut next, mut failure) = (BTreeMap::new(), 0, None);
    for (index, result) in receiver {
        match result {
            Ok(result) => _ = waiting.insert(index, result),
            Err(error) => keep_first(&mut failure, error),
        }
        while let Some(result) = waiting.remove(&next) {
            next += 1;
            if let Err(error) = emit(result) {
                // What cannot be written once will not be written later.
                stop.stop();
                return Err(error);
            }
        }
    }
    for result in waiting.into_values() {
        emit(result)?;
    }
    match failure {
        Some(error) => Err(error),
        None if next < total => Err(RunError::Stopped),
        None => Ok(()),
    }
}

/// Keeps the first real failure: that others then stop is its consequence.
fn keep_first(failure: &mut Option<RunError>, error: RunError) {
    if matches!(failure, None | Some(RunError::Stopped)) {
        *failure = Some(error);
    }
}

#[cfg(test)]
mod tests;
