//! What a program on a host runs under, so that it never outlives burstlab, and neither do its children.
//!
//! Two processes of this same program stand between burstlab and COMMAND:
//!
//! - the *outer* guard has the kernel kill it when the thread that started it ends (PR_SET_PDEATHSIG, prctl(2)). It opens
//!   a PID namespace for its child;
//! - the *init* is process 1 there, has the kernel kill it when the outer guard ends, and starts COMMAND. When process 1
//!   of a PID namespace ends, the kernel kills all processes in it, also those that left their group or session
//!   (pid_namespaces(7)).
//!
//! So SIGKILL to burstlab, whose threads all end, ends the outer guard, hence the init, hence everything. Guards pass on
//! SIGTERM, SIGINT, SIGHUP and SIGQUIT and end with COMMAND's exit code.
//!
//! A death signal survives neither fork nor a new parent, so each guard asks for it itself, and then looks whether its
//! parent is still the one that it was started by.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus};

use nix::sys::prctl::{set_name, set_pdeathsig};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};

mod init;
mod outer;
mod terminal;

/// The hidden subcommand that leads to [`guard_main`].
pub const SUBCOMMAND: &str = "guard";

/// Tells the outer guard to kill everything and to end when it is gone.
pub(super) const KILL_ALL: Signal = Signal::SIGUSR1;

/// What ends a command from outside.
const PASSED_ON: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];

/// The guard itself failed, as with env(1) and timeout(1).
const FAILED: u8 = 125;
/// The command was found but could not be run, as with a shell (POSIX, 2.8.2).
const CANNOT_RUN: u8 = 126;
/// The command was not found.
const NOT_FOUND: u8 = 127;
/// What a shell adds to the number of the signal that ended a command.
const BY_SIGNAL: i32 = 128;

/// Which of the two guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Outer,
    Init,
}

/// What stands on a guard's command line.
#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    stage: Stage,
    /// The process that must be the parent.
    parent: Option<u32>,
    /// Whether the command gets the terminal.
    terminal: bool,
    program: OsString,
    args: Vec<OsString>,
}

/// The hidden entry point: `burstlab guard [--parent PID] [--terminal] -- COMMAND...` runs COMMAND as described
/// [here](self). `args` are those behind `guard`.
pub fn guard_main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter().peekable();
    if args.next_if(|arg| arg == super::doctor::PROBE).is_some() {
        return super::doctor::probe_main();
    }
    // Else it would be named after /proc/self/exe. To go by another name harms nothing.
    let _ = set_name(c"burstlab");
    let result = match parse(args) {
        Some(arguments) if arguments.stage == Stage::Outer => outer::run(&arguments),
        Some(arguments) => init::run(&arguments),
        None => Err("this is for burstlab itself; it takes -- COMMAND...".to_owned()),
    };
    result.unwrap_or_else(|sentence| {
        // With standard error closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "burstlab guard: {sentence}");
        ExitCode::from(FAILED)
    })
}

/// The command line of a guard whose parent is this process.
pub(super) fn command(stage: Stage, terminal: bool, program: &OsStr, args: &[OsString]) -> Command {
    // The running program itself, also when its file was replaced since it was started.
    let mut command = Command::new("/proc/self/exe");
    command.arg0("burstlab").arg(SUBCOMMAND).arg("--parent").arg(std::process::id().to_string());
    if stage == Stage::Init {
        command.arg("--init");
    }
    if terminal {
        command.arg("--terminal");
    }
    command.arg("--").arg(program).args(args);
    command
}

fn parse(args: impl Iterator<Item = OsString>) -> Option<Arguments> {
    let mut args = args;
    let (mut stage, mut parent, mut terminal) = (Stage::Outer, None, false);
    loop {
        match args.next()?.to_str()? {
            "--parent" => parent = Some(args.next()?.to_str()?.parse().ok()?),
            "--init" => stage = Stage::Init,
            "--terminal" => terminal = true,
            "--" => break,
            _ => return None,
        }
    }
    Some(Arguments { stage, parent, terminal, program: args.next()?, args: args.collect() })
}

/// Has the kernel kill this process when its parent ends, and fails if it has already.
fn die_with_parent(parent: Option<u32>) -> Result<(), String> {
    set_pdeathsig(Signal::SIGKILL).map_err(|errno| format!("the kernel gives no signal of death: {errno}"))?;
    match parent {
        Some(parent) if parent_in_proc() != Some(parent) => Err("burstlab has ended already".to_owned()),
        _ => Ok(()),
    }
}

/// The parent's number as /proc has it: in the PID namespace that /proc was mounted in. getppid(2) gives 0 in a new one,
/// whoever the parent is.
fn parent_in_proc() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// What happened to a child.
enum Event {
    Signal(Signal),
    Child,
}

/// The signals that guards take, from the moment of its making. Handlers, unlike a mask, do not reach the command.
struct Signals {
    queue: tokio::sync::mpsc::UnboundedReceiver<Event>,
}

impl Signals {
    /// To be called within a runtime.
    fn take() -> io::Result<Signals> {
        let (events, queue) = tokio::sync::mpsc::unbounded_channel();
        for number in PASSED_ON.into_iter().chain([KILL_ALL, Signal::SIGCHLD]) {
            let mut stream = signal(SignalKind::from_raw(number as i32))?;
            let events = events.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    let event = if number == Signal::SIGCHLD { Event::Child } else { Event::Signal(number) };
                    if events.send(event).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Signals { queue })
    }

    async fn next(&mut self) -> Option<Event> {
        self.queue.recv().await
    }
}

/// A runtime without threads of its own: none can be started once children go into another PID namespace (clone(2),
/// CLONE_THREAD).
fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(|e| format!("no runtime: {e}"))
}

fn number(child: &Child) -> Pid {
    // PIDs are at most 2^22 (PID_MAX_LIMIT, proc_sys_kernel(5)).
    Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX))
}

/// The code that a shell would give.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| BY_SIGNAL + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::from(FAILED), ExitCode::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<Arguments> {
        parse(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_command_line_is_read_up_to_the_command_and_no_further() {
        let arguments = parsed("--parent 7 --init --terminal -- ip -- --init").unwrap();
        assert_eq!((arguments.stage, arguments.parent, arguments.terminal), (Stage::Init, Some(7), true));
        assert_eq!((arguments.program, arguments.args), ("ip".into(), vec!["--".into(), "--init".into()]));
        for wrong in ["", "ip", "--", "--parent -- ip", "--parent x -- ip", "--other -- ip"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_guard_whose_parent_is_another_process_does_nothing() {
        assert_eq!(parent_in_proc(), Some(std::os::unix::process::parent_id()));
    }
}
