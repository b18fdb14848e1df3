//! What passes the queues as a capture, for Wireshark: one interface for each port of the network, a record for each
//! packet at each port, and comments that say what happened to it there.

mod comments;
pub(crate) mod headers;
mod record;
mod tapped;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

use burstlab_network::{Codepoint, Direction, Limit, Occupancy, PortId, PortInfo, PortKind, Probe, Segment, wire};
use burstlab_replay::pcapng::{Interface, InterfaceNumber, Writer};
use burstlab_units::{Bytes, Rate, Span, Time};

use record::{Record, Records};
pub use tapped::Tapped;

/// IPv4 and TCP headers with all options that they can have: RFC 791, section 3.1, and RFC 9293, section 3.1.
const LONGEST_HEADERS: u32 = 60 + 60;

/// How much of each packet is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// IP and TCP headers, and of packets of other protocols the first eight bytes behind the IP header.
    #[default]
    Headers,
    /// At most so many bytes. In virtual time payload is a length without content, and is written as zeros.
    Bytes(u32),
}

/// What a capture is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TapOptions {
    /// How much of each packet.
    pub keep: Keep,
    /// Which ports; `None` for all. A packet passes several of them, and Wireshark, which looks at a connection as a whole,
    /// takes its second sighting for a retransmission: filter by `frame.interface_name` there, or leave ports out here.
    pub only: Option<PortKind>,
    /// The run's first instant, in nanoseconds since 1970 in UTC; 0 for a run that has no date.
    pub epoch: u64,
}

/// What the records of a port need to know of it.
struct Port {
    interface: InterfaceNumber,
    rate: Rate,
    delay: Span,
    limit: Limit,
    /// Whether its link may lose packets.
    lossy: bool,
}

/// Writes what passes the queues into a capture.
///
/// Records carry the time of arrival at the queue. After an error in writing nothing more is written, and
/// [`finish`](Tap::finish) gives that error: a full disk does not end the run.
pub struct Tap {
    records: Records,
    /// By number; none for those that are left out.
    ports: Vec<Option<Port>>,
    addresses: Vec<[SocketAddrV4; 2]>,
    options: TapOptions,
    /// The packet that the next calls are about; empty if there is no more of it than its segment.
    packet: Vec<u8>,
    /// Whether that packet was marked at the port where its arrival is yet to be told.
    marked: bool,
}

impl Tap {
    /// Begins a capture in a new file at `path`, compressed if its name ends in `.zst`, of a network with these `ports`.
    /// `addresses` has for each flow, by its number, where its forward direction comes from and goes to; a network that
    /// carries bytes has them in its packets, and needs none here.
    pub fn create(
        path: &Path,
        ports: &[PortInfo],
        addresses: Vec<[SocketAddrV4; 2]>,
        options: TapOptions,
    ) -> io::Result<Tap> {
        let application = concat!("burstlab ", env!("CARGO_PKG_VERSION"));
        Tap::new(Writer::create(path, application)?, ports, addresses, options)
    }

    /// As [`create`](Tap::create), with a writer that has no interfaces yet.
    pub fn new(
        mut writer: Writer,
        ports: &[PortInfo],
        addresses: Vec<[SocketAddrV4; 2]>,
        options: TapOptions,
    ) -> io::Result<Tap> {
        let snap = match options.keep {
            Keep::Headers => LONGEST_HEADERS,
            Keep::Bytes(bytes) => bytes,
        };
        let mut add = |info: &PortInfo| -> io::Result<Option<Port>> {
            if options.only.is_some_and(|kind| kind != info.kind) {
                return Ok(None);
            }
            let description = comments::port(info);
            let interface =
                Interface { name: &info.name, description: &description, rate: Some(info.rate), snap: Some(snap) };
            Ok(Some(Port {
                interface: writer.interface(&interface)?,
                rate: info.rate,
                delay: info.delay,
                limit: info.queue.limit(),
                lossy: info.impairment.loss > 0.0,
            }))
        };
        let ports = ports.iter().map(&mut add).collect::<io::Result<_>>()?;
        Ok(Tap { records: Records::new(writer), ports, addresses, options, packet: Vec::new(), marked: false })
    }

    /// The run's first instant is now known: `epoch`, in nanoseconds since 1970 in UTC. Before the first packet.
    pub fn date(&mut self, epoch: u64) {
        self.options.epoch = epoch;
    }

    /// Writes all that is left, and gives the number of records, or the first error that there was.
    pub fn finish(self) -> io::Result<u64> {
        self.records.finish()
    }

    /// Records the packet at `port`, where it `waits` unless it is gone. If the link may lose it, the record can still get
    /// a comment until the packet is due at the far end: its transmission and the link's delay later.
    fn record(&mut self, port: PortId, now: Time, segment: &Segment, waits: Option<Span>, comments: Vec<String>) {
        let Some(&Port { interface, rate, delay, lossy, .. }) = self.port(port) else { return };
        let (bytes, length) = self.bytes(segment);
        let settles = match waits {
            Some(wait) if lossy => now + wait + rate.transmission_time(Bytes::new(u64::from(length))) + delay,
            _ => Time::ZERO,
        };
        self.records.add(
            now,
            Record {
                interface,
                at: self.options.epoch.saturating_add(now.as_nanos()),
                original: length,
                bytes,
                comments,
                port,
                segment: *segment,
                settles,
            },
        );
    }

    /// What is kept of the packet at hand, as it is behind the queue's mark, and its whole length.
    fn bytes(&mut self, segment: &Segment) -> (Vec<u8>, u32) {
        let (mut bytes, length) = if self.packet.is_empty() {
            let [from, to] = self.ends(segment);
            (wire::to_bytes(segment, from, to, &[]), segment.wire_len().get() as u32)
        } else {
            if segment.codepoint == Codepoint::Ce {
                wire::mark_ce(&mut self.packet);
            }
            (self.packet.clone(), self.packet.len() as u32)
        };
        bytes.truncate(match self.options.keep {
            Keep::Headers => headers::length(&bytes),
            Keep::Bytes(most) => most as usize,
        });
        (bytes, length)
    }

    fn port(&self, port: PortId) -> Option<&Port> {
        self.ports.get(port.0 as usize)?.as_ref()
    }

    fn ends(&self, segment: &Segment) -> [SocketAddrV4; 2] {
        // A flow that has no address is one that the caller forgot: its packets still show what happens at the queues.
        const UNKNOWN: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let [from, to] = self.addresses.get(segment.flow.0 as usize).copied().unwrap_or([UNKNOWN; 2]);
        match segment.direction {
            Direction::Forward => [from, to],
            Direction::Backward => [to, from],
        }
    }
}

impl Probe for Tap {
    #[cold]
    fn on_bytes(&mut self, packet: &[u8]) {
        self.packet.clear();
        self.packet.extend_from_slice(packet);
    }

    #[cold]
    fn on_arrival(&mut self, port: PortId, now: Time, segment: &Segment, wait: Span, ahead: Occupancy) {
        let mut comments = Vec::new();
        if std::mem::take(&mut self.marked) {
            comments.push(comments::mark(ahead));
        }
        if !wait.is_zero() {
            comments.push(comments::wait(wait, ahead));
        }
        self.record(port, now, segment, Some(wait), comments);
    }

    #[cold]
    fn on_leaving(&mut self, port: PortId, at: Time, segment: &Segment, wait: Span) {
        let comment = comments::left(wait, std::mem::take(&mut self.marked));
        self.record(port, at, segment, Some(Span::ZERO), vec![comment]);
    }

    #[cold]
    fn on_drop(&mut self, port: PortId, now: Time, segment: &Segment) {
        let Some(Port { limit, .. }) = self.port(port) else { return };
        let comment = comments::drop(*limit);
        self.record(port, now, segment, None, vec![comment]);
    }

    #[cold]
    fn on_mark(&mut self, _port: PortId, _now: Time, _segment: &Segment) {
        self.marked = true;
    }

    #[cold]
    fn on_loss(&mut self, port: PortId, now: Time, segment: &Segment) {
        match self.records.held(port, now, segment) {
            Some(record) => record.comments.push(comments::LOSS.to_owned()),
            // Its arrival was not told: the run's first instants may lie before the tap.
            None => self.record(port, now, segment, None, vec![comments::LOSS.to_owned()]),
        }
    }
}

/// Addresses of flows in virtual time, where no packet has any: `hosts` are the numbers of the hosts that each flow goes
/// from and to. Host 0 is 10.77.0.1, host 1 is 10.77.0.2, and no two flows have the same ports.
pub fn addresses(hosts: &[[usize; 2]]) -> Vec<[SocketAddrV4; 2]> {
    /// Linux's ephemeral ports: ip_local_port_range in its Documentation/networking/ip-sysctl.rst.
    const EPHEMERAL: std::ops::Range<u16> = 32_768..61_000;
    /// Where PyTorch's workers listen unless told otherwise, and the ports after it.
    const LISTENING: u16 = 29_500;
    let host = |number: usize| {
        let [.., high, low] = (number as u64 + 1).to_be_bytes();
        Ipv4Addr::new(10, 77, high, low)
    };
    let ends = |(flow, [from, to]): (usize, &[usize; 2])| {
        let (round, place) = (flow / EPHEMERAL.len(), flow % EPHEMERAL.len());
        let ports = [EPHEMERAL.start + place as u16, LISTENING.wrapping_add(round as u16)];
        [SocketAddrV4::new(host(*from), ports[0]), SocketAddrV4::new(host(*to), ports[1])]
    };
    hosts.iter().enumerate().map(ends).collect()
}
