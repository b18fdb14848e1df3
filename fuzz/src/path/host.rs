//! One end of the path: a connection whose packets are segments, or bytes with content.

use std::net::{Ipv4Addr, SocketAddrV4};

use burstlab_algorithms::{Bytes, Time};
use burstlab_network::{Segment, wire};
use burstlab_stacks::content;
use burstlab_stacks::native::Connection;
use burstlab_stacks::{Endpoint, Keys, PacketEndpoint, Wired};

use super::Packet;

/// Which stream each side writes.
const STREAMS: [u64; 2] = [0x00a1, 0x00b2];

/// A side.
#[allow(clippy::large_enum_variant, reason = "there are two of them")]
pub enum Host {
    /// Segments say how much they carry.
    Plain(Connection),
    /// Packets carry it.
    Wired(Wired),
}

impl Host {
    /// The `n`th side.
    pub fn new(connection: Connection, n: usize, content: bool) -> Host {
        let address = |n: usize| SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, n as u8 + 1), 29_500 + n as u16);
        if content {
            let keys = Keys { outgoing: STREAMS[n], incoming: STREAMS[1 - n] };
            Host::Wired(Wired::new(connection, address(n), address(1 - n), keys))
        } else {
            Host::Plain(connection)
        }
    }

    /// Whichever it is.
    pub fn endpoint(&self) -> &dyn Endpoint {
        match self {
            Host::Plain(connection) => connection,
            Host::Wired(wired) => wired,
        }
    }

    /// Whichever it is.
    pub fn endpoint_mut(&mut self) -> &mut dyn Endpoint {
        match self {
            Host::Plain(connection) => connection,
            Host::Wired(wired) => wired,
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
            Host::Wired(wired) => wired.received(),
        }
    }

    /// A packet came in.
    pub fn take(&mut self, now: Time, packet: &Packet) {
        match (self, packet) {
            (Host::Plain(connection), Packet::Segment(segment)) => connection.on_segment(now, segment),
            (Host::Wired(wired), Packet::Bytes(bytes)) => wired.on_packet(now, bytes),
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
            Host::Wired(wired) => {
                let mut bytes = Vec::new();
                if !wired.transmit_packet(now, &mut bytes) {
                    return None;
                }
                let (segment, ..) = wire::from_bytes(&bytes, true).expect("what is sent can be read");
                Some((segment, Packet::Bytes(bytes)))
            }
        }
    }

    /// Each byte that was read is what the peer wrote there.
    pub fn check_content(&self) {
        if let Host::Wired(wired) = self {
            let reader = wired.reader();
            assert_eq!((reader.position(), reader.damaged(), reader.garbage()), (wired.received(), 0, 0));
            let key = STREAMS.iter().find(|key| content::sha256(**key, reader.position()) == reader.sha256());
            assert!(key.is_some() || reader.position() == 0, "another stream was read");
        }
    }
}
