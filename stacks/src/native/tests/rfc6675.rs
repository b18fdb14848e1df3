//! RFC 6675, where no other test holds it. The stack finds losses by time (RFC 8985) and not by this RFC's IsLost().

use burstlab_algorithms::{Bytes, Cause, EcnFeedback, Phase, Span, Time};
use burstlab_network::{Direction, Flags, SackBlock, SackBlocks, Segment};

use super::super::Config;
use super::pair::{MSS, Pair, config, drop_data};
use crate::Endpoint;

/// An ACK of everything before packet `next`, with SACK blocks of whole packets.
pub fn ack(pair: &Pair, next: u64, held: &[(u64, u64)]) -> Segment {
    let mut sack = SackBlocks::default();
    let wire = |packet: u64| pair.a.numbering.wire(packet * MSS);
    held.iter().for_each(|(start, end)| sack.push(SackBlock { start: wire(*start), end: wire(*end) }));
    let seq = pair.a.receiver.numbering.wire(pair.a.receiver.next);
    Segment {
        direction: Direction::Backward,
        flags: Flags::ACK,
        seq,
        ack: wire(next),
        window: u16::MAX,
        sack,
        ..Segment::default()
    }
}

/// Sends `packets` packets that nobody answers, and gives the pair with the clock 100 us later.
pub fn out(config: Config, packets: u64) -> Pair {
    sent_by(Pair::open(config), packets)
}

/// The same with a pair of one's own making.
pub fn sent_by(mut pair: Pair, packets: u64) -> Pair {
    pair.transfer(MSS);
    pair.a.write(pair.now, Bytes::new(packets * MSS));
    while pair.a.poll_transmit(pair.now).is_some() {}
    pair.now += Span::from_micros(100);
    pair
}

/// What `a` lets out now, as numbers of packets.
pub fn leaves(pair: &mut Pair) -> Vec<u64> {
    let mut packets = Vec::new();
    while let Some(segment) = pair.a.poll_transmit(pair.now) {
        packets.push(pair.a.numbering.position(segment.seq, 0) as u64 / MSS);
    }
    packets
}

fn timer_only() -> Config {
    Config { tail_loss_probe: false, ..config() }
}

// holds: RFC6675 4 #1
#[test]
fn what_was_sacked_can_still_be_sent_again_if_the_receiver_throws_it_away() {
    let mut pair = out(timer_only(), 5);
    let sacked = ack(&pair, 1, &[(2, 6)]);
    pair.a.on_segment(pair.now, &sacked);
    assert_eq!(leaves(&mut pair), [1]);
    // The receiver has the missing packet, and has lost all that it had behind it.
    let reneged = ack(&pair, 2, &[]);
    pair.a.on_segment(pair.now, &reneged);
    assert_eq!(leaves(&mut pair), [0; 0]);
    pair.now = pair.a.next_wake();
    pair.a.on_wake(pair.now);
    assert_eq!(leaves(&mut pair), [2]);
}

// holds: RFC6675 4 #2, RFC6675 5 #9, RFC6675 5 #10
#[test]
fn the_lowest_hole_is_filled_first_and_each_once_before_new_data() {
    let mut pair = Pair::open(config());
    pair.forward.rule = drop_data([3, 7, 11]);
    pair.transfer(100 * MSS);
    assert_eq!((pair.causes(), pair.a.counters().retransmitted_segments), (vec![Cause::Loss], 3));
    let found = pair.told.lock().unwrap().congestion[0].now;
    let sent: Vec<u64> =
        pair.data(Direction::Forward).iter().filter(|s| s.0 >= found).map(|s| u64::from(s.1.seq) / MSS).collect();
    let again: Vec<usize> = [3, 7, 11].map(|n| sent.iter().position(|s| *s == n).unwrap()).to_vec();
    assert!(again.windows(2).all(|w| w[0] < w[1]), "{sent:?}");
    assert_eq!(sent[again[0]..=again[2]].iter().filter(|n| **n < 20).count(), 3, "{sent:?}");
}

// holds: RFC6675 4 #3
#[test]
fn in_recovery_new_data_leaves_where_nothing_is_lost_any_more() {
    let mut pair = out(config(), 20);
    pair.a.write(pair.now, Bytes::new(50 * MSS));
    let first = ack(&pair, 1, &[(2, 12)]);
    pair.a.on_segment(pair.now, &first);
    let mut sent = leaves(&mut pair);
    let next = ack(&pair, 1, &[(2, 20)]);
    pair.a.on_segment(pair.now, &next);
    sent.extend(leaves(&mut pair));
    assert_eq!((pair.a.sender.phase, sent[0], sent[1]), (Phase::Recovery, 1, 21), "{sent:?}");
}

// holds: RFC6675 4 #7
#[test]
fn where_nothing_is_lost_and_nothing_new_is_there_nothing_leaves() {
    let mut pair = out(config(), 20);
    let first = ack(&pair, 1, &[(2, 20)]);
    pair.a.on_segment(pair.now, &first);
    assert_eq!(leaves(&mut pair), [1]);
    let next = ack(&pair, 1, &[(2, 21)]);
    pair.a.on_segment(pair.now, &next);
    assert_eq!((pair.a.sender.phase, leaves(&mut pair)), (Phase::Recovery, vec![]));
}

// holds: RFC6675 5 #1, RFC8985 4 #2
#[test]
fn an_overtaken_ack_and_one_with_data_tell_what_they_hold_as_well() {
    let mut pair = out(config(), 20);
    let plain = ack(&pair, 3, &[]);
    pair.a.on_segment(pair.now, &plain);
    let overtaken = ack(&pair, 2, &[(10, 11)]);
    pair.a.on_segment(pair.now, &overtaken);
    assert_eq!(pair.a.sender.board.sacked(), MSS);
    let with_data = Segment { payload: 500, ..ack(&pair, 3, &[(12, 13)]) };
    pair.a.on_segment(pair.now, &with_data);
    assert_eq!(pair.a.sender.board.sacked(), 2 * MSS);
}

// holds: RFC6675 5 #4, RFC6675 5 #5
#[test]
fn recovery_lasts_until_all_that_was_out_is_acknowledged_and_no_longer() {
    let mut pair = out(config(), 20);
    let lost = ack(&pair, 1, &[(2, 8), (9, 20)]);
    pair.a.on_segment(pair.now, &lost);
    assert_eq!(leaves(&mut pair), [1, 8]);
    pair.now += Span::from_micros(100);
    for (next, phase) in [(8, Phase::Recovery), (20, Phase::Recovery), (21, Phase::Open)] {
        let partial = ack(&pair, next, if next == 8 { &[(9, 20)] } else { &[] });
        pair.a.on_segment(pair.now, &partial);
        assert_eq!(pair.a.sender.phase, phase, "before {next}");
    }
    assert_eq!((pair.a.counters().recoveries, pair.causes()), (1, vec![Cause::Loss]));
}

// holds: RFC6675 5 #6
#[test]
fn what_is_known_beyond_a_recovery_outlasts_it() {
    let mut pair = out(config(), 10);
    let lost = ack(&pair, 1, &[(2, 11)]);
    pair.a.on_segment(pair.now, &lost);
    assert_eq!(leaves(&mut pair), [1]);
    pair.a.write(pair.now, Bytes::new(6 * MSS));
    assert_eq!(leaves(&mut pair), [11, 12, 13, 14, 15, 16]);
    pair.now += Span::from_micros(100);
    // The recovery ends; what was sent in its course has a hole of its own, which is repaired at once.
    let ended = ack(&pair, 11, &[(12, 17)]);
    pair.a.on_segment(pair.now, &ended);
    assert_eq!(pair.a.sender.board.sacked(), 5 * MSS);
    assert_eq!((leaves(&mut pair), pair.causes().len()), (vec![11], 2));
}

// holds: RFC6675 5 #7
#[test]
fn each_ack_of_a_recovery_tells_anew_what_is_in_flight() {
    let mut pair = out(config(), 20);
    let in_flight = |pair: &Pair| pair.a.snapshot().in_flight.get() / MSS;
    let lost = ack(&pair, 1, &[(2, 6)]);
    pair.a.on_segment(pair.now, &lost);
    assert_eq!(in_flight(&pair), 20 - 4 - 1);
    assert_eq!(leaves(&mut pair), [1]);
    assert_eq!(in_flight(&pair), 16);
    for (end, out) in [(8, 14), (12, 10), (19, 3)] {
        let more = ack(&pair, 1, &[(2, end)]);
        pair.a.on_segment(pair.now, &more);
        assert_eq!(in_flight(&pair), out);
    }
}

// holds: RFC6675 5.1 #1, RFC6675 5.1 #6
#[test]
fn after_a_timeout_only_what_the_receiver_misses_is_sent_again() {
    let mut pair = sent_by(growing(), 20);
    pair.now = pair.a.next_wake();
    pair.a.on_wake(pair.now);
    assert_eq!((pair.a.sender.phase, leaves(&mut pair)), (Phase::Loss, vec![1]));
    pair.now += Span::from_micros(100);
    let holes = ack(&pair, 2, &[(3, 11), (12, 21)]);
    pair.a.on_segment(pair.now, &holes);
    assert_eq!((pair.a.sender.phase, leaves(&mut pair)), (Phase::Loss, vec![2, 11]));
}

/// A pair without probes whose window grows by what is acknowledged.
fn growing() -> Pair {
    let pair = Pair::with(timer_only(), EcnFeedback::None, |mut recorder| {
        recorder.grows = true;
        recorder
    });
    pair.opened()
}

// holds: RFC6675 5.1 #2, RFC6675 5.1 #3, RFC6675 5.1 #4, RFC6675 5.1 #5
#[test]
fn a_timeout_ends_a_recovery_and_no_other_begins_before_all_is_acknowledged() {
    let mut pair = sent_by(growing(), 20);
    let lost = ack(&pair, 1, &[(2, 12)]);
    pair.a.on_segment(pair.now, &lost);
    assert_eq!((pair.a.sender.phase, leaves(&mut pair)), (Phase::Recovery, vec![1]));
    pair.now = pair.a.next_wake();
    pair.a.on_wake(pair.now);
    assert_eq!((pair.a.sender.phase, leaves(&mut pair)), (Phase::Loss, vec![1]));
    // Its ACK tells of a hole of 9 packets; they leave again, and all but the first of them arrive.
    pair.now += Span::from_micros(100);
    let filled = ack(&pair, 12, &[]);
    pair.a.on_segment(pair.now, &filled);
    let mut sent = leaves(&mut pair);
    for end in 14..=21 {
        pair.now += Span::from_micros(100);
        let hole = ack(&pair, 12, &[(13, end)]);
        pair.a.on_segment(pair.now, &hole);
        sent.extend(leaves(&mut pair));
    }
    assert!(sent.iter().filter(|n| **n == 12).count() >= 2, "found lost once more: {sent:?}");
    assert_eq!((pair.a.sender.phase, pair.causes()), (Phase::Loss, vec![Cause::Loss, Cause::Timeout]));
    let all = ack(&pair, 21, &[]);
    pair.a.on_segment(pair.now, &all);
    assert_eq!((pair.a.sender.phase, pair.a.counters().timeouts), (Phase::Open, 1));
    assert!(pair.a.next_wake() == Time::NEVER);
}
