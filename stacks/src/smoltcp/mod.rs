//! The published crate smoltcp, unmodified, as a second TCP beside [`native`](crate::native).
//!
//! A [`Connection`] holds one interface with one socket: smoltcp looks through all sockets of an interface for each
//! packet. It is an [`Endpoint`](crate::Endpoint) and a [`PacketEndpoint`](crate::PacketEndpoint): `frame` turns
//! segments into packets for smoltcp's `device`, which collects what smoltcp sends.
//!
//! Congestion control is smoltcp's own ([`Congestion::Reno`], [`Congestion::Cubic`]), none at all, or any
//! [`Controller`](burstlab_algorithms::Controller), enforced from outside: [`Congestion::Enforced`]. That follows
//! AC/DC TCP (He et al., "AC/DC TCP: Virtual Congestion Control Enforcement for Datacenter Networks", SIGCOMM 2016):
//! smoltcp runs without control of its own, and all is done to its packets at the device.
//!
//! - `observer` watches data leave and ACKs come in, and tells the controller what
//!   [`Controller`](burstlab_algorithms::Controller) asks for: delivery, round trips to the nanosecond, rate samples,
//!   episodes. A loss is what smoltcp sends again.
//! - `window` cuts the window that the peer gives to the controller's.
//! - `line` holds what smoltcp sent until the controller's rate lets it go. smoltcp is never refused a packet: it would
//!   forget a fast retransmission that the device refuses, and its timer along with it.
//! - `ecn` negotiates, marks and echoes, of which smoltcp itself knows nothing. Accurate feedback (RFC 9768) is not
//!   built; the classic one is negotiated in its place.
//!
//! What smoltcp 0.14 does not do, and experiments will show:
//!
//! - The sender ignores SACK, and leaves fast recovery at the first new ACK: no more than one loss in a flight is
//!   repaired without a timeout, unless the rest of the flight brings three duplicate ACKs again.
//! - The retransmission timeout is 1 s at least, doubles up to 60 s, and is followed by sending all again
//!   ([`min_rto`](crate::native::Config::min_rto) and its neighbours have no effect). A probe of the tail there is
//!   not.
//! - Round trips count in whole milliseconds.
//! - Its own Reno and CUBIC begin with a window of 2048 bytes whatever the experiment says, hold it in private, and
//!   hear nothing of ECN.
//! - No pacing, no timestamps in virtual time (their clock is a bare function), no undo, no D-SACK.
//! - A segment with an acknowledgement that a later one has overtaken is dropped, payload included. So data on its way
//!   through the line is given the latest acknowledgement as it leaves.
//! - A SACK option holds one block; the receiver holds as many holes as smoltcp was built for (4, unless
//!   `SMOLTCP_ASSEMBLER_MAX_SEGMENT_COUNT` says more, as this repository's `.cargo/config.toml` does).
//! - A FIN that arrives before all data is forgotten and has to be sent again.
//! - TIME-WAIT lasts 10 s.
//!
//! Three faults would stop connections for good, or drown the figures. They are kept from happening at the device,
//! under smoltcp's own control as well:
//!
//! - After a timeout, acknowledgements are numbered by where smoltcp begins again: two sides that both do so refuse
//!   each other's for ever. They leave with SND.NXT.
//! - Three duplicate ACKs while only the FIN is out stop the retransmission timer, and nothing is sent again. The
//!   window is varied then, so that smoltcp counts none.
//! - Without Nagle, whatever fits into the window is sent, however small. Nagle is switched on while a full packet
//!   waits.

mod config;
mod congestion;
mod connection;
mod device;
mod ecn;
mod frame;
mod line;
mod observer;
mod receiver;
#[cfg(test)]
mod tests;
mod window;

pub use config::Config;
pub use congestion::Congestion;
pub use connection::Connection;
