use std::collections::BTreeMap;

use super::*;
use crate::results::{Bottleneck, FlowSummary, JobSummary, Percentiles, Provenance, SCHEMA};

fn run(controller: &str, copies: u32, scale: u64) -> Run {
    let times = |p50| Percentiles { count: 10, mean: p50, p50, p90: p50, p99: p50 * 2, p999: p50 * 2, max: p50 * 2 };
    Run {
        controller: controller.to_owned(),
        stack: "native".to_owned(),
        on: "virtual".to_owned(),
        copies,
        seed: 7,
        bottleneck: Bottleneck {
            queue_delay: times(12_345 * scale),
            offered_packets: 1_000_000,
            dropped_packets: 12 * scale,
            marked_packets: 3_400,
            utilization: 0.4567,
            ..Bottleneck::default()
        },
        flows: FlowSummary {
            count: 12,
            goodput: 9_412_345_678,
            completion: times(999_600),
            timeouts: 3,
            ..FlowSummary::default()
        },
        jobs: vec![JobSummary {
            name: "resnet50-ddp-4w".to_owned(),
            iterations: 8,
            iteration: times(743_000_000),
            slowdown_alone: 1.2345,
            ..JobSummary::default()
        }],
        data_packets: 3_000_000,
        wall: 600_000_000,
        ..Run::default()
    }
}

fn summary() -> Summary {
    let runs = [("reno", 1), ("reno", 8), ("dctcp?g=0.0625", 1), ("dctcp?g=0.0625", 8)];
    Summary {
        schema: SCHEMA,
        name: "x".to_owned(),
        description: String::new(),
        complete: true,
        provenance: Provenance::default(),
        runs: runs.into_iter().map(|(controller, copies)| run(controller, copies, u64::from(copies))).collect(),
    }
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn a_table_fits_the_width_and_says_the_most_that_does() {
    for width in [40, 60, 80, 100, 140] {
        let text = render(&summary(), width);
        assert!(widest(&text) <= usize::from(width), "{width}:\n{text}");
        insta::assert_snapshot!(format!("{width}_columns"), text);
    }
}

#[test]
fn flows_without_jobs_have_no_empty_columns() {
    let mut summary = summary();
    for run in &mut summary.runs {
        run.jobs.clear();
        run.axes =
            BTreeMap::from([("flow.count".to_owned(), 64.into()), ("network.rate".to_owned(), "1Gbit/s".into())]);
    }
    let text = render(&summary, 140);
    assert!(!text.contains("iter.") && text.contains("count") && text.contains("1Gbit/s"), "{text}");
}

#[test]
fn times_and_rates_are_told_to_three_digits() {
    for (ns, text) in [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 us"),
        (9_996, "10.0 us"),
        (999_600, "1.00 ms"),
        (61_234_567_890, "61.2 s"),
    ] {
        assert_eq!(span(ns), text, "{ns}");
    }
    assert_eq!(rate(9_412_345_678), "9.41 G");
}
