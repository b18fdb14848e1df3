//! Packets with content.

use std::collections::BTreeMap;

use burstlab_algorithms::{Bytes, Registry, Span, Time};
use burstlab_network::{Codepoint, Direction, FlowId, wire};
use proptest::prelude::*;

use super::super::{Congestion, Connection};
use super::{config, enforced};
use crate::{Keys, PacketEndpoint, Status, Wired, content, native};

const FORWARD: u64 = 0xf0;
const BACKWARD: u64 = 0xba;

fn keys(direction: Direction) -> Keys {
    match direction {
        Direction::Forward => Keys { outgoing: FORWARD, incoming: BACKWARD },
        Direction::Backward => Keys { outgoing: BACKWARD, incoming: FORWARD },
    }
}

fn side(direction: Direction, congestion: Congestion) -> Box<dyn PacketEndpoint> {
    let mut config = config();
    config.keys = Some(keys(direction));
    if direction == Direction::Backward {
        std::mem::swap(&mut config.own, &mut config.peer);
    }
    Box::new(Connection::new(config, direction, FlowId(1), congestion))
}

fn native_side(direction: Direction, spec: &str) -> Box<dyn PacketEndpoint> {
    let entry = Registry::default().parse(spec).unwrap();
    let tcp = config().tcp;
    let controller = entry.build(&tcp.path(Time::ZERO, 1));
    let connection = native::Connection::new(tcp, direction, FlowId(1), controller, entry.ecn_feedback());
    let (mut own, mut peer) = (config().own, config().peer);
    if direction == Direction::Backward {
        std::mem::swap(&mut own, &mut peer);
    }
    Box::new(Wired::new(connection, own, peer, keys(direction)))
}

/// What happens to packets, each in percent.
#[derive(Debug, Clone, Copy, Default)]
struct Path {
    loss: u64,
    late: u64,
    damage: u64,
    mark: u64,
}

struct Pair {
    now: Time,
    ends: [Box<dyn PacketEndpoint>; 2],
    under_way: BTreeMap<(Time, u64), (usize, Vec<u8>)>,
    count: u64,
    path: Path,
}

impl Pair {
    fn new(ends: [Box<dyn PacketEndpoint>; 2], path: Path, seed: u64) -> Pair {
        Pair { now: Time::ZERO, ends, under_way: BTreeMap::new(), count: seed % 1_000_000, path }
    }

    /// Dice without a crate: the stream of another key.
    fn roll(&mut self, sides: u64) -> u64 {
        let mut word = [0; 8];
        self.count += 1;
        content::fill(77, 8 * self.count, &mut word);
        u64::from_le_bytes(word) % sides
    }

    fn send(&mut self, to: usize, mut packet: Vec<u8>) {
        assert!(wire::from_bytes(&packet, true).is_ok(), "a packet with right checksums");
        if self.roll(100) < self.path.loss {
            return;
        }
        if self.roll(100) < self.path.mark && wire::codepoint_of(&packet) != Codepoint::NotEct {
            wire::mark_ce(&mut packet);
        }
        if self.roll(100) < self.path.damage {
            let place = self.roll(packet.len() as u64) as usize;
            packet[place] ^= 1 << self.roll(8);
        }
        let late = if self.roll(100) < self.path.late { self.roll(300) } else { 0 };
        self.under_way.insert((self.now + Span::from_micros(50 + late), self.count), (to, packet));
    }

    fn pump(&mut self) {
        for from in 0..2 {
            let mut packet = Vec::new();
            while self.ends[from].transmit_packet(self.now, &mut packet) {
                self.send(1 - from, std::mem::take(&mut packet));
            }
        }
    }

    fn run(&mut self, end: Time, done: impl Fn(&Pair) -> bool) {
        loop {
            self.pump();
            let next = self.under_way.keys().next().map_or(Time::NEVER, |key| key.0);
            let next = next.min(self.ends[0].next_wake()).min(self.ends[1].next_wake());
            if next > end || done(self) {
                return;
            }
            self.now = self.now.max(next);
            while let Some(entry) = self.under_way.first_entry().filter(|e| e.key().0 <= self.now) {
                let (to, packet) = entry.remove();
                self.ends[to].on_packet(self.now, &packet);
                self.pump();
            }
            self.ends.iter_mut().for_each(|end| end.on_wake(self.now));
        }
    }

    /// Both sides write and close; everything arrives as it was written.
    fn exchange(&mut self, forward: u64, backward: u64) {
        let now = self.now;
        self.ends[0].connect(now);
        self.ends[0].write(now, Bytes::new(forward));
        self.ends[1].write(now, Bytes::new(backward));
        let through = |pair: &Pair| pair.ends[1].received() == forward && pair.ends[0].received() == backward;
        self.run(Time::from_nanos(40_000_000_000_000), through);
        for (end, key, bytes) in [(1, FORWARD, forward), (0, BACKWARD, backward)] {
            let reader = self.ends[end].reader();
            assert_eq!((reader.position(), reader.damaged()), (bytes, 0));
            assert_eq!(reader.sha256(), content::sha256(key, bytes));
        }
    }
}

#[test]
fn content_arrives_intact_and_in_good_order() {
    let mut pair =
        Pair::new([Direction::Forward, Direction::Backward].map(|d| side(d, enforced("cubic"))), Path::default(), 0);
    pair.exchange(1_000_000, 300_000);
    pair.ends.iter_mut().for_each(|end| end.close(pair.now));
    pair.run(pair.now + Span::from_secs(20), |_| false);
    assert_eq!(pair.ends.each_ref().map(|end| end.status()), [Status::Closed; 2]);
    assert_eq!(pair.ends[0].reader().garbage() + pair.ends[1].reader().garbage(), 0);
}

#[test]
fn smoltcp_and_native_exchange_content() {
    let rough = Path { loss: 2, late: 5, damage: 2, mark: 10 };
    for (spec, seed) in [("dctcp", 1), ("cubic", 2), ("dctcp", 3), ("reno", 4)] {
        let ends = [side(Direction::Forward, enforced(spec)), native_side(Direction::Backward, spec)];
        Pair::new(ends, rough, seed).exchange(200_000, 200_000);
        let ends = [native_side(Direction::Forward, spec), side(Direction::Backward, enforced(spec))];
        Pair::new(ends, rough, seed).exchange(200_000, 200_000);
    }
}

#[test]
fn what_is_not_of_the_connection_is_garbage() {
    let mut end = side(Direction::Forward, Congestion::None);
    let mut other = config();
    other.own.set_port(1);
    let segment = burstlab_network::Segment { payload: 10, ..Default::default() };
    let mut damaged = wire::to_bytes(&segment, other.peer, config().own, &[]);
    damaged[45] ^= 1;
    let packets = [Vec::new(), vec![0x45; 60], wire::to_bytes(&segment, other.peer, other.own, &[]), damaged];
    for packet in &packets {
        end.on_packet(Time::ZERO, packet);
    }
    assert_eq!(end.reader().garbage(), packets.len() as u64);
    assert!(!end.transmit_packet(Time::ZERO, &mut Vec::new()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn content_survives_a_rough_path(
        seed: u64, loss in 0u64..20, late in 0u64..20, damage in 0u64..10, mark in 0u64..30, own: bool,
    ) {
        let control = || if own { Congestion::Reno } else { enforced("dctcp") };
        let ends = [Direction::Forward, Direction::Backward].map(|d| side(d, control()));
        Pair::new(ends, Path { loss, late, damage, mark }, seed).exchange(40_000, 20_000);
    }

    #[test]
    fn bytes_that_make_no_sense_do_no_harm(
        packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 1..20),
        places in prop::collection::vec((20usize..60, any::<u8>()), 1..30),
    ) {
        let mut config = config();
        (config.keys, config.verify) = (Some(keys(Direction::Forward)), false);
        let (own, peer) = (config.own, config.peer);
        let mut end = Connection::new(config, Direction::Forward, FlowId(1), enforced("dctcp"));
        crate::Endpoint::connect(&mut end, Time::ZERO);
        let mut sent = Vec::new();
        while end.transmit_packet(Time::ZERO, &mut sent) {}
        packets.iter().for_each(|packet| end.on_packet(Time::ZERO, packet));
        // An answer to the SYN with some bytes changed.
        let (syn, ..) = wire::from_bytes(&sent, true).unwrap();
        let flags = syn.flags.with(burstlab_network::Flags::ACK);
        let answer = burstlab_network::Segment { flags, seq: 9, ack: syn.seq.wrapping_add(1), ..syn };
        let whole = wire::to_bytes(&answer, peer, own, &[]);
        for (place, byte) in places {
            let mut packet = whole.clone();
            if let Some(at) = packet.get_mut(place) {
                *at = byte;
            }
            end.on_packet(Time::ZERO, &packet);
            while end.transmit_packet(Time::ZERO, &mut sent) {}
        }
    }
}
