//! RFC 9293, sections 3.1 and 3.2: what segments look like as bytes.

use std::net::{Ipv4Addr, SocketAddrV4};

use burstlab_network::wire::{WireError, from_bytes, to_bytes};
use burstlab_network::{Flags, Segment, SynOptions, Timestamps};

const FROM: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000);
const TO: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 80);

/// A segment with these bytes of options and three of data; checksums are not right.
fn with_options(flags: Flags, options: &[u8]) -> Vec<u8> {
    let mut packet = to_bytes(&Segment { flags, payload: 3, ..Segment::default() }, FROM, TO, &[1, 2, 3]);
    packet.splice(40..40, options.iter().copied());
    let total = packet.len() as u16;
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    packet[32] = ((20 + options.len()) as u8 / 4) << 4;
    packet
}

fn read(flags: Flags, options: &[u8]) -> Result<Segment, WireError> {
    from_bytes(&with_options(flags, options), false).map(|(segment, ..)| segment)
}

// holds: RFC9293 MUST-4, RFC9293 MUST-14
#[test]
fn the_three_mandatory_options_are_understood() {
    // An MSS of 1460 between fillers, and behind the end what would be another.
    let segment = read(Flags::SYN, &[1, 1, 2, 4, 0x05, 0xb4, 0, 2, 4, 0x01, 0x01, 0]).unwrap();
    assert_eq!((segment.syn.mss, segment.payload), (1460, 3));
}

// holds: RFC9293 MUST-5
#[test]
fn options_are_taken_in_any_segment() {
    for flags in [Flags::ACK, Flags::ACK.with(Flags::FIN), Flags::RST, Flags::SYN] {
        let segment = read(flags, &[1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9]).unwrap();
        assert_eq!(segment.timestamps, Some(Timestamps { value: 7, echo: 9 }));
    }
}

// holds: RFC9293 MUST-6, RFC9293 MUST-68
#[test]
fn an_unknown_option_is_passed_over_by_its_length() {
    let segment = read(Flags::SYN, &[200, 6, 2, 4, 9, 9, 2, 4, 0x05, 0xb4, 0, 0]).unwrap();
    assert_eq!((segment.syn.mss, segment.payload), (1460, 3));
}

// holds: RFC9293 MUST-7
#[test]
fn an_illegal_length_makes_the_segment_none() {
    for options in [[200, 0, 1, 1], [200, 1, 1, 1], [200, 9, 1, 1], [2, 3, 1, 1], [1, 1, 1, 8]] {
        assert_eq!(read(Flags::SYN, &options), Err(WireError::Tcp), "{options:?}");
    }
}

// holds: RFC9293 MUST-64
#[test]
fn options_need_not_begin_at_a_word() {
    for fillers in 1..4 {
        let mut options = vec![1; fillers];
        options.extend([2, 4, 0x05, 0xb4]);
        options.resize(8, 0);
        assert_eq!(read(Flags::SYN, &options).unwrap().syn.mss, 1460);
    }
}

// holds: RFC9293 MUST-65
#[test]
fn only_a_syn_carries_an_mss() {
    let syn = SynOptions { mss: 1460, window_scale: Some(7), sack_permitted: true };
    for flags in [Flags::ACK, Flags::RST, Flags::ACK.with(Flags::FIN)] {
        assert_eq!(to_bytes(&Segment { flags, syn, ..Segment::default() }, FROM, TO, &[]).len(), 40);
    }
}

// holds: RFC9293 MUST-69
#[test]
fn what_follows_the_options_is_zero() {
    let syn = SynOptions { mss: 1460, window_scale: Some(7), sack_permitted: false };
    let packet = to_bytes(&Segment { flags: Flags::SYN, syn, ..Segment::default() }, FROM, TO, &[]);
    assert_eq!(packet[40..], [2, 4, 0x05, 0xb4, 3, 3, 7, 0]);
}

// holds: RFC9293 MUST-50
#[test]
fn options_of_ip_are_passed_over() {
    let mut packet = to_bytes(&Segment { flags: Flags::ACK, payload: 3, ..Segment::default() }, FROM, TO, &[1, 2, 3]);
    // An option of four bytes that nobody knows.
    packet.splice(20..20, [0x5e, 4, 9, 9]);
    (packet[0], packet[3]) = (0x46, 47);
    assert_eq!(from_bytes(&packet, false).unwrap().0.payload, 3);
}
