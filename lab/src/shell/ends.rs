//! How programs end: by themselves, because another failed, because the time is up, or because the user wants it.

use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use burstlab_engine::hosts::Process;

use super::{Joined, Program};

/// How often programs are looked at: a hundredth of a second shows in no exit code, and costs nothing.
const LOOK: Duration = Duration::from_millis(10);
/// How long a program has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How long it has after Ctrl-C to put things in order, before SIGTERM.
const ORDER: Duration = Duration::from_secs(10);
/// The code of a program that Ctrl-C ended, as shells give it: 128 and the number of SIGINT.
const BY_CTRL_C: i32 = 130;

/// How the programs of a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All succeeded, or their time was up.
    Well,
    /// One failed; the first that did.
    Failed {
        /// Its host.
        host: usize,
        /// Its command line.
        line: String,
        /// Its exit code, or 128 and a signal's number.
        code: i32,
    },
    /// The user interrupted them.
    Interrupted,
}

/// Programs that were started. What still runs when this is dropped is killed.
pub(crate) struct Running {
    joined: Joined,
    programs: Vec<One>,
    streams: Vec<JoinHandle<()>>,
}

struct One {
    host: usize,
    line: String,
    process: Process,
    ended: bool,
}

impl Running {
    pub(super) fn new(joined: Joined) -> Running {
        Running { joined, programs: Vec::new(), streams: Vec::new() }
    }

    pub(super) fn add(&mut self, program: &Program, process: Process, streams: Vec<JoinHandle<()>>) {
        let Program { host, line, .. } = program;
        self.programs.push(One { host: *host, line: line.clone(), process, ended: false });
        self.streams.extend(streams);
    }

    /// Waits until all have ended. When `over` is set they are ended; `asked` counts the user's wishes that they end.
    pub fn watch(mut self, asked: &AtomicU32, over: &AtomicBool) -> Verdict {
        let mut verdict = Verdict::Well;
        let (mut heard, mut terminate_at, mut kill_at) = (0, None, None);
        loop {
            if let Some(one) = self.first_failure()
                && verdict == Verdict::Well
                && terminate_at.is_none()
            {
                verdict = self.judge(one);
                terminate_at = Some(Instant::now());
            }
            if self.programs.iter().all(|one| one.ended) {
                break;
            }
            let wishes = asked.load(Ordering::Relaxed);
            if wishes > heard {
                if heard == 0 {
                    self.each(|process| drop(process.interrupt()));
                    terminate_at = terminate_at.or(Some(Instant::now() + ORDER));
                    if verdict == Verdict::Well {
                        verdict = Verdict::Interrupted;
                    }
                }
                if wishes > 1 {
                    self.each(|process| drop(process.kill()));
                }
                heard = wishes;
            }
            if over.load(Ordering::Relaxed) {
                terminate_at = Some(terminate_at.unwrap_or_else(Instant::now).min(Instant::now()));
            }
            if kill_at.is_none() && terminate_at.is_some_and(|at| at <= Instant::now()) {
                self.each(|process| drop(process.terminate()));
                kill_at = Some(Instant::now() + GRACE);
            }
            if kill_at.is_some_and(|at| at <= Instant::now()) {
                self.each(|process| drop(process.kill()));
            }
            std::thread::sleep(LOOK);
        }
        for stream in self.streams {
            // They have no result, and what they print is no reason to fail.
            let _ = stream.join();
        }
        verdict
    }

    /// Notes which have ended, and gives one that failed and was not known to have ended.
    fn first_failure(&mut self) -> Option<(usize, String, i32)> {
        let mut failure = None;
        for one in self.programs.iter_mut().filter(|one| !one.ended) {
            let code = match one.process.try_wait() {
                Ok(None) => continue,
                Ok(Some(status)) => code(status),
                // There is nothing left to wait for.
                Err(_) => -1,
            };
            one.ended = true;
            if code != 0 && failure.is_none() {
                failure = Some((one.host, one.line.clone(), code));
            }
        }
        failure
    }

    fn judge(&self, (host, line, code): (usize, String, i32)) -> Verdict {
        match self.joined {
            Joined::Alone { interactive: true, .. } => Verdict::Well,
            // The terminal's Ctrl-C went to the program and not to burstlab.
            Joined::Alone { terminal: true, .. } if code == BY_CTRL_C => Verdict::Interrupted,
            _ => Verdict::Failed { host, line, code },
        }
    }

    /// Does something to all that still run. One that ends meanwhile is no fault.
    fn each(&mut self, act: impl Fn(&mut Process)) {
        self.programs.iter_mut().filter(|one| !one.ended).for_each(|one| act(&mut one.process));
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}
