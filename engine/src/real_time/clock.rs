//! The experiment's time, read from the machine's clock.

use std::time::{Duration, Instant};

use burstlab_units::Time;

/// Runs from when it is made; slower than the machine's clock by a whole factor.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    scale: u32,
}

impl Clock {
    /// A clock that begins now, and on which a second takes `scale` seconds.
    pub fn begin(scale: u32) -> Clock {
        Clock { start: Instant::now(), scale: scale.max(1) }
    }

    /// What it shows.
    pub fn now(&self) -> Time {
        Time::from_nanos(self.start.elapsed().as_nanos() as u64 / u64::from(self.scale))
    }

    /// How long it takes, on the machine's clock, until this one shows `at`; zero if it does already.
    pub fn until(&self, at: Time) -> Duration {
        let nanos = at.as_nanos().saturating_mul(u64::from(self.scale));
        Duration::from_nanos(nanos).saturating_sub(self.start.elapsed())
    }
}
