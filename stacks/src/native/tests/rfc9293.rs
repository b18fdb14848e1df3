//! RFC 9293, where no other test holds it: the life of a connection and its segments.

use burstlab_algorithms::{Bytes, Span, Time};
use burstlab_network::{Direction, Flags, Segment, SynOptions};

use super::super::Config;
use super::super::connection::State;
use super::pair::{Fate, MSS, Pair, config};
use crate::{Endpoint, Status};

/// A segment for `b`, `off` numbers behind where it expects the next one, that acknowledges all that `b` sent.
fn for_b(pair: &Pair, off: i32, flags: Flags) -> Segment {
    let seq = pair.b.receiver.numbering.wire(pair.b.receiver.next).wrapping_add(off as u32);
    let ack = pair.b.numbering.wire(pair.b.sender.board.next());
    Segment { seq, ack, flags, window: u16::MAX, ..Segment::default() }
}

fn syns(pair: &Pair) -> Vec<Segment> {
    pair.log.iter().map(|(_, s)| *s).filter(|s| s.flags.has(Flags::SYN)).collect()
}

// holds: RFC9293 MUST-11
#[test]
fn a_reset_in_syn_received_ends_only_who_opened_actively() {
    for (active, state) in [(false, State::Listen), (true, State::Failed)] {
        let mut pair = Pair::new(config());
        if active {
            pair.b.connect(pair.now);
            pair.b.poll_transmit(pair.now);
        }
        let syn = Segment { flags: Flags::SYN, seq: 100, ..Segment::default() };
        pair.b.on_segment(pair.now, &syn);
        assert_eq!(pair.b.state, State::SynReceived);
        let reset = for_b(&pair, 0, Flags::RST);
        pair.b.on_segment(pair.now, &reset);
        assert_eq!(pair.b.state, state);
    }
}

// holds: RFC9293 SHLD-2
#[test]
fn a_reset_may_carry_data() {
    let mut pair = Pair::open(config());
    let reset = Segment { payload: 40, ..for_b(&pair, 0, Flags::RST) };
    pair.b.on_segment(pair.now, &reset);
    assert_eq!((pair.b.status(), pair.b.received()), (Status::Failed, 0));
}

// holds: RFC9293 MUST-13
#[test]
fn who_closes_first_waits_for_the_whole_of_time_wait() {
    let mut pair = Pair::open(Config { time_wait: Span::from_secs(240), ..config() });
    pair.a.close(pair.now);
    pair.run_for(Span::from_micros(100));
    pair.b.close(pair.now);
    pair.run_for(Span::from_micros(100));
    assert_eq!((pair.a.state, pair.b.state), (State::TimeWait, State::Closed));
    pair.run_for(Span::from_secs(239));
    assert_eq!(pair.a.state, State::TimeWait);
    pair.run_for(Span::from_secs(1));
    assert_eq!(pair.a.state, State::Closed);
}

// holds: RFC9293 MUST-14, RFC9293 SHLD-5
#[test]
fn both_syns_carry_the_mss() {
    let mut pair = Pair::new(config());
    pair.b.config.mss = 700;
    pair.a.connect(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!(syns(&pair).iter().map(|syn| syn.syn.mss).collect::<Vec<_>>(), [1000, 700]);
    assert_eq!((pair.a.sender.mss, pair.b.sender.mss), (700, 700));
}

// holds: RFC9293 MUST-15
#[test]
fn a_peer_that_names_no_mss_gets_536_bytes() {
    let mut pair = Pair::new(config());
    let syn = SynOptions { sack_permitted: true, ..SynOptions::default() };
    pair.b.on_segment(pair.now, &Segment { flags: Flags::SYN, seq: 100, window: 60_000, syn, ..Segment::default() });
    pair.b.poll_transmit(pair.now);
    let third = for_b(&pair, 0, Flags::ACK);
    pair.b.on_segment(pair.now, &Segment { ack: pair.b.numbering.wire(0), ..third });
    pair.b.write(pair.now, Bytes::new(5_000));
    assert_eq!(pair.b.poll_transmit(pair.now).unwrap().payload, 536);
}

// holds: RFC9293 SHLD-11
#[test]
fn data_is_sent_again_for_at_least_a_hundred_seconds() {
    let mut pair = Pair::open(Config { mss: 1000, timestamps: false, ..Config::default() });
    pair.transfer(MSS);
    let start = pair.now;
    pair.forward.rule = Box::new(|_, _| Fate::Drop);
    pair.a.write(pair.now, Bytes::new(MSS));
    pair.run_for(Span::from_secs(100));
    assert_eq!(pair.a.status(), Status::Open);
    let end = pair.settle(Span::from_secs(3_600));
    assert_eq!(pair.a.status(), Status::Failed);
    assert!(end.since(start) > Span::from_secs(100));
}

// holds: RFC9293 MUST-23
#[test]
fn a_syn_is_sent_again_for_at_least_three_minutes() {
    let mut pair = Pair::new(Config::default());
    pair.forward.rule = Box::new(|_, _| Fate::Drop);
    pair.a.connect(pair.now);
    pair.run_for(Span::from_secs(180));
    assert_eq!(pair.a.status(), Status::Opening);
    assert!(pair.a.next_wake() < Time::NEVER);
}

// holds: RFC9293 MUST-60, RFC9293 MUST-61
#[test]
fn what_is_written_leaves_and_the_last_of_it_is_pushed() {
    let mut pair = Pair::open(Config { nagle: true, ..config() });
    pair.a.write(pair.now, Bytes::new(2 * MSS + 300));
    pair.run_for(Span::from_millis(1));
    let pushed: Vec<bool> = pair.data(Direction::Forward).iter().map(|(_, s)| s.flags.has(Flags::PSH)).collect();
    assert_eq!((pair.b.received(), pushed), (2 * MSS + 300, vec![false, false, true]));
}

// holds: RFC9293 SHLD-27, RFC9293 SHLD-28
#[test]
fn small_writes_that_wait_leave_as_full_segments() {
    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(20 * MSS));
    pair.pump();
    for _ in 0..100 {
        pair.a.write(pair.now, Bytes::new(77));
        pair.pump();
    }
    pair.run_for(Span::from_millis(1));
    let sizes: Vec<u32> = pair.data(Direction::Forward).iter().map(|(_, s)| s.payload).collect();
    assert_eq!((sizes.len(), sizes[20..27].to_vec(), sizes[27]), (28, vec![1000; 7], 700));
}

// holds: RFC9293 MUST-58, RFC9293 MUST-59
#[test]
fn segments_that_wait_are_all_taken_before_one_ack_answers_them() {
    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(5 * MSS));
    while let Some(segment) = pair.a.poll_transmit(pair.now) {
        pair.b.on_segment(pair.now, &segment);
    }
    let ack = pair.b.poll_transmit(pair.now).unwrap();
    assert_eq!(pair.a.numbering.position(ack.ack, 0), 5 * MSS as i64);
    assert!(pair.b.poll_transmit(pair.now).is_none());
}

// holds: RFC9293 MUST-66
#[test]
fn a_reset_counts_before_a_closed_window() {
    let mut pair = Pair::open(Config { receive_buffer: Bytes::new(4 * MSS), ..config() });
    pair.b.set_reading(false);
    pair.transfer_unread(10 * MSS);
    assert_eq!(pair.acks().last().unwrap().1.window, 0);
    let reset = for_b(&pair, 0, Flags::RST);
    pair.b.on_segment(pair.now, &reset);
    assert_eq!(pair.b.status(), Status::Failed);
}

// holds: RFC9293 3.10.7.4 #1, RFC9293 3.10.7.4 #2, RFC9293 3.10.7.4 #3
#[test]
fn a_reset_elsewhere_in_the_window_is_challenged_and_one_at_the_very_place_believed() {
    for (off, status, answered) in [(0, Status::Failed, false), (1, Status::Open, true), (5_000, Status::Open, true)] {
        let mut pair = Pair::open(config());
        let reset = for_b(&pair, off, Flags::RST);
        pair.b.on_segment(pair.now, &reset);
        let answer = pair.b.poll_transmit(pair.now);
        assert_eq!((pair.b.status(), answer.is_some()), (status, answered), "{off}");
        let expected = (pair.b.numbering.wire(0), pair.a.numbering.wire(0), Flags::ACK, 0);
        assert!(answer.is_none_or(|s| (s.seq, s.ack, s.flags, s.payload) == expected), "{answer:?}");
    }
}

// holds: RFC9293 3.10.7.4 #4, RFC9293 3.10.7.4 #5
#[test]
fn a_syn_on_an_open_connection_is_answered_by_an_ack_wherever_it_lies_and_not_taken() {
    for off in [-50_000, -1, 0, 1, 5_000, 100_000_000] {
        let mut pair = Pair::open(config());
        let before = pair.b.receiver.next;
        let syn = Segment { payload: 300, ..for_b(&pair, off, Flags::SYN) };
        pair.b.on_segment(pair.now, &syn);
        let answer = pair.b.poll_transmit(pair.now).unwrap_or_else(|| panic!("no answer to {off}"));
        let expected = (pair.b.numbering.wire(0), pair.a.numbering.wire(0), Flags::ACK, 0);
        assert_eq!((answer.seq, answer.ack, answer.flags, answer.payload), expected);
        assert_eq!((pair.b.status(), pair.b.receiver.next), (Status::Open, before));
    }
}

// holds: RFC9293 3.10.7.4 #6, RFC9293 3.10.7.4 #7
#[test]
fn an_ack_of_the_future_or_of_a_past_beyond_any_window_is_discarded_and_answered() {
    for off in [1i32, 5_000, -7_000_000, i32::MIN / 2] {
        let mut pair = Pair::open(config());
        let good = for_b(&pair, 0, Flags::ACK);
        let bad = Segment { ack: good.ack.wrapping_add(off as u32), payload: 100, ..good };
        pair.b.on_segment(pair.now, &bad);
        assert_eq!((pair.b.received(), pair.b.acknowledged()), (0, 0), "{off}");
        let answer = pair.b.poll_transmit(pair.now).unwrap_or_else(|| panic!("no answer to {off}"));
        assert_eq!((answer.ack, answer.flags), (pair.a.numbering.wire(0), Flags::ACK));
        // An old one is taken, with its data.
        pair.b.on_segment(pair.now, &Segment { ack: good.ack.wrapping_sub(1_000), payload: 100, ..good });
        assert_eq!(pair.b.received(), 100);
    }
}
