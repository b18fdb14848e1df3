//! Hosts' interfaces seen from their sockets: full ones make their senders wait in line.

use std::collections::VecDeque;

use burstlab_units::{Span, Time};

/// One interface's line.
#[derive(Debug, Default)]
struct Line {
    /// Sides that wait for the interface, first come first served.
    sides: VecDeque<u32>,
    /// Above this backlog the interface takes no more.
    full: Span,
    /// The timer that looks at the line.
    timer: u32,
}

/// The lines of all interfaces, by number.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    lines: Vec<Line>,
}

impl Lines {
    /// Adds the next interface's line: full with a backlog above `full`, looked at when `timer` goes off.
    pub fn add(&mut self, full: Span, timer: u32) {
        self.lines.push(Line { sides: VecDeque::new(), full, timer });
    }

    /// Whether an interface with this backlog takes no more.
    #[inline]
    pub fn is_full(&self, interface: u32, backlog: Span) -> bool {
        backlog > self.lines[interface as usize].full
    }

    /// A side that found the interface full joins the line; gives the timer to arm, and when.
    pub fn join(&mut self, interface: u32, side: u32, now: Time, backlog: Span) -> (u32, Time) {
        let line = &mut self.lines[interface as usize];
        line.sides.push_back(side);
        // Half empty is soon enough: the link stays busy, and one look serves several packets.
        (line.timer, now + (backlog - line.full / 2))
    }

    /// How many wait.
    pub fn waiting(&self, interface: u32) -> usize {
        self.lines[interface as usize].sides.len()
    }

    /// Whose turn it is.
    pub fn leave(&mut self, interface: u32) -> Option<u32> {
        self.lines[interface as usize].sides.pop_front()
    }

    /// When to look again at a line in which somebody still waits, and the timer to arm for it.
    pub fn look_again(&self, interface: u32, now: Time, backlog: Span) -> Option<(u32, Time)> {
        let line = &self.lines[interface as usize];
        (!line.sides.is_empty()).then(|| (line.timer, now + (backlog - line.full / 2).max(Span::from_nanos(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_served_in_turn_when_half_is_sent() {
        let mut lines = Lines::default();
        lines.add(Span::from_nanos(100), 7);
        let now = Time::from_nanos(1000);
        assert!(!lines.is_full(0, Span::from_nanos(100)) && lines.is_full(0, Span::from_nanos(101)));
        assert_eq!(lines.join(0, 3, now, Span::from_nanos(120)), (7, Time::from_nanos(1070)));
        lines.join(0, 4, now, Span::from_nanos(120));
        assert_eq!((lines.waiting(0), lines.leave(0)), (2, Some(3)));
        assert_eq!(lines.look_again(0, now, Span::from_nanos(40)), Some((7, Time::from_nanos(1001))));
        assert_eq!(lines.leave(0), Some(4));
        assert_eq!(lines.look_again(0, now, Span::from_nanos(40)), None);
    }
}
