//! A port: a queue, and behind it a link of constant rate and delay.
//!
//! A FIFO that drains at a constant rate knows at arrival when a packet will leave:
//! departure = max(arrival, end of the one before) + transmission time. So a packet costs one event a hop, and what
//! waits at an instant follows from the arrival times of what is under way.

use burstlab_units::{Bytes, Rate, Span, Time};

use crate::codel::Waiting;
use crate::impairment::Impaired;
use crate::packets::{PacketId, Packets};
use crate::queue::{Discipline, Occupancy, Verdict};
use crate::red::Red;
use crate::ring::Ring;
use crate::{Codepoint, Probe, Segment, Violation};

mod deciding;

pub(crate) use deciding::Deciding;

/// Which port of a network, in the order in which the topology made them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub u32);

/// A packet between joining a queue and arriving at the other end of the link.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct InFlight {
    /// When it arrives at the far end.
    pub at: Time,
    /// Its length on the wire in bytes.
    pub size: u32,
    /// Which packet.
    pub packet: PacketId,
}

/// What became of a packet that arrived at a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enqueued {
    /// The port had nothing to give, and has at this instant.
    First(Time),
    /// It waits behind others, or the port is known to give something earlier.
    Behind,
    /// There was no room.
    Dropped,
}

/// A rule with a memory of what passed.
#[derive(Debug)]
pub(crate) enum Rule {
    /// It marks or drops at random as packets arrive.
    Red(Box<Red>),
    /// Packets are decided about as they leave; until then they are not under way.
    Codel(Box<Deciding>),
}

/// A queue and its link.
#[derive(Debug)]
pub(crate) struct Port {
    rate: Rate,
    delay: Span,
    discipline: Discipline,
    rule: Option<Rule>,
    /// Queued packets and those on the wire, oldest first.
    under_way: Ring<InFlight>,
    /// How many of them have left the queue.
    departed: usize,
    /// What waits.
    waiting: Occupancy,
    /// When the first of those that wait departs.
    departs_at: Time,
    /// When the transmitter is done with all that it was given.
    free_at: Time,
    /// Size and transmission time of the last packet: mostly all are alike, and the division is dear.
    last: (u32, Span),
    /// Packets that came.
    offered: u64,
    /// Packets that were dropped.
    dropped: u64,
    /// Bytes that joined the queue.
    accepted: u64,
    /// Packets that reached the end of the link, and their bytes.
    given: u64,
    given_bytes: u64,
    /// Of them, those that were taken at another instant than that of their arrival.
    mistimed: u64,
    impaired: Option<Box<Impaired>>,
}

impl Port {
    pub fn new(
        rate: Rate,
        delay: Span,
        discipline: Discipline,
        rule: Option<Rule>,
        impaired: Option<Impaired>,
    ) -> Port {
        Port {
            rate,
            delay,
            discipline,
            rule,
            under_way: Ring::new(),
            departed: 0,
            waiting: Occupancy::default(),
            departs_at: Time::NEVER,
            free_at: Time::ZERO,
            last: (0, Span::ZERO),
            offered: 0,
            dropped: 0,
            accepted: 0,
            given: 0,
            given_bytes: 0,
            mistimed: 0,
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

    /// A packet of `size` bytes arrives at the queue, from which [everything has departed](Self::depart_until) that does so
    /// by now.
    #[inline(always)]
    pub fn enqueue<P: Probe>(
        &mut self,
        id: PortId,
        now: Time,
        packet: PacketId,
        size: u32,
        segment: &mut Segment,
        probe: &mut P,
    ) -> Enqueued {
        self.offered += 1;
        let start = self.free_at.max(now);
        if start > now {
            let with_it = Occupancy { packets: self.waiting.packets + 1, bytes: self.waiting.bytes + u64::from(size) };
            let verdict = match self.discipline.judge(with_it) {
                Verdict::Ask => self.ask(now, size, segment),
                verdict => verdict,
            };
            match verdict {
                Verdict::Drop => {
                    self.dropped += 1;
                    probe.on_drop(id, now, segment);
                    return Enqueued::Dropped;
                }
                Verdict::Mark if segment.codepoint != Codepoint::NotEct => {
                    segment.codepoint = Codepoint::Ce;
                    probe.on_mark(id, now, segment);
                }
                Verdict::Decide => {
                    self.join(id, Waiting { packet, size, arrived: now }, with_it, segment, probe);
                    return Enqueued::Behind;
                }
                Verdict::Mark | Verdict::Keep | Verdict::Ask => {}
            }
            probe.on_arrival(id, now, segment, start.since(now), self.waiting);
            if self.waiting.packets == 0 {
                self.departs_at = start;
            }
            self.waiting = with_it;
        } else {
            probe.on_arrival(id, now, segment, Span::ZERO, self.waiting);
            self.departed += 1;
            if self.rule.is_some() {
                self.pass(now, size, segment);
            }
        }
        self.free_at = start + self.transmission_time(size);
        self.accepted += u64::from(size);
        let at = self.free_at + self.delay;
        self.under_way.push(InFlight { at, size, packet });
        let news = match &mut self.impaired {
            None => self.under_way.len() == 1,
            Some(impaired) => impaired.call_at(at),
        };
        if news { Enqueued::First(at) } else { Enqueued::Behind }
    }

    /// What random marking makes of a packet.
    #[cold]
    fn ask(&mut self, now: Time, size: u32, segment: &Segment) -> Verdict {
        let rested = now.since(self.free_at).as_nanos() as f64 / self.transmission_time(size).as_nanos().max(1) as f64;
        let Some(Rule::Red(red)) = &mut self.rule else { return Verdict::Keep };
        match red.strikes(self.waiting, rested) {
            true if red.marks() && segment.codepoint != Codepoint::NotEct => Verdict::Mark,
            true => Verdict::Drop,
            false => Verdict::Keep,
        }
    }

    /// A packet finds the link free, which rules with a memory remember. None harms it.
    #[cold]
    fn pass(&mut self, now: Time, size: u32, segment: &Segment) {
        if let Some(Rule::Codel(deciding)) = &mut self.rule {
            deciding.pass(size);
        }
        self.ask(now, size, segment);
    }

    /// Lets all packets depart whose transmission began by `now`, and reports them. Mostly there are none, so that only the
    /// question is asked in place.
    #[inline(always)]
    pub fn depart_until<P: Probe>(&mut self, id: PortId, now: Time, packets: &mut Packets, probe: &mut P) {
        if self.departs_at <= now {
            self.depart(id, now, packets, probe);
        }
    }

    #[inline(never)]
    fn depart<P: Probe>(&mut self, id: PortId, now: Time, packets: &mut Packets, probe: &mut P) {
        if let Some(Rule::Codel(_)) = &self.rule {
            self.decide(id, now, packets, probe);
            return;
        }
        while self.departs_at <= now {
            let Some(packet) = self.under_way.get(self.departed) else { break };
            let departed_at = self.departs_at;
            self.waiting.packets -= 1;
            self.waiting.bytes -= u64::from(packet.size);
            self.departed += 1;
            // The next one departs when the transmitter is done with this one.
            self.departs_at = if self.waiting.packets > 0 { packet.at - self.delay } else { Time::NEVER };
            probe.on_departure(id, departed_at, self.waiting);
        }
    }

    /// Takes what arrives at the far end at `now`, the instant that the port gave: nothing if it was lost or held back on
    /// an impaired link. The second value is when the port has something to give again.
    #[inline]
    pub fn take<P: Probe>(
        &mut self,
        id: PortId,
        now: Time,
        packets: &mut Packets,
        probe: &mut P,
    ) -> (Option<InFlight>, Time) {
        if self.impaired.is_some() {
            return self.take_impaired(id, now, packets, probe);
        }
        // The packet behind this one departs before this one arrives, unless the delay is none.
        self.depart_until(id, now, packets, probe);
        let packet = self.pop(now);
        (packet, self.under_way.front().map_or(Time::NEVER, |next| next.at))
    }

    #[inline]
    fn pop(&mut self, now: Time) -> Option<InFlight> {
        self.departed -= 1;
        let packet = self.under_way.pop()?;
        self.given += 1;
        self.given_bytes += u64::from(packet.size);
        self.mistimed += u64::from(packet.at != now);
        Some(packet)
    }

    #[cold]
    fn take_impaired<P: Probe>(
        &mut self,
        id: PortId,
        now: Time,
        packets: &mut Packets,
        probe: &mut P,
    ) -> (Option<InFlight>, Time) {
        (self.release_impaired(id, now, packets, probe), self.next_impaired(now))
    }

    fn release_impaired<P: Probe>(
        &mut self,
        id: PortId,
        now: Time,
        packets: &mut Packets,
        probe: &mut P,
    ) -> Option<InFlight> {
        self.depart_until(id, now, packets, probe);
        if !self.impaired.as_ref()?.is_called(now) {
            return None;
        }
        let front = self.under_way.front().copied().filter(|packet| packet.at <= now);
        if front.is_some() {
            self.pop(now);
        }
        let impaired = self.impaired.as_mut()?;
        if let Some(arriving) = front
            && !impaired.pass(now, arriving, packets)
        {
            probe.on_loss(id, now, packets.segment(arriving.packet));
            packets.lose(arriving.packet);
        }
        impaired.release(now)
    }

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

    /// The packets that wait, are on the link, or are held back behind it.
    pub fn packets(&self) -> impl Iterator<Item = PacketId> {
        let in_line = (0..self.under_way.len()).filter_map(|place| self.under_way.get(place));
        let held = self.impaired.iter().flat_map(|impaired| impaired.held());
        in_line.chain(held).map(|packet| packet.packet).chain(self.undecided().map(|waiting| waiting.packet))
    }

    /// Those that wait for a decision.
    fn undecided(&self) -> impl Iterator<Item = &Waiting> {
        let line = match &self.rule {
            Some(Rule::Codel(deciding)) => Some(&deciding.line),
            Some(Rule::Red(_)) | None => None,
        };
        line.into_iter().flat_map(|line| (0..line.len()).filter_map(|place| line.get(place)))
    }

    /// Packets that it was offered, that its link doubled, and that its queue dropped or its link lost.
    pub fn totals(&self) -> [u64; 3] {
        let (doubled, lost) = self.impaired.as_ref().map_or((0, 0), |impaired| (impaired.doubled, impaired.lost));
        [self.offered, doubled, self.dropped + lost]
    }

    /// Whether its counts are what it holds, and its link neither rests nor hurries. `queue` is its name.
    pub fn audit(&self, queue: &str) -> Result<(), Violation> {
        let queue = || queue.to_owned();
        let Port { offered, dropped, given, .. } = *self;
        let under_way = (self.under_way.len() + self.undecided().count()) as u64;
        if offered.wrapping_sub(dropped).wrapping_sub(given) != under_way {
            return Err(Violation::Packets { queue: queue(), offered, dropped, given, under_way });
        }
        if self.mistimed > 0 {
            return Err(Violation::Mistimed { queue: queue(), count: self.mistimed });
        }
        let (mut bytes, mut found, mut before) = (0, Occupancy::default(), None::<Time>);
        for (place, packet) in (0..self.under_way.len()).filter_map(|place| Some((place, self.under_way.get(place)?))) {
            bytes += u64::from(packet.size);
            let waits = place >= self.departed;
            found.packets += u64::from(waits);
            found.bytes += if waits { u64::from(packet.size) } else { 0 };
            let due = before.map(|before| before + self.rate.transmission_time(Bytes::new(u64::from(packet.size))));
            match due {
                Some(earliest) if packet.at < earliest => {
                    return Err(Violation::TooFast { queue: queue(), at: packet.at, earliest });
                }
                Some(due) if waits && packet.at > due => {
                    return Err(Violation::Idle { queue: queue(), at: packet.at, due });
                }
                _ => before = Some(packet.at),
            }
        }
        for waiting in self.undecided() {
            bytes += u64::from(waiting.size);
            found.packets += 1;
            found.bytes += u64::from(waiting.size);
        }
        if self.accepted.wrapping_sub(self.given_bytes) != bytes {
            let (accepted, given) = (self.accepted, self.given_bytes);
            return Err(Violation::Bytes { queue: queue(), accepted, given, under_way: bytes });
        }
        if found != self.waiting {
            return Err(Violation::Waiting {
                queue: queue(),
                said: self.waiting.packets,
                said_bytes: self.waiting.bytes,
                found: found.packets,
                found_bytes: found.bytes,
            });
        }
        Ok(())
    }

    #[inline]
    fn transmission_time(&mut self, size: u32) -> Span {
        if self.last.0 == size { self.last.1 } else { self.divide(size) }
    }

    #[cold]
    fn divide(&mut self, size: u32) -> Span {
        self.last = (size, self.rate.transmission_time(Bytes::new(u64::from(size))));
        self.last.1
    }
}

#[cfg(test)]
mod tests;
