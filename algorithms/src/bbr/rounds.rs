//! Round trips as packets tell them (section 5.5.1).

/// Counts packet-timed round trips.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds {
    pub(crate) count: u64,
    /// Whether the newest sample began a round.
    pub(crate) start: bool,
    /// A packet sent when this much had been delivered ends the round.
    end: u64,
}

impl Rounds {
    /// Returns whether a sample of a packet sent at `prior_delivered` begins a round.
    pub(crate) fn update(&mut self, prior_delivered: u64, delivered: u64) -> bool {
        self.start = prior_delivered >= self.end;
        if self.start {
            self.begin(delivered);
            self.count += 1;
        }
        self.start
    }

    /// Begins a round without counting one (StartRound).
    pub(crate) fn begin(&mut self, delivered: u64) {
        self.end = delivered;
    }
}
