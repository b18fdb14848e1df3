//! A TCP segment as the virtual network carries it: the header's fields by value, the payload as a length.

use burstlab_units::Bytes;

/// Which connection of a run a segment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FlowId(pub u32);

/// Which way a segment goes along its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Direction {
    /// From the side that opened the connection.
    #[default]
    Forward,
    /// Towards it.
    Backward,
}

impl Direction {
    /// The other way.
    pub const fn reversed(self) -> Direction {
        match self {
            Direction::Forward => Direction::Backward,
            Direction::Backward => Direction::Forward,
        }
    }

    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::Forward => "forward",
            Direction::Backward => "backward",
        }
    }
}

/// TCP's flags: RFC 9293, section 3.1; ECE, CWR: RFC 3168; AE: RFC 9768.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u16);

impl Flags {
    /// No flag at all.
    pub const NONE: Flags = Flags(0);
    /// No more data from the sender.
    pub const FIN: Flags = Flags(0x001);
    /// Synchronise sequence numbers.
    pub const SYN: Flags = Flags(0x002);
    /// Reset the connection.
    pub const RST: Flags = Flags(0x004);
    /// Push.
    pub const PSH: Flags = Flags(0x008);
    /// The acknowledgement number is valid.
    pub const ACK: Flags = Flags(0x010);
    /// ECN echo.
    pub const ECE: Flags = Flags(0x040);
    /// Congestion window reduced.
    pub const CWR: Flags = Flags(0x080);
    /// Accurate ECN.
    pub const AE: Flags = Flags(0x100);

    /// Whether any flag of `other` is set.
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets together.
    pub const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// This set without `other`.
    pub const fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }
}

/// The ECN field of the IP header, with its bits on the wire: RFC 3168, section 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Codepoint {
    /// Not ECN-capable.
    #[default]
    NotEct = 0b00,
    /// ECN-capable, ECT(1).
    Ect1 = 0b01,
    /// ECN-capable, ECT(0).
    Ect0 = 0b10,
    /// Congestion experienced.
    Ce = 0b11,
}

/// A range of sequence numbers that arrived: RFC 2018.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SackBlock {
    /// First sequence number of the block.
    pub start: u32,
    /// Sequence number behind its last.
    pub end: u32,
}

/// SACK blocks of a segment. Three are all that fit beside timestamps in 40 bytes of options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SackBlocks {
    blocks: [SackBlock; 3],
    count: u8,
}

impl SackBlocks {
    /// How many a segment can carry.
    pub const CAPACITY: usize = 3;

    /// Adds a block, unless there is no room for it.
    pub fn push(&mut self, block: SackBlock) {
        if let Some(place) = self.blocks.get_mut(usize::from(self.count)) {
            *place = block;
            self.count += 1;
        }
    }

    /// The blocks, in the order in which they were added.
    pub fn as_slice(&self) -> &[SackBlock] {
        &self.blocks[..usize::from(self.count)]
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The timestamps option: RFC 7323, section 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Timestamps {
    /// TSval: the sender's clock.
    pub value: u32,
    /// TSecr: the peer's clock, echoed.
    pub echo: u32,
}

/// A counter of 24 bits that wraps around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct U24([u8; 3]);

impl U24 {
    /// The low 24 bits of `n`.
    pub const fn wrapping(n: u64) -> U24 {
        let [.., a, b, c] = n.to_be_bytes();
        U24([a, b, c])
    }

    /// The counter's value.
    pub const fn get(self) -> u32 {
        let [a, b, c] = self.0;
        u32::from_be_bytes([0, a, b, c])
    }
}

/// The AccECN option's byte counters: RFC 9768, section 3.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AccEcnCounters {
    /// r.e0b: payload bytes that came as ECT(0), plus 1.
    pub ect0: U24,
    /// r.ceb: payload bytes that came as CE.
    pub ce: U24,
    /// r.e1b: payload bytes that came as ECT(1), plus 1.
    pub ect1: U24,
}

/// Options of a SYN: RFC 9293 section 3.7.1 (MSS), RFC 7323 section 2 (window scale), RFC 2018 section 2 (SACK).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SynOptions {
    /// Largest segment that the sender of the SYN takes; 0: not given.
    pub mss: u16,
    /// Shift of the window field, if scaling is offered.
    pub window_scale: Option<u8>,
    /// Whether SACK is offered.
    pub sack_permitted: bool,
}

/// A segment: plain, copied by value, 80 bytes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Segment {
    /// The connection.
    pub flow: FlowId,
    /// Which way it goes.
    pub direction: Direction,
    /// ECN field of the IP header.
    pub codepoint: Codepoint,
    /// TCP flags.
    pub flags: Flags,
    /// Sequence number of the first payload byte, as on the wire.
    pub seq: u32,
    /// Acknowledgement number, as on the wire.
    pub ack: u32,
    /// Bytes of payload.
    pub payload: u32,
    /// Window field, as on the wire (not yet scaled).
    pub window: u16,
    /// Options of a SYN; all absent on other segments.
    pub syn: SynOptions,
    /// SACK blocks.
    pub sack: SackBlocks,
    /// Timestamps.
    pub timestamps: Option<Timestamps>,
    /// AccECN counters.
    pub acc_ecn: Option<AccEcnCounters>,
}

/// IPv4 header without options: RFC 791.
const IP_HEADER: u32 = 20;
/// TCP header without options: RFC 9293.
const TCP_HEADER: u32 = 20;

impl Segment {
    /// Length of the TCP options, padded to whole words.
    pub fn options_len(&self) -> u32 {
        let sack = self.sack.as_slice().len() as u32;
        let mut len = if self.timestamps.is_some() { 10 } else { 0 };
        len += if sack > 0 { 2 + 8 * sack } else { 0 };
        len += if self.acc_ecn.is_some() { 11 } else { 0 };
        if self.flags.has(Flags::SYN) {
            len += if self.syn.mss > 0 { 4 } else { 0 };
            len += if self.syn.window_scale.is_some() { 3 } else { 0 };
            len += if self.syn.sack_permitted { 2 } else { 0 };
        }
        len.next_multiple_of(4)
    }

    /// Length of the IP packet: what counts for links, queues and the MTU.
    pub fn wire_len(&self) -> Bytes {
        Bytes::new(u64::from(IP_HEADER + TCP_HEADER + self.options_len() + self.payload))
    }

    /// Sequence numbers that it takes: payload, and one each for SYN and FIN.
    pub fn seq_len(&self) -> u32 {
        self.payload + u32::from(self.flags.has(Flags::SYN)) + u32::from(self.flags.has(Flags::FIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_stays_small() {
        assert!(size_of::<Segment>() <= 80, "{} bytes", size_of::<Segment>());
    }

    #[test]
    fn options_are_padded_to_words() {
        let mut segment = Segment { payload: 1448, ..Segment::default() };
        assert_eq!(segment.wire_len(), Bytes::new(1488));
        segment.timestamps = Some(Timestamps::default());
        assert_eq!(segment.wire_len(), Bytes::new(1500));
        segment.sack.push(SackBlock { start: 1, end: 2 });
        assert_eq!(segment.options_len(), 20);
    }
}
