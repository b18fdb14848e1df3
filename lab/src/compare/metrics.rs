//! Which numbers of a run are compared, what they are called, and in which order: what says most about a network first.

use std::collections::BTreeMap;

use crate::check::metrics;
use crate::report::Unit;
use crate::results::Run;

/// A metric that is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its dotted path, as `burstlab check` has it.
    pub key: String,
    /// What a person calls it.
    pub label: String,
    /// What it counts.
    pub unit: Unit,
}

/// In a key, stands for the name of each job.
const EACH_JOB: &str = "jobs.*.";

/// Every metric, by key, label and unit.
const LISTED: [(&str, &str, Unit); 33] = [
    ("bottleneck.queue_delay.mean", "queue delay mean", Unit::Time),
    ("bottleneck.queue_delay.p50", "queue delay p50", Unit::Time),
    ("bottleneck.queue_delay.p90", "queue delay p90", Unit::Time),
    ("bottleneck.queue_delay.p99", "queue delay p99", Unit::Time),
    ("bottleneck.queue_delay.p999", "queue delay p99.9", Unit::Time),
    ("bottleneck.queue_delay.max", "queue delay max", Unit::Time),
    ("bottleneck.queue_packets.mean", "queue mean", Unit::Packets),
    ("bottleneck.queue_packets.p99", "queue p99", Unit::Packets),
    ("bottleneck.drop_share", "drop share", Unit::Share),
    ("bottleneck.dropped_packets", "drops", Unit::Packets),
    ("bottleneck.mark_share", "mark share", Unit::Share),
    ("bottleneck.utilization", "utilisation", Unit::Share),
    ("flows.goodput", "goodput", Unit::Rate),
    ("flows.retransmitted_share", "retransmitted share", Unit::Share),
    ("flows.timeouts", "timeouts", Unit::Count),
    ("jobs.*.iteration.mean", "iteration mean", Unit::Time),
    ("jobs.*.iteration.p50", "iteration p50", Unit::Time),
    ("jobs.*.iteration.p99", "iteration p99", Unit::Time),
    ("jobs.*.communication.mean", "communication mean", Unit::Time),
    ("jobs.*.slowdown_alone", "slowdown (alone)", Unit::Ratio),
    ("jobs.*.slowdown_ideal", "slowdown (ideal)", Unit::Ratio),
    ("flows.completion.mean", "flow mean", Unit::Time),
    ("flows.completion.p50", "flow p50", Unit::Time),
    ("flows.completion.p99", "flow p99", Unit::Time),
    ("flows.count", "flows", Unit::Count),
    ("flows.jain", "Jain's index", Unit::Ratio),
    ("bursts.completion.mean", "burst mean", Unit::Time),
    ("bursts.completion.p50", "burst p50", Unit::Time),
    ("bursts.completion.p99", "burst p99", Unit::Time),
    ("bursts.slowdown.mean", "burst slowdown mean", Unit::Ratio),
    ("bursts.slowdown.p50", "burst slowdown p50", Unit::Ratio),
    ("bursts.slowdown.p99", "burst slowdown p99", Unit::Ratio),
    ("data_packets", "data packets", Unit::Packets),
];

/// The metrics of runs with jobs of these names. With several jobs, each job's label has its name.
pub fn listed(jobs: &[String]) -> Vec<Metric> {
    // The metrics of one job stay together, so that a job reads as a whole.
    let (before, from_jobs) = LISTED.split_at(LISTED.iter().position(is_of_job).unwrap_or(LISTED.len()));
    let (of_jobs, after) = from_jobs.split_at(from_jobs.iter().position(|row| !is_of_job(row)).unwrap_or(0));
    let plain =
        |&(key, label, unit): &(&str, &str, Unit)| Metric { key: key.to_owned(), label: label.to_owned(), unit };
    let mut metrics: Vec<Metric> = before.iter().map(plain).collect();
    for job in jobs {
        metrics.extend(of_jobs.iter().map(|&(key, label, unit)| Metric {
            key: key.replace('*', job),
            label: if jobs.len() > 1 { format!("{job} {label}") } else { label.to_owned() },
            unit,
        }));
    }
    metrics.extend(after.iter().map(plain));
    metrics
}

fn is_of_job((key, ..): &(&str, &str, Unit)) -> bool {
    key.starts_with(EACH_JOB)
}

/// The numbers of `run` by dotted path, those that were measured: no percentile of nothing is among them.
pub fn values(run: &Run) -> BTreeMap<String, f64> {
    let mut numbers: BTreeMap<String, f64> =
        metrics::of(run).into_iter().filter_map(|(key, value)| Some((key, value.as_f64()?))).collect();
    let measured = |key: &str, value: f64| {
        // No iteration takes no time.
        let of_nothing = is_slowdown(key) && value == 0.0;
        let counted = key.rsplit_once('.').and_then(|(of, _)| numbers.get(&format!("{of}.count")));
        !of_nothing && (key.ends_with(".count") || counted != Some(&0.0))
    };
    let dropped: Vec<String> =
        numbers.iter().filter(|(key, value)| !measured(key, **value)).map(|(key, _)| key.clone()).collect();
    dropped.iter().for_each(|key| _ = numbers.remove(key));
    let (queue, flows) = (&run.bottleneck, &run.flows);
    let sent = run.data_packets + flows.retransmitted_packets;
    for (key, part, whole) in [
        ("bottleneck.drop_share", queue.dropped_packets, queue.offered_packets),
        ("bottleneck.mark_share", queue.marked_packets, queue.offered_packets),
        ("flows.retransmitted_share", flows.retransmitted_packets, sent),
    ] {
        numbers.extend((whole > 0).then(|| (key.to_owned(), part as f64 / whole as f64)));
    }
    numbers
}

fn is_slowdown(key: &str) -> bool {
    key.ends_with(".slowdown_alone") || key.ends_with(".slowdown_ideal")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::run;
    use crate::results::{FlowSummary, JobSummary};

    fn names(run: &Run) -> Vec<String> {
        run.jobs.iter().map(|job| job.name.clone()).collect()
    }

    #[test]
    fn every_metric_is_found_in_a_run_that_measured_all() {
        let run = run("dctcp", 7, 1.0);
        let values = values(&run);
        for metric in listed(&names(&run)) {
            assert!(values.contains_key(&metric.key), "{}", metric.key);
        }
    }

    #[test]
    fn each_job_has_metrics_of_its_own_which_stay_together() {
        let metrics = listed(&["a".to_owned(), "b".to_owned()]);
        let labels: Vec<&str> = metrics.iter().map(|metric| metric.label.as_str()).collect();
        let first = labels.iter().position(|label| *label == "a iteration mean").unwrap();
        assert_eq!(labels[first + 6], "b iteration mean");
        assert!(listed(&["a".to_owned()]).iter().any(|metric| metric.label == "iteration mean"));
        assert!(listed(&[]).iter().all(|metric| !metric.key.contains('*')));
    }

    #[test]
    fn what_counted_nothing_has_no_value() {
        let run = Run { flows: FlowSummary::default(), jobs: vec![JobSummary::default()], ..Run::default() };
        let values = values(&run);
        for key in ["flows.goodput", "flows.completion.p99", "bottleneck.drop_share", "jobs..slowdown_alone"] {
            assert!(!values.contains_key(key), "{key}");
        }
        assert_eq!(values.get("flows.count"), Some(&0.0));
    }
}
