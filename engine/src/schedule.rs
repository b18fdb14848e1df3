//! When which port has something to give.
//!
//! Packets leave idle links of one kind a constant time after they came, so most instants are asked for in rising order.
//! A few queues in rising order therefore take nearly all of them at the price of a comparison, and a heap takes the
//! rest. The order in which instants come out does not depend on where they were put: the least of all comes first.

use burstlab_units::Time;

use crate::heap::{self, Heap, Key, NOTHING};

/// Queues in rising order. One for each combination of rate, delay and packet size that is frequent at a time: data and
/// ACKs on idle links, and the head of a busy link. More would cost more to look at than the heap takes.
const LANES: usize = 3;

/// No port.
const NONE: u32 = u32::MAX;

/// A priority queue of instants with the ports that they belong to; ports with the same instant come in their order.
#[derive(Debug)]
pub(crate) struct Schedule {
    lanes: [Lane; LANES],
    places: Vec<Place>,
    rest: Heap,
}

/// A queue in rising order: ports, chained from front to back by [`Place::behind`].
#[derive(Debug, Clone, Copy)]
struct Lane {
    front: Key,
    /// The last one; of an empty lane less than any, so that all fit behind it.
    back: Key,
    last: u32,
}

/// A port's place in a lane. It has one instant at a time, but for impaired links, so a lane needs no memory of its own.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Its instant; [`Time::NEVER`] of a port that is in no lane.
    at: Time,
    /// The port behind it.
    behind: u32,
}

/// The earliest instant of a [`Schedule`] and the port that it belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct First {
    key: Key,
    lane: usize,
}

impl First {
    /// The instant, or [`Time::NEVER`].
    #[inline]
    pub fn at(self) -> Time {
        heap::at(self.key)
    }

    #[inline]
    pub fn port(self) -> u32 {
        heap::id(self.key)
    }

    #[inline]
    fn or(self, other: First) -> First {
        if other.key < self.key { other } else { self }
    }
}

impl Lane {
    const EMPTY: Lane = Lane { front: NOTHING, back: 0, last: NONE };
}

impl Schedule {
    /// For ports numbered from 0.
    pub fn new(ports: usize) -> Schedule {
        Schedule {
            lanes: [Lane::EMPTY; LANES],
            places: vec![Place { at: Time::NEVER, behind: NONE }; ports],
            rest: Heap::default(),
        }
    }

    /// The earliest.
    #[inline]
    pub fn first(&self) -> First {
        let front = |lane: usize| First { key: self.lanes[lane].front, lane };
        // In pairs, so that comparisons need not wait for each other.
        let rest = First { key: self.rest.first(), lane: LANES };
        front(0).or(front(1)).or(front(2).or(rest))
    }

    /// Takes out the earliest.
    #[inline]
    pub fn remove(&mut self, first: First) {
        let Some(lane) = self.lanes.get_mut(first.lane) else {
            self.rest.pop();
            return;
        };
        let place = &mut self.places[first.port() as usize];
        let behind = place.behind;
        place.at = Time::NEVER;
        match self.places.get(behind as usize) {
            Some(next) => lane.front = heap::key(next.at, behind),
            None => *lane = Lane::EMPTY,
        }
    }

    /// Adds a port's instant.
    #[inline]
    pub fn push(&mut self, at: Time, port: u32) {
        let key = heap::key(at, port);
        let place = &mut self.places[port as usize];
        if place.at.is_never()
            && let Some(lane) = self.lanes.iter_mut().find(|lane| lane.back <= key)
        {
            *place = Place { at, behind: NONE };
            match self.places.get_mut(lane.last as usize) {
                Some(last) => last.behind = port,
                None => lane.front = key,
            }
            lane.back = key;
            lane.last = port;
        } else {
            self.push_to_rest(key);
        }
    }

    /// [`push`](Self::push) for a loop that is larger by it than it is worth.
    #[inline(never)]
    pub fn push_apart(&mut self, at: Time, port: u32) {
        self.push(at, port);
    }

    #[cold]
    fn push_to_rest(&mut self, key: Key) {
        self.rest.push(key);
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
            steps in proptest::collection::vec((any::<bool>(), 0u64..1_000, 0u32..100), 1..400),
        ) {
            let (mut schedule, mut model) = (Schedule::new(100), BTreeSet::new());
            for (add, at, port) in steps {
                let at = Time::from_nanos(at);
                if !add {
                    let first = schedule.first();
                    let expected = model.pop_first();
                    prop_assert_eq!((!first.at().is_never()).then(|| (first.at(), first.port())), expected);
                    if expected.is_some() {
                        schedule.remove(first);
                    }
                } else if model.insert((at, port)) {
                    schedule.push(at, port);
                }
                prop_assert_eq!(schedule.first().at(), model.first().map_or(Time::NEVER, |first| first.0));
            }
        }
    }
}
