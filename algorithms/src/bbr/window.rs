//! From the model to what the stack is told: pacing rate, quantum, window (section 5.6).

use super::{Bbr, State};
use crate::{Ack, Rate, Span};

/// The rate stays below the bandwidth by this, so that queues drain (section 2.5: BBR.PacingMarginPercent).
const PACING_MARGIN: f64 = 0.01;
/// Round-trip time that the first rate supposes (section 5.6.2: InitPacingRate).
const NOMINAL_RTT: Span = Span::from_millis(1);
/// A quantum is what leaves in this time (section 5.6.3).
const QUANTUM_TIME: Span = Span::from_millis(1);
/// Packets of a quantum at least (section 5.6.3).
const MIN_QUANTUM: u64 = 2;
/// Quanta that the hosts hold (section 5.5.8.1).
const OFFLOAD_QUANTA: u64 = 3;
/// Packets above the volume in ProbeBW_UP (section 5.6.4.2: QuantizationBudget).
const PROBE_UP_PACKETS: u64 = 2;

/// What the stack is told.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) cwnd: u64,
    pub(super) quantum: u64,
    /// The last window that neither recovery nor ProbeRTT had lowered.
    prior_cwnd: u64,
    max_quantum: u64,
    rate: f64,
    /// Whether the first rate is still the nominal one.
    nominal: bool,
}

impl Output {
    pub(super) fn new(initial_window: u64, max_quantum: u64, mss: u64) -> Output {
        let rate = initial_rate(initial_window, NOMINAL_RTT);
        Output { cwnd: initial_window, quantum: MIN_QUANTUM * mss, prior_cwnd: 0, max_quantum, rate, nominal: true }
    }

    pub(super) fn pacing_rate(&self) -> Rate {
        Rate::from_bytes_per_sec_f64(self.rate).max(Rate::from_bits_per_sec(1))
    }
}

fn initial_rate(window: u64, rtt: Span) -> f64 {
    State::Startup.pacing_gain() * window as f64 / rtt.as_secs_f64()
}

impl Bbr {
    /// Section 5.6.2: InitPacingRate, again when the first round-trip time is known.
    pub(super) fn init_pacing_rate(&mut self, ack: &Ack) {
        if self.output.nominal && !ack.smoothed_rtt.is_zero() {
            self.output.nominal = false;
            self.output.rate = initial_rate(self.initial_window, ack.smoothed_rtt);
        }
    }

    /// Section 5.6.2. Until the pipe is full the rate only rises: what the application limited does not lower it.
    pub(super) fn set_pacing_rate_with_gain(&mut self, gain: f64) {
        let rate = gain * self.bw * (1.0 - PACING_MARGIN);
        if rate > 0.0 && (self.full_pipe.reached || rate > self.output.rate) {
            self.output.rate = rate;
        }
    }

    /// Section 5.6.3, which asks for the smallest quantum that the hosts can do with: two packets, unless the experiment
    /// says that they need more.
    pub(super) fn set_send_quantum(&mut self) {
        let quantum = (self.output.rate * QUANTUM_TIME.as_secs_f64()) as u64;
        self.output.quantum = quantum.min(self.output.max_quantum).max(MIN_QUANTUM * self.mss);
    }

    /// QuantizationBudget.
    pub(super) fn quantized(&self, inflight: u64) -> u64 {
        let inflight = inflight.max(OFFLOAD_QUANTA * self.output.quantum).max(self.min_pipe_cwnd());
        if self.state == State::ProbeBwUp { inflight.saturating_add(PROBE_UP_PACKETS * self.mss) } else { inflight }
    }

    /// Section 5.6.4.2: UpdateMaxInflight.
    fn max_inflight(&self) -> u64 {
        self.quantized(self.bdp(self.bw, self.state.cwnd_gain()).saturating_add(self.aggregation.extra()))
    }

    /// Section 5.6.4.6.
    pub(super) fn set_cwnd(&mut self) {
        let max_inflight = self.max_inflight();
        let cwnd = self.output.cwnd.saturating_add(self.rs.newly_acked);
        if self.full_pipe.reached {
            self.output.cwnd = cwnd.min(max_inflight);
        } else if self.output.cwnd < max_inflight || self.delivered < self.initial_window {
            self.output.cwnd = cwnd;
        }
        self.output.cwnd = self.output.cwnd.max(self.min_pipe_cwnd());
        self.bound_cwnd();
    }

    /// BoundCwndForProbeRTT, and BoundCwndForModel of section 5.6.4.7.
    pub(super) fn bound_cwnd(&mut self) {
        if self.state == State::ProbeRtt {
            self.output.cwnd = self.output.cwnd.min(self.probe_rtt_cwnd());
        }
        let long_term = match self.state {
            State::ProbeRtt | State::ProbeBwCruise => self.inflight_with_headroom(),
            state if state.is_probe_bw() => self.long_term.inflight,
            _ => super::UNBOUNDED,
        };
        let cap = long_term.min(self.short_term.inflight).max(self.min_pipe_cwnd());
        self.output.cwnd = self.output.cwnd.min(cap);
    }

    /// Section 5.6.4.5.
    pub(super) fn probe_rtt_cwnd(&self) -> u64 {
        self.bdp(self.bw, State::ProbeRtt.cwnd_gain()).max(self.min_pipe_cwnd())
    }

    /// Section 5.6.4.4.
    pub(super) fn save_cwnd(&mut self) {
        let lowered = self.in_recovery || self.state == State::ProbeRtt;
        let floor = if lowered { self.output.prior_cwnd } else { 0 };
        self.output.prior_cwnd = self.output.cwnd.max(floor);
    }

    /// Section 5.6.4.4.
    pub(super) fn restore_cwnd(&mut self) {
        self.output.cwnd = self.output.cwnd.max(self.output.prior_cwnd);
    }
}
