//! The whole of BBR on a small path.

use super::*;
use crate::testing::{Pipe, signal, states};

const MS: Span = Span::from_millis(1);

#[test]
fn startup_finds_the_bandwidth_and_drain_empties_the_queue() {
    let mut pipe = Pipe::new("bbr", "100Mbit/s", "20ms", 1000);
    let seen = states(&mut pipe, MS * 600, MS);
    assert_eq!(seen[..2], ["Startup", "Drain"]);
    assert_eq!(seen.last(), Some(&"ProbeBW_CRUISE"));
    let bw = signal(&*pipe.controller, "max_bw_bits_per_sec");
    assert!((bw / 100e6 - 1.0).abs() < 0.05, "{bw}");
    assert!((signal(&*pipe.controller, "min_rtt_s") - 0.02).abs() < 0.001);
    assert_eq!(pipe.drops, 0);
}

#[test]
fn it_cycles_through_probes_and_uses_the_path_with_hardly_a_queue() {
    let mut pipe = Pipe::new("bbr", "100Mbit/s", "20ms", 1000);
    pipe.run(MS * 600);
    let seen = states(&mut pipe, MS * 3500, MS);
    let cycle = ["ProbeBW_CRUISE", "ProbeBW_REFILL", "ProbeBW_UP", "ProbeBW_DOWN", "ProbeBW_CRUISE"];
    assert_eq!(seen[..5], cycle);
    assert!(pipe.run(MS * 500) > 0.98);
    assert_eq!(signal(&*pipe.controller, "inflight_longterm_bytes"), 0.0);
}

#[test]
fn cruising_it_leaves_the_queue_empty() {
    let mut pipe = Pipe::new("bbr", "100Mbit/s", "20ms", 1000);
    pipe.run(MS * 600);
    assert_eq!(pipe.controller.explain().reason, "ProbeBW_CRUISE");
    let used = pipe.run(MS * 500);
    assert!((0.98..1.0).contains(&used), "{used}");
    assert!(pipe.peak_queue <= 2, "{}", pipe.peak_queue);
}

#[test]
fn every_five_seconds_it_halves_the_volume_for_200_ms() {
    let mut pipe = Pipe::new("bbr", "100Mbit/s", "20ms", 1000);
    while pipe.controller.explain().reason != "ProbeRTT" {
        pipe.run(MS);
    }
    let began = pipe.now;
    assert!((Span::from_secs(5)..Span::from_millis(5500)).contains(&began.since(Time::ZERO)), "{began}");
    let half_of_bdp = (pipe.bdp() / 2.0) as u64 * 1000;
    assert!(pipe.controller.control().window.get().abs_diff(half_of_bdp) < 3000);
    let seen = states(&mut pipe, MS * 250, MS);
    assert_eq!(seen, ["ProbeRTT", "ProbeBW_CRUISE"]);
    let used = pipe.run(Span::from_secs(1));
    assert!(used > 0.95, "{used}");
}

#[test]
fn a_shallow_buffer_bounds_the_volume_and_the_loss() {
    let mut pipe = Pipe::new("bbr", "100Mbit/s", "20ms", 50);
    pipe.run(Span::from_secs(1));
    let drops = pipe.drops;
    let used = pipe.run(Span::from_secs(8));
    assert!(used > 0.93, "{used}");
    let lost = (pipe.drops - drops) as f64 * 1000.0 / pipe.delivered as f64;
    assert!(lost < 0.01, "{lost}");
    let bound = signal(&*pipe.controller, "inflight_longterm_bytes") / 1000.0;
    assert!((pipe.bdp()..pipe.bdp() + 60.0).contains(&bound), "{bound}");
}

#[test]
fn a_datacentre_path_is_used_with_a_small_queue() {
    let mut pipe = Pipe::new("bbr", "10Gbit/s", "20us", 250);
    pipe.run(MS * 5);
    let used = pipe.run(MS * 50);
    assert!(used > 0.97, "{used}");
    assert!(pipe.peak_queue < 40, "{}", pipe.peak_queue);
    assert_eq!(pipe.drops, 0);
}

#[test]
fn offload_needs_more_in_flight_than_a_short_path_holds() {
    let mut pipe = Pipe::new("bbr?quantum=64KiB", "10Gbit/s", "20us", 250);
    pipe.run(MS * 5);
    assert_eq!(pipe.controller.control().burst, Bytes::new(65_536));
    assert!(pipe.controller.control().window >= Bytes::new(3 * 65_536));
}

#[test]
fn ten_times_the_bandwidth_is_found_and_ten_times_less_is_borne() {
    let mut pipe = Pipe::new("bbr", "100Mbit/s", "10ms", 2000);
    pipe.run(Span::from_secs(2));
    pipe.rate = "1Gbit/s".parse().unwrap();
    pipe.run(Span::from_secs(12));
    let bw = signal(&*pipe.controller, "max_bw_bits_per_sec");
    assert!(bw > 0.9e9, "{bw}");
    pipe.rate = "100Mbit/s".parse().unwrap();
    pipe.run(Span::from_secs(12));
    let bw = signal(&*pipe.controller, "bw_bits_per_sec");
    assert!((bw / 1e8 - 1.0).abs() < 0.15, "{bw}");
}

#[test]
fn an_application_that_is_the_limit_does_not_end_startup() {
    let mut pipe = Pipe::new("bbr", "100Mbit/s", "20ms", 1000);
    pipe.application = Some("10Mbit/s".parse().unwrap());
    pipe.run(Span::from_secs(3));
    assert_eq!(pipe.controller.explain().reason, "Startup");
    pipe.application = None;
    pipe.run(Span::from_secs(1));
    assert!(signal(&*pipe.controller, "max_bw_bits_per_sec") > 95e6);
}

#[test]
fn after_an_idle_time_it_paces_at_its_bandwidth() {
    let mut pipe = Pipe::new("bbr", "100Mbit/s", "20ms", 1000);
    while pipe.controller.explain().reason != "ProbeBW_UP" {
        pipe.run(MS);
    }
    let rate = |pipe: &Pipe| pipe.controller.control().pacing_rate.unwrap().bits_per_sec() as f64;
    assert!(rate(&pipe) > 120e6);
    let now = pipe.now + Span::from_secs(1);
    pipe.controller.on_sent(&Sent { now, restart: true, ..Sent::default() });
    assert!((rate(&pipe) / 99e6 - 1.0).abs() < 0.02, "{}", rate(&pipe));
}

#[test]
fn a_timeout_leaves_one_packet_and_recovery_gives_the_window_back() {
    let mut pipe = Pipe::new("bbr", "100Mbit/s", "20ms", 1000);
    pipe.run(Span::from_secs(1));
    let before = pipe.controller.control().window;
    let timeout = Congestion { now: pipe.now, cause: Cause::Timeout, ..Congestion::default() };
    pipe.controller.on_congestion(&timeout);
    assert_eq!(pipe.controller.control().window, Bytes::new(1000));
    pipe.controller.on_recovered(pipe.now);
    assert_eq!(pipe.controller.control().window, before);
}

#[test]
fn a_spurious_loss_brings_the_probe_back() {
    let mut pipe = Pipe::new("bbr", "100Mbit/s", "20ms", 1000);
    while pipe.controller.explain().reason != "ProbeBW_UP" {
        pipe.run(MS);
    }
    let lost = LostPacket {
        now: pipe.now,
        bytes: Bytes::new(1000),
        tx_in_flight: Bytes::new(250_000),
        lost_since_sent: Bytes::new(10_000),
        ..LostPacket::default()
    };
    pipe.controller.on_lost(&lost);
    assert_eq!(pipe.controller.explain().reason, "ProbeBW_DOWN");
    assert!(signal(&*pipe.controller, "inflight_longterm_bytes") > 0.0);
    // Further packets of the same loss do not blur what was before it.
    pipe.controller.on_lost(&lost);
    pipe.controller.on_undo(pipe.now);
    assert_eq!(pipe.controller.explain().reason, "ProbeBW_REFILL");
    assert_eq!(signal(&*pipe.controller, "inflight_longterm_bytes"), 0.0);
}

#[test]
fn loss_while_cruising_lowers_the_short_term_bounds_until_the_next_probe() {
    let mut pipe = Pipe::new("bbr", "100Mbit/s", "20ms", 1000);
    pipe.run(MS * 600);
    assert_eq!(pipe.controller.explain().reason, "ProbeBW_CRUISE");
    pipe.buffer = 0;
    pipe.run(MS * 5);
    pipe.buffer = 1000;
    pipe.run(MS * 60);
    assert!(signal(&*pipe.controller, "inflight_shortterm_bytes") > 0.0);
    while pipe.controller.explain().reason == "ProbeBW_CRUISE" {
        pipe.run(MS);
    }
    assert_eq!(signal(&*pipe.controller, "inflight_shortterm_bytes"), 0.0);
}
