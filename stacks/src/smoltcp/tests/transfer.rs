//! Data arrives, whoever is on the other side and whatever happens on the way.

use burstlab_algorithms::{Bytes, EcnFeedback, Path, Rate, Registry, Span, Time};
use burstlab_network::{Direction, FlowId, Segment};
use proptest::prelude::*;

use super::super::{Congestion, Connection};
use super::wire::{Fate, Pair, drop_data, side};
use super::{config, enforced};
use crate::{Endpoint, Status, native};

const MB: u64 = 1_000_000;

fn native_side(direction: Direction, spec: &str) -> Box<dyn Endpoint> {
    let entry = Registry::default().parse(spec).unwrap();
    let config = native::Config { mss: 1000, ..native::Config::default() };
    let controller = entry.build(&config.path(Time::ZERO, 1));
    Box::new(native::Connection::new(config, direction, FlowId(1), controller, entry.ecn_feedback()))
}

#[test]
fn a_megabyte_arrives_under_every_control() {
    let controls: [fn() -> Congestion; 6] = [
        || Congestion::None,
        || Congestion::Reno,
        || Congestion::Cubic,
        || enforced("reno"),
        || enforced("dctcp"),
        || enforced("bbr"),
    ];
    for control in controls {
        let mut pair = Pair::new(control).opened();
        let took = pair.transfer(MB, Span::from_secs(1));
        // 8.4 ms at the link's rate.
        assert!(took < Span::from_millis(40), "{}: {took}", pair.a.explain().reason);
        assert_eq!(pair.a.counters().retransmitted_segments, 0);
        assert_eq!(pair.b.counters().unique_segments_received, 1000);
        assert_eq!(pair.a.counters().data_segments_sent, 1000, "full segments only");
        assert_eq!(pair.a.snapshot().delivered, MB);
    }
}

#[test]
fn both_directions_at_once() {
    let mut pair = Pair::new(|| enforced("dctcp")).opened();
    pair.b.write(pair.now, Bytes::new(MB));
    pair.transfer(MB, Span::from_secs(1));
    pair.run_for(Span::from_millis(10));
    assert_eq!(pair.a.received(), MB);
}

#[test]
fn native_and_smoltcp_understand_each_other() {
    for spec in ["cubic", "dctcp"] {
        let mut pair =
            Pair::of(native_side(Direction::Forward, spec), side(Direction::Backward, enforced(spec))).opened();
        pair.b.write(pair.now, Bytes::new(MB));
        pair.transfer(MB, Span::from_secs(1));
        pair.run_for(Span::from_millis(10));
        assert_eq!(pair.a.received(), MB);
        let mut pair =
            Pair::of(side(Direction::Forward, enforced(spec)), native_side(Direction::Backward, spec)).opened();
        pair.b.write(pair.now, Bytes::new(MB));
        pair.transfer(MB, Span::from_secs(1));
        pair.run_for(Span::from_millis(10));
        assert_eq!(pair.a.received(), MB);
    }
}

#[test]
fn both_sides_close_in_good_order() {
    for control in [|| Congestion::Reno, || enforced("reno")] {
        let mut pair = Pair::new(control).opened();
        pair.a.write(pair.now, Bytes::new(12_345));
        pair.a.close(pair.now);
        pair.a.write(pair.now, Bytes::new(1));
        pair.b.close(pair.now);
        pair.run_for(Span::from_secs(20));
        assert_eq!((pair.a.status(), pair.b.status()), (Status::Closed, Status::Closed));
        assert_eq!((pair.b.received(), pair.a.acknowledged(), pair.a.written()), (12_345, 12_345, 12_345));
        assert!(pair.a.next_wake().is_never() && pair.b.next_wake().is_never());
    }
}

#[test]
fn an_abort_resets_the_peer() {
    let mut pair = Pair::new(|| Congestion::Cubic).opened();
    pair.a.write(pair.now, Bytes::new(MB));
    pair.run_for(Span::from_micros(200));
    pair.a.abort(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.a.status(), pair.b.status()), (Status::Failed, Status::Failed));
}

#[test]
fn a_peer_that_is_gone_is_given_up() {
    let mut pair = Pair::new(|| enforced("reno")).opened();
    pair.forward.rule = Box::new(|_, _, _| Fate::Drop);
    pair.a.write(pair.now, Bytes::new(10_000));
    pair.run_for(Span::from_secs(3600));
    assert_eq!(pair.a.status(), Status::Failed);
    assert_eq!(pair.a.counters().timeouts, 16);
}

#[test]
fn a_peer_that_was_never_there_is_given_up() {
    let mut lone = side(Direction::Forward, Congestion::Reno);
    lone.connect(Time::ZERO);
    let mut now = Time::ZERO;
    while !lone.next_wake().is_never() {
        while lone.poll_transmit(now).is_some() {}
        now = lone.next_wake();
        lone.on_wake(now);
    }
    assert_eq!(lone.status(), Status::Failed);
}

#[test]
fn a_lost_handshake_is_repeated() {
    let mut pair = Pair::new(|| Congestion::Reno);
    pair.forward.rule = Box::new(|n, _, _| if n == 0 { Fate::Drop } else { Fate::Pass });
    pair.backward.rule = Box::new(|n, _, _| if n == 0 { Fate::Drop } else { Fate::Pass });
    pair.a.connect(pair.now);
    pair.a.write(pair.now, Bytes::new(5000));
    pair.run_for(Span::from_secs(10));
    assert_eq!(pair.b.received(), 5000);
}

#[test]
fn delayed_acknowledgements_halve_their_number() {
    let mut config = config();
    config.tcp.delayed_ack = Some(Span::from_millis(5));
    std::mem::swap(&mut config.own, &mut config.peer);
    let receiver = Box::new(Connection::new(config, Direction::Backward, FlowId(1), Congestion::None));
    let mut pair = Pair::of(side(Direction::Forward, Congestion::None), receiver).opened();
    pair.transfer(MB, Span::from_secs(1));
    assert!(pair.acks().len() <= 510, "{}", pair.acks().len());
}

#[test]
fn a_burst_into_a_short_queue_waits_for_the_timeout() {
    let mut pair = Pair::new(|| Congestion::None).opened();
    pair.forward.rule = drop_data(20..40);
    let took = pair.transfer(100_000, Span::from_secs(100));
    assert!(took > Span::from_secs(1), "{took}");
    assert!(pair.a.counters().timeouts > 0);
}

#[test]
fn a_path_without_controller_begins_with_the_configured_window() {
    let path: Path = config().path(Time::ZERO, 3);
    assert_eq!((path.mss, path.initial_window), (Bytes::new(1000), Bytes::new(10_000)));
}

#[test]
fn a_refused_port_fails_and_does_not_panic() {
    let mut config = config();
    config.own.set_port(0);
    config.peer.set_ip(std::net::Ipv4Addr::UNSPECIFIED);
    let mut connection = Connection::new(config, Direction::Forward, FlowId(1), Congestion::None);
    connection.connect(Time::ZERO);
    assert_eq!(connection.status(), Status::Failed);
}

/// A source of numbers (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn rough(seed: u64, loss: u64, late: u64) -> super::wire::Rule {
    let mut dice = Dice(seed);
    Box::new(move |_, _, _| match dice.next() % 100 {
        n if n < loss => Fate::Drop,
        n if n < loss + late => Fate::Late(Span::from_micros(dice.next() % 500)),
        _ => Fate::Pass,
    })
}

fn any_control() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["own none", "own reno", "own cubic", "reno", "cubic", "dctcp", "bbr"])
}

fn control(name: &str) -> Congestion {
    match name {
        "own none" => Congestion::None,
        "own reno" => Congestion::Reno,
        "own cubic" => Congestion::Cubic,
        spec => enforced(spec),
    }
}

fn any_segment() -> impl Strategy<Value = Segment> {
    let place = prop_oneof![any::<u32>(), 0u32..5000];
    (any::<u16>(), place.clone(), place, 0u32..3000, any::<u16>(), any::<u16>(), 0u8..20, any::<bool>()).prop_map(
        |(flags, seq, ack, payload, window, mss, shift, scaled)| {
            let mut segment = Segment { seq, ack, payload, window, ..Segment::default() };
            segment.flags = burstlab_network::Flags(flags & 0x1ff);
            segment.syn.mss = mss;
            segment.syn.window_scale = scaled.then_some(shift);
            segment
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn everything_arrives_over_a_rough_path(
        seed: u64, loss in 0u64..30, late in 0u64..30, name in any_control(), both: bool,
    ) {
        let mut pair = Pair::new(|| control(name));
        pair.forward.rule = rough(seed, loss, late);
        pair.backward.rule = rough(!seed, loss, late);
        pair.forward.rate = Rate::from_bits_per_sec(100_000_000);
        pair.a.connect(pair.now);
        if both {
            pair.b.write(pair.now, Bytes::new(30_000));
        }
        pair.transfer(50_000, Span::from_secs(40_000));
        if both {
            let end = pair.now + Span::from_secs(40_000);
            while pair.a.received() < 30_000 {
                prop_assert!(pair.step(end));
            }
        }
        // Retransmissions are told apart: there is no timeout within a second of anything.
        let seconds = pair.now.as_secs_f64() as u64;
        prop_assert!(pair.a.counters().timeouts <= seconds, "{} in {seconds} s", pair.a.counters().timeouts);
        prop_assert!(pair.b.counters().timeouts <= seconds);
    }

    #[test]
    fn connections_close_over_a_rough_path(
        seed: u64, loss in 0u64..30, late in 0u64..30, name in any_control(), both: bool,
    ) {
        let mut pair = Pair::new(|| control(name));
        pair.forward.rule = rough(seed, loss, late);
        pair.backward.rule = rough(!seed, loss, late);
        pair.forward.rate = Rate::from_bits_per_sec(100_000_000);
        pair.a.connect(pair.now);
        pair.a.write(pair.now, Bytes::new(20_000));
        if both {
            pair.b.write(pair.now, Bytes::new(30_000));
        }
        pair.a.close(pair.now);
        pair.b.close(pair.now);
        let end = pair.now + Span::from_secs(40_000);
        while pair.step(end) {}
        prop_assert_eq!(pair.b.received(), 20_000);
        prop_assert_eq!(pair.a.received(), if both { 30_000 } else { 0 });
        prop_assert_eq!((pair.a.status(), pair.b.status()), (Status::Closed, Status::Closed));
    }

    #[test]
    fn segments_that_make_no_sense_do_no_harm(
        segments in prop::collection::vec((any_segment(), any::<bool>()), 1..60), opens: bool, name in any_control(),
    ) {
        let mut connection = side(Direction::Forward, control(name));
        let mut now = Time::ZERO;
        if opens {
            connection.connect(now);
            connection.write(now, Bytes::new(20_000));
        }
        let mut last = Segment::default();
        for (mut segment, near) in segments {
            if near {
                // Numbers that the connection may take for its peer's.
                segment.ack = last.seq.wrapping_add(last.seq_len()).wrapping_sub(segment.ack % 3);
                segment.seq = last.ack.wrapping_add(segment.seq % 5000);
                if opens {
                    segment.flags = segment.flags.with(burstlab_network::Flags::ACK);
                }
            }
            connection.on_segment(now, &segment);
            for _ in 0..100_000 {
                let Some(sent) = connection.poll_transmit(now) else { break };
                last = sent;
            }
            now += Span::from_millis(300);
            connection.on_wake(now);
            prop_assert!(connection.next_wake() > now);
        }
    }
}

#[test]
fn the_feedback_of_an_own_control_is_none() {
    let (.., feedback, enforced) = Congestion::Reno.split();
    assert_eq!((feedback, enforced), (EcnFeedback::None, false));
}
