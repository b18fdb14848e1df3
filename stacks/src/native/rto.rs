//! The round-trip estimator and the retransmission timeout: RFC 6298.

use burstlab_algorithms::Span;

use super::Config;

/// Smoothed round trip, its variation, and the timeouts that follow from them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoundTrip {
    smoothed: u64,
    variation: u64,
    least: u64,
    /// The timeout without backoff.
    timeout: u64,
    backoff: u32,
    floor: u64,
    /// Whether the floor is one of the variation.
    floor_on_variation: bool,
    cap: u64,
    /// Whether there was a sample since the last tail loss probe.
    fresh: bool,
}

impl RoundTrip {
    /// Before any sample.
    pub fn new(config: &Config) -> RoundTrip {
        RoundTrip {
            smoothed: 0,
            variation: 0,
            least: u64::MAX,
            timeout: config.initial_rto.as_nanos(),
            backoff: 0,
            floor: config.min_rto.as_nanos(),
            floor_on_variation: config.min_rto_on_variation,
            cap: config.max_rto.as_nanos(),
            fresh: false,
        }
    }

    /// Takes in a sample of a packet that was sent once: Karn's rule is the caller's. Alpha 1/8, beta 1/4, K 4
    /// (RFC 6298, section 2).
    pub fn sample(&mut self, rtt: Span) {
        let rtt = rtt.as_nanos();
        self.least = self.least.min(rtt);
        if self.smoothed == 0 {
            self.smoothed = rtt.max(1);
            self.variation = rtt / 2;
        } else {
            let off = self.smoothed.abs_diff(rtt);
            self.variation = self.variation - self.variation / 4 + off / 4;
            self.smoothed = (self.smoothed - self.smoothed / 8 + rtt / 8).max(1);
        }
        let spread = self.variation.saturating_mul(4).max(1);
        self.timeout = if self.floor_on_variation {
            self.smoothed.saturating_add(spread.max(self.floor))
        } else {
            self.smoothed.saturating_add(spread).max(self.floor)
        };
        self.backoff = 0;
        self.fresh = true;
    }

    /// The same of a sample as coarse as the timestamp clock: it says nothing of the least round trip, unless it is all
    /// there is.
    pub fn sample_coarse(&mut self, rtt: Span) {
        let least = self.least;
        self.sample(rtt);
        if least != u64::MAX {
            self.least = least;
        }
    }

    /// The variation of the round trip.
    pub fn variation(&self) -> Span {
        Span::from_nanos(self.variation)
    }

    /// How often the timer expired since the last sample.
    pub fn backoff(&self) -> u32 {
        self.backoff
    }

    /// Smoothed round trip; zero before the first sample.
    pub fn smoothed(&self) -> Span {
        Span::from_nanos(self.smoothed)
    }

    /// Least round trip so far; [`Span::MAX`] before the first sample.
    pub fn least(&self) -> Span {
        Span::from_nanos(self.least)
    }

    /// Whether there has been a sample.
    pub fn known(&self) -> bool {
        self.smoothed != 0
    }

    /// Whether there was a sample since the last tail loss probe; before the first probe, whether there was any.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// A tail loss probe leaves.
    pub fn on_probe(&mut self) {
        self.fresh = false;
    }

    /// The timeout, backoff included.
    pub fn timeout(&self) -> Span {
        self.backed_off(self.backoff)
    }

    /// The timeout doubled `times`, at most the cap.
    pub fn backed_off(&self, times: u32) -> Span {
        if times == 0 {
            return Span::from_nanos(self.timeout.min(self.cap));
        }
        let factor = 1u64.checked_shl(times).unwrap_or(u64::MAX);
        Span::from_nanos(self.timeout.saturating_mul(factor).min(self.cap))
    }

    /// The timer expired: the next timeout is twice as long (RFC 6298, 5.5).
    pub fn back_off(&mut self) {
        self.backoff = (self.backoff + 1).min(62);
    }

    /// The SYN was sent again, so the first timeout for data is three times the initial one: RFC 6298, 5.7, has 3 s for
    /// an initial timeout of 1 s.
    pub fn handshake_was_slow(&mut self) {
        self.backoff = 0;
        self.timeout = self.timeout.saturating_mul(3).min(self.cap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimator() -> RoundTrip {
        RoundTrip::new(&Config { min_rto: Span::from_millis(1), ..Config::default() })
    }

    // holds: RFC6298 2.1, RFC6298 2.2
    #[test]
    fn the_first_sample_sets_three_round_trips() {
        let mut rtt = estimator();
        assert_eq!(rtt.timeout(), Span::from_secs(1));
        rtt.sample(Span::from_millis(10));
        assert_eq!(rtt.timeout(), Span::from_millis(30));
    }

    // holds: RFC6298 5.7
    #[test]
    fn a_slow_handshake_triples_the_initial_timeout() {
        let mut rtt = estimator();
        rtt.handshake_was_slow();
        assert_eq!(rtt.timeout(), Span::from_secs(3));
    }

    #[test]
    fn steady_samples_let_the_timeout_fall_to_its_floor() {
        let mut rtt = estimator();
        (0..200).for_each(|_| rtt.sample(Span::from_micros(100)));
        assert_eq!(rtt.timeout(), Span::from_millis(1));
        assert_eq!(rtt.smoothed(), Span::from_micros(100));
    }

    #[test]
    fn a_floor_of_the_variation_adds_to_the_round_trip() {
        let config = Config { min_rto: Span::from_millis(200), min_rto_on_variation: true, ..Config::default() };
        let mut rtt = RoundTrip::new(&config);
        rtt.sample(Span::from_millis(100));
        assert_eq!(rtt.timeout(), Span::from_millis(300));
        rtt.sample(Span::from_millis(500));
        // SRTT 150 ms, RTTVAR 37.5 + 100 ms.
        assert_eq!(rtt.timeout(), Span::from_millis(150 + 550));
    }

    #[test]
    fn a_coarse_sample_does_not_lower_the_least() {
        let mut rtt = estimator();
        rtt.sample_coarse(Span::from_millis(4));
        assert_eq!(rtt.least(), Span::from_millis(4));
        rtt.sample_coarse(Span::ZERO);
        assert_eq!(rtt.least(), Span::from_millis(4));
    }

    // holds: RFC6298 5.5
    #[test]
    fn backoff_doubles_up_to_the_cap_and_is_forgiven() {
        let mut rtt = estimator();
        rtt.sample(Span::from_millis(10));
        rtt.back_off();
        rtt.back_off();
        assert_eq!(rtt.timeout(), Span::from_millis(120));
        (0..100).for_each(|_| rtt.back_off());
        assert_eq!(rtt.timeout(), Span::from_secs(60));
        rtt.sample(Span::from_millis(10));
        assert!(rtt.timeout() < Span::from_millis(30));
    }
}
