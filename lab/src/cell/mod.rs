//! One cell of an experiment, run on the engine and measured.

mod alone;
mod distributions;
mod jobs;
mod lanes;
mod layout;
mod meter;
mod outcome;
mod recorded;
mod series;
mod setup;

use std::time::Instant;

use burstlab_algorithms::{Registry, SpecError};
use burstlab_engine::{Monitor, Outcome};
use burstlab_network::{Direction, FlowId, NoPath};
use burstlab_units::Time;

use crate::experiment::Cell;
use crate::results::CellResult;
use alone::References;
use series::Sampler;
use setup::Setup;

pub use recorded::{Recorded, Recordings};

/// Why a cell gave no result.
#[derive(Debug, thiserror::Error)]
pub enum CellError {
    /// The controller cannot be made.
    #[error(transparent)]
    Controller(#[from] SpecError),
    /// The topology's number of hosts is given, and it is too small.
    #[error("[network] the traffic needs {needed} hosts, and the topology has {hosts}")]
    TooFewHosts {
        /// Hosts that the jobs and flows sit on.
        needed: usize,
        /// Hosts that there are.
        hosts: usize,
    },
    /// The topology does not join two hosts.
    #[error(transparent)]
    NoPath(#[from] NoPath),
    /// A worker was seated where there is no interface.
    #[error("a worker sits at an interface that its host does not have")]
    NoSeat,
    /// The copies of a job cannot be placed.
    #[error(transparent)]
    Phase(#[from] burstlab_replay::Error),
    /// Connections gave up, and what was to follow waits for ever.
    #[error(
        "under {controller}, {unfinished} transfers were not delivered: their connections gave up after too many timeouts; \
         a [run] duration measures until a given time all the same"
    )]
    Stalled {
        /// The cell's controller.
        controller: String,
        /// Transfers that did not end.
        unfinished: usize,
    },
    /// The run was stopped from outside.
    #[error("stopped")]
    Cancelled,
}

/// Runs cells; what several of them need is made once.
#[derive(Debug)]
pub struct Lab {
    registry: Registry,
    recordings: Recordings,
    references: References,
}

/// A finished simulation with what it takes to read it.
struct Simulated {
    setup: Setup,
    sampler: Sampler,
    setup_wall: u64,
    wall: u64,
}

impl Lab {
    /// A lab that knows these controllers and recordings.
    pub fn new(registry: Registry, recordings: Recordings) -> Lab {
        Lab { registry, recordings, references: References::default() }
    }

    /// Runs `cell`. `monitor` shows how far it is, and stops it.
    ///
    /// # Errors
    /// If the cell cannot be set up, or was stopped.
    pub fn run(&self, cell: &Cell, monitor: &Monitor) -> Result<CellResult, CellError> {
        let recorded = self.recordings.of(cell);
        let (simulated, alone) = self.references.with(cell, |cell| {
            let recorded = self.recordings.of(cell);
            self.simulate(cell, &recorded, monitor)
        })?;
        let simulated = match simulated {
            Some(simulated) => simulated,
            None => self.simulate(cell, &recorded, monitor)?,
        };
        Ok(outcome::result(cell, simulated, &alone))
    }

    fn simulate(&self, cell: &Cell, recorded: &[Recorded], monitor: &Monitor) -> Result<Simulated, CellError> {
        let before = Instant::now();
        let controller = self.registry.parse(&cell.controller)?;
        let mut setup = Setup::new(cell, recorded, &controller)?;
        let mut sampler = sampler(cell, &setup);
        let until = cell.duration.map_or(Time::NEVER, |duration| Time::ZERO + duration);
        let setup_wall = before.elapsed().as_nanos() as u64;
        let start = Instant::now();
        let ended = setup.simulation.run(&mut setup.traffic, &mut sampler, until, monitor);
        let wall = start.elapsed().as_nanos() as u64;
        match ended {
            Outcome::Cancelled => Err(CellError::Cancelled),
            Outcome::Idle => {
                let progress = setup.traffic.progress();
                let unfinished = progress.iter().filter(|progress| progress.finished.is_never()).count();
                Err(CellError::Stalled { controller: cell.controller.clone(), unfinished })
            }
            Outcome::Finished | Outcome::TimeUp => Ok(Simulated { setup, sampler, setup_wall, wall }),
        }
    }
}

/// Watches the flows that carry most.
fn sampler(cell: &Cell, setup: &Setup) -> Sampler {
    let transfers = setup.traffic.transfers();
    let bytes = |lane: &setup::Lane| -> u64 { lane.transfers.iter().map(|t| transfers[*t as usize].bytes.get()).sum() };
    let mut lanes: Vec<_> = setup.lanes.iter().map(|lane| (bytes(lane), lane.flow, lane.direction)).collect();
    lanes.sort_by_key(|(bytes, flow, direction)| (std::cmp::Reverse(*bytes), *flow, *direction));
    let mut watched: Vec<(FlowId, Direction)> =
        lanes.into_iter().take(cell.record.flows as usize).map(|(_, flow, direction)| (flow, direction)).collect();
    watched.sort();
    let ports = setup.simulation.probe().queues().map(|(port, _)| port);
    let sampler = Sampler::new(cell.record.series, ports, watched);
    if cell.warmup.is_zero() {
        return sampler;
    }
    let lanes = setup.lanes.iter().map(|lane| (lane.flow, lane.direction)).collect();
    sampler.with_warmup(Time::ZERO + cell.warmup, lanes)
}
