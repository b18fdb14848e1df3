//! The packets in the network, each in one place from its sender to its receiver.
//!
//! What moves from queue to queue is a number of four bytes. A segment is written once, marked in place, and read where
//! it arrives; its slot is then used again, so as many slots exist as packets were ever under way at a time.

use crate::audit::Account;
use crate::{Direction, FlowId, Segment, Violation};

/// Which packet of those under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PacketId(u32);

/// All packets under way, and a blank one to be written next.
#[derive(Debug)]
pub(crate) struct Packets {
    slots: Vec<Packet>,
    /// The packets as they are on the wire, beside their slots; none where segments are all there is.
    bytes: Option<Vec<Vec<u8>>>,
    free: Vec<PacketId>,
    blank: PacketId,
    /// What became of the packets of each flow's two directions.
    accounts: Vec<Account>,
}

/// Which path, and whose account, a flow's direction has.
#[inline]
pub(crate) fn row(flow: FlowId, direction: Direction) -> usize {
    flow.0 as usize * 2 + direction as usize
}

impl Default for Packets {
    fn default() -> Packets {
        let blank = Packet { segment: Segment::default(), place: 0 };
        Packets { slots: vec![blank], bytes: None, free: Vec::new(), blank: PacketId(0), accounts: Vec::new() }
    }
}

/// A segment on its way.
#[derive(Debug, Clone, Copy)]
struct Packet {
    segment: Segment,
    /// Where it is on its path: a place among those of all paths.
    place: u32,
}

impl Packets {
    /// The segment to be written next, where it will stay. What it says is left over.
    #[inline]
    pub fn blank(&mut self) -> &mut Segment {
        &mut self.slots[self.blank.0 as usize].segment
    }

    /// The number that the blank will have as a packet.
    #[inline]
    pub fn blank_id(&self) -> PacketId {
        self.blank
    }

    /// One flow more may send.
    pub fn add_flow(&mut self) {
        self.accounts.resize(self.accounts.len() + 2, Account::default());
    }

    #[inline]
    fn account(&mut self, id: PacketId) -> &mut Account {
        let Segment { flow, direction, .. } = self.slots[id.0 as usize].segment;
        &mut self.accounts[row(flow, direction)]
    }

    /// The blank has been written: it is a packet now, and another one is blank.
    #[inline]
    pub fn seal(&mut self) {
        self.account(self.blank).sent += 1;
        self.blank = match self.free.pop() {
            Some(free) => free,
            None => self.add_slot(),
        };
    }

    #[cold]
    fn add_slot(&mut self) -> PacketId {
        if let Some(bytes) = &mut self.bytes {
            bytes.push(Vec::new());
        }
        self.slots.push(Packet { segment: Segment::default(), place: 0 });
        PacketId(self.slots.len() as u32 - 1)
    }

    /// Frees the slot of a packet that arrived.
    #[inline]
    pub fn remove(&mut self, id: PacketId) {
        self.account(id).delivered += 1;
        self.free.push(id);
    }

    /// Frees the slot of a packet that was dropped or lost.
    pub fn lose(&mut self, id: PacketId) {
        self.account(id).lost += 1;
        self.free.push(id);
    }

    /// Whether every packet that a flow sent and that neither arrived nor was lost is among those `under_way`, and none
    /// beside them has a slot.
    pub fn audit(&self, under_way: &[PacketId]) -> Result<(), Violation> {
        let mut found = vec![0; self.accounts.len()];
        for id in under_way {
            let segment = self.segment(*id);
            found[row(segment.flow, segment.direction)] += 1;
        }
        for (number, (Account { sent, delivered, lost }, under_way)) in self.accounts.iter().zip(found).enumerate() {
            if sent.wrapping_sub(*delivered).wrapping_sub(*lost) != under_way {
                let direction = if number % 2 == 0 { Direction::Forward } else { Direction::Backward };
                return Err(Violation::Flow {
                    flow: FlowId(number as u32 / 2),
                    direction,
                    sent: *sent,
                    delivered: *delivered,
                    lost: *lost,
                    under_way,
                });
            }
        }
        let held = (self.slots.len() - self.free.len() - 1) as u64;
        if held != under_way.len() as u64 {
            return Err(Violation::Forgotten { held, under_way: under_way.len() as u64 });
        }
        Ok(())
    }

    /// Packets that all flows sent, doubled ones twice, and those of them that were dropped or lost.
    pub fn totals(&self) -> (u64, u64) {
        self.accounts.iter().fold((0, 0), |(sent, lost), account| (sent + account.sent, lost + account.lost))
    }

    /// A second packet like this one.
    pub fn copy(&mut self, id: PacketId) -> PacketId {
        let copy = self.blank;
        self.slots[copy.0 as usize] = self.slots[id.0 as usize];
        if let Some(bytes) = &mut self.bytes {
            bytes[copy.0 as usize] = bytes[id.0 as usize].clone();
        }
        self.seal();
        copy
    }

    /// From now on packets have bytes.
    pub fn carry_bytes(&mut self) {
        self.bytes.get_or_insert_with(|| vec![Vec::new(); self.slots.len()]);
    }

    /// The bytes of a packet, or of the blank; empty where packets have none.
    pub fn bytes(&self, id: PacketId) -> &[u8] {
        self.bytes.as_ref().map_or(&[], |bytes| &bytes[id.0 as usize])
    }

    /// The same, to be written.
    pub fn bytes_mut(&mut self, id: PacketId) -> Option<&mut Vec<u8>> {
        self.bytes.as_mut().map(|bytes| &mut bytes[id.0 as usize])
    }

    /// The segment.
    #[inline]
    pub fn segment(&self, id: PacketId) -> &Segment {
        &self.slots[id.0 as usize].segment
    }

    /// The segment, and where it is on its path.
    #[inline]
    pub fn packet_mut(&mut self, id: PacketId) -> (&mut Segment, &mut u32) {
        let Packet { segment, place } = &mut self.slots[id.0 as usize];
        (segment, place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_used_again() {
        let mut packets = Packets::default();
        packets.add_flow();
        let [a, b] = [1, 2].map(|seq| {
            packets.blank().seq = seq;
            let id = packets.blank_id();
            packets.seal();
            id
        });
        packets.remove(a);
        packets.copy(b);
        let c = packets.copy(b);
        assert_eq!((c, packets.slots.len()), (a, 4));
        assert_eq!((packets.segment(b).seq, packets.segment(c).seq), (2, 2));
    }

    #[test]
    fn a_packet_that_nobody_carries_is_missed() {
        let mut packets = Packets::default();
        packets.add_flow();
        packets.add_flow();
        let send = |packets: &mut Packets| {
            packets.blank().flow = FlowId(1);
            let id = packets.blank_id();
            packets.seal();
            id
        };
        let [first, second, third] = std::array::from_fn(|_| send(&mut packets));
        packets.remove(first);
        packets.lose(second);
        assert_eq!(packets.audit(&[third]), Ok(()));
        let missed = packets.audit(&[]).unwrap_err();
        assert_eq!(
            missed.to_string(),
            "flow 1, forward: of 3 packets sent or doubled, 1 were delivered and 1 dropped or lost, so 1 should be under \
             way; there are 0"
        );
        assert_eq!(missed.flow(), Some(FlowId(1)));
    }

    #[test]
    fn a_slot_that_is_never_freed_is_missed() {
        let mut packets = Packets::default();
        packets.add_flow();
        packets.seal();
        packets.remove(PacketId(0));
        packets.free.clear();
        let leak = "the network holds 1 packets, and its queues and links have 0 of them";
        assert_eq!(packets.audit(&[]).unwrap_err().to_string(), leak);
    }
}
