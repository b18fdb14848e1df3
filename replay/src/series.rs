//! Bytes over time in a bounded number of bins.

use burstlab_units::{Rate, Span};

/// Bins at most; a picture has fewer columns.
const MOST_BINS: usize = 2000;
/// The width of a bin at first.
const FINEST: u64 = 100_000;

/// Bytes per bin. Bins double in width whenever the stream outgrows them, so that memory does not depend on its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    width: u64,
    bins: Vec<u64>,
}

impl Default for Series {
    fn default() -> Series {
        Series { width: FINEST, bins: Vec::new() }
    }
}

impl Series {
    /// `bytes` arrive at `time` (ns).
    #[inline]
    pub fn arrive(&mut self, time: u64, bytes: u64) {
        let mut bin = (time / self.width) as usize;
        while bin >= MOST_BINS {
            self.widen();
            bin = (time / self.width) as usize;
        }
        if bin >= self.bins.len() {
            self.bins.resize(bin + 1, 0);
        }
        self.bins[bin] += bytes;
    }

    fn widen(&mut self) {
        self.bins = self.bins.chunks(2).map(|pair| pair.iter().sum()).collect();
        self.width *= 2;
    }

    /// Widens the bins until they are at least as wide as `width`, so that several series line up.
    pub fn widen_to(&mut self, width: Span) {
        while self.width < width.as_nanos() {
            self.widen();
        }
    }

    /// A bin's width.
    pub fn width(&self) -> Span {
        Span::from_nanos(self.width)
    }

    /// The mean rate in each bin, from the start of the capture on; silent bins at the end are left out.
    pub fn rates(&self) -> impl Iterator<Item = Rate> + '_ {
        self.bins.iter().map(|&bytes| Rate::of(burstlab_units::Bytes::new(bytes), self.width()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_widen_and_lose_no_byte() {
        let mut series = Series::default();
        (0..100_000u64).for_each(|i| series.arrive(i * 77_777, 3));
        assert!(series.bins.len() <= MOST_BINS);
        assert_eq!(series.bins.iter().sum::<u64>(), 300_000);
        assert_eq!(series.width().as_nanos() % FINEST, 0);
    }
}
