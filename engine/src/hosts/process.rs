//! Programs on a host.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{HostError, guard};

/// How long a program's processes may take to die once they are killed. The kernel does it in milliseconds, unless one waits
/// for a disk.
const DEATH: Duration = Duration::from_secs(2);
/// How often a process that was told to end is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// A program to run on a host under a [`guard`](super::guard).
#[derive(Debug)]
pub struct Guarded {
    /// The program, found in PATH unless it has a slash.
    pub program: OsString,
    /// Its arguments, without its name.
    pub args: Vec<OsString>,
    /// Added to the environment of this process.
    pub env: Vec<(OsString, OsString)>,
    /// Its working directory; by default that of this process.
    pub cwd: Option<PathBuf>,
    /// Whether it gets the terminal that is its standard input, as a shell with job control needs: Ctrl-C then goes to it
    /// and not to this process. One program at a time can have it.
    pub terminal: bool,
    /// Its standard input. A program without `terminal` that reads a terminal is stopped by the kernel (SIGTTIN), so
    /// nothing is the default.
    pub stdin: Stdio,
    /// Its standard output; by default that of this process.
    pub stdout: Stdio,
    /// Its standard error; by default that of this process.
    pub stderr: Stdio,
}

impl Guarded {
    /// The program, with nothing to read, that writes to where this process writes.
    pub fn new(program: impl Into<OsString>) -> Guarded {
        Guarded {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: None,
            terminal: false,
            stdin: Stdio::null(),
            stdout: Stdio::inherit(),
            stderr: Stdio::inherit(),
        }
    }

    /// Whether the program is there and can be run, which it takes no host to know.
    pub fn check(&self) -> Result<(), HostError> {
        super::command::find(self).map(drop)
    }

    pub(super) fn command(self) -> Command {
        let mut command = guard::command(guard::Stage::Outer, self.terminal, &self.program, &self.args);
        // A group of its own: a signal from the terminal would else reach the program once directly and once through the
        // guards, which pass it on.
        command.envs(self.env).process_group(0).stdin(self.stdin).stdout(self.stdout).stderr(self.stderr);
        if let Some(cwd) = self.cwd {
            command.current_dir(cwd);
        }
        command
    }
}

/// A program that was started on a host. When this is dropped it is killed with all its children.
#[derive(Debug)]
pub struct Process {
    guard: Child,
}

impl Process {
    pub(super) fn new(guard: Child) -> Process {
        Process { guard }
    }

    /// The number of the process that guards the program, as this process's namespace has it.
    pub fn id(&self) -> u32 {
        self.guard.id()
    }

    /// The pipe to its standard input, if one was asked for and not taken yet.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.guard.stdin.take()
    }

    /// The pipe from its standard output, if one was asked for and not taken yet.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.guard.stdout.take()
    }

    /// The pipe from its standard error, if one was asked for and not taken yet.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.guard.stderr.take()
    }

    /// Waits until it and its children have ended. Its code is the program's own, or 128 and the number of the signal that
    /// ended it, as a shell has it.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.guard.wait()
    }

    /// How it ended, if it has.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.guard.try_wait()
    }

    /// Sends the program SIGTERM, waits for up to `grace`, then kills it with all its children.
    pub fn stop(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        if let Some(status) = self.signal_and_wait(Signal::SIGTERM, grace)? {
            return Ok(status);
        }
        self.kill()
    }

    /// Kills the program and all its children, and waits until they are gone.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.signal_and_wait(guard::KILL_ALL, DEATH)? {
            return Ok(status);
        }
        // A guard that does not answer is killed; the kernel then does the same to the rest.
        self.guard.kill()?;
        self.guard.wait()
    }

    /// Asks the program to end, by SIGTERM, and does not wait. One that has ended is left alone.
    pub fn terminate(&mut self) -> io::Result<()> {
        self.signal(Signal::SIGTERM)
    }

    /// Sends the program SIGINT, as Ctrl-C does. One that has ended is left alone.
    pub fn interrupt(&mut self) -> io::Result<()> {
        self.signal(Signal::SIGINT)
    }

    fn signal(&mut self, signal: Signal) -> io::Result<()> {
        // As long as it was not waited for, its number cannot belong to another process.
        if self.guard.try_wait()?.is_none() {
            let number = i32::try_from(self.guard.id()).map_err(io::Error::other)?;
            kill(Pid::from_raw(number), signal)?;
        }
        Ok(())
    }

    fn signal_and_wait(&mut self, signal: Signal, patience: Duration) -> io::Result<Option<ExitStatus>> {
        self.signal(signal)?;
        let end = Instant::now() + patience;
        loop {
            let status = self.guard.try_wait()?;
            if status.is_some() || Instant::now() >= end {
                return Ok(status);
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // There is nobody to tell; the kernel kills what is left when the host's thread ends.
        let _ = self.kill();
    }
}
