//! Accurate ECN in the handshake: RFC 9768, sections 3.1 and 3.2.2.

use burstlab_algorithms::{EcnFeedback, Span};
use burstlab_network::{Codepoint, Direction, Flags, Segment};

use super::super::ecn::{ace, ace_of};
use super::pair::{Fate, MSS, Pair, config};
use crate::Endpoint;

fn opening() -> Pair {
    Pair::with(config(), EcnFeedback::Accurate, |recorder| recorder)
}

fn flags(pair: &Pair, direction: Direction) -> Vec<u8> {
    let syns = pair.log.iter().filter(|(_, s)| s.direction == direction && s.flags.has(Flags::SYN));
    syns.map(|(_, s)| ace_of(s.flags)).collect()
}

fn capable(pair: &mut Pair) -> bool {
    pair.log.clear();
    pair.transfer(5 * MSS);
    let codepoints: Vec<Codepoint> = pair.data(Direction::Forward).iter().map(|(_, s)| s.codepoint).collect();
    assert!(codepoints.windows(2).all(|w| w[0] == w[1]));
    codepoints[0] != Codepoint::NotEct
}

// holds: RFC9768 3.1.1 #1, RFC9768 3.1.3 #2, RFC9768 3.1.4.1 #1, RFC9768 3.1.4.1 #2, RFC9768 3.1.5 #3
#[test]
fn the_third_syn_goes_without_the_flags_and_nothing_is_ecn_capable_then() {
    for (lost, asked) in [(2, vec![7, 7, 0]), (1, vec![7, 7])] {
        let mut pair = opening();
        pair.forward.rule = Box::new(move |n, _| if n < lost { Fate::Drop } else { Fate::Pass });
        pair.a.connect(pair.now);
        pair.run_for(Span::from_secs(10));
        assert_eq!(flags(&pair, Direction::Forward), asked);
        assert_eq!(capable(&mut pair), lost == 1);
    }
}

// holds: RFC9768 3.1.5 #4, RFC9768 3.2.3 #6, RFC9768 3.2.3.2.1 #2, RFC9768 3.2.3.2.2 #1, RFC9768 3.2.3.2.2 #2
#[test]
fn the_syn_acks_option_is_tried_once_and_its_flags_twice() {
    let mut pair = opening();
    pair.backward.rule = Box::new(|n, _| if n < 2 { Fate::Drop } else { Fate::Pass });
    // The SYN comes once, so that the SYN/ACK goes by its own timer.
    pair.forward.rule = Box::new(|n, s| if n > 0 && s.flags.has(Flags::SYN) { Fate::Drop } else { Fate::Pass });
    pair.a.connect(pair.now);
    pair.run_for(Span::from_secs(10));
    let syn_acks: Vec<Segment> = pair
        .log
        .iter()
        .map(|(_, s)| *s)
        .filter(|s| s.direction == Direction::Backward && s.flags.has(Flags::SYN))
        .collect();
    let seen: Vec<(u8, bool)> = syn_acks.iter().map(|s| (ace_of(s.flags), s.acc_ecn.is_some())).collect();
    assert_eq!(seen, [(0b100, true), (0b100, false), (0b000, false)]);
}

// holds: RFC9768 3.2.2.1 #1
#[test]
fn a_marked_handshake_counts_on_both_sides() {
    let mut pair = opening();
    pair.backward.rule = Box::new(|n, _| if n == 0 { Fate::Mark } else { Fate::Pass });
    pair.forward.rule = Box::new(|n, _| if n == 0 { Fate::Mark } else { Fate::Pass });
    pair.a.connect(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!(flags(&pair, Direction::Backward), [0b110], "the SYN was marked");
    let third = pair.log.iter().find(|(_, s)| s.direction == Direction::Forward && !s.flags.has(Flags::SYN)).unwrap().1;
    assert_eq!(ace_of(third.flags), 0b110, "and so was the SYN/ACK");
    assert!(capable(&mut pair));
    pair.b.write(pair.now, burstlab_algorithms::Bytes::new(5 * MSS));
    pair.run_for(Span::from_millis(1));
    assert_eq!(pair.causes(), [], "what the handshake told is not told again");
}

// holds: RFC9768 3.1.5 #12
#[test]
fn a_path_that_changes_codepoints_as_it_may_not_gets_nothing_ecn_capable() {
    for (told, kept) in [(0b100, true), (0b110, true), (0b011, true), (0b010, false)] {
        let mut pair = opening();
        pair.a.connect(pair.now);
        let syn = pair.a.poll_transmit(pair.now).unwrap();
        assert_eq!(syn.codepoint, Codepoint::Ect0);
        pair.b.on_segment(pair.now, &syn);
        let mut syn_ack = pair.b.poll_transmit(pair.now).unwrap();
        syn_ack.flags = Flags::SYN.with(Flags::ACK).with(ace(told));
        pair.a.on_segment(pair.now, &syn_ack);
        pair.run_for(Span::from_millis(1));
        assert_eq!(capable(&mut pair), kept, "{told:03b}");
    }
}

// holds: RFC9768 3.2.2.1 #4, RFC9768 3.2.2.1 #5
#[test]
fn a_third_segment_without_flags_ends_ecn_for_who_listened() {
    for (field, kept) in [(0b100, true), (0b000, false), (0b010, false)] {
        let mut pair = opening();
        pair.a.connect(pair.now);
        let syn = pair.a.poll_transmit(pair.now).unwrap();
        pair.b.on_segment(pair.now, &syn);
        let syn_ack = pair.b.poll_transmit(pair.now).unwrap();
        pair.a.on_segment(pair.now, &syn_ack);
        let mut third = pair.a.poll_transmit(pair.now).unwrap();
        third.flags = Flags::ACK.with(ace(field));
        pair.b.on_segment(pair.now, &third);
        pair.b.write(pair.now, burstlab_algorithms::Bytes::new(MSS));
        let data = pair.b.poll_transmit(pair.now).unwrap();
        assert_eq!(data.codepoint != Codepoint::NotEct, kept, "{field:03b}");
    }
}

#[test]
fn counters_need_not_go_in_an_option() {
    let mut pair =
        Pair::with(super::super::Config { acc_ecn_option: false, ..config() }, EcnFeedback::Accurate, |r| r).opened();
    let mut seen = 0;
    pair.forward.rule = Box::new(move |_, _| {
        seen += 1;
        if seen % 4 == 0 { Fate::Mark } else { Fate::Pass }
    });
    pair.transfer(200 * MSS);
    assert!(pair.log.iter().all(|(_, s)| s.acc_ecn.is_none()));
    let told: u64 = pair.told.lock().unwrap().acks.iter().map(|ack| ack.ce_marked.get()).sum();
    assert_eq!(told, pair.b.counters().marked_segments_received * MSS);
}

// holds: RFC9768 3.2.2.1 #3
#[test]
fn a_syn_ack_that_comes_again_is_answered_as_the_first_one_was() {
    let mut pair = opening();
    pair.a.connect(pair.now);
    let syn = pair.a.poll_transmit(pair.now).unwrap();
    pair.b.on_segment(pair.now, &syn);
    let syn_ack = pair.b.poll_transmit(pair.now).unwrap();
    for (codepoint, told) in [(Codepoint::Ect0, 0b100), (Codepoint::Ce, 0b110), (Codepoint::Ect0, 0b100)] {
        pair.a.on_segment(pair.now, &Segment { codepoint, ..syn_ack });
        assert_eq!(ace_of(pair.a.poll_transmit(pair.now).unwrap().flags), told);
    }
}

// holds: RFC9768 3.2.3.2.1 #4, RFC9768 3.2.3.3 #5
#[test]
fn counters_go_with_the_first_data_and_with_data_that_answers() {
    let mut pair = opening().opened();
    for n in 0..3 {
        pair.a.write(pair.now, burstlab_algorithms::Bytes::new(100));
        pair.b.write(pair.now, burstlab_algorithms::Bytes::new(100));
        pair.run_for(Span::from_millis(1));
        let with = |direction| pair.data(direction).iter().filter(|(_, s)| s.acc_ecn.is_some()).count();
        assert_eq!(with(Direction::Forward), 1, "the first only, as pure ACKs tell the rest: {n}");
    }
    pair.a.write(pair.now, burstlab_algorithms::Bytes::new(20 * MSS));
    pair.run_for(Span::from_millis(1));
    let full =
        pair.data(Direction::Forward).iter().filter(|(_, s)| s.payload == MSS as u32 && s.acc_ecn.is_some()).count();
    assert_eq!(full, 0, "a full segment has no room");
}

#[test]
fn syns_can_be_left_out_of_ecn() {
    let config = super::super::Config { generalized_syn: false, ..config() };
    let mut pair = Pair::with(config, EcnFeedback::Accurate, |recorder| recorder);
    pair.a.connect(pair.now);
    pair.run_for(Span::from_millis(1));
    assert!(pair.log.iter().filter(|(_, s)| s.flags.has(Flags::SYN)).all(|(_, s)| s.codepoint == Codepoint::NotEct));
    assert!(capable(&mut pair));
}
