//! The network: segments, queues, links, topologies, and probes that see every packet at every queue.
//!
//! A [`Topology`] is a plan; a [`Network`] is built from it and carries [`Segment`]s along the paths of its flows. It
//! has no clock: whoever drives it says what time it is, and calls [`Network::take`] when a port said that it has
//! something to give. It knows no TCP beyond the fields of a segment.

mod audit;
mod codel;
mod impairment;
mod network;
mod packets;
mod port;
mod probe;
mod queue;
mod red;
mod ring;
mod route;
mod segment;
#[cfg(test)]
mod tests;
mod topology;
mod tuple;
pub mod wire;

pub use audit::Violation;
pub use codel::CodelSettings;
pub use impairment::Impairment;
pub use network::{Arrival, Arriving, InterfaceId, Network, NoPath, PortInfo, PortKind, Sent};
pub use packets::PacketId;
pub use port::PortId;
pub use probe::Probe;
pub use queue::{Discipline, Limit, LimitError, Occupancy, Verdict};
pub use red::RedSettings;
pub use segment::{
    AccEcnCounters, Codepoint, Direction, Flags, FlowId, SackBlock, SackBlocks, Segment, SynOptions, Timestamps, U24,
};
pub use topology::{LinkSpec, NodeId, Topology};
pub use tuple::Tuple;
