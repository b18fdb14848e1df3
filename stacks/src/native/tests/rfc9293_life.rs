//! RFC 9293, sections 3.6.1, 3.8.4 and 3.9.2.2: keep-alives, ICMP, and data that nobody will read.

use burstlab_algorithms::{Bytes, Span, Time};
use burstlab_network::{Direction, Flags};

use super::super::config::KeepAlive;
use super::super::failure::{Failure, Unreachable};
use super::super::icmp::Icmp;
use super::super::{Config, Connection};
use super::pair::{Fate, MSS, Pair, config};
use crate::{Endpoint, Status};

const WATCH: KeepAlive = KeepAlive { idle: Span::from_secs(10), interval: Span::from_secs(1), probes: 3 };

/// `a` watches over `b`, and not the other way round.
fn watched() -> Pair {
    let mut pair = Pair::open(config());
    pair.a.set_keep_alive(pair.now, Some(WATCH));
    pair
}

/// When `a` sent something since the last look, other than data.
fn probes(pair: &mut Pair) -> Vec<Time> {
    let found = pair.log.iter().filter(|(_, s)| s.direction == Direction::Forward && s.payload == 0);
    let times = found.map(|(at, _)| *at).collect();
    pair.log.clear();
    times
}

// holds: RFC9293 MUST-24, RFC9293 MUST-25, RFC9293 MUST-27
#[test]
fn keep_alives_are_off_until_asked_for_and_can_be_switched_off_again() {
    let mut pair = Pair::open(config());
    pair.run_for(Span::from_secs(100_000));
    assert_eq!(probes(&mut pair), []);
    let start = pair.now;
    pair.a.set_keep_alive(start, Some(WATCH));
    // The peer was silent for longer than that already: at once, and then every ten seconds.
    pair.run_for(Span::from_secs(29));
    let after: Vec<u64> = probes(&mut pair).iter().map(|at| at.since(start).as_nanos() / 1_000_000_000).collect();
    assert_eq!(after, [0, 10, 20]);
    pair.a.set_keep_alive(pair.now, None);
    pair.run_for(Span::from_secs(100_000));
    assert_eq!(probes(&mut pair), []);
}

// holds: RFC9293 MUST-26
#[test]
fn a_keep_alive_leaves_only_if_nothing_is_out_and_nothing_came_for_the_interval() {
    let mut pair = watched();
    for _ in 0..5 {
        pair.run_for(Span::from_secs(6));
        pair.b.write(pair.now, Bytes::new(10));
        pair.run_for(Span::from_millis(1));
    }
    // What `a` sent are the ACKs of that data.
    let old = pair.a.numbering.wire(0).wrapping_sub(1);
    pair.log.retain(|(_, s)| s.seq == old);
    assert_eq!(probes(&mut pair), [], "the peer sent something every six seconds");
    pair.forward.rule = Box::new(|_, _| Fate::Drop);
    pair.a.write(pair.now, Bytes::new(MSS));
    pair.run_for(Span::from_secs(60));
    assert_eq!(probes(&mut pair), [], "what is out is sent again instead");
    assert!(pair.a.counters().timeouts > 3 && pair.a.status() == Status::Open);
}

// holds: RFC9293 MUST-28
#[test]
fn keep_alives_wait_two_hours_unless_told_otherwise() {
    let mut pair = Pair::open(Config { keep_alive: Some(KeepAlive::default()), ..config() });
    let start = pair.now;
    pair.run_for(Span::from_secs(10_000));
    assert!(probes(&mut pair)[0].since(start) >= Span::from_secs(7_199));
}

// holds: RFC9293 MUST-29
#[test]
fn one_answer_to_a_keep_alive_keeps_the_connection_and_only_silence_ends_it() {
    let mut pair = watched();
    // Of each three probes, the first two are lost.
    pair.forward.rule = Box::new(|n, _| if n % 3 < 2 { Fate::Drop } else { Fate::Pass });
    pair.run_for(Span::from_secs(1_000));
    assert_eq!(pair.a.status(), Status::Open);
    pair.forward.rule = Box::new(|_, _| Fate::Drop);
    pair.run_for(Span::from_secs(20));
    assert_eq!((pair.a.status(), pair.a.failure()), (Status::Failed, Some(Failure::TimedOut)));
}

// holds: RFC9293 SHLD-12
#[test]
fn a_keep_alive_is_an_old_number_without_data_which_the_peer_answers() {
    let mut pair = watched();
    pair.transfer(MSS);
    pair.log.clear();
    pair.run_for(Span::from_millis(10_001));
    let sent: Vec<_> = pair.log.iter().map(|(_, s)| (s.direction, s.seq, s.payload, s.flags)).collect();
    let b = pair.b.numbering.wire(0);
    let next = pair.a.numbering.wire(MSS);
    assert_eq!(sent, [(Direction::Forward, next - 1, 0, Flags::ACK), (Direction::Backward, b, 0, Flags::ACK)]);
    assert_eq!(pair.b.received(), MSS);
}

/// A connection with a packet out, and the number of that packet.
fn with_data_out() -> (Pair, u32) {
    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(MSS));
    let seq = pair.a.poll_transmit(pair.now).unwrap().seq;
    (pair, seq)
}

const SOFT: [Icmp; 5] = [
    Icmp::Unreachable(Unreachable::Network),
    Icmp::Unreachable(Unreachable::Host),
    Icmp::Unreachable(Unreachable::Prohibited),
    Icmp::TimeExceeded,
    Icmp::ParameterProblem,
];

// holds: RFC9293 MUST-54
#[test]
fn an_error_counts_for_the_connection_whose_segment_it_quotes() {
    let (mut pair, seq) = with_data_out();
    pair.a.on_icmp(pair.now, Icmp::Unreachable(Unreachable::Host), seq.wrapping_sub(1));
    pair.a.on_icmp(pair.now, Icmp::Unreachable(Unreachable::Host), seq.wrapping_add(1000));
    assert_eq!(pair.a.soft_error(), None, "neither was on its way");
    pair.a.on_icmp(pair.now, Icmp::Unreachable(Unreachable::Host), seq);
    assert_eq!(pair.a.soft_error(), Some(Unreachable::Host));
}

// holds: RFC9293 MUST-55
#[test]
fn source_quench_does_nothing() {
    let (mut pair, seq) = with_data_out();
    let state = |a: &Connection| (a.status(), a.soft_error(), a.failure(), a.snapshot().window, a.next_wake());
    let before = state(&pair.a);
    pair.a.on_icmp(pair.now, Icmp::SourceQuench, seq);
    assert_eq!(state(&pair.a), before);
    assert_eq!(pair.a.poll_transmit(pair.now), None);
}

// holds: RFC9293 MUST-56, RFC9293 SHLD-25, RFC9293 MUST-47
#[test]
fn soft_errors_end_nothing_and_can_be_asked_for() {
    for error in SOFT {
        let (mut pair, seq) = with_data_out();
        pair.a.on_icmp(pair.now, error, seq);
        assert_eq!(pair.a.status(), Status::Open, "{error:?}");
        assert!(pair.a.soft_error().is_some(), "{error:?}");
        let mut pair = Pair::new(config());
        pair.a.connect(pair.now);
        let syn = pair.a.poll_transmit(pair.now).unwrap().seq;
        pair.a.on_icmp(pair.now, error, syn);
        assert_eq!((pair.a.status(), pair.a.soft_error().is_some()), (Status::Opening, true), "{error:?}");
    }
}

// holds: RFC9293 SHLD-3
#[test]
fn data_that_nobody_will_read_is_answered_by_a_reset() {
    // Unread when the application closes.
    let mut pair = Pair::open(config());
    pair.b.set_reading(false);
    pair.transfer_unread(MSS);
    pair.b.close_both(pair.now);
    assert!(pair.b.poll_transmit(pair.now).unwrap().flags.has(Flags::RST));
    // Or later.
    let mut pair = Pair::open(config());
    pair.b.close_both(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!(pair.a.status(), Status::Open);
    pair.a.write(pair.now, Bytes::new(MSS));
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.a.status(), pair.a.failure()), (Status::Failed, Some(Failure::Reset)));
}

// holds: RFC9293 MUST-40, RFC5681 4.2 #4
#[test]
fn an_ack_leaves_within_half_a_second_whatever_it_is_told() {
    let mut pair = Pair::open(Config {
        delayed_ack: Some(Span::from_secs(10)),
        min_rto: Span::from_secs(20),
        tail_loss_probe: false,
        ..config()
    });
    pair.a.write(pair.now, Bytes::new(100));
    let arrives = pair.now + pair.forward.delay;
    pair.run_for(Span::from_secs(1));
    let waited = pair.acks()[0].0.since(arrives);
    assert!(waited > Span::from_millis(100) && waited < Span::from_millis(500), "{waited}");
}
