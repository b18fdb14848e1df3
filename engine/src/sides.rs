//! The sides of connections, numbered: each connection has two, one for each direction in which it sends.

use burstlab_network::{Direction, FlowId};

/// The number of the side that sends in `direction` of `flow`.
#[inline]
pub(crate) fn index(flow: FlowId, direction: Direction) -> usize {
    flow.0 as usize * 2 + direction as usize
}

/// Whose number that is.
pub(crate) fn flow(side: usize) -> (FlowId, Direction) {
    let direction = if side.is_multiple_of(2) { Direction::Forward } else { Direction::Backward };
    (FlowId(side as u32 / 2), direction)
}
