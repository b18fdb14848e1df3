//! How far the validation is, on a terminal and nowhere else.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the bar is drawn anew.
const INTERVAL: Duration = Duration::from_millis(200);

/// Runs that have ended, of how many, and what runs.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Of `runs`, on stderr if that is a terminal.
    pub fn on_terminal(runs: usize) -> Progress {
        let visible = std::io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(runs as u64), target);
        let style = ProgressStyle::with_template("[{bar:16}] {pos}/{len} runs, {elapsed}: {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        if visible {
            bar.enable_steady_tick(INTERVAL);
        }
        Progress(bar)
    }

    /// A run of the entry `name` begins.
    pub fn begin(&self, name: &str) {
        self.0.set_message(name.to_owned());
    }

    /// A run ended.
    pub fn end(&self) {
        self.0.inc(1);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
