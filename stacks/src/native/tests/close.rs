//! The end of connections.

use burstlab_algorithms::{Bytes, Span};
use burstlab_network::{Direction, Flags, Segment};

use super::super::connection::State;
use super::pair::{Fate, MSS, Pair, config, drop_data};
use crate::{Endpoint, Status};

fn states(pair: &Pair) -> (State, State) {
    (pair.a.state, pair.b.state)
}

// holds: RFC9293 MUST-12
#[test]
fn one_side_closes_and_then_the_other() {
    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(10 * MSS));
    pair.a.close(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!(states(&pair), (State::FinWait2, State::CloseWait));
    pair.b.close(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!(states(&pair), (State::TimeWait, State::Closed));
    assert_eq!((pair.a.status(), pair.b.status()), (Status::Closed, Status::Closed));
    assert_eq!((pair.b.received(), pair.a.acknowledged()), (10 * MSS, 10 * MSS));
    pair.settle(Span::from_secs(1));
    assert_eq!(pair.a.state, State::Closed, "TIME-WAIT ends");
    assert!(pair.a.next_wake().is_never() && pair.b.next_wake().is_never());
}

#[test]
fn the_fin_rides_on_the_last_data() {
    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(1500));
    pair.a.close(pair.now);
    pair.run_for(Span::from_millis(1));
    let data = pair.data(Direction::Forward);
    assert!(data[1].1.flags.has(Flags::FIN) && data[1].1.payload == 500 && data.len() == 2);
}

#[test]
fn a_half_closed_connection_still_carries_data_the_other_way() {
    let mut pair = Pair::open(config());
    pair.a.close(pair.now);
    pair.run_for(Span::from_millis(1));
    pair.b.write(pair.now, Bytes::new(50 * MSS));
    pair.run_for(Span::from_millis(5));
    assert_eq!(pair.a.received(), 50 * MSS);
    pair.b.close(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!(states(&pair), (State::TimeWait, State::Closed));
}

#[test]
fn both_sides_close_at_once() {
    let mut pair = Pair::open(config());
    pair.a.close(pair.now);
    pair.b.close(pair.now);
    pair.run_for(Span::from_micros(80));
    assert_eq!(states(&pair), (State::Closing, State::Closing));
    pair.run_for(Span::from_millis(1));
    assert_eq!(states(&pair), (State::TimeWait, State::TimeWait));
}

#[test]
fn a_lost_fin_and_a_lost_last_ack_are_sent_again() {
    let mut pair = Pair::open(config());
    let mut fins = 0;
    pair.forward.rule = Box::new(move |_, s| {
        fins += u32::from(s.flags.has(Flags::FIN));
        if s.flags.has(Flags::FIN) && fins == 1 { Fate::Drop } else { Fate::Pass }
    });
    pair.a.close(pair.now);
    pair.run_for(Span::from_millis(50));
    assert_eq!(states(&pair), (State::FinWait2, State::CloseWait));
    let mut dropped = false;
    pair.forward.rule =
        Box::new(move |_, _| if std::mem::replace(&mut dropped, true) { Fate::Pass } else { Fate::Drop });
    pair.b.close(pair.now);
    pair.run_for(Span::from_millis(50));
    assert_eq!(states(&pair), (State::TimeWait, State::Closed));
}

#[test]
fn a_fin_behind_a_hole_waits_for_the_data() {
    let mut pair = Pair::open(config());
    pair.forward.rule = drop_data([0]);
    pair.a.write(pair.now, Bytes::new(3 * MSS));
    pair.a.close(pair.now);
    pair.run_for(Span::from_micros(80));
    assert_eq!(pair.b.state, State::Established);
    pair.run_for(Span::from_millis(50));
    assert_eq!((pair.b.state, pair.b.received()), (State::CloseWait, 3 * MSS));
}

#[test]
fn an_abort_fails_both_sides() {
    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(5 * MSS));
    pair.pump();
    pair.a.abort(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.a.status(), pair.b.status()), (Status::Failed, Status::Failed));
    assert!(pair.a.next_wake().is_never() && pair.b.next_wake().is_never());
}

/// A reset for `b`, `off` sequence numbers beyond where it expects the next one.
fn reset(pair: &Pair, off: u32) -> Segment {
    let seq = pair.b.receiver.numbering.wire(pair.b.receiver.next).wrapping_add(off);
    Segment { seq, flags: Flags::RST, ..Segment::default() }
}

// holds: RFC9293 3.10.7.4 #1, RFC9293 3.10.7.4 #2
#[test]
fn only_a_reset_at_the_very_place_is_believed() {
    let mut pair = Pair::open(config());
    let forged = reset(&pair, 1);
    pair.b.on_segment(pair.now, &forged);
    let answer = pair.b.poll_transmit(pair.now).expect("a challenge ACK");
    assert!(answer.flags.has(Flags::ACK) && pair.b.status() == Status::Open);
    let outside = reset(&pair, u32::MAX / 2);
    pair.b.on_segment(pair.now, &outside);
    assert!(pair.b.poll_transmit(pair.now).is_none() && pair.b.status() == Status::Open);
    let exact = reset(&pair, 0);
    pair.b.on_segment(pair.now, &exact);
    assert_eq!(pair.b.status(), Status::Failed);
}

// holds: RFC9293 MUST-12
#[test]
fn a_reset_ends_every_state() {
    for (close_a, close_b, expected) in [
        (false, false, Status::Failed),
        (true, false, Status::Failed),
        (true, true, Status::Closed),
        (false, true, Status::Failed),
    ] {
        let mut pair = Pair::open(config());
        if close_a {
            pair.a.close(pair.now);
        }
        pair.run_for(Span::from_millis(1));
        if close_b {
            pair.b.close(pair.now);
            pair.b.poll_transmit(pair.now);
        }
        let exact = reset(&pair, 0);
        pair.b.on_segment(pair.now, &exact);
        assert_eq!(pair.b.status(), expected, "{close_a} {close_b}");
        assert!(pair.b.next_wake().is_never());
    }
}

#[test]
fn challenges_are_rationed() {
    let mut pair = Pair::open(config());
    let syn = Segment { flags: Flags::SYN, ..reset(&pair, 0) };
    let mut answers = 0;
    for _ in 0..100 {
        pair.b.on_segment(pair.now, &syn);
        answers += u32::from(pair.b.poll_transmit(pair.now).is_some());
    }
    assert_eq!((answers, pair.b.status()), (10, Status::Open));
}

#[test]
fn what_reaches_a_closed_connection_is_answered_by_a_reset() {
    let mut pair = Pair::open(config());
    pair.b.abort(pair.now);
    pair.b.poll_transmit(pair.now);
    pair.transfer_into_void();
    assert_eq!(pair.a.status(), Status::Failed);
}
