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
    /// Whether the floor is one of the variation, smoothed RTT + max(4 * variation, floor), as Linux has it, instead of
    /// one of the whole timeout, as RFC 6298, section 2.4 has it. Default: off.
    pub min_rto_on_variation: bool,
    /// How long an ACK may wait for a second segment; `None` acknowledges each packet. Default: `None`, as data-centre
    /// experiments do; RFC 9293, section 3.8.6.3 (MUST-40) allows less than 500 ms, which is the most that this counts
    /// for; Linux waits 40 ms or longer.
    pub delayed_ack: Option<Span>,
    /// ACKs from the connection's start on that are not delayed, as Linux's quick-acknowledgement phase (up to 16);
    /// it is over as well once this side answers what it received with data. Default: 0. Means nothing without
    /// [`delayed_ack`](Config::delayed_ack).
    pub quick_acks: u32,
    /// Bytes that the receive side buffers for its application, and so the largest window that it gives. Default: 6 MiB
    /// (Linux's `tcp_rmem`).
    pub receive_buffer: Bytes,
    /// Shift of the window field that is offered, at most 14 (RFC 7323, section 2.3); `None` for the least that fits
    /// the buffer. Linux scales by what its buffer may grow to. Default: `None`.
    pub window_shift: Option<u8>,
    /// Whether a small segment waits while another is unacknowledged (RFC 9293, section 3.7.4). Default: off.
    pub nagle: bool,
    /// Whether it waits only while another small one is unacknowledged, as in Linux (Minshall's variant,
    /// draft-minshall-nagle-00). Means nothing without [`nagle`](Config::nagle). Default: off.
    pub minshall: bool,
    /// Whether to offer timestamps (RFC 7323), which cost 12 bytes a packet. Default: on, as in Linux.
    pub timestamps: bool,
    /// Tick of the timestamp clock. RFC 7323, section 5.4 allows 1 ms to 1 s; finer ones tell more originals from
    /// retransmissions. Linux ticks each millisecond, or each microsecond if a route says so. Default: 1 us.
    pub timestamp_tick: Span,
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
    /// The same for the SYN; `None`: as many as for data. Linux's `tcp_syn_retries` is 6. Default: `None`.
    pub syn_retransmissions: Option<u32>,
    /// Retransmissions of a SYN that follow each other by the initial timeout, before it doubles; Linux's
    /// `tcp_syn_linear_timeouts` is 4. Default: 0 (RFC 6298, 5.5).
    pub linear_syn_timeouts: u32,
    /// As `syn_retransmissions`, for the SYN/ACK. Linux's `tcp_synack_retries` is 5. Default: `None`.
    pub syn_ack_retransmissions: Option<u32>,
    /// Whether probes of a closed window are empty segments of an old sequence number, which the peer has to answer as
    /// well, as in Linux, instead of one byte of new data (RFC 9293, section 3.8.6.1, MUST-35). Default: off.
    pub empty_window_probes: bool,
    /// Whether an ICMP error that may pass ends a connection that is being opened, as in Linux and against RFC 9293,
    /// section 3.9.2.2 (MUST-56); RFC 5461, section 4 tells why one would. Default: off.
    pub soft_errors_end_opening: bool,
    /// Whether tail loss probes are sent (RFC 8985, section 7). Default: on.
    pub tail_loss_probe: bool,
    /// Least probe timeout. Default: 1 ms, a kernel's clock tick: twice a smoothed round trip of some microseconds is
    /// less than a queue's first fill takes.
    pub min_probe_timeout: Span,
    /// How long the peer may delay an ACK (RFC 8985, section 7.2: TLP.max_ack_delay), by which a probe of a single packet
    /// waits longer; `None`: as long as this side does. Linux takes 200 ms. Default: `None`.
    pub peer_ack_delay: Option<Span>,
    /// With DCTCP and accurate ECN feedback: whether retransmissions, pure ACKs and SYNs are ECN-capable as well
    /// (draft-ietf-tcpm-generalized-ecn; Linux and Windows do so for DCTCP, since a step-marking queue drops whatever
    /// is not). Classic feedback never does (RFC 3168, section 6.1). Default: on.
    pub generalized_ecn: bool,
    /// Whether that goes for SYNs and SYN/ACKs as well. Default: on.
    pub generalized_syn: bool,
    /// Whether accurate ECN feedback comes with byte counters in an option (RFC 9768, section 3.2.3) beside the three bits in
    /// the header: on SYN/ACKs and pure ACKs. Default: on.
    pub acc_ecn_option: bool,
    /// Whether a reduction for marks is spread over a round trip, as one for a loss is (RFC 9937), which is what Linux does
    /// (`tcp_enter_cwr`); else it takes effect at once, as RFC 3168, section 6.1.2, and RFC 8257, section 3.3, read, and as
    /// models have it. Default: on.
    pub spread_mark_reduction: bool,
    /// How long TIME-WAIT lasts: twice the maximum segment lifetime (RFC 9293, section 3.4.2). Default: 100 ms, plenty
    /// for a data centre.
    pub time_wait: Span,
    /// How long a connection that the application closed for both directions waits in FIN-WAIT-2 for the peer's FIN;
    /// `None` for ever. Default: 60 s, as Linux's `tcp_fin_timeout`.
    pub fin_timeout: Option<Span>,
    /// How long what was sent may stay unacknowledged until the connection is given up, instead of
    /// [`max_retransmissions`](Config::max_retransmissions) (RFC 9293, section 3.8.3; RFC 5482). Default: `None`.
    pub user_timeout: Option<Span>,
    /// Probes of a peer that is silent (RFC 9293, section 3.8.4). Default: `None`, as MUST-25 has it.
    pub keep_alive: Option<KeepAlive>,
}

/// How a silent peer is probed: RFC 9293, section 3.8.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepAlive {
    /// Silence before the first probe; the RFC asks for two hours at least by default (MUST-28).
    pub idle: Span,
    /// Time between probes.
    pub interval: Span,
    /// Unanswered probes after which the connection is given up.
    pub probes: u32,
}

impl Default for KeepAlive {
    /// Linux's `tcp_keepalive_time`, `tcp_keepalive_intvl` and `tcp_keepalive_probes`.
    fn default() -> KeepAlive {
        KeepAlive { idle: Span::from_secs(7200), interval: Span::from_secs(75), probes: 9 }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            mss: 1460,
            initial_window: 10,
            initial_rto: Span::from_secs(1),
            min_rto: Span::from_millis(10),
            max_rto: Span::from_secs(60),
            min_rto_on_variation: false,
            delayed_ack: None,
            quick_acks: 0,
            receive_buffer: Bytes::new(6 << 20),
            window_shift: None,
            nagle: false,
            minshall: false,
            timestamps: true,
            timestamp_tick: Span::from_micros(1),
            sack: true,
            window_scaling: true,
            slow_start_after_idle: true,
            initial_sequence: 0,
            max_retransmissions: 15,
            syn_retransmissions: None,
            linear_syn_timeouts: 0,
            syn_ack_retransmissions: None,
            empty_window_probes: false,
            soft_errors_end_opening: false,
            tail_loss_probe: true,
            min_probe_timeout: Span::from_millis(1),
            peer_ack_delay: None,
            generalized_ecn: true,
            generalized_syn: true,
            acc_ecn_option: true,
            spread_mark_reduction: true,
            time_wait: Span::from_millis(100),
            fin_timeout: Some(Span::from_secs(60)),
            user_timeout: None,
            keep_alive: None,
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

    /// The given shift, or the least that makes the receive buffer fit into the window field (RFC 7323, section 2.3: at
    /// most 14).
    pub(super) fn window_shift(&self) -> u8 {
        let least = || (0..14).find(|shift| self.receive_buffer.get() >> shift <= u64::from(u16::MAX)).unwrap_or(14);
        self.window_shift.map_or_else(least, |shift| shift.min(14))
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
