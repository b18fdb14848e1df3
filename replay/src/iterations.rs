//! Iterations, found from two things that training does: each moves the same bytes, and between two of them workers compute
//! while the network is silent.
//!
//! Silences alone do not tell: a pause within the backward pass can be longer than the one before the next iteration,
//! and the set-up has the longest of all. Equal bytes alone do not tell either: any place in the iteration is one period
//! after the same place in the one before. So chains of silences with equally many bytes between each two neighbours are
//! looked for, and of those that cover most of the traffic the one with the most silence wins.

use burstlab_units::Span;

/// The chain is looked for among the longest silences: first among few, then among more, up to this many.
const CANDIDATES: usize = 4096;
const FEWEST: usize = 64;
/// How many silences from the end the last iteration's end is looked for, and how many further back its start.
const REACH: usize = 64;
/// Iterations may differ by this part of their bytes: a barrier or a logged value more, bytes the capture missed.
const TOLERANCE: u64 = 200;

/// A time in which the whole job is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Silence {
    from: u64,
    to: u64,
    /// Bytes before it.
    bytes: u64,
    /// Whether traffic surrounds it, so that its length says something.
    inner: bool,
}

impl Silence {
    fn length(&self) -> u64 {
        if self.inner { self.to - self.from } else { 0 }
    }
}

/// A stretch of traffic: start, end, bytes.
pub(crate) type Traffic = (u64, u64, u64);

/// One iteration's place in the capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// The end of what came before.
    pub start: Span,
    /// The first byte.
    pub comm_start: Span,
    /// The last byte.
    pub comm_end: Span,
}

/// Finds the iterations in a job's traffic, which must be in order of start and not empty. If nothing repeats, all of
/// it is one iteration.
pub(crate) fn find(traffic: &[Traffic]) -> Vec<Found> {
    let silences = silences(traffic);
    let counts = std::iter::successors(Some(FEWEST), |n| Some(n * 2)).take_while(|&n| n <= CANDIDATES);
    let cuts: Vec<_> = counts.map(|n| longest(&silences, n)).collect();
    let best = best_chain(&cuts, Chain::silence);
    // A pause within the iteration can be longer than the one before the next; but a chain of such pauses leaves the
    // first iteration's beginning and the last one's end over, and so is shorter.
    let whole = best.as_ref().and_then(|best| best_chain(&cuts, |other| other.more_of_the_same(best)));
    let chain = whole.or(best).map_or_else(|| vec![silences[0], silences[silences.len() - 1]], |chain| chain.cuts);
    let between = |pair: &[Silence]| Found {
        start: Span::from_nanos(pair[0].from),
        comm_start: Span::from_nanos(pair[0].to),
        comm_end: Span::from_nanos(pair[1].from),
    };
    chain.windows(2).map(between).collect()
}

/// All silences, from the one before the traffic to the one after it.
fn silences(traffic: &[Traffic]) -> Vec<Silence> {
    let mut found = vec![Silence { from: 0, to: traffic.first().map_or(0, |t| t.0), bytes: 0, inner: false }];
    let (mut until, mut bytes) = (found[0].to, 0);
    for &(start, end, amount) in traffic {
        if start > until {
            found.push(Silence { from: until, to: start, bytes, inner: true });
        }
        until = until.max(end);
        bytes += amount;
    }
    found.push(Silence { from: until, to: until, bytes, inner: false });
    found
}

/// The `n` longest of the silences, and the two at the ends, in order of time.
fn longest(silences: &[Silence], n: usize) -> Vec<Silence> {
    let mut lengths: Vec<u64> = silences.iter().map(Silence::length).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    let least = lengths.get(n).copied().unwrap_or(0);
    silences.iter().filter(|s| !s.inner || s.length() > least).copied().collect()
}

/// Silences with equally many bytes between each two neighbours.
struct Chain {
    cuts: Vec<Silence>,
    period: u64,
}

/// What chains are compared by; the greatest wins.
type Rank = (u64, u64, u64);

impl Chain {
    /// As far back from `last` as there are cuts, each one period of bytes before the next.
    fn back_from(last: Silence, period: u64, cuts: &[Silence]) -> Chain {
        let slack = period / TOLERANCE;
        let (mut chain, mut at) = (vec![last], last.bytes);
        while let Some(target) = (at + slack).checked_sub(period) {
            let from = cuts.partition_point(|c| c.bytes + 2 * slack < target);
            let near = cuts[from..].iter().take_while(|c| c.bytes <= target);
            let Some(cut) = near.max_by_key(|c| c.length()) else { break };
            chain.push(*cut);
            at = cut.bytes;
        }
        chain.reverse();
        Chain { cuts: chain, period }
    }

    fn iterations(&self) -> u64 {
        self.cuts.len() as u64 - 1
    }

    /// The length that three quarters of the silences at its cuts exceed.
    fn quartile(&self) -> u64 {
        let mut lengths: Vec<u64> = self.cuts.iter().filter(|c| c.inner).map(Silence::length).collect();
        lengths.sort_unstable();
        lengths.get(lengths.len() / 4).copied().unwrap_or(0)
    }

    /// The number of iterations times the lower quartile of the silences: a chain that cuts iterations in two has
    /// short ones among them, and one that spans two iterations has fewer.
    fn silence(&self) -> Option<Rank> {
        let sum = self.cuts.iter().map(Silence::length).sum();
        Some((self.quartile().saturating_mul(self.iterations()), sum, 0))
    }

    /// The number of iterations, if they are as large as those of `best` and the silences not much shorter.
    fn more_of_the_same(&self, best: &Chain) -> Option<Rank> {
        let same = self.period.abs_diff(best.period) <= best.period / TOLERANCE;
        let silent = self.quartile() >= best.quartile() / 5 * 2;
        let (silence, sum, _) = self.silence()?;
        (same && silent).then_some((self.iterations(), silence, sum))
    }
}

/// The highest ranked of all chains that cover most of the bytes; of equals the first, which comes from the longest
/// silences.
fn best_chain(cuts: &[Vec<Silence>], rank: impl Fn(&Chain) -> Option<Rank>) -> Option<Chain> {
    let mut best: Option<(Rank, Chain)> = None;
    for cuts in cuts {
        let total = cuts.last()?.bytes;
        for last in (cuts.len().saturating_sub(REACH)..cuts.len()).filter(|&i| cuts[i].bytes * 2 >= total) {
            for before in last.saturating_sub(REACH)..last {
                let period = cuts[last].bytes - cuts[before].bytes;
                // Anything repeats often enough if it is nothing.
                if period < TOLERANCE || period < total / CANDIDATES as u64 {
                    continue;
                }
                let chain = Chain::back_from(cuts[last], period, cuts);
                if chain.iterations() < 2 || (cuts[last].bytes - chain.cuts[0].bytes) * 2 < total {
                    continue;
                }
                let Some(rank) = rank(&chain) else { continue };
                if best.as_ref().is_none_or(|(top, _)| rank > *top) {
                    best = Some((rank, chain));
                }
            }
        }
    }
    best.map(|(_, chain)| chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Set-up, then `n` iterations of two transfers each with a pause in between that is longer than the silence before
    /// the next iteration, then the end.
    fn training(n: u64) -> Vec<Traffic> {
        let mut traffic = vec![(0, 10, 7_000_000), (5_000_000, 5_000_001, 300)];
        for k in 0..n {
            let start = 50_000_000 + k * 10_000_000;
            traffic.push((start, start + 1_000_000, 3_000_000));
            traffic.push((start + 6_500_000, start + 7_000_000, 1_000_000));
        }
        let end = 50_000_000 + n * 10_000_000;
        traffic.push((end, end + 1, 200));
        traffic
    }

    #[test]
    fn equal_bytes_tell_an_iteration_from_a_longer_pause_within_it() {
        let found = find(&training(8));
        assert_eq!(found.len(), 8);
        for (k, iteration) in (0u64..).zip(&found) {
            assert_eq!(iteration.comm_start, Span::from_nanos(50_000_000 + k * 10_000_000));
            assert_eq!(iteration.comm_end, Span::from_nanos(57_000_000 + k * 10_000_000));
        }
        assert_eq!(found[0].start, Span::from_nanos(5_000_001));
    }

    #[test]
    fn a_capture_that_begins_and_ends_amid_training_gives_the_whole_iterations() {
        let traffic = training(10);
        let found = find(&traffic[5..traffic.len() - 4]);
        assert!((6..=7).contains(&found.len()), "{}", found.len());
        assert!(found.windows(2).all(|pair| pair[1].comm_start - pair[0].comm_start == Span::from_millis(10)));
    }

    #[test]
    fn bytes_may_differ_a_little_between_iterations() {
        let mut traffic = training(8);
        (0..8).for_each(|k| traffic[2 + k * 2].2 += k as u64 % 3 * 2000);
        assert_eq!(find(&traffic).len(), 8);
    }

    #[test]
    fn traffic_that_does_not_repeat_is_one_iteration() {
        let found = find(&[(5, 10, 100), (20, 30, 7000)]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].comm_end, Span::from_nanos(30));
    }
}
