//! Two endpoints of whichever stack, a clock that is turned by hand, and a wire that does what a test asks for.

use std::collections::BTreeMap;

use burstlab_algorithms::{Bytes, Rate, Span, Time};
use burstlab_network::{Codepoint, Direction, Flags, FlowId, Segment};

use super::super::{Congestion, Connection};
use super::config;
use crate::{Endpoint, Status};

/// What becomes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Pass,
    Drop,
    Mark,
    Late(Span),
}

/// Decides over each segment, given how many came before it and how many bytes wait.
pub type Rule = Box<dyn FnMut(usize, u64, &Segment) -> Fate>;

/// One way of the path.
pub struct Pipe {
    pub delay: Span,
    pub rate: Rate,
    pub rule: Rule,
    free: Time,
    on_the_way: BTreeMap<(Time, usize), Segment>,
    count: usize,
}

impl Pipe {
    fn new() -> Pipe {
        Pipe {
            delay: Span::from_micros(50),
            rate: Rate::from_bits_per_sec(1_000_000_000),
            rule: Box::new(|_, _, _| Fate::Pass),
            free: Time::ZERO,
            on_the_way: BTreeMap::new(),
            count: 0,
        }
    }

    fn send(&mut self, now: Time, mut segment: Segment) {
        let backlog = self.free.since(now).as_nanos() / 8;
        let fate = (self.rule)(self.count, backlog, &segment);
        self.count += 1;
        if fate == Fate::Drop {
            return;
        }
        self.free = self.free.max(now) + self.rate.transmission_time(segment.wire_len());
        let mut at = self.free + self.delay;
        match fate {
            Fate::Late(more) => at += more,
            Fate::Mark if segment.codepoint != Codepoint::NotEct => segment.codepoint = Codepoint::Ce,
            _ => {}
        }
        self.on_the_way.insert((at, self.count), segment);
    }

    fn next(&self) -> Time {
        self.on_the_way.keys().next().map_or(Time::NEVER, |key| key.0)
    }
}

/// Two endpoints and the path between them.
pub struct Pair {
    pub now: Time,
    pub a: Box<dyn Endpoint>,
    pub b: Box<dyn Endpoint>,
    pub forward: Pipe,
    pub backward: Pipe,
    /// Every segment that left, and when.
    pub log: Vec<(Time, Segment)>,
}

/// A smoltcp endpoint of the usual configuration.
pub fn side(direction: Direction, congestion: Congestion) -> Box<dyn Endpoint> {
    let mut config = config();
    if direction == Direction::Backward {
        std::mem::swap(&mut config.own, &mut config.peer);
    }
    Box::new(Connection::new(config, direction, FlowId(1), congestion))
}

impl Pair {
    pub fn of(a: Box<dyn Endpoint>, b: Box<dyn Endpoint>) -> Pair {
        Pair { now: Time::ZERO, a, b, forward: Pipe::new(), backward: Pipe::new(), log: Vec::new() }
    }

    /// Both sides of smoltcp.
    pub fn new(congestion: impl Fn() -> Congestion) -> Pair {
        Pair::of(side(Direction::Forward, congestion()), side(Direction::Backward, congestion()))
    }

    pub fn opened(mut self) -> Pair {
        self.a.connect(self.now);
        self.run_for(Span::from_millis(1));
        assert_eq!((self.a.status(), self.b.status()), (Status::Open, Status::Open));
        self.log.clear();
        (self.forward.count, self.backward.count) = (0, 0);
        self
    }

    fn pump(&mut self) {
        for _ in 0..1_000_000 {
            let (one, other) = (self.a.poll_transmit(self.now), self.b.poll_transmit(self.now));
            for segment in one.into_iter().chain(other) {
                self.log.push((self.now, segment));
                match segment.direction {
                    Direction::Forward => self.forward.send(self.now, segment),
                    Direction::Backward => self.backward.send(self.now, segment),
                }
            }
            if one.is_none() && other.is_none() {
                return;
            }
        }
        panic!("the sides send without end at {}", self.now);
    }

    fn next_event(&self) -> Time {
        self.forward.next().min(self.backward.next()).min(self.a.next_wake()).min(self.b.next_wake())
    }

    /// Turns the clock to the next event, if it comes before `end`.
    pub fn step(&mut self, end: Time) -> bool {
        self.pump();
        let next = self.next_event();
        if next.is_never() || next > end {
            return false;
        }
        self.now = self.now.max(next);
        while let Some(entry) = self.forward.on_the_way.first_entry().filter(|e| e.key().0 <= self.now) {
            self.b.on_segment(self.now, &entry.remove());
            self.pump();
        }
        while let Some(entry) = self.backward.on_the_way.first_entry().filter(|e| e.key().0 <= self.now) {
            self.a.on_segment(self.now, &entry.remove());
            self.pump();
        }
        self.a.on_wake(self.now);
        self.b.on_wake(self.now);
        self.pump();
        for side in [&self.a, &self.b] {
            assert!(side.next_wake() > self.now, "asks to be woken at once, again and again");
        }
        true
    }

    pub fn run_for(&mut self, span: Span) {
        let end = self.now + span;
        while self.step(end) {}
        self.now = end;
    }

    /// `a` writes `bytes`, and everything is there within `most`. Gives the time it took.
    pub fn transfer(&mut self, bytes: u64, most: Span) -> Span {
        let (begin, before) = (self.now, self.b.received());
        self.a.write(self.now, Bytes::new(bytes));
        while self.a.acknowledged() < self.a.written() {
            let going = self.step(begin + most);
            assert!(going, "{} of {} bytes after {}", self.b.received() - before, bytes, self.now.since(begin));
        }
        assert_eq!(self.b.received() - before, bytes);
        self.now.since(begin)
    }

    /// Data segments of one direction that left, with when.
    pub fn data(&self, direction: Direction) -> Vec<(Time, Segment)> {
        self.log.iter().filter(|(_, s)| s.direction == direction && s.payload > 0).copied().collect()
    }

    /// Segments of `b` that only acknowledge.
    pub fn acks(&self) -> Vec<Segment> {
        let bare = |s: &&(Time, Segment)| s.1.direction == Direction::Backward && s.1.seq_len() == 0;
        self.log.iter().filter(bare).map(|(_, s)| *s).filter(|s| s.flags.has(Flags::ACK)).collect()
    }
}

/// Drops the data segments with these numbers of order.
pub fn drop_data(numbers: impl IntoIterator<Item = usize>) -> Rule {
    let numbers: Vec<usize> = numbers.into_iter().collect();
    let mut seen = 0;
    Box::new(move |_, _, segment| {
        if segment.payload == 0 {
            return Fate::Pass;
        }
        seen += 1;
        if numbers.contains(&(seen - 1)) { Fate::Drop } else { Fate::Pass }
    })
}
