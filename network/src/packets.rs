//! The packets in the network, each in one place from its sender to its receiver.
//!
//! What moves from queue to queue is a number of four bytes. A segment is written once, marked in place, and read where
//! it arrives; its slot is then used again, so as many slots exist as packets were ever under way at a time.

use crate::Segment;

/// Which packet of those under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketId(u32);

/// All packets under way.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    slots: Vec<Packet>,
    free: Vec<PacketId>,
}

/// A segment on its way.
#[derive(Debug, Clone, Copy)]
struct Packet {
    segment: Segment,
    /// How many hops of its path lie behind it.
    hop: u32,
}

impl Packets {
    /// Takes a segment in.
    #[inline]
    pub fn insert(&mut self, segment: &Segment) -> PacketId {
        let packet = Packet { segment: *segment, hop: 0 };
        match self.free.pop() {
            Some(id) => {
                self.slots[id.0 as usize] = packet;
                id
            }
            None => {
                self.slots.push(packet);
                PacketId(self.slots.len() as u32 - 1)
            }
        }
    }

    /// Frees the slot of a packet that arrived or was lost.
    #[inline]
    pub fn remove(&mut self, id: PacketId) {
        self.free.push(id);
    }

    /// A second packet like this one.
    pub fn copy(&mut self, id: PacketId) -> PacketId {
        let Packet { segment, hop } = self.slots[id.0 as usize];
        let copy = self.insert(&segment);
        self.slots[copy.0 as usize].hop = hop;
        copy
    }

    /// The segment.
    #[inline]
    pub fn segment(&self, id: PacketId) -> &Segment {
        &self.slots[id.0 as usize].segment
    }

    /// The segment, and how many hops of its path lie behind it.
    #[inline]
    pub fn packet_mut(&mut self, id: PacketId) -> (&mut Segment, &mut u32) {
        let Packet { segment, hop } = &mut self.slots[id.0 as usize];
        (segment, hop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_used_again() {
        let mut packets = Packets::default();
        let segment = |seq| Segment { seq, ..Segment::default() };
        let (a, b) = (packets.insert(&segment(1)), packets.insert(&segment(2)));
        packets.remove(a);
        let c = packets.copy(b);
        assert_eq!((a, packets.slots.len()), (c, 2));
        assert_eq!((packets.segment(b).seq, packets.segment(c).seq), (2, 2));
    }
}
