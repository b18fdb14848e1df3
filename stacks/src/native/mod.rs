//! burstlab's own TCP engine: the whole of a modern TCP, sans-IO, built to be measured.
//!
//! A [`Connection`] is one side of one connection and an [`Endpoint`](crate::Endpoint). Its parts, from the wire
//! inwards:
//!
//! - `endpoint` is what whoever drives a connection calls. `connection` takes segments in and puts them together;
//!   `handshake` and `close` are the states of RFC 9293, `negotiation` what they agree on about ECN.
//! - `life` is what else can end a connection, or keep it alive: the application, silence, `icmp`; `options` is what the
//!   application may change on the way, `info` what it may ask, from what `account` counts.
//! - `sender` decides what leaves: retransmissions before new data, as window, peer and `pacing` allow; `cutting` makes
//!   segments of what was written. `scoreboard` holds a record of every packet that is out. `acks` takes an
//!   acknowledgement apart: delivery (`rate`), round trip (`rto`), loss by time (`rack`), probes of the tail (`tlp`),
//!   marks (`marks`). `recovery` moves between phases, with the window's reduction spread by `prr` and taken back by
//!   `frto` and `undo`. `persist` probes closed windows; `timers` wakes all of them.
//! - `receiver` keeps what arrived (`reassembly`) and says when to acknowledge (`delayed_ack`) and which marks to echo
//!   (`ecn`).
//! - `place` tells who carries bytes where they belong.
//! - `seq` translates between the wire's 32-bit numbers and positions of 64 bits; everything inside counts in positions
//!   of the stream: 0 is the first byte, and the FIN takes the position behind the last one.
//!
//! The controller is asked for its window, rate and codepoint; everything else is the stack's.
//!
//! Timers are kept as few as can be: the send side has one, armed for the earliest of retransmission, tail probe,
//! reordering window and window probe; beside it are the delayed ACK, the pacing release and the controller's own.
//!
//! Work per packet does not depend on the window: the ring of records is indexed by packet number, cumulative ACKs take
//! from its front, SACK blocks that were seen before are skipped as ranges, and loss detection walks packets in the
//! order in which they were sent and stops at the first that is too recent.

mod account;
pub(crate) mod acks;
mod close;
mod config;
mod connection;
mod cutting;
mod delayed_ack;
pub(crate) mod ecn;
mod endpoint;
mod failure;
mod frto;
mod handshake;
mod icmp;
mod info;
mod life;
pub(crate) mod marks;
mod negotiation;
mod newreno;
mod options;
pub(crate) mod pacing;
mod persist;
mod place;
mod prr;
mod rack;
pub(crate) mod ranges;
pub(crate) mod rate;
pub(crate) mod reassembly;
mod receiver;
pub(crate) mod record;
mod recovery;
pub(crate) mod rto;
pub(crate) mod scoreboard;
mod sender;
pub(crate) mod seq;
mod stamps;
mod timers;
mod tlp;
mod undo;

#[cfg(test)]
mod tests;

pub use config::{Config, KeepAlive};
pub use connection::Connection;
pub use failure::{Failure, Unreachable};
pub use icmp::Icmp;
pub use info::{CongestionState, Info};
