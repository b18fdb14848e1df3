//! The recorded traffic itself: its rate over time and its burstiness.

use std::collections::BTreeMap;

use serde::Serialize;

use super::error::Error;
use super::input::Directory;
use super::thin::{Series, rounded, thin_together};
use crate::results::{TracePtmRow, TraceRateRow};

/// Points of all rate series together.
const RATE_POINTS: usize = 20_000;

/// What one node of a recording sends.
#[derive(Debug, Serialize)]
pub struct Node {
    pub trace: String,
    /// An address, or `all` for the nodes together.
    pub node: String,
    /// In bit/s.
    pub rate: Series,
    /// Window lengths in ns.
    pub tau: Vec<u64>,
    /// Peak to mean over each window length.
    pub ptm: Vec<f64>,
}

impl Node {
    /// Peak to mean over the window length nearest to `tau` (in ns), where one is within a factor of 1.5.
    pub fn ptm_at(&self, tau: u64) -> Option<f64> {
        let distance = |at: u64| (at.max(1) as f64 / tau as f64).ln().abs();
        let nearest = (0..self.tau.len()).min_by(|a, b| distance(self.tau[*a]).total_cmp(&distance(self.tau[*b])))?;
        (distance(self.tau[nearest]) <= 1.5f64.ln()).then(|| self.ptm[nearest])
    }
}

/// Reads the recordings behind the results. Of a recording that several directories share, the first is shown.
pub fn read(directories: &[Directory]) -> Result<Vec<Node>, Error> {
    let mut nodes: BTreeMap<(String, String), Node> = BTreeMap::new();
    for directory in directories {
        for (key, node) in nodes_of(directory)? {
            nodes.entry(key).or_insert(node);
        }
    }
    let mut nodes: Vec<Node> = nodes.into_values().collect();
    nodes.sort_by_key(|node| (node.trace.clone(), node.node != "all"));
    let rates = nodes.iter_mut().map(|node| std::mem::take(&mut node.rate)).collect();
    for (node, rate) in nodes.iter_mut().zip(thin_together(rates, RATE_POINTS)) {
        node.rate = rate;
    }
    Ok(nodes)
}

fn nodes_of(directory: &Directory) -> Result<BTreeMap<(String, String), Node>, Error> {
    let mut nodes: BTreeMap<(String, String), Node> = BTreeMap::new();
    directory.rows(|row: TraceRateRow| {
        entry(&mut nodes, row.trace, row.node).rate.push(row.time_ns, [row.rate_bit_s as f64]);
    })?;
    directory.rows(|row: TracePtmRow| {
        let node = entry(&mut nodes, row.trace, row.node);
        node.tau.push(row.tau_ns);
        node.ptm.push(rounded(row.ptm));
    })?;
    Ok(nodes)
}

fn entry(nodes: &mut BTreeMap<(String, String), Node>, trace: String, node: String) -> &mut Node {
    nodes.entry((trace.clone(), node.clone())).or_insert_with(|| Node {
        trace,
        node,
        rate: Series::new(1),
        tau: Vec::new(),
        ptm: Vec::new(),
    })
}
