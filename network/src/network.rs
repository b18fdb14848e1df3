//! A network at work: ports, interfaces of hosts, and the path of each flow.

use burstlab_units::{Bytes, Rate, Span, Time};

use crate::impairment::Impaired;
use crate::packets::{PacketId, Packets, row};
use crate::port::{Deciding, Enqueued, InFlight, Port, Rule};
use crate::red::Red;
use crate::route::Graph;
use crate::topology::{LinkSpec, NodeId};
use crate::{Direction, Discipline, FlowId, Impairment, Limit, Occupancy, PortId, Probe, Segment, Topology, Violation};

/// A host's network interface: where its workers hand packets over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceId(pub u32);

/// Two hosts that no path joins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no path from {from} to {to}")]
pub struct NoPath {
    from: String,
    to: String,
}

/// A packet at the far end of a link, to be passed on with [`Network::pass_on`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Arriving {
    packet: PacketId,
    size: u32,
}

impl Arriving {
    /// Which packet it is.
    pub fn packet(self) -> PacketId {
        self.packet
    }
}

/// What becomes of a packet that reached the end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It reached the host that it was sent to, which reads it with [`Network::segment`] and then removes it.
    Delivered(PacketId),
    /// It went on into the next queue, whose port now has something to give at this instant, having had nothing before.
    Forwarded(Option<(PortId, Time)>),
}

/// What came of sending a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The port that now has something to give, and when, if it had nothing before.
    pub news: Option<(PortId, Time)>,
    /// How long the sender's interface needs to send what it holds.
    pub backlog: Span,
}

/// What a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortKind {
    /// A host's own interface. It never drops: when it is full, the host's sockets wait.
    Interface,
    /// A queue of the network: a switch's port, or the shared uplink of a host with several workers.
    Queue,
}

/// What is fixed about a port.
#[derive(Debug, Clone)]
pub struct PortInfo {
    /// From where to where, such as `switch>host3`.
    pub name: String,
    /// What it is for.
    pub kind: PortKind,
    /// Capacity of its link.
    pub rate: Rate,
    /// Delay of its link, one way.
    pub delay: Span,
    /// What its queue does with packets.
    pub queue: Discipline,
    /// Random damage on its link.
    pub impairment: Impairment,
}

/// Switches, hosts, interfaces and flows, ready to carry segments.
#[derive(Debug)]
pub struct Network {
    packets: Packets,
    ports: Vec<Port>,
    infos: Vec<PortInfo>,
    interfaces: Vec<PortId>,
    graph: Graph,
    hosts: Vec<NodeId>,
    host_of_interface: Vec<usize>,
    /// The ports of all paths, each in order and with [`ARRIVED`] behind it.
    paths: Vec<PortId>,
    /// Where the path of each flow's two directions begins, and the end of all.
    starts: Vec<u32>,
    seed: u64,
}

/// Behind the last port of a path.
const ARRIVED: PortId = PortId(u32::MAX);

/// The port that now has something to give, and when, if it had nothing before.
#[inline]
fn news(port: PortId, enqueued: Enqueued) -> Option<(PortId, Time)> {
    match enqueued {
        Enqueued::First(at) => Some((port, at)),
        Enqueued::Behind | Enqueued::Dropped => None,
    }
}

impl Network {
    /// Builds what `topology` plans. `workers[h]` is how many workers host `h` carries. Each has an interface of its
    /// own at the rate of the host's link. One alone is the host's end of that link. Several are joined to it like
    /// machines to a switch: the uplink gets a queue of the network, in which they meet.
    pub fn new(topology: &Topology, workers: &[usize], seed: u64) -> Network {
        let mut network = Network {
            packets: Packets::default(),
            ports: Vec::new(),
            infos: Vec::new(),
            interfaces: Vec::new(),
            graph: Graph { edges: vec![Vec::new(); topology.names.len()] },
            hosts: topology.hosts.clone(),
            host_of_interface: Vec::new(),
            paths: Vec::new(),
            starts: vec![0],
            seed,
        };
        let hosts: std::collections::BTreeMap<NodeId, usize> =
            topology.hosts.iter().enumerate().map(|(i, node)| (*node, i)).collect();
        let mut uplinks = vec![None; topology.hosts.len()];
        for cable in &topology.cables {
            for (from, to) in [(0, 1), (1, 0)] {
                let (from, to) = (cable.ends[from], cable.ends[to]);
                let name = format!("{}>{}", topology.names[from.0 as usize], topology.names[to.0 as usize]);
                let host = hosts.get(&from).copied();
                let shared = host.is_none_or(|h| workers.get(h).copied().unwrap_or(1) > 1);
                let kind = if shared { PortKind::Queue } else { PortKind::Interface };
                let port = network.add_port(name, kind, cable.link);
                network.graph.edges[from.0 as usize].push((to, port.0));
                if let Some(h) = host {
                    uplinks[h] = Some((port, cable.link, shared));
                }
            }
        }
        for (host, uplink) in uplinks.into_iter().enumerate() {
            if let Some((port, link, shared)) = uplink {
                network.add_interfaces(host, workers.get(host).copied().unwrap_or(1), port, link, shared);
            }
        }
        network
    }

    fn add_interfaces(&mut self, host: usize, workers: usize, uplink: PortId, link: LinkSpec, shared: bool) {
        for worker in 0..workers.max(1) {
            let port = if shared {
                let name = format!("host{host}.{worker}");
                let local = LinkSpec { delay: Span::ZERO, impairment: Default::default(), ..link };
                self.add_port(name, PortKind::Interface, local)
            } else {
                uplink
            };
            self.interfaces.push(port);
            self.host_of_interface.push(host);
        }
    }

    fn add_port(&mut self, name: String, kind: PortKind, link: LinkSpec) -> PortId {
        let discipline = match kind {
            PortKind::Interface => Discipline::DropTail { limit: Limit::NONE },
            PortKind::Queue => link.queue,
        };
        let LinkSpec { rate, delay, impairment, .. } = link;
        let impaired = impairment.is_active().then(|| Impaired::new(impairment, self.seed, &name));
        let rule = match discipline {
            Discipline::Red { settings, .. } => Some(Rule::Red(Box::new(Red::new(settings, self.seed, &name)))),
            Discipline::Codel { settings, .. } => Some(Rule::Codel(Box::new(Deciding::new(settings)))),
            Discipline::DropTail { .. } | Discipline::EcnStep { .. } => None,
        };
        self.ports.push(Port::new(rate, delay, discipline, rule, impaired));
        self.infos.push(PortInfo { name, kind, rate, delay, queue: discipline, impairment });
        PortId(self.ports.len() as u32 - 1)
    }

    /// The interface of worker `worker` on host `host`, both counted from 0.
    pub fn interface(&self, host: usize, worker: usize) -> Option<InterfaceId> {
        let first = self.host_of_interface.partition_point(|h| *h < host);
        (self.host_of_interface.get(first + worker) == Some(&host)).then_some(InterfaceId((first + worker) as u32))
    }

    /// The host of an interface, counted from 0.
    pub fn host_of(&self, interface: InterfaceId) -> usize {
        self.host_of_interface[interface.0 as usize]
    }

    /// The port behind an interface.
    pub fn port_of(&self, interface: InterfaceId) -> PortId {
        self.interfaces[interface.0 as usize]
    }

    /// How many interfaces there are.
    pub fn interface_count(&self) -> usize {
        self.interfaces.len()
    }

    /// How many flows have been added.
    pub fn flow_count(&self) -> usize {
        self.starts.len() / 2
    }

    /// Lays the paths of a new flow between two interfaces, there and back.
    pub fn add_flow(&mut self, from: InterfaceId, to: InterfaceId) -> Result<FlowId, NoPath> {
        let flow = FlowId(self.starts.len() as u32 / 2);
        let forward = self.lay_path(from, to, u64::from(flow.0) << 1)?;
        let backward = self.lay_path(to, from, (u64::from(flow.0) << 1) | 1)?;
        for path in [forward, backward] {
            self.store_path(path);
        }
        self.packets.add_flow();
        Ok(flow)
    }

    fn lay_path(&self, from: InterfaceId, to: InterfaceId, key: u64) -> Result<Vec<PortId>, NoPath> {
        let host = |interface: InterfaceId| self.host_of_interface[interface.0 as usize];
        let (source, target) = (self.hosts[host(from)], self.hosts[host(to)]);
        let distances = self.graph.distances_to(target);
        let key = burstlab_units::chance::fnv1a(&[self.seed.to_le_bytes(), key.to_le_bytes()].concat());
        let ports = self
            .graph
            .path(source, &distances, key)
            .ok_or_else(|| NoPath { from: format!("host{}", host(from)), to: format!("host{}", host(to)) })?;
        let own = self.interfaces[from.0 as usize];
        let mut path = vec![own];
        path.extend(ports.into_iter().map(PortId).filter(|port| *port != own));
        Ok(path)
    }

    fn store_path(&mut self, path: Vec<PortId>) {
        self.paths.extend(path);
        self.paths.push(ARRIVED);
        self.starts.push(self.paths.len() as u32);
    }

    /// The ports that one direction of a flow goes through, its own interface first.
    pub fn path(&self, flow: FlowId, direction: Direction) -> &[PortId] {
        let row = row(flow, direction);
        &self.paths[self.starts[row] as usize..self.starts[row + 1] as usize - 1]
    }

    /// From now on packets have bytes, which are sent with [`send_bytes`](Self::send_bytes) and read with
    /// [`bytes`](Self::bytes).
    pub fn carry_bytes(&mut self) {
        self.packets.carry_bytes();
    }

    /// The bytes of a packet under way or delivered, as they were sent: marks are in its segment only.
    pub fn bytes(&self, packet: PacketId) -> &[u8] {
        self.packets.bytes(packet)
    }

    /// The segment that a host sends next: to be written here, and then sent with [`send`](Self::send). It says
    /// whatever was here before.
    #[inline]
    pub fn blank(&mut self) -> &mut Segment {
        self.packets.blank()
    }

    /// Sends what was written into [`blank`](Self::blank).
    #[inline(always)]
    pub fn send<P: Probe>(&mut self, now: Time, probe: &mut P) -> Sent {
        let size = self.packets.segment(self.packets.blank_id()).wire_len().get() as u32;
        self.send_sized(now, size, probe)
    }

    /// Sends `packet`, of which [`blank`](Self::blank) says what is known: its flow and direction at least. For a network
    /// that [carries bytes](Self::carry_bytes).
    pub fn send_bytes<P: Probe>(&mut self, now: Time, packet: &[u8], probe: &mut P) -> Sent {
        if let Some(bytes) = self.packets.bytes_mut(self.packets.blank_id()) {
            bytes.clear();
            bytes.extend_from_slice(packet);
        }
        self.send_sized(now, packet.len() as u32, probe)
    }

    #[inline(always)]
    fn send_sized<P: Probe>(&mut self, now: Time, size: u32, probe: &mut P) -> Sent {
        let packet = self.packets.blank_id();
        let (segment, place) = self.packets.packet_mut(packet);
        *place = self.starts[row(segment.flow, segment.direction)];
        let own = self.paths[*place as usize];
        let port = &mut self.ports[own.0 as usize];
        port.depart_until(own, now, &mut self.packets, probe);
        let (segment, _) = self.packets.packet_mut(packet);
        let enqueued = port.enqueue(own, now, packet, size, segment, probe);
        self.packets.seal();
        if enqueued == Enqueued::Dropped {
            self.packets.lose(packet);
        }
        Sent { news: news(own, enqueued), backlog: port.free_at().since(now) }
    }

    /// Takes what arrives at the far end of a port's link at `now`: nothing if it was lost or held back on an impaired
    /// link. The second value is when that port has something to give again.
    #[inline(always)]
    pub fn take<P: Probe>(&mut self, port: PortId, now: Time, probe: &mut P) -> (Option<Arriving>, Time) {
        let (arriving, next) = self.ports[port.0 as usize].take(port, now, &mut self.packets, probe);
        (arriving.map(|InFlight { packet, size, .. }| Arriving { packet, size }), next)
    }

    /// Moves on what arrived at the end of a link at `now`.
    #[inline(always)]
    pub fn pass_on<P: Probe>(&mut self, arriving: Arriving, now: Time, probe: &mut P) -> Arrival {
        let Arriving { packet, size } = arriving;
        let (_, place) = self.packets.packet_mut(packet);
        *place += 1;
        let onward = self.paths[*place as usize];
        if onward == ARRIVED {
            return Arrival::Delivered(packet);
        }
        let port = &mut self.ports[onward.0 as usize];
        port.depart_until(onward, now, &mut self.packets, probe);
        let (segment, _) = self.packets.packet_mut(packet);
        let enqueued = port.enqueue(onward, now, packet, size, segment, probe);
        if enqueued == Enqueued::Dropped {
            self.packets.lose(packet);
        }
        Arrival::Forwarded(news(onward, enqueued))
    }

    /// Compares what was counted of queues, links and flows with what is under way at `now`.
    ///
    /// # Errors
    /// The first thing that does not add up: a fault of burstlab.
    pub fn audit<P: Probe>(&mut self, now: Time, probe: &mut P) -> Result<(), Violation> {
        let (mut under_way, mut entered, mut missing) = (Vec::new(), 0, 0);
        for (number, (port, info)) in self.ports.iter_mut().zip(&self.infos).enumerate() {
            port.depart_until(PortId(number as u32), now, &mut self.packets, probe);
            port.audit(&info.name)?;
            under_way.extend(port.packets());
            let [offered, doubled, lost] = port.totals();
            entered += doubled + if info.kind == PortKind::Interface { offered } else { 0 };
            missing += lost;
        }
        self.packets.audit(&under_way)?;
        let (sent, lost) = self.packets.totals();
        if (sent, lost) != (entered, missing) {
            return Err(Violation::Totals { sent, lost, entered, missing });
        }
        Ok(())
    }

    /// A packet that was delivered. It stays until [`remove`](Self::remove).
    #[inline]
    pub fn segment(&self, packet: PacketId) -> &Segment {
        self.packets.segment(packet)
    }

    /// Frees the place of a packet that was delivered.
    #[inline]
    pub fn remove(&mut self, packet: PacketId) {
        self.packets.remove(packet);
    }

    /// How long an interface needs to send what it holds.
    #[inline]
    pub fn backlog(&self, interface: InterfaceId, now: Time) -> Span {
        self.ports[self.interfaces[interface.0 as usize].0 as usize].free_at().since(now)
    }

    /// Capacity of an interface.
    pub fn interface_rate(&self, interface: InterfaceId) -> Rate {
        self.ports[self.interfaces[interface.0 as usize].0 as usize].rate()
    }

    /// What is fixed about each port.
    pub fn ports(&self) -> &[PortInfo] {
        &self.infos
    }

    /// What waits at a port at `now`.
    pub fn occupancy<P: Probe>(&mut self, port: PortId, now: Time, probe: &mut P) -> Occupancy {
        let state = &mut self.ports[port.0 as usize];
        state.depart_until(port, now, &mut self.packets, probe);
        state.waiting()
    }

    /// Bytes that a port has put on its link, as of the last time it was touched; the packet in transmission counts
    /// whole.
    pub fn transmitted(&self, port: PortId) -> Bytes {
        self.ports[port.0 as usize].transmitted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_that_no_flow_knows_of_is_noticed() {
        let link = LinkSpec {
            rate: Rate::from_bits_per_sec(1_000_000_000),
            delay: Span::from_micros(5),
            queue: Discipline::DropTail { limit: Limit::Packets(0) },
            impairment: Impairment::default(),
        };
        let mut network = Network::new(&Topology::star(2, link), &[1, 1], 1);
        let flow = network.add_flow(InterfaceId(0), InterfaceId(1)).unwrap();
        *network.blank() = Segment { flow, payload: 1000, ..Segment::default() };
        let Some((port, at)) = network.send(Time::ZERO, &mut ()).news else { panic!("nothing is under way") };
        let (Some(arriving), _) = network.take(port, at, &mut ()) else { panic!("nothing arrives") };
        let Arrival::Forwarded(Some((port, _))) = network.pass_on(arriving, at, &mut ()) else {
            panic!("{arriving:?}")
        };
        assert_eq!(network.audit(at, &mut ()), Ok(()));
        // The queue is full, and says that it dropped what nobody sent.
        let (packet, queue) = (network.packets.blank_id(), &mut network.ports[port.0 as usize]);
        assert_eq!(queue.enqueue(port, at, packet, 1000, &mut Segment::default(), &mut ()), Enqueued::Dropped);
        assert_eq!(
            network.audit(at, &mut ()).unwrap_err().to_string(),
            "all flows together: 1 packets sent or doubled and 0 dropped or lost; by interfaces, queues and links 1 and 1"
        );
    }
}
