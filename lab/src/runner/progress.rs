//! Progress on a terminal: cells done, how far the running ones are, and when all will be done.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use burstlab_engine::Monitor;
use burstlab_units::Time;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::part_done;
use crate::experiment::Cell;

/// How often the bar is drawn anew.
const INTERVAL: Duration = Duration::from_millis(200);

/// Progress of the cells of an experiment, shown on a terminal and nowhere else.
pub struct Progress {
    bar: ProgressBar,
    running: Arc<Mutex<Running>>,
}

struct Running {
    cells: BTreeMap<usize, (Cell, Weak<Monitor>)>,
    total: usize,
    done: usize,
    begun: Instant,
}

impl Progress {
    /// Of an experiment of `total` cells, on stderr if that is a terminal.
    pub fn on_terminal(total: usize) -> Progress {
        let visible = std::io::stderr().is_terminal();
        Progress::drawn(total, if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() })
    }

    /// Shown nowhere.
    pub fn hidden(total: usize) -> Progress {
        Progress::drawn(total, ProgressDrawTarget::hidden())
    }

    fn drawn(total: usize, target: ProgressDrawTarget) -> Progress {
        let running = Running { cells: BTreeMap::new(), total, done: 0, begun: Instant::now() };
        let running = Arc::new(Mutex::new(running));
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        let shared = running.clone();
        let style = ProgressStyle::with_template("[{bar:24}] {pos}/{len} runs {elapsed}{state}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ")
            .with_key("state", move |_: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
                let _ = text.write_str(&shared.lock().unwrap_or_else(PoisonError::into_inner).describe());
            });
        bar.set_style(style);
        if !bar.is_hidden() {
            bar.enable_steady_tick(INTERVAL);
        }
        Progress { bar, running }
    }

    /// A cell begins.
    pub(super) fn begin(&self, index: usize, cell: &Cell, monitor: &Arc<Monitor>) {
        self.change(|running| _ = running.cells.insert(index, (cell.clone(), Arc::downgrade(monitor))));
    }

    /// A cell ended, with or without a result.
    pub(super) fn end(&self, index: usize) {
        self.change(|running| {
            running.cells.remove(&index);
            running.done += 1;
        });
        self.bar.inc(1);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn change(&self, change: impl FnOnce(&mut Running)) {
        change(&mut self.running.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Running {
    fn describe(&self) -> String {
        let mut text = String::new();
        let mut begun_part = 0.0;
        for (cell, monitor) in self.cells.values() {
            let now = monitor.upgrade().map_or(0, |monitor| monitor.now.load(Ordering::Relaxed));
            let now = Time::from_nanos(now);
            begun_part += part_done(cell, now).unwrap_or(0.0);
            text += &format!(" | {} x {}: {:.3} s", cell.controller, cell.copies, now.as_secs_f64());
        }
        match remaining(self.begun.elapsed(), self.done as f64 + begun_part, self.total as f64) {
            Some(left) => format!(", about {} s left{text}", left.as_secs()),
            None => text,
        }
    }
}

/// Time left if the rest takes as long as what is done; unknown before anything is.
fn remaining(elapsed: Duration, done: f64, total: f64) -> Option<Duration> {
    (done > 0.0).then(|| Duration::try_from_secs_f64(elapsed.as_secs_f64() * (total - done) / done).ok()).flatten()
}
