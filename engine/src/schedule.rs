//! When which port has something to give.
//!
//! Packets leave idle links of one kind a constant time after they came, so most instants are asked for in rising order.
//! A few queues in rising order therefore take nearly all of them at the price of a comparison, and a heap takes the
//! rest. The order in which instants come out does not depend on where they were put: the least of all comes first.

use std::collections::VecDeque;

use burstlab_units::Time;

use crate::heap::Heap;

/// Queues in rising order. One for each combination of rate, delay and packet size that is frequent at a time: data and
/// ACKs on idle links, and the head of a busy link. More would cost more to look at than the heap takes.
const LANES: usize = 4;

/// An instant and a port; ports with the same instant come in their order.
type Key = (Time, u32);

const NOTHING: Key = (Time::NEVER, u32::MAX);

/// A priority queue of instants with the ports that they belong to.
#[derive(Debug)]
pub(crate) struct Schedule {
    lanes: [VecDeque<Key>; LANES],
    rest: Heap,
    /// First of each lane, and of the heap.
    fronts: [Key; LANES + 1],
    /// Which of `fronts` is the least.
    least: usize,
}

impl Default for Schedule {
    fn default() -> Schedule {
        Schedule { lanes: Default::default(), rest: Heap::default(), fronts: [NOTHING; LANES + 1], least: 0 }
    }
}

impl Schedule {
    /// The earliest instant, or [`Time::NEVER`].
    #[inline]
    pub fn next_at(&self) -> Time {
        self.fronts[self.least].0
    }

    /// The port whose instant is the earliest.
    #[inline]
    pub fn next_port(&self) -> u32 {
        self.fronts[self.least].1
    }

    /// Adds a port's instant.
    #[inline]
    pub fn push(&mut self, at: Time, port: u32) {
        let key = (at, port);
        let place = self.put(key);
        if key < self.fronts[self.least] {
            self.least = place;
        }
    }

    /// Gives the earliest port a new instant; [`Time::NEVER`] takes it out.
    #[inline]
    pub fn reschedule_first(&mut self, at: Time) {
        let port = self.next_port();
        self.remove_first();
        if !at.is_never() {
            self.put((at, port));
        }
        self.find_least();
    }

    #[inline]
    fn put(&mut self, key: Key) -> usize {
        for (place, lane) in self.lanes.iter_mut().enumerate() {
            match lane.back() {
                Some(back) if *back > key => {}
                Some(_) => {
                    lane.push_back(key);
                    return place;
                }
                None => {
                    lane.push_back(key);
                    self.fronts[place] = key;
                    return place;
                }
            }
        }
        self.rest.push(key.0, key.1);
        self.fronts[LANES] = self.rest.peek();
        LANES
    }

    #[inline]
    fn remove_first(&mut self) {
        let place = self.least;
        self.fronts[place] = match self.lanes.get_mut(place) {
            Some(lane) => {
                lane.pop_front();
                lane.front().copied()
            }
            None => {
                self.rest.pop();
                Some(self.rest.peek())
            }
        }
        .unwrap_or(NOTHING);
    }

    #[inline]
    fn find_least(&mut self) {
        let mut least = 0;
        for place in 1..=LANES {
            if self.fronts[place] < self.fronts[least] {
                least = place;
            }
        }
        self.least = least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn the_least_comes_first_whatever_the_order_of_asking(
            steps in proptest::collection::vec((any::<bool>(), 0u64..1_000, 0u32..1_000_000), 1..400),
        ) {
            let mut schedule = Schedule::default();
            let mut model = BTreeSet::new();
            for (add, at, port) in steps {
                let at = Time::from_nanos(at);
                if add {
                    if model.insert((at, port)) {
                        schedule.push(at, port);
                    }
                } else if let Some(first) = model.pop_first() {
                    prop_assert_eq!((schedule.next_at(), schedule.next_port()), first);
                    let again = model.insert((at, first.1));
                    schedule.reschedule_first(if again { at } else { Time::NEVER });
                }
                prop_assert_eq!(schedule.next_at(), model.first().map_or(Time::NEVER, |first| first.0));
            }
        }
    }
}
