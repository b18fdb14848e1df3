//! RFC 9937 (PRR) on whole connections.

use burstlab_algorithms::{Bytes, EcnFeedback, Phase, Span};

use super::super::Config;
use super::super::prr::Reduction;
use super::pair::{MSS, Pair, config, drop_data};
use super::rfc6675::{ack, leaves, out, sent_by};
use crate::Endpoint;

// holds: RFC9937 6.1 #1
#[test]
fn each_episode_counts_from_zero() {
    let mut prr = Reduction::default();
    let first = |prr: &mut Reduction| {
        prr.begin(20_000, true);
        prr.on_ack(4000, 15_000, 10_000, false, 1000);
        prr.window(10_000)
    };
    let fresh = first(&mut prr);
    prr.on_sent(9000);
    prr.on_ack(8000, 11_000, 10_000, false, 1000);
    prr.end();
    assert_eq!((fresh, first(&mut prr)), (17_000, 17_000));
}

// holds: RFC9937 6.1 #2, RFC9937 6.2 #4
#[test]
fn what_was_sacked_before_is_not_waited_for_again() {
    let mut pair = out(config(), 20);
    pair.a.write(pair.now, Bytes::new(50 * MSS));
    let before = ack(&pair, 1, &[(2, 4)]);
    pair.a.on_segment(pair.now, &before);
    // Limited transmit lets two out for the two SACKed.
    assert_eq!((pair.a.sender.phase, leaves(&mut pair).len()), (Phase::Open, 2));
    let mut sent = 0;
    for end in 7..=13 {
        let more = ack(&pair, 1, &[(2, end)]);
        pair.a.on_segment(pair.now, &more);
        sent += leaves(&mut pair).len() as u64;
        // 22 are out, 2 of them SACKed before: half a window of 10 for 20 that are still to be told of.
        let delivered = end - 4;
        assert_eq!((pair.a.sender.phase, sent), (Phase::Recovery, delivered * 10 / 20), "{end}");
    }
}

// holds: RFC9937 6.2 #1, RFC9937 6.2 #2
#[test]
fn without_sack_each_duplicate_ack_tells_of_a_segment_and_an_advance_of_the_rest() {
    let mut pair = out(Config { sack: false, tail_loss_probe: false, ..config() }, 20);
    let in_flight = |pair: &Pair| pair.a.snapshot().in_flight.get() / MSS;
    let duplicate = ack(&pair, 1, &[]);
    // The first of them says that the window is another one.
    pair.a.on_segment(pair.now, &duplicate);
    let delivered = |pair: &Pair| pair.told.lock().unwrap().acks.last().unwrap().delivered.get() / MSS;
    for n in 1..=6 {
        pair.a.on_segment(pair.now, &duplicate);
        let again = leaves(&mut pair).len() as u64;
        assert_eq!((delivered(&pair), again), (1, u64::from(n == 3)), "{n}");
        // The one that is lost is out of it as well, until it has left again.
        assert_eq!(in_flight(&pair), 20 - n, "{n}");
    }
    // All arrives but what leaves now: 20 less the 6 that were told of.
    let all = ack(&pair, 21, &[]);
    pair.a.on_segment(pair.now, &all);
    assert_eq!((delivered(&pair), in_flight(&pair)), (14, 0));
    // What is told of is never more than is out.
    pair.a.write(pair.now, Bytes::new(2 * MSS));
    leaves(&mut pair);
    let duplicate = ack(&pair, 21, &[]);
    (0..2).for_each(|_| pair.a.on_segment(pair.now, &duplicate));
    assert_eq!(in_flight(&pair), 1, "the first has not arrived, or the ACK would say so");
    pair.a.write(pair.now, Bytes::new(3 * MSS));
    leaves(&mut pair);
    (0..50).for_each(|_| pair.a.on_segment(pair.now, &duplicate));
    let lost = pair.a.sender.board.lost() / MSS;
    assert_eq!((in_flight(&pair), lost), (0, 1));
}

// holds: RFC9937 6.4
#[test]
fn the_ack_that_ends_an_episode_belongs_to_it_but_for_a_controller_that_goes_its_own_way() {
    for own in [false, true] {
        let pair = Pair::with(config(), EcnFeedback::None, |mut recorder| {
            recorder.control.own_recovery = own;
            recorder
        });
        let mut pair = sent_by(pair.opened(), 20);
        let told = |pair: &Pair| (pair.a.sender.phase, pair.told.lock().unwrap().acks.last().unwrap().phase);
        let (held, all) = (ack(&pair, 1, &[(2, 5)]), ack(&pair, 21, &[]));
        pair.a.on_segment(pair.now, &held);
        pair.a.on_segment(pair.now, &all);
        assert_eq!(told(&pair), (Phase::Open, if own { Phase::Open } else { Phase::Recovery }));
        pair.a.write(pair.now, Bytes::new(MSS));
        assert_eq!(leaves(&mut pair), [21]);
        let next = ack(&pair, 22, &[]);
        pair.a.on_segment(pair.now, &next);
        assert_eq!(told(&pair), (Phase::Open, Phase::Open));
    }
    let mut pair = out(Config { tail_loss_probe: false, sack: false, ..config() }, 5);
    pair.now = pair.a.next_wake();
    pair.a.on_wake(pair.now);
    assert_eq!(leaves(&mut pair), [1]);
    let all = ack(&pair, 6, &[]);
    pair.a.on_segment(pair.now, &all);
    let told = pair.told.lock().unwrap().acks.last().unwrap().phase;
    assert_eq!((pair.a.sender.phase, told), (Phase::Open, Phase::Loss));
}

// holds: RFC9937 6.4, RFC9937 11.2
#[test]
fn the_window_is_the_controllers_before_and_after() {
    let mut pair = Pair::open(config());
    assert_eq!(pair.a.sender.window(), 20 * MSS);
    pair.forward.rule = drop_data([30]);
    pair.transfer(200 * MSS);
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.a.sender.phase, pair.a.sender.window()), (Phase::Open, 10 * MSS));
    pair.a.sender.wanted = 17 * MSS;
    assert_eq!(pair.a.sender.window(), 17 * MSS, "from then on it follows the controller");
}

#[test]
fn without_sack_nothing_is_delivered_twice_though_the_network_doubled_packets() {
    let mut pair = out(Config { sack: false, tail_loss_probe: false, ..config() }, 10);
    // All but the first come twice: two duplicates for what is then acknowledged one by one.
    let duplicate = ack(&pair, 1, &[]);
    (0..3).for_each(|_| pair.a.on_segment(pair.now, &duplicate));
    for next in 2..=11 {
        let one = ack(&pair, next, &[]);
        pair.a.on_segment(pair.now, &one);
    }
    assert_eq!(pair.a.snapshot().delivered, 11 * MSS);
}

// holds: RFC9937 6.2 #2
#[test]
fn without_sack_a_partial_ack_tells_of_what_no_duplicate_stood_for() {
    let mut pair = out(Config { sack: false, tail_loss_probe: false, ..config() }, 20);
    // Packets 1 and 5 are lost; six of the others have arrived. The first duplicate says that the window is another one.
    let duplicate = ack(&pair, 1, &[]);
    (0..7).for_each(|_| pair.a.on_segment(pair.now, &duplicate));
    assert_eq!(leaves(&mut pair), [1]);
    let partial = ack(&pair, 5, &[]);
    pair.a.on_segment(pair.now, &partial);
    let delivered = pair.told.lock().unwrap().acks.last().unwrap().delivered.get();
    assert_eq!(delivered, MSS, "the retransmission; duplicates told of the three behind it");
}
