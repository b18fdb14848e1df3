//! What can be set about a connection, with defaults for a data centre.

use burstlab_algorithms::{Bytes, Path, Span, Time};

/// Length of the timestamps option with its padding (RFC 7323, appendix A).
pub(super) const TIMESTAMPS_LEN: u32 = 12;

/// Settings of one side of a connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// MSS option: the largest payload that this side takes, options not counted off (RFC 9293, section 3.7.1; RFC
    /// 6691). Default: 1460 bytes, Ethernet's.
    pub mss: u16,
    /// Initial window in packets; also the restart window after idleness. Default: 10 (RFC 6928).
    pub initial_window: u32,
    /// Retransmission timeout before the first RTT sample. Default: 1 s (RFC 6298, section 2.1).
    pub initial_rto: Span,
    /// Least retransmission timeout. Default: 10 ms, as data centres set it (SIGCOMM 2009, "Safe and effective
    /// fine-grained TCP retransmissions"); Linux has 200 ms, RFC 6298 one second.
    pub min_rto: Span,
    /// Largest retransmission timeout, backoff included. Default: 60 s (RFC 6298, section 2.5).
    pub max_rto: Span,
    /// How long an ACK may wait for a second segment; `None` acknowledges each packet. Default: `None`, as data-centre
    /// experiments do; RFC 9293, section 3.8.6.3 allows up to 500 ms, Linux waits 40 ms or longer.
    pub delayed_ack: Option<Span>,
    /// Bytes that the receive side buffers for its application, and so the largest window that it gives. Default: 6 MiB
    /// (Linux's `tcp_rmem`).
    pub receive_buffer: Bytes,
    /// Whether a small segment waits while another is unacknowledged (RFC 9293, section 3.7.4). Default: off.
    pub nagle: bool,
    /// Whether to offer timestamps (RFC 7323), which cost 12 bytes a packet. Default: on, as in Linux.
    pub timestamps: bool,
    /// Whether to offer selective acknowledgements (RFC 2018). Default: on.
    pub sack: bool,
    /// Whether to offer window scaling (RFC 7323, section 2). Default: on.
    pub window_scaling: bool,
    /// Whether the window falls back to the initial one after an idle retransmission timeout (RFC 5681, section 4.1).
    /// Default: on, as in Linux. Controllers hear of the pause through `Sent::restart` either way.
    pub slow_start_after_idle: bool,
    /// Number of the SYN on the wire. Default: 0; any value gives the same behaviour.
    pub initial_sequence: u32,
    /// Retransmission timeouts (or unanswered probes) in a row until the connection is given up. Default: 15 (Linux's
    /// `tcp_retries2`).
    pub max_retransmissions: u32,
    /// Whether tail loss probes are sent (RFC 8985, section 7). Default: on.
    pub tail_loss_probe: bool,
    /// Least probe timeout. Default: 1 ms, a kernel's clock tick: twice a smoothed round trip of some microseconds is
    /// less than a queue's first fill takes.
    pub min_probe_timeout: Span,
    /// With DCTCP and accurate ECN feedback: whether retransmissions, pure ACKs and SYNs are ECN-capable as well
    /// (draft-ietf-tcpm-generalized-ecn; Linux and Windows do so for DCTCP, since a step-marking queue drops whatever
    /// is not). Classic feedback never does (RFC 3168, section 6.1). Default: on.
    pub generalized_ecn: bool,
    /// How long TIME-WAIT lasts: twice the maximum segment lifetime (RFC 9293, section 3.4.2). Default: 100 ms, plenty
    /// for a data centre.
    pub time_wait: Span,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            mss: 1460,
            initial_window: 10,
            initial_rto: Span::from_secs(1),
            min_rto: Span::from_millis(10),
            max_rto: Span::from_secs(60),
            delayed_ack: None,
            receive_buffer: Bytes::new(6 << 20),
            nagle: false,
            timestamps: true,
            sack: true,
            window_scaling: true,
            slow_start_after_idle: true,
            initial_sequence: 0,
            max_retransmissions: 15,
            tail_loss_probe: true,
            min_probe_timeout: Span::from_millis(1),
            generalized_ecn: true,
            time_wait: Span::from_millis(100),
        }
    }
}

impl Config {
    /// Payload of a full packet: the MSS less the options that every packet carries.
    pub fn payload(&self) -> Bytes {
        Bytes::new(u64::from(payload(u32::from(self.mss), self.timestamps)))
    }

    /// What a controller of this connection must know to be built.
    pub fn path(&self, now: Time, seed: u64) -> Path {
        let initial_window = Bytes::new(self.payload().get() * u64::from(self.initial_window));
        Path { now, mss: self.payload(), initial_window, seed, ..Path::default() }
    }

    /// The least shift that makes the receive buffer fit into the window field (RFC 7323, section 2.3: at most 14).
    pub(super) fn window_shift(&self) -> u8 {
        (0..14).find(|shift| self.receive_buffer.get() >> shift <= u64::from(u16::MAX)).unwrap_or(14)
    }
}

/// Payload of a full packet under an MSS.
pub(super) fn payload(mss: u32, timestamps: bool) -> u32 {
    mss.saturating_sub(if timestamps { TIMESTAMPS_LEN } else { 0 }).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_come_out_of_the_payload() {
        let plain = Config { timestamps: false, ..Config::default() };
        assert_eq!(plain.payload(), Bytes::new(1460));
        let config = Config::default();
        assert_eq!(config.payload(), Bytes::new(1448));
        assert_eq!(config.path(Time::ZERO, 0).initial_window, Bytes::new(14_480));
    }

    #[test]
    fn the_shift_is_the_least_that_fits_and_never_above_14() {
        let shift = |n| Config { receive_buffer: Bytes::new(n), ..Config::default() }.window_shift();
        assert_eq!(shift(65_535), 0);
        assert_eq!(shift(65_536), 1);
        assert_eq!(shift(u64::MAX), 14);
    }
}
