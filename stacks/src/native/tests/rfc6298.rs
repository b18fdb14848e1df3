//! RFC 6298, where no other test holds it.

use burstlab_algorithms::{Bytes, Span, Time};
use burstlab_network::Direction;

use super::super::Config;
use super::super::rto::RoundTrip;
use super::pair::{Fate, MSS, Pair, config, drop_data};
use crate::Endpoint;

/// No probes: only the timer repairs what is lost at the end.
fn timer_only() -> Config {
    Config { tail_loss_probe: false, ..config() }
}

/// When and from which number on data was sent by `a`.
fn sent(pair: &Pair) -> Vec<(Time, u32)> {
    pair.data(Direction::Forward).iter().map(|(at, s)| (*at, s.seq)).collect()
}

// holds: RFC6298 2.3 #1, RFC6298 2.3 #2, RFC6298 2.3 #3, RFC6298 2.3 #4, RFC9293 MUST-18
#[test]
fn a_later_sample_moves_the_variation_first_and_by_a_quarter_then_the_mean_by_an_eighth() {
    let mut rtt = RoundTrip::new(&timer_only());
    rtt.sample(Span::from_millis(80));
    rtt.sample(Span::from_millis(160));
    // 3/4 of 40 ms and 1/4 of 80 ms; 7/8 of 80 ms and 1/8 of 160 ms. With the means swapped it would be 280 ms.
    assert_eq!((rtt.smoothed(), rtt.timeout()), (Span::from_millis(90), Span::from_millis(90 + 4 * 50)));
}

// holds: RFC6298 4 #1
#[test]
fn a_variation_of_nothing_counts_as_a_tick_of_the_clock() {
    let mut rtt = RoundTrip::new(&Config { min_rto: Span::ZERO, ..config() });
    rtt.sample(Span::from_nanos(1));
    assert_eq!(rtt.timeout(), Span::from_nanos(2));
}

// holds: RFC6298 3 #1, RFC6298 3 #2, RFC9293 MUST-18
#[test]
fn a_segment_that_was_sent_twice_gives_no_sample() {
    let mut pair = Pair::open(timer_only());
    let before = pair.a.sender.rtt.smoothed();
    // Both transmissions are acknowledged 10 ms after the first of them.
    pair.forward.rule = drop_data([0]);
    pair.transfer(MSS);
    assert_eq!(pair.a.counters().timeouts, 1);
    assert_eq!(pair.a.sender.rtt.smoothed(), before);
    assert!(pair.told.lock().unwrap().acks.iter().all(|ack| ack.rtt.is_none()));
}

// holds: RFC6298 3 #3
#[test]
fn every_round_trip_is_sampled() {
    let mut pair = Pair::open(config());
    pair.forward.delay = Span::from_micros(250);
    pair.transfer(400 * MSS);
    let told = pair.told.lock().unwrap();
    let samples: Vec<Time> = told.acks.iter().filter(|ack| ack.rtt.is_some()).map(|ack| ack.now).collect();
    assert!(samples.windows(2).all(|pair| pair[1].since(pair[0]) <= Span::from_micros(300)), "{samples:?}");
    assert!(samples.len() >= 20);
    let off = pair.a.sender.rtt.smoothed().as_nanos().abs_diff(300_000);
    assert!(off < 3_000, "the estimate is off by {off} ns");
}

// holds: RFC6298 5.2
#[test]
fn the_timer_is_off_when_everything_is_acknowledged() {
    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(10 * MSS));
    pair.pump();
    assert!(!pair.a.next_wake().is_never());
    pair.run_for(Span::from_millis(1));
    assert_eq!(pair.a.acknowledged(), 10 * MSS);
    assert!(pair.a.next_wake().is_never());
}

// holds: RFC6298 5.3
#[test]
fn an_ack_of_new_data_restarts_the_timer() {
    let mut pair = Pair::open(timer_only());
    let start = pair.now;
    pair.forward.rule = drop_data([1]);
    pair.transfer(2 * MSS);
    let again = sent(&pair)[2].0.since(start);
    // The first segment's ACK came after a round trip of 100 us.
    assert_eq!(again, Span::from_micros(100) + Span::from_millis(10));
}

// holds: RFC6298 5.4
#[test]
fn expiry_sends_the_earliest_segment_again() {
    let mut pair = Pair::open(timer_only());
    pair.transfer(MSS);
    pair.log.clear();
    pair.forward.rule = drop_data(0..5);
    pair.transfer(5 * MSS);
    let sent = sent(&pair);
    assert_eq!(sent[5].1, sent[0].1);
    assert!(sent[6].0 > sent[5].0, "and nothing with it");
}

// holds: RFC6298 5.7
#[test]
fn after_a_lost_syn_the_first_timeout_of_data_is_three_seconds() {
    let mut pair = Pair::new(timer_only());
    pair.forward.rule = Box::new(|n, s| if n == 0 || s.payload > 0 { Fate::Drop } else { Fate::Pass });
    pair.a.write(pair.now, Bytes::new(MSS));
    pair.a.connect(pair.now);
    pair.run_for(Span::from_secs(6));
    let sent = sent(&pair);
    assert_eq!(sent[1].0.since(sent[0].0), Span::from_secs(3));
}

// holds: RFC6298 5 #1
#[test]
fn the_timer_gives_a_segment_that_was_sent_again_its_whole_timeout() {
    let mut pair = Pair::open(timer_only());
    (pair.forward.delay, pair.backward.delay) = (Span::from_micros(4500), Span::from_micros(4500));
    pair.transfer(1000 * MSS);
    let timeout = pair.a.sender.rtt.timeout();
    assert!(timeout < Span::from_millis(12), "less than two round trips, so that the first expiry comes between");
    pair.log.clear();
    // Found lost after a round trip of 9 ms, and sent again shortly before the first expiry.
    pair.forward.rule = drop_data([0]);
    pair.transfer(10 * MSS);
    let first = sent(&pair)[0].1;
    let times: Vec<Time> = sent(&pair).iter().filter(|s| s.1 == first).map(|s| s.0).collect();
    assert_eq!((times.len(), pair.a.counters().timeouts), (2, 0), "{times:?}");
}
