use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use burstlab_units::Time;

/// A request to stop, shared by all who must hear it.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
}

impl Stop {
    /// Asks everyone to stop.
    pub fn stop(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether anyone asked.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// The flag itself, for a library that takes one.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.asked.clone()
    }
}

/// A running cell's line to the outside.
#[derive(Debug, Default)]
pub struct Watch {
    stop: Stop,
    simulated: AtomicU64,
}

impl Watch {
    /// A watch that hears of `stop`.
    pub fn new(stop: Stop) -> Watch {
        Watch { stop, simulated: AtomicU64::new(0) }
    }

    /// Says how far the cell is. Cheap, but an atomic store: call it every some thousand events.
    pub fn at(&self, now: Time) {
        self.simulated.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// Whether the cell is to stop; it then gives [`CellError::Stopped`](super::CellError::Stopped).
    pub fn is_stopped(&self) -> bool {
        self.stop.is_asked()
    }

    /// How far the cell said that it is.
    pub fn simulated(&self) -> Time {
        Time::from_nanos(self.simulated.load(Ordering::Relaxed))
    }
}
