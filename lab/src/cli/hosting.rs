//! What `shell` and `record` share: an experiment's network with programs on its hosts.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal as _, stdin};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use burstlab_algorithms::Registry;
use burstlab_engine::Monitor;
use burstlab_engine::hosts::HostError;
use burstlab_units::{ParseError, Span};
use clap::{Args, value_parser};

use super::{Failure, output, real_time};
use crate::cell::Lab;
use crate::experiment::{self, Cell, Experiment, Override, Topology};
use crate::results::{CellResult, TraceRows};
use crate::runner::{RunError, Stop};
use crate::shell::{Announce, Joined, Place, Program, Programs, Verdict};
use crate::traces::Traces;

/// What runs where.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// At least so many hosts: a star's, or a dumbbell's, half of them left
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(2..))]
    hosts: Option<u32>,
    /// Run COMMAND on these hosts only; hosts are numbered from 0
    #[arg(long, value_name = "N,M", value_delimiter = ',')]
    host: Vec<usize>,
    /// Run a command line there, through sh -c: --at 0='iperf3 -s -1' --at 1='iperf3 -c $BURSTLAB_ADDRESS_0'
    #[arg(long, value_name = "HOST=COMMANDLINE", value_parser = at)]
    at: Vec<(usize, String)>,
    /// End the programs after this time of the experiment, as a success
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    time: Option<Span>,
    /// Name of the network; its namespaces are NAME-host0 and so on. Default burstlab-PID
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
    /// Set any key of the experiment, by its dotted path: network.rate=1Gbit/s
    #[arg(long, value_name = "KEY=VALUE", value_parser = Override::parse)]
    set: Vec<Override>,
    /// The controller of the programs' TCP, of those that the kernel has
    #[arg(long, value_name = "NAME")]
    controller: Option<String>,
    /// Seed of every random draw
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// How much of each packet a capture keeps, in bytes; default its headers
    #[arg(long, value_name = "BYTES", value_parser = value_parser!(u32).range(1..))]
    pub snap: Option<u32>,
    /// What runs on every host, or on those of --host, or on those without an --at. {host} and {address} in it become the
    /// host's. Without a command: your shell, on host 0 or --host
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

fn at(text: &str) -> Result<(usize, String), String> {
    let parsed = text.split_once('=').and_then(|(host, line)| Some((host.trim().parse().ok()?, line.trim())));
    match parsed {
        Some((host, line)) if !line.is_empty() => Ok((host, line.to_owned())),
        _ => Err(format!("\"{text}\" is not HOST=COMMANDLINE, such as 0='iperf3 -s -1'")),
    }
}

fn span(text: &str) -> Result<Span, String> {
    match text.parse().map_err(|error: ParseError| error.to_string())? {
        Span::ZERO => Err("programs cannot run for no time".to_owned()),
        span => Ok(span),
    }
}

/// Namespaces are files in /run/netns.
fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    match begins && text.len() <= 48 && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("expected up to 48 letters, digits, '-', '_' and '.', a letter or digit first".to_owned()),
    }
}

/// A network with programs, ready to run.
pub(super) struct Hosting {
    /// The experiment, with the one cell that runs.
    pub experiment: Experiment,
    /// What the recordings look like, if they play.
    pub rows: TraceRows,
    lab: Lab,
    programs: Programs,
}

impl Options {
    /// The time after which it ends.
    pub fn time(&self) -> Option<Span> {
        self.time
    }

    /// Reads the experiment at `path`, or the network for recording, and decides what runs where. `traffic`: its jobs and
    /// flows play too. `divert`: standard output is not the programs'.
    pub fn prepare(
        &self,
        path: Option<&Path>,
        registry: &Registry,
        traffic: bool,
        divert: bool,
    ) -> Result<Hosting, Failure> {
        self.check_commands()?;
        let mut experiment = self.load(path, registry, traffic)?;
        let Some(cell) = experiment.cells.first_mut() else {
            return Err(Failure::Internal("an experiment without a cell".to_owned()));
        };
        if let Some(time) = self.time.filter(|time| *time <= cell.warmup) {
            let warmup = cell.warmup;
            return Err(Failure::Input(format!("--for: {time} leave nothing to measure after run.warmup, {warmup}")));
        }
        cell.duration = self.time;
        real_time::ready(cell)?;
        let controller = controller(cell, traffic)?;
        let stop = Stop::default();
        let asked = listen_for_signals(&stop)?;
        let needs_traffic = traffic || (self.hosts.is_none() && cell.network.hosts == 0);
        let (recordings, rows) = match needs_traffic {
            true => {
                let traces = Traces::load(&experiment, &stop)?;
                if traffic {
                    traces.warnings.iter().for_each(|warning| output::note(warning));
                }
                (traces.recordings, traces.rows)
            }
            false => Default::default(),
        };
        let lab = Lab::new(registry.clone(), recordings);
        let cell = &mut experiment.cells[0];
        let hosts = self.host_count(cell, &lab, needs_traffic)?;
        if !traffic {
            (cell.jobs, cell.flows, cell.copies) = (Vec::new(), Vec::new(), 1);
        }
        let list = self.programs(hosts)?;
        let interactive = self.at.is_empty() && self.command.is_empty();
        let joined = match list.len() {
            1 => Joined::Alone { terminal: stdin().is_terminal(), interactive },
            _ => Joined::Together,
        };
        let name = self.name.clone().unwrap_or_else(|| format!("burstlab-{}", std::process::id()));
        let announce = announcement(cell);
        let programs = Programs { name, list, joined, divert, controller, asked, announce };
        Ok(Hosting { experiment, rows: if traffic { rows } else { TraceRows::default() }, lab, programs })
    }

    fn load(&self, path: Option<&Path>, registry: &Registry, traffic: bool) -> Result<Experiment, Failure> {
        let mut overrides = self.set.clone();
        overrides.push(Override::value("run.on", "tun", "--on"));
        if !traffic {
            overrides.push(Override::value("stack.kind", "kernel", "--stack"));
            overrides.push(Override::value("stack.receiver", "kernel", "--stack"));
        }
        let name = |name: &String| Override::value("stack.controller", name, "--controller");
        overrides.extend(self.controller.as_ref().map(name));
        overrides.extend(self.hosts.map(|hosts| Override::value("network.hosts", &hosts.to_string(), "--hosts")));
        overrides.extend(self.seed.map(|seed| Override::value("seed", &seed.to_string(), "--seed")));
        let reading = experiment::Options { overrides: &overrides, quick: false, registry };
        let mut experiment = match path {
            Some(path) => Experiment::load_for_programs(path, &reading)?,
            None => Experiment::for_recording(&reading)?,
        };
        let all = experiment.cells.len();
        experiment.cells.truncate(1);
        if let Some(cell) = experiment.cells.first()
            && all > 1
            && (traffic || !cell.axes.is_empty())
        {
            let axes = cell.axes.iter().map(|(key, value)| format!(", {key} = {value}")).collect::<String>();
            output::note(&format!(
                "the experiment has {all} combinations, and this is the first: controller {}{axes}; choose another with \
                 --set",
                cell.controller
            ));
        }
        Ok(experiment)
    }

    fn host_count(&self, cell: &mut Cell, lab: &Lab, with_traffic: bool) -> Result<usize, Failure> {
        let mut counted = cell.clone();
        if !with_traffic {
            (counted.jobs, counted.flows) = (Vec::new(), Vec::new());
        }
        if cell.network.topology.host_count().is_none() {
            counted.network.hosts = counted.network.hosts.max(2);
        }
        let hosts = lab.host_count(&counted).map_err(RunError::from)?;
        if matches!(cell.network.topology, Topology::Star | Topology::Dumbbell { .. }) {
            cell.network.hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
        }
        Ok(hosts)
    }

    /// A command that is nowhere is told before anything is made.
    fn check_commands(&self) -> Result<(), Failure> {
        if !self.command.is_empty() {
            let program = Program { host: 0, words: self.command.clone(), line: String::new() };
            program.check().map_err(not_found)?;
        }
        self.at.iter().try_for_each(|(_, line)| match first_word(line) {
            Some(word) if !is_known_to_sh(word) => Err(not_found(HostError::CommandNotFound(word.to_owned()))),
            _ => Ok(()),
        })
    }

    fn programs(&self, hosts: usize) -> Result<Vec<Program>, Failure> {
        let named =
            self.at.iter().map(|(host, _)| ("--at", *host)).chain(self.host.iter().map(|host| ("--host", *host)));
        for (option, host) in named {
            if host >= hosts {
                let message = format!("{option} {host}: the network has {hosts} hosts, numbered from 0");
                return Err(Failure::Input(message));
            }
        }
        let mut list: Vec<_> = self.at.iter().map(|(host, line)| by_shell(*host, line)).collect();
        let interactive = self.command.is_empty() && self.at.is_empty();
        let words = match interactive {
            true => vec![std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into())],
            false => self.command.clone(),
        };
        let on: Vec<usize> = match &self.host[..] {
            [] if interactive => vec![0],
            [] => (0..hosts).filter(|host| self.at.iter().all(|(taken, _)| taken != host)).collect(),
            [_, _, ..] if interactive => {
                return Err(Failure::Input("--host: a shell to work in is on one host; name a COMMAND".to_owned()));
            }
            some => some.to_vec(),
        };
        if self.command.is_empty() && !self.at.is_empty() {
            return match self.host.is_empty() {
                true => Ok(list),
                false => Err(Failure::Input("--host: there is no COMMAND for it after --".to_owned())),
            };
        }
        let line = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        list.extend(on.into_iter().map(|host| Program { host, words: words.clone(), line: line.clone() }));
        Ok(list)
    }
}

fn by_shell(host: usize, line: &str) -> Program {
    let words = ["sh", "-c", line].map(OsString::from).to_vec();
    Program { host, words, line: line.to_owned() }
}

fn not_found(error: HostError) -> Failure {
    Failure::Input(error.to_string())
}

/// The command that a line begins with, if it is a plain word.
fn first_word(line: &str) -> Option<&str> {
    let word = line.split_whitespace().next()?;
    word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./+".contains(c)).then_some(word)
}

/// Whether sh finds it: it has words of its own that are no files.
fn is_known_to_sh(word: &str) -> bool {
    let script = ["-c", "command -v -- \"$1\"", "sh", word].map(OsStr::new);
    let quiet =
        Command::new("sh").args(script).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    // Without sh the program's own start will say what is wrong.
    quiet.map_or(true, |status| status.success())
}

/// The controller of the programs' TCP: the experiment's, if the kernel has that.
fn controller(cell: &Cell, traffic: bool) -> Result<Option<String>, Failure> {
    match real_time::controller(cell.kernel_controller()) {
        Ok(()) => Ok(Some(cell.kernel_controller().to_owned())),
        Err(_) if traffic => {
            let text =
                format!("the kernel's TCP has no {}; the programs keep the kernel's own controller", cell.controller);
            output::note(&text);
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// The first signal goes to the programs, the second kills them, the third ends this process.
fn listen_for_signals(stop: &Stop) -> Result<Arc<AtomicU32>, Failure> {
    let asked = Arc::new(AtomicU32::new(0));
    let (count, stop) = (asked.clone(), stop.clone());
    let handler = move || {
        stop.stop();
        if count.fetch_add(1, Ordering::Relaxed) >= 2 {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(handler).map_err(|error| Failure::Machine(format!("cannot listen for Ctrl-C: {error}")))?;
    Ok(asked)
}

/// Says what was made, and how to get there.
fn announcement(cell: &Cell) -> Announce {
    let topology = match &cell.network.topology {
        Topology::Star => "star",
        Topology::Dumbbell { .. } => "dumbbell",
        Topology::LeafSpine { .. } => "leaf-spine",
        Topology::FatTree { .. } => "fat-tree",
        Topology::Custom(_) => "custom",
    };
    let link = cell.network.link;
    let bottleneck = match &cell.network.topology {
        Topology::Dumbbell { bottleneck } => format!(", {} between the sides", bottleneck.rate),
        _ => String::new(),
    };
    let network = format!("{topology}, {} and {} a link{bottleneck}", link.rate, link.delay);
    let named = burstlab_engine::hosts::Hosts::names_available();
    Box::new(move |places| {
        output::note(&format!("{} hosts, {network}", places.len()));
        for (host, Place { address, name, .. }) in places.iter().enumerate() {
            let reach = if named { format!("  ip netns exec {name} COMMAND") } else { String::new() };
            output::note(&format!("host{host}  {address:<14}{reach}"));
        }
    })
}

impl Hosting {
    /// The one cell.
    pub fn cell(&self) -> &Cell {
        &self.experiment.cells[0]
    }

    /// With captures of runs.
    pub fn with_lab(self, change: impl FnOnce(Lab) -> Lab) -> Hosting {
        Hosting { lab: change(self.lab), ..self }
    }

    /// Runs the programs.
    pub fn run(&self) -> Result<(CellResult, Verdict), Failure> {
        let ran = self.lab.run_with(self.cell(), &self.programs, &Monitor::default());
        ran.map_err(|error| RunError::from(error).into())
    }
}

/// How a command with programs ends.
pub(super) fn conclude(verdict: &Verdict, kept: &str) -> Result<(), Failure> {
    match verdict {
        Verdict::Well => Ok(()),
        Verdict::Failed { host, line, code } => {
            output::note(&format!("host{host}: `{line}` ended with code {code}"));
            Err(Failure::Check)
        }
        Verdict::Interrupted => Err(Failure::Interrupted(format!("interrupted; {kept}"))),
    }
}
