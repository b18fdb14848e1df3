//! Reno: one packet more a round trip, half as many on congestion.
//!
//! RFC 5681 and 6582, with growth counted in bytes (RFC 3465). Fast retransmit and recovery are the stack's.

use crate::aimd::{Window, half_of_flight};
use crate::hystart::{self, HyStart};
use crate::registry::{Entry, Kind, Needs, Parameter, Params};
use crate::{Ack, Cause, Congestion, Control, Controller, Ecn, EcnFeedback, Explanation, Path, Time};

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
            window: Window::new(path),
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
            let round = hystart::observe(&mut self.hystart, &mut self.window, ack);
            if may_grow {
                self.reason = round.slow_start(&mut self.window, ack);
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

    fn control(&self) -> Control {
        Control::window(self.window.bytes()).with_ecn(if self.ecn { Ecn::Ect0 } else { Ecn::NotEct })
    }

    fn ecn_feedback(&self) -> EcnFeedback {
        if self.ecn { EcnFeedback::Classic } else { EcnFeedback::None }
    }

    fn explain(&self) -> Explanation {
        Explanation {
            reason: self.reason,
            signals: vec![("window_bytes", self.window.cwnd as f64), ("ssthresh_bytes", self.window.ssthresh as f64)],
        }
    }
}
