//! Whether more speed still brings more bandwidth (section 5.3.1.2).

use super::Sample;

/// Growth that counts as such (section 5.3.1.2).
const GROWTH: f64 = 1.25;
/// Rounds without growth that show a full pipe (section 5.3.1.2).
const ROUNDS: u32 = 3;

/// The full-pipe estimator.
#[derive(Debug, Clone, Default)]
pub(super) struct FullPipe {
    /// Since it last began to look.
    pub(super) now: bool,
    /// Ever: Startup is over.
    pub(super) reached: bool,
    baseline: f64,
    rounds: u32,
}

impl FullPipe {
    /// Begins to look, with `baseline` as what is to be exceeded (ResetFullBW).
    pub(super) fn reset(&mut self, baseline: f64) {
        *self = FullPipe { now: false, reached: self.reached, baseline, rounds: 0 };
    }

    /// CheckFullBWReached.
    pub(super) fn check(&mut self, sample: &Sample, round_start: bool) {
        if self.now || !round_start || sample.app_limited {
            return;
        }
        if sample.rate >= self.baseline * GROWTH {
            self.reset(sample.rate);
            return;
        }
        self.rounds += 1;
        self.now = self.rounds >= ROUNDS;
        self.reached |= self.now;
    }
}
