//! The receiver's window: closed, opened, silly; and what is acknowledged when.

use burstlab_algorithms::{Bytes, Span};
use burstlab_network::{Direction, Flags, Segment};

use super::super::Config;
use super::pair::{Fate, MSS, Pair, config};
use crate::{Endpoint, Status};

fn small_buffer() -> Config {
    Config { receive_buffer: Bytes::new(8 * MSS), ..config() }
}

#[test]
fn a_reader_that_stops_closes_the_window_and_opens_it_by_reading() {
    let mut pair = Pair::open(small_buffer());
    pair.b.set_reading(false);
    pair.a.write(pair.now, Bytes::new(20 * MSS));
    pair.run_for(Span::from_millis(5));
    assert_eq!((pair.b.received(), pair.a.acknowledged()), (0, 8 * MSS));
    pair.b.read(Bytes::new(4 * MSS));
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.b.received(), pair.a.acknowledged()), (4 * MSS, 12 * MSS));
    pair.b.set_reading(true);
    pair.run_for(Span::from_millis(1));
    assert_eq!(pair.b.received(), 20 * MSS);
    assert_eq!(pair.causes(), [], "a closed window is no congestion");
}

// holds: RFC9293 MUST-36, RFC9293 MUST-37, RFC9293 SHLD-30
#[test]
fn a_closed_window_is_probed_with_backoff_for_as_long_as_it_takes() {
    let mut pair = Pair::open(Config { max_retransmissions: 3, ..small_buffer() });
    pair.b.set_reading(false);
    pair.a.write(pair.now, Bytes::new(20 * MSS));
    pair.run_for(Span::from_secs(20));
    let probes: Vec<_> = pair.data(Direction::Forward).into_iter().filter(|(_, s)| s.payload == 1).collect();
    assert!(probes.len() > 8, "{}", probes.len());
    let gaps: Vec<_> = probes.windows(2).map(|w| w[1].0.since(w[0].0).as_nanos()).collect();
    assert!(gaps.windows(2).all(|w| w[1] == 2 * w[0]), "{gaps:?}");
    assert_eq!(pair.a.status(), Status::Open);
    assert_eq!(pair.a.counters().timeouts, 0);
}

#[test]
fn a_lost_window_update_is_made_up_for_by_a_probe() {
    let mut pair = Pair::open(small_buffer());
    pair.b.set_reading(false);
    pair.a.write(pair.now, Bytes::new(20 * MSS));
    pair.run_for(Span::from_millis(5));
    pair.backward.rule = Box::new(|_, _| Fate::Drop);
    pair.b.set_reading(true);
    pair.run_for(Span::from_micros(100));
    pair.backward.rule = Box::new(|_, _| Fate::Pass);
    pair.run_for(Span::from_secs(1));
    assert_eq!(pair.b.received(), 20 * MSS);
}

#[test]
fn a_few_bytes_before_a_closed_window_are_probed_for_as_well() {
    let mut pair = Pair::open(small_buffer());
    pair.b.set_reading(false);
    pair.transfer_unread(8 * MSS);
    pair.a.write(pair.now, Bytes::new(10));
    pair.run_for(Span::from_millis(100));
    assert!(pair.data(Direction::Forward).iter().filter(|(_, s)| s.payload == 1).count() >= 2);
    pair.b.set_reading(true);
    pair.run_for(Span::from_secs(1));
    assert_eq!(pair.b.received(), 8 * MSS + 10);
}

#[test]
fn probes_that_nobody_answers_give_up() {
    let mut pair = Pair::open(Config { max_retransmissions: 3, ..small_buffer() });
    pair.b.set_reading(false);
    pair.a.write(pair.now, Bytes::new(20 * MSS));
    pair.run_for(Span::from_millis(5));
    pair.backward.rule = Box::new(|_, _| Fate::Drop);
    pair.settle(Span::from_secs(100));
    assert_eq!(pair.a.status(), Status::Failed);
}

#[test]
fn a_window_does_not_open_by_crumbs() {
    let mut pair = Pair::open(small_buffer());
    pair.b.set_reading(false);
    pair.a.write(pair.now, Bytes::new(40 * MSS));
    pair.run_for(Span::from_millis(5));
    pair.log.clear();
    for _ in 0..40 {
        pair.b.read(Bytes::new(100));
        pair.run_for(Span::from_micros(10));
    }
    pair.run_for(Span::from_millis(1));
    let sizes: Vec<u32> = pair.data(Direction::Forward).iter().map(|(_, s)| s.payload).collect();
    assert!(!sizes.is_empty() && sizes.iter().all(|n| *n >= 1000), "{sizes:?}");
}

// holds: RFC9293 SHLD-7, RFC9293 MUST-17, RFC9293 MUST-60
#[test]
fn nagle_holds_a_small_segment_back_while_another_is_out() {
    for (nagle, segments) in [(true, 2), (false, 4)] {
        let mut pair = Pair::open(Config { nagle, ..config() });
        for _ in 0..4 {
            pair.a.write(pair.now, Bytes::new(100));
            pair.pump();
        }
        pair.run_for(Span::from_millis(1));
        assert_eq!((pair.data(Direction::Forward).len(), pair.b.received()), (segments, 400));
    }
}

// holds: RFC5681 4.2 #2, RFC5681 4.2 #3, RFC9293 SHLD-18, RFC9293 SHLD-19
#[test]
fn every_second_segment_is_acknowledged_and_the_last_one_by_the_timer() {
    let delay = Span::from_millis(2);
    let mut pair = Pair::open(Config { delayed_ack: Some(delay), ..config() });
    pair.a.write(pair.now, Bytes::new(5 * MSS));
    pair.run_for(Span::from_millis(1));
    assert_eq!(pair.acks().len(), 2);
    pair.run_for(Span::from_millis(2));
    assert_eq!(pair.acks().len(), 3);
    assert_eq!(pair.a.counters().retransmitted_segments, 0, "the probe waits for the delayed ACK");
}

// holds: RFC5681 3.2 #1, RFC5681 3.2 #2, RFC5681 4.2 #5, RFC5681 4.2 #6, RFC5681 4.2 #7
#[test]
fn what_is_out_of_order_and_what_fills_the_hole_is_acknowledged_at_once() {
    let mut pair = Pair::open(Config { delayed_ack: Some(Span::from_millis(2)), ..config() });
    pair.forward.rule = Box::new(|n, _| if n == 1 { Fate::Late(Span::from_micros(10)) } else { Fate::Pass });
    pair.a.write(pair.now, Bytes::new(5 * MSS));
    pair.run_for(Span::from_micros(130));
    let acks: Vec<(u32, usize)> = pair.acks().iter().map(|(_, s)| (s.ack, s.sack.as_slice().len())).collect();
    assert_eq!(acks, [(1001, 1), (1001, 1), (1001, 1), (5001, 0)]);
}

#[test]
fn data_carries_the_acknowledgement_of_what_came_the_other_way() {
    let mut pair = Pair::open(Config { delayed_ack: Some(Span::from_millis(2)), ..config() });
    pair.a.write(pair.now, Bytes::new(500));
    pair.run_for(Span::from_micros(60));
    pair.b.write(pair.now, Bytes::new(500));
    pair.run_for(Span::from_millis(1));
    assert_eq!(pair.acks().len(), 0);
    assert_eq!(pair.a.acknowledged(), 500);
}

#[test]
fn old_duplicates_fail_the_timestamp_test() {
    let mut pair = Pair::open(Config { timestamps: true, ..config() });
    pair.transfer(5 * MSS);
    pair.run_for(Span::from_millis(1));
    pair.transfer(MSS);
    let mut old = pair.data(Direction::Forward)[0].1;
    old.seq = pair.b.receiver.numbering.wire(pair.b.receiver.next);
    let before = pair.b.received();
    pair.b.on_segment(pair.now, &old);
    assert_eq!(pair.b.received(), before);
    assert!(pair.b.poll_transmit(pair.now).is_some(), "it is answered by an ACK");
}

#[test]
fn two_closed_windows_do_not_answer_each_other_for_ever() {
    for buffer in [24, 2 * MSS, 8 * MSS] {
        let mut pair = Pair::new(Config { receive_buffer: Bytes::new(buffer), ..config() });
        pair.a.set_reading(false);
        pair.b.set_reading(false);
        pair.a.write(pair.now, Bytes::new(10 * MSS));
        pair.b.write(pair.now, Bytes::new(10 * MSS));
        let mut seen = 0;
        pair.forward.rule = Box::new(move |_, _| {
            seen += 1;
            if seen % 7 == 3 { Fate::Drop } else { Fate::Pass }
        });
        pair.a.connect(pair.now);
        pair.run_for(Span::from_secs(3));
        assert!(pair.log.len() < 400, "{buffer}: {}", pair.log.len());
    }
}

#[test]
fn the_window_of_an_overtaken_ack_that_advances_counts() {
    let mut pair = Pair::open(small_buffer());
    pair.a.write(pair.now, Bytes::new(4 * MSS));
    pair.pump();
    let template = Segment { flags: Flags::ACK, ..pair.b.poll_transmit(pair.now).unwrap_or_default() };
    let ack = |seq, acked: u64, window| Segment { seq, ack: 1 + (acked * MSS) as u32, window, ..template };
    let seq = pair.a.receiver.numbering.wire(pair.a.receiver.next);
    pair.a.on_segment(pair.now, &Segment { payload: 10, ..ack(seq.wrapping_add(10), 1, 7_000) });
    pair.a.on_segment(pair.now, &ack(seq, 2, 3_000));
    assert_eq!(pair.a.info(pair.now).snd_wnd, 3_000);
}

#[test]
fn data_that_leaves_room_tells_of_what_is_missing_as_well() {
    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(6 * MSS));
    let segments: Vec<_> = std::iter::from_fn(|| pair.a.poll_transmit(pair.now)).collect();
    for n in [1, 3, 5] {
        pair.b.on_segment(pair.now, &segments[n]);
        assert_eq!(pair.b.poll_transmit(pair.now).unwrap().sack.as_slice().len(), n.div_ceil(2));
    }
    let mut blocks = |payload| {
        pair.b.write(pair.now, Bytes::new(payload));
        let segment = pair.b.poll_transmit(pair.now).unwrap();
        assert!(segment.payload + segment.options_len() <= MSS as u32);
        (u64::from(segment.payload), segment.sack.as_slice().len())
    };
    for (payload, told) in [(500, 3), (MSS - 20, 2), (MSS - 11, 0), (MSS, 0)] {
        assert_eq!(blocks(payload), (payload, told));
    }
}
