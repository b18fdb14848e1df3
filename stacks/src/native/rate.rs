//! Delivery-rate samples: draft-ietf-ccwg-bbr, section 4.1, in bytes.

use burstlab_algorithms::{Bytes, Rate, RateSample, Span, Time};

use super::scoreboard::Record;

/// The connection's side of delivery-rate estimation (the draft's `C.` variables).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Delivery {
    /// C.delivered.
    pub delivered: u64,
    /// C.delivered_time.
    delivered_at: Time,
    /// C.first_sent_time: when the newest delivered packet was sent.
    first_sent: Time,
    /// C.lost.
    pub lost: u64,
    /// Bytes of feedback about CE marks.
    pub marked: u64,
    /// C.app_limited: samples of packets sent before this much is delivered are application-limited; zero for none.
    app_limited: u64,
    last_limited: bool,
    /// Bytes and time of the last sample that told a rate.
    last: (Bytes, Span),
}

impl Delivery {
    /// Writes the state at transmission into the packet's record. `idle`: nothing was in flight before.
    pub fn stamp(&mut self, record: &mut Record, now: Time, idle: bool) {
        if idle {
            self.first_sent = now;
            self.delivered_at = now;
        }
        record.first_sent = self.first_sent;
        record.delivered_at = self.delivered_at;
        record.delivered = self.delivered;
        record.lost = self.lost as u32;
        record.marked = self.marked as u32;
        record.set_app_limited(self.app_limited != 0);
    }

    /// `bytes` reached the receiver.
    pub fn deliver(&mut self, bytes: u64, now: Time) {
        self.delivered += bytes;
        self.delivered_at = now;
    }

    /// The application has nothing more to send while the window has room.
    pub fn limited_by_application(&mut self, in_flight: u64) {
        self.app_limited = (self.delivered + in_flight).max(1);
    }

    /// Whether the last sample was limited by the application.
    pub fn was_app_limited(&self) -> bool {
        self.last_limited
    }

    /// The last rate that a sample told.
    pub fn last_rate(&self) -> Option<Rate> {
        (!self.last.1.is_zero()).then(|| Rate::of(self.last.0, self.last.1))
    }

    /// The sample of an ACK, of which `newest` is the packet sent last.
    pub fn sample(&mut self, newest: &Record, min_rtt: Span) -> RateSample {
        if self.app_limited != 0 && self.delivered > self.app_limited {
            self.app_limited = 0;
        }
        self.first_sent = newest.sent_at;
        self.last_limited = newest.is_app_limited();
        let send = newest.sent_at.since(newest.first_sent);
        let ack = self.delivered_at.since(newest.delivered_at);
        let interval = send.max(ack);
        let delivered = Bytes::new(self.delivered - newest.delivered);
        // Shorter than any round trip: acknowledgements were compressed, or a retransmission was taken for its
        // original.
        let interval = if interval < min_rtt { Span::ZERO } else { interval };
        if !interval.is_zero() {
            self.last = (delivered, interval);
        }
        RateSample {
            delivered,
            interval,
            total_delivered: self.delivered,
            prior_delivered: newest.delivered,
            tx_in_flight: Bytes::new(u64::from(newest.tx_in_flight)),
            total_lost: self.lost,
            lost: Bytes::new(u64::from((self.lost as u32).wrapping_sub(newest.lost))),
            ce_marked: Bytes::new(u64::from((self.marked as u32).wrapping_sub(newest.marked))),
            app_limited: newest.is_app_limited(),
        }
    }
}
