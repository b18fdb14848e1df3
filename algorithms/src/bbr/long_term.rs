//! The long-term model: the volume in flight that the path bears (sections 5.3.3.9 and 5.5.10.2).

use super::probe_bw::AckPhase;
use super::{BETA, Bbr, HEADROOM, LOSS_THRESH, Sample, State, UNBOUNDED, undo};
use crate::LostPacket;

/// Growth of the bound doubles each round trip of a probe, up to this many times (section 5.3.3.9).
const MAX_SLOPE_ROUNDS: u32 = 30;

/// The bound, and how a probe raises it.
#[derive(Debug, Clone)]
pub(super) struct LongTerm {
    /// BBR.inflight_longterm.
    pub(super) inflight: u64,
    up_rounds: u32,
    up_acked: u64,
    /// Bytes that must be acknowledged for the bound to rise by a packet.
    acked_per_packet: u64,
}

impl LongTerm {
    pub(super) const fn new() -> LongTerm {
        LongTerm { inflight: UNBOUNDED, up_rounds: 0, up_acked: 0, acked_per_packet: UNBOUNDED }
    }

    pub(super) fn hold(&mut self) {
        self.acked_per_packet = UNBOUNDED;
    }

    pub(super) fn begin_probe(&mut self) {
        self.up_rounds = 0;
        self.up_acked = 0;
    }
}

impl Bbr {
    /// The bound less some room for others (section 5.3.3.9: InflightWithHeadroom).
    pub(super) fn inflight_with_headroom(&self) -> u64 {
        let bound = self.long_term.inflight;
        if bound == UNBOUNDED {
            return UNBOUNDED;
        }
        let headroom = ((HEADROOM * bound as f64) as u64).max(self.mss);
        bound.saturating_sub(headroom).max(self.min_pipe_cwnd())
    }

    /// RaiseInflightLongtermSlope.
    pub(super) fn raise_long_term_slope(&mut self) {
        let growth = 1u64 << self.long_term.up_rounds;
        self.long_term.up_rounds = (self.long_term.up_rounds + 1).min(MAX_SLOPE_ROUNDS);
        self.long_term.acked_per_packet = (self.output.cwnd / growth).max(self.mss);
    }

    /// ProbeInflightLongtermUpward.
    fn probe_upward(&mut self) {
        if !self.window_limited || self.output.cwnd < self.long_term.inflight {
            return;
        }
        let long_term = &mut self.long_term;
        long_term.up_acked += self.rs.newly_acked;
        let packets = long_term.up_acked / long_term.acked_per_packet;
        long_term.up_acked -= packets * long_term.acked_per_packet;
        long_term.inflight = long_term.inflight.saturating_add(packets.saturating_mul(self.mss));
        if self.rounds.start {
            self.raise_long_term_slope();
        }
    }

    /// AdaptLongTermModel: returns whether it decided where the cycle goes.
    pub(super) fn adapt_long_term_model(&mut self) -> bool {
        if self.rounds.start && self.cycle.ack_phase == AckPhase::ProbeStarting {
            self.cycle.ack_phase = AckPhase::ProbeFeedback;
        }
        if self.rounds.start && self.cycle.ack_phase == AckPhase::ProbeStopping && self.end_probe_feedback() {
            return true;
        }
        if !self.is_inflight_too_high() && self.long_term.inflight != UNBOUNDED {
            self.long_term.inflight = self.long_term.inflight.max(self.rs.tx_in_flight);
            if self.state == State::ProbeBwUp {
                self.probe_upward();
            }
        }
        false
    }

    /// The last sample of a probe is in. A probe that was cut short as a precaution and did no harm is repeated in full.
    fn end_probe_feedback(&mut self) -> bool {
        self.cycle.is_probe_sample = false;
        self.cycle.ack_phase = AckPhase::Init;
        if !self.state.is_probe_bw() {
            return false;
        }
        if !self.rs.app_limited {
            self.max_bw.advance();
        }
        let repeat = self.cycle.prev_probe_precautionary && !self.cycle.prev_probe_too_high;
        if repeat {
            self.start_probe_bw_refill();
        }
        repeat
    }

    /// HandleLostPacket.
    pub(super) fn handle_lost_packet(&mut self, lost: &LostPacket) {
        if self.latest.note_loss(self.delivered) {
            self.save_state_upon_loss();
        }
        if !self.cycle.is_probe_sample {
            return;
        }
        self.rs = Sample {
            tx_in_flight: lost.tx_in_flight.get(),
            lost: lost.lost_since_sent.get(),
            app_limited: lost.app_limited || self.probe_rtt.quiets(lost.prior_delivered),
            ..self.rs
        };
        if self.is_inflight_too_high() {
            self.rs.tx_in_flight = self.inflight_at_loss(lost.bytes.get());
            self.handle_inflight_too_high();
        }
    }

    /// HandleInflightTooHigh.
    fn handle_inflight_too_high(&mut self) {
        self.cycle.prev_probe_too_high = true;
        self.cycle.is_probe_sample = false;
        if !self.rs.app_limited {
            let kept = (self.target_inflight() as f64 * BETA) as u64;
            self.long_term.inflight = self.rs.tx_in_flight.max(kept);
        }
        if self.state == State::ProbeBwUp {
            self.undo.state = Some(undo::Probing::Up);
            self.start_probe_bw_down();
        }
    }

    /// The volume in flight at which the loss rate passed what is borne, within the lost packet of `size` bytes.
    fn inflight_at_loss(&self, size: u64) -> u64 {
        let inflight_prev = self.rs.tx_in_flight.saturating_sub(size) as f64;
        let lost_prev = self.rs.lost.saturating_sub(size) as f64;
        let prefix = (LOSS_THRESH * inflight_prev - lost_prev) / (1.0 - LOSS_THRESH);
        // It is a prefix of that packet: not less than nothing and not more than all of it.
        (inflight_prev + prefix.clamp(0.0, size as f64)) as u64
    }
}
