//! What a run in real time says of itself.

use serde::{Deserialize, Serialize};

use super::Percentiles;

/// How truthful a run in real time was. Times in ns of the experiment's own time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RealTimeRun {
    /// Whether the machine kept up: no more than [`RealTimeRun::LATE_SHARE`] of the events were later than `allowed`, and no
    /// byte came damaged.
    pub valid: bool,
    /// How late events were: packets handed to hosts, timers and alarms.
    pub lateness: Percentiles,
    /// Later than this changes what is measured.
    pub allowed: u64,
    /// Part of the events that were.
    pub late_share: f64,
    /// What to do about it; empty of a valid run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub advice: String,
    /// A second of the experiment took so many seconds.
    pub time_scale: u32,
    /// Bytes that applications read, each held against what was to be sent.
    pub checked_bytes: u64,
    /// Bytes of those that were not what was sent.
    pub damaged_bytes: u64,
    /// Packets that hosts sent to nobody: no IPv4, or to an address that no host has.
    pub stray_packets: u64,
}

impl RealTimeRun {
    /// At most this part of the events may be late.
    pub const LATE_SHARE: f64 = 0.01;
}
