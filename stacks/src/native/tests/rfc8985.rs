//! RFC 8985 (RACK-TLP), where no test beside the code holds it.

use burstlab_algorithms::{Bytes, Span, Time};
use burstlab_network::{Direction, Segment};

use super::super::Config;
use super::super::rack::Rack;
use super::super::record::Record;
use super::super::rto::RoundTrip;
use super::super::scoreboard::Scoreboard;
use super::super::timers::Waiting;
use super::pair::{Fate, MSS, Pair, config, drop_data};
use super::rfc6675::{ack, leaves, out};
use crate::Endpoint;

const RTT: Span = Span::from_micros(100);

fn estimator(samples: &[Span]) -> RoundTrip {
    let mut rtt = RoundTrip::new(&config());
    samples.iter().for_each(|sample| rtt.sample(*sample));
    rtt
}

/// Packets of 1000 bytes that all left at time zero.
fn board(packets: u64) -> Scoreboard {
    let mut board = Scoreboard::default();
    (0..packets).for_each(|n| board.push(Record::new(n * MSS, MSS as u32, false)));
    board
}

/// Packet `number` of `board` arrives a round trip after time zero.
fn arrive(rack: &mut Rack, board: &mut Scoreboard, number: u64, rtt: &RoundTrip) {
    let (start, now) = (number * MSS, Time::ZERO + RTT);
    board.acknowledge_selectively(start, start + MSS, |r| rack.on_delivered(r, now, rtt.least(), false));
}

/// The reordering window: how long the first of two packets is waited for, of which the second one has arrived.
fn window(mut rack: Rack, rtt: &RoundTrip, impatient: bool) -> Span {
    let mut board = board(2);
    arrive(&mut rack, &mut board, 1, rtt);
    let end = rack.detect(&mut board, Time::ZERO + RTT, rtt, impatient, |board, n| assert!(board.mark_lost(n)));
    assert_eq!(end.is_never(), board.lost() == MSS);
    if end.is_never() { Span::ZERO } else { end.since(Time::ZERO + RTT) }
}

/// D-SACKs in `rounds` round trips.
fn widened(rounds: u64) -> Rack {
    let mut rack = Rack::default();
    for round in 0..rounds {
        rack.on_duplicate(round * 20 * MSS, (round + 1) * 20 * MSS);
        rack.on_duplicate(round * 20 * MSS + MSS, (round + 1) * 20 * MSS + MSS);
    }
    rack
}

// holds: RFC8985 3.3.2 #5
#[test]
fn the_window_begins_as_a_quarter_of_the_least_round_trip_or_as_zero() {
    assert_eq!(window(Rack::default(), &estimator(&[RTT, RTT * 3]), false), RTT / 4);
    assert_eq!(window(Rack::default(), &estimator(&[]), false), Span::ZERO);
    assert_eq!(window(Rack::default(), &estimator(&[RTT]), true), Span::ZERO);
}

// holds: RFC8985 3.3.2 #1, RFC8985 3.3.2 #2, RFC8985 3.3.2 #3, RFC8985 4 #4, RFC8985 6.2 #4
#[test]
fn d_sacks_widen_it_by_a_quarter_a_round_trip_up_to_the_smoothed_one_for_16_recoveries() {
    let rtt = estimator(&[RTT]);
    let windows: Vec<Span> = [0, 1, 2, 3, 4, 300].map(|rounds| window(widened(rounds), &rtt, false)).to_vec();
    assert_eq!(windows, [RTT / 4, RTT / 2, RTT / 4 * 3, RTT, RTT, RTT]);
    let mut rack = widened(2);
    (0..15).for_each(|_| rack.on_recovered());
    assert_eq!(window(rack, &rtt, false), RTT / 4 * 3);
    rack.on_recovered();
    assert_eq!(window(rack, &rtt, false), RTT / 4);
}

// holds: RFC8985 6.2 #3
#[test]
fn reordering_that_was_seen_keeps_the_window_open_in_recovery() {
    let rtt = estimator(&[RTT]);
    let mut rack = Rack::default();
    let mut before = board(2);
    arrive(&mut rack, &mut before, 1, &rtt);
    assert_eq!(window(rack, &rtt, true), Span::ZERO);
    arrive(&mut rack, &mut before, 0, &rtt);
    assert_eq!(window(rack, &rtt, true), RTT / 4);
}

// holds: RFC8985 6.2 #2
#[test]
fn an_ack_of_what_was_sent_twice_that_comes_too_early_or_echoes_the_first_tells_nothing() {
    let rtt = estimator(&[RTT]);
    for (after, echo_is_old, told) in [(RTT / 10, false, false), (RTT, true, false), (RTT, false, true)] {
        let (mut rack, mut board) = (Rack::default(), board(2));
        let again = Time::ZERO + RTT * 5;
        board.resend(1, again);
        let now = again + after;
        board.acknowledge_selectively(MSS, 2 * MSS, |r| rack.on_delivered(r, now, rtt.least(), echo_is_old));
        rack.detect(&mut board, now, &rtt, true, |board, n| assert!(board.mark_lost(n)));
        assert_eq!(board.lost() > 0, told);
    }
}

// holds: RFC8985 4 #3, RFC8985 6.2 #6
#[test]
fn a_packet_in_doubt_is_lost_as_the_window_ends_without_another_ack() {
    let mut pair = out(config(), 5);
    let held = ack(&pair, 1, &[(2, 4)]);
    pair.a.on_segment(pair.now, &held);
    assert_eq!(leaves(&mut pair), [0; 0]);
    let (end, waiting) = pair.a.sender.next_timer();
    assert_eq!((end.since(pair.now), waiting), (RTT / 4, Waiting::Reordering));
    pair.now = end;
    pair.a.on_wake(end);
    assert_eq!(leaves(&mut pair), [1]);
}

// holds: RFC8985 4 #1, RFC8985 4 #5
#[test]
fn without_sack_there_are_neither_probes_nor_detection_by_time() {
    let mut pair = Pair::open(Config { sack: false, ..config() });
    pair.forward.rule = drop_data([9]);
    pair.transfer(10 * MSS);
    assert_eq!((pair.a.counters().probes, pair.a.counters().timeouts), (0, 1));
}

fn swift() -> Config {
    Config { min_probe_timeout: Span::ZERO, peer_ack_delay: Some(Span::from_millis(3)), ..config() }
}

// holds: RFC8985 7.2 #1, RFC8985 7.2 #3
#[test]
fn the_probe_waits_two_round_trips_from_new_data_and_from_progress() {
    let mut pair = out(swift(), 5);
    let sent = pair.now - RTT;
    let due = |pair: &Pair| pair.a.sender.next_timer();
    assert_eq!(due(&pair), (sent + RTT * 2, Waiting::TailProbe));
    pair.now += RTT / 2;
    let duplicate = ack(&pair, 1, &[]);
    pair.a.on_segment(pair.now, &duplicate);
    assert_eq!(due(&pair).0, sent + RTT * 2, "no progress");
    pair.a.write(pair.now, Bytes::new(MSS));
    assert_eq!(leaves(&mut pair), [6]);
    assert_eq!(due(&pair).0, pair.now + RTT * 2);
    pair.now += RTT / 2;
    let progress = ack(&pair, 2, &[]);
    pair.a.on_segment(pair.now, &progress);
    assert_eq!(due(&pair).0, pair.now + pair.a.sender.rtt.smoothed() * 2);
    let all_but_one = ack(&pair, 6, &[]);
    pair.a.on_segment(pair.now, &all_but_one);
    assert_eq!(due(&pair).0, pair.now + pair.a.sender.rtt.smoothed() * 2 + Span::from_millis(3));
}

// holds: RFC8985 7.2 #2
#[test]
fn no_probe_is_waited_for_in_recovery_nor_where_anything_is_sacked() {
    let mut pair = out(swift(), 20);
    for (end, sent) in [(3, vec![]), (12, vec![1])] {
        let held = ack(&pair, 1, &[(2, end)]);
        pair.a.on_segment(pair.now, &held);
        assert_eq!(leaves(&mut pair), sent);
        // Not even if no reordering window is waited for.
        pair.a.sender.reordering_ends = Time::NEVER;
        assert_eq!(pair.a.sender.next_timer().1, Waiting::Retransmission, "{end}");
    }
}

// holds: RFC8985 7.2 #5, RFC8985 7.3 #1, RFC8985 7.3 #3
#[test]
fn one_probe_leaves_at_the_timeouts_instant_at_the_latest_and_the_timeout_comes_a_whole_one_later() {
    for (min_probe_timeout, probed) in [(Span::from_millis(2), 2), (Span::from_millis(500), 10)] {
        let mut pair = Pair::open(Config { min_probe_timeout, ..config() });
        pair.transfer(10 * MSS);
        pair.log.clear();
        pair.forward.rule = Box::new(|_, _: &Segment| Fate::Drop);
        let start = pair.now;
        pair.a.write(pair.now, Bytes::new(3 * MSS));
        pair.run_for(Span::from_millis(45));
        let at: Vec<u64> =
            pair.data(Direction::Forward)[3..].iter().map(|(at, _)| at.since(start).as_nanos() / 1_000_000).collect();
        assert_eq!((pair.a.counters().probes, &at[..]), (1, &[probed, probed + 10, probed + 30][..]));
    }
}

// holds: RFC8985 7.3 #1
#[test]
fn no_second_probe_leaves_while_the_first_is_out_whatever_was_measured() {
    let mut pair = out(swift(), 20);
    pair.a.write(pair.now, Bytes::new(MSS));
    pair.now = pair.a.next_wake();
    pair.a.on_wake(pair.now);
    assert_eq!(leaves(&mut pair), [21]);
    let (progress, all) = (ack(&pair, 10, &[]), ack(&pair, 22, &[]));
    for (told, waiting) in [(progress, Waiting::Retransmission), (all, Waiting::TailProbe)] {
        pair.now += RTT;
        pair.a.on_segment(pair.now, &told);
        assert!(pair.a.sender.rtt.is_fresh());
        pair.a.write(pair.now, Bytes::new(MSS));
        leaves(&mut pair);
        assert_eq!(pair.a.sender.next_timer().1, waiting);
    }
}

// holds: RFC8985 7.4.2 #2
#[test]
fn a_d_sack_of_the_probe_or_a_duplicate_ack_says_that_nothing_was_lost() {
    for (told, reduced) in [(Some(&[(1, 2)][..]), false), (Some(&[]), false), (None, true)] {
        let mut pair = out(swift(), 1);
        pair.now = pair.a.next_wake();
        pair.a.on_wake(pair.now);
        assert_eq!(leaves(&mut pair), [1]);
        pair.now += RTT;
        // Nothing is out any more when the answer to the probe comes.
        let answers = [Some(ack(&pair, 2, &[])), told.map(|held| ack(&pair, 2, held))];
        answers.iter().flatten().for_each(|told| pair.a.on_segment(pair.now, told));
        pair.a.write(pair.now, Bytes::new(MSS));
        assert_eq!(leaves(&mut pair), [2]);
        let next = ack(&pair, 3, &[]);
        pair.a.on_segment(pair.now, &next);
        assert_eq!(!pair.causes().is_empty(), reduced, "{told:?}");
    }
}

// holds: RFC8985 7.3 #4, RFC8985 7.3 #5
#[test]
fn the_probe_is_new_data_beyond_the_window_or_the_last_segment_again() {
    for (more, probe) in [(5, 21), (0, 20)] {
        let mut pair = out(swift(), 20);
        pair.a.write(pair.now, Bytes::new(more * MSS));
        assert_eq!(leaves(&mut pair), [0; 0], "the window is full");
        pair.now = pair.a.next_wake();
        pair.a.on_wake(pair.now);
        assert_eq!(leaves(&mut pair), [probe]);
    }
}

// holds: RFC8985 7.3 #2
#[test]
fn no_probe_follows_another_before_a_round_trip_was_measured() {
    let mut pair = out(swift(), 1);
    pair.now = pair.a.next_wake();
    pair.a.on_wake(pair.now);
    assert_eq!((leaves(&mut pair), pair.a.counters().probes), (vec![1], 1));
    pair.now += RTT;
    // The original arrived, and the probe: neither ACK says how long it took (Karn's rule).
    for segment in [ack(&pair, 2, &[]), ack(&pair, 2, &[(1, 2)])] {
        pair.a.on_segment(pair.now, &segment);
    }
    let awaited = |pair: &mut Pair, n| {
        pair.a.write(pair.now, Bytes::new(MSS));
        assert_eq!(leaves(pair), [n]);
        pair.a.sender.next_timer().1
    };
    assert_eq!(awaited(&mut pair, 2), Waiting::Retransmission);
    pair.now += RTT;
    let measured = ack(&pair, 3, &[]);
    pair.a.on_segment(pair.now, &measured);
    assert_eq!(awaited(&mut pair, 3), Waiting::TailProbe);
}

// holds: RFC8985 3.3.2 #4
#[test]
fn three_segments_that_arrived_end_the_wait_however_small_they_are() {
    for (arrived, again) in [(2, vec![]), (3, vec![MSS])] {
        let mut pair = out(config(), 0);
        for _ in 0..5 {
            pair.a.write(pair.now, Bytes::new(100));
            pair.a.end_record();
        }
        while pair.a.poll_transmit(pair.now).is_some() {}
        pair.now += RTT;
        let wire = |position| pair.a.numbering.wire(position);
        let mut held = ack(&pair, 1, &[]);
        held.sack.push(burstlab_network::SackBlock { start: wire(MSS + 100), end: wire(MSS + 100 + arrived * 100) });
        pair.a.on_segment(pair.now, &held);
        let sent = pair.a.poll_transmit(pair.now).map(|s| pair.a.numbering.position(s.seq, 0) as u64);
        assert_eq!(sent.into_iter().collect::<Vec<u64>>(), again);
    }
}
