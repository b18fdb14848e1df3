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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Pipe, ack, controller};
    use crate::{Cause, Registry};

    #[test]
    fn a_fixed_rate_is_kept_whatever_happens() {
        let mut pipe = Pipe::new("paced?rate=90Mbit/s", "100Mbit/s", "10ms", 100);
        pipe.run(Span::from_millis(100));
        let used = pipe.run(Span::from_secs(1));
        assert!((used - 0.9).abs() < 0.005, "{used}");
        assert!(pipe.peak_queue <= 1);
        let mut paced = pipe.controller;
        paced.on_congestion(&testing::congestion(Cause::Timeout, 10));
        paced.on_ack(&Ack { fair_share: Some(Rate::from_bits_per_sec(1_000_000)), ..ack(1) });
        assert_eq!(paced.control().pacing_rate, "90Mbit/s".parse().ok());
    }

    #[test]
    fn the_fair_share_is_followed_from_the_first_packet() {
        let share = |text: &str| text.parse::<Rate>().ok();
        let path = Path { fair_share: share("1Gbit/s"), ..testing::path() };
        let mut paced = Registry::default().parse("paced").unwrap().build(&path);
        assert_eq!(paced.control().pacing_rate, share("980Mbit/s"));
        paced.on_ack(&Ack { fair_share: share("500Mbit/s"), smoothed_rtt: Span::from_millis(1), ..ack(1) });
        assert_eq!(paced.control().pacing_rate, share("490Mbit/s"));
        // Two round trips' worth, and the initial window.
        assert_eq!(paced.control().window, Bytes::new(2 * 61_250 + 10_000));
    }

    #[test]
    fn without_an_oracle_it_keeps_to_the_initial_window() {
        let mut paced = controller("paced");
        paced.on_ack(&ack(10));
        assert_eq!(paced.control(), Control { own_recovery: true, ..Control::window(Bytes::new(10_000)) });
    }

    #[test]
    fn a_share_of_nothing_still_moves() {
        let mut paced = controller("paced");
        paced.on_ack(&Ack { fair_share: Some(Rate::ZERO), ..ack(1) });
        assert_eq!(paced.control().pacing_rate, Some(MIN_RATE));
    }
}
