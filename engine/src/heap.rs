//! A priority queue of instants, each with a number that says what happens then.

use burstlab_units::Time;

/// Children per node. Four make a shallower tree than two, and their keys share a cache line.
const ARITY: usize = 4;

/// An instant and its number as one integer: one comparison orders both.
type Key = u128;

const fn key(at: Time, id: u32) -> Key {
    ((at.as_nanos() as Key) << 32) | id as Key
}

const fn at(key: Key) -> Time {
    Time::from_nanos((key >> 32) as u64)
}

const fn id(key: Key) -> u32 {
    key as u32
}

/// A min-heap by time; equal times come in the order of their numbers, whatever the order of insertion.
///
/// Taking the earliest entry leaves a hole at the top. What is put in next fills it, at the price of one way down the
/// tree instead of two and one up: events beget events, so that is the usual case.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    keys: Vec<Key>,
    hole: bool,
}

impl Heap {
    /// The earliest entry, or [`Time::NEVER`] with any number.
    #[inline]
    pub fn peek(&mut self) -> (Time, u32) {
        if self.hole {
            self.close();
        }
        self.keys.first().map_or((Time::NEVER, 0), |&key| (at(key), id(key)))
    }

    /// Adds an entry.
    #[inline]
    pub fn push(&mut self, at: Time, id: u32) {
        let key = key(at, id);
        if self.hole {
            self.hole = false;
            self.sift_down(key);
        } else {
            self.keys.push(key);
            self.sift_up(key);
        }
    }

    /// Takes the earliest entry out.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, u32)> {
        let (at, id) = self.peek();
        self.hole = !self.keys.is_empty();
        self.hole.then_some((at, id))
    }

    /// Fills the hole with the last entry.
    #[inline]
    fn close(&mut self) {
        self.hole = false;
        if let Some(last) = self.keys.pop()
            && !self.keys.is_empty()
        {
            self.sift_down(last);
        }
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
                    prop_assert_eq!(heap.pop(), model.pop_first());
                } else if model.insert((at, id)) {
                    heap.push(at, id);
                }
                let first = model.first().copied();
                prop_assert_eq!(heap.peek().0, first.map_or(Time::NEVER, |first| first.0));
            }
        }
    }

    #[test]
    fn a_hole_is_filled_by_the_next_entry() {
        let mut heap = Heap::default();
        for at in [5, 3, 9] {
            heap.push(Time::from_nanos(at), 0);
        }
        assert_eq!(heap.pop(), Some((Time::from_nanos(3), 0)));
        heap.push(Time::from_nanos(7), 1);
        assert_eq!(heap.keys.len(), 3);
        let rest: Vec<_> = std::iter::from_fn(|| heap.pop()).map(|(at, _)| at.as_nanos()).collect();
        assert_eq!(rest, [5, 7, 9]);
    }
}
