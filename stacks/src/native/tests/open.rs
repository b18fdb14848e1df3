//! The handshake and what it settles.

use burstlab_algorithms::{Bytes, Span, Time};
use burstlab_network::{Direction, Flags, Segment};

use super::super::Config;
use super::super::connection::State;
use super::pair::{Fate, MSS, Pair, config};
use crate::{Endpoint, Status};

#[test]
fn data_written_before_the_handshake_follows_it() {
    let mut pair = Pair::new(config());
    pair.a.write(pair.now, Bytes::new(5 * MSS));
    pair.a.close(pair.now);
    pair.a.connect(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.b.received(), pair.a.state, pair.b.state), (5 * MSS, State::FinWait2, State::CloseWait));
}

// holds: RFC9293 MUST-10
#[test]
fn both_sides_open_at_once() {
    let mut pair = Pair::new(config());
    pair.a.connect(pair.now);
    pair.b.connect(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.a.state, pair.b.state), (State::Established, State::Established));
    pair.transfer(100 * MSS);
    pair.b.write(pair.now, Bytes::new(30 * MSS));
    pair.run_for(Span::from_millis(5));
    assert_eq!(pair.a.received(), 30 * MSS);
}

// holds: RFC6298 2.1
#[test]
fn lost_syns_are_sent_again_with_backoff() {
    let mut pair = Pair::new(config());
    pair.forward.rule = Box::new(|n, _| if n < 3 { Fate::Drop } else { Fate::Pass });
    pair.a.connect(pair.now);
    pair.run_for(Span::from_secs(10));
    let syns: Vec<Time> = pair.log.iter().filter(|(_, s)| s.flags == Flags::SYN).map(|(at, _)| *at).collect();
    assert_eq!(syns, [0, 1, 3, 7].map(|s| Time::ZERO + Span::from_secs(s)));
    assert_eq!(pair.b.status(), Status::Open);
}

#[test]
fn a_lost_syn_ack_and_a_lost_third_segment_do_no_harm() {
    let mut pair = Pair::new(config());
    pair.backward.rule = Box::new(|n, _| if n == 0 { Fate::Drop } else { Fate::Pass });
    pair.forward.rule = Box::new(|n, _| if n == 2 { Fate::Drop } else { Fate::Pass });
    pair.a.connect(pair.now);
    pair.run_for(Span::from_secs(5));
    assert_eq!(pair.b.status(), Status::Open);
    pair.transfer(20 * MSS);
}

// holds: RFC9293 MUST-22
#[test]
fn nobody_there_fails_after_the_last_syn() {
    let mut pair = Pair::new(Config { max_retransmissions: 3, ..config() });
    pair.forward.rule = Box::new(|_, _| Fate::Drop);
    pair.a.connect(pair.now);
    pair.settle(Span::from_secs(100));
    assert_eq!((pair.a.status(), pair.log.len()), (Status::Failed, 4));
}

#[test]
fn a_stray_ack_to_a_listener_is_reset() {
    let mut pair = Pair::new(config());
    pair.b.on_segment(pair.now, &Segment { flags: Flags::ACK, ack: 99, ..Segment::default() });
    let answer = pair.b.poll_transmit(pair.now).unwrap();
    assert!(answer.flags == Flags::RST && answer.seq == 99);
    assert_eq!(pair.b.status(), Status::Opening);
}

#[test]
fn a_reset_refuses_the_connection() {
    let mut pair = Pair::new(config());
    pair.a.connect(pair.now);
    pair.pump();
    let wrong = Segment { flags: Flags::RST.with(Flags::ACK), ack: 55, ..Segment::default() };
    pair.a.on_segment(pair.now, &wrong);
    assert_eq!(pair.a.status(), Status::Opening);
    pair.a.on_segment(pair.now, &Segment { ack: 1, ..wrong });
    assert_eq!(pair.a.status(), Status::Failed);
}

// holds: RFC9293 MUST-11
#[test]
fn a_listener_that_is_reset_before_it_opens_listens_again() {
    let mut pair = Pair::new(config());
    pair.a.connect(pair.now);
    let syn = pair.a.poll_transmit(pair.now).unwrap();
    pair.b.on_segment(pair.now, &syn);
    pair.b.on_segment(pair.now, &Segment { flags: Flags::RST, seq: syn.seq + 1, ..Segment::default() });
    assert_eq!(pair.b.state, State::Listen);
    pair.b.on_segment(pair.now, &Segment { seq: 5_000, ..syn });
    assert_eq!(pair.b.poll_transmit(pair.now).unwrap().ack, 5_001);
}

// holds: RFC9293 MUST-16
#[test]
fn the_smaller_mss_holds_and_timestamps_come_out_of_it() {
    let mut pair = Pair::new(Config { timestamps: true, ..config() });
    pair.b.config.mss = 700;
    let mut pair = pair.opened();
    pair.transfer(10 * MSS);
    assert_eq!(pair.data(Direction::Forward)[0].1.payload, 688);
}

#[test]
fn sequence_numbers_wrap_without_notice() {
    for timestamps in [false, true] {
        let mut pair = Pair::open(Config { initial_sequence: u32::MAX - 5_000, timestamps, ..config() });
        pair.forward.rule = super::pair::drop_data([3, 4, 9]);
        pair.transfer(200 * MSS);
        assert_eq!(pair.a.counters().timeouts, 0);
    }
}

#[test]
fn an_attempt_that_was_aborted_sends_nothing_and_waits_for_nothing() {
    let mut pair = Pair::new(config());
    pair.a.connect(pair.now);
    pair.a.abort(pair.now);
    assert_eq!((pair.a.poll_transmit(pair.now), pair.a.next_wake()), (None, Time::NEVER));
    assert_eq!(pair.a.status(), Status::Failed);
}

#[test]
fn positions_beyond_four_gigabytes_are_kept() {
    let mut config = config();
    config.mss = 60_000;
    let mut pair = Pair::with(config, burstlab_algorithms::EcnFeedback::None, |mut recorder| {
        recorder.control.window = Bytes::new(60_000_000);
        recorder
    })
    .opened();
    pair.forward.rule = Box::new(|n, _| if n % 10_000 == 9_999 { Fate::Drop } else { Fate::Pass });
    for _ in 0..5 {
        pair.transfer(1 << 30);
        pair.log.clear();
    }
    assert_eq!(pair.b.received(), 5 << 30);
}

// holds: RFC9293 MUST-1
#[test]
fn a_peer_without_scaling_limits_the_window_to_64_kb() {
    let mut pair = Pair::with(Config { window_scaling: false, ..config() }, Default::default(), |mut recorder| {
        recorder.control.window = Bytes::new(1_000_000);
        recorder
    })
    .opened();
    pair.a.write(pair.now, Bytes::new(1_000_000));
    pair.pump();
    assert_eq!(pair.a.snapshot().in_flight, Bytes::new(65_000));
    pair.run_for(Span::from_secs(1));
    assert_eq!(pair.b.received(), 1_000_000);
}
