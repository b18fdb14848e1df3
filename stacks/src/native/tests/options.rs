//! What the application changes on the way, and what it is told.

use burstlab_algorithms::{Bytes, Rate, Registry, Span, Time};
use burstlab_network::{Direction, Flags};

use super::super::{Config, CongestionState};
use super::pair::{Fate, MSS, Pair, config, drop_data};
use crate::Endpoint;

fn sizes(pair: &Pair) -> Vec<u32> {
    pair.data(Direction::Forward).iter().map(|(_, s)| s.payload).collect()
}

fn pushed(pair: &Pair) -> Vec<bool> {
    pair.data(Direction::Forward).iter().map(|(_, s)| s.flags.has(Flags::PSH)).collect()
}

#[test]
fn a_cork_holds_a_small_segment_until_it_is_drawn() {
    let mut pair = Pair::open(config());
    pair.a.set_cork(true);
    pair.a.write(pair.now, Bytes::new(2_300));
    pair.run_for(Span::from_micros(500));
    assert_eq!(sizes(&pair), [1000, 1000]);
    pair.a.write(pair.now, Bytes::new(400));
    pair.a.set_cork(false);
    pair.run_for(Span::from_micros(500));
    assert_eq!(sizes(&pair), [1000, 1000, 700]);
}

#[test]
fn a_cork_holds_for_a_timeout_at_most() {
    let mut pair = Pair::open(config());
    pair.a.set_cork(true);
    pair.a.write(pair.now, Bytes::new(300));
    pair.run_for(Span::from_millis(9));
    assert_eq!(sizes(&pair), [0u32; 0]);
    pair.run_for(Span::from_millis(2));
    assert_eq!((sizes(&pair), pair.b.received()), (vec![300], 300));
}

#[test]
fn a_write_with_more_to_follow_waits_for_it() {
    let mut pair = Pair::open(config());
    pair.a.write_more(Bytes::new(600));
    pair.run_for(Span::from_micros(500));
    assert_eq!(sizes(&pair), [0u32; 0]);
    pair.a.write(pair.now, Bytes::new(100));
    pair.run_for(Span::from_micros(500));
    assert_eq!(sizes(&pair), [700]);
}

#[test]
fn a_segment_ends_where_a_record_does() {
    let mut pair = Pair::open(config());
    pair.a.write(pair.now, Bytes::new(1_400));
    pair.a.end_record();
    pair.a.write(pair.now, Bytes::new(1_000));
    pair.a.end_record();
    pair.a.write(pair.now, Bytes::new(50));
    pair.run_for(Span::from_micros(500));
    assert_eq!(sizes(&pair), [1000, 400, 1000, 50]);
    assert_eq!(pushed(&pair), [false, true, true, true]);
    assert_eq!(pair.b.received(), 2_450);
}

// holds: RFC9293 MUST-61
#[test]
fn the_last_segment_of_what_was_written_is_pushed_and_stays_so_when_it_is_sent_again() {
    let mut pair = Pair::open(config());
    pair.forward.rule = drop_data([2]);
    pair.a.write(pair.now, Bytes::new(3 * MSS));
    pair.run_for(Span::from_micros(10));
    pair.a.write(pair.now, Bytes::new(2 * MSS));
    pair.run_for(Span::from_millis(5));
    assert_eq!(pushed(&pair), [false, false, true, false, true, true]);
    let data = pair.data(Direction::Forward);
    assert_eq!(data[5].1.seq, data[2].1.seq);
    pair.a.close(pair.now);
    pair.run_for(Span::from_millis(1));
    let fin = pair.log.iter().find(|(_, s)| s.flags.has(Flags::FIN)).unwrap().1;
    assert!(!fin.flags.has(Flags::PSH), "a bare FIN has nothing to push");
}

#[test]
fn minshalls_variant_waits_for_small_segments_only() {
    for (minshall, first) in [(true, vec![1000, 500]), (false, vec![1000])] {
        let mut pair = Pair::open(Config { nagle: true, minshall, ..config() });
        pair.a.write(pair.now, Bytes::new(1_500));
        pair.pump();
        assert_eq!(sizes(&pair), first);
        pair.a.write(pair.now, Bytes::new(100));
        pair.pump();
        assert_eq!(sizes(&pair), first, "now a small one is out, or still waits");
        pair.run_for(Span::from_millis(1));
        assert_eq!(pair.b.received(), 1_600);
        pair.a.set_nagle(false);
        pair.a.write(pair.now, Bytes::new(1));
        pair.a.write(pair.now, Bytes::new(1));
        pair.run_for(Span::from_millis(1));
        assert_eq!(pair.b.received(), 1_602);
    }
}

#[test]
fn the_first_acks_are_not_delayed_and_can_be_asked_for() {
    let delayed_ack = Some(Span::from_millis(2));
    let mut pair = Pair::open(Config { delayed_ack, quick_acks: 3, ..config() });
    for n in 1..=5 {
        pair.a.write(pair.now, Bytes::new(100));
        pair.run_for(Span::from_micros(200));
        // The third of them went with the handshake.
        assert_eq!(pair.acks().len(), n.min(3), "{n}");
    }
    pair.b.set_quick_acks(true);
    pair.pump();
    assert_eq!(pair.acks().len(), 4, "what waits is acknowledged at once");
    pair.a.write(pair.now, Bytes::new(100));
    pair.run_for(Span::from_micros(200));
    assert_eq!(pair.acks().len(), 5);
}

#[test]
fn a_smaller_segment_size_holds_from_now_on() {
    let mut pair = Pair::open(config());
    pair.a.set_max_segment(600);
    pair.a.set_max_segment(900);
    pair.transfer(1_800);
    assert_eq!(sizes(&pair), [600, 600, 600]);
}

#[test]
fn a_larger_receive_buffer_opens_the_window_and_a_smaller_one_takes_nothing_back() {
    let mut pair = Pair::open(Config { receive_buffer: Bytes::new(8 * MSS), window_shift: Some(3), ..config() });
    pair.b.set_reading(false);
    pair.a.write(pair.now, Bytes::new(40 * MSS));
    pair.run_for(Span::from_millis(5));
    assert_eq!((pair.b.readable(), pair.b.receiver.shift), (8 * MSS, 3));
    pair.b.set_receive_buffer(Bytes::new(16 * MSS));
    pair.run_for(Span::from_millis(1));
    assert_eq!(pair.b.readable(), 16 * MSS);
    pair.b.set_receive_buffer(Bytes::new(2 * MSS));
    pair.b.read(Bytes::new(4 * MSS));
    pair.run_for(Span::from_millis(5));
    assert!(pair.b.readable() < 13 * MSS);
}

#[test]
fn the_applications_rate_holds_whatever_the_controller_wants() {
    let mut pair = Pair::open(config());
    pair.a.set_max_pacing_rate(Some(Rate::from_bits_per_sec(1_000_000_000)));
    pair.transfer(20 * MSS);
    let at: Vec<Time> = pair.data(Direction::Forward).iter().map(|(at, _)| *at).collect();
    assert!(at.windows(2).all(|w| w[1].since(w[0]) == Span::from_micros(8)), "{at:?}");
    assert_eq!(pair.a.info(pair.now).max_pacing_rate, Some(Rate::from_bits_per_sec(1_000_000_000)));
}

#[test]
fn another_controller_takes_over() {
    let mut pair = Pair::open(config());
    pair.transfer(50 * MSS);
    let reno = Registry::default().parse("reno").unwrap();
    pair.a.set_controller(pair.now, reno.build(&config().path(pair.now, 1)));
    assert_eq!(pair.a.info(pair.now).snd_cwnd, 10);
    pair.transfer(100 * MSS);
    assert!(pair.a.info(pair.now).snd_cwnd > 10);
}

// holds: RFC9293 MUST-20 (R2)
#[test]
fn a_user_timeout_ends_what_nobody_acknowledges() {
    for tail_loss_probe in [true, false] {
        let mut pair = Pair::open(Config { tail_loss_probe, ..config() });
        pair.a.set_user_timeout(Some(Span::from_millis(150)));
        pair.transfer(10 * MSS);
        pair.forward.rule = Box::new(|_, _| Fate::Drop);
        let start = pair.now;
        pair.a.write(pair.now, Bytes::new(MSS));
        let end = pair.settle(Span::from_secs(100));
        assert_eq!(pair.a.failure(), Some(super::super::Failure::TimedOut));
        let waited = end.since(start);
        assert!(waited >= Span::from_millis(150) && waited < Span::from_millis(152), "{waited}");
    }
}

#[test]
fn linuxs_floor_of_the_timeout_adds_to_the_round_trip() {
    let min_rto = Span::from_millis(10);
    let mut pair = Pair::open(Config { min_rto_on_variation: true, min_rto, ..config() });
    pair.transfer(500 * MSS);
    let info = pair.a.info(pair.now);
    assert_eq!(info.rto, info.rtt + min_rto);
}

#[test]
fn milliseconds_will_do_for_timestamps() {
    let mut pair = Pair::open(Config { timestamps: true, timestamp_tick: Span::from_millis(1), ..config() });
    pair.run_for(Span::from_millis(77));
    pair.forward.rule = drop_data([3, 20]);
    pair.transfer(100 * MSS);
    let stamp = pair.data(Direction::Forward)[0].1.timestamps.unwrap();
    assert_eq!(stamp.value, 77);
    let info = pair.a.info(pair.now);
    assert!(info.min_rtt.unwrap() >= Span::from_micros(100), "{:?}", info.min_rtt);
}

#[test]
fn what_a_connection_knows_of_itself_adds_up() {
    let mut pair = Pair::open(config());
    pair.forward.rule = drop_data([5]);
    pair.a.write(pair.now, Bytes::new(30 * MSS));
    pair.run_for(Span::from_micros(110));
    let info = pair.a.info(pair.now);
    assert_eq!((info.state, info.ca_state), (1, CongestionState::Recovery));
    assert_eq!(
        (info.notsent_bytes, info.bytes_sent),
        (30 * MSS - (info.bytes_sent - info.bytes_retrans), info.bytes_sent)
    );
    assert_eq!(u64::from(info.unacked), (info.bytes_sent - info.bytes_retrans - info.bytes_acked) / MSS);
    assert!(info.sacked > 0 && info.retrans == 1);
    pair.run_for(Span::from_millis(5));
    let (a, b) = (pair.a.info(pair.now), pair.b.info(pair.now));
    assert_eq!((a.ca_state, a.unacked, a.sacked, a.lost, a.retrans), (CongestionState::Open, 0, 0, 0, 0));
    assert_eq!((a.bytes_acked, a.bytes_sent, a.bytes_retrans), (30 * MSS, 31 * MSS, MSS));
    assert_eq!((a.total_retrans, a.data_segs_out, a.delivered, a.dsack_dups), (1, 31, 30, 0));
    assert_eq!((b.bytes_received, b.data_segs_in, b.rcv_ooopack > 0), (30 * MSS, 30, true));
    assert_eq!((a.segs_in, b.segs_out), (b.segs_out, a.segs_in));
    assert_eq!(a.snd_wnd, b.rcv_wnd);
    assert_eq!((a.rcv_wscale, b.snd_wscale), (b.snd_wscale, a.rcv_wscale));
    assert!(a.busy_time >= Span::from_micros(200) && a.busy_time < Span::from_millis(1), "{}", a.busy_time);
    assert_eq!((a.rwnd_limited, a.snd_ssthresh), (Span::ZERO, None));
    assert_eq!((b.rcv_mss, a.snd_mss, a.advmss, a.pmtu), (536, 1000, 1000, 1040));
    pair.a.close(pair.now);
    pair.run_for(Span::from_millis(1));
    assert_eq!((pair.a.info(pair.now).state, pair.b.info(pair.now).state), (5, 8));
}

#[test]
fn time_before_a_closed_window_is_told() {
    let mut pair = Pair::open(Config { receive_buffer: Bytes::new(4 * MSS), ..config() });
    pair.b.set_reading(false);
    pair.a.write(pair.now, Bytes::new(8 * MSS));
    pair.run_for(Span::from_millis(50));
    let info = pair.a.info(pair.now);
    assert!(info.rwnd_limited >= Span::from_millis(49) && info.rwnd_limited <= info.busy_time, "{info:?}");
    assert!(info.probes == 0 && info.backoff > 0, "the probes are answered");
}

#[test]
fn an_opening_window_lets_the_probe_and_all_behind_it_out_once() {
    let mut pair = Pair::open(Config { receive_buffer: Bytes::new(4 * MSS), ..config() });
    pair.b.set_reading(false);
    pair.a.write(pair.now, Bytes::new(8 * MSS));
    pair.run_for(Span::from_millis(35));
    pair.log.clear();
    pair.b.set_reading(true);
    pair.run_for(Span::from_millis(1));
    assert_eq!((sizes(&pair), pair.causes()), (vec![1, 1000, 1000, 1000, 999], vec![]));
    assert_eq!(pair.b.received(), 8 * MSS);
}

#[test]
fn empty_probes_of_a_closed_window_carry_a_number_that_was_had() {
    let mut pair = Pair::open(Config { receive_buffer: Bytes::new(4 * MSS), empty_window_probes: true, ..config() });
    pair.b.set_reading(false);
    pair.a.write(pair.now, Bytes::new(8 * MSS));
    pair.run_for(Span::from_millis(5));
    pair.log.clear();
    pair.run_for(Span::from_millis(35));
    let probes: Vec<_> = pair.log.iter().filter(|(_, s)| s.direction == Direction::Forward).collect();
    assert!(probes.len() >= 2 && probes.iter().all(|(_, s)| s.seq_len() == 0 && s.seq == 4 * MSS as u32), "{probes:?}");
    pair.b.set_reading(true);
    pair.run_for(Span::from_millis(1));
    assert_eq!(pair.b.received(), 8 * MSS);
}
