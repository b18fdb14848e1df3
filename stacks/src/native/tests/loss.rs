//! Loss and its repair.

use burstlab_algorithms::{Bytes, Cause, Span};
use burstlab_network::{Direction, Flags, SackBlock, Segment};

use super::pair::{Dice, Fate, MSS, Pair, config, drop_data};
use crate::Endpoint;

#[test]
fn a_clean_path_carries_everything_once() {
    let mut pair = Pair::open(config());
    pair.transfer(1_000 * MSS);
    let counters = pair.a.counters();
    assert_eq!((counters.data_segments_sent, counters.retransmitted_segments), (1000, 0));
    assert_eq!(pair.b.counters().unique_segments_received, 1000);
    assert_eq!(pair.causes(), []);
}

// holds: RFC5681 3.2 #3, RFC6675 5 #4, RFC9293 SHLD-31
#[test]
fn a_lost_packet_is_repaired_fast_and_reduces_once() {
    let mut pair = Pair::open(config());
    pair.forward.rule = drop_data([5]);
    pair.transfer(100 * MSS);
    assert_eq!(pair.causes(), [Cause::Loss]);
    let counters = pair.a.counters();
    assert_eq!((counters.retransmitted_segments, counters.timeouts, counters.recoveries), (1, 0, 1));
    assert_eq!(pair.told.lock().unwrap().recovered, 1);
}

// holds: RFC8985 6.2 #5
#[test]
fn a_lost_retransmission_is_found_by_time() {
    let mut pair = Pair::open(config());
    // The 6th packet, and the first thing that is sent again.
    let mut drops = 0;
    pair.forward.rule = Box::new(move |_, s| {
        let hit = s.payload > 0 && s.seq == 5 * MSS as u32 + 1 && drops < 2;
        drops += u32::from(hit);
        if hit { Fate::Drop } else { Fate::Pass }
    });
    pair.transfer(200 * MSS);
    assert_eq!((pair.a.counters().retransmitted_segments, pair.a.counters().timeouts), (2, 0));
}

#[test]
fn a_fin_behind_a_hole_is_told_of_with_the_data_that_it_came_with() {
    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(5 * MSS));
    pair.a.close(pair.now);
    let sent: Vec<Segment> = std::iter::from_fn(|| pair.a.poll_transmit(pair.now)).collect();
    assert!(sent.len() == 5 && sent[4].flags.has(Flags::FIN));
    // The first two are lost.
    sent[2..].iter().for_each(|segment| pair.b.on_segment(pair.now, segment));
    let told = pair.b.poll_transmit(pair.now).unwrap();
    let all = SackBlock { start: sent[2].seq, end: sent[4].seq.wrapping_add(sent[4].seq_len()) };
    assert_eq!(told.sack.as_slice(), [all]);
}

#[test]
fn random_loss_both_ways_delivers_everything() {
    for seed in 0..30 {
        let mut pair = Pair::open(config());
        for (n, pipe) in [&mut pair.forward, &mut pair.backward].into_iter().enumerate() {
            let mut dice = Dice(seed * 2 + n as u64);
            pipe.rule = Box::new(move |_, _| match dice.next() % 20 {
                0 | 1 => Fate::Drop,
                2 => Fate::Twice,
                3 => Fate::Late(Span::from_micros(dice.next() % 100)),
                _ => Fate::Pass,
            });
        }
        pair.transfer(300 * MSS);
        assert!(pair.data(Direction::Forward).len() > 300);
    }
}
