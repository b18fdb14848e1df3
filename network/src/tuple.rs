//! Whose a packet is, told from its headers.

use std::net::Ipv4Addr;

use smoltcp::wire::{IpProtocol, Ipv4Packet};

use crate::wire::WireError;

/// What routers tell flows apart by: addresses, protocol, and the ports where the protocol has them and the packet is not
/// a later fragment; else they are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tuple {
    /// Where it comes from.
    pub from: Ipv4Addr,
    /// Where it goes.
    pub to: Ipv4Addr,
    /// Ports from and to.
    pub ports: [u16; 2],
    /// Number of the protocol (IANA's registry of protocol numbers; TCP is 6).
    pub protocol: u8,
}

impl Tuple {
    /// Of an IPv4 packet.
    ///
    /// # Errors
    /// If it is none.
    pub fn of(packet: &[u8]) -> Result<Tuple, WireError> {
        let ip = Ipv4Packet::new_checked(packet).map_err(|_| WireError::Ip)?;
        if ip.version() != 4 {
            return Err(WireError::Ip);
        }
        let protocol = ip.next_header();
        // TCP and UDP both begin with their ports.
        let ports = match (protocol, ip.payload()) {
            (IpProtocol::Tcp | IpProtocol::Udp, [a, b, c, d, ..]) if !ip.more_frags() && ip.frag_offset() == 0 => {
                [u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])]
            }
            _ => [0, 0],
        };
        Ok(Tuple { from: ip.src_addr(), to: ip.dst_addr(), ports, protocol: protocol.into() })
    }

    /// That of the answers.
    pub fn reversed(self) -> Tuple {
        let [from, to] = self.ports;
        Tuple { from: self.to, to: self.from, ports: [to, from], protocol: self.protocol }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV4;

    use proptest::prelude::*;

    use super::*;
    use crate::{Segment, wire};

    #[test]
    fn a_segment_has_addresses_and_ports() {
        let (from, to) = (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 2));
        let bytes = wire::to_bytes(&Segment::default(), SocketAddrV4::new(from, 7), SocketAddrV4::new(to, 8), &[]);
        let tuple = Tuple { from, to, ports: [7, 8], protocol: 6 };
        assert_eq!(Tuple::of(&bytes), Ok(tuple));
        assert_eq!(tuple.reversed().reversed(), tuple);
    }

    proptest! {
        #[test]
        fn garbage_gives_an_error_or_a_tuple(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Tuple::of(&bytes);
        }
    }
}
