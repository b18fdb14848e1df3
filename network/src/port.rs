//! A port: a queue, and behind it a link of constant rate and delay.
//!
//! A FIFO that drains at a constant rate knows at arrival when a packet will leave:
//! departure = max(arrival, end of the one before) + transmission time. So a packet costs one event a hop, and what
//! waits at an instant follows from the arrival times of what is under way.

use std::collections::VecDeque;

use burstlab_units::{Bytes, Rate, Span, Time};

use crate::impairment::Impaired;
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
    /// Its length on the wire in bytes.
    pub size: u32,
    /// How many hops of its path lie behind it.
    pub hop: u32,
    /// The packet.
    pub segment: Segment,
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
    last: (u32, Span),
    /// Bytes that joined the queue.
    accepted: u64,
    impaired: Option<Box<Impaired>>,
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

    /// A packet arrives at the queue, `hop` hops on its way. Returns when the port has something to give, if it had
    /// nothing before. The segment comes by reference: it is copied once a hop, into its place in line.
    #[inline]
    pub fn enqueue<P: Probe>(
        &mut self,
        id: PortId,
        now: Time,
        (segment, size, hop): (&Segment, u32, u32),
        probe: &mut P,
    ) -> Option<Time> {
        self.depart_until(id, now, probe);
        let start = self.free_at.max(now);
        let mut mark = false;
        if start > now {
            let with_it = Occupancy { packets: self.waiting.packets + 1, bytes: self.waiting.bytes + u64::from(size) };
            match self.discipline.judge(with_it) {
                Verdict::Drop => {
                    probe.on_drop(id, now, segment);
                    return None;
                }
                Verdict::Mark => mark = segment.codepoint != Codepoint::NotEct,
                Verdict::Keep => {}
            }
            probe.on_arrival(id, now, segment, start.since(now), self.waiting);
            self.waiting = with_it;
        } else {
            probe.on_arrival(id, now, segment, Span::ZERO, self.waiting);
            self.departed += 1;
        }
        self.free_at = start + self.transmission_time(size);
        self.accepted += u64::from(size);
        let at = self.free_at + self.delay;
        self.under_way.push_back(InFlight { at, size, hop, segment: *segment });
        if mark {
            self.mark_last(id, now, probe);
        }
        match &mut self.impaired {
            None => (self.under_way.len() == 1).then_some(at),
            Some(impaired) => impaired.call_at(at).then_some(at),
        }
    }

    fn mark_last<P: Probe>(&mut self, id: PortId, now: Time, probe: &mut P) {
        if let Some(packet) = self.under_way.back_mut() {
            packet.segment.codepoint = Codepoint::Ce;
            probe.on_mark(id, now, &packet.segment);
        }
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
            self.waiting.bytes -= u64::from(self.under_way[self.departed].size);
            self.departed += 1;
            probe.on_departure(id, start, self.waiting);
        }
    }

    /// The packet that arrives at the far end at `now`, the instant that the port gave; `None` if it was lost or held
    /// back on an impaired link. It stays in line until [`take`](Self::take).
    #[inline]
    pub fn arriving<P: Probe>(&mut self, id: PortId, now: Time, probe: &mut P) -> Option<&InFlight> {
        if self.impaired.is_some() {
            return self.arriving_impaired(id, now, probe);
        }
        // The packet behind this one departs by what this one tells of its end, so it has to go first.
        self.depart_until(id, now, probe);
        self.under_way.front()
    }

    /// The packet that [`arriving`](Self::arriving) gave.
    #[inline]
    pub fn current(&self) -> Option<&InFlight> {
        match &self.impaired {
            None => self.under_way.front(),
            Some(impaired) => impaired.current(),
        }
    }

    /// Takes the packet that arrived out of the line. Returns when the port has something to give again.
    #[inline]
    pub fn take(&mut self, now: Time) -> Time {
        if self.impaired.is_some() {
            return self.next_impaired(now);
        }
        self.under_way.pop_front();
        self.departed -= 1;
        self.under_way.front().map_or(Time::NEVER, |packet| packet.at)
    }

    #[cold]
    fn arriving_impaired<P: Probe>(&mut self, id: PortId, now: Time, probe: &mut P) -> Option<&InFlight> {
        self.depart_until(id, now, probe);
        let impaired = self.impaired.as_mut()?;
        if !impaired.is_called(now) {
            return None;
        }
        if let Some(packet) = self.under_way.pop_front_if(|packet| packet.at <= now) {
            self.departed -= 1;
            if !impaired.pass(now, packet) {
                probe.on_loss(id, now, &packet.segment);
            }
        }
        impaired.release(now)
    }

    #[cold]
    fn next_impaired(&mut self, now: Time) -> Time {
        let front = self.under_way.front().map_or(Time::NEVER, |packet| packet.at);
        match &mut self.impaired {
            Some(impaired) if impaired.is_called(now) => {
                let next = front.min(impaired.next_at());
                impaired.called_next(next);
                next
            }
            // Called in vain: the call that counts is still to come.
            _ => Time::NEVER,
        }
    }

    #[inline]
    fn transmission_time(&mut self, size: u32) -> Span {
        if self.last.0 != size {
            self.last = (size, self.rate.transmission_time(Bytes::new(u64::from(size))));
        }
        self.last.1
    }
}
