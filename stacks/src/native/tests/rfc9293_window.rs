//! RFC 9293, section 3.8.6: windows that close, shrink, or open by crumbs.

use burstlab_algorithms::{Bytes, Span, Time};
use burstlab_network::{Direction, Flags, Segment};

use super::super::Config;
use super::pair::{MSS, Pair, config};
use crate::{Endpoint, Status};

/// An ACK for `a` of everything before packet `next`, with a window of `window` bytes.
fn ack(pair: &Pair, next: u64, window: u64) -> Segment {
    Segment {
        direction: Direction::Backward,
        flags: Flags::ACK,
        seq: pair.a.receiver.numbering.wire(pair.a.receiver.next),
        ack: pair.a.numbering.wire(next * MSS),
        window: (window >> pair.a.peer_shift) as u16,
        ..Segment::default()
    }
}

/// A sender with a peer of 64 packets' buffer that had `written` packets to send, has sent what it may and hears
/// nothing.
fn sender(written: u64) -> Pair {
    let mut pair = Pair::open(Config {
        tail_loss_probe: false,
        receive_buffer: Bytes::new(64 * MSS),
        max_retransmissions: 3,
        ..config()
    });
    pair.transfer(MSS);
    pair.a.write(pair.now, Bytes::new(written * MSS));
    while pair.a.poll_transmit(pair.now).is_some() {}
    pair.now += Span::from_micros(100);
    pair
}

fn leaves(pair: &mut Pair) -> Vec<(u64, u32)> {
    let mut sent = Vec::new();
    while let Some(s) = pair.a.poll_transmit(pair.now) {
        sent.push((pair.a.numbering.position(s.seq, 0) as u64 / MSS, s.payload));
    }
    sent
}

/// Turns the clock to the next timer of `a`.
fn wake(pair: &mut Pair) {
    pair.now = pair.a.next_wake();
    assert!(!pair.now.is_never());
    pair.a.on_wake(pair.now);
}

// holds: RFC9293 MUST-34, RFC9293 SHLD-15, RFC7323 2.4 #1, RFC7323 2.4 #4
#[test]
fn a_window_that_shrinks_below_what_is_out_lets_nothing_new_out() {
    let mut pair = sender(50);
    // Packets 1 to 20 are out; the peer takes back its window to packets 3 to 7.
    let shrunk = ack(&pair, 3, 5 * MSS);
    pair.a.on_segment(pair.now, &shrunk);
    assert_eq!((leaves(&mut pair), pair.a.snapshot().in_flight), (vec![], Bytes::new(18 * MSS)));
    // And opens it again: there is room for what is out and five more.
    let opened = ack(&pair, 8, 18 * MSS);
    pair.a.on_segment(pair.now, &opened);
    assert_eq!(leaves(&mut pair).iter().map(|s| s.0).collect::<Vec<_>>(), [21, 22, 23, 24, 25]);
}

// holds: RFC9293 SHLD-16
#[test]
fn what_lies_in_the_shrunken_window_is_sent_again_as_ever() {
    let mut pair = sender(50);
    let shrunk = ack(&pair, 3, 5 * MSS);
    pair.a.on_segment(pair.now, &shrunk);
    wake(&mut pair);
    assert_eq!(leaves(&mut pair), [(3, 1000)]);
}

// holds: RFC9293 MUST-35
#[test]
fn a_window_that_shrinks_to_nothing_is_probed() {
    for acknowledged in [3, 21] {
        let mut pair = sender(50);
        let closed = ack(&pair, acknowledged, 0);
        pair.a.on_segment(pair.now, &closed);
        assert_eq!(leaves(&mut pair), []);
        let at = pair.now;
        wake(&mut pair);
        let probes = leaves(&mut pair);
        assert_eq!((probes.len(), probes[0].0), (1, acknowledged), "what is out, or else new data");
        assert!(pair.now.since(at) <= Span::from_millis(11));
    }
}

// holds: RFC9293 SHLD-29
#[test]
fn the_first_probe_leaves_a_retransmission_timeout_after_the_window_closed() {
    let mut pair = sender(50);
    let closed = ack(&pair, 21, 0);
    pair.a.on_segment(pair.now, &closed);
    leaves(&mut pair);
    let at = pair.now;
    let timeout = pair.a.sender.rtt.timeout();
    wake(&mut pair);
    assert_eq!((pair.now.since(at), leaves(&mut pair)), (timeout, vec![(21, 1)]));
}

// holds: RFC9293 MUST-38
#[test]
fn a_window_of_crumbs_is_left_alone_until_half_of_the_largest_is_open() {
    let mut pair = Pair::open(Config { receive_buffer: Bytes::new(MSS + 800), ..config() });
    pair.transfer(1);
    pair.a.write(pair.now, Bytes::new(10 * MSS));
    while pair.a.poll_transmit(pair.now).is_some() {}
    let all = pair.a.sender.board.next();
    for (window, sent) in [(500, None), (899, None), (900, Some(900))] {
        let crumbs = Segment { ack: pair.a.numbering.wire(all), ..ack(&pair, 0, window) };
        pair.a.on_segment(pair.now, &crumbs);
        assert_eq!(pair.a.poll_transmit(pair.now).map(|s| s.payload), sent, "{window}");
    }
}

// holds: RFC9293 MUST-39
#[test]
fn the_right_edge_moves_by_a_segment_or_half_the_buffer_however_little_is_read() {
    for (buffer, step) in [(8 * MSS, MSS), (MSS + 400, 700)] {
        let mut pair = Pair::open(Config { receive_buffer: Bytes::new(buffer), ..config() });
        pair.b.set_reading(false);
        pair.transfer_unread(20 * MSS);
        let mut edges = Vec::new();
        for _ in 0..60 {
            pair.b.read(Bytes::new(100));
            // A segment that is taken for an old one asks for an ACK at any time.
            let old = Segment { seq: 0, ack: 0, flags: Flags::ACK, window: 1, ..Segment::default() };
            let old = Segment { ack: pair.b.numbering.wire(0), ..old };
            pair.b.on_segment(pair.now, &old);
            edges.push(edge(&pair.b.poll_transmit(pair.now).unwrap()));
        }
        let moves: Vec<u64> = edges.windows(2).map(|w| w[1] - w[0]).filter(|moved| *moved > 0).collect();
        assert!(!moves.is_empty() && moves.iter().all(|moved| *moved >= step), "{moves:?}");
    }
}

/// The right edge of the window that an ACK offers, where nothing is scaled.
fn edge(ack: &Segment) -> u64 {
    u64::from(ack.ack) + u64::from(ack.window)
}

// holds: RFC9293 SHLD-14
#[test]
fn the_right_edge_never_moves_back() {
    for buffer in [30_000, 100_000, 1 << 20] {
        let mut pair = Pair::open(Config { receive_buffer: Bytes::new(buffer), ..config() });
        let mut dice = super::pair::Dice(buffer);
        pair.b.set_reading(false);
        for _ in 0..300 {
            pair.a.write(pair.now, Bytes::new(dice.next() % 3_000));
            pair.run_for(Span::from_micros(dice.next() % 300));
            pair.b.read(Bytes::new(dice.next() % 3_000));
        }
        let shift = pair.a.peer_shift;
        let edges: Vec<u64> =
            pair.acks().iter().map(|(_, s)| u64::from(s.ack) + (u64::from(s.window) << shift)).collect();
        assert!(edges.len() > 100 && edges.windows(2).all(|w| w[0] <= w[1]), "{buffer}");
    }
}

// holds: RFC9293 SHLD-17, RFC9293 MUST-37
#[test]
fn as_long_as_the_peer_answers_a_closed_window_ends_nothing() {
    for acknowledged in [3, 21] {
        let mut pair = sender(50);
        for _ in 0..20 {
            let closed = ack(&pair, acknowledged, 0);
            pair.a.on_segment(pair.now, &closed);
            leaves(&mut pair);
            wake(&mut pair);
        }
        assert_eq!(pair.a.status(), Status::Open, "{acknowledged}");
        assert!(pair.now < Time::ZERO + Span::from_secs(3_600));
    }
}

// holds: RFC9293 SHLD-14, RFC7323 2.4 #2, RFC7323 2.4 #3
#[test]
fn crumbs_do_not_move_the_right_edge_back_and_what_was_offered_is_taken() {
    let mut pair = Pair::open(Config { receive_buffer: Bytes::new(100_000), ..config() });
    pair.b.set_reading(false);
    let edge = |pair: &Pair| pair.acks().last().map(|(_, s)| u64::from(s.ack) + (u64::from(s.window) << 1)).unwrap();
    let mut highest = 0;
    // Each byte alone is rounded up to a unit of two.
    for _ in 0..8_000 {
        pair.log.clear();
        pair.a.write(pair.now, Bytes::new(1));
        pair.run_for(Span::from_micros(101));
        assert!(edge(&pair) >= highest, "{} after {highest}", edge(&pair));
        highest = edge(&pair);
    }
    // The peer fills the window that it was offered.
    let rest = highest - 1 - 8_000;
    pair.a.write(pair.now, Bytes::new(rest));
    pair.run_for(Span::from_millis(10));
    assert_eq!((pair.a.acknowledged(), pair.a.counters().retransmitted_segments), (8_000 + rest, 0));
}
