//! When to acknowledge: RFC 9293, section 3.8.6.3, and RFC 5681, section 4.2.

use burstlab_algorithms::{Span, Time};

use super::Config;

/// What an ACK may wait: less than half a second (RFC 9293, section 3.8.6.3, MUST-40).
const LONGEST: Span = Span::from_nanos(499_999_999);
/// Payload that every peer may send (RFC 9293, section 3.7.1): segments count as full from here on.
const LEAST_FULL: u64 = 536;

/// What is still to be acknowledged.
#[derive(Debug, Clone, Copy)]
pub(super) struct DelayedAck {
    delay: Option<Span>,
    /// Bytes that arrived since the last acknowledgement.
    waiting: u64,
    due: bool,
    /// When the delay is over; [`Time::NEVER`] if nothing waits.
    pub deadline: Time,
    /// The largest segment that came: a full one, as far as can be told. Options come out of it, so that it is not the MSS.
    full: u64,
    /// ACKs that are not to be delayed yet.
    quick: u32,
    came: Time,
}

impl DelayedAck {
    /// Nothing waits.
    pub fn new(config: &Config) -> DelayedAck {
        DelayedAck {
            delay: config.delayed_ack.map(|delay| delay.min(LONGEST)),
            waiting: 0,
            due: false,
            deadline: Time::NEVER,
            full: LEAST_FULL.min(u64::from(config.mss)),
            quick: if config.delayed_ack.is_some() { config.quick_acks } else { 0 },
            came: Time::ZERO,
        }
    }

    /// `bytes` arrived in order, of `mss` at most in a segment: every second full segment is acknowledged at once.
    pub fn on_data(&mut self, now: Time, bytes: u64, mss: u64) {
        let Some(delay) = self.delay else {
            self.due = true;
            return;
        };
        self.waiting += bytes;
        self.came = now;
        self.full = self.full.max(bytes.min(mss));
        if self.waiting > self.full || self.quick > 0 {
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

    /// The largest segment that came, or what every peer may send.
    pub fn full_segment(&self) -> u64 {
        self.full
    }

    /// How long an ACK may wait; zero for not at all.
    pub fn delay(&self) -> Span {
        self.delay.unwrap_or(Span::ZERO)
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

    /// Whether ACKs are not delayed for the time being.
    #[inline]
    pub fn is_quick(&self) -> bool {
        self.quick > 0
    }

    /// The same left while ACKs are not delayed. An answer that follows at once shows that the application talks back and
    /// forth, so that ACKs can ride on its answers.
    #[cold]
    pub fn on_quick_sent(&mut self, now: Time, with_data: bool) {
        let answers = with_data && self.came != Time::ZERO && now.since(self.came) < self.delay();
        self.quick = if answers { 0 } else { self.quick - 1 };
    }

    /// ACKs are not delayed from now on, or are.
    pub fn set_quick(&mut self, quick: bool) {
        self.quick = if quick && self.delay.is_some() { u32::MAX } else { 0 };
        self.due |= quick && self.waiting > 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delayed(config: Config) -> DelayedAck {
        DelayedAck::new(&Config { delayed_ack: Some(Span::from_millis(1)), ..config })
    }

    // holds: RFC5681 4.2 #2, RFC5681 4.2 #3
    #[test]
    fn every_second_full_segment_or_the_timer() {
        let mut ack = delayed(Config::default());
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
        let mut ack = DelayedAck::new(&Config::default());
        ack.on_data(Time::ZERO, 1, 1000);
        assert!(ack.is_due());
    }

    #[test]
    fn a_full_segment_is_what_the_peer_fills_and_small_ones_add_up() {
        let mut ack = delayed(Config::default());
        ack.on_data(Time::ZERO, 1448, 1460);
        assert!(!ack.is_due());
        ack.on_data(Time::ZERO, 1448, 1460);
        assert!(ack.is_due(), "the second one, though 2 * 1448 is less than 2 * 1460");
        let mut ack = delayed(Config::default());
        (0..53).for_each(|_| ack.on_data(Time::ZERO, 10, 1460));
        assert!(!ack.is_due());
        ack.on_data(Time::ZERO, 10, 1460);
        assert!(ack.is_due());
    }

    #[test]
    fn the_first_acks_are_quick_until_the_application_answers() {
        let mut ack = delayed(Config { quick_acks: 2, ..Config::default() });
        let mut quick = Vec::new();
        for _ in 0..3 {
            ack.on_data(Time::ZERO, 100, 1460);
            quick.push(ack.is_due());
            ack.on_sent();
            if ack.is_quick() {
                ack.on_quick_sent(Time::ZERO, false);
            }
        }
        assert_eq!(quick, [true, true, false]);
        let mut ack = delayed(Config { quick_acks: 16, ..Config::default() });
        ack.on_data(Time::from_nanos(5), 100, 1460);
        ack.on_quick_sent(Time::from_nanos(7), true);
        assert!(!ack.is_quick());
    }

    #[test]
    fn an_ack_never_waits_for_half_a_second() {
        let ack = DelayedAck::new(&Config { delayed_ack: Some(Span::from_secs(2)), ..Config::default() });
        assert!(ack.delay() < Span::from_millis(500));
    }
}
