//! `burstlab record`

use std::path::{Path, PathBuf};
use std::time::Duration;

use burstlab_algorithms::Registry;
use clap::{Args, value_parser};

use super::hosting::{self, conclude};
use super::{Failure, output, signals};
use crate::cell::BrokenOff;
use crate::results::CellResult;
use crate::shell::listen::{Heard, Limits, ListenError, listen};
use crate::table;
use crate::tap::Keep;

/// `burstlab record`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The capture, pcapng; compressed if its name ends in .zst
    #[arg(short, long, value_name = "OUT.pcapng[.zst]")]
    out: PathBuf,
    /// The experiment whose network the programs are on. Without one: four hosts, or --hosts, on links so fast that they slow
    /// no program down
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: Option<PathBuf>,
    #[command(flatten)]
    hosting: hosting::Options,
    /// Listen on an interface of this machine instead, such as lo; on a host of `burstlab shell` it is link
    #[arg(long, value_name = "INTERFACE", conflicts_with_all = ["experiment", "command", "hosts", "host", "at", "name", "set", "controller", "seed"])]
    listen: Option<String>,
    /// End after so many packets
    #[arg(long, value_name = "N", requires = "listen", value_parser = value_parser!(u64).range(1..))]
    packets: Option<u64>,
}

pub(super) fn run(arguments: &Arguments, registry: &Registry) -> Result<(), Failure> {
    let keep = arguments.hosting.snap.map_or(Keep::Headers, Keep::Bytes);
    if arguments.out.is_dir() {
        return Err(Failure::Input(format!("-o {} is a folder; expected a file", arguments.out.display())));
    }
    match &arguments.listen {
        Some(interface) => hear(arguments, interface, keep),
        None => record(arguments, registry, keep),
    }
}

fn hear(arguments: &Arguments, interface: &str, keep: Keep) -> Result<(), Failure> {
    let stop = signals::stop_on_signal()?;
    let time = arguments.hosting.time().map(|span| Duration::from_nanos(span.as_nanos()));
    let limits = Limits { time, packets: arguments.packets };
    let heard = listen(interface, &arguments.out, keep, limits, &stop.flag());
    let Heard { packets, missed } = heard.map_err(|error| match error {
        ListenError::NoInterface { .. } => Failure::Input(error.to_string()),
        _ => Failure::Machine(error.to_string()),
    })?;
    output::note(&format!("{}: {packets} packets", arguments.out.display()));
    match missed {
        0 => Ok(()),
        missed => Err(Failure::Machine(format!(
            "{missed} packets came faster than they could be written, and are missing; write to a faster disk"
        ))),
    }
}

fn record(arguments: &Arguments, registry: &Registry, keep: Keep) -> Result<(), Failure> {
    let out = &arguments.out;
    let made = arguments.hosting.prepare(arguments.experiment.as_deref(), registry, false, false)?;
    let made = made.with_lab(|lab| lab.recording(out.clone(), keep));
    let (result, verdict) = made.run()?;
    output::note(&told(out, &result));
    if let Some(BrokenOff::Machine(why)) = result.broken_off {
        return Err(Failure::Machine(why));
    }
    conclude(&verdict, &format!("what was recorded is kept in {}", out.display()))
}

/// What a recording says of itself: what burstlab itself added to the programs' network.
fn told(out: &Path, result: &CellResult) -> String {
    let packets: u64 = result.run.queues.iter().map(|queue| queue.queue.offered_packets).sum();
    let lost: u64 = result.run.queues.iter().map(|queue| queue.queue.dropped_packets + queue.queue.lost_packets).sum();
    let late = result.run.real_time.as_ref().map_or(0, |run| run.lateness.p99);
    let lost = if lost == 0 { String::new() } else { format!(", {lost} of them lost on the network") };
    format!(
        "{}: {packets} packets at queues{lost}; this machine added up to {} to their way (p99)",
        out.display(),
        table::span(late)
    )
}
