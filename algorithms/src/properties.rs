//! What holds of every controller, whatever it is told.

use proptest::prelude::*;

use crate::{
    Ack, Bytes, Cause, Congestion, Controller, LostPacket, Path, Phase, Rate, RateSample, Registry, Sent, Span, Time,
};

/// One call, with numbers as wild as a stack could ever make them.
#[derive(Debug, Clone)]
enum Call {
    Ack { step: u64, acked: u64, lost: u64, marked: bool, rtt: u64, phase: u8, limited: bool, rate: Option<(u64, u64)> },
    Congestion { cause: u8, in_flight: u64 },
    Recovered,
    Undo,
    Lost { bytes: u64, in_flight: u64 },
    Sent { step: u64, restart: bool },
    Timer,
}

fn bytes() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1..100_000u64, Just(1 << 40)]
}

fn span() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1..100_000u64, 1..10_000_000_000u64, Just(1 << 50)]
}

fn call() -> impl Strategy<Value = Call> {
    let rate = prop::option::of((bytes(), span()));
    prop_oneof![
        6 => (span(), bytes(), bytes(), any::<bool>(), span(), 0..4u8, any::<bool>(), rate).prop_map(
            |(step, acked, lost, marked, rtt, phase, limited, rate)| {
                Call::Ack { step, acked, lost, marked, rtt, phase, limited, rate }
            }
        ),
        2 => (0..3u8, bytes()).prop_map(|(cause, in_flight)| Call::Congestion { cause, in_flight }),
        1 => Just(Call::Recovered),
        1 => Just(Call::Undo),
        2 => (bytes(), bytes()).prop_map(|(bytes, in_flight)| Call::Lost { bytes, in_flight }),
        2 => (span(), any::<bool>()).prop_map(|(step, restart)| Call::Sent { step, restart }),
        1 => Just(Call::Timer),
    ]
}

/// Makes the call as a stack would; `now` and `delivered` go forward.
fn make(controller: &mut dyn Controller, call: &Call, now: &mut Time, delivered: &mut u64) {
    let mss = Bytes::new(1460);
    match *call {
        Call::Ack { step, acked, lost, marked, rtt, phase, limited, rate } => {
            *now += Span::from_nanos(step);
            *delivered += acked;
            let acked = Bytes::new(acked);
            let rtt = Span::from_nanos(rtt);
            controller.on_ack(&Ack {
                now: *now,
                acked,
                delivered: acked,
                lost: Bytes::new(lost),
                ece: marked,
                ce_marked: if marked { acked } else { Bytes::ZERO },
                rtt: (!rtt.is_zero()).then_some(rtt),
                smoothed_rtt: rtt,
                rate: rate.map(|(over, interval)| RateSample {
                    delivered: Bytes::new(over),
                    interval: Span::from_nanos(interval),
                    total_delivered: *delivered,
                    prior_delivered: delivered.saturating_sub(over),
                    tx_in_flight: Bytes::new(over),
                    lost: Bytes::new(lost),
                    app_limited: !limited,
                    ..RateSample::default()
                }),
                in_flight: Bytes::new(lost),
                prior_in_flight: Bytes::new(lost) + acked,
                window_limited: limited,
                phase: [Phase::Open, Phase::Reducing, Phase::Recovery, Phase::Loss][usize::from(phase)],
                mss,
                una: *delivered,
                next: *delivered + lost,
                fair_share: rate.map(|(over, _)| Rate::from_bits_per_sec(over)),
                ..Ack::default()
            });
        }
        Call::Congestion { cause, in_flight } => controller.on_congestion(&Congestion {
            now: *now,
            cause: [Cause::Loss, Cause::Ecn, Cause::Timeout][usize::from(cause)],
            in_flight: Bytes::new(in_flight),
            mss,
            next: *delivered,
        }),
        Call::Recovered => controller.on_recovered(*now),
        Call::Undo => controller.on_undo(*now),
        Call::Lost { bytes, in_flight } => controller.on_lost(&LostPacket {
            now: *now,
            bytes: Bytes::new(bytes),
            tx_in_flight: Bytes::new(in_flight),
            lost_since_sent: Bytes::new(bytes),
            prior_delivered: *delivered,
            app_limited: false,
        }),
        Call::Sent { step, restart } => {
            *now += Span::from_nanos(step);
            controller.on_sent(&Sent { now: *now, bytes: mss, restart, ..Sent::default() });
        }
        Call::Timer => controller.on_timer(*now),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_sequence_of_calls_breaks_a_controller(calls in prop::collection::vec(call(), 1..150), seed in any::<u64>()) {
        let registry = Registry::default();
        let plain = registry.entries().iter().map(|entry| entry.name);
        for spec in plain.chain(["reno?hystart=true&ecn=true", "paced?rate=1Gbit/s", "cubic?restart_after=1us", "bbr?quantum=64KiB"]) {
            let builder = registry.parse(spec).unwrap();
            let mut controller = builder.build(&Path { seed, ..Path::default() });
            let (mut now, mut delivered) = (Time::ZERO, 0);
            for call in &calls {
                make(&mut *controller, call, &mut now, &mut delivered);
                let control = controller.control();
                prop_assert!(control.window.get() >= 1000, "{spec} after {call:?}: {control:?}");
                prop_assert!(control.pacing_rate != Some(Rate::ZERO), "{spec} after {call:?}: {control:?}");
                prop_assert!(control.burst.get() >= 1000, "{spec} after {call:?}: {control:?}");
                let finite = controller.explain().signals.iter().all(|(_, value)| value.is_finite());
                prop_assert!(finite, "{spec} after {call:?}: {:?}", controller.explain());
            }
        }
    }
}
