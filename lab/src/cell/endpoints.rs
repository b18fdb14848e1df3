//! The endpoints of a cell: which stack each side of a connection has, and how it is made.

use burstlab_algorithms::{Builder, EcnFeedback};
use burstlab_network::{Direction, FlowId};
use burstlab_stacks::{Endpoint, native};
use burstlab_units::{Time, chance};

use crate::experiment::Cell;

/// Makes the endpoints of one cell.
pub(super) struct Endpoints<'a> {
    cell: &'a Cell,
    controller: &'a Builder,
    feedback: EcnFeedback,
}

impl<'a> Endpoints<'a> {
    pub fn new(cell: &'a Cell, controller: &'a Builder) -> Endpoints<'a> {
        Endpoints { cell, controller, feedback: controller.ecn_feedback() }
    }

    /// One of our own stack.
    pub fn native(&self, flow: FlowId, direction: Direction, opens: Time) -> native::Connection {
        let seed = self.seed(flow, direction);
        let mut config = self.cell.stack.tcp.clone();
        config.initial_sequence = seed as u32;
        let controller = self.controller.build(&config.path(opens, seed));
        native::Connection::new(config, direction, flow, controller, self.feedback)
    }

    /// One of whatever stack the side that sends in `direction` has.
    pub fn boxed(&self, flow: FlowId, direction: Direction, opens: Time) -> Box<dyn Endpoint> {
        Box::new(self.native(flow, direction, opens))
    }

    /// Each side of each connection has chances of its own, and begins its sequence numbers elsewhere.
    fn seed(&self, flow: FlowId, direction: Direction) -> u64 {
        chance::fnv1a(&[self.cell.seed, u64::from(flow.0), direction as u64].map(u64::to_le_bytes).concat())
    }
}
