//! Progress on a terminal: cells done, how far the running ones are, and when all will be done.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use burstlab_engine::Monitor;
use burstlab_units::Time;
use comfy_table::Table;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::experiment::Cell;
use crate::table::PLAIN_WIDTH;

/// How often the bar is drawn anew.
const INTERVAL: Duration = Duration::from_millis(200);
/// Columns that the bar, the count and the time take.
const FIXED_COLUMNS: usize = 32;

/// Progress of the cells of an experiment, shown on a terminal and nowhere else.
pub struct Progress {
    bar: ProgressBar,
    running: Arc<Mutex<Running>>,
}

struct Running {
    cells: BTreeMap<usize, (Cell, Weak<Monitor>)>,
    /// Work of all cells, and of those that have ended.
    total: f64,
    done: f64,
    begun: Instant,
}

impl Progress {
    /// Of `cells`, on stderr if that is a terminal.
    pub fn on_terminal(cells: &[Cell]) -> Progress {
        let visible = std::io::stderr().is_terminal();
        Progress::drawn(cells, if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() })
    }

    /// Shown nowhere.
    pub fn hidden(cells: &[Cell]) -> Progress {
        Progress::drawn(cells, ProgressDrawTarget::hidden())
    }

    fn drawn(cells: &[Cell], target: ProgressDrawTarget) -> Progress {
        let total = cells.iter().map(work).sum();
        let running = Running { cells: BTreeMap::new(), total, done: 0.0, begun: Instant::now() };
        let running = Arc::new(Mutex::new(running));
        let bar = ProgressBar::with_draw_target(Some(cells.len() as u64), target);
        let shared = running.clone();
        let style = ProgressStyle::with_template("[{bar:16}] {pos}/{len} runs{state}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ")
            .with_key("state", move |_: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
                let state = shared.lock().unwrap_or_else(PoisonError::into_inner).describe();
                // A line that wraps would not be drawn over.
                let width = Table::new().use_stderr().width().unwrap_or(PLAIN_WIDTH);
                let fitting = usize::from(width).saturating_sub(FIXED_COLUMNS);
                let _ = text.write_str(&state.chars().take(fitting).collect::<String>());
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
            if let Some((cell, _)) = running.cells.remove(&index) {
                running.done += work(&cell);
            }
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
        let (mut cells, mut done) = (String::new(), self.done);
        for (cell, monitor) in self.cells.values() {
            let now = monitor.upgrade().map_or(0, |monitor| monitor.now.load(Ordering::Relaxed));
            let now = Time::from_nanos(now);
            done += part_done(cell, now).unwrap_or(0.0) * work(cell);
            cells += &format!(" | {} x {}: {:.3} s", cell.controller, cell.copies, now.as_secs_f64());
        }
        match remaining(self.begun.elapsed(), done, self.total) {
            Some(left) => format!(", {} s left{cells}", left.as_secs()),
            None => cells,
        }
    }
}

/// What a cell has to do compared with others: it grows with what it sends, which copies and flows tell well enough.
fn work(cell: &Cell) -> f64 {
    let copies: u64 = cell.jobs.iter().map(|job| u64::from(job.copies)).sum();
    let flows: u64 = cell.flows.iter().map(|flow| u64::from(flow.count)).sum();
    (copies + flows) as f64
}

/// How far a cell is, where that is known.
fn part_done(cell: &Cell, now: Time) -> Option<f64> {
    let duration = cell.duration?.as_nanos();
    Some((now.as_nanos() as f64 / duration as f64).min(1.0))
}

/// Time left if the rest takes as long as what is done; unknown before anything is.
fn remaining(elapsed: Duration, done: f64, total: f64) -> Option<Duration> {
    (done > 0.0).then(|| Duration::try_from_secs_f64(elapsed.as_secs_f64() * (total - done) / done).ok()).flatten()
}
