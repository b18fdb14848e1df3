//! The parser of segments: what it reads, another parser reads as well, and it comes back from its bytes.

use std::net::SocketAddrV4;

use burstlab_network::wire::{self, WireError};
use burstlab_network::{Codepoint, Flags, SackBlock, Segment, Timestamps};
use etherparse::checksum::Sum16BitWords;
use etherparse::{Ipv4HeaderSlice, TcpHeaderSlice, TcpOptionElement};

/// Any bytes are a segment, or are refused.
pub fn run(data: &[u8]) {
    mark(data);
    match wire::from_bytes(data, false) {
        Ok((segment, from, to)) => {
            agree(data, &segment, from, to);
            come_back(data, &segment, from, to);
        }
        // With checksums to be looked at as well, another fault may be found first.
        Err(_) => assert!(wire::from_bytes(data, true).is_err(), "checksums make a segment of what is none"),
    }
}

/// A mark changes the ECN field, and nothing else that is read.
fn mark(data: &[u8]) {
    let mut marked = data.to_vec();
    wire::mark_ce(&mut marked);
    assert_eq!(marked.len(), data.len());
    match (wire::from_bytes(data, false), wire::from_bytes(&marked, false)) {
        (Ok((before, ..)), Ok((after, ..))) => {
            assert_eq!(wire::codepoint_of(&marked), Codepoint::Ce);
            assert_eq!(after, Segment { codepoint: Codepoint::Ce, ..before });
        }
        (before, after) => assert_eq!(before, after),
    }
}

/// etherparse finds the same fields, options and checksums.
fn agree(data: &[u8], segment: &Segment, from: SocketAddrV4, to: SocketAddrV4) {
    let ip = Ipv4HeaderSlice::from_slice(data).expect("an IPv4 header");
    let content = &data[ip.slice().len()..usize::from(ip.total_len())];
    let tcp = TcpHeaderSlice::from_slice(content).expect("a TCP header");
    let payload = &content[tcp.slice().len()..];
    assert_eq!(wire::payload(data), payload);
    assert_eq!(segment.payload as usize, payload.len());
    assert_eq!((*from.ip(), *to.ip()), (ip.source_addr(), ip.destination_addr()));
    assert_eq!((from.port(), to.port()), (tcp.source_port(), tcp.destination_port()));
    assert_eq!((segment.seq, segment.ack), (tcp.sequence_number(), tcp.acknowledgment_number()));
    assert_eq!(segment.window, tcp.window_size());
    assert_eq!(segment.codepoint as u8, ip.ecn().value());
    assert_eq!(segment.flags, flags(&tcp));
    // Over the bytes: a header that etherparse rebuilds has lost the reserved bit.
    let right = Sum16BitWords::new().add_slice(ip.slice()).ones_complement() == 0
        && Ok(tcp.checksum()) == tcp.calc_checksum_ipv4(&ip, payload);
    let verdict = wire::from_bytes(data, true).map(|(segment, ..)| segment);
    // Ones' complement has two zeros (RFC 1071, section 2); a sum that may be either is no matter of dispute.
    if !matches!(tcp.checksum(), 0 | 0xffff) && !matches!(ip.header_checksum(), 0 | 0xffff) {
        assert_eq!(verdict, if right { Ok(*segment) } else { Err(WireError::Checksum) });
    }
    options(&tcp, segment);
}

fn flags(tcp: &TcpHeaderSlice<'_>) -> Flags {
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
    .fold(Flags::NONE, |all, (set, flag)| if set { all.with(flag) } else { all })
}

/// Options up to the first that etherparse does not know, where it gives up.
fn options(tcp: &TcpHeaderSlice<'_>, segment: &Segment) {
    let mut expected = Segment { flags: segment.flags, ..Segment::default() };
    let mut whole = true;
    for option in tcp.options_iterator() {
        match option {
            Ok(TcpOptionElement::Noop) => {}
            Ok(TcpOptionElement::MaximumSegmentSize(mss)) => expected.syn.mss = mss,
            Ok(TcpOptionElement::WindowScale(shift)) => expected.syn.window_scale = Some(shift),
            Ok(TcpOptionElement::SelectiveAcknowledgementPermitted) => expected.syn.sack_permitted = true,
            Ok(TcpOptionElement::SelectiveAcknowledgement(first, others)) => {
                // Of four blocks, three are kept.
                let blocks = std::iter::once(first).chain(others.into_iter().flatten()).take(3);
                blocks.for_each(|(start, end)| expected.sack.push(SackBlock { start, end }));
            }
            Ok(TcpOptionElement::Timestamp(value, echo)) => expected.timestamps = Some(Timestamps { value, echo }),
            Err(_) => whole = false,
        }
    }
    if whole {
        // Each kind counts where it belongs alone.
        if segment.flags.has(Flags::SYN) {
            expected.sack = segment.sack;
        } else {
            expected.syn = segment.syn;
        }
        let read = (segment.syn, segment.sack, segment.timestamps, segment.acc_ecn);
        assert_eq!(read, (expected.syn, expected.sack, expected.timestamps, None));
    }
}

/// What was read, written and read again is the same.
fn come_back(data: &[u8], segment: &Segment, from: SocketAddrV4, to: SocketAddrV4) {
    let payload = wire::payload(data);
    let written = wire::to_bytes(segment, from, to, payload);
    assert_eq!(wire::from_bytes(&written, true), Ok((*segment, from, to)));
    assert_eq!(wire::payload(&written), payload);
}
