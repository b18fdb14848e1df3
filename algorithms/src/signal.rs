//! What a controller is told and what it answers.

use crate::{Bytes, Rate, Span, Time};

/// What is known of a connection before its first packet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Path {
    /// The instant at which the connection opens.
    pub now: Time,
    /// Largest payload of a packet.
    pub mss: Bytes,
    /// Window that the stack's configuration begins with.
    pub initial_window: Bytes,
    /// For controllers that need chance (BBR's probing phases): a seed of this connection's own.
    pub seed: u64,
    /// As [`Ack::fair_share`], for the packets that leave before the first ACK.
    pub fair_share: Option<Rate>,
}

impl Default for Path {
    /// An Ethernet path: 1460 bytes a packet, ten of them to begin with (RFC 6928).
    fn default() -> Path {
        Path { now: Time::ZERO, mss: Bytes::new(1460), initial_window: Bytes::new(14_600), seed: 0, fair_share: None }
    }
}

/// All that one acknowledgement says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ack<'a> {
    /// When it came in.
    pub now: Time,
    /// Bytes newly acknowledged cumulatively (also those that were sacked before).
    pub acked: Bytes,
    /// Bytes newly acknowledged selectively.
    pub sacked: Bytes,
    /// Bytes newly delivered: cumulatively or selectively for the first time.
    pub delivered: Bytes,
    /// Bytes newly marked lost.
    pub lost: Bytes,
    /// Bytes of what was newly delivered that carried a CE mark, as well as the feedback can tell.
    pub ce_marked: Bytes,
    /// Whether the ECE flag was set (classic and DCTCP feedback).
    pub ece: bool,
    /// Round-trip time of the newest packet delivered by this ACK that was not retransmitted.
    pub rtt: Option<Span>,
    /// Smoothed round-trip time (RFC 6298); zero before the first sample.
    pub smoothed_rtt: Span,
    /// Least round-trip time seen on this connection; [`Span::MAX`] before the first sample.
    pub min_rtt: Span,
    /// Delivery-rate sample, if this ACK delivered anything.
    pub rate: Option<RateSample>,
    /// Bytes in flight before this ACK.
    pub prior_in_flight: Bytes,
    /// Bytes in flight after it: sent, and neither delivered nor lost.
    pub in_flight: Bytes,
    /// Whether the window, and not the application, the receiver or the host, held the sender back in this round.
    pub window_limited: bool,
    /// Where loss recovery stands after this ACK. The ACK that ends a recovery, or the repair after a timeout, still belongs to
    /// it, so that the window is what the reduction left (RFC 5681, section 3.2, step 6); but not for a controller with a
    /// model of its own ([`Control::own_recovery`](crate::Control::own_recovery)).
    pub phase: Phase,
    /// Largest payload of a packet.
    pub mss: Bytes,
    /// Stream position of the first unacknowledged byte, counted from the start of the connection.
    pub una: u64,
    /// Stream position behind the last byte sent.
    pub next: u64,
    /// In-band telemetry, a record per hop in path order; empty where the network gives none.
    pub hops: &'a [Hop],
    /// What the training job knows of its own iteration.
    pub job: JobView,
    /// The flow's fair share of its path now, in payload as [`Control::pacing_rate`] is. Only an oracle knows it: it is
    /// given to controllers whose registry entry asks for it.
    pub fair_share: Option<Rate>,
}

impl Default for Ack<'_> {
    /// An ACK that says nothing; a base for tests.
    fn default() -> Self {
        Ack {
            now: Time::ZERO,
            acked: Bytes::ZERO,
            sacked: Bytes::ZERO,
            delivered: Bytes::ZERO,
            lost: Bytes::ZERO,
            ce_marked: Bytes::ZERO,
            ece: false,
            rtt: None,
            smoothed_rtt: Span::ZERO,
            min_rtt: Span::MAX,
            rate: None,
            prior_in_flight: Bytes::ZERO,
            in_flight: Bytes::ZERO,
            window_limited: true,
            phase: Phase::Open,
            mss: Bytes::new(1460),
            una: 0,
            next: 0,
            hops: &[],
            job: JobView::default(),
            fair_share: None,
        }
    }
}

/// A delivery-rate sample: draft-ietf-ccwg-bbr, section 4.1 (Linux's `rate_sample`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateSample {
    /// Bytes delivered over `interval`.
    pub delivered: Bytes,
    /// The longer of the send and the ACK interval; zero if too short to tell a rate.
    pub interval: Span,
    /// Connection's total of delivered bytes, now (C.delivered).
    pub total_delivered: u64,
    /// That total when the sample's packet was sent (P.delivered).
    pub prior_delivered: u64,
    /// Bytes in flight just after the sample's packet was sent (P.tx_in_flight).
    pub tx_in_flight: Bytes,
    /// Connection's total of bytes marked lost, now (C.lost).
    pub total_lost: u64,
    /// Bytes lost between the sending of the sample's packet and now.
    pub lost: Bytes,
    /// Bytes CE-marked between the sending of the sample's packet and now.
    pub ce_marked: Bytes,
    /// Whether the application was the limit when the sample's packet was sent.
    pub app_limited: bool,
}

impl RateSample {
    /// The delivery rate, or `None` if the interval is too short to tell.
    pub fn rate(&self) -> Option<Rate> {
        (!self.interval.is_zero()).then(|| Rate::of(self.delivered, self.interval))
    }
}

/// A packet that was marked lost, with what was known when it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LostPacket {
    /// When it was marked.
    pub now: Time,
    /// Its payload.
    pub bytes: Bytes,
    /// Bytes in flight just after it was sent, itself included (P.tx_in_flight).
    pub tx_in_flight: Bytes,
    /// Bytes marked lost from its sending until now, itself included.
    pub lost_since_sent: Bytes,
    /// Connection's total of delivered bytes when it was sent (P.delivered).
    pub prior_delivered: u64,
    /// Whether the application was the limit when it was sent.
    pub app_limited: bool,
}

/// Where the stack's loss recovery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// All is well.
    #[default]
    Open,
    /// The window comes down after an ECN echo; nothing was lost.
    Reducing,
    /// Fast recovery after loss (RFC 6675, 8985, 9937).
    Recovery,
    /// Recovery after a retransmission timeout.
    Loss,
}

/// A congestion episode begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Congestion {
    /// When it was found.
    pub now: Time,
    /// What told of it.
    pub cause: Cause,
    /// FlightSize (RFC 5681, section 2): bytes sent and not acknowledged cumulatively, before the ACK that told of it; what
    /// limited transmit sent beyond the window is not among them.
    pub in_flight: Bytes,
    /// Largest payload of a packet.
    pub mss: Bytes,
    /// Stream position behind the last byte sent; the episode ends when it is acknowledged.
    pub next: u64,
}

/// What told of a congestion episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cause {
    /// A packet was found lost (RACK, duplicate ACKs, SACK).
    #[default]
    Loss,
    /// The receiver echoed a CE mark.
    Ecn,
    /// The retransmission timer expired.
    Timeout,
}

/// A packet left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// When.
    pub now: Time,
    /// Its payload.
    pub bytes: Bytes,
    /// Bytes in flight, this packet included.
    pub in_flight: Bytes,
    /// Whether this is a retransmission.
    pub retransmission: bool,
    /// Whether nothing was in flight before: the connection restarts from idle.
    pub restart: bool,
    /// Whether the last delivery-rate sample was limited by the application.
    pub app_limited: bool,
}

/// In-band telemetry of one hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hop {
    /// Bytes waiting when the packet left.
    pub queue: Bytes,
    /// Capacity of the link.
    pub rate: Rate,
    /// Bytes that the port has sent since it came up.
    pub sent: u64,
    /// When the packet left.
    pub at: Time,
}

/// What the training job knows of its iteration, as far as this connection's direction carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JobView {
    /// Bytes of this iteration that were acknowledged.
    pub sent: Bytes,
    /// Bytes that this iteration will send; zero if unknown.
    pub expected: Bytes,
}

/// The ECN codepoint of the IP header (RFC 3168, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ecn {
    /// Not ECN-capable: congested queues drop instead of marking.
    #[default]
    NotEct,
    /// ECN-capable, ECT(0).
    Ect0,
    /// ECN-capable, ECT(1): asks for L4S treatment (RFC 9331).
    Ect1,
}

/// How the receiver tells the sender of CE marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum EcnFeedback {
    /// Not at all; ECN is not negotiated.
    #[default]
    None,
    /// ECE until CWR: one bit a round trip (RFC 3168).
    Classic,
    /// ECE mirrors the CE mark of each packet (RFC 8257, section 3.2).
    Dctcp,
    /// Counters of marked packets and bytes (RFC 9768).
    Accurate,
}

/// What a controller wants of the stack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Control {
    /// Congestion window. May be below one packet, if there is a pacing rate to spread the packets by.
    pub window: Bytes,
    /// Packets leave at this rate at most; `None` sends as soon as the window allows.
    pub pacing_rate: Option<Rate>,
    /// Bytes that may leave in one go when paced.
    pub burst: Bytes,
    /// Codepoint of data packets, if ECN was negotiated.
    pub ecn: Ecn,
    /// When [`Controller::on_timer`](crate::Controller::on_timer) is to be called; [`Time::NEVER`] for not at all.
    pub timer: Time,
    /// The window holds through a recovery as it is: the stack's proportional reduction stays out of it.
    pub own_recovery: bool,
}

impl Control {
    /// A plain window: no pacing, no timer, not ECN-capable.
    pub const fn window(window: Bytes) -> Control {
        Control {
            window,
            pacing_rate: None,
            burst: Bytes::MAX,
            ecn: Ecn::NotEct,
            timer: Time::NEVER,
            own_recovery: false,
        }
    }

    /// The same, with data packets marked as ECN-capable.
    pub const fn with_ecn(mut self, ecn: Ecn) -> Control {
        self.ecn = ecn;
        self
    }
}

/// A controller's own account of itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Explanation {
    /// Why the controller last changed its window or rate, as a short phrase.
    pub reason: &'static str,
    /// Inner signals by name (`ssthresh`, `alpha`, ...), in a stable order; the unit is in the name where it has one.
    pub signals: Vec<(&'static str, f64)>,
}
