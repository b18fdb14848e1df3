//! Waiting: until a device or socket has something, or an instant has come.
//!
//! Readiness comes from tokio, which asks the kernel for changes only (edge-triggered epoll): what is reported has to be
//! read until it would block, or it is not reported again. The instant comes from a timerfd, which is not subject to the
//! kernel's timer slack as the timeouts of `poll` are (timerfd_create(2), prctl(2): PR_SET_TIMERSLACK).

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll};
use std::time::Duration;

use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Builder, Runtime};
// Without it, tokio would report no more than 128 ready sources at a time, and always the first ones.
use tokio::task::unconstrained;

/// Something to wait for.
struct Source {
    fd: AsyncFd<OwnedFd>,
    /// Whether it is waited for until it has bytes. One whose peer has closed always has some news, so it must not be.
    reads: bool,
    /// Whether it is waited for until it takes bytes.
    writes: bool,
}

/// Waits for sources, which have the numbers that they were given.
pub(super) struct Waiter {
    sources: Vec<Option<Source>>,
    timer: TimerFd,
    expired: AsyncFd<OwnedFd>,
    // Last, so that what is registered with it goes first.
    runtime: Runtime,
}

impl Waiter {
    pub fn new() -> io::Result<Waiter> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        let context = runtime.enter();
        let expired = registered(timer.as_fd())?;
        drop(context);
        Ok(Waiter { sources: Vec::new(), timer, expired, runtime })
    }

    /// From now on waits for `fd`, as source `number`.
    pub fn watch(&mut self, number: usize, fd: BorrowedFd<'_>) -> io::Result<()> {
        if number >= self.sources.len() {
            self.sources.resize_with(number + 1, || None);
        }
        let _context = self.runtime.enter();
        self.sources[number] = Some(Source { fd: registered(fd)?, reads: true, writes: false });
        Ok(())
    }

    /// Whether source `number` is waited for until it has bytes, and until it takes some.
    pub fn set_interest(&mut self, number: usize, reads: bool, writes: bool) {
        if let Some(Some(source)) = self.sources.get_mut(number) {
            (source.reads, source.writes) = (reads, writes);
        }
    }

    /// No longer waits for source `number`.
    pub fn forget(&mut self, number: usize) {
        if let Some(source) = self.sources.get_mut(number) {
            *source = None;
        }
    }

    /// Waits until a source is ready, for at most `patience`, and adds the numbers of those that are to `ready`.
    pub fn wait(&mut self, patience: Duration, ready: &mut Vec<usize>) -> io::Result<()> {
        let (sources, expired) = (&self.sources, &self.expired);
        if patience.is_zero() {
            // Yielding lets the runtime look at the kernel's list once without sleeping.
            self.runtime.block_on(async {
                tokio::task::yield_now().await;
                unconstrained(poll_fn(|context| {
                    collect(sources, context, ready);
                    Poll::Ready(())
                }))
                .await;
            });
            return Ok(());
        }
        self.timer.set(Expiration::OneShot(patience.into()), TimerSetTimeFlags::empty())?;
        self.runtime.block_on(unconstrained(poll_fn(|context| {
            collect(sources, context, ready);
            match is_ready(expired.poll_read_ready(context)) || !ready.is_empty() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })));
        Ok(())
    }
}

/// A duplicate of `fd`, registered with the runtime of the context.
// The new name is unsafe because a type may give out descriptors that it does not own. An OwnedFd does not.
#[allow(deprecated)]
fn registered(fd: BorrowedFd<'_>) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(fd.try_clone_to_owned()?)
}

fn collect(sources: &[Option<Source>], context: &mut Context<'_>, ready: &mut Vec<usize>) {
    for (number, source) in sources.iter().enumerate() {
        let Some(Source { fd, reads, writes }) = source else { continue };
        let has = *reads && is_ready(fd.poll_read_ready(context));
        if has | (*writes && is_ready(fd.poll_write_ready(context))) {
            ready.push(number);
        }
    }
}

/// Whether it is, and that this is known now. What comes from here on is reported anew, so the source is to be read until it
/// would block.
fn is_ready(polled: Poll<io::Result<tokio::io::unix::AsyncFdReadyGuard<'_, OwnedFd>>>) -> bool {
    match polled {
        Poll::Ready(Ok(mut guard)) => {
            guard.clear_ready();
            true
        }
        Poll::Ready(Err(_)) => true,
        Poll::Pending => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_is_ready_is_reported_once_until_there_is_more() {
        let mut waiter = Waiter::new().unwrap();
        let (mut a, mut b) = UnixStream::pair().unwrap();
        b.set_nonblocking(true).unwrap();
        waiter.watch(3, b.as_fd()).unwrap();
        let mut ready = Vec::new();
        // A new source may be reported for what it takes, never for what it has.
        waiter.wait(Duration::ZERO, &mut ready).unwrap();
        assert_eq!(ready, []);
        for _ in 0..2 {
            a.write_all(&[7; 10]).unwrap();
            waiter.wait(Duration::from_secs(10), &mut ready).unwrap();
            assert_eq!(ready, [3]);
            ready.clear();
            assert_eq!(b.read(&mut [0; 100]).unwrap(), 10);
            waiter.wait(Duration::ZERO, &mut ready).unwrap();
            assert_eq!(ready, []);
        }
    }

    #[test]
    fn patience_ends() {
        let mut waiter = Waiter::new().unwrap();
        let mut ready = Vec::new();
        waiter.wait(Duration::from_micros(100), &mut ready).unwrap();
        assert!(ready.is_empty());
    }
}
