//! DCTCP: the window comes down in proportion to the fraction of bytes that were marked.
//!
//! RFC 8257. Where nothing is marked, and on loss, it is Reno.

use crate::aimd::{ACK_LIMIT, RESTART_AFTER, Window, half_of_flight};
use crate::hystart::Growth;
use crate::registry::{Entry, Kind, Needs, Parameter, Params};
use crate::{Ack, Bytes, Cause, Congestion, Control, Controller, Ecn, EcnFeedback, Explanation, Path, Sent, Time};

pub(crate) const ENTRY: Entry = Entry {
    name: "dctcp",
    aliases: &[],
    summary: "window reduced in proportion to the marked fraction of the bytes",
    parameters: &[
        Parameter {
            name: "g",
            // RFC 8257, section 4.2: 1/16.
            kind: Kind::Number { default: 0.0625, min: 0.0001, max: 1.0 },
            about: "weight of the newest window in the marked fraction (estimation gain)",
        },
        Parameter {
            name: "min_window",
            // RFC 8257, section 3.3, leaves the floor to RFC 5681, equation 4: two packets.
            kind: Kind::Integer { default: 2, min: 1, max: 1000 },
            about: "marks reduce the window to this at least, in packets",
        },
        RESTART_AFTER,
        ACK_LIMIT,
    ],
    needs: Needs { ecn_marking: true, ..Needs::NOTHING },
    source: "RFC 8257; Alizadeh et al., SIGCOMM 2010",
    build: |params, path| Box::new(Dctcp::new(params, path)),
};

/// The state of DCTCP (RFC 8257, section 3.3).
struct Dctcp {
    window: Window,
    /// Estimate of the fraction of bytes that are marked.
    alpha: f64,
    /// Stream position at which the observation window ends.
    window_end: u64,
    delivered: u64,
    marked: u64,
    gain: f64,
    min_window: u64,
    reason: &'static str,
}

impl Dctcp {
    fn new(params: &Params, path: &Path) -> Dctcp {
        Dctcp {
            window: Window::new(path).with_settings(params),
            // RFC 8257, section 4.2: a first mark in slow start then halves the window, as a loss would.
            alpha: 1.0,
            window_end: 0,
            delivered: 0,
            marked: 0,
            gain: params.number("g"),
            min_window: params.integer("min_window"),
            reason: "initial window",
        }
    }

    /// RFC 8257, section 3.3, steps 2 to 8.
    fn observe(&mut self, ack: &Ack) {
        self.delivered += ack.delivered.get();
        self.marked += ack.ce_marked.get();
        if ack.una <= self.window_end {
            return;
        }
        if self.delivered > 0 {
            let fraction = (self.marked as f64 / self.delivered as f64).min(1.0);
            self.alpha = (self.alpha * (1.0 - self.gain) + self.gain * fraction).min(1.0);
        }
        self.window_end = ack.next;
        self.delivered = 0;
        self.marked = 0;
    }
}

impl Controller for Dctcp {
    fn on_ack(&mut self, ack: &Ack) {
        self.observe(ack);
        if !self.window.may_grow(ack) {
            return;
        }
        if self.window.in_slow_start() {
            self.reason = Growth::Plain.slow_start(&mut self.window, ack);
        } else {
            self.window.additive_increase(ack);
            self.reason = "congestion avoidance";
        }
    }

    fn on_congestion(&mut self, congestion: &Congestion) {
        match congestion.cause {
            Cause::Ecn => {
                // RFC 8257, section 3.3, step 9.
                let reduced = self.window.cwnd as f64 * (1.0 - self.alpha / 2.0);
                self.window.reduce_to((reduced as u64).max(self.min_window * congestion.mss.get()));
                self.reason = "congestion mark";
            }
            // RFC 8257, section 3.5: loss is met as in conventional TCP.
            Cause::Loss => {
                self.window.reduce_to(half_of_flight(congestion));
                self.reason = "loss";
            }
            Cause::Timeout => {
                self.window.timeout(congestion, half_of_flight(congestion));
                self.reason = "timeout";
            }
        }
    }

    fn on_undo(&mut self, _now: Time) {
        if self.window.undo() {
            self.reason = "spurious reduction undone";
        }
    }

    fn on_sent(&mut self, sent: &Sent) {
        if self.window.on_sent(sent) {
            self.reason = "idle: begins again";
        }
    }

    fn control(&self) -> Control {
        Control::window(self.window.bytes()).with_ecn(Ecn::Ect0)
    }

    fn ecn_feedback(&self) -> EcnFeedback {
        EcnFeedback::Dctcp
    }

    fn slow_start_threshold(&self) -> Option<Bytes> {
        self.window.threshold()
    }

    fn explain(&self) -> Explanation {
        Explanation {
            reason: self.reason,
            signals: vec![
                ("window_bytes", self.window.cwnd as f64),
                ("ssthresh_bytes", self.window.ssthresh as f64),
                ("alpha", self.alpha),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;
    use crate::testing::{MSS, Pipe, ack, congestion, controller, signal, window};

    /// A window of `packets` is acknowledged, the first `marked` of them with a mark.
    fn round(dctcp: &mut dyn Controller, una: &mut u64, packets: u64, marked: u64) {
        for packet in 0..packets {
            let ece = packet < marked;
            *una += MSS;
            let ce_marked = if ece { Bytes::new(MSS) } else { Bytes::ZERO };
            dctcp.on_ack(&Ack { una: *una, next: *una + packets * MSS, ece, ce_marked, ..ack(1) });
        }
    }

    // holds: RFC8257 3.3 #1
    #[test]
    fn alpha_follows_the_marked_fraction() {
        let mut dctcp = controller("dctcp");
        assert_eq!(signal(&*dctcp, "alpha"), 1.0);
        let mut una = 0;
        // The first window ends with the first ACK, which is unmarked.
        round(&mut *dctcp, &mut una, 1, 0);
        assert_eq!(signal(&*dctcp, "alpha"), 15.0 / 16.0);
        for _ in 0..200 {
            round(&mut *dctcp, &mut una, 10, 4);
        }
        assert!((signal(&*dctcp, "alpha") - 0.4).abs() < 0.05, "{}", signal(&*dctcp, "alpha"));
        for _ in 0..200 {
            round(&mut *dctcp, &mut una, 10, 0);
        }
        assert!(signal(&*dctcp, "alpha") < 0.001);
    }

    // holds: RFC8257 3.3 #4
    #[test]
    fn a_mark_reduces_by_half_of_alpha() {
        let mut dctcp = controller("dctcp?g=1");
        let mut una = 0;
        (0..5).for_each(|_| round(&mut *dctcp, &mut una, 10, 2));
        let alpha = signal(&*dctcp, "alpha");
        let before = window(&*dctcp);
        dctcp.on_congestion(&congestion(Cause::Ecn, 10));
        assert!(alpha > 0.1 && alpha < 0.3);
        assert!((window(&*dctcp) - before * (1.0 - alpha / 2.0)).abs() < 0.01);
    }

    #[test]
    fn the_first_mark_ends_slow_start() {
        let mut dctcp = controller("dctcp");
        dctcp.on_congestion(&congestion(Cause::Ecn, 10));
        assert_eq!(window(&*dctcp), 5.0);
        dctcp.on_ack(&ack(4));
        assert_eq!(window(&*dctcp), 5.0);
        dctcp.on_ack(&ack(1));
        assert_eq!(window(&*dctcp), 6.0);
    }

    // holds: RFC8257 3.5 #1, RFC8257 3.5 #3
    #[test]
    fn loss_is_met_as_by_reno() {
        let mut dctcp = controller("dctcp");
        round(&mut *dctcp, &mut 0, 100, 0);
        dctcp.on_congestion(&congestion(Cause::Loss, 30));
        assert_eq!(window(&*dctcp), 15.0);
        dctcp.on_congestion(&congestion(Cause::Timeout, 15));
        assert_eq!(window(&*dctcp), 1.0);
    }

    #[test]
    fn marks_leave_the_least_window() {
        for (spec, least) in [("dctcp", 2.0), ("dctcp?min_window=5", 5.0)] {
            let mut dctcp = controller(spec);
            (0..10).for_each(|_| dctcp.on_congestion(&congestion(Cause::Ecn, 10)));
            assert_eq!(window(&*dctcp), least);
        }
    }

    #[test]
    fn the_queue_stays_around_the_marking_threshold() {
        let mut pipe = Pipe::new("dctcp", "10Gbit/s", "100us", 1000);
        pipe.threshold = 40;
        pipe.run(Span::from_millis(20));
        let used = pipe.run(Span::from_millis(50));
        assert!(used > 0.98, "{used}");
        assert!((40..=60).contains(&pipe.peak_queue), "{}", pipe.peak_queue);
        // SIGCOMM 2010, section 3.3: alpha is about sqrt(2 / W) in the steady state of one flow.
        let alpha = signal(&*pipe.controller, "alpha");
        let expected = libm::sqrt(2.0 / (pipe.bdp() + 40.0));
        assert!((0.5 * expected..2.0 * expected).contains(&alpha), "{alpha}, expected about {expected}");
        assert_eq!(pipe.drops, 0);
    }
}
