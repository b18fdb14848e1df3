//! Each number that the report shows of a run: its name, its unit, what it means and where it is found.

use serde::Serialize;

use crate::results::{JobSummary, Percentiles, Run};

/// How a metric is printed, and what its numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nanoseconds.
    Time,
    /// Bits per second.
    Rate,
    /// A share of one, printed in percent.
    Share,
    /// A pure ratio.
    Ratio,
    /// Packets.
    Packets,
    /// Events.
    Count,
}

/// A number of a run.
#[derive(Clone, Copy, Serialize)]
pub struct Metric {
    pub key: &'static str,
    pub label: &'static str,
    pub unit: Unit,
    pub definition: &'static str,
    #[serde(skip)]
    pub of: fn(&Run) -> Option<f64>,
}

pub const P99_QUEUE_DELAY: Metric = Metric {
    key: "p99_queue_delay",
    label: "p99 queueing delay",
    unit: Unit::Time,
    definition: "Per packet, from its arrival in the queue to the start of its transmission; its own serialisation is \
                 left out. 99 of 100 packets at the bottleneck, the queue with the most queueing, waited no longer.",
    of: |run| sampled(&run.bottleneck.queue_delay, |delay| delay.p99),
};

pub const LOSS: Metric = Metric {
    key: "loss",
    label: "loss",
    unit: Unit::Share,
    definition: "Packets dropped over packets offered, at the bottleneck queue.",
    of: |run| share(run.bottleneck.dropped_packets, run.bottleneck.offered_packets),
};

pub const SLOWDOWN_ALONE: Metric = Metric {
    key: "slowdown_alone",
    label: "slowdown (alone)",
    unit: Unit::Ratio,
    definition: "Iteration time of a job over that of the same job alone on the network under the same controller; the \
                 mean of the run's jobs. 1 is undisturbed.",
    of: |run| mean_of_jobs(run, |job| known_ratio(job.slowdown_alone)),
};

pub const SLOWDOWN_IDEAL: Metric = Metric {
    key: "slowdown_ideal",
    label: "slowdown (ideal)",
    unit: Unit::Ratio,
    definition: "Iteration time of a job over the ideal, in which each transfer takes only as long as its bytes need on \
                 an empty path; the mean of the run's jobs.",
    of: |run| mean_of_jobs(run, |job| known_ratio(job.slowdown_ideal)),
};

/// All metrics, in the order of the table's columns.
pub const ALL: [Metric; 19] = [
    P99_QUEUE_DELAY,
    Metric {
        key: "mean_queue_delay",
        label: "mean queueing delay",
        unit: Unit::Time,
        definition: "The mean over the same packets as the 99th percentile.",
        of: |run| sampled(&run.bottleneck.queue_delay, |delay| delay.mean),
    },
    Metric {
        key: "mean_queue",
        label: "mean queue",
        unit: Unit::Packets,
        definition: "Packets in the bottleneck queue, averaged over time.",
        of: |run| Some(run.bottleneck.queue_packets.mean),
    },
    Metric {
        key: "max_queue",
        label: "longest queue",
        unit: Unit::Packets,
        definition: "The most packets that were in the bottleneck queue at once.",
        of: |run| Some(run.bottleneck.queue_packets.max as f64),
    },
    LOSS,
    Metric {
        key: "dropped",
        label: "drops, all queues",
        unit: Unit::Packets,
        definition: "Packets dropped at any queue of the network.",
        of: |run| Some(dropped(run) as f64),
    },
    Metric {
        key: "marked",
        label: "CE-marked",
        unit: Unit::Share,
        definition: "Packets marked \u{201c}congestion experienced\u{201d} (ECN) over packets offered, at the bottleneck queue.",
        of: |run| share(run.bottleneck.marked_packets, run.bottleneck.offered_packets),
    },
    Metric {
        key: "utilization",
        label: "utilisation",
        unit: Unit::Share,
        definition: "Time that the bottleneck's link was transmitting, over the time of the run.",
        of: |run| Some(run.bottleneck.utilization),
    },
    SLOWDOWN_ALONE,
    SLOWDOWN_IDEAL,
    Metric {
        key: "iteration",
        label: "iteration time",
        unit: Unit::Time,
        definition: "From the start of a job's iteration to the start of its next; the mean of the run's jobs.",
        of: |run| mean_of_jobs(run, |job| sampled(&job.iteration, |iteration| iteration.mean)),
    },
    Metric {
        key: "p99_burst",
        label: "p99 burst completion",
        unit: Unit::Time,
        definition: "From the first byte of a burst written to the last byte delivered; 99 of 100 bursts took no longer.",
        of: |run| sampled(&run.bursts.completion, |completion| completion.p99),
    },
    Metric {
        key: "p99_burst_slowdown",
        label: "p99 burst slowdown",
        unit: Unit::Ratio,
        definition: "Burst completion over the time that the same bytes need alone on an empty path.",
        of: |run| Some(run.bursts.slowdown.p99).filter(|_| run.bursts.slowdown.count > 0),
    },
    Metric {
        key: "goodput",
        label: "goodput",
        unit: Unit::Rate,
        definition: "First-time application bytes delivered over the time that the flow had data to send.",
        of: |run| Some(run.flows.goodput as f64).filter(|_| run.flows.count > 0),
    },
    Metric {
        key: "jain",
        label: "Jain\u{2019}s index",
        unit: Unit::Ratio,
        definition: "Fairness of the flows\u{2019} goodput: (\u{3a3}x)\u{b2} / (n \u{3a3}x\u{b2}); 1 when all get the same, 1/n when one gets all.",
        of: |run| Some(run.flows.jain).filter(|_| run.flows.count > 0),
    },
    Metric {
        key: "p99_flow",
        label: "p99 flow completion",
        unit: Unit::Time,
        definition: "From a flow\u{2019}s first byte written to its last byte delivered; 99 of 100 flows took no longer.",
        of: |run| sampled(&run.flows.completion, |completion| completion.p99),
    },
    Metric {
        key: "retransmitted",
        label: "retransmissions",
        unit: Unit::Packets,
        definition: "Data packets sent again, by all flows.",
        of: |run| Some(run.flows.retransmitted_packets as f64),
    },
    Metric {
        key: "timeouts",
        label: "timeouts",
        unit: Unit::Count,
        definition: "Retransmission timeouts (RTO), of all flows.",
        of: |run| Some(run.flows.timeouts as f64),
    },
    Metric {
        key: "late",
        label: "late events",
        unit: Unit::Share,
        definition: "Of a run in real time: the share of events that happened later than its rates allow. Above 1\u{a0}% the run is not valid.",
        of: |run| run.real_time.as_ref().map(|real_time| real_time.late_share),
    },
];

/// Packets dropped at any queue.
pub fn dropped(run: &Run) -> u64 {
    let listed = run.queues.iter().map(|queue| queue.queue.dropped_packets).sum();
    run.bottleneck.dropped_packets.max(listed)
}

/// One of the percentiles, unless nothing was counted and they say nothing.
fn sampled(of: &Percentiles, which: impl Fn(&Percentiles) -> u64) -> Option<f64> {
    (of.count > 0).then(|| which(of) as f64)
}

/// No iteration takes no time: a ratio of zero was not measured.
fn known_ratio(ratio: f64) -> Option<f64> {
    Some(ratio).filter(|ratio| *ratio > 0.0)
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean_of_jobs(run: &Run, value: impl Fn(&JobSummary) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = run.jobs.iter().filter_map(value).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
