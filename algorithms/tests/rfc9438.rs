//! RFC 9438 (CUBIC), where no test beside the controller holds it.

use burstlab_algorithms::{Ack, Bytes, Cause, Congestion, Controller, Path, Phase, Registry, Span, Time};

const MSS: u64 = 1000;

fn cubic(spec: &str) -> Box<dyn Controller> {
    let path = Path { mss: Bytes::new(MSS), initial_window: Bytes::new(10 * MSS), ..Path::default() };
    Registry::default().parse(spec).unwrap().build(&path)
}

fn window(cubic: &dyn Controller) -> f64 {
    cubic.control().window.get() as f64 / MSS as f64
}

fn ack(packets: u64) -> Ack<'static> {
    let bytes = Bytes::new(packets * MSS);
    Ack { acked: bytes, delivered: bytes, mss: Bytes::new(MSS), ..Ack::default() }
}

fn congestion(cause: Cause, packets: u64) -> Congestion {
    Congestion { cause, in_flight: Bytes::new(packets * MSS), mss: Bytes::new(MSS), ..Congestion::default() }
}

/// A window of `packets` meets congestion.
fn after(cause: Cause, packets: u64) -> Box<dyn Controller> {
    let mut cubic = cubic("cubic?hystart=false");
    while window(&*cubic) < packets as f64 {
        cubic.on_ack(&ack(1));
    }
    cubic.on_congestion(&congestion(cause, packets));
    cubic
}

/// `rounds` round trips of 100 us, an ACK of the whole window each: so short that the cubic curve hardly moves.
fn run(cubic: &mut dyn Controller, now: &mut Time, rounds: usize) {
    let rtt = Span::from_micros(100);
    for _ in 0..rounds {
        *now += rtt;
        cubic.on_ack(&Ack { now: *now, smoothed_rtt: rtt, ..ack(window(cubic) as u64) });
    }
}

// holds: RFC9438 4.3 #2
#[test]
fn past_the_window_of_the_last_loss_it_adds_a_packet_a_round_trip_as_reno_does() {
    let mut cubic = after(Cause::Loss, 100);
    let mut now = Time::ZERO;
    assert_eq!(window(&*cubic), 70.0);
    // 0.53 packets a round trip up to 100, and 1 from there on.
    run(&mut *cubic, &mut now, 50);
    let early = window(&*cubic);
    assert!((early - 70.0 - 0.53 * 50.0).abs() < 1.0, "{early}");
    run(&mut *cubic, &mut now, 20);
    let at = window(&*cubic);
    run(&mut *cubic, &mut now, 50);
    assert!((window(&*cubic) - at - 50.0).abs() < 2.0, "{at} to {}", window(&*cubic));
}

// holds: RFC9438 4.4 #1, RFC9438 4.5 #1
#[test]
fn each_ack_adds_its_share_of_what_the_curve_will_have_grown_by_after_a_round_trip() {
    let mut cubic = after(Cause::Loss, 1000);
    let rtt = Span::from_millis(100);
    // K = cbrt((1000 - 700) / 0.4), a little above nine seconds.
    let k = (300.0f64 / 0.4).cbrt();
    let (mut now, mut sums) = (Time::ZERO, [0.0; 2]);
    for n in 0..15_000 {
        let before = window(&*cubic);
        let t = now.since(Time::ZERO).as_secs_f64();
        let target = 0.4 * (t + 0.1 - k).powi(3) + 1000.0;
        cubic.on_ack(&Ack { now, smoothed_rtt: rtt, ..ack(1) });
        let (grown, share) = (window(&*cubic) - before, (target.max(before) - before) / before);
        // Windows are whole bytes; less is kept for the next ACK. The first ACK is Reno's: the curve is no higher yet.
        assert!(n == 0 || (grown - share).abs() < 0.002, "after {t} s at {before}: {grown}, expected {share}");
        sums[usize::from(before >= 1000.0)] += grown;
        now += rtt / 100;
    }
    assert!(sums[0] > 290.0 && sums[1] > 50.0, "below and above the last maximum: {sums:?}");
}

// holds: RFC9438 4.8 #1, RFC9438 4.10 #1
#[test]
fn after_a_timeout_slow_start_leads_to_a_window_from_which_reno_would_go_on() {
    let mut cubic = after(Cause::Timeout, 100);
    assert_eq!(window(&*cubic), 1.0);
    // An ACK a packet: the window doubles each round trip.
    for expected in [2.0, 4.0, 8.0, 16.0, 32.0, 64.0] {
        for _ in 0..window(&*cubic) as u64 {
            cubic.on_ack(&Ack { phase: Phase::Loss, ..ack(1) });
        }
        assert_eq!(window(&*cubic), expected);
    }
    (0..6).for_each(|_| cubic.on_ack(&ack(1)));
    let mut now = Time::ZERO;
    run(&mut *cubic, &mut now, 20);
    let grown = window(&*cubic) - 70.0;
    assert!((grown - 0.53 * 20.0).abs() < 1.0, "{grown}");
}

// holds: RFC9438 4.6 #5
#[test]
fn marks_bring_the_window_down_to_one_packet_and_losses_to_two() {
    for (cause, least) in [(Cause::Ecn, 1.0), (Cause::Loss, 2.0)] {
        let mut cubic = cubic("cubic?ecn=true");
        for _ in 0..20 {
            let in_flight = cubic.control().window;
            cubic.on_congestion(&Congestion { in_flight, ..congestion(cause, 0) });
        }
        assert_eq!(window(&*cubic), least, "{cause:?}");
    }
}
