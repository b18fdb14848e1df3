//! Reordering and delay that look like loss, and are found out.

use burstlab_algorithms::{Bytes, Cause, Span};
use burstlab_network::Direction;

use super::super::Config;
use super::pair::{Fate, MSS, Pair, config};
use crate::Endpoint;

/// Every packet `every` (counted from one that settles the round trip) comes later by `late`.
fn reorder(pair: &mut Pair, every: usize, late: Span) {
    pair.forward.rule = Box::new(move |n, _| if n % every == every - 1 { Fate::Late(late) } else { Fate::Pass });
}

#[test]
fn reordering_within_a_quarter_of_the_round_trip_is_tolerated_once_it_was_seen() {
    let mut pair = Pair::open(config());
    reorder(&mut pair, 25, Span::from_micros(20));
    pair.transfer(2_000 * MSS);
    let counters = pair.a.counters();
    assert!(counters.retransmitted_segments <= 3, "{counters:?}");
    assert_eq!(counters.timeouts, 0);
}

#[test]
fn d_sacks_widen_the_window_for_longer_reordering() {
    let mut pair = Pair::open(config());
    reorder(&mut pair, 25, Span::from_micros(60));
    pair.transfer(2_000 * MSS);
    let counters = pair.a.counters();
    assert!(counters.retransmitted_segments < 20, "{counters:?}");
}

#[test]
fn a_recovery_whose_retransmissions_were_all_duplicates_is_taken_back() {
    let mut pair = Pair::open(config());
    pair.forward.rule = Box::new(|n, _| if n == 4 { Fate::Late(Span::from_micros(90)) } else { Fate::Pass });
    pair.transfer(100 * MSS);
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.causes(), pair.told.lock().unwrap().undone), (vec![Cause::Loss], 1));
    assert_eq!(pair.a.snapshot().window, Bytes::new(20 * MSS));
    assert_eq!(pair.a.counters().spurious, 1);
    assert_eq!(pair.b.counters().duplicate_segments_received, 1);
}

#[test]
fn timestamps_take_it_back_sooner() {
    let mut pair = Pair::open(Config { timestamps: true, ..config() });
    pair.forward.rule = Box::new(|n, _| if n == 4 { Fate::Late(Span::from_micros(110)) } else { Fate::Pass });
    pair.a.write(pair.now, Bytes::new(100 * MSS));
    // The original's ACK is here after 210 us, the retransmission's would be after 300.
    pair.run_for(Span::from_micros(220));
    assert_eq!(pair.told.lock().unwrap().undone, 1);
}

// holds: RFC5681 4.3 #5
#[test]
fn a_true_loss_is_not_taken_back() {
    for timestamps in [false, true] {
        let mut pair = Pair::open(Config { timestamps, ..config() });
        pair.forward.rule = super::pair::drop_data([3, 7]);
        pair.transfer(200 * MSS);
        assert_eq!((pair.causes(), pair.told.lock().unwrap().undone), (vec![Cause::Loss], 0));
    }
}

#[test]
fn a_delay_spike_is_found_out_by_forward_recovery() {
    let mut pair = Pair::open(Config { tail_loss_probe: false, ..config() });
    pair.a.write(pair.now, Bytes::new(300 * MSS));
    pair.run_for(Span::from_micros(450));
    // Nothing overtakes: what is sent now waits, and so does what follows.
    pair.forward.hold_until(pair.now + Span::from_millis(15));
    pair.run_for(Span::from_millis(60));
    assert_eq!(pair.b.received(), 300 * MSS);
    let counters = pair.a.counters();
    assert_eq!((counters.timeouts, counters.spurious), (1, 1), "{counters:?}");
    assert!(counters.retransmitted_segments <= 3, "{counters:?}");
    assert_eq!(pair.told.lock().unwrap().undone, 1);
}

#[test]
fn an_outage_is_not_taken_for_a_delay_spike() {
    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(100 * MSS));
    pair.forward.rule = Box::new(|n, _| if n < 25 { Fate::Drop } else { Fate::Pass });
    pair.run_for(Span::from_secs(2));
    assert_eq!(pair.b.received(), 100 * MSS);
    assert_eq!(pair.a.counters().spurious, 0);
}

// holds: RFC9768 3.1.1 #6
#[test]
fn duplicated_segments_are_reported_and_change_nothing() {
    let mut pair = Pair::open(config());
    pair.forward.rule = Box::new(|_, s| if s.payload > 0 { Fate::Twice } else { Fate::Pass });
    pair.transfer(100 * MSS);
    pair.run_for(Span::from_millis(1));
    assert_eq!(pair.causes(), []);
    assert_eq!(pair.b.counters().duplicate_segments_received, 100);
    let with_report = pair.acks().iter().filter(|(_, s)| !s.sack.is_empty()).count();
    assert_eq!(with_report, 100);
}

// holds: RFC5681 3.2 #12, RFC6675 5 #8, RFC8985 9.3 #1
#[test]
fn a_recovery_sends_about_one_packet_for_two_that_are_delivered() {
    let mut pair = Pair::open(config());
    pair.forward.rate = Some(burstlab_algorithms::Rate::from_bits_per_sec(1_000_000_000));
    pair.forward.rule = super::pair::drop_data([30]);
    pair.transfer(200 * MSS);
    let told = pair.told.lock().unwrap();
    let start = told.congestion[0].now;
    let end = start + Span::from_micros(250);
    let during: Vec<_> =
        pair.data(Direction::Forward).iter().map(|d| d.0).filter(|t| *t > start && *t <= end).collect();
    let bursts = during.windows(3).filter(|w| w[0] == w[2]).count();
    assert_eq!(bursts, 0, "{during:?}");
    assert!(during.len() >= 8, "the reduction does not stall: {during:?}");
}
