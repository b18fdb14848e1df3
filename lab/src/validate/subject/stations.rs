//! One or two servers of the network crate in a row, driven without TCP.

use burstlab_network::{
    Arrival, Discipline, FlowId, Impairment, Limit, LinkSpec, Network, Occupancy, PortId, Probe, Segment, Topology,
};
use burstlab_units::{Bytes, Rate, Span, Time};

/// A packet that comes to the first server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offered {
    pub at: Time,
    /// With its headers.
    pub size: Bytes,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Passed {
    /// When it came to each server, if it did.
    pub arrived: [Option<Time>; 2],
    /// How long the network says that it waited there.
    pub waited: [Span; 2],
    /// When its last bit had left the last server; none if it was dropped.
    pub left: Option<Time>,
}

/// The servers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stations {
    pub first: Rate,
    /// Packets go on to this one, as large as they are.
    pub second: Option<Rate>,
    pub limit: Limit,
}

/// IPv4 and TCP headers without options: the least that a segment of the network has (RFC 791, RFC 9293).
pub(super) const HEADERS: u64 = 40;
/// Of the link that brings packets to the first server: so fast that it holds none of them up. At 1 Pbit/s a packet of
/// 1 MB takes 8 ns.
const ENTRANCE: Rate = Rate::from_bits_per_sec(1_000_000_000_000_000);

impl Stations {
    /// Sends `packets`, which have to be in the order of time, through.
    pub fn serve(&self, packets: &[Offered]) -> Vec<Passed> {
        let (mut network, ports, flow) = self.build();
        let mut record = Record { ports, passed: vec![Passed::default(); packets.len()] };
        let mut due: Vec<(Time, PortId)> = Vec::new();
        let mut offered = packets.iter().zip(0u32..).peekable();
        loop {
            due.sort_unstable();
            let next = due.first().copied();
            match (next, offered.peek()) {
                (Some((at, port)), packet) if packet.is_none_or(|(packet, _)| at <= packet.at) => {
                    due.swap_remove(0);
                    advance(&mut network, port, at, &mut record, &mut due);
                }
                (_, Some((packet, number))) => {
                    *network.blank() = segment(flow, *number, packet.size);
                    let sent = network.send(packet.at, &mut record);
                    due.extend(sent.news.map(|(port, at)| (at, port)));
                    offered.next();
                }
                (_, None) => return record.passed,
            }
        }
    }

    fn build(&self) -> (Network, [Option<PortId>; 2], FlowId) {
        let link = |rate, limit| LinkSpec {
            rate,
            delay: Span::ZERO,
            queue: Discipline::DropTail { limit },
            impairment: Impairment::default(),
        };
        let mut plan = Topology::new();
        let (from, entrance) = (plan.add_host(), plan.add_switch("entrance".to_owned()));
        plan.connect(from, entrance, link(ENTRANCE, Limit::NONE));
        let between = self.second.map(|second| {
            let between = plan.add_switch("between".to_owned());
            plan.connect(entrance, between, link(self.first, self.limit));
            (between, second)
        });
        let to = plan.add_host();
        let (last, rate) = between.unwrap_or((entrance, self.first));
        plan.connect(last, to, link(rate, self.limit));
        let mut network = Network::new(&plan, &[], 0);
        let ends = network.interface(0, 0).zip(network.interface(1, 0));
        let flow = ends.and_then(|(from, to)| network.add_flow(from, to).ok()).unwrap_or_default();
        let path = network.path(flow, burstlab_network::Direction::Forward);
        let ports = [path.get(1).copied(), path.get(2).copied()];
        (network, ports, flow)
    }
}

fn segment(flow: FlowId, number: u32, size: Bytes) -> Segment {
    let payload = size.get().saturating_sub(HEADERS) as u32;
    Segment { flow, seq: number, payload, ..Segment::default() }
}

fn advance(network: &mut Network, port: PortId, at: Time, record: &mut Record, due: &mut Vec<(Time, PortId)>) {
    let (arriving, next) = network.take(port, at, record);
    if !next.is_never() {
        due.push((next, port));
    }
    match arriving.map(|arriving| network.pass_on(arriving, at, record)) {
        Some(Arrival::Delivered(packet)) => {
            let number = network.segment(packet).seq;
            network.remove(packet);
            if let Some(passed) = record.passed.get_mut(number as usize) {
                passed.left = Some(at);
            }
        }
        Some(Arrival::Forwarded(news)) => due.extend(news.map(|(port, at)| (at, port))),
        None => {}
    }
}

/// Notes when packets come to the servers, and how long they are told to wait.
struct Record {
    ports: [Option<PortId>; 2],
    passed: Vec<Passed>,
}

impl Record {
    fn note(&mut self, port: PortId, now: Time, segment: &Segment, wait: Span) {
        let server = self.ports.iter().position(|server| *server == Some(port));
        if let Some((server, passed)) = server.zip(self.passed.get_mut(segment.seq as usize)) {
            (passed.arrived[server], passed.waited[server]) = (Some(now), wait);
        }
    }
}

impl Probe for Record {
    fn on_arrival(&mut self, port: PortId, now: Time, segment: &Segment, wait: Span, _: Occupancy) {
        self.note(port, now, segment, wait);
    }

    fn on_drop(&mut self, port: PortId, now: Time, segment: &Segment) {
        self.note(port, now, segment, Span::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(gap: u64, size: u64, count: u64) -> Vec<Offered> {
        (0..count).map(|i| Offered { at: Time::from_nanos(i * gap), size: Bytes::new(size) }).collect()
    }

    #[test]
    fn packets_wait_for_those_before_them_at_the_first_server_and_not_at_one_as_fast_behind_it() {
        let rate = Rate::from_bits_per_sec(1_000_000_000);
        let stations = Stations { first: rate, second: Some(rate), limit: Limit::NONE };
        let passed = stations.serve(&packets(5_000, 1_000, 10));
        // 8 us of service every 5 us.
        let waits: Vec<_> = passed.iter().map(|p| p.waited.map(Span::as_nanos)).collect();
        assert_eq!(waits, (0..10).map(|i| [i * 3_000, 0]).collect::<Vec<_>>());
        // 1 ns at the entrance, 8 us at each server.
        assert_eq!(passed[9].left, Some(Time::from_nanos(1 + 11 * 8_000)));
    }

    #[test]
    fn what_is_dropped_never_leaves() {
        let rate = Rate::from_bits_per_sec(1_000_000_000);
        let stations = Stations { first: rate, second: None, limit: Limit::Packets(2) };
        let passed = stations.serve(&packets(1, 1_000, 10));
        assert_eq!(passed.iter().filter(|p| p.left.is_some()).count(), 3);
    }
}
