//! One armed timer for each owner, re-armed lazily: a timer that moves later stays where it is and is looked at when
//! its old instant comes. Retransmission timers move later with every ACK, so this makes them nearly free.

use burstlab_units::Time;

use crate::heap::{self, Heap};

/// Timers of owners numbered from 0.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: Heap,
    /// The earliest entry that the heap holds for each owner; later ones of the same owner are stale.
    armed: Vec<Time>,
}

impl Timers {
    pub fn add_owner(&mut self) -> u32 {
        self.armed.push(Time::NEVER);
        self.armed.len() as u32 - 1
    }

    /// Sees to it that `owner` is looked at by `at`.
    #[inline]
    pub fn arm(&mut self, owner: u32, at: Time) {
        if at < self.armed[owner as usize] {
            self.bring_forward(owner, at);
        }
    }

    #[cold]
    fn bring_forward(&mut self, owner: u32, at: Time) {
        self.armed[owner as usize] = at;
        self.heap.push(heap::key(at, owner));
    }

    /// When to look next.
    #[inline]
    pub fn next_at(&self) -> Time {
        heap::at(self.heap.first())
    }

    /// Takes the next owner to look at, unless the entry was stale. The owner has to be armed anew.
    pub fn pop(&mut self) -> Option<u32> {
        let key = self.heap.pop()?;
        let (at, owner) = (heap::at(key), heap::id(key));
        let armed = &mut self.armed[owner as usize];
        if *armed != at {
            return None;
        }
        *armed = Time::NEVER;
        Some(owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_looked_at_once_at_its_earliest_instant() {
        let mut timers = Timers::default();
        let (a, b) = (timers.add_owner(), timers.add_owner());
        timers.arm(a, Time::from_nanos(30));
        timers.arm(b, Time::from_nanos(20));
        timers.arm(a, Time::from_nanos(10));
        timers.arm(a, Time::from_nanos(40));
        assert_eq!(timers.next_at(), Time::from_nanos(10));
        assert_eq!([timers.pop(), timers.pop(), timers.pop()], [Some(a), Some(b), None]);
        assert!(timers.next_at().is_never());
    }
}
