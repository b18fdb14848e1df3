//! RFC 7323, where no other test holds it.

use burstlab_algorithms::{Bytes, Span, Time};
use burstlab_network::{Direction, Flags, Segment, SynOptions, Timestamps};

use super::super::Config;
use super::super::stamps::StampClock;
use super::pair::{Fate, MSS, Pair, config, drop_data};
use crate::{Endpoint, Status};

fn stamped() -> Config {
    Config { timestamps: true, ..config() }
}

fn large() -> Config {
    Config { receive_buffer: Bytes::new(1 << 20), ..config() }
}

/// The SYN and SYN/ACK of a handshake, and the pair after it.
fn handshake(mut pair: Pair) -> (Vec<Segment>, Pair) {
    pair.a.connect(pair.now);
    pair.run_for(Span::from_millis(1));
    let syns = pair.log.iter().map(|(_, s)| *s).filter(|s| s.flags.has(Flags::SYN)).collect();
    (syns, pair)
}

// holds: RFC7323 2.2 #1
#[test]
fn scaling_is_offered_even_where_this_side_needs_none() {
    let (syns, _) = handshake(Pair::new(Config { receive_buffer: Bytes::new(8 * MSS), ..config() }));
    assert!(syns.len() == 2 && syns.iter().all(|syn| syn.syn.window_scale == Some(0)));
}

// holds: RFC7323 2.2 #2
#[test]
fn neither_side_scales_unless_both_offered_to() {
    for (here, there) in [(true, false), (false, true)] {
        let mut pair = Pair::new(large());
        (pair.a.config.window_scaling, pair.b.config.window_scaling) = (here, there);
        let (_, mut pair) = handshake(pair);
        pair.transfer(MSS);
        assert_eq!((pair.a.peer_shift, pair.a.receiver.shift), (0, 0));
        assert_eq!((pair.b.peer_shift, pair.b.receiver.shift), (0, 0));
        assert_eq!(pair.a.sender.peer_window, u64::from(u16::MAX));
    }
}

// holds: RFC7323 2.2 #3
#[test]
fn scaling_that_is_offered_after_the_handshake_is_ignored() {
    let mut pair = Pair::open(large());
    let shift = pair.a.peer_shift;
    let syn = SynOptions { window_scale: Some(1), ..SynOptions::default() };
    let late = Segment {
        flags: Flags::ACK,
        seq: pair.a.receiver.numbering.wire(0),
        ack: pair.a.numbering.wire(0),
        window: 1000,
        syn,
        ..Segment::default()
    };
    pair.a.on_segment(pair.now, &late);
    assert_eq!((pair.a.peer_shift, pair.a.sender.peer_window), (shift, 1000 << shift));
}

// holds: RFC7323 2.2 #4
#[test]
fn the_window_of_a_syn_is_not_scaled() {
    let (syns, pair) = handshake(Pair::new(large()));
    assert!(syns.iter().all(|syn| syn.window == u16::MAX && syn.syn.window_scale == Some(5)));
    assert_eq!(pair.a.sender.peer_window, u64::from(u16::MAX));
}

// holds: RFC7323 2.3 #1, RFC7323 2.3 #2, RFC9293 REC-1
#[test]
fn windows_behind_the_handshake_are_scaled_both_ways() {
    let mut pair = Pair::open(large());
    pair.transfer(MSS);
    let field = pair.acks().last().unwrap().1.window;
    assert_eq!(field, (1 << 20 >> 5) as u16);
    assert_eq!(pair.a.sender.peer_window, 1 << 20);
}

// holds: RFC7323 2.3 #3
#[test]
fn a_shift_beyond_14_counts_as_14() {
    let mut pair = Pair::new(config());
    let syn = SynOptions { mss: 1000, window_scale: Some(15), sack_permitted: true };
    pair.b.on_segment(pair.now, &Segment { flags: Flags::SYN, syn, ..Segment::default() });
    assert_eq!(pair.b.peer_shift, 14);
}

// holds: RFC7323 3.2 #1
#[test]
fn a_syn_echoes_nothing() {
    let (syns, _) = handshake(Pair::new(stamped()));
    assert_eq!(syns[0].timestamps.unwrap().echo, 0);
}

// holds: RFC7323 3.2 #2
#[test]
fn every_ack_echoes_a_timestamp_of_the_peer() {
    let mut pair = Pair::new(stamped());
    pair.now = Time::ZERO + Span::from_secs(5);
    pair.backward.delay = Span::from_micros(333);
    let (syns, mut pair) = handshake(pair);
    assert_eq!(syns[1].timestamps.unwrap().echo, syns[0].timestamps.unwrap().value);
    pair.log.clear();
    pair.transfer(30 * MSS);
    let values: Vec<u32> = pair.data(Direction::Forward).iter().map(|(_, s)| s.timestamps.unwrap().value).collect();
    for (_, ack) in pair.acks() {
        assert!(values.contains(&ack.timestamps.unwrap().echo));
    }
}

// holds: RFC7323 3.2 #4
#[test]
fn the_echo_of_a_segment_without_an_ack_means_nothing() {
    let mut pair = Pair::new(stamped());
    pair.now = Time::ZERO + Span::from_secs(5);
    let timestamps =
        Some(Timestamps { value: 7, echo: StampClock::new(Config::default().timestamp_tick).at(pair.now) - 1000 });
    let syn = SynOptions { mss: 1000, ..SynOptions::default() };
    pair.b.on_segment(pair.now, &Segment { flags: Flags::SYN, syn, timestamps, ..Segment::default() });
    assert!(!pair.b.sender.rtt.known());
    assert_eq!(pair.b.poll_transmit(pair.now).unwrap().timestamps.unwrap().echo, 7);
}

// holds: RFC7323 3.2 #5, RFC7323 3.2 #7
#[test]
fn once_agreed_timestamps_go_with_every_segment_and_else_with_none() {
    for there in [true, false] {
        let mut pair = Pair::new(stamped());
        pair.b.config.timestamps = there;
        let (_, mut pair) = handshake(pair);
        pair.log.clear();
        pair.forward.rule = drop_data([3, 8]);
        pair.transfer(50 * MSS);
        pair.a.close(pair.now);
        pair.run_for(Span::from_millis(1));
        pair.b.close(pair.now);
        pair.run_for(Span::from_millis(1));
        assert!(pair.log.iter().any(|(_, s)| !s.sack.is_empty()));
        assert!(pair.log.iter().all(|(_, s)| s.timestamps.is_some() == there));
    }
}

// holds: RFC7323 3.2 #9
#[test]
fn a_segment_without_its_timestamp_does_not_end_the_connection() {
    let mut pair = Pair::open(stamped());
    pair.transfer(3 * MSS);
    let mut bare = pair.data(Direction::Forward)[0].1;
    (bare.seq, bare.timestamps) = (pair.b.receiver.numbering.wire(pair.b.receiver.next), None);
    pair.b.on_segment(pair.now, &bare);
    assert_eq!(pair.b.status(), Status::Open);
    assert!(pair.b.poll_transmit(pair.now).is_none_or(|answer| !answer.flags.has(Flags::RST)));
}

/// The timestamp of the last ACK of `b`.
fn echo(pair: &Pair) -> u32 {
    pair.acks().last().unwrap().1.timestamps.unwrap().echo
}

fn value(pair: &Pair, packet: usize) -> u32 {
    pair.data(Direction::Forward)[packet].1.timestamps.unwrap().value
}

// holds: RFC7323 3.2 #3, RFC7323 4.3 #1
#[test]
fn a_delayed_ack_echoes_the_earliest_segment_that_it_acknowledges() {
    let delayed_ack = Some(Span::from_millis(1));
    let mut pair = Pair::open(Config { delayed_ack, tail_loss_probe: false, ..stamped() });
    for _ in 0..2 {
        pair.a.write(pair.now, Bytes::new(988));
        pair.run_for(Span::from_micros(20));
    }
    pair.run_for(Span::from_micros(1500));
    assert!(value(&pair, 0) < value(&pair, 1));
    assert_eq!((pair.acks().len(), echo(&pair)), (1, value(&pair, 0)));
}

// holds: RFC7323 3.2 #3, RFC7323 4.3 #2, RFC7323 4.3 #3, RFC7323 5.3 #1
#[test]
fn a_hole_keeps_the_timestamp_of_before_and_what_fills_it_brings_its_own() {
    let mut pair = Pair::open(stamped());
    // The second of four segments is overtaken by the others.
    pair.forward.rule = Box::new(|n, _| if n == 1 { Fate::Late(Span::from_micros(60)) } else { Fate::Pass });
    for _ in 0..4 {
        pair.a.write(pair.now, Bytes::new(988));
        pair.run_for(Span::from_micros(10));
    }
    pair.run_for(Span::from_micros(50));
    assert_eq!((pair.acks().len(), echo(&pair)), (3, value(&pair, 0)));
    pair.run_for(Span::from_micros(50));
    assert_eq!((pair.acks().len(), pair.b.received()), (4, 4 * 988), "what waited is not judged by its age again");
    assert_eq!(echo(&pair), value(&pair, 1));
}

/// A reset for `b`, `off` numbers behind where it expects the next one, with a timestamp.
fn reset(pair: &Pair, off: u32, value: u32) -> Segment {
    let seq = pair.b.receiver.numbering.wire(pair.b.receiver.next).wrapping_add(off);
    Segment { seq, flags: Flags::RST, timestamps: Some(Timestamps { value, echo: 0 }), ..Segment::default() }
}

// holds: RFC7323 5.2 #1, RFC7323 5.2 #2
#[test]
fn the_timestamp_of_a_reset_is_neither_judged_nor_taken_over() {
    let mut pair = Pair::open(stamped());
    pair.run_for(Span::from_secs(1));
    pair.transfer(MSS);
    let recent = pair.b.receiver.timestamp();
    let newer = reset(&pair, 1, recent + 5);
    pair.b.on_segment(pair.now, &newer);
    assert_eq!((pair.b.status(), pair.b.receiver.timestamp()), (Status::Open, recent));
    let old = reset(&pair, 0, recent - 1000);
    pair.b.on_segment(pair.now, &old);
    assert_eq!(pair.b.status(), Status::Failed);
}

// holds: RFC7323 5.4 #1, RFC7323 5.4 #2
#[test]
fn the_timestamp_clock_ticks_each_microsecond_and_outlasts_a_segments_life() {
    let at = |nanos: u64| StampClock::new(Config::default().timestamp_tick).at(Time::from_nanos(nanos));
    // 2^31 bytes in a microsecond would be 17 Pbit/s.
    assert_eq!(at(7_001_000).wrapping_sub(at(7_000_000)), 1);
    // The largest segment lifetime that the RFC reckons with is 255 s.
    let life = 255_000_000_000;
    assert!((0..40).all(|n| at((n + 1) * life).wrapping_sub(at(n * life)) == 255_000_000));
}

// holds: RFC7323 2.4 #2, RFC7323 2.4 #3
#[test]
fn whatever_an_ack_offered_is_taken() {
    for (buffer, first) in [(100_000, 1), (100_000, 999), (1 << 20, 77), (6 << 20, 31)] {
        let mut pair = Pair::with(
            Config { receive_buffer: Bytes::new(buffer), ..config() },
            Default::default(),
            |mut recorder| {
                recorder.control.window = Bytes::new(100 << 20);
                recorder
            },
        )
        .opened();
        pair.b.set_reading(false);
        pair.transfer_unread(first);
        let offered = pair.acks().last().map(|(_, s)| u64::from(s.window) << pair.a.peer_shift).unwrap();
        pair.transfer_unread(offered);
        assert_eq!((pair.a.acknowledged(), pair.a.counters().timeouts), (first + offered, 0), "{buffer} {first}");
    }
}

// holds: RFC7323 3.2 #6, RFC7323 5.2 #3
#[test]
fn a_reset_carries_timestamps_if_they_are_agreed() {
    let mut pair = Pair::open(stamped());
    pair.a.abort(pair.now);
    let reset = pair.a.poll_transmit(pair.now).unwrap();
    assert!(reset.flags.has(Flags::RST) && reset.timestamps.is_some());
}

// holds: RFC7323 3.2 #8
#[test]
fn a_segment_without_its_timestamp_is_dropped_silently() {
    let mut pair = Pair::open(stamped());
    pair.transfer(3 * MSS);
    let before = pair.b.received();
    let mut bare = pair.data(Direction::Forward)[0].1;
    (bare.seq, bare.timestamps) = (pair.b.receiver.numbering.wire(pair.b.receiver.next), None);
    pair.b.on_segment(pair.now, &bare);
    assert_eq!((pair.b.received(), pair.b.poll_transmit(pair.now)), (before, None));
}

// holds: RFC7323 5.5 #1
#[test]
fn after_a_pause_in_which_the_clock_wrapped_its_sign_timestamps_are_taken_again() {
    let mut pair = Pair::open(stamped());
    pair.transfer(MSS);
    // 2^31 us are 36 minutes.
    pair.run_for(Span::from_secs(40 * 60));
    pair.transfer(MSS);
    assert_eq!(pair.a.counters().retransmitted_segments, 0);
}

// holds: RFC5681 4.2 #3, RFC9293 SHLD-19
#[test]
fn every_second_full_segment_is_acknowledged_with_timestamps_as_well() {
    let mut pair = Pair::open(Config { delayed_ack: Some(Span::from_millis(1)), ..stamped() });
    pair.a.write(pair.now, Bytes::new(6 * 988));
    pair.run_for(Span::from_micros(500));
    assert_eq!(pair.acks().len(), 3);
}
