//! Pacing: packets leave at the controller's rate, in bursts no longer than it allows.

use burstlab_algorithms::{Bytes, Rate, Span, Time};

/// A virtual clock that each packet advances by its time at the pacing rate (the generic cell rate algorithm, ITU-T
/// I.371).
///
/// The rate counts payload, as delivery-rate samples do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pacing {
    /// When the packets sent so far would be through at the pacing rate.
    through: Time,
    /// The pacing rate that the controller wants; zero for none.
    wanted: Rate,
    /// The pacing rate that holds; zero for none.
    rate: Rate,
    /// The most that the application allows.
    limit: Option<Rate>,
    burst: Bytes,
    /// How far `through` may be ahead of now.
    slack: Span,
    /// Time of a full packet: spares a division per packet.
    full: Span,
    mss: u32,
}

impl Pacing {
    /// Takes over the controller's wishes.
    pub fn set(&mut self, rate: Option<Rate>, burst: Bytes, mss: u32) {
        let wanted = rate.unwrap_or(Rate::ZERO);
        if wanted != self.wanted || wanted != Rate::ZERO && (burst != self.burst || mss != self.mss) {
            self.change(wanted, burst, mss);
        }
    }

    /// Whatever the controller wants, this is the most.
    pub fn set_limit(&mut self, limit: Option<Rate>) {
        self.limit = limit.filter(|limit| *limit != Rate::ZERO);
        self.change(self.wanted, self.burst, self.mss.max(1));
    }

    /// The most that the application allows.
    pub fn limit(&self) -> Option<Rate> {
        self.limit
    }

    #[inline(never)]
    fn change(&mut self, wanted: Rate, burst: Bytes, mss: u32) {
        let packet = Bytes::new(u64::from(mss));
        self.wanted = wanted;
        self.burst = burst;
        self.mss = mss;
        self.rate = match self.limit {
            Some(limit) if wanted == Rate::ZERO || limit < wanted => limit,
            _ => wanted,
        };
        if self.rate != Rate::ZERO {
            // A controller that does not pace allows bursts of any length, which the limit does not.
            let burst = if wanted == Rate::ZERO { packet } else { burst };
            self.full = self.rate.transmission_time(packet);
            self.slack = self.rate.transmission_time(burst - packet);
        }
    }

    /// The pacing rate.
    pub fn rate(&self) -> Option<Rate> {
        (self.rate != Rate::ZERO).then_some(self.rate)
    }

    /// When the next packet may leave.
    pub fn release(&self) -> Time {
        if self.rate == Rate::ZERO { Time::ZERO } else { self.through - self.slack }
    }

    /// A packet left.
    pub fn on_sent(&mut self, now: Time, payload: u32) {
        if self.rate != Rate::ZERO {
            let time = if payload == self.mss {
                self.full
            } else {
                self.rate.transmission_time(Bytes::new(u64::from(payload)))
            };
            self.through = self.through.max(now) + time;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paced(burst: u64) -> Pacing {
        let mut pacing = Pacing::default();
        pacing.set(Some(Rate::from_bits_per_sec(8_000_000_000)), Bytes::new(burst), 1000);
        pacing
    }

    fn sent_at_once(mut pacing: Pacing, now: Time) -> usize {
        (0..100)
            .take_while(|_| {
                pacing.release() <= now && {
                    pacing.on_sent(now, 1000);
                    true
                }
            })
            .count()
    }

    #[test]
    fn packets_are_spaced_by_their_time_at_the_rate() {
        let mut pacing = paced(1000);
        let now = Time::from_nanos(5_000);
        assert!(pacing.release() <= now);
        pacing.on_sent(now, 1000);
        assert_eq!(pacing.release(), Time::from_nanos(6_000));
    }

    #[test]
    fn a_burst_leaves_in_one_go_and_idleness_saves_up_no_more() {
        assert_eq!(sent_at_once(paced(4000), Time::from_nanos(1_000_000)), 4);
        assert_eq!(sent_at_once(paced(1000), Time::from_nanos(1_000_000)), 1);
    }

    #[test]
    fn the_applications_limit_holds_with_and_without_a_rate_of_the_controllers() {
        let mut pacing = paced(1000);
        pacing.set_limit(Some(Rate::from_bits_per_sec(4_000_000_000)));
        assert_eq!(pacing.rate(), Some(Rate::from_bits_per_sec(4_000_000_000)));
        pacing.set(None, Bytes::MAX, 1000);
        assert_eq!(sent_at_once(pacing, Time::from_nanos(1_000_000)), 1);
        pacing.set_limit(None);
        assert_eq!(pacing.rate(), None);
    }

    #[test]
    fn no_rate_means_no_waiting() {
        assert_eq!(sent_at_once(Pacing::default(), Time::ZERO), 100);
    }
}
