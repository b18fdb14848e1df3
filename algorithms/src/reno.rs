//! Reno: one packet more a round trip, half as many on congestion.
//!
//! RFC 5681 and 6582, with growth counted in bytes (RFC 3465). Fast retransmit and recovery are the stack's.

use crate::aimd::{ACK_LIMIT, RESTART_AFTER, Window, half_of_flight};
use crate::hystart::{self, HyStart};
use crate::registry::{Entry, Kind, Needs, Parameter, Params};
use crate::{Ack, Bytes, Cause, Congestion, Control, Controller, Ecn, EcnFeedback, Explanation, Path, Sent, Time};

pub(crate) const ENTRY: Entry = Entry {
    name: "reno",
    aliases: &["newreno"],
    summary: "one packet more a round trip, half the window on loss",
    parameters: &[
        Parameter {
            name: "ecn",
            kind: Kind::Switch { default: false },
            about: "take congestion marks as loss (RFC 3168) instead of being dropped",
        },
        Parameter {
            name: "hystart",
            kind: Kind::Switch { default: false },
            about: "leave the first slow start as delay rises (HyStart++, RFC 9406)",
        },
        RESTART_AFTER,
        ACK_LIMIT,
    ],
    needs: Needs::NOTHING,
    source: "RFC 5681, RFC 6582, RFC 3465",
    build: |params, path| Box::new(Reno::new(params, path)),
};

/// The state of Reno.
struct Reno {
    window: Window,
    hystart: Option<HyStart>,
    ecn: bool,
    reason: &'static str,
}

impl Reno {
    fn new(params: &Params, path: &Path) -> Reno {
        Reno {
            window: Window::new(path).with_settings(params),
            hystart: params.switch("hystart").then(HyStart::new),
            ecn: params.switch("ecn"),
            reason: "initial window",
        }
    }
}

impl Controller for Reno {
    fn on_ack(&mut self, ack: &Ack) {
        let may_grow = self.window.may_grow(ack);
        if self.window.in_slow_start() {
            let growth = hystart::observe(&mut self.hystart, &mut self.window, ack);
            if may_grow {
                self.reason = growth.slow_start(&mut self.window, ack);
            }
        } else if may_grow {
            self.window.additive_increase(ack);
            self.reason = "congestion avoidance";
        }
    }

    fn on_congestion(&mut self, congestion: &Congestion) {
        // RFC 3168, section 6.1.2: a mark is to be taken as a loss.
        let ssthresh = half_of_flight(congestion);
        self.reason = match congestion.cause {
            Cause::Timeout => {
                self.window.timeout(congestion, ssthresh);
                "timeout"
            }
            Cause::Loss => {
                self.window.reduce_to(ssthresh);
                "loss"
            }
            Cause::Ecn => {
                self.window.reduce_to(ssthresh);
                "congestion mark"
            }
        };
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
        Control::window(self.window.bytes()).with_ecn(if self.ecn { Ecn::Ect0 } else { Ecn::NotEct })
    }

    fn ecn_feedback(&self) -> EcnFeedback {
        if self.ecn { EcnFeedback::Classic } else { EcnFeedback::None }
    }

    fn slow_start_threshold(&self) -> Option<Bytes> {
        self.window.threshold()
    }

    fn explain(&self) -> Explanation {
        Explanation {
            reason: self.reason,
            signals: vec![("window_bytes", self.window.cwnd as f64), ("ssthresh_bytes", self.window.ssthresh as f64)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{MSS, Pipe, ack, congestion, controller, signal, window};
    use crate::{Phase, Span};

    /// A Reno in congestion avoidance with a window of `packets`.
    fn steady(packets: u64) -> Box<dyn Controller> {
        let mut reno = controller("reno");
        reno.on_congestion(&congestion(Cause::Loss, 2 * packets));
        reno
    }

    // holds: RFC5681 3.1 #1
    #[test]
    fn slow_start_doubles_the_window_each_round_trip() {
        let mut reno = controller("reno");
        for _ in 0..5 {
            reno.on_ack(&ack(2));
        }
        assert_eq!(window(&*reno), 20.0);
    }

    // holds: RFC5681 3.1 #14
    #[test]
    fn one_ack_brings_two_packets_at_most_in_slow_start_and_one_after_a_timeout() {
        let mut reno = controller("reno");
        reno.on_ack(&ack(30));
        assert_eq!(window(&*reno), 12.0);
        reno.on_congestion(&congestion(Cause::Timeout, 12));
        assert_eq!(window(&*reno), 1.0);
        reno.on_ack(&Ack { phase: Phase::Loss, ..ack(10) });
        assert_eq!(window(&*reno), 2.0);
    }

    // holds: RFC5681 3.1 #1, RFC5681 3.1 #9, RFC5681 3.1 #10
    #[test]
    fn congestion_avoidance_adds_a_packet_for_each_window_delivered() {
        let mut reno = steady(20);
        for _ in 0..19 {
            reno.on_ack(&ack(1));
        }
        assert_eq!(window(&*reno), 20.0);
        reno.on_ack(&ack(1));
        assert_eq!(window(&*reno), 21.0);
    }

    // holds: RFC5681 3.1 #7, RFC5681 3.2 #7, RFC5681 4.3 #1
    #[test]
    fn loss_halves_the_flight_and_leaves_two_packets_at_least() {
        let mut reno = controller("reno");
        reno.on_congestion(&congestion(Cause::Loss, 30));
        assert_eq!((window(&*reno), signal(&*reno, "ssthresh_bytes")), (15.0, 15_000.0));
        reno.on_congestion(&congestion(Cause::Loss, 1));
        assert_eq!(window(&*reno), 2.0);
    }

    #[test]
    fn the_window_holds_in_recovery_on_an_echo_and_when_it_is_not_the_limit() {
        let mut reno = steady(10);
        for held in [
            Ack { phase: Phase::Recovery, ..ack(1) },
            Ack { phase: Phase::Reducing, ..ack(1) },
            Ack { ece: true, ..ack(1) },
            Ack { window_limited: false, ..ack(1) },
        ] {
            (0..100).for_each(|_| reno.on_ack(&held));
            assert_eq!(window(&*reno), 10.0, "{held:?}");
        }
    }

    // holds: RFC5681 3.1 #13
    #[test]
    fn the_threshold_holds_when_the_timer_expires_again() {
        let mut reno = controller("reno");
        reno.on_congestion(&congestion(Cause::Timeout, 40));
        reno.on_congestion(&congestion(Cause::Timeout, 1));
        assert_eq!(signal(&*reno, "ssthresh_bytes"), 20_000.0);
        reno.on_ack(&Ack { phase: Phase::Loss, ..ack(1) });
        reno.on_congestion(&congestion(Cause::Timeout, 8));
        assert_eq!(signal(&*reno, "ssthresh_bytes"), 4_000.0);
    }

    #[test]
    fn a_spurious_loss_is_taken_back() {
        let mut reno = controller("reno");
        reno.on_congestion(&congestion(Cause::Timeout, 10));
        reno.on_undo(Time::ZERO);
        assert_eq!(window(&*reno), 10.0);
        reno.on_ack(&ack(2));
        assert_eq!(window(&*reno), 12.0);
        reno.on_undo(Time::ZERO);
        assert_eq!(window(&*reno), 12.0);
    }

    #[test]
    fn marks_count_as_loss_if_ecn_is_asked_for() {
        let mut reno = controller("reno?ecn=true");
        assert_eq!(reno.ecn_feedback(), EcnFeedback::Classic);
        assert_eq!(reno.control().ecn, Ecn::Ect0);
        reno.on_congestion(&congestion(Cause::Ecn, 30));
        assert_eq!(reno.control().window, Bytes::new(15 * MSS));
        assert_eq!(controller("reno").control().ecn, Ecn::NotEct);
    }

    #[test]
    fn one_ack_brings_two_packets_in_slow_start_or_as_many_as_it_is_told() {
        for (spec, expected) in [("reno", 12.0), ("reno?ack_limit=100", 20.0), ("reno?ack_limit=5", 15.0)] {
            let mut reno = controller(spec);
            reno.on_ack(&ack(10));
            assert_eq!(window(&*reno), expected, "{spec}");
        }
    }

    #[test]
    fn after_an_idle_time_it_begins_again_only_if_asked_to() {
        for (spec, expected) in [("reno", 20.0), ("reno?restart_after=1ms", 10.0)] {
            let mut reno = controller(spec);
            (0..5).for_each(|_| reno.on_ack(&ack(2)));
            let at = |us| Time::ZERO + Span::from_micros(us);
            reno.on_sent(&Sent { now: at(0), ..Sent::default() });
            reno.on_sent(&Sent { now: at(900), restart: true, ..Sent::default() });
            assert_eq!(window(&*reno), 20.0);
            reno.on_sent(&Sent { now: at(2000), restart: true, ..Sent::default() });
            assert_eq!(window(&*reno), expected);
        }
    }

    #[test]
    fn a_buffer_of_a_bandwidth_delay_product_keeps_the_link_busy() {
        let mut pipe = Pipe::new("reno", "100Mbit/s", "10ms", 125);
        pipe.run(Span::from_secs(10));
        let used = pipe.run(Span::from_secs(20));
        assert!(used > 0.99, "{used}");
        // Without a buffer it swings between half of the pipe and all of it.
        let mut pipe = Pipe::new("reno", "100Mbit/s", "10ms", 2);
        pipe.run(Span::from_secs(10));
        let used = pipe.run(Span::from_secs(20));
        assert!((0.7..0.8).contains(&used), "{used}");
    }
}
