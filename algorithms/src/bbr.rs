//! BBR version 3: a model of the path (bandwidth, round-trip time, safe volume in flight) that says what to send.
//!
//! draft-ietf-ccwg-bbr-06; the sections cited in this folder are its sections. One file a phase or an estimate.
//! Data rates are in bytes per second, volumes in bytes. The draft has no response to ECN (section 3.7), so packets are
//! sent as not ECN-capable.

use crate::registry::{Entry, Kind, Needs, Parameter, Params};
use crate::{
    Ack, Bytes, Cause, Congestion, Control, Controller, Explanation, LostPacket, Path, Phase, Rate, Sent, Span, Time,
};

mod aggregation;
pub(crate) mod chance;
mod congestion;
mod drain;
mod full_pipe;
mod long_term;
mod max_bw;
mod min_rtt;
mod probe_bw;
mod probe_rtt;
pub(crate) mod rounds;
mod startup;
mod undo;
mod window;

use aggregation::Aggregation;
use congestion::{Latest, ShortTerm};
use full_pipe::FullPipe;
use long_term::LongTerm;
use max_bw::MaxBw;
use min_rtt::MinRtt;
use probe_bw::Cycle;
use probe_rtt::ProbeRtt;
use rounds::Rounds;
use startup::LossRound;
use undo::Undo;
use window::Output;

/// Loss rate of a round trip that is borne while probing for bandwidth (section 2.8: BBR.LossThresh).
const LOSS_THRESH: f64 = 0.02;
/// What is kept on a round trip with loss (section 2.8: BBR.Beta).
const BETA: f64 = 0.7;
/// Part of the long-term volume that is left free for others (section 2.8: BBR.Headroom).
const HEADROOM: f64 = 0.15;
/// Least window, in packets (section 2.8: BBR.MinPipeCwnd).
const MIN_PIPE_CWND: u64 = 4;
/// A volume that is not bounded.
const UNBOUNDED: u64 = u64::MAX;

pub(crate) const ENTRY: Entry = Entry {
    name: "bbr",
    aliases: &["bbr3", "bbrv3"],
    summary: "sends at the bandwidth that it measures, with a bounded volume in flight (BBRv3)",
    parameters: &[Parameter {
        name: "quantum",
        kind: Kind::Size { default: None, min: Bytes::new(1) },
        about: "what leaves in one go at most on hosts with segmentation offload (64KiB in the draft); \
                without it two packets, the least",
    }],
    needs: Needs { pacing: true, ..Needs::NOTHING },
    source: "draft-ietf-ccwg-bbr-06",
    build: |params, path| Box::new(Bbr::new(params, path)),
};

/// State of the state machine (section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Startup,
    Drain,
    ProbeBwDown,
    ProbeBwCruise,
    ProbeBwRefill,
    ProbeBwUp,
    ProbeRtt,
}

impl State {
    /// Multiple of the bandwidth at which packets leave (section 5.6.1, table).
    fn pacing_gain(self) -> f64 {
        match self {
            State::Startup => 2.77,
            State::Drain => 0.5,
            State::ProbeBwDown => 0.9,
            State::ProbeBwCruise | State::ProbeBwRefill | State::ProbeRtt => 1.0,
            State::ProbeBwUp => 1.25,
        }
    }

    /// Multiple of the bandwidth-delay product that may be in flight (section 5.6.1, table).
    fn cwnd_gain(self) -> f64 {
        match self {
            State::ProbeBwUp => 2.25,
            State::ProbeRtt => 0.5,
            _ => 2.0,
        }
    }

    fn is_probe_bw(self) -> bool {
        matches!(self, State::ProbeBwDown | State::ProbeBwCruise | State::ProbeBwRefill | State::ProbeBwUp)
    }

    /// Whether it accelerates: loss is then expected, and no sign of less bandwidth (section 5.3.3.9: IsProbingBW).
    fn is_accelerating(self) -> bool {
        matches!(self, State::Startup | State::ProbeBwRefill | State::ProbeBwUp)
    }

    fn name(self) -> &'static str {
        match self {
            State::Startup => "Startup",
            State::Drain => "Drain",
            State::ProbeBwDown => "ProbeBW_DOWN",
            State::ProbeBwCruise => "ProbeBW_CRUISE",
            State::ProbeBwRefill => "ProbeBW_REFILL",
            State::ProbeBwUp => "ProbeBW_UP",
            State::ProbeRtt => "ProbeRTT",
        }
    }
}

/// What an ACK, or the loss of a packet, tells of a round trip (section 2.3).
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    /// Delivery rate; zero if the interval was too short.
    rate: f64,
    delivered: u64,
    newly_acked: u64,
    lost: u64,
    tx_in_flight: u64,
    prior_delivered: u64,
    app_limited: bool,
    /// Whether the ACK delivered anything, and the sample is one.
    valid: bool,
}

/// The state of BBR.
struct Bbr {
    state: State,
    /// The newest sample.
    rs: Sample,
    rounds: Rounds,
    max_bw: MaxBw,
    /// Bandwidth to send at: the least of long and short term (section 2.9.1: BBR.bw).
    bw: f64,
    min_rtt: MinRtt,
    aggregation: Aggregation,
    full_pipe: FullPipe,
    latest: Latest,
    short_term: ShortTerm,
    long_term: LongTerm,
    cycle: Cycle,
    loss_round: LossRound,
    probe_rtt: ProbeRtt,
    undo: Undo,
    output: Output,
    now: Time,
    mss: u64,
    initial_window: u64,
    /// Connection's total of delivered bytes (C.delivered).
    delivered: u64,
    in_flight: u64,
    /// The same before the newest ACK.
    prior_in_flight: u64,
    window_limited: bool,
    in_recovery: bool,
    idle_restart: bool,
}

impl Bbr {
    /// Section 5.2.1.
    fn new(params: &Params, path: &Path) -> Bbr {
        let mss = path.mss.get().max(1);
        let initial_window = path.initial_window.get().max(mss);
        let max_quantum = params.size("quantum").map_or(0, Bytes::get);
        Bbr {
            state: State::Startup,
            rs: Sample::default(),
            rounds: Rounds::default(),
            max_bw: MaxBw::default(),
            bw: 0.0,
            min_rtt: MinRtt::new(path.now),
            aggregation: Aggregation::new(path.now),
            full_pipe: FullPipe::default(),
            latest: Latest::default(),
            short_term: ShortTerm::UNBOUNDED,
            long_term: LongTerm::new(),
            cycle: Cycle::new(path.seed),
            loss_round: LossRound::default(),
            probe_rtt: ProbeRtt::default(),
            undo: Undo::default(),
            output: Output::new(initial_window, max_quantum, mss),
            now: path.now,
            mss,
            initial_window,
            delivered: 0,
            in_flight: 0,
            prior_in_flight: 0,
            window_limited: false,
            in_recovery: false,
            idle_restart: false,
        }
    }

    fn take(&mut self, ack: &Ack) {
        self.now = ack.now;
        self.mss = ack.mss.get().max(1);
        self.in_flight = ack.in_flight.get();
        self.prior_in_flight = ack.prior_in_flight.get();
        self.window_limited = ack.window_limited;
        self.in_recovery = matches!(ack.phase, Phase::Recovery | Phase::Loss);
        self.rs = Sample { newly_acked: ack.delivered.get(), ..Sample::default() };
        if let Some(sample) = ack.rate {
            self.delivered = sample.total_delivered;
            self.rs = Sample {
                rate: sample.rate().map_or(0.0, Rate::bytes_per_sec_f64),
                delivered: sample.delivered.get(),
                lost: sample.lost.get(),
                tx_in_flight: sample.tx_in_flight.get(),
                prior_delivered: sample.prior_delivered,
                app_limited: sample.app_limited || self.probe_rtt.quiets(sample.prior_delivered),
                valid: true,
                ..self.rs
            };
        }
    }

    /// Section 5.2.3: UpdateModelAndState.
    fn update_model_and_state(&mut self, ack: &Ack) {
        if self.rs.valid {
            self.update_latest_delivery_signals();
            self.update_congestion_signals();
            self.update_ack_aggregation();
            self.full_pipe.check(&self.rs, self.rounds.start);
            self.check_startup_done(ack);
            self.check_drain_done();
            self.update_probe_bw_cycle_phase();
        } else {
            self.rounds.start = false;
        }
        self.min_rtt.update(ack.rtt, self.now);
        self.check_probe_rtt();
        if self.rs.valid {
            self.latest.advance(&self.rs);
        }
        self.bw = self.max_bw.get().min(self.short_term.bw);
    }

    /// Volume that fills a path of bandwidth `bw`, times `gain` (section 5.6.4.2: BDPMultiple).
    fn bdp(&self, bw: f64, gain: f64) -> u64 {
        match self.min_rtt.get() {
            Span::MAX => self.initial_window,
            min_rtt => (gain * bw * min_rtt.as_secs_f64()) as u64,
        }
    }

    /// The same, and what it takes besides to use it fully (section 5.6.4.2: Inflight).
    fn inflight(&self, bw: f64, gain: f64) -> u64 {
        self.quantized(self.bdp(bw, gain))
    }

    /// What should be in flight: the bandwidth-delay product, unless congestion cut the window (section 5.3.3.8.3).
    fn target_inflight(&self) -> u64 {
        self.bdp(self.bw, 1.0).min(self.output.cwnd)
    }

    fn min_pipe_cwnd(&self) -> u64 {
        MIN_PIPE_CWND * self.mss
    }

    /// Section 5.4.1. The packet has left already; what comes behind it leaves by what is set here.
    fn handle_restart_from_idle(&mut self) {
        self.idle_restart = true;
        self.aggregation.restart(self.now);
        if self.state.is_probe_bw() {
            self.set_pacing_rate_with_gain(1.0);
        } else if self.state == State::ProbeRtt {
            self.check_probe_rtt_done();
        }
    }
}

impl Controller for Bbr {
    fn on_ack(&mut self, ack: &Ack) {
        self.take(ack);
        self.init_pacing_rate(ack);
        self.update_model_and_state(ack);
        self.set_pacing_rate_with_gain(self.state.pacing_gain());
        self.set_send_quantum();
        self.set_cwnd();
    }

    fn on_congestion(&mut self, congestion: &Congestion) {
        self.now = congestion.now;
        match congestion.cause {
            // Not ECN-capable: no mark is for this flow.
            Cause::Ecn => return,
            Cause::Loss => self.save_state_upon_loss(),
            Cause::Timeout => {
                self.save_state_upon_loss();
                // Section 5.6.4.4: one packet, since the timeout leaves nothing in flight.
                self.output.cwnd = self.mss;
            }
        }
        self.in_recovery = true;
        self.loss_round.recovery_began = Some(self.rounds.count);
    }

    fn on_recovered(&mut self, now: Time) {
        self.now = now;
        self.in_recovery = false;
        self.loss_round.recovery_began = None;
        self.restore_cwnd();
        self.bound_cwnd();
    }

    fn on_undo(&mut self, now: Time) {
        self.now = now;
        self.in_recovery = false;
        self.loss_round.recovery_began = None;
        self.handle_spurious_loss();
    }

    fn on_lost(&mut self, lost: &LostPacket) {
        self.now = lost.now;
        self.handle_lost_packet(lost);
    }

    fn on_sent(&mut self, sent: &Sent) {
        if sent.restart && !sent.retransmission {
            self.now = sent.now;
            self.handle_restart_from_idle();
        }
    }

    fn control(&self) -> Control {
        Control {
            pacing_rate: Some(self.output.pacing_rate()),
            burst: Bytes::new(self.output.quantum),
            own_recovery: true,
            ..Control::window(Bytes::new(self.output.cwnd))
        }
    }

    fn explain(&self) -> Explanation {
        // What is not bounded is told as zero: infinity has no place in a trace.
        let bounded = |volume: u64| if volume == UNBOUNDED { 0.0 } else { volume as f64 };
        let min_rtt = self.min_rtt.get();
        Explanation {
            reason: self.state.name(),
            signals: vec![
                ("window_bytes", self.output.cwnd as f64),
                ("pacing_rate_bits_per_sec", self.output.pacing_rate().bits_per_sec() as f64),
                ("max_bw_bits_per_sec", self.max_bw.get() * 8.0),
                ("bw_bits_per_sec", self.bw * 8.0),
                ("min_rtt_s", if min_rtt == Span::MAX { 0.0 } else { min_rtt.as_secs_f64() }),
                ("inflight_longterm_bytes", bounded(self.long_term.inflight)),
                ("inflight_shortterm_bytes", bounded(self.short_term.inflight)),
                ("extra_acked_bytes", self.aggregation.extra() as f64),
                ("round", self.rounds.count as f64),
            ],
        }
    }
}

#[cfg(test)]
mod tests;
