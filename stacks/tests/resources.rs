//! A peer that wants to cost memory and time: what it can have of each is bounded.
//!
//! Memory is counted by the allocator of this test program, so its tests take turns. `HOSTILE_SEGMENTS` says how many
//! segments each peer sends, default 20 000; docs/src/robustness.md has what a million cost.

use std::sync::{Mutex, MutexGuard};

use burstlab_algorithms::{Bytes, Registry, Span, Time};
use burstlab_network::{Direction, Flags, FlowId, SackBlock, Segment, SynOptions};
use burstlab_stacks::native::{Config, Connection};
use burstlab_stacks::{Endpoint, Status};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Bytes of a connection that has nothing to keep, and of the test around it.
const IDLE: usize = 64 << 10;
/// Bytes that the victim writes where it is the sender.
const WRITTEN: u64 = 4 << 20;

static TURN: Mutex<()> = Mutex::new(());

fn segments() -> u64 {
    std::env::var("HOSTILE_SEGMENTS").map_or(20_000, |count| count.parse().expect("HOSTILE_SEGMENTS is a number"))
}

/// A connection and what it cost so far.
struct Victim {
    connection: Connection,
    now: Time,
    /// Bytes in use before there was a connection.
    before: usize,
    /// Segments that it sent: with data, and without.
    sent: (u64, u64),
    /// Number behind the highest that it sent.
    next: u32,
    _turn: MutexGuard<'static, ()>,
}

impl Victim {
    /// A connection that was opened by its peer, whose initial sequence number is 0.
    fn open(options: SynOptions) -> Victim {
        let turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let config = Config::default();
        let reno = Registry::default().parse("reno").expect("reno is there");
        let controller = reno.build(&config.path(Time::ZERO, 1));
        let connection = Connection::new(config, Direction::Forward, FlowId(0), controller, reno.ecn_feedback());
        let mut victim = Victim { connection, now: Time::from_nanos(1), before, sent: (0, 0), next: 0, _turn: turn };
        victim.take(Segment { flags: Flags::SYN, window: u16::MAX, syn: options, ..peers(0, 0) });
        victim.take(peers(1, victim.next));
        assert_eq!(victim.connection.status(), Status::Open);
        victim.sent = (0, 0);
        victim
    }

    /// The same, with data under way: the peer acknowledged until the window was wide.
    fn sending() -> Victim {
        let mut victim = Victim::open(OPTIONS);
        victim.connection.write(victim.now, Bytes::new(2 * WRITTEN));
        victim.drain();
        while victim.connection.acknowledged() < WRITTEN {
            victim.now += Span::from_micros(100);
            victim.take(peers(1, victim.next));
        }
        victim.sent = (0, 0);
        victim
    }

    fn take(&mut self, segment: Segment) {
        self.connection.on_segment(self.now, &segment);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(segment) = self.connection.poll_transmit(self.now) {
            let has_data = segment.seq_len() > 0;
            self.sent.0 += u64::from(has_data);
            self.sent.1 += u64::from(!has_data);
            let end = segment.seq.wrapping_add(segment.seq_len());
            if !segment.flags.has(Flags::RST) && (self.next == 0 || end.wrapping_sub(self.next) as i32 > 0) {
                self.next = end;
            }
        }
    }

    /// Most bytes in use since it was opened.
    fn peak(&self) -> usize {
        ALLOCATOR.peak_usage().saturating_sub(self.before)
    }

    /// Says what it cost, for who runs this with `--nocapture`.
    fn report(&self, peer: &str) {
        let (data, bare) = self.sent;
        println!("{peer}: {} bytes at most, {data} segments with data and {bare} without", self.peak());
    }
}

const OPTIONS: SynOptions = SynOptions { mss: 1460, window_scale: Some(10), sack_permitted: true };

/// A bare acknowledgement of the peer.
fn peers(seq: u32, ack: u32) -> Segment {
    Segment {
        flow: FlowId(0),
        direction: Direction::Backward,
        flags: Flags::ACK,
        seq,
        ack,
        window: u16::MAX,
        ..Segment::default()
    }
}

/// One byte in every other place of the window, in the order in which `place` gives the places.
fn holes(peer: &str, place: impl Fn(u64) -> u64) {
    let mut victim = Victim::open(OPTIONS);
    let (ack, count) = (victim.next, segments());
    for n in 0..count {
        let seq = 2 + 2 * (place(n) as u32);
        victim.take(Segment { payload: 1, ..peers(seq, ack) });
    }
    victim.report(peer);
    assert_eq!(victim.connection.received(), 0);
    assert_eq!(victim.sent, (0, count), "an acknowledgement each");
    assert!(victim.peak() < HELD + IDLE, "{} bytes", victim.peak());
}

/// The peer's segments, made one by one with what the victim sent last, against a victim that sends.
fn against_sender(peer: &str, mut segment: impl FnMut(u64, &Victim) -> Segment) -> Victim {
    let mut victim = Victim::sending();
    for n in 0..segments() {
        victim.now += Span::from_micros(1);
        let next = segment(n, &victim);
        victim.take(next);
    }
    victim.report(peer);
    victim
}

#[test]
fn a_flood_of_sack_blocks_costs_no_more_than_the_records_of_what_is_out() {
    let mut una = 0;
    let victim = against_sender("SACK blocks of a byte", |n, victim| {
        una = victim.next.wrapping_sub(victim.connection.snapshot().in_flight.get() as u32).max(una);
        let mut segment = peers(1, una);
        for k in 0..3 {
            let start = una.wrapping_add(2 + (6 * n + 2 * k) as u32 % OUTSTANDING);
            segment.sack.push(SackBlock { start, end: start.wrapping_add(1) });
        }
        segment
    });
    assert!(victim.peak() < RECORDS + IDLE, "{} bytes", victim.peak());
    assert!(victim.sent.0 <= segments() + PACKETS, "{} packets", victim.sent.0);
}

#[test]
fn acknowledgements_of_old_data_are_answered_with_nothing() {
    let first = std::cell::Cell::new(0);
    let victim = against_sender("old acknowledgements", |n, victim| {
        if first.get() == 0 {
            first.set(victim.next);
        }
        peers(1, first.get().wrapping_sub(WRITTEN as u32).wrapping_add(n as u32 % 1000))
    });
    assert!(victim.peak() < RECORDS + IDLE, "{} bytes", victim.peak());
    // Duplicate acknowledgements without SACK blocks say nothing; a probe or a timeout may come in between.
    assert!(victim.sent.0 + victim.sent.1 < 100, "{:?}", victim.sent);
}

#[test]
fn a_window_that_flaps_costs_no_packet_more_than_it_lets_out() {
    let victim = against_sender("a flapping window", |n, victim| Segment {
        window: if n % 2 == 0 { 0 } else { u16::MAX },
        ..peers(1, victim.next)
    });
    assert!(victim.peak() < RECORDS + IDLE, "{} bytes", victim.peak());
    assert!(victim.sent.0 <= PACKETS, "{} packets for {} bytes", victim.sent.0, WRITTEN);
}

#[test]
fn a_window_of_a_byte_lets_a_byte_out_at_a_time() {
    let victim = against_sender("a window of a unit", |_, victim| Segment { window: 1, ..peers(1, victim.next) });
    assert!(victim.peak() < RECORDS + IDLE, "{} bytes", victim.peak());
    assert!(victim.sent.0 <= segments() + PACKETS, "{} packets", victim.sent.0);
}

/// Challenge ACKs in the time that a flood takes here, less than a second: RFC 5961, section 7.
const CHALLENGES: u64 = 10;

/// Segments that are dropped, or answered by a challenge ACK at most.
fn flood(peer: &str, segment: impl Fn(u64, u32) -> Segment) {
    let mut victim = Victim::open(OPTIONS);
    let ack = victim.next;
    for n in 0..segments() {
        victim.take(segment(n, ack));
    }
    victim.report(peer);
    assert_eq!(victim.connection.status(), Status::Open);
    assert!(victim.sent.0 == 0 && victim.sent.1 <= CHALLENGES, "{:?}", victim.sent);
    assert!(victim.peak() < IDLE, "{} bytes", victim.peak());
}

#[test]
fn resets_and_syns_within_the_window_are_answered_by_few_challenges() {
    flood("resets", |n, ack| Segment { flags: Flags::RST, ..peers(2 + n as u32 % 60_000, ack) });
    flood("SYNs", |n, ack| Segment { flags: Flags::SYN, ..peers(2 + n as u32 % 60_000, ack) });
}

#[test]
fn acknowledgements_of_a_peer_that_filled_the_window_are_answered_with_nothing() {
    let mut victim = Victim::open(OPTIONS);
    // As large as the window of a SYN may be; the first acknowledgement gives no larger one before data came.
    let edge = 1 + u32::from(u16::MAX);
    let ack = victim.next;
    for _ in 0..segments() {
        victim.take(peers(edge, ack));
    }
    victim.report("acknowledgements at the window's edge");
    assert_eq!(victim.sent, (0, 0));
    victim.take(peers(edge + (16 << 20), ack));
    assert_eq!(victim.sent, (0, 1), "beyond the window it is told where the window is");
}

#[test]
fn garbage_is_answered_at_most_once_each_and_not_kept() {
    let mut victim = Victim::open(OPTIONS);
    let (mut state, count) = (1u64, segments());
    for _ in 0..count {
        // A linear congruence (Knuth, MMIX): any garbage will do.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (seq, ack) = ((state >> 32) as u32, (state >> 16) as u32);
        // Resets would end it where they hit.
        let flags = Flags((state >> 24) as u16 & 0x1ff).without(Flags::RST);
        victim.take(Segment { flags, payload: (state >> 40) as u32 % 1461, ..peers(seq, ack) });
    }
    victim.report("garbage");
    assert!(victim.sent.0 + victim.sent.1 <= count, "{:?}", victim.sent);
    assert!(victim.peak() < HELD + IDLE, "{} bytes", victim.peak());
}

#[test]
fn a_peer_with_the_smallest_mss_makes_records_of_no_more_than_its_window() {
    let mut victim = Victim::open(SynOptions { mss: 1, ..OPTIONS });
    victim.connection.write(victim.now, Bytes::new(WRITTEN));
    victim.drain();
    let mut taken = 0;
    for _ in 0..segments() / 100 {
        victim.now += Span::from_micros(100);
        victim.take(peers(1, victim.next));
        taken = victim.connection.acknowledged();
        if victim.connection.acknowledged() >= WRITTEN {
            break;
        }
    }
    victim.report("an MSS of 1");
    // Linux takes no MSS below 48 (TCP_MIN_SND_MSS), since one of a byte makes packets of headers alone.
    assert!(victim.sent.0 <= taken / 8 + PACKETS, "{} packets for {taken} bytes", victim.sent.0);
}

/// Full packets of what is written.
const PACKETS: u64 = WRITTEN / 1460 + 1;
/// Bytes that the peer of a sender names in SACK blocks.
const OUTSTANDING: u32 = 1 << 20;
/// Bytes of the records of what is out: a cache line each, as the ring grows by doubling and copies then.
const RECORDS: usize = 64 * 3 * PACKETS as usize / 4;

/// Bytes of what a receiver keeps of 2048 ranges that came out of order, as the list grows by doubling and copies then.
const HELD: usize = 2048 * 16 * 3 / 2;

#[test]
fn holes_in_rising_order_cost_no_more_than_a_bounded_list() {
    holes("holes, rising", |n| n);
}

#[test]
fn holes_in_falling_order_cost_no_more_than_a_bounded_list() {
    let count = segments();
    holes("holes, falling", |n| count - 1 - n);
}

#[test]
fn holes_in_any_order_cost_no_more_than_a_bounded_list() {
    let count = segments();
    // Each place once: the factor has no divisor in common with any count but its own multiples.
    holes("holes, scattered", |n| n * 1_000_003 % count);
}
