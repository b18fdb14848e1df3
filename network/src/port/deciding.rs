//! Queues that decide as packets leave.
//!
//! What leaves at an instant follows from what had arrived by then, so decisions are made when the port is next touched, in
//! their order and with their instants; no event is needed for them. While something waits, a packet is on the link, and
//! the port is called when it arrives, at the latest.

use burstlab_units::Time;

use super::{InFlight, Port, Rule};
use crate::codel::{Codel, CodelSettings, Line, Waiting};
use crate::packets::Packets;
use crate::queue::Occupancy;
use crate::ring::Ring;
use crate::{Codepoint, PortId, Probe, Segment};

/// The rule, and what waits for its decision.
#[derive(Debug)]
pub(crate) struct Deciding {
    codel: Codel,
    pub line: Ring<Waiting>,
}

impl Deciding {
    /// Nothing waits yet.
    pub fn new(settings: CodelSettings) -> Deciding {
        Deciding { codel: Codel::new(settings), line: Ring::new() }
    }

    /// A packet passed without waiting.
    pub fn pass(&mut self, size: u32) {
        self.codel.pass(size);
    }
}

/// The line at an instant, and what happens to those that leave it.
struct Leaving<'a, P> {
    id: PortId,
    at: Time,
    line: &'a mut Ring<Waiting>,
    waiting: &'a mut Occupancy,
    packets: &'a mut Packets,
    probe: &'a mut P,
    dropped: u64,
    dropped_bytes: u64,
}

impl<P: Probe> Line for Leaving<'_, P> {
    fn pop(&mut self) -> Option<Waiting> {
        let packet = self.line.pop()?;
        self.waiting.packets -= 1;
        self.waiting.bytes -= u64::from(packet.size);
        Some(packet)
    }

    fn bytes(&self) -> u64 {
        self.waiting.bytes
    }

    fn is_ecn_capable(&self, packet: Waiting) -> bool {
        self.packets.segment(packet.packet).codepoint != Codepoint::NotEct
    }

    fn drop(&mut self, packet: Waiting) {
        self.dropped += 1;
        self.dropped_bytes += u64::from(packet.size);
        self.probe.on_drop(self.id, self.at, self.packets.segment(packet.packet));
        self.packets.lose(packet.packet);
    }
}

impl Port {
    /// A packet that has to wait joins the line.
    pub(super) fn join<P: Probe>(
        &mut self,
        id: PortId,
        packet: Waiting,
        with_it: Occupancy,
        segment: &Segment,
        probe: &mut P,
    ) {
        probe.on_joining(id, packet.arrived, segment, self.waiting);
        if self.waiting.packets == 0 {
            self.departs_at = self.free_at;
        }
        self.waiting = with_it;
        self.accepted += u64::from(packet.size);
        if let Some(Rule::Codel(deciding)) = &mut self.rule {
            deciding.line.push(packet);
        }
    }

    /// Decides about all packets that may leave by `now`.
    pub(super) fn decide<P: Probe>(&mut self, id: PortId, now: Time, packets: &mut Packets, probe: &mut P) {
        while self.departs_at <= now {
            let at = self.departs_at;
            let Some(Rule::Codel(deciding)) = &mut self.rule else { return };
            let Deciding { codel, line } = &mut **deciding;
            let waiting = &mut self.waiting;
            let mut leaving = Leaving { id, at, line, waiting, packets, probe, dropped: 0, dropped_bytes: 0 };
            let decided = codel.dequeue(at, &mut leaving);
            let (dropped, dropped_bytes) = (leaving.dropped, leaving.dropped_bytes);
            self.dropped += dropped;
            self.accepted -= dropped_bytes;
            if let Some((packet, mark)) = decided {
                self.leave(id, at, packet, mark, packets, probe);
            }
            probe.on_departure(id, at, self.waiting);
            self.departs_at = if self.waiting.packets > 0 { self.free_at } else { Time::NEVER };
        }
    }

    fn leave<P: Probe>(
        &mut self,
        id: PortId,
        at: Time,
        packet: Waiting,
        mark: bool,
        packets: &mut Packets,
        probe: &mut P,
    ) {
        let Waiting { packet, size, arrived } = packet;
        let (segment, _) = packets.packet_mut(packet);
        if mark {
            segment.codepoint = Codepoint::Ce;
            probe.on_mark(id, at, segment);
        }
        probe.on_leaving(id, at, segment, at.since(arrived));
        self.free_at = at + self.transmission_time(size);
        self.under_way.push(InFlight { at: self.free_at + self.delay, size, packet });
        self.departed += 1;
    }
}
