//! Where an IPv4 packet's headers end.

/// TCP's number in the protocol field: RFC 9293, section 3.1.
const TCP: u8 = 6;
/// Of other protocols so much is kept as UDP and ICMP have (RFC 768, RFC 792).
const OTHER: usize = 8;

/// Length of the IP header and of what follows it; of a packet that is cut within them, its whole length.
pub fn length(packet: &[u8]) -> usize {
    headers(packet).unwrap_or(packet.len()).min(packet.len())
}

/// RFC 791, section 3.1: length in words, fragment offset, protocol; RFC 9293, section 3.1: the data offset, in words.
fn headers(packet: &[u8]) -> Option<usize> {
    let ip = usize::from(packet.first()? & 0x0f) * 4;
    let offset = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]) & 0x1fff;
    if *packet.get(9)? != TCP || offset > 0 {
        return Some(ip + OTHER);
    }
    Some(ip + usize::from(packet.get(ip + 12)? >> 4) * 4)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4};

    use burstlab_network::{Segment, Timestamps, wire};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_end_where_the_payload_begins() {
        let end = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
        let timestamps = Some(Timestamps::default());
        let mut bytes = wire::to_bytes(&Segment { payload: 100, timestamps, ..Segment::default() }, end, end, &[]);
        assert_eq!(length(&bytes), 52);
        assert_eq!(length(&bytes[..45]), 45);
        bytes[9] = 17;
        assert_eq!(length(&bytes), 28);
    }

    proptest! {
        #[test]
        fn garbage_has_a_length_too(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(length(&bytes) <= bytes.len());
        }
    }
}
