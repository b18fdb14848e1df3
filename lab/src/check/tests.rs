use serde_json::json;

use super::*;
use crate::results::{Bottleneck, FlowSummary, JobSummary, Percentiles, QueueSummary};

fn run(controller: &str) -> Run {
    let queue = Bottleneck {
        queue_delay: Percentiles { count: 100, mean: 1000, p50: 900, p90: 1500, p99: 2000, p999: 2500, max: 3000 },
        utilization: 0.5,
        ..Bottleneck::default()
    };
    Run {
        controller: controller.to_owned(),
        stack: "native".to_owned(),
        on: "virtual".to_owned(),
        copies: 4,
        seed: 7,
        axes: BTreeMap::from([("flow.count".to_owned(), json!(64))]),
        queues: vec![QueueSummary { name: "switch>host0".to_owned(), queue: queue.clone() }],
        bottleneck: queue,
        flows: FlowSummary { count: 12, goodput: 1_000_000, jain: 0.99, ..FlowSummary::default() },
        jobs: vec![JobSummary { name: "resnet50".to_owned(), slowdown_alone: 1.25, ..JobSummary::default() }],
        data_packets: 1_000_000,
        wall: 1_000_000_000,
        ..Run::default()
    }
}

fn baseline(runs: Vec<Run>) -> Baseline {
    Baseline { schema: 1, name: "x".to_owned(), tolerances: BTreeMap::new(), runs }
}

fn tolerances(settings: &[&str]) -> Tolerances {
    let mut tolerances = Tolerances::default();
    settings.iter().for_each(|setting| tolerances.set(setting).unwrap());
    tolerances
}

#[test]
fn the_same_results_pass_whatever_the_clock_said() {
    let mut found = run("dctcp");
    (found.wall, found.setup_wall) = (5, 5);
    let outcome = compare(&[found], &baseline(vec![run("dctcp")]), &Tolerances::default(), None);
    assert!(outcome.passed, "{outcome}");
    assert!(outcome.metrics > 50, "{outcome}");
}

#[test]
fn each_metric_beyond_its_tolerance_is_named_with_both_values() {
    let mut found = run("dctcp");
    found.bottleneck.queue_delay.p99 = 2100;
    found.flows.goodput = 990_000;
    found.flows.timeouts = 2;
    found.jobs[0].slowdown_alone = 1.5;
    found.queues[0].queue.utilization = 0.4;
    let tolerances = tolerances(&["bottleneck.queue_delay.*=5%", "flows.goodput=0.5%"]);
    let outcome = compare(&[found], &baseline(vec![run("dctcp")]), &tolerances, None);
    assert!(!outcome.passed);
    insta::assert_snapshot!(outcome);
}

#[test]
fn runs_without_a_counterpart_are_named() {
    let outcome = compare(&[run("reno")], &baseline(vec![run("cubic")]), &Tolerances::default(), None);
    assert_eq!((outcome.passed, outcome.runs), (false, 0));
    insta::assert_snapshot!(outcome);
}

#[test]
fn only_a_slower_run_fails_the_speed_gate() {
    let part = Some(Tolerance::Part(0.2));
    let speed = |wall| {
        let found = Run { wall, ..run("dctcp") };
        compare(&[found], &baseline(vec![run("dctcp")]), &Tolerances::default(), part).passed
    };
    assert_eq!([1_000_000_000, 100_000_000, 1_200_000_000, 1_300_000_000].map(speed), [true, true, true, false]);
}

#[test]
fn a_metric_that_the_results_lack_is_a_difference_and_one_more_is_not() {
    let (mut fewer, all) = (run("dctcp"), run("dctcp"));
    fewer.queues.clear();
    let outcome = compare(std::slice::from_ref(&fewer), &baseline(vec![all.clone()]), &Tolerances::default(), None);
    assert!(outcome.differences.iter().all(|difference| difference.found.is_null()), "{outcome}");
    assert!(!outcome.passed);
    assert!(compare(&[all], &baseline(vec![fewer]), &Tolerances::default(), None).passed);
}

#[test]
fn a_baseline_reads_back_with_its_tolerances() {
    let tolerances = tolerances(&["*.p999=12.5%", "flows.timeouts=2"]);
    let written = Baseline { tolerances: tolerances.written(), ..baseline(vec![run("dctcp")]) };
    let read = Baseline::parse(&written.to_json().unwrap()).unwrap();
    assert_eq!(read, written);
    assert_eq!(Tolerances::read(&read.tolerances), Ok(tolerances));
}

#[test]
fn what_is_no_baseline_is_told_so() {
    for (text, part) in [
        ("", "not JSON"),
        ("{}", "there is no \"schema\""),
        ("{\"schema\": 2}", "schema 2 is unknown; expected 1"),
        ("{\"schema\": 1, \"name\": \"x\"}", "missing field `runs`"),
    ] {
        let error = Baseline::parse(text).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}
