//! RFC 5681, where no other test holds it.

use burstlab_algorithms::{Ack, Bytes, Cause, Congestion, Controller, EcnFeedback, Registry, Span, Time};
use burstlab_network::{Direction, Flags, FlowId};

use super::super::{Config, Connection};
use super::pair::{Fate, MSS, Pair, config, drop_data};
use crate::Endpoint;

fn controller(config: &Config) -> Box<dyn Controller> {
    Registry::default().parse("reno").unwrap().build(&config.path(Time::ZERO, 1))
}

/// A pair whose `a` is governed by the Reno that users get.
pub fn reno(config: Config) -> Pair {
    let mut pair = Pair::new(config.clone());
    let reno = controller(&config);
    pair.a = Connection::new(config, Direction::Forward, FlowId(1), reno, EcnFeedback::None);
    pair
}

fn window(pair: &Pair) -> u64 {
    pair.a.snapshot().window.get() / MSS
}

/// Pure ACKs of `b` that have reached `a`.
fn heard(pair: &Pair) -> usize {
    pair.acks().iter().filter(|(at, _)| *at + pair.backward.delay <= pair.now).count()
}

fn ack(bytes: u64) -> Ack<'static> {
    let bytes = Bytes::new(bytes);
    Ack { acked: bytes, delivered: bytes, mss: Bytes::new(MSS), ..Ack::default() }
}

/// A Reno in congestion avoidance with a window of `packets`.
fn steady(packets: u64) -> Box<dyn Controller> {
    let mut reno = controller(&config());
    let in_flight = Bytes::new(2 * packets * MSS);
    reno.on_congestion(&Congestion { cause: Cause::Loss, in_flight, mss: Bytes::new(MSS), ..Congestion::default() });
    reno
}

// holds: RFC5681 2 #1
#[test]
fn the_smaller_of_both_windows_bounds_what_is_out() {
    for (buffer, out) in [(8, 8), (100, 20)] {
        let mut pair = Pair::open(Config { receive_buffer: Bytes::new(buffer * MSS), ..config() });
        pair.a.write(pair.now, Bytes::new(200 * MSS));
        pair.pump();
        assert_eq!(pair.data(Direction::Forward).last().unwrap().1.seq, ((out - 1) * MSS) as u32 + 1);
    }
}

// holds: RFC5681 3.1 #1, RFC9293 MUST-19
#[test]
fn a_sender_doubles_each_round_trip_until_a_loss_and_then_adds_a_packet() {
    let mut pair = reno(config()).opened();
    pair.forward.rule = drop_data([300]);
    pair.a.write(pair.now, Bytes::new(2_000 * MSS));
    let mut windows = vec![window(&pair)];
    for _ in 0..4 {
        pair.run_for(Span::from_micros(100));
        windows.push(window(&pair));
    }
    assert_eq!(windows, [10, 20, 40, 80, 160]);
    // One of the 160 that leave now is lost; a round trip for the repair, then one packet a round trip.
    pair.run_for(Span::from_micros(400));
    let before = window(&pair);
    pair.run_for(Span::from_micros(500));
    assert_eq!(pair.a.counters().recoveries, 1);
    assert!((before + 4..=before + 5).contains(&window(&pair)), "{before} to {}", window(&pair));
}

// holds: RFC5681 3.1 #3
#[test]
fn the_handshake_does_not_enlarge_the_window() {
    let pair = reno(config()).opened();
    assert_eq!(window(&pair), 10);
}

// holds: RFC5681 3.1 #6
#[test]
fn slow_start_knows_no_bound_before_the_first_loss() {
    let mut reno = controller(&config());
    (0..1_000_000).for_each(|_| reno.on_ack(&ack(MSS)));
    assert_eq!(reno.control().window, Bytes::new(1_000_010 * MSS));
}

// holds: RFC5681 3.1 #10
#[test]
fn an_ack_of_many_windows_adds_one_packet_in_congestion_avoidance() {
    let mut reno = steady(10);
    reno.on_ack(&ack(95 * MSS));
    assert_eq!(reno.control().window, Bytes::new(11 * MSS));
}

// holds: RFC5681 3.1 #9, RFC5681 3.1 #11
#[test]
fn bytes_and_not_acks_make_the_window_grow_in_congestion_avoidance() {
    let mut reno = steady(20);
    (0..39).for_each(|_| reno.on_ack(&ack(MSS / 2)));
    assert_eq!(reno.control().window, Bytes::new(20 * MSS));
    reno.on_ack(&ack(MSS / 2));
    assert_eq!(reno.control().window, Bytes::new(21 * MSS));
}

// holds: RFC5681 3.2 #3, RFC5681 3.2 #9
#[test]
fn the_third_duplicate_sends_the_first_segment_again_without_sack_too() {
    let mut pair = Pair::open(Config { sack: false, ..config() });
    // The first ACK tells of the scaled window, which makes it no duplicate.
    pair.transfer(MSS);
    pair.log.clear();
    pair.forward.rule = drop_data([0]);
    // One packet every 10 us.
    pair.forward.rate = Some(burstlab_algorithms::Rate::from_bits_per_sec(832_000_000));
    let start = pair.now;
    pair.a.write(pair.now, Bytes::new(10 * MSS));
    // The fourth packet's duplicate ACK is the third.
    pair.run_until(start + Span::from_micros(139));
    assert_eq!((heard(&pair), pair.a.counters().retransmitted_segments), (2, 0));
    pair.run_until(start + Span::from_micros(140));
    assert_eq!((heard(&pair), pair.a.counters().retransmitted_segments), (3, 1));
    assert_eq!(pair.data(Direction::Forward).last().unwrap().1.seq, MSS as u32 + 1);
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.b.received(), pair.a.counters().timeouts), (11 * MSS, 0));
}

/// Twenty packets out, the first of them lost, and the first duplicate ACKs on their way.
fn with_a_hole(pair: Pair) -> Pair {
    let mut pair = pair.opened();
    // The first ACK tells of the scaled window, which makes it no duplicate.
    pair.transfer(1);
    pair.log.clear();
    pair.forward.rate = Some(burstlab_algorithms::Rate::from_bits_per_sec(832_000_000));
    pair.forward.rule = drop_data([0]);
    pair.a.write(pair.now, Bytes::new(500 * MSS));
    pair.pump();
    pair
}

// holds: RFC5681 3.2 #5
#[test]
fn the_first_two_duplicates_let_new_segments_out_and_leave_the_window_alone() {
    let mut pair = with_a_hole(reno(config()));
    let start = pair.now;
    let new = |pair: &Pair| pair.data(Direction::Forward).iter().filter(|(at, _)| *at > start).count();
    pair.run_for(Span::from_micros(120));
    assert_eq!((heard(&pair), new(&pair), window(&pair)), (1, 1, 10));
    pair.run_for(Span::from_micros(10));
    assert_eq!((heard(&pair), new(&pair), window(&pair)), (2, 2, 10));
    assert_eq!(pair.a.counters().retransmitted_segments, 0);
}

// holds: RFC5681 3.2 #6
#[test]
fn a_duplicate_that_says_nothing_new_lets_nothing_out() {
    let mut pair = with_a_hole(Pair::new(config()));
    pair.run_for(Span::from_micros(120));
    let said = pair.acks()[0].1;
    assert!(!said.sack.is_empty());
    for _ in 0..5 {
        pair.a.on_segment(pair.now, &said);
        assert!(pair.a.poll_transmit(pair.now).is_none());
    }
}

// holds: RFC5681 3.2 #8
#[test]
fn what_the_first_duplicates_let_out_does_not_count_towards_the_threshold() {
    let mut pair = with_a_hole(Pair::new(config()));
    pair.run_for(Span::from_millis(1));
    let told = pair.told.lock().unwrap();
    assert_eq!(told.congestion[0].cause, Cause::Loss);
    assert!(told.congestion[0].in_flight <= Bytes::new(20 * MSS), "{:?}", told.congestion[0]);
}

// holds: RFC5681 3.2 #7, RFC5681 3.2 #13, RFC5681 4.3 #1, RFC5681 4.3 #3
#[test]
fn after_the_repair_the_window_is_half_the_flight_and_grows_by_a_packet_each_round_trip() {
    let mut pair = with_a_hole(reno(config()));
    // Out before the loss is found: ten packets, and one for each of the three duplicates.
    while pair.a.counters().recoveries == 0 || pair.a.acknowledged() < 11 * MSS {
        pair.run_for(Span::from_micros(10));
    }
    let after = window(&pair);
    assert!((2..=6).contains(&after), "{after}");
    let acknowledged = pair.a.acknowledged() / MSS;
    // A window of w packets needs w of them for one more.
    let mut expected = (after, 0);
    while pair.a.acknowledged() / MSS < acknowledged + 100 {
        let before = pair.a.acknowledged();
        pair.run_for(Span::from_micros(1));
        expected.1 += (pair.a.acknowledged() - before) / MSS;
        if expected.1 >= expected.0 {
            expected = (expected.0 + 1, expected.1 - expected.0);
        }
        assert!(window(&pair) <= expected.0 + 1, "{} after {expected:?}", window(&pair));
    }
    assert!(window(&pair) > after + 2);
}

// holds: RFC5681 4.3 #2
#[test]
fn while_a_loss_is_repaired_half_as_much_leaves_in_a_round_trip() {
    let mut pair = with_a_hole(Pair::new(config()));
    pair.run_for(Span::from_millis(2));
    let found = pair.told.lock().unwrap().congestion[0].now;
    // The window, and one more for each of the first two duplicates. They take 200 us, a round trip.
    let flight = 22;
    let leaves = |at: &Time| *at >= found && *at < found + Span::from_micros(200);
    let sent = pair.data(Direction::Forward).iter().filter(|(at, _)| leaves(at)).count();
    assert!(sent <= flight / 2 && sent >= flight / 2 - 2, "{sent}");
}

// holds: RFC5681 4.2 #8
#[test]
fn no_segment_is_acknowledged_twice() {
    for delayed_ack in [None, Some(Span::from_millis(1))] {
        let mut pair = Pair::open(Config { delayed_ack, ..config() });
        pair.forward.rule = Box::new(|n, s| match n % 11 {
            3 if s.payload > 0 => Fate::Drop,
            5 => Fate::Twice,
            7 => Fate::Late(Span::from_micros(30)),
            _ => Fate::Pass,
        });
        pair.transfer(500 * MSS);
        pair.run_for(Span::from_millis(5));
        let received = pair.b.counters().unique_segments_received + pair.b.counters().duplicate_segments_received;
        assert!(received > 500 && pair.acks().len() as u64 <= received, "{} for {received}", pair.acks().len());
    }
}

// holds: RFC5681 4.3 #4
#[test]
fn losses_in_two_successive_windows_reduce_twice() {
    let mut pair = Pair::open(config());
    pair.forward.rule = drop_data([5, 32]);
    pair.transfer(200 * MSS);
    assert_eq!(pair.causes(), [Cause::Loss, Cause::Loss]);
}

// holds: RFC5681 4.3 #4, RFC8985 9.3 #2
#[test]
fn a_lost_retransmission_reduces_once_more() {
    let mut pair = Pair::open(config());
    let mut drops = 0;
    pair.forward.rule = Box::new(move |_, s| {
        let hit = s.payload > 0 && s.seq == 1 && drops < 2;
        drops += u32::from(hit);
        if hit { Fate::Drop } else { Fate::Pass }
    });
    pair.transfer(100 * MSS);
    assert_eq!((pair.a.counters().retransmitted_segments, pair.a.counters().timeouts), (2, 0));
    assert_eq!(pair.causes(), [Cause::Loss, Cause::Loss]);
}

// holds: RFC5681 3.2 #4
#[test]
fn the_first_two_duplicates_let_new_segments_out_with_and_without_sack() {
    for sack in [true, false] {
        let mut pair = with_a_hole(Pair::new(Config { sack, ..config() }));
        let start = pair.now;
        pair.run_for(Span::from_micros(130));
        let new = pair.data(Direction::Forward).iter().filter(|(at, _)| *at > start).count();
        assert_eq!((heard(&pair), new), (2, 2), "SACK: {sack}");
    }
}

// holds: RFC5681 3.1 #4
#[test]
fn after_a_lost_syn_one_segment_leaves() {
    let mut pair = reno(config());
    pair.forward.rule = Box::new(|n, _| if n == 0 { Fate::Drop } else { Fate::Pass });
    pair.a.write(pair.now, Bytes::new(100 * MSS));
    pair.a.connect(pair.now);
    pair.run_until(Time::ZERO + Span::from_secs(1) + Span::from_micros(150));
    assert!(pair.log.iter().filter(|(_, s)| s.flags.has(Flags::SYN)).count() >= 3);
    assert_eq!(pair.data(Direction::Forward).len(), 1);
}
