//! Sequence numbers: 32 bits on the wire, 64 inside, where nothing wraps.

/// The numbering of one direction of a connection: which number on the wire the first byte of the stream has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Numbering {
    first: u32,
}

impl Numbering {
    /// The numbering behind a SYN with the number `initial`: the SYN takes one (RFC 9293, section 3.4).
    pub fn after_syn(initial: u32) -> Numbering {
        Numbering { first: initial.wrapping_add(1) }
    }

    /// What the byte at `position` of the stream is called on the wire.
    pub fn wire(self, position: u64) -> u32 {
        self.first.wrapping_add(position as u32)
    }

    /// The position that `wire` means, taken as the one nearest to `near`; negative before the stream's start.
    pub fn position(self, wire: u32, near: u64) -> i64 {
        near as i64 + i64::from(wire.wrapping_sub(self.wire(near)) as i32)
    }
}

/// Whether timestamp `a` is earlier than `b`, with wrap-around (RFC 7323, section 5.2).
pub(super) fn earlier(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_go_on_where_the_wire_wraps() {
        let numbering = Numbering::after_syn(u32::MAX - 10);
        for position in [0u64, 5, 11, 1 << 32, (1 << 32) + 9, 7 << 33] {
            let wire = numbering.wire(position);
            assert_eq!(numbering.position(wire, position.saturating_sub(1000)), position as i64);
            assert_eq!(numbering.position(wire, position + 1000), position as i64);
        }
    }

    #[test]
    fn what_lies_before_the_stream_is_negative() {
        let numbering = Numbering::after_syn(0);
        assert_eq!(numbering.position(0, 0), -1);
    }

    #[test]
    fn timestamps_wrap_too() {
        assert!(earlier(u32::MAX, 0));
        assert!(!earlier(0, u32::MAX));
        assert!(!earlier(4, 4));
    }
}
