//! What is restored when a loss turns out to have been none (section 5.5.11).

use super::{Bbr, ShortTerm, State, UNBOUNDED};
use crate::Time;

/// A state of acceleration that loss ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probing {
    Startup,
    Up,
}

/// The model before the loss.
#[derive(Debug, Clone)]
pub(super) struct Undo {
    pub(super) state: Option<Probing>,
    short_term: ShortTerm,
    long_term: u64,
    saved: Option<Time>,
}

impl Default for Undo {
    fn default() -> Undo {
        Undo { state: None, short_term: ShortTerm::UNBOUNDED, long_term: UNBOUNDED, saved: None }
    }
}

impl Bbr {
    /// SaveStateUponLoss, once an instant: of several packets found lost at once, the first sees the model as it was,
    /// and the others, or the recovery that they begin, what the first changed of it.
    pub(super) fn save_state_upon_loss(&mut self) {
        self.save_cwnd();
        if self.undo.saved != Some(self.now) {
            let long_term = self.long_term.inflight;
            self.undo = Undo { state: None, short_term: self.short_term, long_term, saved: Some(self.now) };
        }
    }

    /// HandleSpuriousLossDetection.
    pub(super) fn handle_spurious_loss(&mut self) {
        self.restore_cwnd();
        self.latest.loss_in_round = false;
        self.full_pipe.reset(0.0);
        self.short_term.bw = self.short_term.bw.max(self.undo.short_term.bw);
        self.short_term.inflight = self.short_term.inflight.max(self.undo.short_term.inflight);
        self.long_term.inflight = self.long_term.inflight.max(self.undo.long_term);
        let in_probe_rtt = self.state == State::ProbeRtt;
        match self.undo.state.take() {
            Some(Probing::Startup) if self.state != State::Startup => {
                self.full_pipe.reached = false;
                if !in_probe_rtt {
                    self.enter_startup();
                }
            }
            Some(Probing::Up) if self.state != State::ProbeBwUp && !in_probe_rtt => self.start_probe_bw_refill(),
            _ => {}
        }
    }
}
