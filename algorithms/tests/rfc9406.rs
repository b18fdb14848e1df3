//! RFC 9406 (HyStart++), through the controller that uses it.

use burstlab_algorithms::{Ack, Bytes, Cause, Congestion, Controller, Path, Registry, Span};

const MSS: u64 = 1000;

fn cubic() -> Box<dyn Controller> {
    let path = Path { mss: Bytes::new(MSS), initial_window: Bytes::new(10 * MSS), ..Path::default() };
    Registry::default().parse("cubic").unwrap().build(&path)
}

/// Round `number` with `samples` ACKs of a round trip of `ms`; gives what the controller said at its end.
fn round(cubic: &mut dyn Controller, number: u64, samples: u64, ms: u64) -> &'static str {
    for n in 0..samples {
        cubic.on_ack(&Ack {
            una: number * 100 + n,
            next: (number + 1) * 100,
            rtt: Some(Span::from_millis(ms)),
            acked: Bytes::new(MSS),
            delivered: Bytes::new(MSS),
            mss: Bytes::new(MSS),
            ..Ack::default()
        });
    }
    cubic.explain().reason
}

// holds: RFC9406 4.3 #1
#[test]
fn on_a_long_path_a_rise_of_16_ms_is_enough() {
    for (rise, said) in [(15, "slow start"), (16, "conservative slow start")] {
        let mut cubic = cubic();
        round(&mut *cubic, 1, 10, 400);
        assert_eq!(round(&mut *cubic, 2, 10, 400 + rise), said, "{rise} ms");
    }
}

// holds: RFC9406 4.3 #1
#[test]
fn a_round_is_judged_by_eight_samples_and_not_by_seven() {
    for (samples, said) in [(7, "slow start"), (8, "conservative slow start")] {
        let mut cubic = cubic();
        round(&mut *cubic, 1, 10, 20);
        assert_eq!(round(&mut *cubic, 2, samples, 60), said, "{samples} samples");
    }
}

// holds: RFC9406 4.3 #1
#[test]
fn conservative_slow_start_lasts_five_rounds_the_one_that_began_it_among_them() {
    let mut cubic = cubic();
    round(&mut *cubic, 1, 10, 20);
    let said: Vec<&str> = (2..8).map(|number| round(&mut *cubic, number, 10, 60)).collect();
    assert!(said[..5].iter().all(|said| *said == "conservative slow start"), "{said:?}");
    assert_ne!(said[5], "conservative slow start");
}

// holds: RFC9406 4.3 #2
#[test]
fn slow_start_after_a_timeout_does_not_look_at_delay() {
    let mut cubic = cubic();
    round(&mut *cubic, 1, 10, 20);
    cubic.on_congestion(&Congestion {
        cause: Cause::Timeout,
        in_flight: Bytes::new(1_000 * MSS),
        mss: Bytes::new(MSS),
        ..Congestion::default()
    });
    for (number, ms) in (2..8).zip([20, 40, 80, 160, 320, 640]) {
        let before = cubic.control().window;
        assert_eq!(round(&mut *cubic, number, 10, ms), "slow start");
        assert_eq!(cubic.control().window, before + Bytes::new(10 * MSS), "a packet for each ACK, as ever");
    }
}
