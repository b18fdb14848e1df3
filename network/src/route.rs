//! Shortest paths; among equal ones each flow keeps to one, chosen by a hash (ECMP, RFC 2992).

use std::collections::VecDeque;

use burstlab_units::chance;

use crate::topology::NodeId;

/// A directed graph of nodes whose edges are ports, by the node that they leave.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    /// For each node: where its ports lead, and which they are.
    pub edges: Vec<Vec<(NodeId, u32)>>,
}

/// Distances in hops of all nodes to one destination.
pub(crate) struct Distances(Vec<u32>);

const UNREACHABLE: u32 = u32::MAX;

impl Graph {
    /// Hops from every node to `to`. Links go both ways, so the search may run backwards along them.
    pub fn distances_to(&self, to: NodeId) -> Distances {
        let mut hops = vec![UNREACHABLE; self.edges.len()];
        hops[to.0 as usize] = 0;
        let mut queue = VecDeque::from([to]);
        while let Some(node) = queue.pop_front() {
            for (next, _) in &self.edges[node.0 as usize] {
                if hops[next.0 as usize] == UNREACHABLE {
                    hops[next.0 as usize] = hops[node.0 as usize] + 1;
                    queue.push_back(*next);
                }
            }
        }
        Distances(hops)
    }

    /// The ports of a shortest path from `from` to the destination of `distances`; `None` if there is no path.
    /// `key` stands for the flow: the same key takes the same path.
    pub fn path(&self, from: NodeId, distances: &Distances, key: u64) -> Option<Vec<u32>> {
        let mut left = distances.0[from.0 as usize];
        if left == UNREACHABLE {
            return None;
        }
        let (mut node, mut ports) = (from, Vec::with_capacity(left as usize));
        while left > 0 {
            let choices: Vec<_> = self.edges[node.0 as usize]
                .iter()
                .filter(|(next, _)| distances.0[next.0 as usize] == left - 1)
                .collect();
            let hash = chance::fnv1a(&[key.to_le_bytes(), u64::from(node.0).to_le_bytes()].concat());
            // The upper bits: FNV's lowest bit is only the parity of its input.
            let (next, port) = choices[((hash >> 32) % choices.len() as u64) as usize];
            ports.push(*port);
            (node, left) = (*next, left - 1);
        }
        Some(ports)
    }
}
