//! A sorted set of disjoint ranges of the stream: what a receiver holds out of order, and what a sender knows of it.

/// Disjoint, non-adjacent ranges `[start, end)` in rising order. As many as there are holes: few.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ranges {
    ranges: Vec<(u64, u64)>,
}

impl Ranges {
    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many ranges there are.
    pub fn count(&self) -> usize {
        self.ranges.len()
    }

    /// Whether `[start, end)` would join a range that is there, or more.
    pub fn touches(&self, start: u64, end: u64) -> bool {
        let next = self.ranges.partition_point(|r| r.1 < start);
        self.ranges.get(next).is_some_and(|r| r.0 <= end)
    }

    /// The lowest range.
    pub fn first(&self) -> Option<(u64, u64)> {
        self.ranges.first().copied()
    }

    /// The range that holds `position`.
    pub fn around(&self, position: u64) -> Option<(u64, u64)> {
        let range = *self.ranges.get(self.ranges.partition_point(|r| r.1 <= position))?;
        (range.0 <= position).then_some(range)
    }

    /// Whether all of `[start, end)` is in the set.
    pub fn covers(&self, start: u64, end: u64) -> bool {
        self.around(start).is_some_and(|r| r.1 >= end)
    }

    /// Adds `[start, end)` and appends the parts that were missing before to `fresh`.
    pub fn insert(&mut self, start: u64, end: u64, fresh: &mut Vec<(u64, u64)>) {
        if start >= end {
            return;
        }
        // New ranges mostly touch or follow the last one.
        let from = match self.ranges.last() {
            Some(last) if last.1 < start => self.ranges.len(),
            Some(last) if last.0 <= start => self.ranges.len() - 1,
            None => 0,
            _ => self.ranges.partition_point(|r| r.1 < start),
        };
        let (mut to, mut known) = (from, start);
        while let Some(&(a, b)) = self.ranges.get(to).filter(|r| r.0 <= end) {
            if known < a {
                fresh.push((known, a));
            }
            known = known.max(b);
            to += 1;
        }
        if known < end {
            fresh.push((known, end));
        }
        if from == to {
            self.ranges.insert(from, (start, end));
            return;
        }
        self.ranges[from] = (self.ranges[from].0.min(start), self.ranges[to - 1].1.max(end));
        if to > from + 1 {
            self.ranges.drain(from + 1..to);
        }
    }

    /// Forgets everything below `position`.
    pub fn forget_below(&mut self, position: u64) {
        let gone = self.ranges.iter().take_while(|r| r.1 <= position).count();
        if gone > 0 {
            self.ranges.drain(..gone);
        }
        if let Some(first) = self.ranges.first_mut() {
            first.0 = first.0.max(position);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.ranges.clear();
    }

    /// The ranges in rising order.
    #[cfg(test)]
    pub fn as_slice(&self) -> &[(u64, u64)] {
        &self.ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbours_merge_and_only_the_missing_is_fresh() {
        let (mut set, mut fresh) = (Ranges::default(), Vec::new());
        set.insert(10, 20, &mut fresh);
        set.insert(30, 40, &mut fresh);
        fresh.clear();
        set.insert(15, 35, &mut fresh);
        assert_eq!(fresh, [(20, 30)]);
        assert_eq!(set.as_slice(), [(10, 40)]);
        set.forget_below(12);
        assert_eq!(set.first(), Some((12, 40)));
        assert!(set.covers(12, 40) && !set.covers(11, 13));
    }

    proptest! {
        #[test]
        fn holds_what_a_set_of_bytes_would(
            inserts in prop::collection::vec((0u64..200, 0u64..30), 1..40),
            cut in 0u64..220,
        ) {
            let (mut set, mut model) = (Ranges::default(), std::collections::BTreeSet::new());
            for (start, len) in inserts {
                let mut fresh = Vec::new();
                set.insert(start, start + len, &mut fresh);
                let fresh: Vec<u64> = fresh.iter().flat_map(|r| r.0..r.1).collect();
                let expected: Vec<u64> = (start..start + len).filter(|b| model.insert(*b)).collect();
                prop_assert_eq!(fresh, expected);
                prop_assert!(set.as_slice().windows(2).all(|w| w[0].1 < w[1].0));
            }
            set.forget_below(cut);
            let held: Vec<u64> = set.as_slice().iter().flat_map(|r| r.0..r.1).collect();
            let expected: Vec<u64> = model.into_iter().filter(|b| *b >= cut).collect();
            prop_assert_eq!(held, expected);
        }
    }
}
