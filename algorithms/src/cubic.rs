//! CUBIC: after a loss the window follows a cubic curve in time, flat around the window of that loss.
//!
//! RFC 9438, with HyStart++ (RFC 9406) in the first slow start.

use crate::aimd::{ACK_LIMIT, MIN_SSTHRESH, RESTART_AFTER, Window};
use crate::hystart::{self, HyStart};
use crate::registry::{Entry, Kind, Needs, Parameter, Params};
use crate::{Ack, Bytes, Cause, Congestion, Control, Controller, Ecn, EcnFeedback, Explanation, Path, Sent, Time};

/// Most that one round trip may add, as a multiple of the window (RFC 9438, section 4.2).
const MAX_TARGET: f64 = 1.5;

pub(crate) const ENTRY: Entry = Entry {
    name: "cubic",
    aliases: &[],
    summary: "window on a cubic curve in time around that of the last loss; Linux's default",
    parameters: &[
        Parameter {
            name: "c",
            // RFC 9438, section 5: C = 0.4.
            kind: Kind::Number { default: 0.4, min: 0.001, max: 1000.0 },
            about: "steepness of the curve, in packets per second cubed",
        },
        Parameter {
            name: "beta",
            // RFC 9438, section 4.6: 0.7.
            kind: Kind::Number { default: 0.7, min: 0.1, max: 0.95 },
            about: "fraction of the flight that is kept on congestion",
        },
        Parameter {
            name: "fast_convergence",
            kind: Kind::Switch { default: true },
            about: "leave more room to new flows when the windows of two losses fall (RFC 9438, section 4.7)",
        },
        Parameter {
            name: "hystart",
            kind: Kind::Switch { default: true },
            about: "leave the first slow start as delay rises (HyStart++, RFC 9406)",
        },
        Parameter {
            name: "ecn",
            kind: Kind::Switch { default: false },
            about: "take congestion marks as loss (RFC 3168) instead of being dropped",
        },
        RESTART_AFTER,
        ACK_LIMIT,
    ],
    needs: Needs::NOTHING,
    source: "RFC 9438, RFC 9406",
    build: |params, path| Box::new(Cubic::new(params, path)),
};

/// One stage of congestion avoidance: the curve that the window follows. Windows in bytes, times in seconds.
#[derive(Debug, Clone, Copy)]
struct Epoch {
    /// When it began, moved on by the time in which the window was not the limit (RFC 9438, section 5.8).
    start: Time,
    /// Latest instant that `start` accounts for.
    seen: Time,
    /// The window at which the curve is flat.
    plateau: f64,
    /// Time from `start` to the plateau.
    k: f64,
    /// Window that Reno would have (RFC 9438, section 4.3).
    reno: f64,
}

/// What an undo restores besides the window (RFC 9438, section 4.9.1).
#[derive(Debug, Clone, Copy)]
struct Curve {
    w_max: f64,
    prior: f64,
    epoch: Option<Epoch>,
}

/// The state of CUBIC.
struct Cubic {
    window: Window,
    hystart: Option<HyStart>,
    curve: Curve,
    before: Option<Curve>,
    /// Growth of less than a byte, kept for the next ACK.
    fraction: f64,
    c: f64,
    beta: f64,
    fast_convergence: bool,
    ecn: bool,
    reason: &'static str,
}

impl Cubic {
    fn new(params: &Params, path: &Path) -> Cubic {
        Cubic {
            window: Window::new(path).with_settings(params),
            hystart: params.switch("hystart").then(HyStart::new),
            curve: Curve { w_max: 0.0, prior: f64::INFINITY, epoch: None },
            before: None,
            fraction: 0.0,
            c: params.number("c"),
            beta: params.number("beta"),
            fast_convergence: params.switch("fast_convergence"),
            ecn: params.switch("ecn"),
            reason: "initial window",
        }
    }

    /// A stage of congestion avoidance begins with the first ACK that may enlarge the window.
    ///
    /// Without a loss to remember (slow start ended by delay, RFC 9438, section 4.10; or by a timeout, section 4.8) the
    /// curve begins at its plateau.
    fn begin_epoch(&self, ack: &Ack) -> Epoch {
        let cwnd = self.window.cwnd as f64;
        let packets = (self.curve.w_max - cwnd) / ack.mss.get().max(1) as f64;
        let k = if packets > 0.0 { libm::cbrt(packets / self.c) } else { 0.0 };
        Epoch { start: ack.now, seen: ack.now, plateau: self.curve.w_max.max(cwnd), k, reno: cwnd }
    }

    fn congestion_avoidance(&mut self, ack: &Ack) {
        let mut epoch = self.curve.epoch.unwrap_or_else(|| self.begin_epoch(ack));
        epoch.seen = ack.now;
        let (cwnd, mss, delivered) = (self.window.cwnd as f64, ack.mss.get() as f64, ack.delivered.get() as f64);
        // RFC 9438, section 4.2, equation 1, in bytes.
        let curve = |t: f64| {
            let from_plateau = t - epoch.k;
            self.c * mss * from_plateau * from_plateau * from_plateau + epoch.plateau
        };
        let t = ack.now.since(epoch.start).as_secs_f64();
        epoch.reno += self.reno_increase(epoch.reno) * mss * delivered / cwnd;
        let grown = if curve(t) < epoch.reno {
            self.reason = "Reno-friendly region";
            epoch.reno.min(MAX_TARGET * cwnd).max(cwnd)
        } else {
            self.reason = if t < epoch.k { "towards the last loss" } else { "beyond the last loss" };
            let target = curve(t + ack.smoothed_rtt.as_secs_f64()).clamp(cwnd, MAX_TARGET * cwnd);
            cwnd + (target - cwnd) * (delivered / cwnd).min(1.0)
        };
        self.curve.epoch = Some(epoch);
        self.fraction += grown - cwnd;
        let whole = self.fraction as u64;
        self.fraction -= whole as f64;
        self.window.enlarge(whole);
    }

    /// Packets that Reno with CUBIC's reduction adds a round trip, to have plain Reno's throughput (RFC 9438,
    /// section 4.3): once it is past the window of the last congestion there is no reduction to make up for.
    fn reno_increase(&self, reno: f64) -> f64 {
        if reno >= self.curve.prior { 1.0 } else { 3.0 * (1.0 - self.beta) / (1.0 + self.beta) }
    }

    /// Time in which the window did not hold the sender back does not count: the curve waits.
    fn hold_curve(&mut self, now: Time) {
        if let Some(epoch) = &mut self.curve.epoch {
            epoch.start += now.since(epoch.seen);
            epoch.seen = now;
        }
    }

    /// RFC 9438, sections 4.6 and 4.7; returns what is kept of the flight.
    fn note_congestion(&mut self, congestion: &Congestion) -> u64 {
        let cwnd = self.window.cwnd as f64;
        self.before = Some(self.curve);
        let falling = cwnd < self.curve.w_max;
        self.curve.w_max = if self.fast_convergence && falling { cwnd * (1.0 + self.beta) / 2.0 } else { cwnd };
        self.curve.prior = cwnd;
        self.curve.epoch = None;
        self.fraction = 0.0;
        (congestion.in_flight.get() as f64 * self.beta) as u64
    }
}

impl Controller for Cubic {
    fn on_ack(&mut self, ack: &Ack) {
        let may_grow = self.window.may_grow(ack);
        if self.window.in_slow_start() {
            let growth = hystart::observe(&mut self.hystart, &mut self.window, ack);
            if may_grow {
                self.reason = growth.slow_start(&mut self.window, ack);
            }
        } else if may_grow {
            self.congestion_avoidance(ack);
        } else {
            self.hold_curve(ack.now);
        }
    }

    fn on_congestion(&mut self, congestion: &Congestion) {
        // Only the first of several timeouts in a row tells of the path; the rest would wipe out what an undo needs.
        if congestion.cause == Cause::Timeout && self.window.timed_out_before() {
            self.window.timeout(congestion, self.window.ssthresh);
            return;
        }
        let kept = self.note_congestion(congestion);
        let mss = congestion.mss.get();
        let ssthresh = kept.max(MIN_SSTHRESH * mss);
        self.reason = match congestion.cause {
            Cause::Timeout => {
                self.window.timeout(congestion, ssthresh);
                // RFC 9438, section 4.8: the next curve begins at its plateau.
                self.curve.w_max = 0.0;
                "timeout"
            }
            Cause::Loss => {
                self.window.reduce_to(ssthresh);
                "loss"
            }
            Cause::Ecn => {
                self.window.reduce_to(ssthresh);
                // RFC 9438, section 4.6: a mark may bring the window down to one packet.
                self.window.cwnd = kept.max(mss).min(ssthresh);
                "congestion mark"
            }
        };
    }

    fn on_undo(&mut self, _now: Time) {
        let reduced = self.window.cwnd;
        if self.window.undo() {
            // RFC 9438, section 4.9.1: where the window has grown beyond that of before, the new curve holds.
            if let Some(curve) = self.before.take().filter(|_| self.window.cwnd > reduced) {
                self.curve = curve;
            }
            self.reason = "spurious reduction undone";
        }
    }

    fn on_sent(&mut self, sent: &Sent) {
        if self.window.on_sent(sent) {
            self.curve.epoch = None;
            self.reason = "idle: begins again";
        } else if sent.restart {
            self.hold_curve(sent.now);
        }
    }

    fn control(&self) -> Control {
        Control::window(self.window.bytes()).with_ecn(if self.ecn { Ecn::Ect0 } else { Ecn::NotEct })
    }

    fn ecn_feedback(&self) -> EcnFeedback {
        if self.ecn { EcnFeedback::Classic } else { EcnFeedback::None }
    }

    fn slow_start_threshold(&self) -> Option<Bytes> {
        self.window.threshold()
    }

    fn explain(&self) -> Explanation {
        let epoch = self.curve.epoch.as_ref();
        Explanation {
            reason: self.reason,
            signals: vec![
                ("window_bytes", self.window.cwnd as f64),
                ("ssthresh_bytes", self.window.ssthresh as f64),
                ("w_max_bytes", self.curve.w_max),
                ("w_est_bytes", epoch.map_or(0.0, |epoch| epoch.reno)),
                ("k_s", epoch.map_or(0.0, |epoch| epoch.k)),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Pipe, ack, congestion, controller, signal, window};
    use crate::{Phase, Span};

    const RTT: Span = Span::from_millis(100);

    /// A window of 1000 packets meets a loss, recovers, and gets ACKs of the whole window each round trip.
    struct Flow {
        cubic: Box<dyn Controller>,
        now: Time,
    }

    impl Flow {
        fn after_loss(spec: &str) -> Flow {
            let mut cubic = controller(spec);
            while window(&*cubic) < 1000.0 {
                cubic.on_ack(&ack(2));
            }
            cubic.on_congestion(&congestion(Cause::Loss, 1000));
            Flow { cubic, now: Time::ZERO }
        }

        fn run(&mut self, span: Span) {
            let end = self.now + span;
            while self.now < end {
                let packets = (window(&*self.cubic) / 100.0).ceil() as u64;
                self.cubic.on_ack(&Ack { now: self.now, smoothed_rtt: RTT, ..ack(packets) });
                self.now += RTT / 100;
            }
        }
    }

    // holds: RFC9438 4.6 #1, RFC9438 4.6 #2
    #[test]
    fn loss_keeps_seven_tenths() {
        let flow = Flow::after_loss("cubic");
        assert_eq!(window(&*flow.cubic), 700.0);
        assert_eq!(signal(&*flow.cubic, "ssthresh_bytes"), 700_000.0);
    }

    // holds: RFC9438 4.4 #1, RFC9438 4.5 #1, RFC9438 5.1 #1, RFC9438 5.1 #2
    #[test]
    fn window_follows_the_cubic_curve_to_the_plateau_and_beyond() {
        let mut flow = Flow::after_loss("cubic");
        // K = cbrt((1000 - 700) / 0.4).
        let k = libm::cbrt(300.0 / 0.4);
        let expected = |t: f64| 0.4 * (t - k) * (t - k) * (t - k) + 1000.0;
        for second in 1..=15 {
            flow.run(Span::from_secs(1));
            let (got, wanted) = (window(&*flow.cubic), expected(f64::from(second)));
            assert!((got - wanted).abs() < 0.02 * wanted, "after {second} s: {got}, expected {wanted}");
        }
        assert!((signal(&*flow.cubic, "k_s") - k).abs() < 1e-9);
    }

    // holds: RFC9438 4.2 #1
    #[test]
    fn the_curve_waits_while_the_application_is_the_limit() {
        let mut flow = Flow::after_loss("cubic");
        flow.run(Span::from_secs(5));
        let before = window(&*flow.cubic);
        for _ in 0..100 {
            flow.now += RTT;
            flow.cubic.on_ack(&Ack { now: flow.now, smoothed_rtt: RTT, window_limited: false, ..ack(1) });
        }
        flow.now += Span::from_secs(30);
        flow.cubic.on_sent(&Sent { now: flow.now, restart: true, ..Sent::default() });
        flow.run(Span::from_millis(100));
        assert!(window(&*flow.cubic) - before < 20.0, "{} from {before}", window(&*flow.cubic));
    }

    // holds: RFC9438 4.3 #1
    #[test]
    fn on_a_short_path_it_keeps_up_with_reno() {
        let mut flow = Flow::after_loss("cubic");
        let rtt = Span::from_micros(100);
        let before = window(&*flow.cubic);
        for _ in 0..100 {
            let packets = window(&*flow.cubic) as u64;
            flow.now += rtt;
            flow.cubic.on_ack(&Ack { now: flow.now, smoothed_rtt: rtt, ..ack(packets) });
        }
        // alpha = 3 (1 - 0.7) / (1 + 0.7) packets a round trip.
        let grown = window(&*flow.cubic) - before;
        assert!((grown - 52.9).abs() < 2.0, "{grown}");
        assert_eq!(flow.cubic.explain().reason, "Reno-friendly region");
    }

    // holds: RFC9438 4.7 #1
    #[test]
    fn fast_convergence_remembers_less_than_the_window() {
        let mut flow = Flow::after_loss("cubic");
        flow.cubic.on_congestion(&congestion(Cause::Loss, 700));
        assert_eq!(signal(&*flow.cubic, "w_max_bytes"), 700_000.0 * 1.7 / 2.0);
        let mut flow = Flow::after_loss("cubic?fast_convergence=false");
        flow.cubic.on_congestion(&congestion(Cause::Loss, 700));
        assert_eq!(signal(&*flow.cubic, "w_max_bytes"), 700_000.0);
    }

    #[test]
    fn after_a_timeout_the_curve_begins_at_its_plateau() {
        let mut flow = Flow::after_loss("cubic");
        flow.cubic.on_congestion(&congestion(Cause::Timeout, 600));
        assert_eq!(window(&*flow.cubic), 1.0);
        assert_eq!(signal(&*flow.cubic, "ssthresh_bytes"), 420_000.0);
        while window(&*flow.cubic) < 420.0 {
            flow.cubic.on_ack(&Ack { phase: Phase::Loss, ..ack(1) });
        }
        flow.run(RTT);
        assert_eq!(signal(&*flow.cubic, "k_s"), 0.0);
        assert!(window(&*flow.cubic) < 422.0);
    }

    #[test]
    fn a_spurious_loss_is_taken_back_with_its_curve() {
        let mut flow = Flow::after_loss("cubic");
        flow.run(Span::from_secs(5));
        let (before, k) = (window(&*flow.cubic), signal(&*flow.cubic, "k_s"));
        flow.cubic.on_congestion(&congestion(Cause::Loss, 900));
        assert!(window(&*flow.cubic) < before);
        flow.cubic.on_undo(flow.now);
        assert_eq!((window(&*flow.cubic), signal(&*flow.cubic, "k_s")), (before, k));
    }

    // holds: RFC9438 4.9.2 #1
    #[test]
    fn a_loss_that_turns_out_to_be_spurious_when_the_window_is_beyond_that_of_before_changes_nothing() {
        let mut flow = Flow::after_loss("cubic");
        while window(&*flow.cubic) < 1100.0 {
            flow.run(RTT);
        }
        let state = |cubic: &dyn Controller| (window(cubic), signal(cubic, "k_s"), signal(cubic, "ssthresh_bytes"));
        let before = state(&*flow.cubic);
        flow.cubic.on_undo(flow.now);
        assert_eq!(state(&*flow.cubic), before);
    }

    // holds: RFC9438 4.10 #2
    #[test]
    fn hystart_meets_a_full_queue_with_less_overshoot() {
        let drops = |spec| {
            let mut pipe = Pipe::new(spec, "100Mbit/s", "50ms", 2500);
            pipe.run(Span::from_secs(3));
            pipe.drops
        };
        let (with, without) = (drops("cubic"), drops("cubic?hystart=false"));
        assert!(with < without / 2, "{with} drops with HyStart++, {without} without");
    }

    #[test]
    fn a_long_fat_path_is_used() {
        let mut pipe = Pipe::new("cubic", "100Mbit/s", "20ms", 250);
        pipe.run(Span::from_secs(5));
        let used = pipe.run(Span::from_secs(20));
        assert!(used > 0.97, "{used}");
    }
}
