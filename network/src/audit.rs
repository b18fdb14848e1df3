//! Cross-checks of a network at work: nothing is lost but by a queue or a link, and no link rests while something
//! waits.
//!
//! What is counted as packets pass is a few additions a hop. [`Network::audit`](crate::Network::audit) compares the counts
//! with what the queues and links really hold; whoever drives the network calls it now and then, and at the end.

use burstlab_units::Time;

use crate::{Direction, FlowId};

/// What does not add up. Each is a fault of burstlab, never of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A queue and its link lost a packet, or made one.
    #[error(
        "{queue}: of {offered} packets offered, {dropped} were dropped and {given} given on, so {} should be under way; \
         there are {under_way}",
        offered.wrapping_sub(*dropped).wrapping_sub(*given)
    )]
    Packets {
        /// The port.
        queue: String,
        /// Packets that came.
        offered: u64,
        /// Packets that were dropped.
        dropped: u64,
        /// Packets that reached the end of the link.
        given: u64,
        /// Packets that wait or are on the link.
        under_way: u64,
    },
    /// The same, in bytes.
    #[error(
        "{queue}: of {accepted} bytes accepted, {given} were given on, so {} should be under way; there are {under_way}",
        accepted.wrapping_sub(*given)
    )]
    Bytes {
        /// The port.
        queue: String,
        /// Bytes that joined the queue.
        accepted: u64,
        /// Bytes that reached the end of the link.
        given: u64,
        /// Bytes that wait or are on the link.
        under_way: u64,
    },
    /// What a queue says that waits is not what waits.
    #[error("{queue}: {said} packets are said to wait, with {said_bytes} bytes; {found} do, with {found_bytes} bytes")]
    Waiting {
        /// The port.
        queue: String,
        /// Packets that wait, by the queue's own count.
        said: u64,
        /// Their bytes.
        said_bytes: u64,
        /// Packets that are in line.
        found: u64,
        /// Their bytes.
        found_bytes: u64,
    },
    /// Two packets are closer together on a link than its rate allows.
    #[error(
        "{queue}: a packet arrives at {at}, and its transmission alone ends at {earliest}, behind the one before it"
    )]
    TooFast {
        /// The port.
        queue: String,
        /// When the packet arrives at the far end.
        at: Time,
        /// When it can arrive at the earliest.
        earliest: Time,
    },
    /// A link rests while a packet waits for it.
    #[error("{queue}: a packet that waits arrives at {at}; without a pause of the link it would at {due}")]
    Idle {
        /// The port.
        queue: String,
        /// When the packet arrives at the far end.
        at: Time,
        /// When it would if the link did not rest.
        due: Time,
    },
    /// Packets reached the end of a link at another instant than they were due.
    #[error("{queue}: {count} packets were taken from the link at another instant than that of their arrival")]
    Mistimed {
        /// The port.
        queue: String,
        /// How many.
        count: u64,
    },
    /// A connection's packets do not add up.
    #[error(
        "flow {}, {}: of {sent} packets sent or doubled, {delivered} were delivered and {lost} dropped or lost, so {} should \
         be under way; there are {under_way}",
        flow.0, direction.name(), sent.wrapping_sub(*delivered).wrapping_sub(*lost)
    )]
    Flow {
        /// The connection.
        flow: FlowId,
        /// Which way its packets go.
        direction: Direction,
        /// Packets that entered the network, doubled ones twice.
        sent: u64,
        /// Packets that reached the other host.
        delivered: u64,
        /// Packets that were dropped by a queue or lost on a link.
        lost: u64,
        /// Packets that wait or are on a link.
        under_way: u64,
    },
    /// What flows and what queues say of all packets together differs.
    #[error(
        "all flows together: {sent} packets sent or doubled and {lost} dropped or lost; by interfaces, queues and links \
         {entered} and {missing}"
    )]
    Totals {
        /// Packets that all flows sent, doubled ones twice.
        sent: u64,
        /// Packets of all flows that were dropped or lost.
        lost: u64,
        /// Packets that all interfaces were offered, and those that links doubled.
        entered: u64,
        /// Packets that all queues dropped, and that links lost.
        missing: u64,
    },
    /// The network holds packets that no queue and no link has.
    #[error("the network holds {held} packets, and its queues and links have {under_way} of them")]
    Forgotten {
        /// Packets that have a place in memory.
        held: u64,
        /// Packets that wait or are on a link.
        under_way: u64,
    },
}

impl Violation {
    /// The connection that it is about, if it is about one.
    pub fn flow(&self) -> Option<FlowId> {
        match self {
            Violation::Flow { flow, .. } => Some(*flow),
            _ => None,
        }
    }
}

/// What became of the packets of one direction of a connection.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Account {
    /// Entered the network; doubled ones count twice.
    pub sent: u64,
    /// Reached the other host.
    pub delivered: u64,
    /// Dropped by a queue or lost on a link.
    pub lost: u64,
}
