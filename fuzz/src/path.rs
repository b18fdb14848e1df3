//! Two connections, applications on both sides, and a path that loses, doubles, overtakes, marks and damages.
//!
//! As long as the path lets some packets through, every byte arrives, and both sides close in good order.

mod fates;
mod host;
mod ledger;

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use burstlab_algorithms::{Bytes, Span, Time};
use burstlab_network::{Codepoint, Segment, wire};
use burstlab_stacks::{Counters, Status};

use crate::settings::Settings;
pub use fates::{Chances, Fate, Pattern};
use fates::{Fates, MOST_DAMAGED};
use host::Host;
use ledger::Ledger;

/// Calls of one scenario's applications.
const MOST_CALLS: usize = 64;
/// Bytes that each side writes at most,
const MOST_WRITTEN: u64 = 200_000;
/// and packets that these take at most, retransmissions included: a packet may carry a single byte, and may have to be
/// sent a hundred times.
const MOST_PACKETS: u64 = 2_000;
/// Packets that one side sends at one instant at most: each byte in a packet of its own, and each of them again.
const MOST_AT_ONCE: usize = 500_000;
/// Events of one scenario at most: what takes more goes round in circles.
const MOST_EVENTS: usize = 5_000_000;
/// How often a side may ask to be woken at the same instant.
const MOST_WAKES: usize = 16;
/// Timeouts in a row until a connection is given up: never, here.
const RETRIES: u32 = u32::MAX;

/// Everything that decides over a run.
#[derive(Debug, Clone, Arbitrary)]
pub struct Scenario {
    /// The side that opens, and the other.
    pub sides: [Settings; 2],
    /// Whether the other opens as well, at the same time.
    pub both_open: bool,
    /// Whether packets are bytes with content, which is compared; applications then read whatever comes.
    pub content: bool,
    /// One way, in microseconds.
    pub delay: u16,
    /// Packets that the interface takes at a time; 0: any number.
    pub interface: u8,
    /// What becomes of packets, for each direction.
    pub patterns: [Pattern; 2],
    /// What the applications do.
    pub calls: Vec<Call>,
    /// Whose TCP each side has; with content only, for without it both have ours. The fuzzer, whose inputs are kept,
    /// leaves this and what follows as it is.
    #[arbitrary(default)]
    pub stacks: [Stack; 2],
    /// In so many of 256 packets a byte is changed, where packets have content.
    #[arbitrary(default)]
    pub damaged: u8,
    /// Whether patterns are for packets with payload alone, and all others pass. So two stacks lose the same of them,
    /// whatever else they say.
    #[arbitrary(default)]
    pub data_alone: bool,
}

/// Whose TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stack {
    /// Ours.
    #[default]
    Native,
    /// smoltcp, whose windows a controller of ours enforces.
    Smoltcp,
}

/// One call of an application.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Call {
    /// So many microseconds after the one before.
    pub after: u16,
    /// Whose application.
    pub second: bool,
    /// What it does.
    pub what: What,
}

/// What an application does.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum What {
    /// Writes so many bytes.
    Write(u16),
    /// Reads so many bytes while it does not read all that comes.
    Read(u16),
    /// Stops to read what comes.
    StopReading,
    /// Reads all that comes.
    StartReading,
    /// Has no more to write.
    Close,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// When all had arrived and both sides were closed.
    pub end: Time,
    /// Packets that left both sides.
    pub packets: u64,
    /// Bytes that arrived at both.
    pub bytes: u64,
    /// What each side sent, and what became of it.
    pub sides: [Sent; 2],
}

/// What a side sent.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// Packets with payload.
    pub packets: u64,
    /// Bytes that went a second time, or a third.
    pub again: u64,
    /// Which of the packets with payload were lost, and how many bytes each had.
    pub lost: Vec<(u64, u32)>,
    /// Packets that were damaged, doubled ones twice.
    pub damaged: u64,
    /// When its peer had the last byte.
    pub whole_at: Time,
    /// What its stack counted.
    pub counters: Counters,
}

/// A scenario from fuzzed bytes.
pub fn run(data: &[u8]) {
    if let Some(scenario) = crate::input::<Scenario>(data) {
        play(&scenario);
    }
}

/// Plays the scenario until every byte has arrived and both sides have closed.
///
/// # Panics
/// If that does not come, or anything on the way does not hold.
pub fn play(scenario: &Scenario) -> Outcome {
    let mut run = Run::new(scenario);
    run.hosts[0].connect(run.now);
    if scenario.both_open {
        run.hosts[1].connect(run.now);
    }
    for call in scenario.calls.iter().take(MOST_CALLS) {
        run.advance(Some(run.now + Span::from_micros(u64::from(call.after))));
        run.call(usize::from(call.second), call.what);
    }
    for side in 0..2 {
        run.call(side, What::StartReading);
        run.call(side, What::Close);
    }
    run.advance(None);
    run.finish()
}

/// What a side may write in this scenario.
fn most_written(scenario: &Scenario) -> u64 {
    let whole = u64::from(256 - u16::from(scenario.damaged.min(MOST_DAMAGED)));
    let passing = |pattern: &Pattern| (pattern.passing() * whole / 256).max(1);
    let tries = 256 * 256 / (passing(&scenario.patterns[0]) * passing(&scenario.patterns[1]));
    let carries = |settings: &Settings| {
        let config = settings.config(0);
        u64::from(config.mss).min(config.receive_buffer.get())
    };
    let least = carries(&scenario.sides[0]).min(carries(&scenario.sides[1]));
    (MOST_PACKETS / tries.max(1) * least).clamp(1, MOST_WRITTEN)
}

enum Packet {
    Segment(Segment),
    Bytes(Vec<u8>),
}

struct Run {
    now: Time,
    hosts: [Host; 2],
    ledger: Ledger,
    fates: [Fates; 2],
    delay: Span,
    interface: usize,
    /// Bytes that each side may write.
    most_written: u64,
    /// When a full interface takes more.
    free_at: [Time; 2],
    /// A packet that was damaged is no segment of anybody's.
    on_the_way: BTreeMap<(Time, u64), (usize, Option<Segment>, Packet)>,
    damaged: u8,
    data_alone: bool,
    sent: [Sent; 2],
    packets: u64,
    events: usize,
    wakes: usize,
}

impl Run {
    fn new(scenario: &Scenario) -> Run {
        Run {
            now: Time::from_nanos(1_000),
            hosts: [0, 1].map(|n| Host::new(scenario, n, RETRIES)),
            ledger: Ledger::new(&scenario.sides),
            fates: [Fates::new(&scenario.patterns[0]), Fates::new(&scenario.patterns[1])],
            delay: Span::from_micros(u64::from(scenario.delay) + 1),
            most_written: most_written(scenario),
            interface: if scenario.interface == 0 { usize::MAX } else { usize::from(scenario.interface) },
            free_at: [Time::NEVER; 2],
            on_the_way: BTreeMap::new(),
            damaged: scenario.damaged,
            data_alone: scenario.data_alone,
            sent: Default::default(),
            packets: 0,
            events: 0,
            wakes: 0,
        }
    }

    fn call(&mut self, side: usize, what: What) {
        let host = &mut self.hosts[side];
        match what {
            What::Write(bytes) => {
                let room = self.most_written.saturating_sub(host.endpoint().written());
                host.endpoint_mut().write(self.now, Bytes::new(u64::from(bytes).min(room)));
            }
            What::Read(bytes) => host.read(u64::from(bytes)),
            What::StopReading => host.set_reading(false),
            What::StartReading => host.set_reading(true),
            What::Close => host.endpoint_mut().close(self.now),
        }
        self.send(side);
    }

    /// Plays until `end`, or until nothing is left to happen.
    fn advance(&mut self, end: Option<Time>) {
        self.send(0);
        self.send(1);
        loop {
            let next = self.next_event();
            if next.is_never() || end.is_some_and(|end| next > end) {
                self.now = end.unwrap_or(self.now);
                return;
            }
            self.events += 1;
            assert!(self.events < MOST_EVENTS, "it goes round in circles at {}", self.now);
            self.wakes = if next > self.now { 0 } else { self.wakes + 1 };
            self.now = self.now.max(next);
            self.step();
        }
    }

    fn next_event(&self) -> Time {
        let first = self.on_the_way.keys().next().map_or(Time::NEVER, |key| key.0);
        let wakes = self.hosts.iter().map(|host| host.endpoint().next_wake());
        wakes.chain(self.free_at).fold(first, Time::min)
    }

    /// One packet arrives, or else whoever wants to be woken is.
    fn step(&mut self) {
        if let Some(entry) = self.on_the_way.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (side, segment, packet) = entry.remove();
            self.wakes = 0;
            let before = self.hosts[side].arrived();
            match segment {
                Some(segment) => self.ledger.on_arrival(side, &segment),
                None => self.sent[1 - side].damaged += 1,
            }
            self.hosts[side].take(self.now, &packet);
            self.hosts[side].check_content(self.sent[1 - side].damaged);
            if self.hosts[side].arrived() > before {
                self.sent[1 - side].whole_at = self.now;
            }
            self.ledger.look(side, self.hosts[side].endpoint(), self.hosts[side].arrived());
            self.send(side);
            return;
        }
        assert!(self.wakes <= MOST_WAKES, "the clock stands still at {}", self.now);
        for side in 0..2 {
            if self.free_at[side] <= self.now {
                self.free_at[side] = Time::NEVER;
            }
            self.hosts[side].endpoint_mut().on_wake(self.now);
            self.send(side);
        }
    }

    /// Sends what `side` has, as far as its interface takes it.
    fn send(&mut self, side: usize) {
        for sent in 0.. {
            assert!(sent < MOST_AT_ONCE, "side {side} sends without end at {}", self.now);
            if !self.free_at[side].is_never() {
                return;
            }
            if sent == self.interface {
                self.hosts[side].endpoint_mut().host_limited(self.now);
                self.free_at[side] = self.now + Span::from_micros(10);
                return;
            }
            let Some((segment, packet)) = self.hosts[side].transmit(self.now) else { break };
            self.packets += 1;
            let again = self.ledger.on_departure(side, &segment, self.hosts[side].endpoint());
            self.sent[side].again += again;
            self.carry(side, segment, packet);
        }
        self.ledger.look(side, self.hosts[side].endpoint(), self.hosts[side].arrived());
    }

    fn carry(&mut self, side: usize, mut segment: Segment, mut packet: Packet) {
        let number = self.sent[side].packets;
        self.sent[side].packets += u64::from(segment.payload > 0);
        let fate = if self.data_alone && segment.payload == 0 { Fate::Pass } else { self.fates[side].next() };
        let mut at = self.now + self.delay;
        match fate {
            Fate::Drop => {
                if segment.payload > 0 {
                    self.sent[side].lost.push((number, segment.payload));
                }
                return;
            }
            Fate::Late(steps) => at += Span::from_micros(16 * u64::from(steps)),
            Fate::Mark if segment.codepoint != Codepoint::NotEct => {
                segment.codepoint = Codepoint::Ce;
                match &mut packet {
                    Packet::Segment(segment) => segment.codepoint = Codepoint::Ce,
                    Packet::Bytes(bytes) => wire::mark_ce(bytes),
                }
            }
            Fate::Pass | Fate::Twice | Fate::Mark => {}
        }
        let mut segment = Some(segment);
        if let Packet::Bytes(bytes) = &mut packet
            && let Some((place, change)) = self.fates[side].damage(self.damaged, bytes.len())
        {
            bytes[place] ^= change;
            segment = None;
        }
        if fate == Fate::Twice {
            let copy = match &packet {
                Packet::Segment(segment) => Packet::Segment(*segment),
                Packet::Bytes(bytes) => Packet::Bytes(bytes.clone()),
            };
            self.on_the_way.insert((at, 2 * self.packets + 1), (1 - side, segment, copy));
        }
        self.on_the_way.insert((at, 2 * self.packets), (1 - side, segment, packet));
    }

    fn finish(mut self) -> Outcome {
        let [a, b] = &self.hosts;
        for (n, (name, host, peer)) in [("first", a, b), ("second", b, a)].into_iter().enumerate() {
            let (endpoint, other) = (host.endpoint(), peer.endpoint());
            assert_eq!(endpoint.received(), other.written(), "what the {name} side received of what was written");
            assert_eq!(endpoint.acknowledged(), endpoint.written(), "what of the {name} side's was acknowledged");
            assert_eq!(endpoint.status(), Status::Closed, "the {name} side");
            self.sent[n].counters = endpoint.counters();
        }
        let bytes = a.endpoint().received() + b.endpoint().received();
        Outcome { end: self.now, packets: self.packets, bytes, sides: self.sent }
    }
}
