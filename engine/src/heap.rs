//! A priority queue of instants, each with a number that says what happens then.

use burstlab_units::Time;

/// Children per node. Four make a shallower tree than two, and their keys share a cache line.
const ARITY: usize = 4;

/// A min-heap by time; equal times come in the order of their numbers, whatever the order of insertion.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    entries: Vec<(Time, u32)>,
}

impl Heap {
    /// The earliest instant, or [`Time::NEVER`].
    #[inline]
    pub fn next_at(&self) -> Time {
        self.entries.first().map_or(Time::NEVER, |e| e.0)
    }

    /// The earliest entry.
    #[inline]
    pub fn peek(&self) -> Option<(Time, u32)> {
        self.entries.first().copied()
    }

    #[inline]
    pub fn push(&mut self, at: Time, id: u32) {
        self.entries.push((at, id));
        self.sift_up(self.entries.len() - 1);
    }

    /// Takes the earliest entry out.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, u32)> {
        if self.entries.is_empty() {
            return None;
        }
        let top = self.entries.swap_remove(0);
        self.sift_down();
        Some(top)
    }

    #[inline]
    fn sift_up(&mut self, mut child: usize) {
        let entry = self.entries[child];
        while child > 0 {
            let parent = (child - 1) / ARITY;
            if self.entries[parent] <= entry {
                break;
            }
            self.entries[child] = self.entries[parent];
            child = parent;
        }
        self.entries[child] = entry;
    }

    #[inline]
    fn sift_down(&mut self) {
        let len = self.entries.len();
        let Some(&entry) = self.entries.first() else { return };
        let mut parent = 0;
        loop {
            let first = parent * ARITY + 1;
            if first >= len {
                break;
            }
            let mut least = first;
            for child in first + 1..(first + ARITY).min(len) {
                if self.entries[child] < self.entries[least] {
                    least = child;
                }
            }
            if entry <= self.entries[least] {
                break;
            }
            self.entries[parent] = self.entries[least];
            parent = least;
        }
        self.entries[parent] = entry;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_come_out_by_time_and_then_by_number(entries in proptest::collection::vec((0u64..50, 0u32..50), 0..200)) {
            let mut heap = Heap::default();
            for (at, id) in &entries {
                heap.push(Time::from_nanos(*at), *id);
            }
            let mut sorted: Vec<_> = entries.iter().map(|(at, id)| (Time::from_nanos(*at), *id)).collect();
            sorted.sort();
            let drained: Vec<_> = std::iter::from_fn(|| heap.pop()).collect();
            prop_assert_eq!(drained, sorted);
        }
    }
}
