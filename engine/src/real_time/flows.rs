//! Whose a packet on a device is: flows by addresses and ports, and hosts by address.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use burstlab_network::{Direction, FlowId, InterfaceId, Network, NoPath, Tuple};

/// Number of TCP among the protocols (IANA's registry of protocol numbers).
const TCP: u8 = 6;

/// Beyond so many flows that nobody announced, ports are not looked at any more, and hosts have one flow for each other
/// host: enough to tell programs apart, and few enough that a port scan does not fill the memory.
const MOST_FOUND: usize = 10_000;

/// A flow's ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    /// The interface that opened it, and the other.
    pub interfaces: [InterfaceId; 2],
}

/// What is known of addresses and flows. Tables are only looked up, never walked, so their order does not matter.
#[derive(Debug, Default)]
pub(super) struct Flows {
    by_address: HashMap<Ipv4Addr, InterfaceId>,
    by_tuple: HashMap<Tuple, (FlowId, Direction)>,
    ends: Vec<Ends>,
    found: usize,
}

impl Flows {
    /// `address` is that of `interface`; it may have several.
    pub fn add_address(&mut self, address: Ipv4Addr, interface: InterfaceId) {
        self.by_address.insert(address, interface);
    }

    /// A TCP connection that will be opened from the first of these addresses to the second.
    pub fn announce(&mut self, flow: FlowId, interfaces: [InterfaceId; 2], [from, to]: [SocketAddrV4; 2]) {
        let tuple = Tuple { from: *from.ip(), to: *to.ip(), ports: [from.port(), to.port()], protocol: TCP };
        self.insert(flow, interfaces, tuple);
    }

    fn insert(&mut self, flow: FlowId, interfaces: [InterfaceId; 2], tuple: Tuple) {
        debug_assert_eq!(flow.0 as usize, self.ends.len());
        self.ends.push(Ends { interfaces });
        self.by_tuple.insert(tuple, (flow, Direction::Forward));
        self.by_tuple.insert(tuple.reversed(), (flow, Direction::Backward));
    }

    /// The flow of a packet, if it is known.
    pub fn get(&self, tuple: &Tuple) -> Option<(FlowId, Direction)> {
        self.by_tuple.get(tuple).copied()
    }

    /// The flow of a packet that came from `source`; one that was not announced is given a path. `None` if nobody has the
    /// address that it goes to, or it is the sender's own.
    pub fn find(
        &mut self,
        tuple: Tuple,
        source: InterfaceId,
        network: &mut Network,
    ) -> Result<Option<(FlowId, Direction)>, NoPath> {
        if let Some(known) = self.get(&tuple) {
            return Ok(Some(known));
        }
        // Who writes another's address into his packets gets no path, nor a flow for each address that there is.
        if self.by_address.get(&tuple.from) != Some(&source) {
            return Ok(None);
        }
        let Some(target) = self.by_address.get(&tuple.to).copied().filter(|target| *target != source) else {
            return Ok(None);
        };
        let tuple = match self.found < MOST_FOUND {
            true => tuple,
            false => Tuple { ports: [0, 0], protocol: 0, ..tuple },
        };
        if let Some(known) = self.get(&tuple) {
            return Ok(Some(known));
        }
        let flow = network.add_flow(source, target)?;
        self.found += 1;
        self.insert(flow, [source, target], tuple);
        Ok(Some((flow, Direction::Forward)))
    }

    /// The interface that `direction` of `flow` comes from.
    pub fn source(&self, flow: FlowId, direction: Direction) -> InterfaceId {
        self.ends[flow.0 as usize].interfaces[direction as usize]
    }

    /// The interface that it goes to.
    pub fn target(&self, flow: FlowId, direction: Direction) -> InterfaceId {
        self.source(flow, direction.reversed())
    }
}

#[cfg(test)]
mod tests {
    use burstlab_network::{Discipline, Limit, LinkSpec, Topology};
    use burstlab_units::{Rate, Span};

    use super::*;

    fn network() -> Network {
        let link = LinkSpec {
            rate: Rate::from_bits_per_sec(1_000_000_000),
            delay: Span::ZERO,
            queue: Discipline::DropTail { limit: Limit::NONE },
            impairment: Default::default(),
        };
        Network::new(&Topology::star(2, link), &[1, 1], 1)
    }

    #[test]
    fn answers_belong_to_the_flow_of_what_they_answer() {
        let (mut flows, mut network) = (Flows::default(), network());
        let addresses = [Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 2)];
        let [a, b] = [InterfaceId(0), InterfaceId(1)];
        flows.add_address(addresses[0], a);
        flows.add_address(addresses[1], b);
        let ping = Tuple { from: addresses[0], to: addresses[1], ports: [0, 0], protocol: 1 };
        let found = flows.find(ping, a, &mut network).unwrap().unwrap();
        assert_eq!(flows.find(ping, a, &mut network).unwrap(), Some(found), "it is known now");
        assert_eq!(flows.find(ping.reversed(), b, &mut network).unwrap(), Some((found.0, Direction::Backward)));
        assert_eq!((flows.source(found.0, found.1), flows.target(found.0, found.1)), (a, b));
    }

    #[test]
    fn nobody_has_a_foreign_address() {
        let (mut flows, mut network) = (Flows::default(), network());
        let own = Ipv4Addr::new(10, 77, 0, 1);
        flows.add_address(own, InterfaceId(0));
        let tuple = |to| Tuple { from: own, to, ports: [1, 2], protocol: 17 };
        for to in [own, Ipv4Addr::BROADCAST, Ipv4Addr::new(224, 0, 0, 22)] {
            assert_eq!(flows.find(tuple(to), InterfaceId(0), &mut network).unwrap(), None);
        }
    }
}
