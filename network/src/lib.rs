//! The network: segments, queues, links, topologies, and probes that see every packet at every queue.

mod segment;

pub use segment::{
    AccEcnCounters, Codepoint, Direction, Flags, FlowId, SackBlock, SackBlocks, Segment, SynOptions, Timestamps, U24,
};
