//! The greatest bandwidth measured in this cycle of probing and the one before (sections 5.5.2 to 5.5.6).

use super::Sample;

/// A maximum over two cycles (section 2.11: BBR.MaxBwFilterLen).
#[derive(Debug, Clone, Default)]
pub(super) struct MaxBw {
    previous: f64,
    current: f64,
}

impl MaxBw {
    pub(super) fn get(&self) -> f64 {
        self.previous.max(self.current)
    }

    /// Section 5.5.5. A sample that the application limited counts only if it shows more than was known.
    pub(super) fn update(&mut self, sample: &Sample) {
        if sample.rate > 0.0 && (sample.rate >= self.get() || !sample.app_limited) {
            self.current = self.current.max(sample.rate);
        }
    }

    /// Section 5.5.6. A cycle without a sample does not count: what the one before it knew is not forgotten for nothing.
    pub(super) fn advance(&mut self) {
        if self.current > 0.0 {
            self.previous = self.current;
            self.current = 0.0;
        }
    }
}
