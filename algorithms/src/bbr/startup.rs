//! Startup: twice the rate each round trip, until the pipe is full (section 5.3.1).

use super::{Bbr, LOSS_THRESH, State, undo};
use crate::{Ack, Phase};

/// Losses in a round trip that end Startup (section 5.3.1.3: BBRStartupFullLossCnt).
const FULL_LOSS_COUNT: u32 = 6;

/// What is known of loss in Startup.
#[derive(Debug, Clone, Default)]
pub(super) struct LossRound {
    /// ACKs in this round that found loss: each stands for a range of lost packets.
    events: u32,
    /// The round in which the recovery began, in one.
    pub(super) recovery_began: Option<u64>,
}

impl Bbr {
    pub(super) fn enter_startup(&mut self) {
        self.state = State::Startup;
    }

    /// CheckStartupDone.
    pub(super) fn check_startup_done(&mut self, ack: &Ack) {
        self.check_startup_high_loss(ack);
        if self.state == State::Startup && self.full_pipe.reached {
            self.enter_drain();
        }
    }

    /// Section 5.3.1.3. Loss ends Startup if it lasts: a full round trip of recovery, many ranges, and a high rate.
    fn check_startup_high_loss(&mut self, ack: &Ack) {
        if ack.lost.get() > 0 {
            self.loss_round.events += 1;
        }
        if !self.latest.round_start {
            return;
        }
        let events = std::mem::take(&mut self.loss_round.events);
        let recovering = self.loss_round.recovery_began.is_some_and(|began| self.rounds.count > began);
        let lasting = ack.phase == Phase::Recovery && recovering && events >= FULL_LOSS_COUNT;
        if self.state == State::Startup && lasting && self.is_inflight_too_high() {
            self.undo.state = Some(undo::Probing::Startup);
            self.full_pipe.reached = true;
            self.long_term.inflight = self.bdp(self.max_bw.get(), 1.0).max(self.latest.inflight);
        }
    }

    /// Whether the loss rate of the newest sample is beyond what is borne (section 5.5.10.2).
    pub(super) fn is_inflight_too_high(&self) -> bool {
        self.rs.lost as f64 > self.rs.tx_in_flight as f64 * LOSS_THRESH
    }
}
