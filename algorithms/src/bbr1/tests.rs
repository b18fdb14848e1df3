//! Behaviour on a path with a queue, against what the draft and the literature say.

use super::*;
use crate::testing::{Pipe, ack, congestion, controller, signal, states, window};

const MS: Span = Span::from_millis(1);

#[test]
fn startup_finds_the_bandwidth_and_drain_empties_the_queue() {
    let mut pipe = Pipe::new("bbr1", "100Mbit/s", "20ms", 1000);
    let seen = states(&mut pipe, MS * 600, MS);
    assert_eq!(seen, ["Startup", "Drain", "ProbeBW"]);
    let bw = signal(&*pipe.controller, "btl_bw_bits_per_sec");
    assert!((bw / 100e6 - 1.0).abs() < 0.05, "{bw}");
    assert!((signal(&*pipe.controller, "rtprop_s") - 0.02).abs() < 0.001);
    assert_eq!(pipe.drops, 0);
}

#[test]
fn alone_it_uses_the_path_with_a_queue_of_a_quarter_of_the_volume_at_most() {
    let mut pipe = Pipe::new("bbr1", "100Mbit/s", "20ms", 1000);
    pipe.run(MS * 600);
    let used = pipe.run(Span::from_secs(8));
    assert!(used > 0.97, "{used}");
    let bound = 0.25 * pipe.bdp() + 8.0;
    assert!((pipe.peak_queue as f64) < bound, "{} packets, of {bound}", pipe.peak_queue);
}

#[test]
fn the_gains_of_a_cycle_follow_each_other() {
    let mut pipe = Pipe::new("bbr1", "100Mbit/s", "20ms", 1000);
    pipe.run(MS * 600);
    while signal(&*pipe.controller, "pacing_gain") != 1.25 {
        pipe.run(MS);
    }
    let mut gains = vec![1.25];
    for _ in 0..170 {
        pipe.run(MS);
        let gain = signal(&*pipe.controller, "pacing_gain");
        if gains.last() != Some(&gain) {
            gains.push(gain);
        }
    }
    assert_eq!(gains, [1.25, 0.75, 1.0, 1.25]);
}

#[test]
fn no_cycle_begins_with_the_phase_of_three_quarters() {
    for seed in 0..200 {
        let path = Path { seed, ..Path::default() };
        let params = crate::Registry::default().parse("bbr1").unwrap();
        let mut bbr = Bbr1::new(params.params(), &path);
        bbr.enter_probe_bw();
        assert_ne!(bbr.pacing_gain, 0.75, "seed {seed}");
    }
}

#[test]
fn every_ten_seconds_it_sends_four_packets_for_200_ms() {
    let mut pipe = Pipe::new("bbr1", "100Mbit/s", "20ms", 1000);
    // The last probe that found the queue empty restarts the interval, so it begins some time after ten seconds.
    while pipe.controller.explain().reason != "ProbeRTT" {
        pipe.run(MS);
        assert!(pipe.now < Time::ZERO + Span::from_secs(60));
    }
    assert!(pipe.now > Time::ZERO + RTPROP_FILTER_LEN, "{}", pipe.now);
    pipe.run(MS * 30);
    assert_eq!(window(&*pipe.controller), 4.0);
    pipe.run(MS * 220);
    assert_eq!(pipe.controller.explain().reason, "ProbeBW");
    assert!(window(&*pipe.controller) > 100.0);
}

#[test]
fn loss_does_not_lower_its_rate() {
    let mut pipe = Pipe::new("bbr1", "100Mbit/s", "20ms", 10);
    pipe.run(Span::from_secs(2));
    let used = pipe.run(Span::from_secs(6));
    assert!(used > 0.9, "{used}");
    assert!(pipe.drops > 100, "{}", pipe.drops);
}

#[test]
fn the_first_round_of_a_recovery_conserves_packets_and_its_end_restores_the_window() {
    let mut bbr = controller("bbr1");
    for _ in 0..5 {
        bbr.on_ack(&Ack { smoothed_rtt: MS, rtt: Some(MS), ..ack(2) });
    }
    let before = window(&*bbr);
    bbr.on_congestion(&congestion(Cause::Loss, 10));
    let mss = 1000;
    bbr.on_ack(&Ack { in_flight: Bytes::new(6 * mss), lost: Bytes::new(mss), phase: Phase::Recovery, ..ack(1) });
    assert_eq!(window(&*bbr), 7.0);
    bbr.on_ack(&Ack { in_flight: Bytes::new(6 * mss), phase: Phase::Recovery, ..ack(2) });
    assert_eq!(window(&*bbr), 8.0);
    bbr.on_recovered(Time::ZERO + MS);
    assert_eq!(window(&*bbr), before);
}

#[test]
fn a_timeout_leaves_one_packet_and_recovery_gives_the_window_back() {
    let mut pipe = Pipe::new("bbr1", "100Mbit/s", "20ms", 1000);
    pipe.run(Span::from_secs(1));
    let before = window(&*pipe.controller);
    pipe.controller.on_congestion(&congestion(Cause::Timeout, 10));
    assert_eq!(window(&*pipe.controller), 1.0);
    pipe.controller.on_recovered(pipe.now);
    assert_eq!(window(&*pipe.controller), before);
}

#[test]
fn after_an_idle_time_it_paces_at_its_bandwidth() {
    let mut pipe = Pipe::new("bbr1", "100Mbit/s", "20ms", 1000);
    pipe.run(MS * 600);
    while signal(&*pipe.controller, "pacing_gain") != 1.25 {
        pipe.run(MS);
    }
    let rate = |pipe: &Pipe| pipe.controller.control().pacing_rate.unwrap().bits_per_sec() as f64;
    assert!(rate(&pipe) > 120e6);
    let now = pipe.now + Span::from_secs(1);
    pipe.controller.on_sent(&Sent { now, restart: true, app_limited: true, ..Sent::default() });
    assert!((rate(&pipe) / 100e6 - 1.0).abs() < 0.03, "{}", rate(&pipe));
}
