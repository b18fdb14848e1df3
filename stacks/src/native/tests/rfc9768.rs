//! RFC 9768 (accurate ECN), where no other test holds it.

use burstlab_algorithms::{Bytes, EcnFeedback, Span};
use burstlab_network::{Codepoint, Direction, Flags, Segment};

use super::super::Config;
use super::super::ecn::{ace, ace_of};
use super::pair::{Fate, MSS, Pair, config};
use crate::{Endpoint, Status};

pub fn accurate() -> Pair {
    Pair::with(config(), EcnFeedback::Accurate, |recorder| recorder)
}

/// The SYN of `a`, which `b` has not seen yet.
fn syn(pair: &mut Pair) -> Segment {
    pair.a.connect(pair.now);
    pair.a.poll_transmit(pair.now).unwrap()
}

fn with(segment: Segment, flags: Flags, field: u8) -> Segment {
    Segment { flags: flags.with(ace(field)), ..segment }
}

/// What `b` answers to `segment`.
fn answer(pair: &mut Pair, segment: Segment) -> Segment {
    pair.b.on_segment(pair.now, &segment);
    pair.b.poll_transmit(pair.now).unwrap()
}

// holds: RFC9768 3.1.1 #2, RFC9768 3.1.1 #3, RFC9768 3.1.2 #3, RFC9768 3.1.2 #4, RFC9768 3.1.3 #1, RFC9768 3.1.3 #4
#[test]
fn a_listener_answers_each_kind_of_syn_as_the_table_has_it() {
    let marks =
        [(Codepoint::NotEct, 0b010), (Codepoint::Ect1, 0b011), (Codepoint::Ect0, 0b100), (Codepoint::Ce, 0b110)];
    for (codepoint, told) in marks {
        for field in [0b111, 0b001, 0b010, 0b100, 0b101, 0b110] {
            let mut pair = accurate();
            let asked = Segment { codepoint, ..with(syn(&mut pair), Flags::SYN, field) };
            assert_eq!(ace_of(answer(&mut pair, asked).flags), told, "{field:03b}");
        }
        for (field, told) in [(0b000, 0b000), (0b011, 0b001)] {
            let mut pair = accurate();
            let asked = Segment { codepoint, ..with(syn(&mut pair), Flags::SYN, field) };
            assert_eq!(ace_of(answer(&mut pair, asked).flags), told);
        }
    }
}

// holds: RFC9768 3.1.1 #4, RFC9768 3.1.1 #5, RFC9768 3.1.2 #1, RFC9768 3.1.2 #5, RFC9768 3.1.3 #3
#[test]
fn who_opens_concludes_from_the_syn_ack_and_from_nothing_before() {
    use EcnFeedback::{Accurate, Classic, None};
    let table = [None, Classic, Accurate, Accurate, Accurate, Accurate, Accurate, None];
    for (field, mode) in (0..).zip(table) {
        let mut pair = accurate();
        let asked = syn(&mut pair);
        let told = answer(&mut pair, asked);
        assert_eq!(pair.a.sender.marks.feedback(), None);
        pair.a.on_segment(pair.now, &with(told, Flags::SYN.with(Flags::ACK), field));
        assert_eq!((pair.a.status(), pair.a.sender.marks.feedback()), (Status::Open, mode), "{field:03b}");
    }
}

// holds: RFC9768 3.1.4.1 #3
#[test]
fn a_syn_that_is_sent_again_has_the_number_of_the_first() {
    let mut pair = accurate();
    pair.forward.rule = Box::new(|_, _| Fate::Drop);
    pair.a.connect(pair.now);
    pair.run_for(Span::from_secs(20));
    assert!(pair.log.len() > 3 && pair.log.iter().all(|(_, s)| s.seq == pair.log[0].1.seq));
}

// holds: RFC9768 3.1.5 #1, RFC9768 3.1.5 #8, RFC9768 3.1.5 #13
#[test]
fn a_listener_stays_accurate_after_a_plain_syn_and_sends_nothing_ecn_capable() {
    let mut pair = accurate();
    let asked = syn(&mut pair);
    answer(&mut pair, asked);
    let again = answer(&mut pair, with(asked, Flags::SYN, 0b000));
    assert_eq!(ace_of(again.flags), 0b100);
    pair.a.on_segment(pair.now, &again);
    let third = pair.a.poll_transmit(pair.now).unwrap();
    pair.b.on_segment(pair.now, &third);
    assert_eq!((pair.b.status(), pair.b.sender.marks.feedback()), (Status::Open, EcnFeedback::Accurate));
    pair.b.write(pair.now, Bytes::new(MSS));
    assert_eq!(pair.b.poll_transmit(pair.now).unwrap().codepoint, Codepoint::NotEct);
}

// holds: RFC9768 3.1.5 #7
#[test]
fn the_syn_ack_tells_of_the_syn_that_came_last() {
    let mut pair = accurate();
    let asked = syn(&mut pair);
    assert_eq!(ace_of(answer(&mut pair, asked).flags), 0b100);
    assert_eq!(ace_of(answer(&mut pair, Segment { codepoint: Codepoint::Ce, ..asked }).flags), 0b110);
}

// holds: RFC9768 3.1.5 #9, RFC9768 3.1.5 #16
#[test]
fn a_listener_without_ecn_stays_so() {
    let mut pair = accurate();
    let asked = syn(&mut pair);
    answer(&mut pair, with(asked, Flags::SYN, 0b000));
    assert_eq!(ace_of(answer(&mut pair, asked).flags), 0b000);
    assert_eq!(pair.b.sender.marks.feedback(), EcnFeedback::None);
}

// holds: RFC9768 3.1.5 #10
#[test]
fn who_does_not_want_ecn_sets_no_flags() {
    let mut pair = accurate();
    pair.b.feedback = EcnFeedback::None;
    let asked = syn(&mut pair);
    assert_eq!(ace_of(answer(&mut pair, asked).flags), 0b000);
}

// holds: RFC9768 3.1.5 #14, RFC9768 3.2 #3, RFC9768 3.2.2 #2
#[test]
fn the_three_flags_count_marks_on_whatever_leaves_and_never_tell_of_a_reduction() {
    let mut pair = accurate().opened();
    pair.forward.rule = Box::new(|_, s| if s.payload > 0 { Fate::Mark } else { Fate::Pass });
    for round in 1..=10u8 {
        pair.a.write(pair.now, Bytes::new(MSS));
        pair.run_for(Span::from_micros(300));
        pair.b.write(pair.now, Bytes::new(10));
        pair.run_for(Span::from_micros(300));
        let told = pair.data(Direction::Backward).last().unwrap().1;
        assert_eq!(ace_of(told.flags), (5 + round) % 8);
    }
    assert!(!pair.causes().is_empty());
    assert!(pair.data(Direction::Forward).iter().all(|(_, s)| ace_of(s.flags) == 5), "b's packets were not marked");
}

// holds: RFC9768 3.2.2.1 #2
#[test]
fn the_handshake_ends_with_a_pure_ack_even_if_data_waits() {
    let mut pair = accurate();
    pair.a.write(pair.now, Bytes::new(MSS));
    let asked = syn(&mut pair);
    let told = answer(&mut pair, asked);
    pair.a.on_segment(pair.now, &told);
    let third = pair.a.poll_transmit(pair.now).unwrap();
    assert_eq!((third.payload, ace_of(third.flags)), (0, 0b100));
    assert_eq!(pair.a.poll_transmit(pair.now).unwrap().payload, MSS as u32);
}

// holds: RFC9768 3.2.2.2 #1, RFC9768 3.2.2.2 #2
#[test]
fn a_marked_syn_is_counted_by_neither_side() {
    let mut pair = Pair::with(Config { acc_ecn_option: false, ..config() }, EcnFeedback::Accurate, |recorder| recorder);
    pair.forward.rule = Box::new(|_, s| if s.flags.has(Flags::SYN) { Fate::Mark } else { Fate::Pass });
    let mut pair = pair.opened();
    assert_eq!(ace_of(pair.b.receiver.echo.flags()), 5);
    pair.transfer(5 * MSS);
    assert_eq!(pair.causes(), []);
}

// holds: RFC9768 3.2.2.2 #4
#[test]
fn a_marked_syn_ack_is_counted_by_both_sides() {
    let mut pair = Pair::with(Config { acc_ecn_option: false, ..config() }, EcnFeedback::Accurate, |recorder| recorder);
    pair.backward.rule = Box::new(|_, s| if s.flags.has(Flags::SYN) { Fate::Mark } else { Fate::Pass });
    let mut pair = pair.opened();
    assert_eq!(ace_of(pair.a.receiver.echo.flags()), 6);
    let window = pair.b.snapshot().window;
    pair.b.write(pair.now, Bytes::new(5 * MSS));
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.a.received(), pair.b.snapshot().window), (5 * MSS, window), "no mark of data is told");
}

// holds: RFC9768 3.1.2 #6, RFC9768 3.1.2 #7
#[test]
fn who_opens_while_the_other_does_answers_as_a_listener_would() {
    let kinds = [
        (0b111, Codepoint::Ect0, 0b100, EcnFeedback::Accurate),
        (0b111, Codepoint::Ce, 0b110, EcnFeedback::Accurate),
        (0b011, Codepoint::Ect0, 0b001, EcnFeedback::Classic),
        (0b000, Codepoint::NotEct, 0b000, EcnFeedback::None),
    ];
    for (asked, codepoint, told, mode) in kinds {
        let mut pair = accurate();
        let syn = syn(&mut pair);
        pair.b.connect(pair.now);
        let other = pair.b.poll_transmit(pair.now).unwrap();
        pair.a.on_segment(pair.now, &Segment { codepoint, ..with(other, Flags::SYN, asked) });
        assert_eq!(ace_of(pair.a.poll_transmit(pair.now).unwrap().flags), told);
        let answer = answer(&mut pair, syn);
        pair.a.on_segment(pair.now, &Segment { codepoint: Codepoint::Ce, ..answer });
        assert_eq!((pair.a.status(), pair.a.sender.marks.feedback()), (Status::Open, mode));
        if mode == EcnFeedback::Accurate {
            assert_eq!(ace_of(pair.a.receiver.echo.flags()), 6, "the SYN/ACK's mark counts");
        }
    }
}

// holds: RFC9768 3.1.5 #2
#[test]
fn behind_the_handshake_flags_of_syns_and_syn_acks_say_nothing() {
    let mut pair = accurate();
    let asked = syn(&mut pair);
    let told = answer(&mut pair, asked);
    pair.a.on_segment(pair.now, &told);
    let third = pair.a.poll_transmit(pair.now).unwrap();
    pair.b.on_segment(pair.now, &third);
    for field in [0b000, 0b001, 0b011, 0b111] {
        pair.a.on_segment(pair.now, &with(told, Flags::SYN.with(Flags::ACK), field));
        pair.b.on_segment(pair.now, &with(asked, Flags::SYN, field));
    }
    pair.run_for(Span::from_millis(1));
    for side in [&pair.a, &pair.b] {
        assert_eq!((side.status(), side.sender.marks.feedback()), (Status::Open, EcnFeedback::Accurate));
    }
    pair.b.write(pair.now, Bytes::new(MSS));
    assert_eq!(pair.b.poll_transmit(pair.now).unwrap().codepoint, Codepoint::Ect0);
}

// holds: RFC9768 3.1.5 #5
#[test]
fn a_classic_syn_beside_an_accurate_one_is_answered_by_a_reset() {
    for fields in [&[0b111, 0b011][..], &[0b011, 0b111], &[0b111, 0b000, 0b011], &[0b000, 0b011, 0b111]] {
        let mut pair = accurate();
        let asked = syn(&mut pair);
        let answers: Vec<Segment> =
            fields.iter().map(|field| answer(&mut pair, with(asked, Flags::SYN, *field))).collect();
        let resets: Vec<bool> = answers.iter().map(|segment| segment.flags.has(Flags::RST)).collect();
        assert_eq!(resets.iter().position(|reset| *reset), Some(fields.len() - 1), "{fields:?}");
        pair.a.on_segment(pair.now, answers.last().unwrap());
        assert_eq!((pair.a.status(), pair.b.status()), (Status::Failed, Status::Opening), "the listener still listens");
    }
}

// holds: RFC9768 3.2.2.1 #6, RFC9768 3.2.2.1 #7
#[test]
fn who_listened_heeds_no_marks_after_a_third_segment_without_flags_but_tells_of_them() {
    for (field, heeded) in [(0b100, true), (0b000, false)] {
        let mut pair = accurate();
        let asked = syn(&mut pair);
        let told = answer(&mut pair, asked);
        pair.a.on_segment(pair.now, &told);
        let third = pair.a.poll_transmit(pair.now).unwrap();
        pair.b.on_segment(pair.now, &with(third, Flags::ACK, field));
        let window = pair.b.snapshot().window;
        pair.b.write(pair.now, Bytes::new(MSS));
        let data = pair.b.poll_transmit(pair.now).unwrap();
        pair.a.on_segment(pair.now, &Segment { codepoint: Codepoint::Ce, ..data });
        let marked = pair.a.poll_transmit(pair.now).unwrap();
        assert_eq!(ace_of(marked.flags), 6);
        pair.b.on_segment(pair.now, &marked);
        assert_eq!(pair.b.snapshot().window < window, heeded);
        pair.a.write(pair.now, Bytes::new(MSS));
        let data = pair.a.poll_transmit(pair.now).unwrap();
        let marked = answer(&mut pair, Segment { codepoint: Codepoint::Ce, ..data });
        assert_eq!(ace_of(marked.flags), 6, "told in any case");
    }
}

// holds: RFC9768 3.2.2.2 #3
#[test]
fn a_marked_syn_ack_counts_once_whichever_of_them_it_is() {
    use Codepoint::{Ce, Ect0};
    for (arrivals, count) in [(&[Ect0, Ect0][..], 5), (&[Ect0, Ce, Ce], 6), (&[Ce, Ect0, Ce], 6)] {
        let mut pair = accurate();
        let asked = syn(&mut pair);
        let told = answer(&mut pair, asked);
        for codepoint in arrivals {
            pair.a.on_segment(pair.now, &Segment { codepoint: *codepoint, ..told });
            pair.a.poll_transmit(pair.now).unwrap();
        }
        assert_eq!(ace_of(pair.a.receiver.echo.flags()), count, "{arrivals:?}");
    }
}

// holds: RFC9768 3.2.2.3 #1, RFC9768 3.2.2.3 #2, RFC9768 3.2.2.3 #3, RFC9768 3.2.2.3 #4
#[test]
fn on_a_path_that_clears_codepoints_both_sides_stay_accurate_and_tell_of_marks() {
    let mut pair = accurate();
    let asked = syn(&mut pair);
    // Both were sent as ECT(0), and are said to have come as not ECN-capable.
    let told = answer(&mut pair, Segment { codepoint: Codepoint::NotEct, ..asked });
    pair.a.on_segment(pair.now, &Segment { codepoint: Codepoint::NotEct, ..told });
    let third = pair.a.poll_transmit(pair.now).unwrap();
    pair.b.on_segment(pair.now, &third);
    assert_eq!((ace_of(told.flags), ace_of(third.flags)), (0b010, 0b010));
    for from_a in [true, false] {
        let (one, other) = if from_a { (&mut pair.a, &mut pair.b) } else { (&mut pair.b, &mut pair.a) };
        one.write(pair.now, Bytes::new(MSS));
        let data = one.poll_transmit(pair.now).unwrap();
        assert_eq!(data.codepoint, Codepoint::NotEct);
        other.on_segment(pair.now, &Segment { codepoint: Codepoint::Ce, ..data });
        assert_eq!(other.sender.marks.feedback(), EcnFeedback::Accurate);
        assert_eq!(ace_of(other.poll_transmit(pair.now).unwrap().flags), 6);
    }
}

// holds: RFC9768 3.1.1 #7, RFC9768 3.2.3.2.1 #1, RFC9768 3.2.3.2.1 #3
#[test]
fn the_syn_offers_sack_and_has_no_option_and_the_third_segment_has_one() {
    let mut pair = accurate();
    pair.a.connect(pair.now);
    pair.run_for(Span::from_millis(1));
    let handshake: Vec<(bool, bool)> =
        pair.log.iter().map(|(_, s)| (s.syn.sack_permitted, s.acc_ecn.is_some())).collect();
    assert_eq!(handshake, [(true, false), (true, true), (false, true)]);
}
