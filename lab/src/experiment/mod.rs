//! Experiments: a file, what the command line lays over it, and the cells that come of it.
//!
//! A *cell* is one combination of the experiment's axes: everything that one run of the engine needs to know.

pub(crate) mod axes;
mod custom;
mod error;
mod network;
mod overrides;
pub(crate) mod reader;
mod real_time;
mod stack;
mod traffic;
pub(crate) mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burstlab_algorithms::Registry;
use burstlab_units::{Bytes, Span};

pub use custom::{Custom, HostGroup};
pub use error::ExperimentError;
pub use network::{Network, Topology};
pub use overrides::Override;
pub use real_time::RealTime;
pub use stack::{Stack, StackKind};
pub(crate) use traffic::MOST_FLOWS;
pub use traffic::{Flow, Group, Job, Placement, Replay, TraceSource};

use reader::Section;
use traffic::Base;

/// An experiment, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// Its name, default the file's name without its ending.
    pub name: String,
    /// What it is about, for people; may be empty.
    pub description: String,
    /// Text of the file as it was read, without what the command line laid over it.
    pub text: String,
    /// Every combination of its axes, in the order in which results list them.
    pub cells: Vec<Cell>,
    /// Cells that run at a time.
    pub threads: NonZeroUsize,
}

/// One combination of an experiment's axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Its place among the experiment's cells, from 0.
    pub number: usize,
    /// The controller with its parameters (`dctcp?g=0.0625`), default `cubic`, as Linux's.
    pub controller: String,
    /// Where it runs, default in virtual time.
    pub on: On,
    /// Copies of each job; the most where jobs differ, and 1 without jobs.
    pub copies: u32,
    /// Seed of every random draw, default 1.
    pub seed: u64,
    /// What else tells this cell from its neighbours: dotted key and value as written.
    pub axes: BTreeMap<String, serde_json::Value>,
    /// The network.
    pub network: Network,
    /// The TCP of every host.
    pub stack: Stack,
    /// Recorded traffic.
    pub jobs: Vec<Job>,
    /// Synthetic traffic.
    pub flows: Vec<Flow>,
    /// The run ends at this simulated time; `None`, the default, ends it when all is delivered.
    pub duration: Option<Span>,
    /// Measuring begins at this simulated time, default 0 s.
    pub warmup: Span,
    /// What is recorded over time.
    pub record: Record,
    /// How it runs in real time.
    pub real_time: RealTime,
}

impl Cell {
    /// What Linux calls the controller. That it is to answer to ECN is no parameter there but a setting of the host, so
    /// it is no part of the name. Other parameters stay, and make it one that Linux does not know.
    pub fn kernel_controller(&self) -> &str {
        let name = ["?ecn=true", "?ecn=false"].iter().find_map(|ecn| self.controller.strip_suffix(ecn));
        name.unwrap_or(&self.controller)
    }
}

/// Where a cell runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// In simulated time.
    Virtual,
    /// In real time over TUN devices.
    Tun,
}

impl On {
    /// The name in the experiment file and in the results.
    pub fn name(self) -> &'static str {
        match self {
            On::Virtual => "virtual",
            On::Tun => "tun",
        }
    }
}

/// What is recorded over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Points of each time series, default 500: about what a chart's width shows; 0 records none.
    pub series: u32,
    /// Flows that get time series, from the first on, default 8: about what an eye can tell apart.
    pub flows: u32,
    /// Inner signals of the controller that those flows' series have too, by the controller's names; default none.
    pub signals: Vec<String>,
}

/// How an experiment is read.
pub struct Options<'a> {
    /// What the command line lays over the file, in order.
    pub overrides: &'a [Override],
    /// A much smaller version: see [`Experiment::load`].
    pub quick: bool,
    /// The controllers that there are.
    pub registry: &'a Registry,
}

/// The experiment that runs when none is named.
const BUILTIN: &str = include_str!("../../../experiments/resnet50-multiplexed.toml");
/// Its name in errors.
const BUILTIN_FILE: &str = "experiments/resnet50-multiplexed.toml";

/// What programs are recorded on when no experiment is named. Linux's TCP has its own defaults, but for a window that
/// survives the computing between two bursts.
const RECORDING: &str = r#"
name = "recording"
[network]
topology = "star"
hosts = 4
rate = "100Gbit/s"
delay = "0s"
queue = { kind = "drop-tail", limit = "1GB" }
[stack]
kind = "kernel"
min_rto = "200ms"
delayed_ack = true
receive_buffer = "16MB"
slow_start_after_idle = false
[run]
on = "tun"
"#;

/// With `quick`, jobs play this many iterations, flows send this part of their bytes, and durations are this much shorter.
const QUICK_ITERATIONS: u32 = 2;
const QUICK_PART: u64 = 10;

impl Experiment {
    /// Reads and checks the file at `path`.
    ///
    /// With [`Options::quick`], axes other than controller and stack keep their first and last value, jobs play at most
    /// two iterations, and the bytes of flows, the duration and the warm-up are divided by ten.
    ///
    /// # Errors
    /// The first thing that is wrong, in the file's order within a table.
    pub fn load(path: &Path, options: &Options<'_>) -> Result<Experiment, ExperimentError> {
        Experiment::parse(text_of(path)?, path, options)
    }

    /// As [`load`](Experiment::load), from the text of the file `path`, which need not be there: its name is for errors.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(text: String, path: &Path, options: &Options<'_>) -> Result<Experiment, ExperimentError> {
        Experiment::read(text, &Base { file: path, bundled: &[], may_be_silent: false }, options)
    }

    /// As [`load`](Experiment::load), for programs that bring traffic of their own: it need have no job and no flow.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn load_for_programs(path: &Path, options: &Options<'_>) -> Result<Experiment, ExperimentError> {
        Experiment::read(text_of(path)?, &Base { file: path, bundled: &[], may_be_silent: true }, options)
    }

    /// A star of links so fast that they slow no program down, to record programs on.
    ///
    /// # Errors
    /// What is wrong with the options; the experiment itself is sound.
    pub fn for_recording(options: &Options<'_>) -> Result<Experiment, ExperimentError> {
        let base = Base { file: Path::new("recording.toml"), bundled: &[], may_be_silent: true };
        Experiment::read(RECORDING.to_owned(), &base, options)
    }

    /// The built-in experiment: the bundled recording, multiplexed under several controllers.
    ///
    /// # Errors
    /// What is wrong with the options; the experiment itself is sound.
    pub fn builtin(options: &Options<'_>) -> Result<Experiment, ExperimentError> {
        let base =
            Base { file: Path::new(BUILTIN_FILE), bundled: &[crate::bundled::RESNET50_NAME], may_be_silent: false };
        Experiment::read(BUILTIN.to_owned(), &base, options)
    }

    fn read(text: String, base: &Base<'_>, options: &Options<'_>) -> Result<Experiment, ExperimentError> {
        let file = base.file;
        let mut root = tree_of(&text, file)?;
        // What its results are held against, which `burstlab validate` reads.
        root.remove(VALIDATION);
        overrides::spread_compare(&mut root, file)?;
        options.overrides.iter().try_for_each(|over| over.apply(&mut root, file))?;
        let combinations = axes::expand(&root, options.quick, file)?;
        let mut cells = Vec::with_capacity(combinations.len());
        let (mut heading, mut threads) = (Heading::default(), None);
        for combination in combinations {
            let top = Section::top(file, &combination.tree, TOP_KEYS)?;
            heading = Heading::read(&top, file)?;
            let run = top.table("run", RUN_KEYS)?;
            threads = run.as_ref().map(threads_of).transpose()?.flatten();
            let mut cell = Cell::read(&top, run.as_ref(), base, options.registry)?;
            cell.axes = combination.axes;
            NAMED_AXES.iter().for_each(|axis| {
                cell.axes.remove(*axis);
            });
            if options.quick {
                cell.shrink();
            }
            cells.extend(repeated(cell, run.as_ref())?);
        }
        cells.iter_mut().enumerate().for_each(|(number, cell)| cell.number = number);
        let threads = threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        Ok(Experiment { name: heading.name, description: heading.description, text, cells, threads })
    }

    /// Every recording that the cells play, each once, in order.
    pub fn traces(&self) -> Vec<&TraceSource> {
        let mut traces: Vec<_> = self.cells.iter().flat_map(|cell| &cell.jobs).map(|job| &job.trace).collect();
        traces.sort();
        traces.dedup();
        traces
    }
}

/// The table of an entry of the validation: no part of what runs.
pub(crate) const VALIDATION: &str = "validation";

const TOP_KEYS: &[&str] =
    &["name", "description", "seed", "network", "stack", "job", "flow", "run", "record", "compare"];
const RUN_KEYS: &[&str] = &["duration", "warmup", "threads", "on", "repeat", "time_scale", "busy_poll", "addresses"];
/// Axes that results name in fields of their own.
const NAMED_AXES: [&str; 4] = ["stack.controller", "stack.kind", "job.copies", "seed"];

/// The number of a repetition among the axes of a run.
pub(crate) const REPEAT_AXIS: &str = "run.repeat";
/// More repetitions of a run than this are a slip of the keyboard.
const MOST_REPEATS: u32 = 1000;

#[derive(Default)]
struct Heading {
    name: String,
    description: String,
}

impl Heading {
    fn read(top: &Section<'_>, file: &Path) -> Result<Heading, ExperimentError> {
        let stem = || file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = top.get("name")?.unwrap_or_else(stem);
        // It names a folder below `results`.
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(fits) {
            let message = format!("\"{name}\" cannot name a folder; expected letters, digits, '-', '_' and '.'");
            return Err(top.error("name", message));
        }
        Ok(Heading { name, description: top.get_or("description", String::new())? })
    }
}

fn threads_of(run: &Section<'_>) -> Result<Option<NonZeroUsize>, ExperimentError> {
    if !run.has("threads") {
        return Ok(None);
    }
    Ok(NonZeroUsize::new(run.count("threads", 1, 1)? as usize))
}

impl Cell {
    fn read(
        top: &Section<'_>,
        run: Option<&Section<'_>>,
        base: &Base<'_>,
        registry: &Registry,
    ) -> Result<Cell, ExperimentError> {
        let Some(network) = top.table("network", network::KEYS)? else {
            return Err(top.missing("[network]", "[network] with rate, delay and queue"));
        };
        let network = Network::read(&network)?;
        let (controller, stack) = stack_of(top, &network, registry)?;
        let mut names = Names::default();
        let jobs = jobs(top, base, &mut names)?;
        let (duration, warmup) = limits(run)?;
        let flows = flows(top, &network, duration, &mut names)?;
        if jobs.is_empty() && flows.is_empty() && !base.may_be_silent {
            let message = "nothing is sent; expected a [[job]] with its trace or a [[flow]] with its bytes";
            return Err(ExperimentError::of_file(base.file, message));
        }
        Ok(Cell {
            number: 0,
            controller,
            on: on(run)?,
            copies: jobs.iter().map(|job| job.copies).max().unwrap_or(1),
            seed: top.get_or("seed", 1)?,
            axes: BTreeMap::new(),
            network,
            stack,
            jobs,
            flows,
            duration,
            warmup,
            record: record(top)?,
            real_time: RealTime::read(run)?,
        })
    }

    fn shrink(&mut self) {
        for job in &mut self.jobs {
            job.iterations = Some(job.iterations.unwrap_or(u32::MAX).min(QUICK_ITERATIONS));
        }
        for flow in &mut self.flows {
            flow.bytes = flow.bytes.map(|bytes| Bytes::new(bytes.get().div_ceil(QUICK_PART)));
        }
        self.duration = self.duration.map(|span| span / QUICK_PART);
        self.warmup = self.warmup / QUICK_PART;
    }
}

/// The tree of the experiment `text` in `file`.
pub(crate) fn tree_of(text: &str, file: &Path) -> Result<tree::Table, ExperimentError> {
    tree::parse(text).map_err(|error| {
        let origin = tree::Origin::File { line: error.line, offset: 0 };
        ExperimentError::at(file, &origin, "", format!("not TOML: {}", error.message))
    })
}

pub(crate) fn text_of(path: &Path) -> Result<String, ExperimentError> {
    let text = std::fs::read(path).map_err(|error| ExperimentError::of_file(path, format!("cannot read: {error}")))?;
    String::from_utf8(text)
        .map_err(|_| ExperimentError::of_file(path, "not a text file in UTF-8; expected an experiment in TOML"))
}

fn stack_of(top: &Section<'_>, network: &Network, registry: &Registry) -> Result<(String, Stack), ExperimentError> {
    let empty = tree::Table::default();
    let section = match top.table("stack", stack::KEYS)? {
        Some(section) => section,
        None => Section::top(Path::new(""), &empty, stack::KEYS)?,
    };
    let controller = section.get_or("controller", "cubic".to_owned())?;
    if let Err(error) = registry.parse(&controller) {
        // Mostly it is named in [compare], so the section would mislead.
        return Err(section.error_named("controller", "controller", error.to_string()));
    }
    Ok((controller, Stack::read(&section, network.mtu)?))
}

fn jobs(top: &Section<'_>, base: &Base<'_>, names: &mut Names) -> Result<Vec<Job>, ExperimentError> {
    let sections = top.tables("job", traffic::JOB_KEYS)?;
    let read = sections.iter().map(|section| {
        let mut job = Job::read(section, base)?;
        job.name = names.take(section, job.name)?;
        Ok(job)
    });
    read.collect()
}

fn flows(
    top: &Section<'_>,
    network: &Network,
    duration: Option<Span>,
    names: &mut Names,
) -> Result<Vec<Flow>, ExperimentError> {
    let sections = top.tables("flow", traffic::FLOW_KEYS)?;
    let read = sections.iter().map(|section| {
        let mut flow = Flow::read(section, network)?;
        flow.name = names.take(section, flow.name)?;
        if flow.bytes.is_none() && duration.is_none() {
            return Err(section.error("bytes", "unlimited flows never end; expected a duration in [run] with them"));
        }
        Ok(flow)
    });
    let flows: Vec<Flow> = read.collect::<Result<_, _>>()?;
    let count: u64 = flows.iter().map(|flow| u64::from(flow.count)).sum();
    match sections.first() {
        Some(first) if count > u64::from(traffic::MOST_FLOWS) => {
            let message = format!("{count} flows altogether are too many: at most {}", traffic::MOST_FLOWS);
            Err(first.error("count", message))
        }
        _ => Ok(flows),
    }
}

/// Names of jobs and flows: results tell them apart by these.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    /// `name`, or if it was not chosen by a person and is taken, that with a number.
    fn take(&mut self, section: &Section<'_>, name: String) -> Result<String, ExperimentError> {
        if self.0.insert(name.clone()) {
            return Ok(name);
        }
        if section.has("name") {
            return Err(section.error("name", format!("\"{name}\" is the name of another job or flow")));
        }
        let numbered = (2u32..).map(|number| format!("{name}-{number}")).find(|name| self.0.insert(name.clone()));
        Ok(numbered.unwrap_or(name))
    }
}

fn limits(run: Option<&Section<'_>>) -> Result<(Option<Span>, Span), ExperimentError> {
    let Some(run) = run else { return Ok((None, Span::ZERO)) };
    let duration = match run.has("duration") {
        true => Some(run.positive_span("duration", Span::ZERO)?),
        false => None,
    };
    let warmup = run.get_or("warmup", Span::ZERO)?;
    match duration {
        Some(duration) if warmup >= duration => {
            Err(run.error("warmup", format!("{warmup} leave nothing to measure of a duration of {duration}")))
        }
        _ => Ok((duration, warmup)),
    }
}

/// Real time differs from run to run, so a cell can be run several times.
fn repeated(cell: Cell, run: Option<&Section<'_>>) -> Result<Vec<Cell>, ExperimentError> {
    let times = run.map_or(Ok(1), |run| run.count_within("repeat", 1..=MOST_REPEATS, 1))?;
    if times == 1 {
        return Ok(vec![cell]);
    }
    let repeat = |number: u32| {
        let mut cell = cell.clone();
        cell.axes.insert(REPEAT_AXIS.to_owned(), number.into());
        cell
    };
    Ok((1..=times).map(repeat).collect())
}

fn on(run: Option<&Section<'_>>) -> Result<On, ExperimentError> {
    let Some(run) = run else { return Ok(On::Virtual) };
    let name = run.get_or("on", "virtual".to_owned())?;
    reader::choose(&name, "place to run on", &[("virtual", On::Virtual), ("tun", On::Tun)])
        .map_err(|message| run.error("on", message))
}

fn record(top: &Section<'_>) -> Result<Record, ExperimentError> {
    let default = Record { series: 500, flows: 8, signals: Vec::new() };
    let Some(section) = top.table("record", &["series", "flows", "signals"])? else { return Ok(default) };
    let record = Record {
        series: section.get_or("series", default.series)?,
        flows: section.get_or("flows", default.flows)?,
        signals: section.get_or("signals", default.signals)?,
    };
    // A million points of every queue and flow fill a disk and no picture shows them.
    if record.series > 1_000_000 {
        return Err(section.error("series", format!("{} points are too many: at most 1000000", record.series)));
    }
    Ok(record)
}

/// The folder that results go to when none is named.
pub fn default_results(name: &str) -> PathBuf {
    Path::new("results").join(name)
}

#[cfg(test)]
mod tests;
