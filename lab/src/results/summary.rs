//! summary.json. The order of the fields is the order in the file.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::rows::{
    BurstRow, DistributionRow, FlowRow, FlowSeriesRow, IterationRow, QueueRow, QueueSeriesRow, SignalSeriesRow,
    TracePtmRow, TraceRateRow,
};
use super::{Percentiles, Provenance, RatioPercentiles, RealTimeRun};

/// Version of the layout of summary.json and the tables beside it.
pub const SCHEMA: u32 = 1;

/// summary.json.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The experiment's name.
    pub name: String,
    /// What the experiment is about; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether all cells ran; an interrupted experiment keeps those that did.
    #[serde(default)]
    pub complete: bool,
    /// What the results were made with and from.
    pub provenance: Provenance,
    /// A run for each cell.
    pub runs: Vec<Run>,
}

/// What one cell gave. Times in ns, rates in bit/s, sizes in bytes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Run {
    /// The controller with its parameters.
    pub controller: String,
    /// The stack.
    pub stack: String,
    /// Where it ran: `virtual` or `tun`.
    pub on: String,
    /// Copies of each job.
    pub copies: u32,
    /// Seed of every random draw.
    pub seed: u64,
    /// The values of the other axes, by dotted key.
    pub axes: BTreeMap<String, serde_json::Value>,
    /// The queue with the most queueing: the largest sum of its packets' delays.
    pub bottleneck: Bottleneck,
    /// Every queue of the network that a packet came to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<QueueSummary>,
    /// All flows together.
    pub flows: FlowSummary,
    /// All bursts together.
    pub bursts: BurstSummary,
    /// Each job; its copies together.
    pub jobs: Vec<JobSummary>,
    /// Simulated time.
    pub simulated: u64,
    /// Unique data packets delivered.
    pub data_packets: u64,
    /// How truthful a run in real time was; none in virtual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real_time: Option<RealTimeRun>,
    /// Why the run broke off before its end, if it did; what was measured until then is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// Wall-clock time of the run, set-up excluded; differs between two runs of one seed.
    pub wall: u64,
    /// Wall-clock time of the set-up; differs between two runs of one seed.
    pub setup_wall: u64,
}

impl Run {
    /// Why its figures are not to be trusted, if they are not: a sentence with what to do about it.
    pub fn distrust(&self) -> Option<String> {
        if let Some(why) = &self.incomplete {
            return Some(format!("it broke off before its end ({why}), so its figures are of a part of it"));
        }
        let invalid = self.real_time.as_ref().filter(|real_time| !real_time.valid)?;
        Some(format!("it is not valid: {}", invalid.advice))
    }
}

/// What one queue did.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Bottleneck {
    /// From a packet's arrival to the start of its transmission.
    pub queue_delay: Percentiles,
    /// Packets waiting, over time.
    pub queue_packets: QueuePackets,
    /// Packets that arrived.
    pub offered_packets: u64,
    /// Packets that were dropped.
    pub dropped_packets: u64,
    /// Packets that the link behind it lost by the network's random loss.
    #[serde(default)]
    pub lost_packets: u64,
    /// Packets that were marked.
    pub marked_packets: u64,
    /// Part of the measured time in which the link behind it was sending.
    pub utilization: f64,
}

/// A queue with its name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct QueueSummary {
    /// Where it is: `switch>host0`.
    pub name: String,
    /// What it did.
    #[serde(flatten)]
    pub queue: Bottleneck,
}

/// Packets waiting in a queue, weighted by time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct QueuePackets {
    /// Mean over time.
    pub mean: f64,
    /// 99th percentile over time.
    pub p99: u64,
    /// The most.
    pub max: u64,
}

/// All flows together.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FlowSummary {
    /// How many.
    pub count: u64,
    /// Mean of the flows' goodputs: first-time application bytes delivered over the time with data to send.
    pub goodput: u64,
    /// First byte written to last byte delivered, of flows that ended.
    pub completion: Percentiles,
    /// Packets sent again.
    pub retransmitted_packets: u64,
    /// Retransmission timers that expired.
    pub timeouts: u64,
    /// Jain's index of the flows' goodputs.
    pub jain: f64,
}

/// All bursts together.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BurstSummary {
    /// First byte written to last byte delivered.
    pub completion: Percentiles,
    /// Completion over the time that the same bytes need alone on an empty path.
    pub slowdown: RatioPercentiles,
}

/// One job; its copies together.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct JobSummary {
    /// Its name.
    pub name: String,
    /// Iterations that ended, of all copies.
    pub iterations: u64,
    /// Length of an iteration.
    pub iteration: Percentiles,
    /// Time of an iteration in which something was being sent.
    pub communication: Percentiles,
    /// Mean iteration over that of the same job alone under the same controller.
    pub slowdown_alone: f64,
    /// Mean iteration over that on an ideal network, where every burst takes the time that it needs alone on an empty path.
    pub slowdown_ideal: f64,
}

/// All that one cell gives: its run, and rows for the tables. The writer numbers the rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CellResult {
    /// Its part of summary.json.
    pub run: Run,
    /// Why it ended before its end, if it did.
    pub broken_off: Option<BrokenOff>,
    /// Each flow.
    pub flows: Vec<FlowRow>,
    /// Each burst.
    pub bursts: Vec<BurstRow>,
    /// Each iteration.
    pub iterations: Vec<IterationRow>,
    /// Each queue.
    pub queues: Vec<QueueRow>,
    /// Queues over time.
    pub queue_series: Vec<QueueSeriesRow>,
    /// Flows over time.
    pub flow_series: Vec<FlowSeriesRow>,
    /// Inner signals of controllers over time.
    pub signal_series: Vec<SignalSeriesRow>,
    /// Cumulative distributions.
    pub distributions: Vec<DistributionRow>,
}

/// Why a run in real time ended before its end. What it measured until then is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenOff {
    /// The user interrupted it.
    #[error("interrupted")]
    Interrupted,
    /// The machine failed; a sentence says how.
    #[error("{0}")]
    Machine(String),
}

/// What the recordings themselves look like, for the pictures beside the results.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TraceRows {
    /// Rates over time.
    pub rate: Vec<TraceRateRow>,
    /// Peak-to-mean curves.
    pub ptm: Vec<TracePtmRow>,
}

/// Why results could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read.
    #[error("cannot read {path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {message}")]
    Content {
        /// The file, and the line where it is known.
        path: String,
        /// What is wrong.
        message: String,
    },
}

impl Summary {
    /// Name of the file in a results folder.
    pub const FILE: &'static str = "summary.json";

    /// Reads summary.json in the folder `results`, or the file itself if `results` is one.
    ///
    /// # Errors
    /// If it cannot be read, is not JSON, or is of another schema.
    pub fn read(results: &Path) -> Result<Summary, ReadError> {
        let path = if results.is_dir() { results.join(Summary::FILE) } else { results.to_owned() };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| ReadError::Io { path: path.display().to_string(), error })?;
        Summary::parse(&text).map_err(|message| ReadError::Content { path: path.display().to_string(), message })
    }

    /// Reads the text of a summary.json.
    ///
    /// # Errors
    /// A sentence on what is wrong with it.
    pub fn parse(text: &str) -> Result<Summary, String> {
        parse_schema(text, "a summary of results")
    }
}

/// Reads a JSON document of this [`SCHEMA`]; `what` is what it should be.
pub(crate) fn parse_schema<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> Result<T, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    match value.get("schema").and_then(serde_json::Value::as_u64) {
        Some(schema) if schema == u64::from(SCHEMA) => {}
        Some(schema) => return Err(format!("schema {schema} is unknown; expected {SCHEMA}")),
        None => return Err(format!("not {what}: there is no \"schema\"")),
    }
    // From the text again, so that the error names a line.
    serde_json::from_str(text).map_err(|error| format!("not {what}: {error}"))
}
