use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use burstlab_algorithms::{Registry, Span};
use burstlab_network::{Direction, FlowId, Timestamps};
use proptest::prelude::*;

use super::*;
use crate::native::Config;

const A: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 1), 40_000);
const B: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 2), 29_500);
const FORWARD: u64 = 0xf0;
const BACKWARD: u64 = 0xba;

fn side(direction: Direction, spec: &str, config: Config) -> Wired {
    let spec = Registry::default().parse(spec).unwrap();
    let controller = spec.build(&config.path(Time::ZERO, 1));
    let connection = Connection::new(config, direction, FlowId(3), controller, spec.ecn_feedback());
    match direction {
        Direction::Forward => Wired::new(connection, A, B, Keys { outgoing: FORWARD, incoming: BACKWARD }),
        Direction::Backward => Wired::new(connection, B, A, Keys { outgoing: BACKWARD, incoming: FORWARD }),
    }
}

/// Dice without a crate: the stream of another key.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        let mut word = [0; 8];
        content::fill(77, self.0, &mut word);
        self.0 += 8;
        u64::from_le_bytes(word) % sides
    }
}

/// What a wire does to packets, each in percent.
#[derive(Debug, Clone, Copy)]
struct Wire {
    loss: u64,
    late: u64,
    twice: u64,
    damage: u64,
    foreign: u64,
}

const CLEAN: Wire = Wire { loss: 0, late: 0, twice: 0, damage: 0, foreign: 0 };

struct Pair {
    now: Time,
    ends: [Wired; 2],
    under_way: BTreeMap<(Time, u64), (usize, Vec<u8>)>,
    count: u64,
    wire: Wire,
    dice: Dice,
}

impl Pair {
    fn new(spec: &str, config: &Config, wire: Wire, seed: u64) -> Pair {
        let ends = [Direction::Forward, Direction::Backward].map(|way| side(way, spec, config.clone()));
        Pair { now: Time::ZERO, ends, under_way: BTreeMap::new(), count: 0, wire, dice: Dice(seed) }
    }

    fn put(&mut self, to: usize, packet: Vec<u8>, delay: Span) {
        self.count += 1;
        self.under_way.insert((self.now + delay, self.count), (to, packet));
    }

    fn send(&mut self, to: usize, mut packet: Vec<u8>) {
        let chance = |dice: &mut Dice, percent: u64| dice.roll(100) < percent;
        let mut delay = Span::from_micros(50);
        if chance(&mut self.dice, self.wire.late) {
            delay += Span::from_micros(self.dice.roll(300));
        }
        if chance(&mut self.dice, self.wire.twice) {
            self.put(to, packet.clone(), delay);
        }
        if chance(&mut self.dice, self.wire.foreign) {
            let (mut segment, from, destination) = wire::from_bytes(&packet, true).unwrap();
            segment.timestamps = Some(Timestamps::default());
            let stranger = SocketAddrV4::new(*from.ip(), from.port() + 1);
            let foreign = wire::to_bytes(&segment, stranger, destination, &[0xff; 100]);
            self.put(to, foreign, delay);
        }
        if chance(&mut self.dice, self.wire.damage) {
            let place = self.dice.roll(packet.len() as u64) as usize;
            packet[place] ^= 1 << self.dice.roll(8);
        }
        if !chance(&mut self.dice, self.wire.loss) {
            self.put(to, packet, delay);
        }
    }

    fn run(&mut self) {
        let mut packet = Vec::new();
        for _ in 0..2_000_000 {
            for i in 0..2 {
                while self.ends[i].transmit_packet(self.now, &mut packet) {
                    self.send(1 - i, packet.clone());
                }
            }
            let wake = self.ends.iter().map(Endpoint::next_wake).fold(Time::NEVER, Time::min);
            let arrival = self.under_way.first_key_value().map_or(Time::NEVER, |(key, _)| key.0);
            if wake.min(arrival) == Time::NEVER {
                return;
            }
            self.now = self.now.max(wake.min(arrival));
            if arrival <= wake {
                let (_, (to, packet)) = self.under_way.pop_first().unwrap();
                self.ends[to].on_packet(self.now, &packet);
                let end = &self.ends[to];
                assert_eq!(end.reader().position(), end.received(), "what arrived in order is read");
            } else {
                self.ends.iter_mut().for_each(|end| end.on_wake(self.now));
            }
        }
        panic!("it does not come to an end");
    }

    fn check(&self, forward: u64, backward: u64) {
        let expected = [(BACKWARD, backward), (FORWARD, forward)];
        for (end, (key, bytes)) in self.ends.iter().zip(expected) {
            assert_eq!(end.status(), Status::Closed);
            assert_eq!((end.reader().position(), end.reader().damaged()), (bytes, 0));
            assert_eq!(end.reader().sha256(), content::sha256(key, bytes));
            assert!(end.beyond.is_empty() && end.beyond.content.is_empty());
        }
    }
}

fn transfer(pair: &mut Pair, forward: u64, backward: u64) {
    pair.ends[0].connect(Time::ZERO);
    for (end, bytes) in pair.ends.iter_mut().zip([forward, backward]) {
        end.write(Time::ZERO, Bytes::new(bytes));
        end.close(Time::ZERO);
    }
    pair.run();
}

#[test]
fn both_streams_arrive_whole() {
    for spec in ["reno", "cubic", "dctcp", "bbr"] {
        let mut pair = Pair::new(spec, &Config::default(), CLEAN, 0);
        transfer(&mut pair, 3_000_000, 1_234_567);
        pair.check(3_000_000, 1_234_567);
        assert_eq!(pair.ends.each_ref().map(|end| end.reader().garbage()), [0, 0]);
    }
}

#[test]
fn sequence_numbers_that_wrap_do_not_move_the_content() {
    let config = Config { initial_sequence: u32::MAX - 100_000, ..Config::default() };
    let mut pair = Pair::new("cubic", &config, Wire { loss: 2, late: 10, ..CLEAN }, 5);
    transfer(&mut pair, 1_000_000, 0);
    pair.check(1_000_000, 0);
}

// holds: RFC9293 MUST-3
#[test]
fn what_is_no_segment_of_the_connection_is_counted_and_ignored() {
    let mut pair = Pair::new("reno", &Config::default(), Wire { damage: 5, foreign: 20, ..CLEAN }, 9);
    transfer(&mut pair, 1_000_000, 0);
    pair.check(1_000_000, 0);
    assert!(pair.ends[1].reader().garbage() > 50);
}

/// An established pair with 10 000 bytes read.
fn open() -> Pair {
    let mut pair = Pair::new("reno", &Config { receive_buffer: Bytes::new(50_000), ..Config::default() }, CLEAN, 0);
    pair.ends[0].connect(Time::ZERO);
    pair.ends[0].write(Time::ZERO, Bytes::new(10_000));
    pair.run();
    pair
}

#[test]
fn payload_that_the_connection_refuses_is_not_kept() {
    let mut pair = open();
    let now = pair.now + Span::from_millis(1);
    let data = |position: u64, value: u32| Segment {
        flags: Flags::ACK,
        seq: 1 + position as u32,
        ack: 1,
        payload: 1000,
        window: 1000,
        timestamps: Some(Timestamps { value, echo: 0 }),
        ..Segment::default()
    };
    let newest = (now.as_nanos() / 1000) as u32;
    let receiver = &mut pair.ends[1];
    let mut put = |position: u64, value, content: &[u8]| {
        receiver.on_packet(now, &wire::to_bytes(&data(position, value), A, B, content));
        (receiver.reader.position(), receiver.reader.damaged(), receiver.beyond.content.len())
    };
    assert_eq!(put(70_000, newest, &[1; 1000]), (10_000, 0, 0), "beyond the window");
    assert_eq!(put(5_000, newest, &[1; 1000]), (10_000, 0, 0), "read already");
    assert_eq!(put(12_000, 0, &[1; 1000]), (10_000, 0, 0), "older than what came");
    let mut good = [0; 1000];
    content::fill(FORWARD, 12_000, &mut good);
    assert_eq!(put(12_000, newest, &good), (10_000, 0, 3000), "behind a hole");
    assert_eq!(put(12_000, 0, &[1; 1000]), (10_000, 0, 3000), "old, and there already");
    let mut rest = [0; 1000];
    content::fill(FORWARD, 10_000, &mut rest);
    assert_eq!(put(10_000, newest, &rest), (11_000, 0, 2000));
    content::fill(FORWARD, 11_000, &mut rest);
    assert_eq!(put(11_000, newest, &rest), (13_000, 0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn content_survives_a_bad_wire(
        seed: u32, loss in 0u64..8, late in 0u64..40, twice in 0u64..10, damage in 0u64..4, foreign in 0u64..4,
        forward in 0u64..300_000, backward in 0u64..100_000, buffer in 3_000u64..300_000, sack: bool, stamps: bool,
        spec in proptest::sample::select(vec!["reno", "cubic", "dctcp", "bbr"]), sequence: u32,
    ) {
        let config = Config {
            receive_buffer: Bytes::new(buffer), sack, timestamps: stamps, initial_sequence: sequence,
            max_retransmissions: 50, ..Config::default()
        };
        let wire = Wire { loss, late, twice, damage, foreign };
        let mut pair = Pair::new(spec, &config, wire, u64::from(seed) << 16);
        transfer(&mut pair, forward, backward);
        pair.check(forward, backward);
    }

    #[test]
    fn garbage_does_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..120), cut in 0usize..60) {
        let mut pair = open();
        let before = pair.ends[1].reader().garbage();
        pair.ends[1].on_packet(pair.now, &bytes);
        let segment = Segment { flags: Flags::ACK, seq: 10_001, ack: 1, payload: 100, ..Segment::default() };
        let whole = wire::to_bytes(&segment, A, B, &[]);
        pair.ends[1].on_packet(pair.now, &whole[..cut]);
        prop_assert_eq!(pair.ends[1].reader().garbage(), before + 2);
        prop_assert_eq!(pair.ends[1].reader().position(), 10_000);
        prop_assert_eq!(pair.ends[1].status(), Status::Open);
    }
}
