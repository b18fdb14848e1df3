//! What can be set about a connection.

use std::net::SocketAddrV4;

use burstlab_algorithms::{Bytes, Path, Time};

use crate::{Keys, native};

/// IPv4 and TCP headers without options.
const HEADERS: u16 = 40;
/// smoltcp takes no smaller MSS of a peer (Linux's `TCP_MIN_SND_MSS`), and fails with an MTU below the headers.
pub(super) const MIN_MSS: u16 = 48;
/// smoltcp refuses larger receive buffers (RFC 7323, section 2.3).
const MAX_BUFFER: u64 = 1 << 30;
/// A window that takes a few full packets; less could not hold one.
const MIN_BUFFER: u64 = 4096;

/// Settings of one side of a connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Of these, smoltcp follows `mss`, `delayed_ack`, `receive_buffer` (4 KiB to 1 GiB; its send buffer is as large,
    /// and the receive buffer takes that much memory as soon as as many bytes came in), `nagle` and
    /// `max_retransmissions`. `generalized_ecn` is followed at the device. `initial_sequence` is taken as a seed.
    /// `initial_window` tells enforced controllers where to begin. The rest is fixed in smoltcp: timeouts, timestamps
    /// (none), SACK and window scaling (offered), TIME-WAIT.
    pub tcp: native::Config,
    /// Largest packet in bytes, IPv4 header included.
    pub mtu: u16,
    /// This side's address.
    pub own: SocketAddrV4,
    /// The peer's.
    pub peer: SocketAddrV4,
    /// Which streams packets carry; `None` in virtual time, where a payload is a length.
    pub keys: Option<Keys>,
    /// Whether packets with a wrong checksum are dropped. Has no effect in virtual time.
    pub verify: bool,
}

impl Config {
    /// Payload of a full packet.
    pub fn payload(&self) -> Bytes {
        Bytes::new(u64::from(self.mss()))
    }

    /// What a controller of this connection must know to be built.
    pub fn path(&self, now: Time, seed: u64) -> Path {
        native::Config { timestamps: false, mss: self.mss(), ..self.tcp.clone() }.path(now, seed)
    }

    pub(super) fn mss(&self) -> u16 {
        self.tcp.mss.min(self.mtu.saturating_sub(HEADERS)).clamp(MIN_MSS, u16::MAX - HEADERS)
    }

    /// The MTU that makes smoltcp keep to the MSS.
    pub(super) fn smoltcp_mtu(&self) -> usize {
        usize::from(self.mss() + HEADERS)
    }

    pub(super) fn buffer(&self) -> usize {
        self.tcp.receive_buffer.get().clamp(MIN_BUFFER, MAX_BUFFER) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::config;
    use super::*;

    #[test]
    fn the_smaller_of_mss_and_mtu_counts() {
        let with = |mss, mtu| {
            let mut config = Config { mtu, ..config() };
            config.tcp.mss = mss;
            config.payload().get()
        };
        assert_eq!(with(1460, 1500), 1460);
        assert_eq!(with(8960, 1500), 1460);
        assert_eq!(with(1000, 9000), 1000);
        assert_eq!(with(0, 0), 48);
        assert_eq!(with(u16::MAX, u16::MAX), 65_495);
    }
}
