//! Runs scripts against the native stack in virtual time.
//!
//! A script becomes a list of steps (`lowering`), and an `execution` takes them one after the other: packets of the
//! script go into the host's sockets (`host`, `socket`), calls of the script are answered by them (`connecting`,
//! `transfer`, `sockopt`, `readiness`), and what the stack sends is held against what the script expects (`comparison`,
//! `timing`), in the script's own numbers (`translation`). Calls that block are tried again after every event
//! (`pending`). What a shell would have set up is read from its lines (`shell`, `settings`).

mod buffer;
mod claims;
mod comparison;
mod connecting;
mod errno;
mod execution;
mod host;
mod lowering;
mod marks;
mod options;
mod outcome;
mod packet;
mod pending;
mod readiness;
mod reply;
mod settings;
mod shell;
mod socket;
mod sockopt;
mod step;
mod timing;
mod transfer;
mod translation;

use burstlab_algorithms::Registry;

use crate::script::Script;
use execution::Execution;
use lowering::{configure, steps};

pub use comparison::Difference;
pub use options::Options;
pub use outcome::{Failure, Outcome, Traced};
pub use settings::IpVersion;
pub use timing::Tolerance;

/// A script that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How it ended.
    pub outcome: Outcome,
    /// What could not be set, or means nothing here.
    pub notes: Vec<String>,
    /// Every packet, in order.
    pub trace: Vec<Traced>,
}

impl Run {
    fn ended(outcome: Outcome) -> Run {
        Run { outcome, notes: Vec::new(), trace: Vec::new() }
    }
}

/// Runs a script. `file` is its name, for messages; controllers come from `registry`.
///
/// ```
/// use burstlab_algorithms::Registry;
/// use burstlab_packetdrill::run::{Options, Outcome, run};
///
/// let script = "
///     0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
///    +0 bind(3, ..., ...) = 0
///    +0 listen(3, 1) = 0
///    +0 < S 0:0(0) win 65535 <mss 1000>
///    +0 > S. 0:0(0) ack 1 <mss 1460>
///   +.1 < . 1:1(0) ack 1 win 65535
///    +0 accept(3, ..., ...) = 4
/// ";
/// let run = run("handshake.pkt", script, &Registry::default(), &Options::default());
/// assert_eq!(run.outcome, Outcome::Passed);
/// assert_eq!(run.trace.len(), 3);
/// ```
pub fn run(file: &str, source: &str, registry: &Registry, options: &Options) -> Run {
    match Script::parse(file, source, &options.defines) {
        Ok(script) => run_script(&script, source, registry, options),
        Err(error) => Run::ended(Outcome::Unreadable(error.to_string())),
    }
}

fn run_script(script: &Script, source: &str, registry: &Registry, options: &Options) -> Run {
    let lowered = configure(script, options).and_then(|(options, notes)| Ok((options, notes, steps(script)?)));
    let (options, notes, steps) = match lowered {
        Ok(lowered) => lowered,
        Err(reason) => return Run::ended(Outcome::Skipped(reason)),
    };
    let lines: Vec<&str> = source.lines().collect();
    let mut execution = Execution::new(registry, &options, &lines);
    execution.notes = notes;
    if let Some(command) = &script.init {
        execution.line = command.position.line;
        execution.shell(&command.text);
    }
    let unknown = execution.unknown_controller();
    let outcome = unknown.map_or_else(|| execution.run(&steps), Outcome::Skipped);
    Run { outcome, notes: execution.notes, trace: execution.trace }
}
