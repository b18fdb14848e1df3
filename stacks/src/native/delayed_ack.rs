//! When to acknowledge: RFC 9293, section 3.8.6.3, and RFC 5681, section 4.2.

use burstlab_algorithms::{Span, Time};

/// What is still to be acknowledged.
#[derive(Debug, Clone, Copy)]
pub(super) struct DelayedAck {
    delay: Option<Span>,
    /// Bytes that arrived since the last acknowledgement.
    waiting: u64,
    due: bool,
    /// When the delay is over; [`Time::NEVER`] if nothing waits.
    pub deadline: Time,
}

impl DelayedAck {
    /// Nothing waits. `delay`: how long it may, `None` for not at all.
    pub fn new(delay: Option<Span>) -> DelayedAck {
        DelayedAck { delay, waiting: 0, due: false, deadline: Time::NEVER }
    }

    /// `bytes` arrived in order: every second full segment is acknowledged at once.
    pub fn on_data(&mut self, now: Time, bytes: u64, mss: u64) {
        let Some(delay) = self.delay else {
            self.due = true;
            return;
        };
        self.waiting += bytes;
        if self.waiting >= 2 * mss {
            self.due = true;
        } else if self.deadline.is_never() {
            self.deadline = now + delay;
        }
    }

    /// An acknowledgement must go out now.
    pub fn demand(&mut self) {
        self.due = true;
    }

    /// Whether an acknowledgement must go out now.
    pub fn is_due(&self) -> bool {
        self.due
    }

    /// Whether something waits to be acknowledged.
    pub fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// The clock says `now`.
    pub fn on_wake(&mut self, now: Time) {
        if self.deadline <= now {
            self.deadline = Time::NEVER;
            self.due = true;
        }
    }

    /// An acknowledgement left, alone or with data.
    pub fn on_sent(&mut self) {
        self.waiting = 0;
        self.due = false;
        self.deadline = Time::NEVER;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // holds: RFC5681 4.2 #2, RFC5681 4.2 #3
    #[test]
    fn every_second_full_segment_or_the_timer() {
        let mut ack = DelayedAck::new(Some(Span::from_millis(1)));
        ack.on_data(Time::ZERO, 1000, 1000);
        assert!(!ack.is_due());
        ack.on_data(Time::ZERO, 1000, 1000);
        assert!(ack.is_due());
        ack.on_sent();
        ack.on_data(Time::ZERO, 1000, 1000);
        ack.on_wake(Time::from_nanos(999_999));
        assert!(!ack.is_due());
        ack.on_wake(Time::from_nanos(1_000_000));
        assert!(ack.is_due());
    }

    #[test]
    fn without_delay_each_segment_is_acknowledged() {
        let mut ack = DelayedAck::new(None);
        ack.on_data(Time::ZERO, 1, 1000);
        assert!(ack.is_due());
    }
}
