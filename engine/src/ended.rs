//! What is left of a run when it is over.

use burstlab_network::{Direction, FlowId, Network};
use burstlab_stacks::{Counters, Endpoint};
use burstlab_units::Time;

/// A run that is over, whatever drove it.
pub struct Ended<P> {
    /// Up to when everything has happened.
    pub now: Time,
    /// The network, its ports and what they sent.
    pub network: Network,
    /// What watched the packets.
    pub probe: P,
    /// Both sides of every connection.
    pub(crate) sides: Vec<SideTotals>,
}

/// One side of a connection at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SideTotals {
    /// What its stack counted.
    pub counters: Counters,
    /// Bytes delivered in order to its application.
    pub received: u64,
}

impl SideTotals {
    pub(crate) fn of(endpoint: &(impl Endpoint + ?Sized)) -> SideTotals {
        SideTotals { counters: endpoint.counters(), received: endpoint.received() }
    }
}

impl<P> Ended<P> {
    /// The side that sends in `direction` of `flow`.
    pub fn side(&self, flow: FlowId, direction: Direction) -> SideTotals {
        self.sides[crate::sides::index(flow, direction)]
    }
}
