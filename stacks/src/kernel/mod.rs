//! Linux's own TCP, through plain sockets.
//!
//! A [`Connection`] is driven by the readiness of its socket, and so in real time only: segments, timers and the
//! congestion controller are the kernel's. What it tells of them comes from `TCP_INFO`.
//!
//! The least retransmission timeout and the initial window are properties of a route in Linux (`ip route ... rto_min ...
//! initcwnd ...`), and not set here.

use std::net::SocketAddrV4;
use std::{fs, io};

use burstlab_algorithms::Bytes;

mod connection;
mod info;
mod stream;

#[cfg(test)]
mod tests;

pub use connection::Connection;

/// What the kernel says of its controllers: Documentation/networking/ip-sysctl.rst. It answers for the network
/// namespace of the thread that reads.
const AVAILABLE: &str = "/proc/sys/net/ipv4/tcp_available_congestion_control";

/// Settings of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The kernel's name of a congestion controller (`TCP_CONGESTION`); see [`available`]. Default: cubic, Linux's.
    pub congestion: String,
    /// `SO_SNDBUF`: of which the kernel makes the double, at most `net.core.wmem_max`'s. Default: it sizes the buffer
    /// itself.
    pub send_buffer: Option<Bytes>,
    /// `SO_RCVBUF`: of which the kernel makes the double, at most `net.core.rmem_max`'s. Default: it sizes the buffer
    /// itself.
    pub receive_buffer: Option<Bytes>,
    /// Whether small segments leave at once (`TCP_NODELAY`). Default: yes, as the native stack does.
    pub nodelay: bool,
    /// Whether to ask for prompt acknowledgements (`TCP_QUICKACK`), again after each reading, since the kernel falls
    /// back to delayed ones by itself. Default: yes.
    pub quick_ack: bool,
    /// Largest segment to send and to announce (`TCP_MAXSEG`). Default: what the interface's MTU gives.
    pub mss: Option<u16>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            congestion: "cubic".to_owned(),
            send_buffer: None,
            receive_buffer: None,
            nodelay: true,
            quick_ack: true,
            mss: None,
        }
    }
}

/// Why there is no socket as it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel does not have the congestion controller.
    #[error("this kernel has no congestion controller \"{name}\"; it has {}", .available.join(", "))]
    Congestion {
        /// What was asked for.
        name: String,
        /// What there is.
        available: Vec<String>,
    },
    /// The kernel did not take a setting.
    #[error("the kernel refuses {what}: {source}")]
    Setting {
        /// The setting, as socket(7) and tcp(7) call it, and its value.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The address cannot be used.
    #[error("cannot use the address {address} on this host: {source}")]
    Address {
        /// The address.
        address: SocketAddrV4,
        /// What the kernel said.
        source: io::Error,
    },
    /// No socket at all.
    #[error("the kernel gives no TCP socket: {0}")]
    Socket(#[source] io::Error),
}

/// The kernel's congestion controllers that are ready for use.
pub fn available() -> io::Result<Vec<String>> {
    Ok(fs::read_to_string(AVAILABLE)?.split_whitespace().map(str::to_owned).collect())
}
