use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use burstlab_engine::Monitor;

/// A request to stop, shared by all who must hear it.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    monitors: Arc<Mutex<Vec<Weak<Monitor>>>>,
}

impl Stop {
    /// Asks everyone to stop.
    pub fn stop(&self) {
        self.asked.store(true, Ordering::SeqCst);
        for monitor in self.monitors().iter().filter_map(Weak::upgrade) {
            monitor.cancel.store(true, Ordering::Relaxed);
        }
    }

    /// Whether anyone asked.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// The flag itself, for a library that takes one.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.asked.clone()
    }

    /// A monitor for a run, which is cancelled when someone asks.
    pub fn monitor(&self) -> Arc<Monitor> {
        let monitor = Arc::new(Monitor::default());
        let mut monitors = self.monitors();
        monitors.retain(|monitor| monitor.strong_count() > 0);
        monitors.push(Arc::downgrade(&monitor));
        drop(monitors);
        // Whoever asked just before found the list without it.
        monitor.cancel.store(self.is_asked(), Ordering::Relaxed);
        monitor
    }

    fn monitors(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Monitor>>> {
        self.monitors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
