//! Proportional rate reduction: RFC 9937.

/// Spreads a window's reduction over the round trip that follows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reduction {
    active: bool,
    /// Whether it began with a loss, so that there is something to send again.
    repairs: bool,
    /// prr_delivered.
    delivered: u64,
    /// prr_out.
    out: u64,
    /// RecoverFS.
    flight: u64,
    /// Bytes that may be in flight now.
    window: u64,
}

impl Reduction {
    /// An episode begins with `flight` bytes that are still to be delivered in its course. `repairs`: with a loss.
    pub fn begin(&mut self, flight: u64, repairs: bool) {
        *self = Reduction { active: true, repairs, flight: flight.max(1), window: u64::MAX, ..Reduction::default() };
    }

    /// The episode is over.
    pub fn end(&mut self) {
        self.active = false;
    }

    /// The window that holds, given the controller's.
    pub fn window(&self, target: u64) -> u64 {
        if self.active { self.window } else { target }
    }

    /// Section 6.2 on every ACK of the episode. `target` is the controller's window (ssthresh); `safe`: the ACK
    /// advanced and told of no further loss.
    pub fn on_ack(&mut self, delivered: u64, in_flight: u64, target: u64, safe: bool, mss: u64) {
        // What delivers nothing changes nothing, but that the episode begins with it: a timer found the loss.
        if !self.active || delivered == 0 && self.window != u64::MAX {
            return;
        }
        self.delivered += delivered;
        let mut count = if in_flight > target {
            // Both factors are bounded by a window, so that the product fits for windows below 4 GB.
            self.delivered.saturating_mul(target).div_ceil(self.flight).saturating_sub(self.out)
        } else {
            let count = self.delivered.saturating_sub(self.out).max(delivered) + if safe { mss } else { 0 };
            count.min(target - in_flight)
        };
        if self.out == 0 && (self.repairs || count == 0) {
            // The fast retransmission leaves in any case; in bytes, a share of less than a packet lets nothing out.
            count = count.max(mss);
        }
        self.window = in_flight + count;
    }

    /// Data left.
    pub fn on_sent(&mut self, bytes: u64) {
        self.out += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // holds: RFC9937 6.2 #4, RFC9937 6.3
    #[test]
    fn half_the_window_leaves_while_the_whole_is_acknowledged() {
        let mut prr = Reduction::default();
        prr.begin(20_000, true);
        let (mut in_flight, mut sent) = (19_000u64, Vec::new());
        for _ in 0..19 {
            in_flight -= 1000;
            prr.on_ack(1000, in_flight, 10_000, true, 1000);
            let mut now = 0;
            while in_flight + 1000 <= prr.window(10_000) {
                in_flight += 1000;
                prr.on_sent(1000);
                now += 1;
            }
            sent.push(now);
        }
        assert!(sent.iter().all(|n| *n <= 1), "{sent:?}");
        assert_eq!(in_flight, 10_000);
    }

    // holds: RFC9937 6.2 #5
    #[test]
    fn after_heavy_loss_a_safe_ack_brings_the_window_back_in_slow_start() {
        let mut prr = Reduction::default();
        prr.begin(20_000, true);
        prr.on_ack(1000, 2_000, 10_000, true, 1000);
        assert_eq!(prr.window(10_000), 4_000);
        prr.on_ack(1000, 2_000, 10_000, false, 1000);
        assert_eq!(prr.window(10_000), 4_000, "an unsafe ACK keeps to packet conservation");
    }

    // holds: RFC9937 6.2 #3
    #[test]
    fn what_delivers_nothing_changes_nothing() {
        let mut prr = Reduction::default();
        prr.begin(20_000, true);
        prr.on_ack(1000, 2_000, 10_000, true, 1000);
        for (in_flight, safe) in [(2_000, false), (1_000, false), (2_000, true)] {
            prr.on_ack(0, in_flight, 10_000, safe, 1000);
            assert_eq!(prr.window(10_000), 4_000);
        }
    }

    // holds: RFC9937 6.2 #6
    #[test]
    fn the_first_retransmission_always_leaves() {
        let mut prr = Reduction::default();
        prr.begin(20_000, true);
        prr.on_ack(0, 19_000, 10_000, false, 1000);
        assert_eq!(prr.window(10_000), 20_000);
        prr.begin(20_000, true);
        prr.on_ack(1000, 19_000, 10_000, false, 1000);
        assert_eq!(prr.window(10_000), 20_000, "half a packet's share is rounded up for it");
        prr.begin(20_000, false);
        prr.on_ack(1000, 19_000, 10_000, false, 1000);
        assert_eq!(prr.window(10_000), 19_500, "marks leave nothing to be sent again");
    }
}
