//! The oracle of fair shares: how much of its path each active flow would get if every link were divided evenly.

use burstlab_network::{Network, PortId};
use burstlab_units::Rate;

/// Counts the flows that are active on each port.
///
/// The share of a flow is the least of capacity / active flows along its path. What flows with a narrower link
/// elsewhere leave over is not handed out again, so the shares never overload a link, and on a path with one shared
/// link they are the max-min fair ones.
#[derive(Debug)]
pub(crate) struct FairShare {
    active: Vec<u64>,
}

impl FairShare {
    pub fn new(ports: usize) -> FairShare {
        FairShare { active: vec![0; ports] }
    }

    /// A flow along `path` has something to send now.
    pub fn begin(&mut self, path: &[PortId]) {
        path.iter().for_each(|port| self.active[port.0 as usize] += 1);
    }

    /// A flow along `path` has nothing to send any more.
    pub fn end(&mut self, path: &[PortId]) {
        path.iter().for_each(|port| self.active[port.0 as usize] -= 1);
    }

    /// The share of a flow along `path`, in bits of IP packets per second.
    pub fn share(&self, network: &Network, path: &[PortId]) -> Rate {
        path.iter()
            .map(|port| {
                let rate = network.ports()[port.0 as usize].rate.bits_per_sec();
                Rate::from_bits_per_sec(rate / self.active[port.0 as usize].max(1))
            })
            .min()
            .unwrap_or(Rate::ZERO)
    }
}
