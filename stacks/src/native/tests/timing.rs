//! Timers, pacing, and samples of the delivery rate.

use burstlab_algorithms::{Bytes, Cause, EcnFeedback, Phase, Rate, Span, Time};
use burstlab_network::Direction;

use super::super::Config;
use super::pair::{Fate, MSS, Pair, config, drop_data};
use crate::{Endpoint, Status};

// holds: RFC8985 7.4.2 #1
#[test]
fn a_probe_repairs_the_tail_without_a_timeout() {
    let mut pair = Pair::open(config());
    pair.forward.rule = drop_data([9]);
    pair.transfer(10 * MSS);
    let counters = pair.a.counters();
    assert_eq!((counters.probes, counters.timeouts, counters.retransmitted_segments), (1, 0, 1));
    pair.transfer(10 * MSS);
    assert_eq!(pair.causes(), [Cause::Loss], "the repaired loss is congestion all the same");
}

#[test]
fn a_window_that_is_being_reduced_for_marks_is_probed_as_well() {
    let mut pair = Pair::with(config(), EcnFeedback::Dctcp, |recorder| recorder).opened();
    let mut seen = 0;
    pair.forward.rule = Box::new(move |_, _| {
        seen += 1;
        match seen {
            15 => Fate::Mark,
            30 => Fate::Drop,
            _ => Fate::Pass,
        }
    });
    pair.transfer(30 * MSS);
    assert_eq!((pair.a.counters().probes, pair.a.counters().timeouts), (1, 0));
}

#[test]
fn a_probe_finds_a_longer_lost_tail() {
    let mut pair = Pair::open(config());
    pair.forward.rule = drop_data([6, 7, 8, 9]);
    pair.transfer(10 * MSS);
    assert_eq!((pair.a.counters().timeouts, pair.causes()), (0, vec![Cause::Loss]));
}

// holds: RFC8985 7.4.2 #2
#[test]
fn a_probe_for_nothing_changes_nothing() {
    let mut pair = Pair::open(config());
    pair.backward.rule = Box::new(|_, _| Fate::Late(Span::from_millis(2)));
    pair.transfer(10 * MSS);
    pair.run_for(Span::from_millis(10));
    assert_eq!((pair.a.counters().probes, pair.causes()), (1, vec![]));
    pair.transfer(10 * MSS);
    assert_eq!(pair.causes(), [], "nor later");
}

#[test]
fn without_probes_the_timeout_repairs_the_tail() {
    let mut pair = Pair::open(Config { tail_loss_probe: false, ..config() });
    pair.forward.rule = drop_data([9]);
    let start = pair.now;
    pair.transfer(10 * MSS);
    assert_eq!((pair.a.counters().timeouts, pair.causes()), (1, vec![Cause::Timeout]));
    assert!(pair.now.since(start) >= Span::from_millis(10));
}

// holds: RFC6298 5.1, RFC6298 5.5, RFC6298 5.6, RFC9293 MUST-19, RFC9293 MUST-20 (R2), RFC9293 MUST-21
#[test]
fn timeouts_back_off_and_give_up() {
    let mut pair = Pair::open(Config { max_retransmissions: 4, tail_loss_probe: false, ..config() });
    pair.forward.rule = Box::new(|_, _| Fate::Drop);
    pair.a.write(pair.now, Bytes::new(MSS));
    pair.settle(Span::from_secs(100));
    let at: Vec<Time> = pair.data(Direction::Forward).iter().map(|(at, _)| *at).collect();
    let gaps: Vec<u64> = at.windows(2).map(|w| w[1].since(w[0]).as_nanos() / 1_000_000).collect();
    assert_eq!(gaps, [10, 20, 40, 80]);
    assert_eq!(pair.a.status(), Status::Failed);
}

#[test]
fn after_an_outage_everything_is_sent_again_and_arrives() {
    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(200 * MSS));
    pair.run_for(Span::from_micros(120));
    pair.forward.rule = Box::new(|_, _| Fate::Drop);
    pair.run_for(Span::from_millis(35));
    pair.forward.rule = Box::new(|_, _| Fate::Pass);
    pair.run_for(Span::from_secs(1));
    assert_eq!(pair.b.received(), 200 * MSS);
    assert_eq!(pair.a.sender.phase, Phase::Open);
    assert!(pair.causes().iter().all(|cause| *cause == Cause::Timeout));
}

fn paced(burst: u64) -> Pair {
    let mut pair = Pair::with(config(), EcnFeedback::None, |mut recorder| {
        recorder.control.pacing_rate = Some(Rate::from_bits_per_sec(1_000_000_000));
        recorder.control.burst = Bytes::new(burst);
        recorder
    })
    .opened();
    pair.a.write(pair.now, Bytes::new(40 * MSS));
    pair.run_for(Span::from_millis(2));
    assert_eq!(pair.b.received(), 40 * MSS);
    pair
}

#[test]
fn paced_packets_are_spaced() {
    let pair = paced(MSS);
    let at: Vec<Time> = pair.data(Direction::Forward).iter().map(|(at, _)| *at).collect();
    assert!(at.windows(2).all(|w| w[1].since(w[0]) == Span::from_micros(8)), "{at:?}");
}

#[test]
fn bursts_are_as_long_as_allowed() {
    let pair = paced(4 * MSS);
    let at: Vec<Time> = pair.data(Direction::Forward).iter().map(|(at, _)| *at).collect();
    assert!(at[..4].iter().all(|t| *t == at[0]) && at[4] > at[0]);
    let rate = Rate::of(Bytes::new(36 * MSS), at[39].since(at[0]));
    assert!(rate.bits_per_sec() <= 1_000_000_000, "{rate}");
}

#[test]
fn a_window_below_a_packet_still_sends_one_at_a_time() {
    let mut pair = Pair::with(config(), EcnFeedback::None, |mut recorder| {
        recorder.control.window = Bytes::new(100);
        recorder
    })
    .opened();
    pair.transfer(5 * MSS);
    assert!(pair.told.lock().unwrap().sent.iter().all(|sent| sent.in_flight == Bytes::new(MSS)));
}

#[test]
fn samples_tell_the_rate_of_the_bottleneck() {
    let mut pair = Pair::open(config());
    pair.forward.rate = Some(Rate::from_bits_per_sec(1_000_000_000));
    pair.transfer(200 * MSS);
    let told = pair.told.lock().unwrap();
    let rates: Vec<f64> =
        told.samples[50..150].iter().filter_map(|s| s.rate()).map(|r| r.bits_per_sec() as f64).collect();
    let expected = 1e9 * 1000.0 / 1040.0;
    assert!(rates.len() > 90 && rates.iter().all(|r| (r / expected - 1.0).abs() < 0.01), "{rates:?}");
    assert!(told.samples[50..150].iter().all(|s| !s.app_limited));
}

#[test]
fn what_the_application_limits_is_marked_so() {
    let mut pair = Pair::open(config());
    for _ in 0..5 {
        pair.transfer(3 * MSS);
    }
    let told = pair.told.lock().unwrap();
    assert!(told.samples[3..].iter().all(|s| s.app_limited));
    assert!(told.acks[3..].iter().all(|ack| !ack.window_limited));
    assert!(told.sent.iter().step_by(3).all(|sent| sent.restart));
}

#[test]
fn what_the_window_limits_is_marked_so_and_what_the_host_limits_is_not() {
    let mut pair = Pair::open(config());
    pair.transfer(100 * MSS);
    assert!(pair.told.lock().unwrap().acks[..80].iter().all(|ack| ack.window_limited));

    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(100 * MSS));
    for _ in 0..5 {
        let segment = pair.a.poll_transmit(pair.now).unwrap();
        pair.b.on_segment(pair.now, &segment);
        pair.a.host_limited(pair.now);
    }
    let ack = pair.b.poll_transmit(pair.now).unwrap();
    pair.a.on_segment(pair.now + Span::from_micros(10), &ack);
    assert!(!pair.told.lock().unwrap().acks[0].window_limited);
}

#[test]
fn the_controllers_timer_is_called_once() {
    let at = Time::from_nanos(777_000);
    let mut pair = Pair::with(config(), EcnFeedback::None, |mut recorder| {
        recorder.control.timer = at;
        recorder
    });
    pair.settle(Span::from_secs(1));
    assert_eq!(pair.told.lock().unwrap().timers, [at]);
}

// holds: RFC5681 4.1 #1
#[test]
fn after_idleness_the_window_starts_small_if_so_configured() {
    for (slow_start_after_idle, first) in [(true, 10), (false, 20)] {
        let mut pair = Pair::open(Config { slow_start_after_idle, ..config() });
        pair.transfer(100 * MSS);
        pair.run_for(Span::from_secs(1));
        pair.a.write(pair.now, Bytes::new(100 * MSS));
        pair.pump();
        assert_eq!(pair.a.snapshot().in_flight, Bytes::new(first * MSS));
        pair.run_for(Span::from_secs(1));
        assert_eq!((pair.b.received(), pair.a.snapshot().window), (200 * MSS, Bytes::new(20 * MSS)));
    }
}

#[test]
fn a_restart_counts_in_the_segments_that_the_peer_takes_and_grows_by_two_an_ack() {
    let mut pair = Pair::new(Config { slow_start_after_idle: true, ..config() });
    pair.b.config.mss = 500;
    let mut pair = pair.opened();
    pair.transfer(100 * MSS);
    pair.run_for(Span::from_secs(1));
    pair.a.write(pair.now, Bytes::new(100 * MSS));
    let leaves = |pair: &mut Pair| std::iter::from_fn(|| pair.a.poll_transmit(pair.now)).count();
    assert_eq!(leaves(&mut pair), 10);
    pair.now += Span::from_micros(100);
    let mut all = super::rfc6675::ack(&pair, 0, &[]);
    all.ack = pair.a.numbering.wire(100 * MSS + 10 * 500);
    pair.a.on_segment(pair.now, &all);
    assert_eq!(leaves(&mut pair), 12);
}

#[test]
fn the_job_sees_its_iterations_bytes() {
    let mut pair = Pair::open(config());
    pair.transfer(10 * MSS);
    pair.a.begin_iteration(Bytes::new(4 * MSS));
    pair.transfer(4 * MSS);
    let told = pair.told.lock().unwrap();
    let seen: Vec<u64> = told.acks.iter().map(|ack| ack.job.sent.get() / MSS).collect();
    assert_eq!(seen[10..], [1, 2, 3, 4]);
    assert_eq!(told.acks[13].job.expected, Bytes::new(4 * MSS));
}
