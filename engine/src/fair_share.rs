//! The oracle of fair shares: how much of its path each active flow would get if every link were divided evenly.

use burstlab_network::{Network, PortId};
use burstlab_units::{Bytes, Rate};

/// Sizes of a flow's packets, from which its share of a link follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketSizes {
    /// Payload of a full packet.
    pub payload: Bytes,
    /// The full packet on the wire.
    pub data: Bytes,
    /// The acknowledgement of a packet on the wire.
    pub ack: Bytes,
}

/// Adds up what the active flows would put on each port if each sent one packet.
///
/// The share of a flow is the least, along its path, of capacity x payload / that sum. Acknowledgements count where they
/// pass, or data and the acknowledgements of other data would overload a link together. What flows with a narrower link
/// elsewhere leave over is not handed out again; where the flows of a link have no other bottleneck, the shares are the
/// max-min fair ones.
#[derive(Debug)]
pub(crate) struct FairShare {
    sizes: PacketSizes,
    /// Bytes on each port if every active flow sent one packet.
    load: Vec<u64>,
}

impl FairShare {
    pub fn new(ports: usize, sizes: PacketSizes) -> FairShare {
        FairShare { sizes, load: vec![0; ports] }
    }

    /// A flow along `path`, acknowledged along `back`, has something to send now.
    pub fn begin(&mut self, path: &[PortId], back: &[PortId]) {
        path.iter().for_each(|port| self.load[port.0 as usize] += self.sizes.data.get());
        back.iter().for_each(|port| self.load[port.0 as usize] += self.sizes.ack.get());
    }

    /// It has nothing to send any more.
    pub fn end(&mut self, path: &[PortId], back: &[PortId]) {
        path.iter().for_each(|port| self.load[port.0 as usize] -= self.sizes.data.get());
        back.iter().for_each(|port| self.load[port.0 as usize] -= self.sizes.ack.get());
    }

    /// The share of a flow along `path`, in bits of payload per second.
    pub fn share(&self, network: &Network, path: &[PortId]) -> Rate {
        let at = |port: &PortId| {
            let rate = u128::from(network.ports()[port.0 as usize].rate.bits_per_sec());
            let load = self.load[port.0 as usize].max(self.sizes.data.get()).max(1);
            (rate * u128::from(self.sizes.payload.get()) / u128::from(load)) as u64
        };
        Rate::from_bits_per_sec(path.iter().map(at).min().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burstlab_network::{Direction, Discipline, Impairment, InterfaceId, Limit, LinkSpec, Topology};
    use burstlab_units::Span;

    #[test]
    fn flows_divide_a_link_after_acknowledgements_have_taken_their_part() {
        let link = LinkSpec {
            rate: "10Gbit/s".parse().unwrap(),
            delay: Span::ZERO,
            queue: Discipline::DropTail { limit: Limit::NONE },
            impairment: Impairment::default(),
        };
        let mut network = Network::new(&Topology::star(3, link), &[], 1);
        let sizes = PacketSizes { payload: Bytes::new(1460), data: Bytes::new(1500), ack: Bytes::new(40) };
        let mut oracle = FairShare::new(network.ports().len(), sizes);
        let mut add = |from, to| {
            let flow = network.add_flow(InterfaceId(from), InterfaceId(to)).unwrap();
            [Direction::Forward, Direction::Backward].map(|way| network.path(flow, way).to_vec())
        };
        let (one, other, counter) = (add(0, 2), add(1, 2), add(2, 0));
        oracle.begin(&one[0], &one[1]);
        assert_eq!(oracle.share(&network, &one[0]).bits_per_sec(), 9_733_333_333);
        oracle.begin(&other[0], &other[1]);
        assert_eq!(oracle.share(&network, &one[0]).bits_per_sec(), 4_866_666_666);
        oracle.begin(&counter[0], &counter[1]);
        assert_eq!(oracle.share(&network, &one[0]).bits_per_sec(), 14_600_000_000_000 / 3_040);
        oracle.end(&other[0], &other[1]);
        assert_eq!(oracle.share(&network, &one[0]).bits_per_sec(), 14_600_000_000_000 / 1_540);
    }
}
