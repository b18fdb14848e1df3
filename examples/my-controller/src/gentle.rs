//! *gentle*: keeps the queueing delay that it causes near a target.
//!
//! Additive increase below a target delay and multiplicative decrease above it, at most once a round trip, is the law of
//! Swift (Kumar et al., SIGCOMM 2020, section 3.1). Three things are simpler here: the target is one for all flows,
//! without Swift's scaling by hops and by window; the decrease is an eighth, whatever the overshoot; and the delay is
//! counted from the least round trip seen, as Vegas does (Brakmo and Peterson, JSAC 1995), so that no base delay needs to
//! be set.

use burstlab_algorithms::{
    Ack, Bytes, Cause, Congestion, Control, Controller, Entry, Explanation, Kind, Parameter, Params, Path, Phase, Span,
    Time,
};

/// What the registry knows of it.
pub const ENTRY: Entry = Entry {
    summary: "keeps the queueing delay near a target",
    parameters: &[Parameter {
        name: "target",
        kind: Kind::Span { default: Some(Span::from_micros(50)), min: Span::from_micros(1) },
        about: "queueing delay that it aims at",
    }],
    source: "an example of this book",
    ..Entry::new("gentle", |params, path| Box::new(Gentle::new(params, path)))
};

struct Gentle {
    /// In bytes; a fraction of one is kept for the next ACK.
    window: f64,
    target: Span,
    /// Whether the path was never full yet.
    starting: bool,
    /// Stream position whose acknowledgement ends the round trip.
    round_end: u64,
    /// Window before the last congestion episode, for an undo.
    before: Option<f64>,
    reason: &'static str,
}

impl Gentle {
    fn new(params: &Params, path: &Path) -> Gentle {
        Gentle {
            window: path.initial_window.get() as f64,
            // There is always one: the parameter has a default.
            target: params.span("target").unwrap_or(Span::ZERO),
            starting: true,
            round_end: 0,
            before: None,
            reason: "initial window",
        }
    }
}

impl Controller for Gentle {
    fn on_ack(&mut self, ack: &Ack) {
        // In a recovery the stack brings the window down.
        if matches!(ack.phase, Phase::Recovery | Phase::Reducing) {
            return;
        }
        // What was sent twice gives no sample. Mostly that is after a timeout, when the path has run empty.
        let queueing = ack.rtt.map_or(Span::ZERO, |rtt| rtt - ack.min_rtt);
        if queueing > self.target {
            self.starting = false;
            if ack.una >= self.round_end {
                self.window = (self.window * 7.0 / 8.0).max(2.0 * ack.mss.get() as f64);
                self.round_end = ack.next;
                self.reason = "delay above the target";
            }
        } else if ack.window_limited {
            let delivered = ack.delivered.get() as f64;
            self.window += if self.starting { delivered } else { delivered / self.window * ack.mss.get() as f64 };
            self.reason = "delay below the target";
        }
    }

    fn on_congestion(&mut self, congestion: &Congestion) {
        let mss = congestion.mss.get() as f64;
        self.before = Some(self.window);
        // Slow start begins again after a timeout, and only then.
        self.starting = congestion.cause == Cause::Timeout;
        self.window = match congestion.cause {
            Cause::Timeout => mss,
            Cause::Loss | Cause::Ecn => (congestion.in_flight.get() as f64 / 2.0).max(2.0 * mss),
        };
        self.reason = "loss";
    }

    fn on_undo(&mut self, _now: Time) {
        if let Some(window) = self.before.take() {
            self.window = self.window.max(window);
            self.reason = "spurious reduction undone";
        }
    }

    fn control(&self) -> Control {
        Control::window(Bytes::new(self.window as u64))
    }

    fn explain(&self) -> Explanation {
        Explanation { reason: self.reason, signals: vec![("window_bytes", self.window)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burstlab_algorithms::Registry;

    fn gentle(spec: &str) -> Box<dyn Controller> {
        let mut registry = Registry::default();
        registry.add(ENTRY).unwrap();
        registry.parse(spec).unwrap().build(&Path::default())
    }

    /// A path of 100 us that carries a packet of 1460 bytes a microsecond: each ACK is for one packet, and tells the
    /// delay of the queue that the window makes.
    fn run(gentle: &mut dyn Controller, packets: u64) -> Span {
        let (mut una, mut queueing) = (0, Span::ZERO);
        for _ in 0..packets {
            let window = gentle.control().window.get();
            queueing = Span::from_micros((window / 1460).saturating_sub(100));
            una += 1460;
            gentle.on_ack(&Ack {
                delivered: Bytes::new(1460),
                acked: Bytes::new(1460),
                rtt: Some(Span::from_micros(100) + queueing),
                min_rtt: Span::from_micros(100),
                una,
                next: una + window,
                ..Ack::default()
            });
        }
        queueing
    }

    #[test]
    fn the_queue_settles_near_the_target() {
        let mut controller = gentle("gentle?target=20us");
        run(&mut *controller, 10_000);
        for _ in 0..100 {
            assert!(run(&mut *controller, 50) <= Span::from_micros(22));
        }
    }

    #[test]
    fn a_loss_halves_the_flight_and_an_undo_gives_it_back() {
        let mut controller = gentle("gentle");
        let in_flight = Bytes::new(14_600);
        controller.on_congestion(&Congestion { in_flight, mss: Bytes::new(1460), ..Congestion::default() });
        assert_eq!(controller.control().window, Bytes::new(7_300));
        controller.on_undo(Time::ZERO);
        assert_eq!(controller.control().window, Bytes::new(14_600));
    }

    #[test]
    fn after_a_timeout_it_starts_again_from_one_packet() {
        let mut controller = gentle("gentle");
        controller.on_congestion(&Congestion { cause: Cause::Timeout, mss: Bytes::new(1460), ..Congestion::default() });
        assert_eq!(controller.control().window, Bytes::new(1460));
        // Its retransmission arrives: no sample of the round trip, and twice the window.
        controller.on_ack(&Ack { delivered: Bytes::new(1460), phase: Phase::Loss, ..Ack::default() });
        assert_eq!(controller.control().window, Bytes::new(2 * 1460));
    }

    #[test]
    fn a_window_that_is_not_used_does_not_grow() {
        let mut controller = gentle("gentle");
        let rtt = Some(Span::from_micros(100));
        controller.on_ack(&Ack { delivered: Bytes::new(1460), rtt, window_limited: false, ..Ack::default() });
        assert_eq!(controller.control().window, Path::default().initial_window);
    }
}
