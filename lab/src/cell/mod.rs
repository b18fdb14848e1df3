//! One cell of an experiment, run on the engine and measured.

mod alone;
mod contents;
mod distributions;
mod endpoints;
mod history;
mod jobs;
mod lanes;
mod layout;
mod meter;
mod outcome;
#[cfg_attr(not(target_os = "linux"), path = "no_real_time.rs")]
mod real_time;
mod recorded;
mod series;
mod setting;
mod setup;
#[cfg(target_os = "linux")]
mod truth;
mod virtual_time;
mod watch;

use std::path::PathBuf;
use std::time::Instant;

use burstlab_algorithms::{Builder, Registry, SpecError};
use burstlab_engine::{Ended, Monitor, Outcome, Violation};
#[cfg(target_os = "linux")]
use burstlab_network::InterfaceId;
use burstlab_network::{Direction, FlowId, Network, NoPath, PortKind};
use burstlab_units::Time;

use crate::experiment::{Cell, On};
use crate::results::{CellResult, RealTimeRun};
#[cfg(target_os = "linux")]
use crate::shell::{Programs, Verdict};
use crate::tap::{Keep, TapOptions};

pub use crate::results::BrokenOff;
use alone::References;
use contents::Contents;
use series::Sampler;
use setup::Plan;
use watch::Watch;

pub use history::History;
pub(crate) use lanes::summary as flows_together;
pub use recorded::{Recorded, Recordings};
pub use setting::Setting;

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
    /// The machine cannot run it, or failed while it ran without anything measured.
    #[error("{0}")]
    Machine(String),
    /// A cross-check failed, so that results would be worth nothing: a fault of burstlab.
    #[error("under {controller}, at {at}: {violation}{history}")]
    Violated {
        /// The cell's controller.
        controller: String,
        /// When it was found, in the experiment's time.
        at: Time,
        /// What does not add up.
        violation: Box<Violation>,
        /// What had happened to the packets that it is about.
        history: History,
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
    /// Where captures go, if there are to be any.
    captures: Option<Captures>,
}

/// Captures of runs.
#[derive(Debug)]
enum Captures {
    /// One for each, numbered.
    Folder(PathBuf, TapOptions),
    /// There is one run.
    File(Capture),
}

/// The capture of one run.
#[derive(Debug, Clone)]
struct Capture {
    path: PathBuf,
    options: TapOptions,
}

/// A cell about to run.
struct Planned<'a> {
    cell: &'a Cell,
    plan: Plan,
    network: Network,
    watch: Watch,
    controller: &'a Builder,
    /// When its set-up began.
    before: Instant,
}

/// A cell that ran, with what it takes to read it.
struct Ran {
    plan: Plan,
    ended: Ended<Watch>,
    sampler: Sampler,
    setup_wall: u64,
    wall: u64,
    real_time: Option<RealTimeRun>,
    contents: Contents,
    /// Why it ended before its end, if it did.
    broken_off: Option<BrokenOff>,
}

impl Lab {
    /// A lab that knows these controllers and recordings.
    pub fn new(registry: Registry, recordings: Recordings) -> Lab {
        Lab { registry, recordings, references: References::default(), captures: None }
    }

    /// The same, with a capture of every run: `run-N.pcapng` in `folder`, which has to be there, with every packet at every
    /// queue.
    pub fn capturing(self, folder: PathBuf, keep: Keep) -> Lab {
        Lab { captures: Some(Captures::Folder(folder, TapOptions { keep, ..TapOptions::default() })), ..self }
    }

    /// The same, with a capture of its one run at `path`: each packet once, as its host sent it.
    #[cfg(target_os = "linux")]
    pub fn recording(self, path: PathBuf, keep: Keep) -> Lab {
        let options = TapOptions { keep, only: Some(PortKind::Interface), ..TapOptions::default() };
        Lab { captures: Some(Captures::File(Capture { path, options })), ..self }
    }

    fn capture_of(&self, cell: &Cell) -> Option<Capture> {
        match self.captures.as_ref()? {
            Captures::File(capture) => Some(capture.clone()),
            Captures::Folder(folder, options) => {
                Some(Capture { path: folder.join(format!("run-{}.pcapng", cell.number)), options: *options })
            }
        }
    }

    /// How many hosts the traffic of `cell` has, or its topology.
    ///
    /// # Errors
    /// If the cell cannot be set up.
    #[cfg(target_os = "linux")]
    pub fn host_count(&self, cell: &Cell) -> Result<usize, CellError> {
        let (_, network) = Plan::new(cell, &self.recordings.of(cell))?;
        let hosts = (0..network.interface_count() as u32).map(|i| network.host_of(InterfaceId(i)) + 1);
        Ok(hosts.max().unwrap_or(0))
    }

    /// Runs `cell` in real time with `programs` on its hosts, until they have ended or the cell's time is up; and how they
    /// ended.
    ///
    /// # Errors
    /// If the cell cannot be set up, or a program not be started.
    #[cfg(target_os = "linux")]
    pub fn run_with(
        &self,
        cell: &Cell,
        programs: &Programs,
        monitor: &Monitor,
    ) -> Result<(CellResult, Verdict), CellError> {
        let capture = self.capture_of(cell);
        let controller = self.registry.parse(&cell.controller)?;
        let planned = plan(cell, &self.recordings.of(cell), &controller, capture.as_ref())?;
        let (mut ran, verdict) = real_time::run_with(planned, programs, monitor)?;
        watch::finish(&mut ran.ended.probe, capture.as_ref())?;
        // Programs do not run again for their jobs to be run alone.
        Ok((outcome::result(cell, &ran, &vec![None; cell.jobs.len()]), verdict))
    }

    /// Runs `cell`. `monitor` shows how far it is, and stops it.
    ///
    /// # Errors
    /// If the cell cannot be set up, or was stopped.
    pub fn run(&self, cell: &Cell, monitor: &Monitor) -> Result<CellResult, CellError> {
        let recorded = self.recordings.of(cell);
        let capture = self.capture_of(cell);
        let (own, alone) = self.references.with(cell, |reference| {
            let recorded = self.recordings.of(reference);
            self.run_once(reference, &recorded, capture.as_ref().filter(|_| reference == cell), monitor)
        })?;
        let ran = match own {
            Some(ran) => ran,
            None => self.run_once(cell, &recorded, capture.as_ref(), monitor)?,
        };
        Ok(outcome::result(cell, &ran, &alone))
    }

    fn run_once(
        &self,
        cell: &Cell,
        recorded: &[Recorded],
        capture: Option<&Capture>,
        monitor: &Monitor,
    ) -> Result<Ran, CellError> {
        let controller = self.registry.parse(&cell.controller)?;
        let planned = plan(cell, recorded, &controller, capture)?;
        let mut ran = match cell.on {
            // The same run again, watched closely, shows how it came to what it should not have come to.
            On::Virtual => virtual_time::run(planned, monitor)
                .map_err(|error| history::explained(error, || plan(cell, recorded, &controller, None)))?,
            On::Tun => real_time::run(planned, monitor)?,
        };
        watch::finish(&mut ran.ended.probe, capture)?;
        Ok(ran)
    }
}

fn plan<'a>(
    cell: &'a Cell,
    recorded: &[Recorded],
    controller: &'a Builder,
    capture: Option<&Capture>,
) -> Result<Planned<'a>, CellError> {
    let before = Instant::now();
    let (plan, network) = Plan::new(cell, recorded)?;
    let watch = watch::new(cell, &plan, &network, capture)?;
    Ok(Planned { cell, plan, network, watch, controller, before })
}

/// Whether a run that ended with `outcome` at `at` has a result; `received` gives the bytes that one direction of a
/// connection has delivered.
fn conclude(
    cell: &Cell,
    at: Time,
    outcome: Outcome,
    plan: &Plan,
    received: impl Fn(FlowId, Direction) -> u64,
) -> Result<(), CellError> {
    let violated = |violation| {
        let history = History::default();
        CellError::Violated { controller: cell.controller.clone(), at, violation, history }
    };
    match outcome {
        Outcome::Violated(violation) => Err(violated(violation)),
        Outcome::Cancelled => Err(CellError::Cancelled),
        Outcome::Idle => {
            let unfinished = plan.traffic.progress().iter().filter(|progress| progress.finished.is_never()).count();
            Err(CellError::Stalled { controller: cell.controller.clone(), unfinished })
        }
        Outcome::Finished | Outcome::TimeUp => {
            plan.delivered(received).map_err(|violation| violated(Box::new(violation)))
        }
    }
}
