//! RFC 9768 (accurate ECN), behind the handshake: when ACKs leave for marks, and what the option tells.

use burstlab_algorithms::{Bytes, EcnFeedback, Span};
use burstlab_network::{AccEcnCounters, Codepoint, Direction, Flags, Segment, U24};

use super::super::Config;
use super::super::ecn::{ace, ace_of};
use super::pair::{Fate, MSS, Pair, config};
use super::rfc9768::accurate;
use crate::Endpoint;

use Codepoint::{Ce, Ect0, Ect1};

fn accurate_with(config: Config) -> Pair {
    Pair::with(config, EcnFeedback::Accurate, |recorder| recorder).opened()
}

/// ACKs wait for a second full segment, or a millisecond.
fn delayed() -> Config {
    Config { delayed_ack: Some(Span::from_millis(1)), ..config() }
}

/// The next hundred bytes of `a`.
fn small(pair: &mut Pair, codepoint: Codepoint) -> Segment {
    pair.a.write(pair.now, Bytes::new(100));
    Segment { codepoint, ..pair.a.poll_transmit(pair.now).unwrap() }
}

/// An ACK of `a`.
fn bare(pair: &Pair, codepoint: Codepoint) -> Segment {
    let seq = pair.a.numbering.wire(pair.a.sender.board.next());
    let ack = pair.b.numbering.wire(pair.b.sender.board.una());
    Segment { codepoint, flags: Flags::ACK.with(ace(5)), seq, ack, window: u16::MAX, ..Segment::default() }
}

/// What `b` answers to `segment` at once.
fn prompt(pair: &mut Pair, segment: &Segment) -> Option<Segment> {
    pair.b.on_segment(pair.now, segment);
    pair.b.poll_transmit(pair.now)
}

fn answered(pair: &mut Pair, codepoints: &[Codepoint]) -> Vec<bool> {
    let answer = |codepoint: &Codepoint| {
        let segment = small(pair, *codepoint);
        prompt(pair, &segment).is_some()
    };
    codepoints.iter().map(answer).collect()
}

// holds: RFC9768 3.2.2.5.1 #1, RFC9768 3.2.2.5.1 #2, RFC9768 3.2.2.5.1 #5
#[test]
fn data_is_answered_as_marks_begin_and_at_each_second_mark() {
    let mut pair = accurate_with(delayed());
    assert_eq!(answered(&mut pair, &[Ect0, Ce, Ect0, Ect0, Ce]), [false, true, false, false, true]);
    assert_eq!(answered(&mut pair, &[Ce, Ce, Ce, Ce]), [false, true, false, true], "no change any more");
    // Behind a marked ACK, marked data is no change; behind one that is not, it is.
    for (codepoint, prompted) in [(Ce, false), (Ect0, true)] {
        let mut pair = accurate_with(delayed());
        let data = small(&mut pair, Ce);
        assert!(prompt(&mut pair, &data).is_some());
        let ack = bare(&pair, codepoint);
        assert_eq!(prompt(&mut pair, &ack), None);
        pair.b.receiver.echo.on_ack_sent();
        assert_eq!(answered(&mut pair, &[Ce]), [prompted]);
    }
}

// holds: RFC9768 3.2.2.5.1 #3, RFC9768 3.2.2.5.1 #5, RFC9768 3.2.2.5.1 #6
#[test]
fn each_third_marked_ack_is_answered_and_each_second_one_while_data_waits() {
    let mut pair = accurate_with(delayed());
    let ack = bare(&pair, Ce);
    let answers = [0; 7].map(|_| prompt(&mut pair, &ack).map(|told| ace_of(told.flags)));
    assert_eq!(answers, [None, None, Some(0), None, None, Some(3), None]);
    let mut pair = accurate_with(delayed());
    assert_eq!(answered(&mut pair, &[Ect0]), [false]);
    let ack = bare(&pair, Ce);
    let answers = [0; 2].map(|_| prompt(&mut pair, &ack).map(|told| ace_of(told.flags)));
    assert_eq!(answers, [None, Some(7)]);
}

// holds: RFC9768 3.2.2.5.1 #4
#[test]
fn an_ack_of_acks_says_nothing_of_what_is_held() {
    let mut pair = accurate_with(config());
    small(&mut pair, Ect0);
    let behind = small(&mut pair, Ect0);
    assert!(!prompt(&mut pair, &behind).unwrap().sack.is_empty());
    let ack = bare(&pair, Ce);
    let answers = [0; 3].map(|_| prompt(&mut pair, &ack));
    assert!(answers[2].is_some_and(|told| told.sack.is_empty()));
    let more = small(&mut pair, Ect0);
    assert!(!prompt(&mut pair, &more).unwrap().sack.is_empty(), "the next ACK of data does");
    // The third mark comes with an ACK that is due for data.
    (0..2).for_each(|_| assert_eq!(prompt(&mut pair, &ack), None));
    let more = small(&mut pair, Ect0);
    pair.b.on_segment(pair.now, &more);
    assert!(!prompt(&mut pair, &ack).unwrap().sack.is_empty());
}

// holds: RFC9768 3.2.2.5.1 #7
#[test]
fn acks_are_ecn_capable_only_where_sack_tells_acks_of_them_from_duplicates() {
    for (sack, codepoint) in [(true, Ect0), (false, Codepoint::NotEct)] {
        let mut pair = accurate_with(Config { sack, ..config() });
        pair.transfer(10 * MSS);
        assert!(pair.acks().iter().all(|(_, s)| s.codepoint == codepoint));
        assert!(pair.data(Direction::Forward).iter().all(|(_, s)| s.codepoint == Ect0));
    }
}

// holds: RFC9768 3.2.2 #1, RFC9768 3.2.2 #3
#[test]
fn the_flags_are_a_counter_without_syn_and_behind_an_agreement_only() {
    let told = |pair: &Pair| pair.told.lock().unwrap().acks.iter().map(|ack| ack.ce_marked.get()).sum::<u64>();
    for (feedback, marked) in [(EcnFeedback::Accurate, 2 * MSS), (EcnFeedback::None, 0)] {
        for syn in [false, true] {
            let mut pair = Pair::with(config(), feedback, |recorder| recorder).opened();
            pair.a.write(pair.now, Bytes::new(3 * MSS));
            while pair.a.poll_transmit(pair.now).is_some() {}
            let start = if syn { -1 } else { 0 };
            let ack = Segment {
                direction: Direction::Backward,
                flags: Flags::ACK.with(ace(5 + 2)).with(if syn { Flags::SYN } else { Flags::NONE }),
                seq: pair.b.numbering.wire(0).wrapping_add_signed(start),
                ack: pair.a.numbering.wire(3 * MSS),
                window: u16::MAX,
                ..Segment::default()
            };
            pair.a.on_segment(pair.now, &ack);
            assert_eq!(told(&pair), if syn { 0 } else { marked });
        }
    }
}

// holds: RFC9768 3.2.2.4 #2
#[test]
fn who_sends_nothing_ecn_capable_any_more_still_tells_of_marks() {
    let mut pair = accurate_with(config());
    pair.a.write(pair.now, Bytes::new(MSS));
    let data = pair.a.poll_transmit(pair.now).unwrap();
    let told = prompt(&mut pair, &data).unwrap();
    pair.a.on_segment(pair.now, &Segment { flags: Flags::ACK, ..told });
    pair.a.write(pair.now, Bytes::new(MSS));
    assert_eq!(pair.a.poll_transmit(pair.now).unwrap().codepoint, Codepoint::NotEct);
    pair.b.write(pair.now, Bytes::new(MSS));
    let data = pair.b.poll_transmit(pair.now).unwrap();
    pair.a.on_segment(pair.now, &Segment { codepoint: Ce, ..data });
    assert_eq!(ace_of(pair.a.poll_transmit(pair.now).unwrap().flags), 6);
}

// holds: RFC9768 3.2.3.2.1 #5
#[test]
fn an_option_on_a_syn_is_not_read() {
    let mut pair = accurate();
    pair.a.connect(pair.now);
    let syn = pair.a.poll_transmit(pair.now).unwrap();
    let ce = U24::wrapping(99_999);
    let counters = AccEcnCounters { ce, ..AccEcnCounters::default() };
    let told = prompt(&mut pair, &Segment { acc_ecn: Some(counters), ..syn }).unwrap();
    pair.a.on_segment(pair.now, &told);
    pair.run_for(Span::from_millis(1));
    let window = pair.b.snapshot().window;
    pair.b.write(pair.now, Bytes::new(5 * MSS));
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.a.received(), pair.b.snapshot().window), (5 * MSS, window));
}

// holds: RFC9768 3.2.3.2.2 #4
#[test]
fn the_first_data_goes_without_the_option_when_it_goes_again() {
    let mut pair = accurate_with(config());
    pair.forward.rule = Box::new(|n, _| if n == 0 { Fate::Drop } else { Fate::Pass });
    pair.transfer(100);
    let sent: Vec<bool> = pair.data(Direction::Forward).iter().map(|(_, s)| s.acc_ecn.is_some()).collect();
    assert_eq!(sent, [true, false]);
}

// holds: RFC9768 3.2.3.2.3 #2
#[test]
fn who_gets_no_options_sends_some_all_the_same() {
    let mut pair = accurate();
    pair.a.connect(pair.now);
    for _ in 0..5 {
        while let Some(segment) = pair.a.poll_transmit(pair.now) {
            pair.b.on_segment(pair.now, &segment);
        }
        while let Some(segment) = pair.b.poll_transmit(pair.now) {
            pair.a.on_segment(pair.now, &Segment { acc_ecn: None, ..segment });
        }
    }
    pair.b.write(pair.now, Bytes::new(MSS));
    let data = pair.b.poll_transmit(pair.now).unwrap();
    pair.a.on_segment(pair.now, &Segment { acc_ecn: None, ..data });
    assert!(pair.a.poll_transmit(pair.now).unwrap().acc_ecn.is_some());
}

/// The counters that the answers to these segments tell: ECT(0), CE, ECT(1).
fn counters(pair: &mut Pair, codepoints: &[Codepoint]) -> Vec<[u32; 3]> {
    let tell = |codepoint: &Codepoint| {
        let segment = small(pair, *codepoint);
        let told = prompt(pair, &segment).unwrap().acc_ecn.unwrap();
        [told.ect0, told.ce, told.ect1].map(U24::get)
    };
    codepoints.iter().map(tell).collect()
}

// holds: RFC9768 3.2.3 #5, RFC9768 3.2.3.3 #4, RFC9768 3.2.3.3 #6, RFC9768 3.2.3.3 #7, RFC9768 3.2.3.3 #8
// holds: RFC9768 3.2.3.3 #9, RFC9768 3.2.3.3 #10
#[test]
fn each_ack_without_data_tells_all_three_counters() {
    let mut pair = accurate_with(config());
    let told = counters(&mut pair, &[Ect0, Ce, Ect0, Ect1, Ect1, Ce, Ce]);
    let expected = [[101, 0, 1], [101, 100, 1], [201, 100, 1], [201, 100, 101], [201, 100, 201], [201, 200, 201]];
    assert_eq!(told[..6], expected);
    assert_eq!(told[6], [201, 300, 201]);
}

// holds: RFC9768 3.2.3.3 #1, RFC9768 3.2.3.3 #2
#[test]
fn two_sack_blocks_go_with_the_option_and_timestamps_and_a_third_does_not() {
    let mut pair = accurate_with(Config { timestamps: true, ..config() });
    let segments: Vec<Segment> = (0..7).map(|_| small(&mut pair, Ect0)).collect();
    let blocks = [1, 3, 5].map(|n: usize| {
        let told = prompt(&mut pair, &segments[n]).unwrap();
        assert!(told.acc_ecn.is_some() && told.timestamps.is_some() && told.options_len() <= 40);
        told.sack.as_slice().len()
    });
    assert_eq!(blocks, [1, 2, 2]);
}
