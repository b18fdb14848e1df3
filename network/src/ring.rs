//! A queue in a ring of a power of two: the standard library's `VecDeque` does the same with more instructions, and every
//! packet passes through one of these at every hop.

/// First in, first out, and readable by position.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    slots: Vec<T>,
    head: usize,
    len: usize,
}

/// Slots of a ring that has taken its first element.
const FIRST_SLOTS: usize = 8;

impl<T: Copy + Default> Ring<T> {
    pub const fn new() -> Ring<T> {
        Ring { slots: Vec::new(), head: 0, len: 0 }
    }

    pub const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn slot(&self, position: usize) -> usize {
        (self.head + position) & self.slots.len().wrapping_sub(1)
    }

    /// The element at `position`, counted from the oldest.
    #[inline]
    pub fn get(&self, position: usize) -> Option<&T> {
        if position < self.len { self.slots.get(self.slot(position)) } else { None }
    }

    /// The oldest element.
    #[inline]
    pub fn front(&self) -> Option<&T> {
        self.get(0)
    }

    /// Adds a newest element.
    #[inline]
    pub fn push(&mut self, element: T) {
        if self.len == self.slots.len() {
            self.grow();
        }
        let slot = self.slot(self.len);
        self.len += 1;
        self.slots[slot] = element;
    }

    /// Takes the oldest element out.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let oldest = self.front().copied();
        if oldest.is_some() {
            self.head = self.slot(1);
            self.len -= 1;
        }
        oldest
    }

    /// Without the element: one that could be needed by reference here would be in memory everywhere.
    #[cold]
    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(FIRST_SLOTS);
        self.slots.rotate_left(self.head);
        self.slots.resize(slots, T::default());
        self.head = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn a_ring_is_a_queue(steps in proptest::collection::vec(any::<Option<u32>>(), 0..300)) {
            let (mut ring, mut model) = (Ring::new(), VecDeque::new());
            for step in steps {
                match step {
                    Some(element) => {
                        ring.push(element);
                        model.push_back(element);
                    }
                    None => {
                        prop_assert_eq!(ring.pop(), model.pop_front());
                    }
                }
                prop_assert_eq!(ring.len(), model.len());
                let content: Vec<_> = (0..=model.len()).map(|i| ring.get(i).copied()).collect();
                let expected: Vec<_> = (0..=model.len()).map(|i| model.get(i).copied()).collect();
                prop_assert_eq!(content, expected);
            }
        }
    }
}
