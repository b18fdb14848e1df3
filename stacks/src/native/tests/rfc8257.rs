//! RFC 8257 (DCTCP), the receiver's feedback and ECN-capable control packets.

use burstlab_algorithms::{Bytes, EcnFeedback, Span, Time};
use burstlab_network::{Codepoint, Direction, Flags};

use super::super::Config;
use super::pair::{Fate, MSS, Pair, config};
use crate::Endpoint;

fn dctcp(config: Config) -> Pair {
    Pair::with(config, EcnFeedback::Dctcp, |recorder| recorder)
}

/// Sends a packet each 10 us, marked as told, with ACKs that wait up to 1 ms. Gives when ACKs left, of how many packets, and
/// whether with ECE.
fn acks_of(marks: &'static [bool]) -> Vec<(Time, u32, bool)> {
    let mut pair = dctcp(Config { delayed_ack: Some(Span::from_millis(1)), ..config() }).opened();
    let start = pair.now;
    let first = pair.a.numbering.wire(0);
    let mut seen = 0;
    pair.forward.rule = Box::new(move |_, segment| {
        seen += usize::from(segment.payload > 0);
        if segment.payload > 0 && marks[seen - 1] { Fate::Mark } else { Fate::Pass }
    });
    for _ in marks {
        pair.a.write(pair.now, Bytes::new(MSS));
        pair.run_for(Span::from_micros(10));
    }
    pair.run_for(Span::from_millis(3));
    let packets = |ack: u32| ack.wrapping_sub(first) / MSS as u32;
    let since = |at: Time| Time::ZERO + at.since(start);
    pair.acks().iter().map(|(at, s)| (since(*at), packets(s.ack), s.flags.has(Flags::ECE))).collect()
}

// holds: RFC8257 3.2 #1
#[test]
fn each_ack_tells_of_the_marks_of_what_it_acknowledges() {
    let acks = acks_of(&[false, true, true, true, true, false, false, true, false, false]);
    let marked = |n: usize| [false, true, true, true, true, false, false, true, false, false][n];
    let mut before = 0;
    for (_, packets, ece) in acks {
        for n in before..packets as usize {
            assert_eq!(marked(n), ece, "packet {n}");
        }
        before = packets as usize;
    }
    assert_eq!(before, 10);
}

// holds: RFC8257 3.2 #4
#[test]
fn as_long_as_marks_stay_as_they_are_every_second_packet_is_acknowledged() {
    let steps = |acks: Vec<(Time, u32, bool)>| acks.windows(2).map(|w| w[1].1 - w[0].1).collect::<Vec<u32>>();
    assert_eq!(steps(acks_of(&[false; 9])), [2, 2, 2, 1]);
    assert!(steps(acks_of(&[true; 9]))[..3].iter().all(|step| *step == 2));
}

// holds: RFC8257 3.6 #1
#[test]
fn syn_and_syn_ack_are_ecn_capable() {
    let mut pair = dctcp(config());
    pair.a.connect(pair.now);
    pair.run_for(Span::from_micros(200));
    for direction in [Direction::Forward, Direction::Backward] {
        let syn = pair.log.iter().find(|(_, s)| s.direction == direction && s.flags.has(Flags::SYN)).unwrap().1;
        assert_eq!(syn.codepoint, Codepoint::Ect0);
    }
}

// holds: RFC8257 3.2 #2, RFC8257 3.2 #3
#[test]
fn the_packet_that_changes_the_echo_is_acknowledged_at_once() {
    let acks = acks_of(&[false, false, true, false, true, true, false, false]);
    for n in [2, 3, 4, 6] {
        let sent = Time::ZERO + Span::from_micros(10 * n);
        let told = acks.iter().find(|(_, packets, _)| u64::from(*packets) == n + 1);
        assert!(told.is_some_and(|(at, ..)| at.since(sent) == Span::from_micros(50)), "packet {n}: {acks:?}");
    }
}

// holds: RFC8257 3.6 #2
#[test]
fn resets_are_ecn_capable() {
    for (feedback, codepoint) in [(EcnFeedback::Dctcp, Codepoint::Ect0), (EcnFeedback::Classic, Codepoint::NotEct)] {
        let mut pair = Pair::with(config(), feedback, |recorder| recorder).opened();
        pair.a.abort(pair.now);
        pair.b.write(pair.now, Bytes::new(MSS));
        pair.run_for(Span::from_millis(1));
        let resets: Vec<Codepoint> =
            pair.log.iter().filter(|(_, s)| s.flags.has(Flags::RST)).map(|(_, s)| s.codepoint).collect();
        assert_eq!(resets, [codepoint; 2], "the first one, and the answer to what had left before it came");
    }
}

#[test]
fn the_ack_of_what_came_before_a_change_promises_no_more_than_is_taken_and_no_less_than_before() {
    let config = Config { delayed_ack: Some(Span::from_millis(1)), window_shift: Some(7), ..config() };
    let mut pair = dctcp(config).opened();
    let edge = |pair: &Pair, s: &burstlab_network::Segment| {
        let ack = pair.b.receiver.numbering.position(s.ack, pair.b.receiver.next) as u64;
        ack + (u64::from(s.window) << pair.b.receiver.shift)
    };
    let mut before = 0;
    for codepoint in [Codepoint::Ect0, Codepoint::Ce, Codepoint::Ect0, Codepoint::Ect0, Codepoint::Ce] {
        pair.a.write(pair.now, Bytes::new(MSS));
        let data = pair.a.poll_transmit(pair.now).unwrap();
        pair.b.on_segment(pair.now, &burstlab_network::Segment { codepoint, ..data });
        while let Some(told) = pair.b.poll_transmit(pair.now) {
            let (edge, taken) = (edge(&pair, &told), pair.b.receiver.next + pair.b.receiver.offered());
            assert!(edge >= before && edge <= taken, "{before}, {edge}, {taken}");
            before = edge;
            pair.a.on_segment(pair.now, &told);
        }
    }
}
