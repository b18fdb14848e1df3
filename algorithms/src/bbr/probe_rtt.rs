//! ProbeRTT: half the volume for a moment, to see the round-trip time without a queue (section 5.3.4).

use super::probe_bw::AckPhase;
use super::{Bbr, ShortTerm, State};
use crate::{Span, Time};

/// How long the volume is held down at least (section 2.16.2: BBR.ProbeRTTDuration).
const DURATION: Span = Span::from_millis(200);

/// Where a ProbeRTT stands.
#[derive(Debug, Clone, Default)]
pub(super) struct ProbeRtt {
    /// When it may end; none until the volume is down.
    done: Option<Time>,
    round_done: bool,
    /// Packets sent when the bytes delivered were in this range tell of ProbeRTT and not of the path's bandwidth.
    quiet: (u64, u64),
}

impl ProbeRtt {
    /// Whether a sample of a packet sent at `prior_delivered` is low for ProbeRTT's sake.
    pub(super) fn quiets(&self, prior_delivered: u64) -> bool {
        (self.quiet.0..self.quiet.1).contains(&prior_delivered)
    }
}

impl Bbr {
    /// CheckProbeRTT.
    pub(super) fn check_probe_rtt(&mut self) {
        if self.state != State::ProbeRtt && self.min_rtt.expired && !self.idle_restart {
            self.enter_probe_rtt();
        }
        if self.state == State::ProbeRtt {
            self.handle_probe_rtt();
        }
        if self.rs.delivered > 0 {
            self.idle_restart = false;
        }
    }

    fn enter_probe_rtt(&mut self) {
        self.state = State::ProbeRtt;
        self.save_cwnd();
        self.probe_rtt = ProbeRtt { quiet: (self.delivered, self.delivered), ..ProbeRtt::default() };
        self.cycle.ack_phase = AckPhase::ProbeStopping;
        self.rounds.begin(self.delivered);
    }

    /// HandleProbeRTT.
    fn handle_probe_rtt(&mut self) {
        self.probe_rtt.quiet.1 = self.delivered.saturating_add(self.in_flight).saturating_add(1);
        match self.probe_rtt.done {
            None if self.in_flight <= self.probe_rtt_cwnd() => {
                self.probe_rtt.done = Some(self.now + DURATION);
                self.probe_rtt.round_done = false;
                self.rounds.begin(self.delivered);
            }
            None => {}
            Some(_) => {
                self.probe_rtt.round_done |= self.rounds.start;
                if self.probe_rtt.round_done {
                    self.check_probe_rtt_done();
                }
            }
        }
    }

    /// CheckProbeRTTDone.
    pub(super) fn check_probe_rtt_done(&mut self) {
        if self.probe_rtt.done.is_some_and(|done| self.now > done) {
            self.min_rtt.looked(self.now);
            self.restore_cwnd();
            self.exit_probe_rtt();
        }
    }

    /// Section 5.3.4.4. The volume is low: after the clock of the probes is set, it may cruise at once.
    fn exit_probe_rtt(&mut self) {
        self.short_term = ShortTerm::UNBOUNDED;
        if self.full_pipe.reached {
            self.start_probe_bw_down();
            self.start_probe_bw_cruise();
        } else {
            self.enter_startup();
        }
    }
}
