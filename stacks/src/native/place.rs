//! Where the content of segments belongs, for who carries bytes beside them.

use burstlab_network::{Direction, FlowId};

use super::Connection;

impl Connection {
    /// Whose the segments are.
    pub(crate) fn flow(&self) -> FlowId {
        self.flow
    }

    /// Which way this side's segments go.
    pub(crate) fn direction(&self) -> Direction {
        self.direction
    }

    /// Position in the stream of what this side sends under number `seq`. What can be sent lies near what is
    /// acknowledged.
    pub(crate) fn sent_position(&self, seq: u32) -> u64 {
        self.numbering.position(seq, self.sender.board.una()).max(0) as u64
    }

    /// Position in the peer's stream of what comes under number `seq`; negative before the stream.
    pub(crate) fn incoming_position(&self, seq: u32) -> i64 {
        self.receiver.numbering.position(seq, self.receiver.next)
    }

    /// The end of what is held without a hole from `position` on, behind what arrived in order.
    pub(crate) fn held_until(&self, position: u64) -> Option<u64> {
        self.receiver.held_until(position)
    }
}
