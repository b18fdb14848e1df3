//! Burstiness of a stream of arrivals in the terms of network calculus, measured as the arrivals pass.
//!
//! Arrivals are impulses: all bytes of a packet at its instant. With A(s, t) the bytes that arrive within the closed
//! interval [s, t]:
//!
//! - E(tau) = max over t of A(t, t + tau), the empirical arrival curve (Le Boudec, Thiran: Network Calculus, 1.2);
//! - PtM(tau) = E(tau) / (tau x mean rate), the peak to mean ratio;
//! - Bmax(r) = max over s <= t of A(s, t) - r (t - s), the largest backlog at a server of rate r (same, 1.1).
//!
//! Memory grows with the longest window's arrivals, never with the stream's length.

use std::collections::VecDeque;

use burstlab_units::{Bytes, Rate, Span};

/// Most entries that a window of the curve keeps. A window of 1000 slots is at most one slot too long, which bounds the
/// error of its E at that of a window longer by 0.1 %.
const SLOTS: u64 = 1000;

/// E(tau) of one tau: the largest sum of arrivals within any closed window of that length.
#[derive(Debug, Clone)]
pub struct Window {
    tau: u64,
    slot: u64,
    held: VecDeque<(u64, u64)>,
    /// Arrivals until then join the last entry.
    joins_until: u64,
    sum: u64,
    most: u64,
}

impl Window {
    /// Exact: keeps every arrival of the last `tau`.
    pub fn exact(tau: Span) -> Window {
        Window { tau: tau.as_nanos(), slot: 0, held: VecDeque::new(), joins_until: 0, sum: 0, most: 0 }
    }

    /// Bounded: arrivals within a thousandth of `tau` are taken for simultaneous, so that long windows over fast traffic
    /// stay small. The result is at least E(tau), and at most E(1.001 tau).
    pub fn bounded(tau: Span) -> Window {
        Window { slot: tau.as_nanos() / SLOTS, ..Window::exact(tau) }
    }

    /// The window's length.
    pub fn tau(&self) -> Span {
        Span::from_nanos(self.tau)
    }

    /// `bytes` arrive at `time` (ns); times never decrease.
    #[inline]
    pub fn arrive(&mut self, time: u64, bytes: u64) {
        // An entry stands at its last arrival's instant, so it never leaves the window too early.
        match self.held.back_mut() {
            Some(last) if time <= self.joins_until => *last = (time, last.1 + bytes),
            _ => {
                self.held.push_back((time, bytes));
                self.joins_until = time.saturating_add(self.slot);
            }
        }
        self.sum += bytes;
        while let Some(&(then, old)) = self.held.front() {
            if time - then <= self.tau {
                break;
            }
            self.sum -= old;
            self.held.pop_front();
        }
        self.most = self.most.max(self.sum);
    }

    /// E(tau) so far.
    pub fn most(&self) -> Bytes {
        Bytes::new(self.most)
    }

    /// PtM(tau) of a stream of `total` bytes over `duration`; zero where there is no mean to compare with.
    pub fn peak_to_mean(&self, total: Bytes, duration: Span) -> f64 {
        let mean = self.tau as f64 * total.get() as f64;
        if mean == 0.0 { 0.0 } else { self.most as f64 * duration.as_nanos() as f64 / mean }
    }
}

/// Bmax(r) of one rate: the largest backlog at a server of that rate.
#[derive(Debug, Clone)]
pub struct Backlog {
    rate: Rate,
    /// In units of 1/(8 x 10^9) byte, which one nanosecond at 1 bit/s serves: so there is nothing to round.
    level: u128,
    most: u128,
    last: u64,
}

const UNITS_PER_BYTE: u128 = 8_000_000_000;

impl Backlog {
    /// The backlog at a server of `rate`, empty at first.
    pub fn new(rate: Rate) -> Backlog {
        Backlog { rate, level: 0, most: 0, last: 0 }
    }

    /// The server's rate.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// `bytes` arrive at `time` (ns); times never decrease.
    #[inline]
    pub fn arrive(&mut self, time: u64, bytes: u64) {
        let served = u128::from(self.rate.bits_per_sec()) * u128::from(time - self.last);
        self.last = time;
        self.level = self.level.saturating_sub(served) + u128::from(bytes) * UNITS_PER_BYTE;
        self.most = self.most.max(self.level);
    }

    /// Bmax(r) so far, in whole bytes.
    pub fn most(&self) -> Bytes {
        Bytes::new(u64::try_from(self.most / UNITS_PER_BYTE).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arrivals() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((0u64..50, 0u64..2000), 1..80).prop_map(|steps| {
            let mut now = 0;
            let mut pass = |(step, bytes)| {
                now += step;
                (now, bytes)
            };
            steps.into_iter().map(&mut pass).collect()
        })
    }

    /// A(s, t), both ends included.
    fn within(arrivals: &[(u64, u64)], s: u64, t: u64) -> u64 {
        arrivals.iter().filter(|a| (s..=t).contains(&a.0)).map(|a| a.1).sum()
    }

    proptest! {
        #[test]
        fn e_is_the_largest_of_all_windows(arrivals in arrivals(), tau in 0u64..300) {
            let mut window = Window::exact(Span::from_nanos(tau));
            arrivals.iter().for_each(|&(t, b)| window.arrive(t, b));
            let brute = arrivals.iter().map(|a| within(&arrivals, a.0, a.0 + tau)).max().unwrap();
            prop_assert_eq!(window.most(), Bytes::new(brute));
        }

        #[test]
        fn a_bounded_window_is_off_by_at_most_a_slot(arrivals in arrivals(), tau in 1u64..40) {
            let (tau, scale) = (tau * 1000, 100);
            let mut window = Window::bounded(Span::from_nanos(tau));
            arrivals.iter().for_each(|&(t, b)| window.arrive(t * scale, b));
            let scaled: Vec<_> = arrivals.iter().map(|&(t, b)| (t * scale, b)).collect();
            let brute = |tau| scaled.iter().map(|a| within(&scaled, a.0, a.0 + tau)).max().unwrap();
            prop_assert!(window.most().get() >= brute(tau));
            prop_assert!(window.most().get() <= brute(tau + tau / 1000));
        }

        #[test]
        fn bmax_is_the_largest_excess_over_all_intervals(arrivals in arrivals(), rate in 0u64..1_000_000_000_000) {
            let mut backlog = Backlog::new(Rate::from_bits_per_sec(rate));
            arrivals.iter().for_each(|&(t, b)| backlog.arrive(t, b));
            let excess = |s: u64, t: u64| {
                i128::from(within(&arrivals, s, t)) * 8_000_000_000 - i128::from(rate) * i128::from(t - s)
            };
            let pairs = arrivals.iter().flat_map(|a| arrivals.iter().map(move |b| (a.0, b.0))).filter(|(s, t)| s <= t);
            let brute = pairs.map(|(s, t)| excess(s, t)).max().unwrap().max(0) / 8_000_000_000;
            prop_assert_eq!(i128::from(backlog.most().get()), brute);
        }
    }

    #[test]
    fn peak_to_mean_of_a_steady_stream_is_about_one() {
        let mut window = Window::exact(Span::from_micros(100));
        (0..10_000).for_each(|i| window.arrive(i * 1000, 10));
        let ptm = window.peak_to_mean(Bytes::new(100_000), Span::from_nanos(9_999_000));
        assert!((ptm - 1.01).abs() < 0.001, "{ptm}");
    }
}
