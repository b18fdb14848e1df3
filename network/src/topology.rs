//! Topologies: hosts, switches and the links between them, as a plan that a [`Network`](crate::Network) is built from.

use burstlab_units::{Rate, Span};

use crate::{Discipline, Impairment};

/// A link's capacity, its delay one way, and the queue in front of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkSpec {
    /// Capacity.
    pub rate: Rate,
    /// Propagation delay, one way.
    pub delay: Span,
    /// What its queue does with packets.
    pub queue: Discipline,
    /// Random damage, for tests.
    pub impairment: Impairment,
}

/// A host or a switch of a topology, by its place in the order of making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A cable: a link each way, alike.
#[derive(Debug, Clone)]
pub(crate) struct Cable {
    pub ends: [NodeId; 2],
    pub link: LinkSpec,
}

/// A plan of hosts, switches and cables.
#[derive(Debug, Clone, Default)]
pub struct Topology {
    pub(crate) names: Vec<String>,
    pub(crate) hosts: Vec<NodeId>,
    pub(crate) cables: Vec<Cable>,
}

impl Topology {
    /// Nothing yet; to be built with [`add_host`](Self::add_host), [`add_switch`](Self::add_switch) and
    /// [`connect`](Self::connect).
    pub fn new() -> Topology {
        Topology::default()
    }

    /// `hosts` hosts around one switch.
    pub fn star(hosts: usize, link: LinkSpec) -> Topology {
        let mut plan = Topology::new();
        let switch = plan.add_switch("switch".into());
        plan.add_hosts(hosts, switch, link);
        plan
    }

    /// `left` hosts at one switch, `right` at another, and one link between the two. Hosts on the left come first.
    pub fn dumbbell(left: usize, right: usize, access: LinkSpec, bottleneck: LinkSpec) -> Topology {
        let mut plan = Topology::new();
        let (a, b) = (plan.add_switch("left".into()), plan.add_switch("right".into()));
        plan.connect(a, b, bottleneck);
        plan.add_hosts(left, a, access);
        plan.add_hosts(right, b, access);
        plan
    }

    /// Two tiers: each of `leaves` switches has `hosts_per_leaf` hosts and a link to each of `spines` switches.
    pub fn leaf_spine(leaves: usize, spines: usize, hosts_per_leaf: usize, access: LinkSpec, up: LinkSpec) -> Topology {
        let mut plan = Topology::new();
        let spines: Vec<_> = (0..spines).map(|i| plan.add_switch(format!("spine{i}"))).collect();
        for i in 0..leaves {
            let leaf = plan.add_switch(format!("leaf{i}"));
            for spine in &spines {
                plan.connect(leaf, *spine, up);
            }
            plan.add_hosts(hosts_per_leaf, leaf, access);
        }
        plan
    }

    /// A k-ary fat tree (Al-Fares et al., SIGCOMM 2008): k pods of k/2 edge and k/2 aggregation switches, k/2 hosts at
    /// each edge switch, (k/2)^2 core switches. `k` is rounded down to an even number, two at least.
    pub fn fat_tree(k: usize, link: LinkSpec) -> Topology {
        let half = (k / 2).max(1);
        let mut plan = Topology::new();
        let cores: Vec<_> = (0..half * half).map(|i| plan.add_switch(format!("core{i}"))).collect();
        for pod in 0..2 * half {
            let above: Vec<_> = (0..half).map(|i| plan.add_switch(format!("aggregation{pod}.{i}"))).collect();
            for (i, aggregation) in above.iter().enumerate() {
                for core in &cores[i * half..(i + 1) * half] {
                    plan.connect(*aggregation, *core, link);
                }
            }
            for i in 0..half {
                let edge = plan.add_switch(format!("edge{pod}.{i}"));
                above.iter().for_each(|aggregation| plan.connect(edge, *aggregation, link));
                plan.add_hosts(half, edge, link);
            }
        }
        plan
    }

    /// Adds a host.
    pub fn add_host(&mut self) -> NodeId {
        let name = format!("host{}", self.hosts.len());
        let node = self.add_node(name);
        self.hosts.push(node);
        node
    }

    /// Adds a switch.
    pub fn add_switch(&mut self, name: String) -> NodeId {
        self.add_node(name)
    }

    /// Joins two nodes by a link each way.
    pub fn connect(&mut self, a: NodeId, b: NodeId, link: LinkSpec) {
        self.cables.push(Cable { ends: [a, b], link });
    }

    /// How many hosts there are; they are numbered in the order of making.
    pub fn host_count(&self) -> usize {
        self.hosts.len()
    }

    fn add_hosts(&mut self, count: usize, switch: NodeId, link: LinkSpec) {
        for _ in 0..count {
            let host = self.add_host();
            self.connect(host, switch, link);
        }
    }

    fn add_node(&mut self, name: String) -> NodeId {
        self.names.push(name);
        NodeId(self.names.len() as u32 - 1)
    }
}
