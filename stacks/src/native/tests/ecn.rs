//! Marks and their three kinds of feedback.

use burstlab_algorithms::{Bytes, Cause, EcnFeedback, Phase};
use burstlab_network::{Codepoint, Direction, Flags, Segment};

use super::super::Config;
use super::pair::{Fate, MSS, Pair, config};
use super::rfc6675::{ack, leaves};
use crate::Endpoint;

fn pair(config: Config, feedback: EcnFeedback) -> Pair {
    Pair::with(config, feedback, |recorder| recorder).opened()
}

/// Marks the data segments with these numbers of order.
fn mark(pair: &mut Pair, marked: impl Fn(usize) -> bool + 'static) {
    let mut seen = 0;
    pair.forward.rule = Box::new(move |_, segment: &Segment| {
        if segment.payload == 0 {
            return Fate::Pass;
        }
        seen += 1;
        if marked(seen - 1) { Fate::Mark } else { Fate::Pass }
    });
}

fn marked_bytes(pair: &Pair) -> u64 {
    pair.told.lock().unwrap().acks.iter().map(|ack| ack.ce_marked.get()).sum()
}

// holds: RFC9293 SHLD-8
#[test]
fn classic_feedback_reduces_once_and_ends_with_cwr() {
    let mut pair = pair(config(), EcnFeedback::Classic);
    mark(&mut pair, |n| (5..8).contains(&n));
    pair.transfer(200 * MSS);
    assert_eq!(pair.causes(), [Cause::Ecn]);
    let data = pair.data(Direction::Forward);
    assert_eq!(data.iter().filter(|(_, s)| s.flags.has(Flags::CWR)).count(), 1);
    let last = pair.acks().last().unwrap().1;
    assert!(!last.flags.has(Flags::ECE), "the echo ended");
    let told = pair.told.lock().unwrap();
    assert_eq!(told.recovered, 1);
    assert!(told.acks.iter().any(|ack| ack.phase == Phase::Reducing));
}

#[test]
fn a_reduction_for_marks_is_spread_over_the_round_trip_or_comes_at_once() {
    for (spread_mark_reduction, expected) in [(true, [0, 1, 0, 1, 0, 1]), (false, [0, 0, 0, 0, 0, 1])] {
        let mut pair =
            Pair::with(Config { spread_mark_reduction, ..config() }, EcnFeedback::Classic, |mut recorder| {
                recorder.control.window = Bytes::new(10 * MSS);
                recorder
            })
            .opened();
        pair.a.write(pair.now, Bytes::new(100 * MSS));
        assert_eq!(leaves(&mut pair).len(), 10);
        let sent: Vec<usize> = (1..=6)
            .map(|next| {
                let marked = Segment { flags: Flags::ACK.with(Flags::ECE), ..ack(&pair, next, &[]) };
                pair.a.on_segment(pair.now, &marked);
                leaves(&mut pair).len()
            })
            .collect();
        assert_eq!(sent, expected, "from ten packets to five, for six that were delivered");
    }
}

#[test]
fn dctcp_feedback_tells_the_marked_bytes() {
    let mut pair = pair(config(), EcnFeedback::Dctcp);
    mark(&mut pair, |n| n % 3 == 0);
    pair.transfer(300 * MSS);
    assert_eq!(marked_bytes(&pair), 100 * MSS);
    assert_eq!(pair.b.counters().marked_segments_received, 100);
}

#[test]
fn dctcp_feedback_tells_the_marked_bytes_through_delayed_acks_too() {
    let delayed = Config { delayed_ack: Some(burstlab_algorithms::Span::from_micros(500)), ..config() };
    let mut pair = pair(delayed, EcnFeedback::Dctcp);
    mark(&mut pair, |n| n % 7 < 3);
    pair.transfer(700 * MSS);
    assert_eq!(marked_bytes(&pair), 300 * MSS);
}

// holds: RFC9768 3.1.5 #15, RFC9768 3.2.3 #5
#[test]
fn accurate_feedback_tells_the_marked_bytes_however_acks_are_thinned() {
    for every in [1, 3, 10] {
        let mut pair = pair(config(), EcnFeedback::Accurate);
        mark(&mut pair, |n| n % 2 == 0);
        let mut acks = 0;
        pair.backward.rule = Box::new(move |_, _| {
            acks += 1;
            if acks % every == 0 { Fate::Pass } else { Fate::Drop }
        });
        pair.transfer(400 * MSS);
        let (told, sent) = (marked_bytes(&pair), pair.b.counters().marked_segments_received * MSS);
        assert!(told.abs_diff(sent) <= 10 * MSS, "every {every}: {told} of {sent}");
    }
}

// holds: RFC9768 3.1.2 #2
#[test]
fn accurate_feedback_falls_back_to_classic_with_a_classic_peer() {
    let mut pair = Pair::with(config(), EcnFeedback::Accurate, |recorder| recorder);
    pair.b.feedback = EcnFeedback::Classic;
    let mut pair = pair.opened();
    assert_eq!(pair.a.sender.marks.feedback(), EcnFeedback::Classic);
    mark(&mut pair, |n| n == 3);
    pair.transfer(50 * MSS);
    assert_eq!(pair.causes(), [Cause::Ecn]);
}

// holds: RFC9768 3.1.5 #11
#[test]
fn an_unwilling_peer_means_no_ecn() {
    for feedback in [EcnFeedback::Classic, EcnFeedback::Dctcp, EcnFeedback::Accurate] {
        let mut pair = Pair::with(config(), feedback, |recorder| recorder);
        pair.b.feedback = EcnFeedback::None;
        let mut pair = pair.opened();
        pair.transfer(10 * MSS);
        assert!(pair.data(Direction::Forward).iter().all(|(_, s)| s.codepoint == Codepoint::NotEct));
    }
}

#[test]
fn classic_retransmissions_and_acks_are_not_ecn_capable() {
    let mut pair = pair(config(), EcnFeedback::Classic);
    pair.forward.rule = super::pair::drop_data([4]);
    pair.transfer(60 * MSS);
    let data = pair.data(Direction::Forward);
    assert_eq!(data.iter().filter(|(_, s)| s.codepoint == Codepoint::NotEct).count(), 1);
    assert!(pair.acks().iter().all(|(_, s)| s.codepoint == Codepoint::NotEct));
}

#[test]
fn generalized_ecn_makes_everything_capable_and_can_be_switched_off() {
    for (generalized_ecn, plain) in [(true, 0), (false, 1)] {
        let mut pair = pair(Config { generalized_ecn, ..config() }, EcnFeedback::Dctcp);
        pair.forward.rule = super::pair::drop_data([4]);
        pair.transfer(60 * MSS);
        let data = pair.data(Direction::Forward);
        assert_eq!(data.iter().filter(|(_, s)| s.codepoint == Codepoint::NotEct).count(), plain);
    }
}

#[test]
fn marks_in_a_recovery_do_not_reduce_again() {
    let mut pair = pair(config(), EcnFeedback::Dctcp);
    let mut seen = 0;
    pair.forward.rule = Box::new(move |_, s| {
        seen += usize::from(s.payload > 0);
        match seen {
            3 => Fate::Drop,
            21..24 => Fate::Mark,
            _ => Fate::Pass,
        }
    });
    pair.transfer(100 * MSS);
    assert_eq!(pair.causes(), [Cause::Loss]);
}
