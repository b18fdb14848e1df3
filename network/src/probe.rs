//! Watching the network: one call for each thing that happens to a packet at a queue.

use burstlab_units::{Span, Time};

use crate::{Occupancy, PortId, Segment};

/// Sees every packet at every queue. All methods do nothing unless given.
///
/// Calls for one port come in the order of time. Departures are reported when the port is next touched, with the
/// instant at which they happened, so across ports the instants interleave.
pub trait Probe {
    /// The bytes of the packet that the next calls are about, on a network that carries bytes; elsewhere a segment is all
    /// that there is.
    fn on_bytes(&mut self, _packet: &[u8]) {}

    /// A packet joined a queue that decides as packets leave, so that nobody knows yet what will become of it:
    /// [`on_leaving`](Self::on_leaving) or [`on_drop`](Self::on_drop) will tell.
    fn on_joining(&mut self, _port: PortId, _now: Time, _segment: &Segment, _ahead: Occupancy) {}

    /// A packet leaves such a queue at `at` for the wire, after it has waited for `wait`. It departs then as well.
    fn on_leaving(&mut self, _port: PortId, _at: Time, _segment: &Segment, _wait: Span) {}

    /// A packet joined a queue; it will wait for `wait`, behind the occupancy `ahead`.
    fn on_arrival(&mut self, _port: PortId, _now: Time, _segment: &Segment, _wait: Span, _ahead: Occupancy) {}

    /// A packet left the queue for the wire at `at`; `left` is what waits behind it.
    fn on_departure(&mut self, _port: PortId, _at: Time, _left: Occupancy) {}

    /// A packet was dropped, because the queue was full or because it had stood for too long.
    fn on_drop(&mut self, _port: PortId, _now: Time, _segment: &Segment) {}

    /// A packet got a CE mark; its arrival, or leaving, is reported too.
    fn on_mark(&mut self, _port: PortId, _now: Time, _segment: &Segment) {}

    /// A packet was lost on the wire by the link's random loss.
    fn on_loss(&mut self, _port: PortId, _now: Time, _segment: &Segment) {}
}

/// Watches nothing.
impl Probe for () {}
