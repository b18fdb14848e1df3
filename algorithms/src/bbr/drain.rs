//! Drain: half the bandwidth, until Startup's queue is gone (section 5.3.2).

use super::{Bbr, State};

/// Rounds after which the bandwidth is taken to be overestimated, and Drain ends all the same (section 5.3.2).
const MAX_ROUNDS: u64 = 3;

impl Bbr {
    pub(super) fn enter_drain(&mut self) {
        self.state = State::Drain;
        self.cycle.drain_start_round = self.rounds.count;
    }

    /// CheckDrainDone.
    pub(super) fn check_drain_done(&mut self) {
        let drained = self.in_flight <= self.inflight(self.bw, 1.0);
        if self.state == State::Drain && (drained || self.rounds.count > self.cycle.drain_start_round + MAX_ROUNDS) {
            self.start_probe_bw_down();
        }
    }
}
