//! The window that Reno and its kin share: slow start, additive increase, reduction, undo.

use crate::registry::{Kind, Parameter, Params};
use crate::{Ack, Bytes, Congestion, Path, Phase, Sent, Span, Time};

/// Bytes of growth that one ACK may bring in slow start, in packets: RFC 3465, section 2.3, allows L = 2.
///
/// RFC 5681 counts one packet an ACK, which makes slow start half as fast with a receiver that delays its ACKs. Two
/// packets undo that, and no more, so that an ACK that covers many packets releases no burst.
const SLOW_START_LIMIT: u64 = 2;

/// The same after a retransmission timeout: one packet (RFC 3465, section 2.3), since the ACKs then also cover what had
/// arrived before the timeout.
const SLOW_START_LIMIT_AFTER_TIMEOUT: u64 = 1;

/// Least slow-start threshold, in packets (RFC 5681, equation 4).
pub(crate) const MIN_SSTHRESH: u64 = 2;

/// Window after a retransmission timeout, in packets (RFC 5681, section 3.1: the loss window).
const LOSS_WINDOW: u64 = 1;

/// No window grows beyond this, whatever it is told: sums of it stay far from overflow.
const CEILING: u64 = 1 << 48;

/// Slow start after idle (RFC 5681, section 4.1). The RFC restarts after a retransmission timeout's time, which a
/// controller is not told; and whether a training job's pauses should count as idle is for the experiment to say. So it
/// is off unless asked for.
pub(crate) const RESTART_AFTER: Parameter = Parameter {
    name: "restart_after",
    kind: Kind::Span { default: None, min: Span::from_nanos(1) },
    about: "begin again from the initial window when nothing was sent for longer than this (RFC 5681, section 4.1)",
};

/// What one ACK may bring in slow start, for comparisons with stacks that count every packet it covers, as Linux does.
pub(crate) const ACK_LIMIT: Parameter = Parameter {
    name: "ack_limit",
    kind: Kind::Integer { default: 0, min: 0, max: 1_000_000 },
    about: "packets by which one ACK may enlarge the window in slow start; 0 for the RFCs' limit: 2 (RFC 3465), and 8 with HyStart++ (RFC 9406)",
};

/// A congestion window and its slow-start threshold, in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub(crate) cwnd: u64,
    pub(crate) ssthresh: u64,
    /// Bytes delivered in congestion avoidance that have not yet enlarged the window (RFC 3465, section 2.1).
    credit: u64,
    /// Window and threshold before the last episode, for an undo.
    before: Option<(u64, u64)>,
    /// The retransmission timer expired and nothing has been acknowledged since.
    timed_out: bool,
    /// Window to restart with after idle.
    initial: u64,
    restart_after: Option<Span>,
    last_sent: Time,
    /// Growth by one ACK in slow start, in packets, if it is not to be the RFCs'.
    ack_limit: Option<u64>,
}

impl Window {
    pub(crate) fn new(path: &Path) -> Window {
        let initial = path.initial_window.get().clamp(path.mss.get().max(1), CEILING);
        Window {
            cwnd: initial,
            // RFC 5681, section 3.1: the initial threshold is arbitrarily high.
            ssthresh: CEILING,
            credit: 0,
            before: None,
            timed_out: false,
            initial,
            restart_after: None,
            last_sent: path.now,
            ack_limit: None,
        }
    }

    /// The same with what [`RESTART_AFTER`] and [`ACK_LIMIT`] say.
    pub(crate) fn with_settings(mut self, params: &Params) -> Window {
        self.restart_after = params.span(RESTART_AFTER.name);
        self.ack_limit = Some(params.integer(ACK_LIMIT.name)).filter(|limit| *limit > 0);
        self
    }

    /// Notes that a packet left; returns whether the window begins again after an idle time.
    pub(crate) fn on_sent(&mut self, sent: &Sent) -> bool {
        let idle = sent.now.since(self.last_sent);
        self.last_sent = sent.now;
        let restart = sent.restart && self.restart_after.is_some_and(|after| idle > after) && self.cwnd > self.initial;
        if restart {
            self.cwnd = self.initial;
            self.credit = 0;
        }
        restart
    }

    pub(crate) fn bytes(&self) -> Bytes {
        Bytes::new(self.cwnd)
    }

    /// The threshold; none as long as no congestion set one.
    pub(crate) fn threshold(&self) -> Option<Bytes> {
        (self.ssthresh < CEILING).then(|| Bytes::new(self.ssthresh))
    }

    pub(crate) fn in_slow_start(&self) -> bool {
        self.cwnd < self.ssthresh
    }

    /// Whether no congestion has been met yet.
    pub(crate) fn in_first_slow_start(&self) -> bool {
        self.ssthresh == CEILING && self.in_slow_start()
    }

    /// Notes progress and tells whether `ack` may enlarge the window.
    ///
    /// It may not in a recovery or a reduction, where the stack steers towards the new window; nor by an ACK with an ECN
    /// echo (RFC 3168, section 6.1.2); nor if the window was not what held the sender back; nor by a duplicate ACK, whatever
    /// its SACK blocks deliver (RFC 5681, section 3.2): one packet more just before a loss is found is mostly lost, too.
    pub(crate) fn may_grow(&mut self, ack: &Ack) -> bool {
        if ack.acked.get() > 0 {
            self.timed_out = false;
        }
        ack.acked.get() > 0 && ack.window_limited && !ack.ece && matches!(ack.phase, Phase::Open | Phase::Loss)
    }

    /// Slow start by the bytes that `ack` delivered, over `divisor` (1, but for conservative slow start).
    ///
    /// Delivered bytes and not the cumulative ones: the ACK that fills a hole would else release, all at once, what SACK
    /// has told of before.
    pub(crate) fn slow_start(&mut self, ack: &Ack, divisor: u64) {
        let limit = if ack.phase == Phase::Loss { SLOW_START_LIMIT_AFTER_TIMEOUT } else { SLOW_START_LIMIT };
        self.slow_start_limited(ack, divisor, limit);
    }

    /// As [`slow_start`](Self::slow_start), with growth by one ACK limited to `limit` packets; not beyond the threshold,
    /// where slow start is over.
    pub(crate) fn slow_start_limited(&mut self, ack: &Ack, divisor: u64, limit: u64) {
        let limit = self.ack_limit.unwrap_or(limit);
        let growth = ack.delivered.get().min(limit.saturating_mul(ack.mss.get())) / divisor;
        self.enlarge(growth.min(self.ssthresh.saturating_sub(self.cwnd)));
    }

    pub(crate) fn enlarge(&mut self, bytes: u64) {
        self.cwnd = self.cwnd.saturating_add(bytes).min(CEILING);
    }

    /// Congestion avoidance: one packet more for each window delivered (RFC 5681, section 3.1; RFC 3465, section 2.1).
    pub(crate) fn additive_increase(&mut self, ack: &Ack) {
        self.credit = self.credit.saturating_add(ack.delivered.get());
        if self.credit >= self.cwnd {
            // More than a window in one ACK brings no more than one packet, as in RFC 3465.
            self.credit = (self.credit - self.cwnd).min(self.cwnd);
            self.enlarge(ack.mss.get());
        }
    }

    /// Comes down to `window`, which is also the new threshold.
    pub(crate) fn reduce_to(&mut self, window: u64) {
        self.before = Some((self.cwnd, self.ssthresh));
        self.ssthresh = window.clamp(1, CEILING - 1);
        self.cwnd = self.ssthresh;
        self.credit = 0;
    }

    /// The retransmission timer expired: the threshold comes to `ssthresh` and slow start begins at one packet.
    ///
    /// If the timer expires again before anything is acknowledged, the threshold holds: the flight is then what the
    /// timeout left of it, and says nothing of the path (RFC 5681, section 3.1).
    pub(crate) fn timeout(&mut self, congestion: &Congestion, ssthresh: u64) {
        if !self.timed_out {
            self.reduce_to(ssthresh);
        }
        self.timed_out = true;
        self.cwnd = (LOSS_WINDOW * congestion.mss.get()).max(1);
        self.credit = 0;
    }

    /// Whether the timer expired and nothing has been acknowledged since.
    pub(crate) fn timed_out_before(&self) -> bool {
        self.timed_out
    }

    /// The last reduction was for nothing.
    pub(crate) fn undo(&mut self) -> bool {
        let Some((cwnd, ssthresh)) = self.before.take() else { return false };
        // A window that has grown beyond that of before by now goes on from where it is (RFC 9438, section 4.9.2); with the
        // old threshold it could be in slow start again.
        if self.cwnd < cwnd {
            self.cwnd = cwnd;
            self.ssthresh = self.ssthresh.max(ssthresh);
        }
        self.timed_out = false;
        true
    }
}

/// Half the flight, two packets at least (RFC 5681, equation 4).
pub(crate) fn half_of_flight(congestion: &Congestion) -> u64 {
    (congestion.in_flight.get() / 2).max(MIN_SSTHRESH * congestion.mss.get())
}
