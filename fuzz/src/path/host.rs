//! One end of the path: a connection whose packets are segments, or bytes with content; with content, of any stack.

use std::net::{Ipv4Addr, SocketAddrV4};

use burstlab_algorithms::{Bytes, Time};
use burstlab_network::{Direction, Segment, wire};
use burstlab_stacks::native::Connection;
use burstlab_stacks::{Endpoint, Keys, PacketEndpoint, Wired};

use super::{Packet, Scenario, Stack};

/// Which stream each side writes.
const STREAMS: [u64; 2] = [0x00a1, 0x00b2];

/// A side.
#[allow(clippy::large_enum_variant, reason = "there are two of them")]
pub enum Host {
    /// Segments say how much they carry.
    Plain(Connection),
    /// Packets carry it.
    Packets(Box<dyn PacketEndpoint>),
}

impl Host {
    /// The `n`th side; a connection is given up after `retries` timeouts in a row.
    pub fn new(scenario: &Scenario, n: usize, retries: u32) -> Host {
        let settings = &scenario.sides[n];
        let direction = [Direction::Forward, Direction::Backward][n];
        if !scenario.content {
            return Host::Plain(settings.connection(direction, retries));
        }
        let [own, peer] =
            [n, 1 - n].map(|n| SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, n as u8 + 1), 29_500 + n as u16));
        let keys = Keys { outgoing: STREAMS[n], incoming: STREAMS[1 - n] };
        Host::Packets(match scenario.stacks[n] {
            Stack::Native => Box::new(Wired::new(settings.connection(direction, retries), own, peer, keys)),
            Stack::Smoltcp => Box::new(settings.smoltcp(direction, retries, [own, peer], keys)),
        })
    }

    /// Whichever it is.
    pub fn endpoint(&self) -> &dyn Endpoint {
        match self {
            Host::Plain(connection) => connection,
            Host::Packets(endpoint) => &**endpoint,
        }
    }

    /// Whichever it is.
    pub fn endpoint_mut(&mut self) -> &mut dyn Endpoint {
        match self {
            Host::Plain(connection) => connection,
            Host::Packets(endpoint) => &mut **endpoint,
        }
    }

    /// Opens the connection.
    pub fn connect(&mut self, now: Time) {
        self.endpoint_mut().connect(now);
    }

    /// The application reads some bytes; where packets have content it has read them.
    pub fn read(&mut self, bytes: u64) {
        if let Host::Plain(connection) = self {
            connection.read(Bytes::new(bytes));
        }
    }

    /// The application reads all that comes, or does not.
    pub fn set_reading(&mut self, reading: bool) {
        if let Host::Plain(connection) = self {
            connection.set_reading(reading);
        }
    }

    /// Bytes that arrived in order, read or not.
    pub fn arrived(&self) -> u64 {
        match self {
            Host::Plain(connection) => connection.received() + connection.readable(),
            Host::Packets(endpoint) => endpoint.received(),
        }
    }

    /// A packet came in.
    pub fn take(&mut self, now: Time, packet: &Packet) {
        match (self, packet) {
            (Host::Plain(connection), Packet::Segment(segment)) => connection.on_segment(now, segment),
            (Host::Packets(endpoint), Packet::Bytes(bytes)) => endpoint.on_packet(now, bytes),
            _ => unreachable!("both sides are of one kind"),
        }
    }

    /// The next packet to leave, and its header's fields.
    pub fn transmit(&mut self, now: Time) -> Option<(Segment, Packet)> {
        match self {
            Host::Plain(connection) => {
                let segment = connection.poll_transmit(now)?;
                Some((segment, Packet::Segment(segment)))
            }
            Host::Packets(endpoint) => {
                let mut bytes = Vec::new();
                if !endpoint.transmit_packet(now, &mut bytes) {
                    return None;
                }
                let (segment, ..) = wire::from_bytes(&bytes, true).expect("what is sent can be read");
                Some((segment, Packet::Bytes(bytes)))
            }
        }
    }

    /// Each byte that was read is what the peer wrote there, and of the packets that came `refused` were refused.
    pub fn check_content(&self, refused: u64) {
        if let Host::Packets(endpoint) = self {
            let reader = endpoint.reader();
            let found = (reader.position(), reader.damaged(), reader.garbage());
            assert_eq!(found, (endpoint.received(), 0, refused), "bytes read, bytes that are wrong, packets refused");
        }
    }
}
