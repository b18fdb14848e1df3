//! What ends a connection besides a FIN, and what keeps it alive.

use burstlab_algorithms::{Bytes, Cause, Span};
use burstlab_network::{Direction, Flags, Segment};

use super::super::connection::State;
use super::super::{Config, Failure, Icmp, KeepAlive, Unreachable};
use super::pair::{Fate, MSS, Pair, config};
use crate::{Endpoint, Status};

const WATCH: KeepAlive = KeepAlive { idle: Span::from_millis(500), interval: Span::from_millis(100), probes: 3 };

fn resets(pair: &Pair, direction: Direction) -> usize {
    pair.log.iter().filter(|(_, s)| s.direction == direction && s.flags.has(Flags::RST)).count()
}

// holds: RFC9293 MUST-24, RFC9293 MUST-25, RFC9293 MUST-27, RFC9293 SHLD-12
#[test]
fn a_silent_peer_is_probed_by_empty_segments_if_that_is_wanted() {
    let mut pair = Pair::open(config());
    pair.run_for(Span::from_secs(10_000));
    assert_eq!(pair.log.len(), 0, "not unless it is asked for");
    pair.a.set_keep_alive(pair.now, Some(WATCH));
    pair.run_for(Span::from_millis(2_100));
    let probes: Vec<&Segment> = pair.log.iter().map(|(_, s)| s).filter(|s| s.direction == Direction::Forward).collect();
    assert!(probes.len() >= 3 && probes.iter().all(|s| s.seq_len() == 0 && s.seq == 0), "{probes:?}");
    assert_eq!(pair.a.status(), Status::Open);
}

// holds: RFC9293 MUST-26
#[test]
fn a_peer_that_answers_no_probe_is_given_up() {
    let mut pair = Pair::open(Config { keep_alive: Some(WATCH), ..config() });
    let start = pair.now;
    let mut dropped = 0;
    pair.backward.rule = Box::new(move |_, _| {
        dropped += 1;
        if dropped <= 2 { Fate::Drop } else { Fate::Pass }
    });
    pair.run_for(Span::from_millis(1_500));
    assert_eq!(pair.a.status(), Status::Open, "the third answer came");
    pair.backward.rule = Box::new(|_, _| Fate::Drop);
    let end = pair.settle(Span::from_secs(10));
    assert_eq!(pair.a.failure(), Some(Failure::TimedOut));
    assert!(end.since(start) < Span::from_millis(2_500), "{}", end.since(start));
    assert_eq!(resets(&pair, Direction::Forward), 1);
}

// holds: RFC9293 SHLD-3
#[test]
fn closing_with_data_unread_resets_the_peer() {
    let mut pair = Pair::open(config());
    pair.b.set_reading(false);
    pair.transfer_unread(3 * MSS);
    pair.b.close_both(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.b.failure(), pair.a.failure()), (Some(Failure::Aborted), Some(Failure::Reset)));
    assert_eq!((resets(&pair, Direction::Backward), pair.a.status()), (1, Status::Failed));
}

#[test]
fn data_for_a_connection_that_was_closed_both_ways_is_answered_by_a_reset() {
    let mut pair = Pair::open(config());
    pair.b.close_both(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.a.state, pair.b.state), (State::CloseWait, State::FinWait2));
    pair.a.write(pair.now, Bytes::new(10));
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.a.failure(), pair.b.received()), (Some(Failure::Reset), 0));
}

#[test]
fn a_connection_that_was_closed_both_ways_does_not_wait_for_ever() {
    for both in [true, false] {
        let mut pair = Pair::open(Config { fin_timeout: Some(Span::from_secs(3)), ..config() });
        if both {
            pair.b.close_both(pair.now);
        } else {
            pair.b.close(pair.now);
        }
        pair.run_for(Span::from_millis(2_900));
        assert_eq!(pair.b.state, State::FinWait2);
        pair.run_for(Span::from_millis(200));
        assert_eq!(pair.b.state, if both { State::Closed } else { State::FinWait2 });
    }
}

#[test]
fn both_sides_can_close_both_ways_in_good_order() {
    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(5 * MSS));
    pair.run_for(Span::from_millis(1));
    pair.a.close_both(pair.now);
    pair.run_for(Span::from_millis(1));
    pair.b.close_both(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!(
        (pair.a.status(), pair.b.status(), resets(&pair, Direction::Backward)),
        (Status::Closed, Status::Closed, 0)
    );
}

#[test]
fn who_stops_reading_still_takes_what_comes() {
    let mut pair = Pair::open(Config { receive_buffer: Bytes::new(4 * MSS), ..config() });
    pair.b.shut_reading();
    pair.transfer(20 * MSS);
    assert_eq!((pair.b.readable(), pair.b.status()), (0, Status::Open));
}

#[test]
fn a_failure_says_why() {
    let mut pair = Pair::new(config());
    pair.a.connect(pair.now);
    pair.pump();
    let refusal = Segment { flags: Flags::RST.with(Flags::ACK), ack: 1, ..Segment::default() };
    pair.a.on_segment(pair.now, &refusal);
    assert_eq!(pair.a.failure(), Some(Failure::Refused));
    let mut pair = Pair::new(Config { syn_retransmissions: Some(2), ..config() });
    pair.forward.rule = Box::new(|_, _| Fate::Drop);
    pair.a.connect(pair.now);
    pair.settle(Span::from_secs(100));
    assert_eq!((pair.a.failure(), pair.log.len()), (Some(Failure::TimedOut), 3));
    let mut pair = Pair::new(Config { syn_ack_retransmissions: Some(1), ..config() });
    pair.backward.rule = Box::new(|_, _| Fate::Drop);
    pair.forward.rule = Box::new(|n, _| if n == 0 { Fate::Pass } else { Fate::Drop });
    pair.a.connect(pair.now);
    pair.run_for(Span::from_secs(10));
    assert_eq!(
        (pair.b.failure(), pair.log.iter().filter(|(_, s)| s.flags.has(Flags::ACK)).count()),
        (Some(Failure::TimedOut), 2)
    );
}

// holds: RFC9293 MUST-54, RFC9293 MUST-55, RFC9293 MUST-56, RFC9293 SHLD-25
#[test]
fn the_networks_errors_end_what_is_being_opened_only_if_they_are_for_good() {
    let (port, host) = (Icmp::Unreachable(Unreachable::Port), Icmp::Unreachable(Unreachable::Host));
    for (message, eager, failure) in [
        (port, false, Some(Failure::Unreachable(Unreachable::Port))),
        (host, false, None),
        (host, true, Some(Failure::Unreachable(Unreachable::Host))),
        (Icmp::TimeExceeded, false, None),
        (Icmp::SourceQuench, true, None),
    ] {
        let mut pair = Pair::new(Config { soft_errors_end_opening: eager, ..config() });
        pair.a.connect(pair.now);
        pair.pump();
        pair.a.on_icmp(pair.now, message, 77);
        assert_eq!(pair.a.failure(), None, "not about our SYN");
        pair.a.on_icmp(pair.now, message, 0);
        assert_eq!(pair.a.failure(), failure, "{message:?}");
    }
}

#[test]
fn an_open_connection_keeps_the_networks_errors_for_when_it_times_out() {
    let mut pair = Pair::open(Config { max_retransmissions: 3, ..config() });
    pair.a.write(pair.now, Bytes::new(MSS));
    pair.forward.rule = Box::new(|_, _| Fate::Drop);
    pair.pump();
    pair.a.on_icmp(pair.now, Icmp::Unreachable(Unreachable::Port), 50_000);
    assert_eq!(pair.a.soft_error(), None, "nothing of that number is on its way");
    pair.a.on_icmp(pair.now, Icmp::Unreachable(Unreachable::Port), 1);
    assert_eq!((pair.a.status(), pair.a.soft_error()), (Status::Open, Some(Unreachable::Port)));
    pair.settle(Span::from_secs(100));
    assert_eq!(pair.a.failure(), Some(Failure::Unreachable(Unreachable::Port)));
}

#[test]
fn what_is_too_large_for_the_path_is_sent_again_in_pieces_at_once_and_the_window_stays() {
    for sack in [true, false] {
        let mut pair = Pair::open(Config { mss: 1_460, sack, ..config() });
        pair.forward.rule = Box::new(|_, s| if s.payload > 760 { Fate::Drop } else { Fate::Pass });
        pair.a.write(pair.now, Bytes::new(40 * 1_460));
        pair.run_for(Span::from_micros(200));
        let window = pair.a.snapshot().window;
        pair.a.on_icmp(pair.now, Icmp::FragmentationNeeded { mtu: 800 }, 1);
        assert_eq!(pair.a.info(pair.now).pmtu, 800);
        pair.run_for(Span::from_micros(900));
        assert!(pair.b.received() > 13_000, "{}", pair.b.received());
        assert_eq!((pair.a.snapshot().window, pair.causes()), (window, Vec::<Cause>::new()));
        pair.run_for(Span::from_millis(50));
        assert_eq!((pair.b.received(), pair.a.counters().timeouts), (40 * 1_460, 0), "SACK: {sack}");
        pair.a.on_icmp(pair.now, Icmp::FragmentationNeeded { mtu: 0 }, 1);
        assert_eq!(pair.a.info(pair.now).pmtu, 800, "about nothing that is on its way");
    }
}

#[test]
fn a_syn_beyond_an_old_connection_may_take_its_place() {
    let mut pair = Pair::open(config());
    pair.a.close(pair.now);
    pair.run_for(Span::from_millis(1));
    pair.b.close(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!(pair.a.state, State::TimeWait);
    let end = pair.a.receiver.numbering.wire(pair.a.receiver.next);
    let syn = Segment { flags: Flags::SYN, seq: end.wrapping_add(5), ..Segment::default() };
    assert!(pair.a.yields_to(&syn));
    assert!(!pair.a.yields_to(&Segment { seq: end.wrapping_sub(5), ..syn }));
    assert!(!pair.a.yields_to(&Segment { flags: Flags::SYN.with(Flags::ACK), ..syn }));
    assert!(!pair.b.yields_to(&syn), "closed altogether");
}
