//! A small path to drive controllers over: a pacing sender, one queue, one link, an ACK for every packet.
//!
//! Far simpler than a transport: what is lost counts as repaired at once, so that only the controller is on trial.

use std::collections::VecDeque;

use crate::{
    Ack, Bytes, Cause, Congestion, Controller, LostPacket, Path, Phase, Rate, RateSample, Registry, Sent, Span, Time,
};

pub(crate) const MSS: u64 = 1000;

/// A path of packets of [`MSS`] bytes with an initial window of ten.
pub(crate) fn path() -> Path {
    Path { mss: Bytes::new(MSS), initial_window: Bytes::new(10 * MSS), ..Path::default() }
}

/// A controller by its spec.
pub(crate) fn controller(spec: &str) -> Box<dyn Controller> {
    Registry::default().parse(spec).unwrap().build(&path())
}

/// Its window in packets.
pub(crate) fn window(controller: &dyn Controller) -> f64 {
    controller.control().window.get() as f64 / MSS as f64
}

/// An ACK for `packets` packets.
pub(crate) fn ack(packets: u64) -> Ack<'static> {
    let bytes = Bytes::new(packets * MSS);
    Ack { acked: bytes, delivered: bytes, mss: Bytes::new(MSS), ..Ack::default() }
}

/// Congestion met with `packets` packets in flight.
pub(crate) fn congestion(cause: Cause, packets: u64) -> Congestion {
    Congestion { cause, in_flight: Bytes::new(packets * MSS), mss: Bytes::new(MSS), ..Congestion::default() }
}

/// The value of one of a controller's signals.
pub(crate) fn signal(controller: &dyn Controller, name: &str) -> f64 {
    let signals = controller.explain().signals;
    signals.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no signal {name}: {signals:?}")).1
}

/// The reasons that a controller gives during `span`, each once for each time it is entered.
pub(crate) fn states(pipe: &mut Pipe, span: Span, step: Span) -> Vec<&'static str> {
    let end = pipe.now + span;
    let mut seen = vec![pipe.controller.explain().reason];
    while pipe.now < end {
        pipe.run(step);
        let state = pipe.controller.explain().reason;
        if seen.last() != Some(&state) {
            seen.push(state);
        }
    }
    seen
}

#[derive(Debug, Clone, Copy)]
struct Packet {
    index: u64,
    sent: Time,
    /// When its ACK arrives, if it is not dropped.
    back: Option<Time>,
    marked: bool,
    delivered: u64,
    delivered_time: Time,
    first_sent: Time,
    in_flight: u64,
    lost: u64,
    app_limited: bool,
}

/// A bottleneck with a sender in front of it.
pub(crate) struct Pipe {
    pub(crate) controller: Box<dyn Controller>,
    pub(crate) rate: Rate,
    pub(crate) delay: Span,
    /// Packets that the queue holds.
    pub(crate) buffer: u64,
    /// Packets above which it marks.
    pub(crate) threshold: u64,
    /// The application sends at this rate at most.
    pub(crate) application: Option<Rate>,
    pub(crate) now: Time,
    /// Bytes delivered.
    pub(crate) delivered: u64,
    /// Packets dropped.
    pub(crate) drops: u64,
    /// Longest queue since the last look, in packets.
    pub(crate) peak_queue: u64,
    flight: VecDeque<Packet>,
    in_flight: u64,
    lost: u64,
    index: u64,
    link_free: Time,
    next_send: Time,
    application_next: Time,
    delivered_time: Time,
    first_sent: Time,
    app_limited_until: u64,
    /// Index of the packet whose delivery ends the episode.
    episode: Option<(u64, Cause)>,
    smoothed_rtt: Span,
    min_rtt: Span,
    window_limited: bool,
    /// Index of the packet whose delivery ends the round for `window_limited`.
    round: u64,
}

impl Pipe {
    pub(crate) fn new(spec: &str, rate: &str, delay: &str, buffer: u64) -> Pipe {
        Pipe {
            controller: controller(spec),
            rate: rate.parse().unwrap(),
            delay: delay.parse().unwrap(),
            buffer,
            threshold: u64::MAX,
            application: None,
            now: Time::ZERO,
            delivered: 0,
            drops: 0,
            peak_queue: 0,
            flight: VecDeque::new(),
            in_flight: 0,
            lost: 0,
            index: 0,
            link_free: Time::ZERO,
            next_send: Time::ZERO,
            application_next: Time::ZERO,
            delivered_time: Time::ZERO,
            first_sent: Time::ZERO,
            app_limited_until: 0,
            episode: None,
            smoothed_rtt: Span::ZERO,
            min_rtt: Span::MAX,
            window_limited: false,
            round: 0,
        }
    }

    /// Packets of a bandwidth-delay product.
    pub(crate) fn bdp(&self) -> f64 {
        self.rate.bytes_in(self.delay).get() as f64 / MSS as f64
    }

    /// Runs for `span`; returns the fraction of the link's rate that was delivered.
    pub(crate) fn run(&mut self, span: Span) -> f64 {
        let (end, before) = (self.now + span, self.delivered);
        self.peak_queue = 0;
        while self.step(end) {}
        (self.delivered - before) as f64 / self.rate.bytes_in(span).get() as f64
    }

    /// Does the next thing before `end`, if there is one.
    fn step(&mut self, end: Time) -> bool {
        let arrival = self.flight.iter().find_map(|packet| packet.back).unwrap_or(Time::NEVER);
        let send = self.may_send();
        let next = arrival.min(send);
        if next >= end {
            if arrival.is_never() && self.in_flight > 0 {
                self.timeout();
            }
            self.now = end;
            return false;
        }
        self.now = self.now.max(next);
        if arrival <= send {
            self.arrive()
        } else {
            self.send()
        }
        true
    }

    fn may_send(&mut self) -> Time {
        if self.in_flight + MSS > self.controller.control().window.get() {
            self.window_limited = true;
            return Time::NEVER;
        }
        let send = if self.controller.control().pacing_rate.is_some() { self.next_send } else { Time::ZERO };
        if self.application.is_some() && self.application_next > send.max(self.now) {
            self.app_limited_until = self.delivered + self.in_flight.max(1);
        }
        send.max(self.application_next).max(self.now)
    }

    fn send(&mut self) {
        let wait = self.link_free.since(self.now);
        let queue = self.rate.bytes_in(wait).get() / MSS;
        self.peak_queue = self.peak_queue.max(queue);
        let dropped = queue >= self.buffer;
        if dropped {
            self.drops += 1;
        } else {
            self.link_free = self.link_free.max(self.now) + self.rate.transmission_time(Bytes::new(MSS));
        }
        let restart = self.in_flight == 0;
        if restart {
            self.first_sent = self.now;
            self.delivered_time = self.now;
        }
        self.in_flight += MSS;
        self.index += 1;
        let app_limited = self.app_limited_until > self.delivered;
        self.flight.push_back(Packet {
            index: self.index,
            sent: self.now,
            back: (!dropped).then(|| self.link_free + self.delay),
            marked: queue >= self.threshold,
            delivered: self.delivered,
            delivered_time: self.delivered_time,
            first_sent: self.first_sent,
            in_flight: self.in_flight,
            lost: self.lost,
            app_limited,
        });
        if let Some(rate) = self.controller.control().pacing_rate {
            self.next_send = self.next_send.max(self.now) + rate.transmission_time(Bytes::new(MSS));
        }
        if let Some(rate) = self.application {
            self.application_next = self.application_next.max(self.now) + rate.transmission_time(Bytes::new(MSS));
        }
        self.controller.on_sent(&Sent {
            now: self.now,
            bytes: Bytes::new(MSS),
            in_flight: Bytes::new(self.in_flight),
            restart,
            app_limited,
            ..Sent::default()
        });
    }

    /// The next packet's ACK comes in; what was sent before it is lost.
    fn arrive(&mut self) {
        let prior_in_flight = self.in_flight;
        let mut lost = 0;
        let packet = loop {
            let packet = self.flight.pop_front().expect("an ACK is of a packet in flight");
            self.in_flight -= MSS;
            if packet.back.is_some() {
                break packet;
            }
            lost += MSS;
            self.lose(&packet);
        };
        self.delivered += MSS;
        self.delivered_time = self.now;
        let ended = self.episode.is_some_and(|(end, _)| packet.index > end);
        if ended {
            self.episode = None;
            self.controller.on_recovered(self.now);
        }
        let begun = if lost > 0 { Some(Cause::Loss) } else { packet.marked.then_some(Cause::Ecn) };
        if let (Some(cause), None) = (begun, self.episode) {
            self.begin_episode(cause, prior_in_flight);
        }
        self.acknowledge(&packet, prior_in_flight, lost);
    }

    fn acknowledge(&mut self, packet: &Packet, prior_in_flight: u64, lost: u64) {
        let rtt = self.now.since(packet.sent);
        self.min_rtt = self.min_rtt.min(rtt);
        let first = self.smoothed_rtt.is_zero();
        self.smoothed_rtt = if first { rtt } else { self.smoothed_rtt.scaled(0.875) + rtt.scaled(0.125) };
        self.first_sent = packet.sent;
        let interval = packet.sent.since(packet.first_sent).max(self.now.since(packet.delivered_time));
        let bytes = Bytes::new(MSS);
        let rate = RateSample {
            delivered: Bytes::new(self.delivered - packet.delivered),
            interval: if interval < self.min_rtt { Span::ZERO } else { interval },
            total_delivered: self.delivered,
            prior_delivered: packet.delivered,
            tx_in_flight: Bytes::new(packet.in_flight),
            total_lost: self.lost,
            lost: Bytes::new(self.lost - packet.lost),
            ce_marked: Bytes::ZERO,
            app_limited: packet.app_limited,
        };
        let ack = Ack {
            now: self.now,
            acked: bytes,
            delivered: bytes,
            lost: Bytes::new(lost),
            ce_marked: if packet.marked { bytes } else { Bytes::ZERO },
            ece: packet.marked,
            rtt: Some(rtt),
            smoothed_rtt: self.smoothed_rtt,
            min_rtt: self.min_rtt,
            rate: Some(rate),
            prior_in_flight: Bytes::new(prior_in_flight),
            in_flight: Bytes::new(self.in_flight),
            window_limited: self.window_limited,
            phase: self.phase(),
            mss: bytes,
            una: packet.index * MSS,
            next: self.index * MSS,
            ..Ack::default()
        };
        if packet.index > self.round {
            self.round = self.index;
            self.window_limited = false;
        }
        self.controller.on_ack(&ack);
    }

    fn lose(&mut self, packet: &Packet) {
        self.lost += MSS;
        self.controller.on_lost(&LostPacket {
            now: self.now,
            bytes: Bytes::new(MSS),
            tx_in_flight: Bytes::new(packet.in_flight),
            lost_since_sent: Bytes::new(self.lost - packet.lost),
            prior_delivered: packet.delivered,
            app_limited: packet.app_limited,
        });
    }

    fn begin_episode(&mut self, cause: Cause, in_flight: u64) {
        self.episode = Some((self.index, cause));
        self.controller.on_congestion(&Congestion {
            now: self.now,
            cause,
            in_flight: Bytes::new(in_flight),
            mss: Bytes::new(MSS),
            next: self.index * MSS,
        });
    }

    fn phase(&self) -> Phase {
        match self.episode {
            None => Phase::Open,
            Some((_, Cause::Ecn)) => Phase::Reducing,
            Some((_, Cause::Loss)) => Phase::Recovery,
            Some((_, Cause::Timeout)) => Phase::Loss,
        }
    }

    /// Everything in flight was dropped: nothing but the timer can tell.
    fn timeout(&mut self) {
        let in_flight = self.in_flight;
        while let Some(packet) = self.flight.pop_front() {
            self.in_flight -= MSS;
            self.lose(&packet);
        }
        self.begin_episode(Cause::Timeout, in_flight);
    }
}
