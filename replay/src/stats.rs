//! What is reported of a trace, in the shape of its JSON documents.

use std::collections::BTreeMap;

use burstlab_units::{Rate, Span};
use serde::Serialize;

use crate::meters::Gauge;

/// Burstiness of what one node, one flow or all send.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeStats {
    /// The node's address; for a flow `source:port>destination:port`; or `all`.
    pub node: String,
    /// TCP payload, retransmissions included.
    pub sent_bytes: u64,
    /// Bit/s, over the time from the capture's first to its last packet.
    pub mean_rate: u64,
    /// E(tau) in bytes, by tau in ns.
    pub e: BTreeMap<u64, u64>,
    /// PtM(tau), by tau in ns.
    pub ptm: BTreeMap<u64, f64>,
    /// Bmax(r) in bytes, by r in bit/s.
    pub bmax: BTreeMap<u64, u64>,
    /// PtM over a grid of tau from 100 us to 10 s, as (tau in ns, PtM); at most 0.1 % too high. Empty unless asked for.
    #[serde(skip)]
    pub curve: Vec<(u64, f64)>,
    /// The mean rate in bit/s in each bin of [`TraceStats::bin`], until the last bin with traffic.
    #[serde(skip)]
    pub series: Vec<u64>,
}

impl NodeStats {
    pub(crate) fn new(node: String, gauge: &Gauge, duration: Span) -> NodeStats {
        let ptm = |w: &crate::burstiness::Window| (w.tau().as_nanos(), w.peak_to_mean(gauge.sent, duration));
        NodeStats {
            node,
            sent_bytes: gauge.sent.get(),
            mean_rate: Rate::of(gauge.sent, duration).bits_per_sec(),
            e: gauge.windows.iter().map(|w| (w.tau().as_nanos(), w.most().get())).collect(),
            ptm: gauge.windows.iter().map(ptm).collect(),
            bmax: gauge.backlogs.iter().map(|b| (b.rate().bits_per_sec(), b.most().get())).collect(),
            curve: gauge.curve.iter().map(ptm).collect(),
            series: gauge.series.rates().map(Rate::bits_per_sec).collect(),
        }
    }
}

/// The document of `trace stats --json`. Times in ns, rates in bit/s, sizes in bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TraceStats {
    /// The shape of this document: 1.
    pub schema: u32,
    /// The name of the format that the traffic was captured in: `pcap`, `pcapng` or `csv`.
    pub format: String,
    /// Packets in the capture, TCP or not, second sightings of a packet included.
    pub packets: u64,
    /// TCP payload, retransmissions included.
    pub payload_bytes: u64,
    /// TCP payload, each byte once.
    pub application_bytes: u64,
    /// The first packet's Unix time.
    pub start: u64,
    /// From the first packet to the last.
    pub duration: u64,
    /// What each node sends, by address.
    pub nodes: Vec<NodeStats>,
    /// What all send together.
    pub all: NodeStats,
    /// What each flow sends; only where it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub per_flow: Vec<NodeStats>,
    /// The width of a bin of [`NodeStats::series`].
    #[serde(skip)]
    pub bin: u64,
}

/// One direction of a connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowStats {
    /// The sender's address.
    pub source: String,
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's address.
    pub destination: String,
    /// The receiver's port.
    pub destination_port: u16,
    /// First-time bytes.
    pub application_bytes: u64,
    /// Since the capture's start: the first byte.
    pub start: u64,
    /// Since the capture's start: the last byte.
    pub end: u64,
    /// Bursts in it that belong to a job's iterations.
    pub bursts: u64,
}

/// The bursts of one job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BurstStats {
    /// The job's name.
    pub job: String,
    /// The idle gap that separates bursts.
    pub gap: u64,
    /// How many there are.
    pub count: u64,
    /// Their mean size.
    pub mean_bytes: u64,
    /// The size that half of the bytes are in bursts of at most.
    pub median_byte_bytes: u64,
    /// The largest size.
    pub max_bytes: u64,
}

/// One iteration of a job; times since the capture's start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IterationStats {
    /// The job's name.
    pub job: String,
    /// Counted from zero.
    pub iteration: u64,
    /// The end of the one before.
    pub start: u64,
    /// Its last byte.
    pub end: u64,
    /// Its first byte.
    pub communication_start: u64,
    /// Its last byte.
    pub communication_end: u64,
    /// Application bytes.
    pub bytes: u64,
}

/// The document of `trace show --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TraceDetails {
    /// All that `trace stats` tells.
    #[serde(flatten)]
    pub stats: TraceStats,
    /// One entry per direction that carried bytes, in order of the first one.
    pub flows: Vec<FlowStats>,
    /// One entry per job.
    pub bursts: Vec<BurstStats>,
    /// Of all jobs.
    pub iterations: Vec<IterationStats>,
}
