//! The guard that burstlab starts: it holds the PID namespace's life to that of burstlab.

use std::process::ExitCode;

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};

use super::terminal::Foreground;
use super::{Arguments, Event, KILL_ALL, Signals, Stage, command, die_with_parent, exit_code, number, runtime};

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    die_with_parent(arguments.parent)?;
    unshare(CloneFlags::CLONE_NEWPID)
        .map_err(|errno| format!("no PID namespace can be made ({errno}); it takes root or a user namespace"))?;
    // The command's job control moves the terminal's foreground to groups that end with it.
    let _foreground = arguments.terminal.then(Foreground::remember).flatten();
    runtime()?.block_on(watch(arguments))
}

async fn watch(arguments: &Arguments) -> Result<ExitCode, String> {
    let mut signals = Signals::take().map_err(|e| format!("signals cannot be taken: {e}"))?;
    let mut init = command(Stage::Init, arguments.terminal, &arguments.program, &arguments.args)
        .spawn()
        .map_err(|e| format!("no second guard: {e}"))?;
    while let Some(event) = signals.next().await {
        match event {
            Event::Child => {
                if let Some(status) = init.try_wait().map_err(|e| e.to_string())? {
                    return Ok(exit_code(status));
                }
            }
            Event::Signal(signal) => {
                let signal = if signal == KILL_ALL { Signal::SIGKILL } else { signal };
                // It has ended if this fails, which the next event says.
                let _ = kill(number(&init), signal);
            }
        }
    }
    Err("no signals arrive any more".to_owned())
}
