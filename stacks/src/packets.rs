//! Endpoints on a network that carries bytes.

use burstlab_algorithms::Time;

use crate::Endpoint;
use crate::content::Reader;

/// An endpoint that takes and gives whole IPv4 packets, payload included.
///
/// It is driven like every [`Endpoint`], with packets in the place of segments. What its application writes is the
/// stream of [`content::fill`](crate::content::fill); what its application reads goes through a [`Reader`], which holds
/// it against the stream that the peer was to send.
pub trait PacketEndpoint: Endpoint {
    /// A packet for this connection came in. What is no segment of it is counted by [`Reader::garbage`] and ignored.
    fn on_packet(&mut self, now: Time, packet: &[u8]);

    /// Writes the next packet to send at `now` into `packet`, whatever was there, or returns that there is none.
    fn transmit_packet(&mut self, now: Time, packet: &mut Vec<u8>) -> bool;

    /// What the application on this side has read.
    fn reader(&self) -> &Reader;
}
