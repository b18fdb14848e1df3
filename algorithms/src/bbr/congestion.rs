//! The short-term model: how loss outside of probing slows the flow down (section 5.5.10.3).

use super::{BETA, Bbr, Sample, UNBOUNDED};

/// What the last round trip delivered, and whether it met loss.
#[derive(Debug, Clone, Default)]
pub(super) struct Latest {
    bw: f64,
    pub(super) inflight: u64,
    /// Whether the newest sample ends a round of loss accounting.
    pub(super) round_start: bool,
    pub(super) loss_in_round: bool,
    round_end: u64,
}

impl Latest {
    /// ResetCongestionSignals.
    pub(super) fn reset(&mut self) {
        self.loss_in_round = false;
        self.bw = 0.0;
        self.inflight = 0;
    }

    /// Notes the first loss of a round; returns whether it is that.
    pub(super) fn note_loss(&mut self, delivered: u64) -> bool {
        let first = !self.loss_in_round;
        if first {
            self.round_end = delivered;
        }
        self.loss_in_round = true;
        first
    }

    /// AdvanceLatestDeliverySignals.
    pub(super) fn advance(&mut self, sample: &Sample) {
        if self.round_start {
            self.bw = sample.rate;
            self.inflight = sample.delivered;
        }
    }
}

/// Bounds that hold until the next probe for bandwidth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ShortTerm {
    pub(super) bw: f64,
    pub(super) inflight: u64,
}

impl ShortTerm {
    pub(super) const UNBOUNDED: ShortTerm = ShortTerm { bw: f64::INFINITY, inflight: UNBOUNDED };
}

impl Bbr {
    pub(super) fn update_latest_delivery_signals(&mut self) {
        let latest = &mut self.latest;
        latest.bw = latest.bw.max(self.rs.rate);
        latest.inflight = latest.inflight.max(self.rs.delivered);
        latest.round_start = self.rs.prior_delivered >= latest.round_end;
        if latest.round_start {
            latest.round_end = self.delivered;
        }
    }

    pub(super) fn update_congestion_signals(&mut self) {
        if self.rounds.update(self.rs.prior_delivered, self.delivered) {
            self.cycle.rounds_since_up += 1;
        }
        self.max_bw.update(&self.rs);
        if self.latest.round_start {
            self.adapt_lower_bounds();
            self.latest.loss_in_round = false;
        }
    }

    /// AdaptLowerBoundsFromCongestion, InitLowerBounds and LossLowerBounds.
    fn adapt_lower_bounds(&mut self) {
        if self.state.is_accelerating() || !self.latest.loss_in_round {
            return;
        }
        let bound = &mut self.short_term;
        if bound.bw == f64::INFINITY {
            bound.bw = self.max_bw.get();
        }
        if bound.inflight == UNBOUNDED {
            bound.inflight = self.output.cwnd;
        }
        bound.bw = self.latest.bw.max(BETA * bound.bw);
        bound.inflight = self.latest.inflight.max((BETA * bound.inflight as f64) as u64);
    }
}
