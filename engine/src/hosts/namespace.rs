//! A network namespace, and the thread that is in it.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use nix::sched::{CloneFlags, unshare};

use super::HostError;

mod scheduling;

type Job = Box<dyn FnOnce() + Send>;

/// What a job that was sent to the namespace's thread gives back, or the panic it ended with.
pub(super) struct Pending<T>(Receiver<Result<T, Box<dyn Any + Send>>>);

impl<T> Pending<T> {
    /// Waits for it. A panic goes on in the caller.
    pub(super) fn wait(self) -> io::Result<T> {
        match self.0.recv() {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(io::Error::other("the host's thread has ended")),
        }
    }
}

/// A thread that lives in a network namespace of its own and runs what it is sent.
///
/// It must live as long as the host: a child process dies with the thread, not the process, that started it
/// (PR_SET_PDEATHSIG in prctl(2)).
pub(super) struct Namespace {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Namespace {
    /// Starts the thread; whether it got its namespace is known when the second value is waited for.
    pub(super) fn start(host: &str) -> Result<(Namespace, Pending<io::Result<()>>), HostError> {
        let (jobs, queue) = channel::<Job>();
        let (made, pending) = channel();
        // Linux shows 15 bytes of a thread's name.
        let name: String = host.chars().take(15).collect();
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || {
                let ordinary = scheduling::be_ordinary();
                let unshared = ordinary.and_then(|()| unshare(CloneFlags::CLONE_NEWNET).map_err(io::Error::from));
                let failed = unshared.is_err();
                let nobody_waits = made.send(Ok(unshared)).is_err();
                if failed || nobody_waits {
                    return;
                }
                queue.into_iter().for_each(|job| job());
            })
            .map_err(|source| HostError::Thread { host: host.to_owned(), source })?;
        Ok((Namespace { jobs: Some(jobs), thread: Some(thread) }, Pending(pending)))
    }

    /// Has `job` run in the namespace.
    pub(super) fn submit<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Pending<T> {
        let (done, pending) = channel();
        let job = move || {
            // Whoever waits may have given up; the result is then dropped here.
            let _ = done.send(catch_unwind(AssertUnwindSafe(job)));
        };
        if let Some(jobs) = &self.jobs {
            // An ended thread drops the job and with it `done`, which the waiting side sees.
            let _ = jobs.send(Box::new(job));
        }
        Pending(pending)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The thread ends when its queue has no sender.
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // Jobs catch their panics, so there is nothing to learn from the result.
            let _ = thread.join();
        }
    }
}
