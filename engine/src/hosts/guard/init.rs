//! Process 1 of the PID namespace: it starts the command and takes everything along when it ends.

use std::io;
use std::process::{Command, ExitCode};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpgid};

use super::{
    Arguments, BY_SIGNAL, CANNOT_RUN, Event, FAILED, NOT_FOUND, Signals, die_with_parent, number, runtime, terminal,
};

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    die_with_parent(arguments.parent)?;
    mount_own_views().map_err(|errno| format!("no mount namespace can be made: {errno}"))?;
    if arguments.terminal {
        terminal::take_foreground();
    }
    runtime()?.block_on(watch(arguments))
}

/// /proc of this PID namespace and /sys of this network namespace, as ip-netns(8) does it. Where the kernel does not let them
/// be mounted, as in a container with parts of /proc hidden, the command sees those from outside, which harms nothing.
fn mount_own_views() -> nix::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    // From here on no mount goes back to where this namespace was copied from (mount_namespaces(7)).
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    for (kind, place) in [("proc", "/proc"), ("sysfs", "/sys")] {
        let _ = mount(Some(kind), place, Some(kind), flags, None::<&str>);
    }
    Ok(())
}

async fn watch(arguments: &Arguments) -> Result<ExitCode, String> {
    let mut signals = Signals::take().map_err(|e| format!("signals cannot be taken: {e}"))?;
    let spawned = Command::new(&arguments.program).args(&arguments.args).spawn();
    let command = match spawned {
        Ok(child) => number(&child),
        Err(error) => {
            eprintln!("burstlab: {} cannot be started: {error}", arguments.program.to_string_lossy());
            let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { CANNOT_RUN };
            return Ok(ExitCode::from(code));
        }
    };
    while let Some(event) = signals.next().await {
        match event {
            Event::Child => {
                if let Some(code) = reap(command) {
                    return Ok(code);
                }
            }
            // The terminal has told the command itself.
            Event::Signal(Signal::SIGINT | Signal::SIGQUIT) if arguments.terminal => {}
            Event::Signal(signal) => {
                // It has ended if this fails, which the next event says.
                let _ = kill(command, signal);
            }
        }
    }
    Err("no signals arrive any more".to_owned())
}

/// Takes the status of all children that have one, among them orphans that became this process's, and returns the command's.
fn reap(command: Pid) -> Option<ExitCode> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == command => {
                return Some(ExitCode::from(u8::try_from(code).unwrap_or(FAILED)));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == command => {
                return Some(ExitCode::from(u8::try_from(BY_SIGNAL + signal as i32).unwrap_or(FAILED)));
            }
            // Nobody could wake it: the emulated network runs on, and burstlab waits for the command to end. The terminal
            // has stopped its whole group.
            Ok(WaitStatus::Stopped(pid, Signal::SIGTSTP)) if pid == command => {
                let _ = getpgid(Some(command)).and_then(|group| killpg(group, Signal::SIGCONT));
            }
            Ok(WaitStatus::StillAlive) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}
