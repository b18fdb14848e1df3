//! RFC 8257 (DCTCP), where no test beside the controller holds it.

use burstlab_algorithms::{Ack, Bytes, Cause, Congestion, Controller, Path, Registry};

const MSS: u64 = 1000;

fn controller(spec: &str) -> Box<dyn Controller> {
    let path = Path { mss: Bytes::new(MSS), initial_window: Bytes::new(10 * MSS), ..Path::default() };
    Registry::default().parse(spec).unwrap().build(&path)
}

fn alpha(dctcp: &dyn Controller) -> f64 {
    dctcp.explain().signals.iter().find(|(name, _)| *name == "alpha").unwrap().1
}

fn ack(una: u64, next: u64, packets: u64, marked: u64) -> Ack<'static> {
    let bytes = Bytes::new(packets * MSS);
    Ack {
        una: una * MSS,
        next: next * MSS,
        acked: bytes,
        delivered: bytes,
        ce_marked: Bytes::new(marked * MSS),
        ece: marked > 0,
        mss: Bytes::new(MSS),
        window_limited: true,
        ..Ack::default()
    }
}

fn congestion(cause: Cause, packets: u64) -> Congestion {
    Congestion { cause, in_flight: Bytes::new(packets * MSS), mss: Bytes::new(MSS), ..Congestion::default() }
}

// holds: RFC8257 3.3 #1, RFC8257 3.3 #2
#[test]
fn the_estimate_moves_once_all_that_was_out_is_acknowledged() {
    let mut dctcp = controller("dctcp?g=0.5");
    assert_eq!(alpha(&*dctcp), 1.0);
    dctcp.on_ack(&ack(1, 11, 1, 0));
    assert_eq!(alpha(&*dctcp), 0.5, "the first window ends with the first ACK");
    // The next one lasts until packet 11 is acknowledged, whatever leaves meanwhile.
    for una in 2..=11 {
        dctcp.on_ack(&ack(una, 11 + 2 * una, 1, u64::from(una <= 5)));
        assert_eq!(alpha(&*dctcp), 0.5, "{una}");
    }
    dctcp.on_ack(&ack(12, 40, 1, 0));
    assert_eq!(alpha(&*dctcp), 0.5 * 0.5 + 0.5 * 4.0 / 11.0);
}

// holds: RFC8257 4.2 #2
#[test]
fn alpha_stays_at_one_at_most_whatever_the_peer_tells() {
    let mut dctcp = controller("dctcp?g=1");
    for una in 1..20 {
        dctcp.on_ack(&ack(una, una + 1, 1, 50));
        assert!(alpha(&*dctcp) <= 1.0, "{}", alpha(&*dctcp));
    }
    dctcp.on_congestion(&congestion(Cause::Ecn, 20));
    assert!(dctcp.control().window >= Bytes::new(2 * MSS));
}

// holds: RFC8257 3.5 #1, RFC8257 3.5 #2, RFC8257 3.5 #3
#[test]
fn loss_and_timeout_change_window_and_threshold_as_renos() {
    let mut pair = [controller("dctcp"), controller("reno")];
    let state = |c: &dyn Controller| (c.control().window, c.slow_start_threshold());
    let mut una = 0;
    for (cause, flight) in [(Cause::Loss, 40), (Cause::Loss, 15), (Cause::Timeout, 9), (Cause::Loss, 7)] {
        for _ in 0..30 {
            una += 1;
            pair.iter_mut().for_each(|c| c.on_ack(&ack(una, una + flight, 1, 0)));
        }
        pair.iter_mut().for_each(|c| c.on_congestion(&congestion(cause, flight)));
        assert_eq!(state(&*pair[0]), state(&*pair[1]), "{cause:?} with {flight} out");
    }
    let mut dctcp = controller("dctcp");
    dctcp.on_congestion(&congestion(Cause::Ecn, 10));
    dctcp.on_congestion(&congestion(Cause::Loss, 10));
    dctcp.on_congestion(&congestion(Cause::Timeout, 10));
    assert_eq!(dctcp.control().window, Bytes::new(MSS));
}
