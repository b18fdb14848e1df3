//! What a connection knows of itself, as Linux's `tcp_info` shows it.

use burstlab_algorithms::{Bytes, EcnFeedback, Phase, Rate, Span, Time};

use super::connection::{Connection, State};
use super::rack::DUP_THRESHOLD;

/// Where congestion control stands: Linux's `tcp_ca_state`, with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CongestionState {
    /// All is well.
    Open = 0,
    /// There are duplicate ACKs or SACK blocks, and nothing is taken for lost.
    Disorder = 1,
    /// The window comes down after an ECN echo.
    Cwr = 2,
    /// Fast recovery.
    Recovery = 3,
    /// Recovery after a timeout.
    Loss = 4,
}

/// The state of a connection at one instant. Fields have the names and meanings of Linux's `struct tcp_info`
/// (include/uapi/linux/tcp.h) where they have a counterpart there; what the stack does not know is left out: the
/// round trip and space of the receiver's auto-tuning (`rcv_rtt`, `rcv_space`), and a send buffer that could be the limit
/// (`sndbuf_limited`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Info {
    /// RFC 9293's state in Linux's numbers: 1 ESTABLISHED, 2 SYN-SENT, 3 SYN-RECEIVED, 4 and 5 FIN-WAIT-1 and -2, 6
    /// TIME-WAIT, 7 closed or failed, 8 CLOSE-WAIT, 9 LAST-ACK, 10 LISTEN, 11 CLOSING.
    pub state: u8,
    /// Where congestion control stands.
    pub ca_state: CongestionState,
    /// Timeouts in a row, of the SYN or of data.
    pub retransmits: u32,
    /// Unanswered probes of a closed window or a silent peer.
    pub probes: u32,
    /// How often the next timeout was doubled.
    pub backoff: u32,
    /// Whether timestamps were agreed (`TCPI_OPT_TIMESTAMPS`).
    pub timestamps: bool,
    /// Whether SACK was agreed (`TCPI_OPT_SACK`).
    pub sack: bool,
    /// Whether window scaling was agreed (`TCPI_OPT_WSCALE`).
    pub window_scaling: bool,
    /// The ECN feedback that was agreed (`TCPI_OPT_ECN`).
    pub ecn: EcnFeedback,
    /// Shift of the window fields that come.
    pub snd_wscale: u8,
    /// Shift of the window fields that go.
    pub rcv_wscale: u8,
    /// The retransmission timeout, doublings included.
    pub rto: Span,
    /// How long an ACK may wait; zero if not at all.
    pub ato: Span,
    /// Payload of a full segment that goes.
    pub snd_mss: u32,
    /// The largest payload that came, 536 bytes at least (an estimate of what the peer fills).
    pub rcv_mss: u32,
    /// The MSS option that this side sends.
    pub advmss: u32,
    /// The path's MTU, as far as is known: that of the MSS, or what ICMP told.
    pub pmtu: u32,
    /// Packets sent and not acknowledged cumulatively.
    pub unacked: u32,
    /// Of these, packets selectively acknowledged, or vouched for by duplicate ACKs of a peer without SACK.
    pub sacked: u32,
    /// Of these, packets lost, also those that were sent again.
    pub lost: u32,
    /// Of these, packets that are out again.
    pub retrans: u32,
    /// Time since data was last sent; since the connection's start if there was none.
    pub last_data_sent: Span,
    /// Time since data last came; since the handshake if there was none.
    pub last_data_recv: Span,
    /// Time since the peer was last heard of; since the connection's start if it was not.
    pub last_ack_recv: Span,
    /// The most that the receive window will be, in bytes: the buffer.
    pub rcv_ssthresh: u64,
    /// Smoothed round trip; zero before the first sample.
    pub rtt: Span,
    /// Its variation. Linux shows the mean deviation, which is the same but for a floor.
    pub rttvar: Span,
    /// Least round trip; none before the first sample.
    pub min_rtt: Option<Span>,
    /// Slow-start threshold in packets; none while it is arbitrarily high.
    pub snd_ssthresh: Option<u32>,
    /// Congestion window in packets, rounded down, one at least.
    pub snd_cwnd: u32,
    /// Packets by which reordering was seen to reach, the threshold of duplicate ACKs at least.
    pub reordering: u32,
    /// Times that reordering was seen.
    pub reord_seen: u32,
    /// Segments sent again, SYNs included.
    pub total_retrans: u64,
    /// The pacing rate; none if not paced.
    pub pacing_rate: Option<Rate>,
    /// The application's limit of it.
    pub max_pacing_rate: Option<Rate>,
    /// Payload that was acknowledged cumulatively. Linux counts an active side's SYN and the FIN as well.
    pub bytes_acked: u64,
    /// Payload that came in order. Linux counts the FIN as well.
    pub bytes_received: u64,
    /// Payload that was sent, retransmissions included.
    pub bytes_sent: u64,
    /// Payload that was sent again.
    pub bytes_retrans: u64,
    /// Payload written and not sent.
    pub notsent_bytes: u64,
    /// Segments sent, SYNs included, resets not.
    pub segs_out: u64,
    /// Segments that came.
    pub segs_in: u64,
    /// Segments with payload that came.
    pub data_segs_in: u64,
    /// Segments with payload or a FIN that were sent.
    pub data_segs_out: u64,
    /// The last delivery-rate sample that told a rate.
    pub delivery_rate: Option<Rate>,
    /// Whether the application was the limit of it.
    pub delivery_rate_app_limited: bool,
    /// Time with something written and not acknowledged.
    pub busy_time: Span,
    /// Of that, time in which the peer's window was the limit, and the congestion window was not.
    pub rwnd_limited: Span,
    /// Packets that the peer told of, cumulatively or selectively; Linux counts the SYN as well.
    pub delivered: u64,
    /// Of these, packets that were marked, as well as the feedback can tell.
    pub delivered_ce: u64,
    /// D-SACK blocks that came.
    pub dsack_dups: u64,
    /// Segments that came out of order.
    pub rcv_ooopack: u64,
    /// The peer's window in bytes.
    pub snd_wnd: u64,
    /// What this side's window offers, in bytes.
    pub rcv_wnd: u64,
}

/// Bytes of the IPv4 and TCP headers without options.
const HEADERS: u32 = 40;

impl Connection {
    /// The state of the connection at `now`. Walks over what is out: not for the fast path.
    pub fn info(&self, now: Time) -> Info {
        let (sender, receiver) = (&self.sender, &self.receiver);
        let (account, counters) = (&sender.account, &sender.counters);
        let mss = u64::from(sender.mss);
        let packets = |bytes: u64| u32::try_from(bytes / mss).unwrap_or(u32::MAX);
        let census = sender.board.census();
        let syns = u64::from(self.opening.sent());
        let negotiated = !matches!(self.state, State::Listen | State::SynSent);
        let sample = sender.rate.last_rate();
        Info {
            state: self.linux_state(),
            ca_state: self.congestion_state(),
            retransmits: if self.opening.at.is_never() {
                sender.retries
            } else {
                self.opening.sent().saturating_sub(1)
            },
            probes: sender.persist.unanswered.max(self.life.probes()),
            backoff: if sender.persist.since.is_some() { sender.persist.backoff } else { sender.rtt.backoff() },
            timestamps: self.timestamps,
            sack: sender.sack,
            window_scaling: negotiated && self.opening.scales(),
            ecn: sender.marks.feedback(),
            snd_wscale: self.peer_shift,
            rcv_wscale: receiver.shift,
            rto: sender.rtt.timeout(),
            ato: receiver.ack.delay(),
            snd_mss: sender.mss,
            rcv_mss: receiver.ack.full_segment() as u32,
            advmss: u32::from(self.config.mss),
            pmtu: u32::from(self.config.mss) + HEADERS,
            unacked: census.out,
            sacked: census.sacked + packets(sender.board.vouched()),
            lost: census.lost + if sender.phase == Phase::Open { 0 } else { census.resent },
            retrans: census.resent,
            last_data_sent: now.since(sender.last_sent),
            last_data_recv: now.since(receiver.came),
            last_ack_recv: now.since(account.heard),
            rcv_ssthresh: self.config.receive_buffer.get(),
            rtt: sender.rtt.smoothed(),
            rttvar: sender.rtt.variation(),
            min_rtt: sender.rtt.known().then(|| sender.rtt.least()),
            snd_ssthresh: sender.controller.slow_start_threshold().map(|bytes| packets(bytes.get())),
            snd_cwnd: packets(sender.window()).max(1),
            reordering: packets(sender.rack.reach()).max(DUP_THRESHOLD as u32),
            reord_seen: sender.rack.times_seen(),
            total_retrans: counters.retransmitted_segments + syns.saturating_sub(1),
            pacing_rate: sender.pacing.rate(),
            max_pacing_rate: sender.pacing.limit(),
            bytes_acked: sender.board.una().min(sender.written),
            bytes_received: receiver.delivered() + receiver.waiting(),
            bytes_sent: sender.board.next().min(sender.written) + counters.retransmitted_bytes,
            bytes_retrans: counters.retransmitted_bytes,
            notsent_bytes: sender.unsent(),
            segs_out: account.segments_out + syns,
            segs_in: account.segments_in,
            data_segs_in: counters.unique_segments_received + counters.duplicate_segments_received,
            data_segs_out: counters.data_segments_sent,
            delivery_rate: sample,
            delivery_rate_app_limited: sender.rate.was_app_limited(),
            busy_time: account.busy.total(now),
            rwnd_limited: account.window_closed.total(now),
            delivered: sender.board.first() + u64::from(census.sacked),
            delivered_ce: sender.rate.marked.div_ceil(mss),
            dsack_dups: account.duplicates,
            rcv_ooopack: receiver.overtaking,
            snd_wnd: sender.peer_window,
            rcv_wnd: receiver.offered(),
        }
    }

    /// RFC 9293's state in Linux's numbers.
    fn linux_state(&self) -> u8 {
        match self.state {
            State::Established => 1,
            State::SynSent => 2,
            State::SynReceived => 3,
            State::FinWait1 => 4,
            State::FinWait2 => 5,
            State::TimeWait => 6,
            State::Closed | State::Failed => 7,
            State::CloseWait => 8,
            State::LastAck => 9,
            State::Listen => 10,
            State::Closing => 11,
        }
    }

    fn congestion_state(&self) -> CongestionState {
        match self.sender.phase {
            Phase::Open if self.sender.duplicates > 0 || self.sender.board.sacked() > 0 => CongestionState::Disorder,
            Phase::Open => CongestionState::Open,
            Phase::Reducing => CongestionState::Cwr,
            Phase::Recovery => CongestionState::Recovery,
            Phase::Loss => CongestionState::Loss,
        }
    }

    /// The slow-start threshold in bytes; see [`Controller::slow_start_threshold`](burstlab_algorithms::Controller).
    pub fn slow_start_threshold(&self) -> Option<Bytes> {
        self.sender.controller.slow_start_threshold()
    }
}
