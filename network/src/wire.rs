//! A segment as bytes and back: IPv4 and TCP, by smoltcp's wire formats.

use std::net::SocketAddrV4;

use smoltcp::wire::{IpProtocol, Ipv4Packet, TcpOption, TcpPacket, TcpSeqNumber};

use crate::{
    AccEcnCounters, Codepoint, Direction, Flags, FlowId, SackBlock, SackBlocks, Segment, SynOptions, Timestamps, U24,
};

const IP_HEADER: usize = 20;
const TCP_HEADER: usize = 20;
/// The AccECN option that begins with the ECT(0) counter: RFC 9768, section 3.2.3.
const ACC_ECN_ORDER_0: u8 = 172;
/// The one that begins with the ECT(1) counter: RFC 9768, section 3.2.3.
const ACC_ECN_ORDER_1: u8 = 174;
/// Its length with all three counters.
const ACC_ECN_LEN: usize = 11;

/// Bytes that are not a TCP segment in an IPv4 packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The header is cut, is not of version 4, or its lengths contradict the packet's.
    #[error("not a whole IPv4 packet")]
    Ip,
    /// The packet carries another protocol.
    #[error("an IPv4 packet of another protocol than TCP")]
    Protocol,
    /// The packet is a fragment: TCP sets "don't fragment".
    #[error("a fragment of an IPv4 packet")]
    Fragment,
    /// The TCP header or an option is cut or contradicts itself.
    #[error("not a whole TCP segment")]
    Tcp,
    /// A checksum is wrong.
    #[error("a wrong checksum")]
    Checksum,
}

/// Writes `segment` as an IPv4 packet. `payload` is its content; what is missing of it is sent as zeros.
pub fn to_bytes(segment: &Segment, from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let fill = |content: &mut [u8]| {
        let given = payload.len().min(content.len());
        content[..given].copy_from_slice(&payload[..given]);
    };
    write(segment, from, to, fill, &mut bytes);
    bytes
}

/// Writes `segment` as an IPv4 packet in the place of what was in `packet`. `fill` writes the payload over zeros.
pub fn write(
    segment: &Segment,
    from: SocketAddrV4,
    to: SocketAddrV4,
    fill: impl FnOnce(&mut [u8]),
    packet: &mut Vec<u8>,
) {
    let total = segment.wire_len().get() as usize;
    packet.clear();
    packet.resize(total, 0);
    fill(&mut packet[total - segment.payload as usize..]);
    write_tcp(&mut packet[IP_HEADER..], segment, from, to);
    let mut ip = Ipv4Packet::new_unchecked(&mut packet[..]);
    ip.set_version(4);
    ip.set_header_len(IP_HEADER as u8);
    ip.set_ecn(segment.codepoint as u8);
    ip.set_total_len(total as u16);
    ip.set_dont_frag(true);
    ip.set_hop_limit(64);
    ip.set_next_header(IpProtocol::Tcp);
    ip.set_src_addr(*from.ip());
    ip.set_dst_addr(*to.ip());
    ip.fill_checksum();
}

/// The packet in `bytes`, if it is a whole one: smoltcp leaves it to its caller to look at the version.
fn whole<T: AsRef<[u8]>>(bytes: T) -> Result<Ipv4Packet<T>, WireError> {
    Ipv4Packet::new_checked(bytes).ok().filter(|ip| ip.version() == 4).ok_or(WireError::Ip)
}

/// The payload of a packet that [`from_bytes`] could read; nothing of any other.
pub fn payload(packet: &[u8]) -> &[u8] {
    let tcp = whole(packet).and_then(|ip| TcpPacket::new_checked(ip.payload()).map_err(|_| WireError::Tcp));
    tcp.map_or(&[], |tcp| tcp.payload())
}

fn write_tcp(bytes: &mut [u8], segment: &Segment, from: SocketAddrV4, to: SocketAddrV4) {
    let header = TCP_HEADER + segment.options_len() as usize;
    let mut tcp = TcpPacket::new_unchecked(bytes);
    tcp.set_src_port(from.port());
    tcp.set_dst_port(to.port());
    tcp.set_seq_number(TcpSeqNumber(segment.seq as i32));
    tcp.set_ack_number(TcpSeqNumber(segment.ack as i32));
    tcp.clear_flags();
    tcp.set_header_len(header as u8);
    tcp.set_fin(segment.flags.has(Flags::FIN));
    tcp.set_syn(segment.flags.has(Flags::SYN));
    tcp.set_rst(segment.flags.has(Flags::RST));
    tcp.set_psh(segment.flags.has(Flags::PSH));
    tcp.set_ack(segment.flags.has(Flags::ACK));
    tcp.set_ece(segment.flags.has(Flags::ECE));
    tcp.set_cwr(segment.flags.has(Flags::CWR));
    tcp.set_ns(segment.flags.has(Flags::AE));
    tcp.set_window_len(segment.window);
    tcp.set_urgent_at(0);
    write_options(tcp.options_mut(), segment);
    tcp.fill_checksum(&(*from.ip()).into(), &(*to.ip()).into());
}

fn write_options(mut rest: &mut [u8], segment: &Segment) {
    if segment.flags.has(Flags::SYN) {
        if segment.syn.mss > 0 {
            rest = TcpOption::MaxSegmentSize(segment.syn.mss).emit(rest);
        }
        if let Some(shift) = segment.syn.window_scale {
            rest = TcpOption::WindowScale(shift).emit(rest);
        }
        if segment.syn.sack_permitted {
            rest = TcpOption::SackPermitted.emit(rest);
        }
    }
    if let Some(Timestamps { value, echo }) = segment.timestamps {
        rest = TcpOption::TimeStamp { tsval: value, tsecr: echo }.emit(rest);
    }
    if let Some(counters) = segment.acc_ecn {
        // By hand: smoltcp 0.14 writes the options that it does not know only where they fill the rest exactly.
        let (option, behind) = rest.split_at_mut(ACC_ECN_LEN);
        option[..2].copy_from_slice(&[ACC_ECN_ORDER_0, ACC_ECN_LEN as u8]);
        for (place, counter) in option[2..].chunks_exact_mut(3).zip([counters.ect0, counters.ce, counters.ect1]) {
            place.copy_from_slice(&counter.get().to_be_bytes()[1..]);
        }
        rest = behind;
    }
    if !segment.sack.is_empty() {
        let mut ranges = [None; SackBlocks::CAPACITY];
        for (place, block) in ranges.iter_mut().zip(segment.sack.as_slice()) {
            *place = Some((block.start, block.end));
        }
        rest = TcpOption::SackRange(ranges).emit(rest);
    }
    rest.fill(0);
}

/// Sets the CE mark in the header of an IPv4 packet, as a router does; bytes that are none are left alone.
pub fn mark_ce(packet: &mut [u8]) {
    if let Ok(mut ip) = whole(packet) {
        ip.set_ecn(Codepoint::Ce as u8);
        ip.fill_checksum();
    }
}

/// The ECN field of an IPv4 packet; bytes that are none are not ECN-capable.
pub fn codepoint_of(packet: &[u8]) -> Codepoint {
    whole(packet).map_or(Codepoint::NotEct, |ip| codepoint(ip.ecn()))
}

/// Reads a segment from an IPv4 packet, with the addresses it goes from and to. Whose it is (`flow`, `direction`) is
/// for the caller to know by them. With `verify`, checksums must be right.
pub fn from_bytes(bytes: &[u8], verify: bool) -> Result<(Segment, SocketAddrV4, SocketAddrV4), WireError> {
    let ip = whole(bytes)?;
    if ip.next_header() != IpProtocol::Tcp {
        return Err(WireError::Protocol);
    }
    if ip.more_frags() || ip.frag_offset() != 0 {
        return Err(WireError::Fragment);
    }
    let (from, to) = (ip.src_addr(), ip.dst_addr());
    let tcp = TcpPacket::new_checked(ip.payload()).map_err(|_| WireError::Tcp)?;
    if verify && !(ip.verify_checksum() && tcp.verify_checksum(&from.into(), &to.into())) {
        return Err(WireError::Checksum);
    }
    let mut segment = Segment {
        flow: FlowId::default(),
        direction: Direction::Forward,
        codepoint: codepoint(ip.ecn()),
        flags: flags(&tcp),
        seq: tcp.seq_number().0 as u32,
        ack: tcp.ack_number().0 as u32,
        payload: tcp.payload().len() as u32,
        window: tcp.window_len(),
        ..Segment::default()
    };
    read_options(tcp.options(), &mut segment)?;
    let address = |ip, port| SocketAddrV4::new(ip, port);
    Ok((segment, address(from, tcp.src_port()), address(to, tcp.dst_port())))
}

fn codepoint(bits: u8) -> Codepoint {
    match bits & 0b11 {
        0b00 => Codepoint::NotEct,
        0b01 => Codepoint::Ect1,
        0b10 => Codepoint::Ect0,
        _ => Codepoint::Ce,
    }
}

fn flags(tcp: &TcpPacket<&[u8]>) -> Flags {
    [
        (tcp.fin(), Flags::FIN),
        (tcp.syn(), Flags::SYN),
        (tcp.rst(), Flags::RST),
        (tcp.psh(), Flags::PSH),
        (tcp.ack(), Flags::ACK),
        (tcp.ece(), Flags::ECE),
        (tcp.cwr(), Flags::CWR),
        (tcp.ns(), Flags::AE),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .fold(Flags::NONE, |all, (_, flag)| all.with(flag))
}

fn read_options(mut rest: &[u8], segment: &mut Segment) -> Result<(), WireError> {
    let mut syn = SynOptions::default();
    while !rest.is_empty() {
        let (next, option) = TcpOption::parse(rest).map_err(|_| WireError::Tcp)?;
        match option {
            TcpOption::EndOfList => break,
            TcpOption::NoOperation => {}
            TcpOption::MaxSegmentSize(mss) => syn.mss = mss,
            TcpOption::WindowScale(shift) => syn.window_scale = Some(shift),
            TcpOption::SackPermitted => syn.sack_permitted = true,
            TcpOption::SackRange(ranges) => {
                for (start, end) in ranges.into_iter().flatten() {
                    segment.sack.push(SackBlock { start, end });
                }
            }
            TcpOption::TimeStamp { tsval, tsecr } => {
                segment.timestamps = Some(Timestamps { value: tsval, echo: tsecr });
            }
            TcpOption::Unknown { kind: kind @ (ACC_ECN_ORDER_0 | ACC_ECN_ORDER_1), data } => {
                segment.acc_ecn = acc_ecn(kind, data).or(segment.acc_ecn);
            }
            TcpOption::Unknown { .. } => {}
        }
        rest = next;
    }
    if segment.flags.has(Flags::SYN) {
        segment.syn = syn;
        // There is nothing to report yet (RFC 2018, section 3), and beside a SYN's options there may be no room to write it.
        segment.sack = SackBlocks::default();
    }
    Ok(())
}

/// The AccECN option's counters. Trailing ones that did not change may be left out; without the CE counter, which comes
/// second in both orders, the option says nothing that the ACE field does not say. A third that is missing is given its
/// initial value of 1 (RFC 9768, section 3.2.1).
fn acc_ecn(kind: u8, data: &[u8]) -> Option<AccEcnCounters> {
    let counter = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let mut counters = data.chunks_exact(3).map(|bytes| U24::wrapping(counter(bytes)));
    let (first, ce) = (counters.next()?, counters.next()?);
    let third = counters.next().unwrap_or(U24::wrapping(1));
    let (ect0, ect1) = if kind == ACC_ECN_ORDER_0 { (first, third) } else { (third, first) };
    Some(AccEcnCounters { ect0, ce, ect1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    const FROM: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 1), 40000);
    const TO: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 2), 29500);

    prop_compose! {
        fn any_segment()(
            codepoint in 0u8..4, flags in any::<u16>(), seq: u32, ack: u32, payload in 0u32..3000, window: u16,
            mss: u16, scale in proptest::option::of(0u8..15), permitted: bool,
            blocks in proptest::collection::vec(any::<(u32, u32)>(), 0..4),
            stamps in proptest::option::of(any::<(u32, u32)>()),
            counters in proptest::option::of(any::<(u64, u64, u64)>()),
        ) -> Segment {
            let known = Flags::FIN.with(Flags::SYN).with(Flags::RST).with(Flags::PSH).with(Flags::ACK)
                .with(Flags::ECE).with(Flags::CWR).with(Flags::AE);
            let flags = Flags(flags & known.0);
            let mut segment = Segment {
                codepoint: super::codepoint(codepoint), flags, seq, ack, payload, window,
                timestamps: stamps.map(|(value, echo)| Timestamps { value, echo }),
                ..Segment::default()
            };
            if flags.has(Flags::SYN) {
                segment.syn = SynOptions { mss, window_scale: scale, sack_permitted: permitted };
            } else {
                // Together with timestamps, forty bytes hold either three blocks or the counters and one block.
                let room = if counters.is_some() { 1 } else { 3 };
                blocks.iter().take(room).for_each(|(start, end)| segment.sack.push(SackBlock { start: *start, end: *end }));
                segment.acc_ecn = counters.map(|(a, b, c)| AccEcnCounters {
                    ect0: U24::wrapping(a), ce: U24::wrapping(b), ect1: U24::wrapping(c),
                });
            }
            segment
        }
    }

    // holds: RFC9768 3.2.3 #1, RFC9768 3.2.3 #2, RFC9768 3.2.3.1
    #[test]
    fn accurate_ecn_is_written_in_order_0_with_all_counters() {
        let (ect0, ce, ect1) = (U24::wrapping(0x1_0203_0405), U24::wrapping(7), U24::wrapping(0x0a_0b0c));
        let counters = Some(AccEcnCounters { ect0, ce, ect1 });
        let bytes = to_bytes(&Segment { flags: Flags::ACK, acc_ecn: counters, ..Segment::default() }, FROM, TO, &[]);
        assert_eq!(bytes[IP_HEADER + 20..][..11], [172, 11, 3, 4, 5, 0, 0, 7, 10, 11, 12]);
    }

    // holds: RFC9768 3.2.3 #3, RFC9768 3.2.3 #4
    #[test]
    fn accurate_ecn_is_read_in_both_orders_and_abridged() {
        let counters =
            |a, b, c| AccEcnCounters { ect0: U24::wrapping(a), ce: U24::wrapping(b), ect1: U24::wrapping(c) };
        let whole = [0, 1, 2, 0, 0, 7, 1, 0, 0];
        assert_eq!(acc_ecn(172, &whole), Some(counters(258, 7, 65_536)));
        assert_eq!(acc_ecn(174, &whole), Some(counters(65_536, 7, 258)));
        assert_eq!(acc_ecn(172, &whole[..6]), Some(counters(258, 7, 1)));
        assert_eq!(acc_ecn(172, &whole[..3]), None);
        assert_eq!(acc_ecn(172, &[]), None);
        let padded = [0, 1, 2, 0, 0, 7, 1, 0, 0, 9, 9];
        for (len, expected) in [(7, counters(258, 7, 1)), (8, counters(258, 7, 1)), (11, counters(258, 7, 65_536))] {
            assert_eq!(acc_ecn(172, &padded[..len]), Some(expected), "whole counters count, and the rest is padding");
        }
    }

    #[test]
    fn sack_blocks_of_a_syn_are_not_read() {
        let mut segment = Segment { flags: Flags::ACK, acc_ecn: Some(AccEcnCounters::default()), ..Segment::default() };
        (1..4).for_each(|n| segment.sack.push(SackBlock { start: n, end: n + 1 }));
        let mut bytes = to_bytes(&segment, FROM, TO, &[]);
        bytes[IP_HEADER + 13] |= 0x02;
        let (read, ..) = from_bytes(&bytes, false).unwrap();
        assert!(read.flags.has(Flags::SYN) && read.sack.is_empty());
    }

    #[test]
    fn a_packet_of_another_version_is_none() {
        let mut bytes = to_bytes(&Segment { payload: 9, ..Segment::default() }, FROM, TO, &[7; 9]);
        bytes[0] = 6 << 4 | 5;
        let before = bytes.clone();
        assert_eq!(from_bytes(&bytes, false), Err(WireError::Ip));
        assert_eq!((payload(&bytes), codepoint_of(&bytes)), (&[][..], Codepoint::NotEct));
        mark_ce(&mut bytes);
        assert_eq!(bytes, before);
    }

    proptest! {
        // holds: RFC9293 MUST-2
        #[test]
        fn a_segment_comes_back_from_its_bytes(segment in any_segment()) {
            let bytes = to_bytes(&segment, FROM, TO, &[7; 100]);
            prop_assert_eq!(bytes.len() as u64, segment.wire_len().get());
            prop_assert_eq!(from_bytes(&bytes, true), Ok((segment, FROM, TO)));
        }

        #[test]
        fn the_payload_comes_back(segment in any_segment(), tail in 0usize..30) {
            let content: Vec<u8> = (0..segment.payload).map(|n| n as u8).collect();
            let mut bytes = vec![9; 5000];
            write(&segment, FROM, TO, |place| place.copy_from_slice(&content), &mut bytes);
            // What follows the packet's own length is a link layer's padding.
            bytes.resize(bytes.len() + tail, 0xee);
            prop_assert_eq!(payload(&bytes), &content[..]);
        }

        #[test]
        fn garbage_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (from_bytes(&bytes, false), payload(&bytes));
        }

        // holds: RFC9293 MUST-3
        #[test]
        fn a_flipped_bit_is_noticed(segment in any_segment(), place: proptest::sample::Index, bit in 0u8..8) {
            let mut bytes = to_bytes(&segment, FROM, TO, &[]);
            let i = place.index(bytes.len());
            bytes[i] ^= 1 << bit;
            prop_assert!(from_bytes(&bytes, true).is_err());
        }
    }
}
