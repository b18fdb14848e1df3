//! Paced: a fixed rate, or the flow's fair share of its path as an oracle tells it.
//!
//! No network could be run on it: it does not react to congestion. It is the point of reference that shows how much of
//! the queueing is the traffic's own and how much the controllers add.

use crate::registry::{Entry, Kind, Needs, Parameter, Params};
use crate::{Ack, Bytes, Congestion, Control, Controller, Explanation, Path, Rate, Span};

/// A slower flow would have more than a second between two packets of jumbo size, and no experiment asks for that.
const MIN_RATE: Rate = Rate::from_bits_per_sec(100_000);

/// The window is this many times what the rate needs in a smoothed round trip: ACKs may come late by a round trip before
/// the window, and not the rate, is the limit. After the oracle lowers the rate, the window follows within an ACK.
const WINDOW_GAIN: u64 = 2;

pub(crate) const ENTRY: Entry = Entry {
    name: "paced",
    aliases: &[],
    summary: "a fixed rate, or without one the fair share that an oracle tells; a point of reference",
    parameters: &[
        Parameter {
            name: "rate",
            kind: Kind::Rate { default: None, min: MIN_RATE },
            about: "rate of the payload; without it, the flow's fair share of its path at each moment",
        },
        Parameter {
            name: "utilization",
            kind: Kind::Number { default: 0.98, min: 0.01, max: 1.0 },
            about: "fraction of the fair share that is used",
        },
    ],
    needs: Needs { fair_share: true, pacing: true, ..Needs::NOTHING },
    source: "this laboratory's reference point; not deployable",
    build: |params, path| Box::new(Paced::new(params, path)),
};

/// The state of the paced sender.
struct Paced {
    fixed: Option<Rate>,
    utilization: f64,
    /// Rate to send at, once anything tells it.
    rate: Option<Rate>,
    smoothed_rtt: Span,
    initial_window: u64,
    mss: Bytes,
    reason: &'static str,
}

impl Paced {
    fn new(params: &Params, path: &Path) -> Paced {
        let mut paced = Paced {
            fixed: params.rate("rate"),
            utilization: params.number("utilization"),
            rate: None,
            smoothed_rtt: Span::ZERO,
            initial_window: path.initial_window.get().max(1),
            mss: path.mss,
            reason: "initial window",
        };
        paced.take_share(path.fair_share);
        paced
    }

    fn take_share(&mut self, share: Option<Rate>) {
        if self.fixed.is_some() {
            self.rate = self.fixed;
            self.reason = "fixed rate";
        } else if let Some(share) = share {
            self.rate = Some(share.scaled(self.utilization).max(MIN_RATE));
            self.reason = "fair share";
        }
    }

    fn window(&self) -> u64 {
        let Some(rate) = self.rate else { return self.initial_window };
        // The initial window on top lets a short path through, where a round trip holds less than a packet.
        rate.bytes_in(self.smoothed_rtt).get().saturating_mul(WINDOW_GAIN).saturating_add(self.initial_window)
    }
}

impl Controller for Paced {
    fn on_ack(&mut self, ack: &Ack) {
        self.take_share(ack.fair_share);
        self.smoothed_rtt = ack.smoothed_rtt;
        self.mss = ack.mss;
    }

    /// The rate is right by definition: what was lost is sent again at the same one.
    fn on_congestion(&mut self, _congestion: &Congestion) {}

    fn control(&self) -> Control {
        Control {
            pacing_rate: self.rate,
            burst: if self.rate.is_some() { self.mss } else { Bytes::MAX },
            own_recovery: true,
            ..Control::window(Bytes::new(self.window()))
        }
    }

    fn explain(&self) -> Explanation {
        Explanation {
            reason: self.reason,
            signals: vec![
                ("rate_bits_per_sec", self.rate.map_or(0.0, |rate| rate.bits_per_sec() as f64)),
                ("window_bytes", self.window() as f64),
            ],
        }
    }
}
