//! TCP endpoints without I/O.
//!
//! An [`Endpoint`] is one side of one connection. It is driven: segments, application calls and the clock go in,
//! segments come out of [`Endpoint::transmit`], and [`Endpoint::next_wake`] says when it wants to be called
//! again. It knows neither the simulator nor a socket. On a network that carries bytes it is a [`PacketEndpoint`], and
//! what its application writes and reads is in [`content`].
//!
//! One stack is Linux's own (`kernel`): its endpoints are sockets, driven by their readiness.

pub mod content;
#[cfg(target_os = "linux")]
pub mod kernel;
pub mod native;
mod packets;
pub mod smoltcp;
mod wired;

use burstlab_algorithms::{Bytes, Explanation, Rate, Span, Time};
use burstlab_network::Segment;

pub use packets::PacketEndpoint;
pub use wired::{Keys, Wired};

/// One side of one TCP connection.
pub trait Endpoint: Send {
    /// Begins the handshake. The other side needs no call: it listens from the start.
    fn connect(&mut self, now: Time);

    /// The application writes `bytes` more. Allowed before the handshake is over.
    fn write(&mut self, now: Time, bytes: Bytes);

    /// The application has no more to write: a FIN follows the last byte.
    fn close(&mut self, now: Time);

    /// The connection is torn down with a reset.
    fn abort(&mut self, now: Time);

    /// A segment came in.
    fn on_segment(&mut self, now: Time, segment: &Segment);

    /// The instant of [`next_wake`](Self::next_wake) has come. A call that is early does no harm.
    fn on_wake(&mut self, now: Time);

    /// Writes the next segment to send at `now` into `segment`, or returns that there is none. To be called until then, as
    /// long as the host's interface takes more; what is held back by a full interface is asked for again later.
    fn transmit(&mut self, now: Time, segment: &mut Segment) -> bool;

    /// The same, by value.
    fn poll_transmit(&mut self, now: Time) -> Option<Segment> {
        let mut segment = Segment::default();
        self.transmit(now, &mut segment).then_some(segment)
    }

    /// When [`on_wake`](Self::on_wake) is to be called; [`Time::NEVER`] if nothing is pending.
    fn next_wake(&self) -> Time;

    /// The interface was full: whatever could leave now is limited by the host, not by the window.
    fn host_limited(&mut self, now: Time);

    /// Bytes delivered in order to this side's application.
    fn received(&self) -> u64;

    /// Bytes that this side's application wrote and the peer acknowledged.
    fn acknowledged(&self) -> u64;

    /// Bytes that this side's application wrote.
    fn written(&self) -> u64;

    /// Whether the connection is open for data, closed in good order, or failed.
    fn status(&self) -> Status;

    /// The training job begins an iteration in which it will send `expected` bytes here.
    fn begin_iteration(&mut self, expected: Bytes);

    /// The flow's fair share of its path, for controllers that ask an oracle.
    fn set_fair_share(&mut self, share: Rate);

    /// What happened so far.
    fn counters(&self) -> Counters;

    /// What the sender believes now; for time series.
    fn snapshot(&self) -> Snapshot;

    /// The controller's inner signals and the reason of its last change.
    fn explain(&self) -> Explanation;
}

/// An endpoint of whichever stack.
impl<E: Endpoint + ?Sized> Endpoint for Box<E> {
    fn connect(&mut self, now: Time) {
        (**self).connect(now);
    }

    fn write(&mut self, now: Time, bytes: Bytes) {
        (**self).write(now, bytes);
    }

    fn close(&mut self, now: Time) {
        (**self).close(now);
    }

    fn abort(&mut self, now: Time) {
        (**self).abort(now);
    }

    fn on_segment(&mut self, now: Time, segment: &Segment) {
        (**self).on_segment(now, segment);
    }

    fn on_wake(&mut self, now: Time) {
        (**self).on_wake(now);
    }

    fn transmit(&mut self, now: Time, segment: &mut Segment) -> bool {
        (**self).transmit(now, segment)
    }

    fn next_wake(&self) -> Time {
        (**self).next_wake()
    }

    fn host_limited(&mut self, now: Time) {
        (**self).host_limited(now);
    }

    fn received(&self) -> u64 {
        (**self).received()
    }

    fn acknowledged(&self) -> u64 {
        (**self).acknowledged()
    }

    fn written(&self) -> u64 {
        (**self).written()
    }

    fn status(&self) -> Status {
        (**self).status()
    }

    fn begin_iteration(&mut self, expected: Bytes) {
        (**self).begin_iteration(expected);
    }

    fn set_fair_share(&mut self, share: Rate) {
        (**self).set_fair_share(share);
    }

    fn counters(&self) -> Counters {
        (**self).counters()
    }

    fn snapshot(&self) -> Snapshot {
        (**self).snapshot()
    }

    fn explain(&self) -> Explanation {
        (**self).explain()
    }
}

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not opened yet, or the handshake is under way.
    Opening,
    /// Data may flow.
    Open,
    /// Both sides closed in good order.
    Closed,
    /// Reset by the peer or given up after too many retransmissions.
    Failed,
}

/// Totals of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Data segments sent, retransmissions included.
    pub data_segments_sent: u64,
    /// Data segments sent again.
    pub retransmitted_segments: u64,
    /// Payload bytes sent again.
    pub retransmitted_bytes: u64,
    /// Retransmission timeouts.
    pub timeouts: u64,
    /// Tail loss probes.
    pub probes: u64,
    /// Loss recoveries entered.
    pub recoveries: u64,
    /// Recoveries or timeouts that turned out to be spurious.
    pub spurious: u64,
    /// Data segments received that brought at least one new byte.
    pub unique_segments_received: u64,
    /// Data segments received that brought nothing new.
    pub duplicate_segments_received: u64,
    /// Data segments received with a CE mark.
    pub marked_segments_received: u64,
}

/// What a sender believes at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Congestion window.
    pub window: Bytes,
    /// Bytes in flight.
    pub in_flight: Bytes,
    /// Pacing rate, if paced.
    pub pacing_rate: Option<Rate>,
    /// Smoothed round-trip time.
    pub smoothed_rtt: Span,
    /// Bytes delivered to the peer.
    pub delivered: u64,
}
