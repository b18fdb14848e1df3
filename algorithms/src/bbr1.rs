//! BBR version 1: bandwidth and round-trip time, measured apart, say what to send; loss says nothing.
//!
//! draft-cardwell-iccrg-bbr-congestion-control-00; the sections cited here are its sections. Data rates are in bytes per
//! second, volumes in bytes. Kept for comparison: its successor is [`bbr`](crate::bbr).

use crate::bbr::chance::Chance;
use crate::bbr::rounds::Rounds;
use crate::registry::{Entry, Kind, Needs, Parameter, Params};
use crate::{Ack, Bytes, Cause, Congestion, Control, Controller, Explanation, Path, Phase, Rate, Sent, Span, Time};

mod btl_bw;
mod window;

use btl_bw::BtlBw;
use window::Window;

/// Doubles the rate each round trip: 2/ln(2) (section 4.3.2.1: BBRHighGain).
const HIGH_GAIN: f64 = 2.0 / std::f64::consts::LN_2;
/// Multiple of the bandwidth-delay product in flight in ProbeBW (section 4.3.4.3).
const CWND_GAIN: f64 = 2.0;
/// Pacing gains of a cycle (section 4.3.4.1).
const CYCLE: [f64; 8] = [1.25, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
/// Growth of the bandwidth that counts as such in Startup (section 4.3.2.2).
const GROWTH: f64 = 1.25;
/// Rounds without it that show a full pipe (section 4.3.2.2).
const FULL_ROUNDS: u32 = 3;
/// How long the least round-trip time holds, and between two ProbeRTTs (sections 4.1.2.2 and 4.3.5).
const RTPROP_FILTER_LEN: Span = Span::from_secs(10);
/// How long ProbeRTT holds the volume down at least (section 4.3.5: ProbeRTTDuration).
const PROBE_RTT_DURATION: Span = Span::from_millis(200);
/// Round-trip time that the first rate supposes (section 4.2.1: BBRInitPacingRate).
const NOMINAL_RTT: Span = Span::from_millis(1);

pub(crate) const ENTRY: Entry = Entry {
    name: "bbr1",
    aliases: &["bbrv1"],
    summary: "sends at the bandwidth that it measures, two bandwidth-delay products in flight, whatever is lost (BBRv1)",
    parameters: &[Parameter {
        name: "quantum",
        kind: Kind::Size { default: None, min: Bytes::new(1) },
        about: "what leaves in one go at most on hosts with segmentation offload (64KiB in the draft); \
                without it two packets at most",
    }],
    needs: Needs { pacing: true, ..Needs::NOTHING },
    source: "draft-cardwell-iccrg-bbr-congestion-control-00",
    build: |params, path| Box::new(Bbr1::new(params, path)),
};

/// State of the state machine (section 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Startup,
    Drain,
    ProbeBw,
    ProbeRtt,
}

impl State {
    fn cwnd_gain(self) -> f64 {
        match self {
            State::Startup | State::Drain => HIGH_GAIN,
            State::ProbeBw => CWND_GAIN,
            State::ProbeRtt => 1.0,
        }
    }

    fn name(self) -> &'static str {
        match self {
            State::Startup => "Startup",
            State::Drain => "Drain",
            State::ProbeBw => "ProbeBW",
            State::ProbeRtt => "ProbeRTT",
        }
    }
}

/// The full-pipe estimator (section 4.3.2.2).
#[derive(Debug, Clone, Default)]
struct FullPipe {
    filled: bool,
    bw: f64,
    rounds: u32,
}

impl FullPipe {
    fn check(&mut self, btl_bw: f64) {
        if btl_bw >= self.bw * GROWTH {
            *self = FullPipe { bw: btl_bw, ..FullPipe::default() };
            return;
        }
        self.rounds += 1;
        self.filled = self.rounds >= FULL_ROUNDS;
    }
}

/// Where a ProbeRTT stands (section 4.3.5).
#[derive(Debug, Clone, Copy, Default)]
struct ProbeRtt {
    /// When it may end; none until the volume is down.
    done: Option<Time>,
    round_done: bool,
    /// Samples of packets sent until so much is delivered tell of ProbeRTT and not of the path's bandwidth.
    quiet_until: u64,
}

/// The state of BBRv1.
struct Bbr1 {
    state: State,
    rounds: Rounds,
    btl_bw: BtlBw,
    /// [`Span::MAX`] before the first sample.
    rtprop: Span,
    rtprop_stamp: Time,
    rtprop_expired: bool,
    full_pipe: FullPipe,
    pacing_gain: f64,
    cycle_index: usize,
    cycle_stamp: Time,
    chance: Chance,
    probe_rtt: ProbeRtt,
    window: Window,
    /// In bytes per second.
    pacing_rate: f64,
    /// Whether the first rate is still the nominal one.
    nominal: bool,
    idle_restart: bool,
    mss: u64,
    initial_window: u64,
    /// Connection's total of delivered bytes.
    delivered: u64,
    in_flight: u64,
    now: Time,
}

impl Bbr1 {
    /// Section 4.3.1: BBRInit.
    fn new(params: &Params, path: &Path) -> Bbr1 {
        let mss = path.mss.get().max(1);
        let initial_window = path.initial_window.get().max(mss);
        let max_quantum = params.size("quantum").map_or(0, Bytes::get);
        Bbr1 {
            state: State::Startup,
            rounds: Rounds::default(),
            btl_bw: BtlBw::default(),
            rtprop: Span::MAX,
            rtprop_stamp: path.now,
            rtprop_expired: false,
            full_pipe: FullPipe::default(),
            pacing_gain: HIGH_GAIN,
            cycle_index: 0,
            cycle_stamp: path.now,
            chance: Chance::new(path.seed),
            probe_rtt: ProbeRtt::default(),
            window: Window::new(initial_window, max_quantum, mss),
            pacing_rate: HIGH_GAIN * initial_window as f64 / NOMINAL_RTT.as_secs_f64(),
            nominal: true,
            idle_restart: false,
            mss,
            initial_window,
            delivered: 0,
            in_flight: 0,
            now: path.now,
        }
    }

    /// Sections 4.1.1.5 and 4.3.2.2.
    fn update_bandwidth(&mut self, ack: &Ack) {
        let Some(sample) = ack.rate else {
            self.rounds.start = false;
            return;
        };
        self.delivered = sample.total_delivered;
        self.rounds.update(sample.prior_delivered, sample.total_delivered);
        // Section 4.3.5: low samples of a ProbeRTT count as limited by the application.
        let limited = sample.app_limited || sample.prior_delivered < self.probe_rtt.quiet_until;
        if let Some(rate) = sample.rate().map(Rate::bytes_per_sec_f64)
            && (rate >= self.btl_bw.get() || !limited)
        {
            self.btl_bw.update(rate, self.rounds.count);
        }
        if self.rounds.start && !limited && !self.full_pipe.filled {
            self.full_pipe.check(self.btl_bw.get());
        }
    }

    /// Section 4.3.4.3: BBRCheckCyclePhase.
    fn check_cycle_phase(&mut self, ack: &Ack) {
        if self.state != State::ProbeBw {
            return;
        }
        let full_length = self.now.since(self.cycle_stamp) > self.rtprop;
        let prior = ack.prior_in_flight.get();
        let next = if self.pacing_gain > 1.0 {
            full_length && (ack.lost.get() > 0 || prior >= self.inflight(self.pacing_gain))
        } else if self.pacing_gain < 1.0 {
            full_length || prior <= self.inflight(1.0)
        } else {
            full_length
        };
        if next {
            self.advance_cycle_phase();
        }
    }

    fn advance_cycle_phase(&mut self) {
        self.cycle_stamp = self.now;
        self.cycle_index = (self.cycle_index + 1) % CYCLE.len();
        self.pacing_gain = CYCLE[self.cycle_index];
    }

    /// Section 4.3.3.
    fn check_drain(&mut self) {
        if self.state == State::Startup && self.full_pipe.filled {
            self.state = State::Drain;
            self.pacing_gain = 1.0 / HIGH_GAIN;
        }
        if self.state == State::Drain && self.in_flight <= self.inflight(1.0) {
            self.enter_probe_bw();
        }
    }

    /// Section 4.3.4.3. Any phase may come first but that of 3/4.
    fn enter_probe_bw(&mut self) {
        self.state = State::ProbeBw;
        let draw = (self.chance.fraction() * (CYCLE.len() - 1) as f64) as usize;
        self.cycle_index = CYCLE.len() - 1 - draw;
        self.advance_cycle_phase();
    }

    fn enter_startup(&mut self) {
        self.state = State::Startup;
        self.pacing_gain = HIGH_GAIN;
    }

    /// Section 4.1.2.3.
    fn update_rtprop(&mut self, rtt: Option<Span>) {
        self.rtprop_expired = self.now > self.rtprop_stamp + RTPROP_FILTER_LEN;
        if let Some(rtt) = rtt
            && (rtt <= self.rtprop || self.rtprop_expired)
        {
            self.rtprop = rtt;
            self.rtprop_stamp = self.now;
        }
    }

    /// Section 4.3.5.
    fn check_probe_rtt(&mut self) {
        if self.state != State::ProbeRtt && self.rtprop_expired && !self.idle_restart {
            self.window.save(false);
            self.state = State::ProbeRtt;
            self.pacing_gain = 1.0;
            self.probe_rtt = ProbeRtt::default();
        }
        if self.state == State::ProbeRtt {
            self.handle_probe_rtt();
        }
        self.idle_restart = false;
    }

    fn handle_probe_rtt(&mut self) {
        self.probe_rtt.quiet_until = self.delivered.saturating_add(self.in_flight).saturating_add(1);
        match self.probe_rtt.done {
            None if self.in_flight <= self.window.min_pipe(self.mss) => {
                self.probe_rtt.done = Some(self.now + PROBE_RTT_DURATION);
                self.probe_rtt.round_done = false;
                self.rounds.begin(self.delivered);
            }
            None => {}
            Some(done) => {
                self.probe_rtt.round_done |= self.rounds.start;
                if self.probe_rtt.round_done && self.now > done {
                    self.rtprop_stamp = self.now;
                    self.window.restore();
                    if self.full_pipe.filled { self.enter_probe_bw() } else { self.enter_startup() }
                }
            }
        }
    }

    /// Section 4.2.3.2: BBRInflight.
    fn inflight(&self, gain: f64) -> u64 {
        if self.rtprop == Span::MAX {
            return self.initial_window;
        }
        let volume = gain * self.btl_bw.get() * self.rtprop.as_secs_f64();
        (volume as u64).saturating_add(self.window.quanta())
    }

    /// Section 4.2.1. Until the pipe is full the rate only rises.
    fn set_pacing_rate(&mut self, gain: f64) {
        let rate = gain * self.btl_bw.get();
        if rate > 0.0 && (self.full_pipe.filled || rate > self.pacing_rate) {
            self.pacing_rate = rate;
        }
    }

    fn init_pacing_rate(&mut self, smoothed_rtt: Span) {
        if self.nominal && !smoothed_rtt.is_zero() {
            self.nominal = false;
            self.pacing_rate = HIGH_GAIN * self.initial_window as f64 / smoothed_rtt.as_secs_f64();
        }
    }

    fn rate(&self) -> Rate {
        Rate::from_bytes_per_sec_f64(self.pacing_rate).max(Rate::from_bits_per_sec(1))
    }
}

impl Controller for Bbr1 {
    fn on_ack(&mut self, ack: &Ack) {
        self.now = ack.now;
        self.mss = ack.mss.get().max(1);
        self.in_flight = ack.in_flight.get();
        self.init_pacing_rate(ack.smoothed_rtt);
        self.update_bandwidth(ack);
        self.check_cycle_phase(ack);
        self.check_drain();
        self.update_rtprop(ack.rtt);
        self.check_probe_rtt();
        self.set_pacing_rate(self.pacing_gain);
        self.window.set_quantum(self.pacing_rate, self.mss);
        let target = self.inflight(self.state.cwnd_gain());
        let growing = self.delivered < self.initial_window;
        self.window.modulate_for_recovery(ack, ack.phase == Phase::Recovery, self.rounds.start, self.mss);
        self.window.set(ack.delivered.get(), target, self.full_pipe.filled, growing, self.mss);
        if self.state == State::ProbeRtt {
            self.window.cap(self.window.min_pipe(self.mss));
        }
    }

    fn on_congestion(&mut self, congestion: &Congestion) {
        self.now = congestion.now;
        let lowered = self.state == State::ProbeRtt;
        match congestion.cause {
            // Not ECN-capable: no mark is for this flow.
            Cause::Ecn => {}
            Cause::Loss => {
                self.window.enter_recovery(lowered);
                self.rounds.begin(self.delivered);
            }
            Cause::Timeout => self.window.on_timeout(lowered, self.mss),
        }
    }

    fn on_recovered(&mut self, now: Time) {
        self.now = now;
        self.window.leave_recovery();
    }

    fn on_undo(&mut self, now: Time) {
        self.on_recovered(now);
    }

    fn on_sent(&mut self, sent: &Sent) {
        // Section 4.3.4.4. The packet has left already; what comes behind it leaves by what is set here.
        if sent.restart && sent.app_limited && !sent.retransmission {
            self.now = sent.now;
            self.idle_restart = true;
            if self.state == State::ProbeBw {
                self.set_pacing_rate(1.0);
            }
        }
    }

    fn control(&self) -> Control {
        Control {
            pacing_rate: Some(self.rate()),
            burst: Bytes::new(self.window.quantum),
            own_recovery: true,
            ..Control::window(Bytes::new(self.window.cwnd))
        }
    }

    fn explain(&self) -> Explanation {
        Explanation {
            reason: self.state.name(),
            signals: vec![
                ("window_bytes", self.window.cwnd as f64),
                ("pacing_rate_bits_per_sec", self.rate().bits_per_sec() as f64),
                ("btl_bw_bits_per_sec", self.btl_bw.get() * 8.0),
                ("rtprop_s", if self.rtprop == Span::MAX { 0.0 } else { self.rtprop.as_secs_f64() }),
                ("pacing_gain", self.pacing_gain),
                ("round", self.rounds.count as f64),
            ],
        }
    }
}

#[cfg(test)]
mod tests;
