//! ProbeBW: down, cruise, refill, up, and again (section 5.3.3).

use super::chance::Chance;
use super::{Bbr, ShortTerm, State, UNBOUNDED};
use crate::{Span, Time};

/// Wall-clock time between two probes: this, and up to a second more (section 5.3.3.8.3: PickProbeWait).
const MIN_PROBE_WAIT: Span = Span::from_secs(2);
/// Round trips between two probes at most, so that Reno can live beside it (section 5.3.3.8.2).
const MAX_PROBE_ROUNDS: u64 = 63;

/// What the ACKs that come in now tell of a probe (section 2.14: BBR.ack_phase).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AckPhase {
    /// Nothing.
    Init,
    /// The pipe is being filled.
    Refilling,
    /// The probe has begun; nothing of it has come back.
    ProbeStarting,
    /// The probe is coming back.
    ProbeFeedback,
    /// The probe has ended; it is still coming back.
    ProbeStopping,
}

/// Where the cycle of probing stands.
#[derive(Debug, Clone)]
pub(super) struct Cycle {
    pub(super) ack_phase: AckPhase,
    /// Whether samples of a probe are coming in, and it has not failed yet.
    pub(super) is_probe_sample: bool,
    pub(super) rounds_since_up: u64,
    pub(super) prev_probe_too_high: bool,
    pub(super) prev_probe_precautionary: bool,
    pub(super) drain_start_round: u64,
    wait: Span,
    stamp: Time,
    chance: Chance,
}

impl Cycle {
    pub(super) const fn new(seed: u64) -> Cycle {
        Cycle {
            ack_phase: AckPhase::Init,
            is_probe_sample: false,
            rounds_since_up: 0,
            prev_probe_too_high: false,
            prev_probe_precautionary: false,
            drain_start_round: 0,
            wait: Span::ZERO,
            stamp: Time::ZERO,
            chance: Chance::new(seed),
        }
    }

    /// PickProbeWait.
    fn pick_wait(&mut self) {
        self.rounds_since_up = self.chance.bit();
        self.wait = MIN_PROBE_WAIT + Span::from_secs_f64(self.chance.fraction());
    }
}

impl Bbr {
    pub(super) fn start_probe_bw_down(&mut self) {
        self.latest.reset();
        self.long_term.hold();
        self.cycle.pick_wait();
        self.cycle.stamp = self.now;
        self.cycle.ack_phase = AckPhase::ProbeStopping;
        self.rounds.begin(self.delivered);
        self.state = State::ProbeBwDown;
    }

    pub(super) fn start_probe_bw_cruise(&mut self) {
        self.state = State::ProbeBwCruise;
    }

    pub(super) fn start_probe_bw_refill(&mut self) {
        self.short_term = ShortTerm::UNBOUNDED;
        self.long_term.begin_probe();
        self.cycle.prev_probe_precautionary = false;
        self.cycle.ack_phase = AckPhase::Refilling;
        self.rounds.begin(self.delivered);
        self.state = State::ProbeBwRefill;
    }

    fn start_probe_bw_up(&mut self) {
        self.cycle.is_probe_sample = true;
        self.cycle.ack_phase = AckPhase::ProbeStarting;
        self.rounds.begin(self.delivered);
        self.full_pipe.reset(self.rs.rate);
        self.state = State::ProbeBwUp;
        self.raise_long_term_slope();
    }

    /// UpdateProbeBWCyclePhase.
    pub(super) fn update_probe_bw_cycle_phase(&mut self) {
        if !self.full_pipe.reached || self.adapt_long_term_model() {
            return;
        }
        match self.state {
            State::ProbeBwDown | State::ProbeBwCruise if self.is_time_to_probe() => self.start_probe_bw_refill(),
            State::ProbeBwDown if self.is_time_to_cruise() => self.start_probe_bw_cruise(),
            State::ProbeBwRefill if self.rounds.start => self.start_probe_bw_up(),
            State::ProbeBwUp => self.check_time_to_go_down(),
            _ => {}
        }
    }

    fn check_time_to_go_down(&mut self) {
        if self.is_time_to_go_down() {
            // If loss is still to come of this probe, it will say so.
            self.cycle.prev_probe_too_high = false;
            self.start_probe_bw_down();
        }
    }

    /// By the clock, or as often as Reno would fill this path (section 5.3.3.8.3).
    fn is_time_to_probe(&self) -> bool {
        let reno_rounds = (self.target_inflight() / self.mss).min(MAX_PROBE_ROUNDS);
        self.now > self.cycle.stamp + self.cycle.wait || self.cycle.rounds_since_up >= reno_rounds
    }

    fn is_time_to_cruise(&self) -> bool {
        self.in_flight <= self.inflight_with_headroom() && self.in_flight <= self.inflight(self.max_bw.get(), 1.0)
    }

    fn is_time_to_go_down(&mut self) -> bool {
        let bound = self.long_term.inflight;
        // Section 5.3.3.6: the volume that went too high is only touched, until the touch shows no loss. Touched it is
        // by what was in flight before this ACK, to the packet: the window never lets more than that out.
        if self.cycle.prev_probe_too_high && self.prior_in_flight.saturating_add(self.mss) > bound {
            self.cycle.prev_probe_precautionary = true;
            return true;
        }
        if self.window_limited && self.output.cwnd >= bound && bound != UNBOUNDED {
            // The bound, and not the path, holds the bandwidth down: a plateau tells nothing.
            self.full_pipe.reset(self.rs.rate);
            return false;
        }
        self.full_pipe.now
    }
}
