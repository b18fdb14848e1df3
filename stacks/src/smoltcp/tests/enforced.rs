//! Controllers of ours govern smoltcp from outside.

use burstlab_algorithms::{Bytes, Span};
use burstlab_network::{Codepoint, Direction, Flags};

use super::super::Congestion;
use super::enforced;
use super::wire::{Fate, Pair, drop_data, side};

const MSS: u64 = 1000;

fn signal(pair: &Pair, name: &str) -> f64 {
    let explanation = pair.a.explain();
    explanation.signals.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("no {name}: {explanation:?}")).1
}

#[test]
fn the_first_flight_is_the_initial_window() {
    let mut pair = Pair::new(|| enforced("reno")).opened();
    pair.a.write(pair.now, Bytes::new(1_000_000));
    pair.run_for(Span::from_micros(20));
    assert_eq!(pair.data(Direction::Forward).len(), 10);
    assert_eq!(pair.a.snapshot().in_flight, Bytes::new(10 * MSS));
}

#[test]
fn dctcp_keeps_the_queue_short() {
    let mut pair = Pair::new(|| enforced("dctcp")).opened();
    let mut most = 0;
    let worst = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let seen = std::sync::Arc::clone(&worst);
    pair.forward.rule = Box::new(move |n, backlog, _| {
        most = most.max(if n > 3000 { backlog } else { 0 });
        seen.store(most, std::sync::atomic::Ordering::Relaxed);
        if backlog > 20 * 1040 { Fate::Mark } else { Fate::Pass }
    });
    let took = pair.transfer(10_000_000, Span::from_secs(2));
    assert!(signal(&pair, "alpha") > 0.0);
    assert!(took < Span::from_millis(100), "the link is kept busy: {took}");
    let worst = worst.load(std::sync::atomic::Ordering::Relaxed);
    assert!(worst < 80 * 1040, "the queue held up to {worst} bytes");
    assert!(pair.a.snapshot().window < Bytes::new(200 * MSS));
    assert!(pair.b.counters().marked_segments_received > 0);
    assert_eq!(pair.a.counters().retransmitted_segments, 0);
}

#[test]
fn marks_are_echoed_packet_by_packet() {
    let mut pair = Pair::new(|| enforced("dctcp")).opened();
    let mut seen = 0;
    pair.forward.rule = Box::new(move |_, _, segment| {
        seen += usize::from(segment.payload > 0);
        if segment.payload > 0 && [3, 4].contains(&seen) { Fate::Mark } else { Fate::Pass }
    });
    pair.transfer(8 * MSS, Span::from_millis(10));
    let echoed: Vec<bool> = pair.acks().iter().take(8).map(|s| s.flags.has(Flags::ECE)).collect();
    assert_eq!(echoed, [false, false, true, true, false, false, false, false]);
    assert!(pair.data(Direction::Forward).iter().all(|(_, s)| s.codepoint == Codepoint::Ect0));
}

#[test]
fn without_the_peer_s_consent_nothing_is_ecn_capable() {
    let (a, b) = (side(Direction::Forward, enforced("dctcp")), side(Direction::Backward, Congestion::Reno));
    let mut pair = Pair::of(a, b).opened();
    pair.transfer(20 * MSS, Span::from_millis(10));
    assert!(pair.data(Direction::Forward).iter().all(|(_, s)| s.codepoint == Codepoint::NotEct));
}

#[test]
fn one_loss_is_repaired_within_round_trips() {
    let mut pair = Pair::new(|| enforced("reno")).opened();
    pair.forward.rule = drop_data([30]);
    let took = pair.transfer(100 * MSS, Span::from_secs(10));
    assert!(took < Span::from_millis(10), "{took}");
    let counters = pair.a.counters();
    assert_eq!((counters.recoveries, counters.timeouts, counters.retransmitted_segments), (1, 0, 1));
}

#[test]
fn a_loss_halves_the_window() {
    let mut pair = Pair::new(|| enforced("reno")).opened();
    pair.forward.rule = drop_data([30]);
    pair.a.write(pair.now, Bytes::new(1_000_000));
    let mut before = 0;
    while pair.a.counters().recoveries == 0 {
        before = pair.a.snapshot().window.get();
        assert!(pair.step(pair.now + Span::from_millis(1)));
    }
    let after = pair.a.snapshot().window.get();
    assert!(after * 10 <= before * 6, "{before} to {after}");
}

#[test]
fn a_timeout_begins_again_with_a_packet() {
    let mut pair = Pair::new(|| enforced("reno")).opened();
    pair.forward.rule = drop_data(0..10);
    pair.a.write(pair.now, Bytes::new(100 * MSS));
    pair.run_for(Span::from_millis(500));
    pair.log.clear();
    pair.run_for(Span::from_millis(501));
    let data = pair.data(Direction::Forward);
    let first = data.iter().take_while(|(at, _)| *at == data[0].0).count();
    assert_eq!(first, 1, "one packet, where the window before was of ten");
    pair.run_for(Span::from_secs(20));
    assert_eq!(pair.b.received(), 100 * MSS);
    assert_eq!(pair.a.counters().timeouts, 1);
}

#[test]
fn bbr_paces() {
    let mut pair = Pair::new(|| enforced("bbr")).opened();
    pair.transfer(4_000_000, Span::from_secs(1));
    let times: Vec<_> = pair.data(Direction::Forward).iter().skip(2000).map(|(at, _)| *at).collect();
    let longest = times.chunk_by(|a, b| a == b).map(<[_]>::len).max().unwrap();
    assert!(longest <= 8, "{longest} packets at one instant");
    assert!(pair.a.snapshot().pacing_rate.is_some());
}

#[test]
fn a_window_below_the_end_of_a_burst_does_not_cut_it_to_pieces() {
    let mut pair = Pair::new(|| enforced("reno")).opened();
    pair.transfer(10 * MSS + 10, Span::from_millis(50));
    pair.transfer(25 * MSS + 700, Span::from_millis(50));
    let small = pair.data(Direction::Forward).iter().filter(|(_, s)| u64::from(s.payload) < MSS).count();
    assert_eq!(small, 2);
}
