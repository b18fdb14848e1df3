//! How late timers are here: what real time is bounded by.

use std::time::{Duration, Instant};

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

/// Enough for a 99th percentile, and over in 40 ms.
const SLEEPS: usize = 200;
/// About what a link of 500 Mbit/s takes for eight full packets.
const SLEEP: Duration = Duration::from_micros(200);
/// A lateness that emulated links of 100 Mbit/s do not show: less than two full packets there.
pub(super) const FINE: Duration = Duration::from_micros(200);

/// How much later than asked for a sleep ended.
pub(super) struct Lateness {
    pub(super) median: Duration,
    pub(super) p99: Duration,
    pub(super) max: Duration,
}

pub(super) fn lateness() -> nix::Result<Lateness> {
    // A timerfd, unlike a sleep, is not put off by the thread's timer slack (timerfd_create(2), PR_SET_TIMERSLACK).
    let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::empty())?;
    let mut late = Vec::with_capacity(SLEEPS);
    for _ in 0..SLEEPS {
        let begin = Instant::now();
        timer.set(Expiration::OneShot(TimeSpec::from_duration(SLEEP)), TimerSetTimeFlags::empty())?;
        timer.wait()?;
        late.push(begin.elapsed().saturating_sub(SLEEP));
    }
    late.sort_unstable();
    Ok(Lateness { median: late[SLEEPS / 2], p99: late[SLEEPS * 99 / 100], max: late[SLEEPS - 1] })
}
