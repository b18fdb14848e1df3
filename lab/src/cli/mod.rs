//! The command line: what can be asked, and how it ends.

mod algorithms;
mod check;
mod compare;
mod doctor;
mod failure;
#[cfg(target_os = "linux")]
mod hosting;
mod output;
mod packetdrill;
mod real_time;
#[cfg(target_os = "linux")]
mod record;
mod report;
mod run;
#[cfg(target_os = "linux")]
mod shell;
mod signals;
mod trace;
mod validate;

use std::process::ExitCode;

use burstlab_algorithms::Registry;
use clap::{Args, Parser, Subcommand};

pub use failure::Failure;

/// A congestion- and flow-control laboratory: recorded training traffic, replayed through a userspace TCP and
/// multiplexed over a network that is simulated in virtual time, or emulated in real time on TUN devices, under the
/// congestion controllers that you choose.
///
/// Without a command, the built-in experiment runs: a recording of ResNet-50 training, multiplexed 1, 2, 4 and 8 times
/// under reno, cubic, dctcp, bbr and paced.
#[derive(Debug, Parser)]
#[command(name = "burstlab", version, args_conflicts_with_subcommands = true, after_help = EXIT_CODES)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Options,
}

const EXIT_CODES: &str = "Exit codes: 0 good; 1 a check or a program on a host failed; 2 the input or the command line is wrong; 3 the machine \
    cannot do it; 70 a fault of burstlab; 130 interrupted, with the runs that had ended kept.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run an experiment, or the built-in one
    Run(run::Arguments),
    /// Run any program on the emulated network of an experiment: iperf3, a training job, a database, a shell to work in
    #[cfg(target_os = "linux")]
    Shell(shell::Arguments),
    /// Record the traffic of programs, on hosts of their own or on an interface, for `burstlab trace import`
    #[cfg(target_os = "linux")]
    Record(record::Arguments),
    /// Import recordings and look into them
    #[command(subcommand)]
    Trace(trace::Command),
    /// Run packetdrill scripts, one's own or those that others wrote for Linux, against the native TCP in virtual time
    Packetdrill(packetdrill::Arguments),
    /// List the congestion controllers: parameters with their defaults, what each needs, where it comes from
    Algorithms(algorithms::Arguments),
    /// Build report.html from results, several side by side
    Report(report::Arguments),
    /// Compare results with a baseline; exit code 1 if a metric is beyond its tolerance
    Check(check::Arguments),
    /// Compare an experiment in virtual time with the same in real time, by the noise of the real runs
    Compare(compare::Arguments),
    /// Hold burstlab against theory, other simulators and recordings; exit code 1 if a gate fails
    Validate(validate::Arguments),
    /// Say what this machine can do for hosts and TUN devices, what is missing, and what runs that were killed left behind
    Doctor(doctor::Arguments),
}

/// `--json`, which commands share.
#[derive(Debug, Clone, Copy, Args)]
struct Json {
    /// Print one JSON document on stdout, and nothing else
    #[arg(long)]
    json: bool,
}

/// Runs the command line of this process with the controllers of `registry`.
pub(crate) fn main(registry: &Registry) -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(code) = guard() {
        return code;
    }
    // Prints usage and help itself, and leaves with exit code 2 or 0.
    let line = CommandLine::parse();
    match dispatch(line, registry) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Programs on hosts run under a guard, which is this program again.
#[cfg(target_os = "linux")]
fn guard() -> Option<ExitCode> {
    use burstlab_engine::hosts::guard;

    let mut words = std::env::args_os().skip(1);
    (words.next()? == guard::SUBCOMMAND).then(|| guard::guard_main(words))
}

fn dispatch(line: CommandLine, registry: &Registry) -> Result<(), Failure> {
    match line.command {
        None => run::run(None, &line.run, registry),
        Some(Command::Run(arguments)) => run::run(arguments.experiment.as_deref(), &arguments.options, registry),
        #[cfg(target_os = "linux")]
        Some(Command::Shell(arguments)) => shell::run(&arguments, registry),
        #[cfg(target_os = "linux")]
        Some(Command::Record(arguments)) => record::run(&arguments, registry),
        Some(Command::Trace(command)) => trace::run(&command),
        Some(Command::Packetdrill(arguments)) => packetdrill::run(&arguments, registry),
        Some(Command::Algorithms(arguments)) => algorithms::run(&arguments, registry),
        Some(Command::Report(arguments)) => report::run(&arguments),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Compare(arguments)) => compare::run(&arguments),
        Some(Command::Validate(arguments)) => validate::run(&arguments, registry),
        Some(Command::Doctor(arguments)) => doctor::run(&arguments),
    }
}

#[cfg(test)]
mod tests;
