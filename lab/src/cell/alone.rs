//! The same job alone: what its iterations are held against.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{BrokenOff, CellError, Ran, jobs};
use crate::experiment::Cell;

/// Mean iteration of each job, in ns, when one copy of it has the network to itself under the same controller.
pub(super) type Alone = Vec<Option<f64>>;

/// A reference: unknown until it was run, and then none if no iteration ended.
type Slot = Arc<Mutex<Option<Option<f64>>>>;

/// Runs of jobs alone, each done once.
#[derive(Debug, Default)]
pub(super) struct References {
    known: Mutex<BTreeMap<String, Slot>>,
}

impl References {
    /// How long the iterations of each of `cell`'s jobs are alone. A cell that is one job alone is its own reference:
    /// then what it gave comes with it.
    pub fn with(
        &self,
        cell: &Cell,
        run: impl Fn(&Cell) -> Result<Ran, CellError>,
    ) -> Result<(Option<Ran>, Alone), CellError> {
        let mut own = None;
        let mut alone = Alone::new();
        for number in 0..cell.jobs.len() {
            let reference = reference(cell, number);
            let slot = self.slot(&reference);
            // Whoever comes second waits here for the first. After a failure the next one tries again.
            let mut known = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if known.is_none() {
                let ran = run(&reference)?;
                let (is_own, broken_off) = (reference == *cell, ran.broken_off.clone());
                if broken_off.is_none() {
                    *known = Some(jobs::mean_iteration(&ran, 0));
                }
                match broken_off {
                    _ if is_own => own = Some(ran),
                    None => {}
                    Some(BrokenOff::Interrupted) => return Err(CellError::Cancelled),
                    Some(BrokenOff::Machine(why)) => return Err(CellError::Machine(why)),
                }
            }
            alone.push(known.flatten());
        }
        Ok((own, alone))
    }

    fn slot(&self, reference: &Cell) -> Slot {
        // What is recorded of a run does not change it, and neither do names of axes.
        let key = Cell {
            number: 0,
            axes: BTreeMap::new(),
            record: crate::experiment::Record { series: 0, flows: 0, signals: Vec::new() },
            ..reference.clone()
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(format!("{key:?}")).or_default().clone()
    }
}

/// `cell` with one copy of job `number` and nothing else.
fn reference(cell: &Cell, number: usize) -> Cell {
    let mut alone = cell.clone();
    let mut job = alone.jobs.swap_remove(number);
    job.copies = 1;
    alone.jobs = vec![job];
    alone.flows.clear();
    alone.copies = 1;
    alone
}
