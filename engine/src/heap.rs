//! A priority queue of instants, each with a number that says what happens then.

use burstlab_units::Time;

/// Children per node. Four make a shallower tree than two, and their keys share a cache line.
const ARITY: usize = 4;

/// An instant and its number as one integer: one comparison orders both.
pub(crate) type Key = u128;

/// Later than everything: [`Time::NEVER`].
pub(crate) const NOTHING: Key = Key::MAX;

#[inline]
pub(crate) const fn key(at: Time, id: u32) -> Key {
    ((at.as_nanos() as Key) << 64) | id as Key
}

/// The instant of a key; [`Time::NEVER`] of [`NOTHING`].
#[inline]
pub(crate) const fn at(key: Key) -> Time {
    Time::from_nanos((key >> 64) as u64)
}

#[inline]
pub(crate) const fn id(key: Key) -> u32 {
    key as u32
}

/// A min-heap by time; equal times come in the order of their numbers, whatever the order of insertion.
#[derive(Debug)]
pub(crate) struct Heap {
    keys: Vec<Key>,
    /// The first of `keys`: asked for at every event, far more often than it changes.
    first: Key,
}

impl Default for Heap {
    fn default() -> Heap {
        Heap { keys: Vec::new(), first: NOTHING }
    }
}

impl Heap {
    /// The earliest entry, or [`NOTHING`].
    #[inline]
    pub fn first(&self) -> Key {
        self.first
    }

    /// Adds an entry.
    #[inline]
    pub fn push(&mut self, key: Key) {
        self.keys.push(key);
        self.sift_up(key);
        self.first = self.first.min(key);
    }

    /// Takes the earliest entry out.
    pub fn pop(&mut self) -> Option<Key> {
        let first = *self.keys.first()?;
        if let Some(last) = self.keys.pop()
            && !self.keys.is_empty()
        {
            self.sift_down(last);
        }
        self.first = self.keys.first().copied().unwrap_or(NOTHING);
        Some(first)
    }

    /// Finds the place of `key` from the bottom; the last place is free.
    #[inline]
    fn sift_up(&mut self, key: Key) {
        let mut child = self.keys.len() - 1;
        while child > 0 {
            let parent = (child - 1) / ARITY;
            if self.keys[parent] <= key {
                break;
            }
            self.keys[child] = self.keys[parent];
            child = parent;
        }
        self.keys[child] = key;
    }

    /// Finds the place of `key` from the top, which is free.
    #[inline]
    fn sift_down(&mut self, key: Key) {
        let mut parent = 0;
        loop {
            let first = parent * ARITY + 1;
            let Some(children) = self.keys.get(first..) else { break };
            let (mut least, mut least_key) = (0, Key::MAX);
            for (child, &child_key) in children.iter().take(ARITY).enumerate() {
                if child_key < least_key {
                    (least, least_key) = (child, child_key);
                }
            }
            if key <= least_key {
                break;
            }
            self.keys[parent] = least_key;
            parent = first + least;
        }
        self.keys[parent] = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn entries_come_out_by_time_and_then_by_number(
            steps in proptest::collection::vec((any::<bool>(), 0u64..1_000, 0u32..1_000_000), 1..400),
        ) {
            let (mut heap, mut model) = (Heap::default(), BTreeSet::new());
            for (add, at, id) in steps {
                let at = Time::from_nanos(at);
                if !add {
                    let first = heap.pop().map(|key| (super::at(key), super::id(key)));
                    prop_assert_eq!(first, model.pop_first());
                } else if model.insert((at, id)) {
                    heap.push(key(at, id));
                }
                let first = model.first().copied();
                prop_assert_eq!(super::at(heap.first()), first.map_or(Time::NEVER, |first| first.0));
            }
        }
    }
}
