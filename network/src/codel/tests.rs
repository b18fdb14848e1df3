//! Against the pseudocode of RFC 8289, section 5, by hand.

use super::*;

const MS: Span = Span::from_millis(1);

/// A line that never ends, of packets of 1500 bytes that have all waited for the same time.
struct Standing {
    sojourn: Span,
    bytes: u64,
    ecn_capable: bool,
    now: Time,
    dropped: Vec<Time>,
}

impl Line for Standing {
    fn pop(&mut self) -> Option<Waiting> {
        let arrived = Time::from_nanos(self.now.as_nanos() - self.sojourn.as_nanos());
        Some(Waiting { size: 1500, arrived, ..Waiting::default() })
    }
    fn bytes(&self) -> u64 {
        self.bytes
    }
    fn is_ecn_capable(&self, _: Waiting) -> bool {
        self.ecn_capable
    }
    fn drop(&mut self, _: Waiting) {
        self.dropped.push(self.now);
    }
}

impl Standing {
    fn new(ecn_capable: bool) -> Standing {
        Standing { sojourn: Span::ZERO, bytes: 15_000, ecn_capable, now: START, dropped: Vec::new() }
    }

    /// Lets a packet leave each millisecond that has waited for `sojourn`, until `end`; how many got a mark.
    fn leave(&mut self, codel: &mut Codel, sojourn: Span, end: Time) -> usize {
        self.sojourn = sojourn;
        let mut marked = 0;
        while self.now < end {
            self.now += MS;
            marked += usize::from(codel.dequeue(self.now, self).is_some_and(|(_, marked)| marked));
        }
        marked
    }
}

/// Late enough for whatever has waited.
const START: Time = Time::from_nanos(1_000_000_000);

fn at_ms(ms: u64) -> Time {
    START + MS * ms
}

#[test]
fn a_queue_below_the_target_is_left_alone() {
    let (mut codel, mut line) = (Codel::new(CodelSettings::default()), Standing::new(false));
    line.leave(&mut codel, MS * 4, at_ms(10_000));
    assert_eq!(line.dropped.len(), 0);
}

#[test]
fn a_queue_above_the_target_loses_a_packet_after_an_interval_and_then_by_the_control_law() {
    let (mut codel, mut line) = (Codel::new(CodelSettings::default()), Standing::new(false));
    line.leave(&mut codel, MS * 20, at_ms(420));
    // Above from 1 ms on, so the first goes at 101 ms; the next ones 100 ms / sqrt(1, 2, 3, ...) after it.
    let expected = [101, 201, 272, 330, 380].map(at_ms);
    assert_eq!(line.dropped, expected);
}

#[test]
fn one_moment_below_the_target_ends_the_drops_and_the_interval_begins_anew() {
    let (mut codel, mut line) = (Codel::new(CodelSettings::default()), Standing::new(false));
    line.leave(&mut codel, MS * 20, at_ms(150));
    line.leave(&mut codel, MS, at_ms(151));
    line.leave(&mut codel, MS * 20, at_ms(251));
    assert_eq!(line.dropped, [at_ms(101)]);
    line.leave(&mut codel, MS * 20, at_ms(252));
    assert_eq!(line.dropped, [at_ms(101), at_ms(252)]);
}

#[test]
fn a_drop_state_that_begins_again_soon_remembers_how_hard_it_dropped() {
    let (mut codel, mut line) = (Codel::new(CodelSettings::default()), Standing::new(false));
    line.leave(&mut codel, MS * 20, at_ms(420));
    assert_eq!(codel.count, 5);
    line.leave(&mut codel, MS, at_ms(430));
    line.leave(&mut codel, MS * 20, at_ms(531));
    // It dropped 5 packets, 4 of them after the first: count - lastcount.
    assert_eq!((codel.count, codel.dropping), (4, true));
    assert_eq!(codel.drop_next, at_ms(531) + MS * 50);
}

#[test]
fn a_queue_that_holds_one_packet_more_is_never_reduced() {
    let (mut codel, mut line) = (Codel::new(CodelSettings::default()), Standing::new(false));
    line.bytes = 1500;
    line.leave(&mut codel, MS * 50, at_ms(1000));
    assert_eq!(line.dropped.len(), 0);
}

#[test]
fn ecn_capable_packets_are_marked_at_the_instants_at_which_others_are_dropped() {
    let settings = CodelSettings { ecn: true, ..CodelSettings::default() };
    let (mut codel, mut line) = (Codel::new(settings), Standing::new(true));
    let marked = line.leave(&mut codel, MS * 20, at_ms(420));
    assert_eq!((marked, line.dropped.len()), (5, 0));
    let (mut codel, mut line) = (Codel::new(settings), Standing::new(false));
    assert_eq!(line.leave(&mut codel, MS * 20, at_ms(420)), 0);
    assert_eq!(line.dropped.len(), 5);
}

#[test]
fn above_the_second_threshold_each_ecn_capable_packet_is_marked() {
    let settings = CodelSettings { ecn: true, ce_threshold: Some(MS), ..CodelSettings::default() };
    let (mut codel, mut line) = (Codel::new(settings), Standing::new(true));
    assert_eq!(line.leave(&mut codel, MS, at_ms(50)), 0);
    assert_eq!(line.leave(&mut codel, MS * 2, at_ms(100)), 50);
    assert_eq!(line.dropped.len(), 0);
}
