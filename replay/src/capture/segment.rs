//! TCP segments out of IP packets (RFC 791, 8200, 9293) of which often only the beginning was kept.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::bytes::{be16, be32};

const TCP: u8 = 6;
const IPV6_HEADER: usize = 40;

/// Who talks to whom: addresses and ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Endpoints {
    pub source: (IpAddr, u16),
    pub destination: (IpAddr, u16),
}

/// What matters of a TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub endpoints: Endpoints,
    pub sequence: u32,
    pub acknowledgement: Option<u32>,
    pub syn: bool,
    /// Bytes of payload on the wire, however many were kept.
    pub payload: u32,
    /// Equal for two sightings of one packet; hops, marks and checksums may differ.
    pub identity: u64,
    /// Whether the sender numbers its packets, so that a retransmission has another identity than the original.
    pub numbered: bool,
}

/// A piece of a fragmented IP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub identification: u32,
    /// Bytes of the IP payload before this piece.
    pub offset: u32,
    /// Bytes of the IP payload in it.
    pub length: u32,
}

/// What an IP packet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// A TCP segment; with the piece if it is the first fragment of one.
    Segment(Segment, Option<Piece>),
    /// A later fragment of a TCP segment: payload without a TCP header.
    Fragment(Piece),
    /// TCP, of which too little was kept.
    Cut,
    /// Something else.
    Other,
}

/// Mixes `value` into `hash`; multiplication by an odd constant (2^64 divided by the golden ratio) spreads its bits.
fn mix(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

/// Reads the IP packet at the start of `packet`, which was `original` bytes long on the wire.
pub(crate) fn parse(packet: &[u8], original: usize) -> Content {
    match packet.first().map(|b| b >> 4) {
        Some(4) => ipv4(packet, original),
        Some(6) => ipv6(packet, original),
        _ => Content::Other,
    }
}

fn ipv4(packet: &[u8], original: usize) -> Content {
    if packet.get(9).is_some_and(|&protocol| protocol != TCP) {
        return Content::Other;
    }
    if packet.len() < 20 {
        return Content::Cut;
    }
    let header = usize::from(packet[0] & 0xf) * 4;
    if header < 20 {
        return Content::Other;
    }
    let field = |at| be16(packet, at).unwrap_or(0);
    // A packet that the card is still to segment can be longer than the field holds; then it is zero.
    let total = match field(2) {
        0 => original,
        n => usize::from(n),
    };
    let address = |at: usize| IpAddr::V4(Ipv4Addr::new(packet[at], packet[at + 1], packet[at + 2], packet[at + 3]));
    let (source, destination) = (address(12), address(16));
    let (identification, flags) = (field(4), field(6));
    let offset = u32::from(flags & 0x1fff) * 8;
    let length = total.saturating_sub(header) as u32;
    let piece = Piece { source, destination, identification: u32::from(identification), offset, length };
    if offset > 0 {
        return Content::Fragment(piece);
    }
    let more = flags & 0x2000 != 0;
    let id = (identification != 0).then_some(u32::from(identification));
    tcp(packet.get(header..).unwrap_or_default(), piece, more, id)
}

fn ipv6(packet: &[u8], original: usize) -> Content {
    if packet.len() < IPV6_HEADER {
        return match packet.get(6) {
            Some(&TCP) => Content::Cut,
            _ => Content::Other,
        };
    }
    let address = |at: usize| {
        let mut octets = [0; 16];
        octets.copy_from_slice(&packet[at..at + 16]);
        IpAddr::V6(Ipv6Addr::from(octets))
    };
    let (source, destination) = (address(8), address(24));
    let total = match be16(packet, 4) {
        None | Some(0) => original,
        Some(n) => usize::from(n) + IPV6_HEADER,
    };
    let (mut next, mut at, mut fragment) = (packet[6], IPV6_HEADER, None);
    while next != TCP {
        let Some(header) = packet.get(at..at + 8) else { return Content::Other };
        at += match next {
            // Hop-by-hop, routing and destination options: length in units of 8 bytes beyond the first (RFC 8200, 4).
            0 | 43 | 60 => 8 + usize::from(header[1]) * 8,
            44 => {
                let word = u16::from_be_bytes([header[2], header[3]]);
                let identification = be32(header, 4).unwrap_or(0);
                fragment = Some((u32::from(word & 0xfff8), word & 1 != 0, identification));
                8
            }
            // The authentication header counts in units of 4 bytes (RFC 4302, 2.2).
            51 => 8 + usize::from(header[1]) * 4,
            _ => return Content::Other,
        };
        next = header[0];
        if fragment.is_some_and(|(offset, ..)| offset > 0) {
            break;
        }
    }
    if next != TCP {
        return Content::Other;
    }
    let (offset, more, identification) = fragment.unwrap_or((0, false, 0));
    let piece = Piece { source, destination, identification, offset, length: total.saturating_sub(at) as u32 };
    if offset > 0 {
        return Content::Fragment(piece);
    }
    tcp(packet.get(at..).unwrap_or_default(), piece, more, fragment.map(|f| f.2))
}

/// `header`: what was kept from the TCP header on; `piece`: where it lies in the IP packet; `more`: fragments follow;
/// `id`: the packet's number, if its sender gave it one.
fn tcp(header: &[u8], piece: Piece, more: bool, id: Option<u32>) -> Content {
    let Some(head) = header.get(..14) else { return Content::Cut };
    let length = u32::from(head[12] >> 4) * 4;
    if length < 20 || length > piece.length {
        return Content::Other;
    }
    let word = |at| be32(head, at).unwrap_or(0);
    let port = |at| be16(head, at).unwrap_or(0);
    let flags = head[13];
    let payload = piece.length - length;
    let mut identity = mix(u64::from(id.unwrap_or(0)), u64::from(word(0)) << 32 | u64::from(payload));
    identity = mix(identity, u64::from(word(4)) << 32 | u64::from(word(8)));
    identity = mix(identity, u64::from(flags));
    for address in [piece.source, piece.destination] {
        identity = match address {
            IpAddr::V4(a) => mix(identity, u64::from(a.to_bits())),
            IpAddr::V6(a) => mix(mix(identity, (a.to_bits() >> 64) as u64), a.to_bits() as u64),
        };
    }
    // Options hold the timestamp and the SACK blocks, by which duplicate ACKs differ.
    let options = header.get(20..(length as usize).min(header.len())).unwrap_or_default();
    for chunk in options.chunks_exact(4) {
        identity = mix(identity, u64::from(be32(chunk, 0).unwrap_or(0)));
    }
    let segment = Segment {
        endpoints: Endpoints { source: (piece.source, port(0)), destination: (piece.destination, port(2)) },
        sequence: word(4),
        acknowledgement: (flags & 0x10 != 0).then_some(word(8)),
        syn: flags & 0x02 != 0,
        payload,
        identity,
        numbered: id.is_some(),
    };
    Content::Segment(segment, more.then_some(piece))
}
