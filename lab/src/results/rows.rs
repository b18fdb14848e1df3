//! Rows of the tables beside summary.json. Times in ns, rates in bit/s, sizes in bytes; `run` is the index in `runs`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Which way of a connection: it carries bytes both ways, and each way has rows of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the host that opened the connection.
    #[default]
    Forward,
    /// Towards it.
    Backward,
}

impl From<burstlab_network::Direction> for Direction {
    fn from(direction: burstlab_network::Direction) -> Direction {
        match direction {
            burstlab_network::Direction::Forward => Direction::Forward,
            burstlab_network::Direction::Backward => Direction::Backward,
        }
    }
}

/// A row of one of the tables.
pub trait Row: Serialize + DeserializeOwned {
    /// The table's file name.
    const FILE: &'static str;
    /// The table's columns, in order.
    const COLUMNS: &'static [&'static str];
}

/// A row of a table that has a part for each run.
pub(super) trait RunRow: Row {
    /// Sets the index of the run.
    fn number(&mut self, run: usize);
}

macro_rules! row {
    ($(#[$about:meta])* $name:ident $file:literal { $($(#[$field_about:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        pub struct $name { $($(#[$field_about])* pub $field: $type,)* }
        impl Row for $name {
            const FILE: &'static str = $file;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];
        }
    };
    (of a run: $(#[$about:meta])* $name:ident $file:literal { $($rest:tt)* }) => {
        row! { $(#[$about])* $name $file {
            /// Index in the summary's `runs`; set by the writer.
            run: usize,
            $($rest)*
        } }
        impl RunRow for $name {
            fn number(&mut self, run: usize) {
                self.run = run;
            }
        }
    };
}

row! { of a run:
    /// A flow: one direction of a connection.
    FlowRow "flows.csv" {
        /// Number of the connection within its run.
        flow: usize,
        /// Which way of the connection.
        #[serde(default)]
        direction: Direction,
        /// The job, or the name of the synthetic flows.
        job: String,
        /// Copy of the job.
        copy: u32,
        /// Sending host.
        src: String,
        /// Receiving host.
        dst: String,
        /// Application bytes delivered.
        bytes: u64,
        /// First byte written.
        start_ns: u64,
        /// From then to the last byte delivered; empty if the run ended before.
        completion_ns: Option<u64>,
        /// First-time application bytes delivered over the time with data to send.
        goodput_bit_s: u64,
        /// Packets sent again.
        retransmitted_packets: u64,
        /// Retransmission timers that expired.
        timeouts: u64,
        /// Packets of the connection that were dropped or lost on the way, in both directions.
        dropped_packets: u64,
        /// Packets of the connection that were marked, in both directions.
        marked_packets: u64,
        /// SHA-256 of what the receiving application read, in hex; empty in virtual time, where payload is a length.
        #[serde(default)]
        content_sha256: String,
    }
}

row! { of a run:
    /// A burst: what a job writes in one go.
    BurstRow "bursts.csv" {
        /// The job.
        job: String,
        /// Copy of the job.
        copy: u32,
        /// Iteration of the copy.
        iteration: u32,
        /// Number of the connection within its run.
        flow: usize,
        /// Which way of the connection.
        #[serde(default)]
        direction: Direction,
        /// Application bytes.
        bytes: u64,
        /// First byte written.
        start_ns: u64,
        /// From then to the last byte delivered.
        completion_ns: u64,
        /// The same alone on an empty path.
        alone_ns: u64,
        /// Completion over alone.
        slowdown: f64,
    }
}

row! { of a run:
    /// An iteration of a job.
    IterationRow "iterations.csv" {
        /// The job.
        job: String,
        /// Copy of the job.
        copy: u32,
        /// Iteration of the copy.
        iteration: u32,
        /// When it began.
        start_ns: u64,
        /// When it ended.
        end_ns: u64,
        /// Time of it in which something was being sent.
        communication_ns: u64,
    }
}

row! { of a run:
    /// A queue.
    QueueRow "queues.csv" {
        /// The queue's name.
        queue: String,
        /// Packets that arrived.
        offered_packets: u64,
        /// Packets that were dropped.
        dropped_packets: u64,
        /// Packets that the link behind it lost by the network's random loss.
        #[serde(default)]
        lost_packets: u64,
        /// Packets that were marked.
        marked_packets: u64,
        /// Mean queueing delay.
        mean_delay_ns: u64,
        /// 99th percentile of the queueing delay.
        p99_delay_ns: u64,
        /// Most packets waiting.
        max_packets: u64,
        /// Part of the measured time in which the link behind it was sending.
        utilization: f64,
    }
}

row! { of a run:
    /// A queue in one interval of time.
    QueueSeriesRow "queue_series.csv" {
        /// The queue's name.
        queue: String,
        /// Start of the interval.
        time_ns: u64,
        /// Mean packets waiting in it.
        packets_mean: f64,
        /// Most packets waiting in it.
        packets_max: u64,
    }
}

row! { of a run:
    /// A flow's sender at one instant.
    FlowSeriesRow "flow_series.csv" {
        /// Number of the connection within its run.
        flow: usize,
        /// Which way of the connection.
        #[serde(default)]
        direction: Direction,
        /// The instant.
        time_ns: u64,
        /// Congestion window.
        window_bytes: u64,
        /// Bytes in flight.
        in_flight_bytes: u64,
        /// Bytes delivered since the point before, as a rate.
        rate_bit_s: u64,
        /// Smoothed round-trip time.
        smoothed_rtt_ns: u64,
    }
}

row! { of a run:
    /// An inner signal of a flow's controller at one instant.
    SignalSeriesRow "signal_series.csv" {
        /// Number of the connection within its run.
        flow: usize,
        /// Which way of the connection.
        #[serde(default)]
        direction: Direction,
        /// The instant.
        time_ns: u64,
        /// The controller's name for it.
        signal: String,
        /// Its value, in the unit that the name says.
        value: f64,
    }
}

row! { of a run:
    /// A point of a cumulative distribution.
    DistributionRow "distributions.csv" {
        /// `queue_delay_ns`, `burst_completion_ns`, `burst_slowdown` or `iteration_ns`.
        metric: String,
        /// A value.
        value: f64,
        /// The part of all values that is no larger, 0 to 1.
        cumulative: f64,
    }
}

row! {
    /// What a node of a recording sent in one interval of time.
    TraceRateRow "trace_rate.csv" {
        /// The recording.
        trace: String,
        /// The node's address, or `all`.
        node: String,
        /// Start of the interval.
        time_ns: u64,
        /// Payload sent in it, as a rate.
        rate_bit_s: u64,
    }
}

row! {
    /// A point of a recording's peak-to-mean curve.
    TracePtmRow "trace_ptm.csv" {
        /// The recording.
        trace: String,
        /// The node's address, or `all`.
        node: String,
        /// Length of the window.
        tau_ns: u64,
        /// The most sent in any such window over the mean.
        ptm: f64,
    }
}
