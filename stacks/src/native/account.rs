//! What is counted for [`Info`](super::Info), and when the peer was last heard of.

use burstlab_algorithms::{Span, Time};

/// Totals and instants of one connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Account {
    /// Segments taken in, of whatever kind.
    pub segments_in: u64,
    /// Segments sent behind the handshake, but for resets.
    pub segments_out: u64,
    /// D-SACK blocks.
    pub duplicates: u64,
    /// When the peer was last heard of.
    pub heard: Time,
    /// Time with something to send or unacknowledged.
    pub busy: Stretch,
    /// Of that, time in which the peer's window was the limit.
    pub window_closed: Stretch,
}

/// Time that adds up in stretches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    since: Time,
    total: Span,
}

impl Default for Stretch {
    fn default() -> Stretch {
        Stretch { since: Time::NEVER, total: Span::ZERO }
    }
}

impl Stretch {
    /// Whether one is under way.
    #[inline]
    pub fn runs(&self) -> bool {
        !self.since.is_never()
    }

    /// One begins, unless it is under way.
    pub fn begin(&mut self, now: Time) {
        self.since = self.since.min(now);
    }

    /// It is over.
    pub fn end(&mut self, now: Time) {
        self.total = self.total(now);
        self.since = Time::NEVER;
    }

    /// All of them, the one under way until `now`.
    pub fn total(&self, now: Time) -> Span {
        if self.runs() { self.total + now.since(self.since) } else { self.total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_add_up_and_one_that_runs_counts_until_now() {
        let at = |us| Time::ZERO + Span::from_micros(us);
        let mut stretch = Stretch::default();
        stretch.begin(at(10));
        stretch.begin(at(12));
        stretch.end(at(15));
        assert_eq!(stretch.total(at(90)), Span::from_micros(5));
        stretch.begin(at(100));
        assert_eq!(stretch.total(at(103)), Span::from_micros(8));
    }
}
