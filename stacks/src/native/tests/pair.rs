//! Two connections, a clock that is turned by hand, and a pipe that does to segments what a test asks for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use burstlab_algorithms::{
    Ack, Bytes, Cause, Congestion, Control, Controller, Ecn, EcnFeedback, Explanation, LostPacket, Phase, Rate,
    RateSample, Sent, Span, Time,
};
use burstlab_network::{Codepoint, Direction, Flags, FlowId, Segment};

use super::super::{Config, Connection};
use crate::{Endpoint, Status};

/// What becomes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Pass,
    Drop,
    Twice,
    Late(Span),
    Mark,
}

/// Decides over each segment, given how many came before it.
pub type Rule = Box<dyn FnMut(usize, &Segment) -> Fate>;

/// One way of the path.
pub struct Pipe {
    pub delay: Span,
    pub rate: Option<Rate>,
    free: Time,
    on_the_way: BTreeMap<(Time, u64), Segment>,
    count: usize,
    pub rule: Rule,
}

impl Pipe {
    fn new() -> Pipe {
        Pipe {
            delay: Span::from_micros(50),
            rate: None,
            free: Time::ZERO,
            on_the_way: BTreeMap::new(),
            count: 0,
            rule: Box::new(|_, _| Fate::Pass),
        }
    }

    /// Lets nothing out before `end`, and everything in order then.
    pub fn hold_until(&mut self, end: Time) {
        self.free = end;
    }

    fn send(&mut self, now: Time, mut segment: Segment) {
        let fate = (self.rule)(self.count, &segment);
        self.count += 1;
        let serialisation = self.rate.map_or(Span::ZERO, |rate| rate.transmission_time(segment.wire_len()));
        self.free = self.free.max(now) + serialisation;
        let mut at = self.free + self.delay;
        match fate {
            Fate::Drop => return,
            Fate::Late(more) => at += more,
            Fate::Mark if segment.codepoint != Codepoint::NotEct => segment.codepoint = Codepoint::Ce,
            _ => {}
        }
        let order = 2 * self.count as u64;
        self.on_the_way.insert((at, order), segment);
        if fate == Fate::Twice {
            self.on_the_way.insert((at, order + 1), segment);
        }
    }
}

/// Two connections and the path between them.
pub struct Pair {
    pub now: Time,
    pub a: Connection,
    pub b: Connection,
    pub forward: Pipe,
    pub backward: Pipe,
    /// Every segment that left, and when.
    pub log: Vec<(Time, Segment)>,
    /// What the controller of `a` was told.
    pub told: Arc<Mutex<Told>>,
}

/// What a controller was told, for tests to look at.
#[derive(Default)]
pub struct Told {
    pub acks: Vec<Ack<'static>>,
    pub samples: Vec<RateSample>,
    pub congestion: Vec<Congestion>,
    pub lost: Vec<LostPacket>,
    pub sent: Vec<Sent>,
    pub recovered: usize,
    pub undone: usize,
    pub timers: Vec<Time>,
}

/// Reno in a few lines, with everything that it hears on record.
pub struct Recorder {
    pub control: Control,
    pub feedback: EcnFeedback,
    pub grows: bool,
    before: Bytes,
    told: Arc<Mutex<Told>>,
}

impl Recorder {
    pub fn new(window: u64, told: &Arc<Mutex<Told>>) -> Recorder {
        let control = Control::window(Bytes::new(window)).with_ecn(Ecn::Ect0);
        Recorder { control, feedback: EcnFeedback::None, grows: false, before: Bytes::ZERO, told: Arc::clone(told) }
    }
}

impl Controller for Recorder {
    fn on_ack(&mut self, ack: &Ack) {
        let mut told = self.told.lock().unwrap();
        told.acks.push(Ack { hops: &[], ..*ack });
        told.samples.extend(ack.rate);
        if self.grows && ack.window_limited && matches!(ack.phase, Phase::Open | Phase::Loss) {
            self.control.window += ack.acked;
        }
    }
    fn on_congestion(&mut self, congestion: &Congestion) {
        self.told.lock().unwrap().congestion.push(*congestion);
        self.before = self.before.max(self.control.window);
        let mss = congestion.mss.get();
        self.control.window = match congestion.cause {
            Cause::Timeout => congestion.mss,
            _ => Bytes::new((self.control.window.get() / 2).max(2 * mss)),
        };
    }
    fn on_recovered(&mut self, _: Time) {
        self.told.lock().unwrap().recovered += 1;
    }
    fn on_undo(&mut self, _: Time) {
        self.told.lock().unwrap().undone += 1;
        self.control.window = self.before;
    }
    fn on_lost(&mut self, lost: &LostPacket) {
        self.told.lock().unwrap().lost.push(*lost);
    }
    fn on_sent(&mut self, sent: &Sent) {
        self.told.lock().unwrap().sent.push(*sent);
    }
    fn on_timer(&mut self, now: Time) {
        self.told.lock().unwrap().timers.push(now);
        self.control.timer = Time::NEVER;
    }
    fn control(&self) -> Control {
        self.control
    }
    fn ecn_feedback(&self) -> EcnFeedback {
        self.feedback
    }
    fn explain(&self) -> Explanation {
        Explanation::default()
    }
}

pub const MSS: u64 = 1000;

/// A configuration with round numbers.
pub fn config() -> Config {
    Config { mss: MSS as u16, timestamps: false, slow_start_after_idle: false, ..Config::default() }
}

impl Pair {
    /// Two sides with the same configuration and a fixed window of 20 packets that halves on congestion.
    pub fn new(config: Config) -> Pair {
        Pair::with(config, EcnFeedback::None, |recorder| recorder)
    }

    /// The same, with a controller of one's own making on both sides.
    pub fn with(config: Config, feedback: EcnFeedback, shape: impl Fn(Recorder) -> Recorder) -> Pair {
        let told = Arc::default();
        let side = |direction, told: &Arc<Mutex<Told>>| {
            let controller = Box::new(shape(Recorder::new(20 * MSS, told)));
            let mut config = config.clone();
            if direction == Direction::Backward {
                config.initial_sequence = config.initial_sequence.wrapping_add(77_777);
            }
            Connection::new(config, direction, FlowId(1), controller, feedback)
        };
        Pair {
            now: Time::ZERO,
            a: side(Direction::Forward, &told),
            b: side(Direction::Backward, &Arc::default()),
            forward: Pipe::new(),
            backward: Pipe::new(),
            log: Vec::new(),
            told,
        }
    }

    /// The same, with the handshake done.
    pub fn open(config: Config) -> Pair {
        Pair::new(config).opened()
    }

    pub fn opened(mut self) -> Pair {
        self.a.connect(self.now);
        self.run_for(Span::from_micros(200));
        assert_eq!((self.a.status(), self.b.status()), (Status::Open, Status::Open));
        self.log.clear();
        *self.told.lock().unwrap() = Told::default();
        (self.forward.count, self.backward.count) = (0, 0);
        self
    }

    /// Lets both sides send what they may.
    pub fn pump(&mut self) {
        for _ in 0..100_000 {
            let (one, other) = (self.a.poll_transmit(self.now), self.b.poll_transmit(self.now));
            self.log.extend(one.into_iter().chain(other).map(|segment| (self.now, segment)));
            if let Some(segment) = one {
                self.forward.send(self.now, segment);
            }
            if let Some(segment) = other {
                self.backward.send(self.now, segment);
            }
            if one.is_none() && other.is_none() {
                return;
            }
        }
        panic!("the sides send without end at {}", self.now);
    }

    fn next_event(&self) -> Time {
        let first = |pipe: &Pipe| pipe.on_the_way.keys().next().map_or(Time::NEVER, |key| key.0);
        first(&self.forward).min(first(&self.backward)).min(self.a.next_wake()).min(self.b.next_wake())
    }

    fn deliver(&mut self) {
        while let Some(entry) = self.forward.on_the_way.first_entry().filter(|e| e.key().0 <= self.now) {
            self.b.on_segment(self.now, &entry.remove());
            self.pump();
        }
        while let Some(entry) = self.backward.on_the_way.first_entry().filter(|e| e.key().0 <= self.now) {
            self.a.on_segment(self.now, &entry.remove());
            self.pump();
        }
    }

    /// Turns the clock until `end`, or until nothing is left to happen.
    pub fn run_until(&mut self, end: Time) {
        self.pump();
        let (mut last, mut repeats) = (Time::NEVER, 0);
        loop {
            let next = self.next_event();
            if next > end || next.is_never() {
                self.now = if end.is_never() { self.now } else { end };
                return;
            }
            repeats = if next == last { repeats + 1 } else { 0 };
            assert!(repeats < 10_000, "the clock stands still at {next}");
            last = next;
            self.now = self.now.max(next);
            self.deliver();
            self.a.on_wake(self.now);
            self.b.on_wake(self.now);
            self.pump();
        }
    }

    pub fn run_for(&mut self, span: Span) {
        self.run_until(self.now + span);
    }

    /// Runs until nothing is left to happen, at most `span`.
    pub fn settle(&mut self, span: Span) -> Time {
        let end = self.now + span;
        self.pump();
        loop {
            let next = self.next_event();
            if next.is_never() || next > end {
                return self.now;
            }
            self.run_until(next);
        }
    }

    /// `a` writes `bytes` and everything arrives.
    pub fn transfer(&mut self, bytes: u64) {
        let before = self.b.received();
        self.a.write(self.now, Bytes::new(bytes));
        self.pump();
        for _ in 0..100_000 {
            if self.a.acknowledged() == self.a.written() {
                break;
            }
            let next = self.next_event();
            assert!(!next.is_never(), "stuck: {} of {} acknowledged", self.a.acknowledged(), self.a.written());
            self.run_until(next);
        }
        assert_eq!(self.b.received() - before, bytes);
    }

    /// `a` writes `bytes` that `b` does not read.
    pub fn transfer_unread(&mut self, bytes: u64) {
        self.a.write(self.now, Bytes::new(bytes));
        self.run_for(Span::from_millis(5));
    }

    /// `a` writes something and sees what comes back.
    pub fn transfer_into_void(&mut self) {
        self.a.write(self.now, Bytes::new(MSS));
        self.run_for(Span::from_millis(1));
    }

    /// Data segments of one direction that left, with when.
    pub fn data(&self, direction: Direction) -> Vec<(Time, Segment)> {
        let wanted = |(_, s): &&(Time, Segment)| s.direction == direction && s.payload > 0;
        self.log.iter().filter(wanted).copied().collect()
    }

    /// Segments of `b` that carry nothing but an acknowledgement.
    pub fn acks(&self) -> Vec<(Time, Segment)> {
        let wanted = |(_, s): &&(Time, Segment)| {
            s.direction == Direction::Backward && s.seq_len() == 0 && s.flags.has(Flags::ACK)
        };
        self.log.iter().filter(wanted).copied().collect()
    }

    pub fn causes(&self) -> Vec<Cause> {
        self.told.lock().unwrap().congestion.iter().map(|c| c.cause).collect()
    }
}

/// Drops the data segments with these numbers of order.
pub fn drop_data(numbers: impl IntoIterator<Item = usize>) -> Rule {
    let numbers: Vec<usize> = numbers.into_iter().collect();
    let mut seen = 0;
    Box::new(move |_, segment| {
        if segment.payload == 0 {
            return Fate::Pass;
        }
        seen += 1;
        if numbers.contains(&(seen - 1)) { Fate::Drop } else { Fate::Pass }
    })
}

/// A seeded source of numbers (splitmix64), for tests that need many fates.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}
