//! A port: a queue, and behind it a link of constant rate and delay.
//!
//! A FIFO that drains at a constant rate knows at arrival when a packet will leave:
//! departure = max(arrival, end of the one before) + transmission time. So a packet costs one event a hop, and what
//! waits at an instant follows from the arrival times of what is under way.

use std::collections::VecDeque;

use burstlab_units::{Bytes, Rate, Span, Time};

use crate::impairment::{Fate, Impaired};
use crate::queue::{Discipline, Occupancy, Verdict};
use crate::{Codepoint, Probe, Segment};

/// Which port of a network, in the order in which the topology made them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub u32);

/// A packet between joining a queue and arriving at the other end of the link.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InFlight {
    /// When it arrives at the far end.
    pub at: Time,
    /// The packet.
    pub segment: Segment,
    /// How many hops of its path lie behind it.
    pub hop: u32,
}

/// A queue and its link.
#[derive(Debug)]
pub(crate) struct Port {
    rate: Rate,
    delay: Span,
    discipline: Discipline,
    /// Queued packets and those on the wire, oldest first.
    under_way: VecDeque<InFlight>,
    /// How many of them have left the queue.
    departed: usize,
    /// What waits.
    waiting: Occupancy,
    /// When the transmitter is done with all that it was given.
    free_at: Time,
    /// Size and transmission time of the last packet: mostly all are alike, and the division is dear.
    last: (u64, Span),
    /// Bytes that joined the queue.
    accepted: u64,
    impaired: Option<Box<Impaired>>,
}

/// What [`Port::receive`] gives.
pub(crate) struct Received {
    /// The packet, unless it was lost or held back.
    pub packet: Option<InFlight>,
    /// When the port has something to give again.
    pub next: Time,
}

impl Port {
    pub fn new(rate: Rate, delay: Span, discipline: Discipline, impaired: Option<Impaired>) -> Port {
        Port {
            rate,
            delay,
            discipline,
            under_way: VecDeque::new(),
            departed: 0,
            waiting: Occupancy::default(),
            free_at: Time::ZERO,
            last: (0, Span::ZERO),
            accepted: 0,
            impaired: impaired.map(Box::new),
        }
    }

    pub fn rate(&self) -> Rate {
        self.rate
    }

    pub fn transmitted(&self) -> Bytes {
        Bytes::new(self.accepted - self.waiting.bytes)
    }

    pub fn waiting(&self) -> Occupancy {
        self.waiting
    }

    /// When the transmitter is done with all that it was given.
    pub fn free_at(&self) -> Time {
        self.free_at
    }

    /// A packet arrives at the queue. Returns when the port has something to give, if it had nothing before.
    #[inline]
    pub fn enqueue<P: Probe>(&mut self, id: PortId, now: Time, packet: InFlight, probe: &mut P) -> Option<Time> {
        self.depart_until(id, now, probe);
        let size = packet.segment.wire_len().get();
        let start = self.free_at.max(now);
        let mut segment = packet.segment;
        if start > now {
            let with_it = Occupancy { packets: self.waiting.packets + 1, bytes: self.waiting.bytes + size };
            match self.discipline.judge(with_it) {
                Verdict::Drop => {
                    probe.on_drop(id, now, &segment);
                    return None;
                }
                Verdict::Mark if segment.codepoint != Codepoint::NotEct => {
                    segment.codepoint = Codepoint::Ce;
                    probe.on_mark(id, now, &segment);
                }
                Verdict::Mark | Verdict::Keep => {}
            }
            probe.on_arrival(id, now, &segment, start.since(now), self.waiting);
            self.waiting = with_it;
        } else {
            probe.on_arrival(id, now, &segment, Span::ZERO, self.waiting);
            self.departed += 1;
        }
        self.free_at = start + self.transmission_time(size);
        self.accepted += size;
        let at = self.free_at + self.delay;
        self.under_way.push_back(InFlight { at, segment, hop: packet.hop });
        (self.under_way.len() == 1 && at < self.next_held()).then_some(at)
    }

    /// Lets all packets depart whose transmission began by `now`, and reports them.
    #[inline]
    pub fn depart_until<P: Probe>(&mut self, id: PortId, now: Time, probe: &mut P) {
        while self.waiting.packets > 0 {
            // The next to depart does so when the transmitter is done with the one before it. That one may have
            // arrived already, in which case it was done long ago.
            let start = match self.departed.checked_sub(1) {
                Some(before) => self.under_way[before].at - self.delay,
                None => now,
            };
            if start > now {
                break;
            }
            self.waiting.packets -= 1;
            self.waiting.bytes -= self.under_way[self.departed].segment.wire_len().get();
            self.departed += 1;
            probe.on_departure(id, start, self.waiting);
        }
    }

    /// Takes what arrives at the far end at `now`; to be called at the instant that the port gave.
    #[inline]
    pub fn receive<P: Probe>(&mut self, id: PortId, now: Time, probe: &mut P) -> Received {
        if self.impaired.is_some() {
            return self.receive_impaired(id, now, probe);
        }
        let packet = self.pop(id, now, probe);
        Received { packet, next: self.under_way.front().map_or(Time::NEVER, |p| p.at) }
    }

    #[inline]
    fn pop<P: Probe>(&mut self, id: PortId, now: Time, probe: &mut P) -> Option<InFlight> {
        // The packet behind this one departs by what this one tells of its end, so it has to go first.
        self.depart_until(id, now, probe);
        let packet = self.under_way.pop_front()?;
        self.departed -= 1;
        Some(packet)
    }

    #[cold]
    fn receive_impaired<P: Probe>(&mut self, id: PortId, now: Time, probe: &mut P) -> Received {
        let front = self.under_way.front().map_or(Time::NEVER, |p| p.at);
        if front.min(self.next_held()) > now {
            // A packet that was not held back overtook the one that this call was made for: it is called for anew.
            return Received { packet: None, next: Time::NEVER };
        }
        let held_first = self.next_held() <= now;
        let mut packet = if held_first { None } else { self.pop(id, now, probe) };
        if let Some(impaired) = &mut self.impaired {
            if held_first {
                packet = impaired.pop();
            } else if let Some(arriving) = packet {
                match impaired.draw() {
                    Fate::Arrives => {}
                    Fate::ArrivesTwice => impaired.hold_until(now, arriving),
                    Fate::HeldBack => {
                        impaired.hold(now, arriving);
                        packet = None;
                    }
                    Fate::Lost => {
                        probe.on_loss(id, now, &arriving.segment);
                        packet = None;
                    }
                }
            }
        }
        let front = self.under_way.front().map_or(Time::NEVER, |p| p.at);
        Received { packet, next: front.min(self.next_held()) }
    }

    fn next_held(&self) -> Time {
        self.impaired.as_ref().map_or(Time::NEVER, |i| i.next_at())
    }

    #[inline]
    fn transmission_time(&mut self, size: u64) -> Span {
        if self.last.0 != size {
            self.last = (size, self.rate.transmission_time(Bytes::new(size)));
        }
        self.last.1
    }
}
