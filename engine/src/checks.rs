//! Cross-checks of a run that are always on: the clock goes forward, endpoints acknowledge only what reached them, and
//! applications read what was written, in order. What queues and links do is audited by the network itself.

use burstlab_network::{Direction, Flags, FlowId, Segment};
use burstlab_stacks::{Endpoint, Status};
use burstlab_units::Time;

use crate::sides;

/// What cannot be, and was. Each is a fault of burstlab, never of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Packets do not add up.
    #[error(transparent)]
    Network(#[from] burstlab_network::Violation),
    /// An event was due before the one that happened last.
    #[error("an event is due at {due}, and it is {now} already")]
    ClockWentBack {
        /// When the event is due.
        due: Time,
        /// When the last one happened.
        now: Time,
    },
    /// An endpoint acknowledged what had not reached it.
    #[error(
        "flow {}, {}: a segment acknowledges everything below {acknowledged}{}, and {} has arrived",
        flow.0, direction.name(), if *selectively { " selectively" } else { "" }, Reached(*reached)
    )]
    Unreceived {
        /// The connection.
        flow: FlowId,
        /// Which way the segment goes.
        direction: Direction,
        /// Sequence number behind what it acknowledges.
        acknowledged: u32,
        /// Whether a SACK block does so.
        selectively: bool,
        /// Sequence number behind all that arrived; none if nothing did.
        reached: Option<u32>,
    },
    /// All that a connection was to carry is over, and what arrived is not what was written.
    #[error("flow {}, {}: all is over, and {received} bytes were delivered of {written} written", flow.0, direction.name())]
    Undelivered {
        /// The connection.
        flow: FlowId,
        /// Which way the bytes went.
        direction: Direction,
        /// Bytes delivered in order.
        received: u64,
        /// Bytes that the peer's application wrote.
        written: u64,
    },
    /// What an application was given in order became less, or more than its peer wrote.
    #[error("flow {}, {}: {received} bytes were read, of {written} written; before it were {before}", flow.0, direction.name())]
    Delivered {
        /// The connection.
        flow: FlowId,
        /// Which way the bytes went.
        direction: Direction,
        /// Bytes delivered in order by now.
        received: u64,
        /// Bytes delivered in order at the last look.
        before: u64,
        /// Bytes that the peer's application wrote.
        written: u64,
    },
}

/// In words.
struct Reached(Option<u32>);

impl std::fmt::Display for Reached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(reached) => write!(f, "only what is below {reached}"),
            None => write!(f, "nothing"),
        }
    }
}

impl Violation {
    /// The connection that it is about, if it is about one.
    pub fn flow(&self) -> Option<FlowId> {
        match self {
            Violation::Network(violation) => violation.flow(),
            Violation::ClockWentBack { .. } => None,
            Violation::Unreceived { flow, .. }
            | Violation::Delivered { flow, .. }
            | Violation::Undelivered { flow, .. } => Some(*flow),
        }
    }
}

/// What is known of what reached one side of a connection.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Heard {
    any: bool,
    /// Sequence number behind the furthest byte that arrived.
    reached: u32,
    /// Bytes that the application had been given at the last look.
    received: u64,
}

impl Heard {
    /// A segment reached this side.
    #[inline]
    pub fn on_arrival(&mut self, segment: &Segment) {
        let end = segment.seq.wrapping_add(segment.seq_len());
        // Numbers are compared as RFC 9293, section 3.4, has it: the nearer way around the circle.
        if !self.any || end.wrapping_sub(self.reached) as i32 > 0 {
            (self.any, self.reached) = (true, end);
        }
    }

    /// Whether a segment of this side acknowledges only what reached it.
    #[inline]
    pub fn covers(&self, segment: &Segment) -> bool {
        if !segment.flags.has(Flags::ACK) {
            return true;
        }
        self.any
            && segment.ack.wrapping_sub(self.reached) as i32 <= 0
            && (segment.sack.is_empty() || self.covers_blocks(segment))
    }

    #[inline(never)]
    fn covers_blocks(&self, segment: &Segment) -> bool {
        segment.sack.as_slice().iter().all(|block| block.end.wrapping_sub(self.reached) as i32 <= 0)
    }

    /// What is wrong with a segment that is not [covered](Self::covers).
    #[cold]
    pub fn complain(&self, segment: &Segment) -> Violation {
        let beyond = |number: &u32| !self.any || number.wrapping_sub(self.reached) as i32 > 0;
        let block = segment.sack.as_slice().iter().map(|block| block.end).find(beyond);
        let selectively = !beyond(&segment.ack);
        Violation::Unreceived {
            flow: segment.flow,
            direction: segment.direction,
            acknowledged: if selectively { block.unwrap_or(segment.ack) } else { segment.ack },
            selectively,
            reached: self.any.then_some(self.reached),
        }
    }

    /// The application of `side` has been given what `endpoint` says, of `written` by its peer.
    pub fn look(&mut self, side: usize, endpoint: &dyn Endpoint, written: u64) -> Result<(), Violation> {
        let received = endpoint.received();
        let before = std::mem::replace(&mut self.received, received);
        let (flow, own) = sides::flow(side);
        let direction = own.reversed();
        if !(before..=written).contains(&received) {
            return Err(Violation::Delivered { flow, direction, received, before, written });
        }
        // The peer's FIN stands behind its last byte (RFC 9293, section 3.6).
        if endpoint.status() == Status::Closed && received < written {
            return Err(Violation::Undelivered { flow, direction, received, written });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use burstlab_network::SackBlock;

    use super::*;

    fn data(seq: u32, payload: u32) -> Segment {
        Segment { seq, payload, flags: Flags::ACK, ..Segment::default() }
    }

    fn ack(ack: u32) -> Segment {
        Segment { ack, flags: Flags::ACK, direction: Direction::Backward, ..Segment::default() }
    }

    #[test]
    fn what_arrived_may_be_acknowledged_across_the_end_of_the_numbers() {
        let mut heard = Heard::default();
        heard.on_arrival(&Segment { seq: u32::MAX - 1000, flags: Flags::SYN, ..Segment::default() });
        heard.on_arrival(&data(u32::MAX - 999, 2000));
        heard.on_arrival(&data(u32::MAX - 999, 100));
        assert!(heard.covers(&ack(1000)));
        assert!(heard.covers(&ack(u32::MAX - 900)));
        assert!(!heard.covers(&ack(1001)));
        assert_eq!(
            heard.complain(&ack(1001)).to_string(),
            "flow 0, backward: a segment acknowledges everything below 1001, and only what is below 1000 has arrived"
        );
    }

    #[test]
    fn a_block_beyond_what_arrived_is_noticed() {
        let mut heard = Heard::default();
        heard.on_arrival(&data(5000, 1000));
        let mut segment = ack(5000);
        segment.sack.push(SackBlock { start: 5000, end: 6000 });
        assert!(heard.covers(&segment));
        segment.sack.push(SackBlock { start: 7000, end: 8000 });
        assert!(!heard.covers(&segment));
        assert_eq!(
            heard.complain(&segment).to_string(),
            "flow 0, backward: a segment acknowledges everything below 8000 selectively, and only what is below 6000 has \
             arrived"
        );
    }

    #[test]
    fn whoever_heard_nothing_can_acknowledge_nothing() {
        let heard = Heard::default();
        assert!(heard.covers(&Segment { flags: Flags::SYN, ..Segment::default() }));
        assert!(heard.complain(&ack(1)).to_string().ends_with("and nothing has arrived"));
    }
}
