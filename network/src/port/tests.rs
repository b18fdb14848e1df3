//! Each fault that the audit looks for, made on purpose.

use super::*;
use crate::Limit;

const MICRO: Span = Span::from_micros(1);

/// A queue of three packets at 1 Gbit/s: 12 us a packet, the first of five is given on, the last finds no room.
fn busy() -> (Port, Packets) {
    let discipline = Discipline::DropTail { limit: Limit::Packets(3) };
    let mut port = Port::new(Rate::from_bits_per_sec(1_000_000_000), MICRO * 5, discipline, None, None);
    let mut packets = Packets::default();
    packets.add_flow();
    for _ in 0..5 {
        let id = packets.blank_id();
        let enqueued = port.enqueue(PortId(0), Time::ZERO, id, 1500, packets.blank(), &mut ());
        packets.seal();
        if enqueued == Enqueued::Dropped {
            packets.lose(id);
        }
    }
    let at = Time::ZERO + MICRO * 17;
    let (given, _) = port.take(PortId(0), at, &mut packets, &mut ());
    packets.remove(given.unwrap().packet);
    (port, packets)
}

fn fault(port: &Port) -> String {
    port.audit("switch>host0").unwrap_err().to_string()
}

#[test]
fn what_was_dropped_and_given_and_is_under_way_is_what_was_offered() {
    let (mut port, mut packets) = busy();
    assert_eq!((port.offered, port.dropped, port.given, port.under_way.len()), (5, 1, 1, 3));
    assert_eq!(port.audit("switch>host0"), Ok(()));
    assert_eq!(packets.audit(&port.packets().collect::<Vec<_>>()), Ok(()));
    while let Some(next) = port.under_way.front().copied() {
        port.take(PortId(0), next.at, &mut packets, &mut ());
        assert_eq!(port.audit("switch>host0"), Ok(()));
    }
}

#[test]
fn a_packet_that_vanishes_is_missed() {
    let (mut port, _) = busy();
    port.under_way.pop();
    assert_eq!(
        fault(&port),
        "switch>host0: of 5 packets offered, 1 were dropped and 1 given on, so 3 should be under way; there are 2"
    );
}

#[test]
fn a_byte_that_vanishes_is_missed() {
    let (mut port, _) = busy();
    port.accepted += 1;
    assert_eq!(
        fault(&port),
        "switch>host0: of 6001 bytes accepted, 1500 were given on, so 4501 should be under way; there are 4500"
    );
}

#[test]
fn a_wrong_count_of_what_waits_is_noticed() {
    let (mut port, _) = busy();
    port.waiting.packets += 1;
    assert_eq!(fault(&port), "switch>host0: 3 packets are said to wait, with 3000 bytes; 2 do, with 3000 bytes");
}

#[test]
fn a_link_that_rests_while_something_waits_is_noticed() {
    let (mut port, mut packets) = busy();
    port.free_at += MICRO;
    port.enqueue(PortId(0), Time::ZERO + MICRO * 17, packets.blank_id(), 1500, packets.blank(), &mut ());
    assert_eq!(
        fault(&port),
        "switch>host0: a packet that waits arrives at 66us; without a pause of the link it would at 65us"
    );
}

#[test]
fn a_link_that_sends_too_fast_is_noticed() {
    let (mut port, _) = busy();
    port.rate = Rate::from_bits_per_sec(500_000_000);
    assert_eq!(
        fault(&port),
        "switch>host0: a packet arrives at 41us, and its transmission alone ends at 53us, behind the one before it"
    );
}

#[test]
fn a_packet_that_is_taken_at_the_wrong_instant_is_noticed() {
    let (mut port, mut packets) = busy();
    port.take(PortId(0), Time::ZERO + MICRO * 30, &mut packets, &mut ());
    assert_eq!(
        fault(&port),
        "switch>host0: 1 packets were taken from the link at another instant than that of their arrival"
    );
}
