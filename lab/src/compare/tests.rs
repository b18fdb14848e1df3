use std::path::PathBuf;

use super::*;
use crate::results::{
    Bottleneck, BurstSummary, FlowSummary, JobSummary, Percentiles, Provenance, QueuePackets, QueueSummary,
    RatioPercentiles, RealTimeRun, Run,
};

/// A run in virtual time that measured everything; times are `scale` times as long as in others.
pub(super) fn run(controller: &str, seed: u64, scale: f64) -> Run {
    let times = |ns: f64| {
        let at = |factor: f64| (ns * scale * factor) as u64;
        Percentiles { count: 10, mean: at(1.0), p50: at(0.9), p90: at(1.5), p99: at(2.0), p999: at(2.5), max: at(3.0) }
    };
    let slowdown =
        RatioPercentiles { count: 10, mean: 1.5, p50: 1.25, p90: 2.0, p99: 3.0 * scale, p999: 3.5, max: 4.0 };
    let queue = Bottleneck {
        queue_delay: times(78_300.0),
        queue_packets: QueuePackets { mean: 12.5 * scale, p99: 65, max: 80 },
        offered_packets: 1_000_000,
        dropped_packets: 0,
        lost_packets: 0,
        marked_packets: 12_345,
        utilization: 0.913,
    };
    Run {
        controller: controller.to_owned(),
        stack: "native".to_owned(),
        on: "virtual".to_owned(),
        copies: 4,
        seed,
        axes: BTreeMap::from([("flow.count".to_owned(), 64.into())]),
        queues: vec![QueueSummary { name: "switch>host0".to_owned(), queue: queue.clone() }],
        bottleneck: queue,
        flows: FlowSummary {
            count: 64,
            goodput: 9_120_000_000,
            completion: times(33_000_000.0),
            retransmitted_packets: 420,
            timeouts: 0,
            jain: 0.987,
        },
        bursts: BurstSummary { completion: times(1_800_000.0), slowdown },
        jobs: vec![JobSummary {
            name: "resnet50".to_owned(),
            iterations: 8,
            iteration: times(743_000_000.0),
            communication: times(120_000_000.0),
            slowdown_alone: 1.234,
            slowdown_ideal: 1.5,
        }],
        data_packets: 3_000_000,
        ..Run::default()
    }
}

fn results(path: &str, runs: Vec<Run>) -> Results {
    Results {
        path: PathBuf::from(path),
        name: "incast".to_owned(),
        complete: true,
        provenance: Provenance::default(),
        runs,
    }
}

fn simulated() -> Results {
    results("results/virtual", vec![run("dctcp", 7, 1.0)])
}

/// As many runs in real time as there are scales.
fn real(scales: &[f64]) -> Results {
    let runs = scales.iter().zip(1u64..).map(|(scale, repeat)| {
        let mut run = Run { on: "tun".to_owned(), ..run("dctcp", 7, *scale) };
        run.axes.insert("run.repeat".to_owned(), repeat.into());
        run
    });
    results("results/tun", runs.collect())
}

/// Five runs whose times are noisy, and of which all used the link less than virtual time did.
fn five() -> Results {
    let mut results = real(&[0.97, 1.0, 1.02, 1.05, 1.01]);
    for (run, used) in results.runs.iter_mut().zip([0.901, 0.902, 0.903, 0.902, 0.901]) {
        run.bottleneck.utilization = used;
    }
    results
}

fn gate(tolerance: Option<&str>, metrics: &[&str]) -> Gate {
    Gate {
        tolerance: tolerance.map(|tolerance| tolerance.parse().unwrap()),
        metrics: metrics.iter().map(|metric| (*metric).to_owned()).collect(),
    }
}

fn of<'a>(comparison: &'a Comparison, metric: &str) -> &'a Row {
    comparison.cells[0].metrics.iter().find(|row| row.metric == metric).unwrap()
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn a_table_fits_the_width_and_says_the_most_that_does() {
    let comparison = compare(&simulated(), &five(), &gate(Some("3%"), &["queue_delay.mean"])).unwrap();
    for width in [40, 60, 80, 120] {
        let text = render(&comparison, width);
        assert!(widest(&text) <= usize::from(width), "{width}:\n{text}");
        insta::assert_snapshot!(format!("{width}_columns"), text);
    }
}

#[test]
fn one_real_run_gives_no_verdict_and_says_how_to_get_one() {
    let comparison = compare(&simulated(), &real(&[1.1]), &Gate::default()).unwrap();
    assert!(comparison.passed && comparison.cells[0].metrics.iter().all(|row| row.verdict == Verdict::OneRun));
    insta::assert_snapshot!(render(&comparison, 80));
}

#[test]
fn each_metric_is_judged_by_its_own_noise() {
    let comparison = compare(&simulated(), &five(), &Gate::default()).unwrap();
    assert_eq!(of(&comparison, "bottleneck.queue_delay.p99").verdict, Verdict::WithinNoise);
    assert_eq!(of(&comparison, "bottleneck.utilization").verdict, Verdict::Differs);
    assert_eq!((comparison.cells[0].reference_runs, comparison.cells[0].real_runs), (1, 5));
}

#[test]
fn a_seed_that_ran_twice_in_virtual_time_is_one_draw() {
    let repeated = results("v", [7, 7, 7, 8].map(|seed| run("dctcp", seed, 1.0)).into());
    let single = results("v", [7, 8].map(|seed| run("dctcp", seed, 1.0)).into());
    let noise = |reference| of(&compare(reference, &five(), &Gate::default()).unwrap(), "flows.completion.p50").noise;
    assert_eq!(noise(&repeated), noise(&single));
    assert_ne!(noise(&single), noise(&simulated()));
}

#[test]
fn the_gate_is_for_the_metrics_that_it_names() {
    let passed = |tolerance, metrics: &[&str]| {
        compare(&simulated(), &real(&[1.08, 1.12]), &gate(Some(tolerance), metrics)).unwrap().passed
    };
    assert!(passed("11%", &["queue_delay.mean", "bottleneck.queue_delay.p99"]));
    assert!(!passed("9%", &["queue_delay.mean"]));
    assert!(passed("9%", &["goodput", "utilization"]));
    assert!(passed("9%", &[]));
    assert!(!passed("9%", &["completion.p99", "goodput"]));
}

#[test]
fn a_gate_that_names_nothing_is_refused() {
    for name in ["queue_delay.p98", "", "delay.mean", "ean"] {
        let error = compare(&simulated(), &five(), &gate(Some("9%"), &[name])).unwrap_err();
        assert!(matches!(error, Error::UnknownMetric { .. }), "{error}");
    }
}

#[test]
fn runs_that_cannot_be_trusted_are_left_out_where_others_can() {
    let mut measured = real(&[1.0, 1.01, 5.0]);
    let late = RealTimeRun { advice: "lower network.rate".to_owned(), ..RealTimeRun::default() };
    measured.runs[2].real_time = Some(late.clone());
    let comparison = compare(&simulated(), &measured, &gate(Some("5%"), &["queue_delay.mean"])).unwrap();
    let cell = &comparison.cells[0];
    assert_eq!((cell.real_runs, cell.invalid_runs, cell.valid, comparison.passed), (2, 1, true, true));
    assert_eq!(cell.remarks, ["1 of 3 real runs cannot be trusted, which leaves 2 to compare: lower network.rate"]);
    measured.runs.iter_mut().for_each(|run| run.real_time = Some(late.clone()));
    let comparison = compare(&simulated(), &measured, &Gate::default()).unwrap();
    assert_eq!((comparison.cells[0].real_runs, comparison.cells[0].valid), (3, false));
    assert!(render(&comparison, 80).contains("3 real runs, invalid"), "{}", render(&comparison, 80));
}

#[test]
fn a_run_that_broke_off_is_left_out() {
    let mut measured = real(&[1.0, 1.01, 5.0]);
    measured.runs[2].incomplete = Some("a host died".to_owned());
    let comparison = compare(&simulated(), &measured, &Gate::default()).unwrap();
    assert_eq!(comparison.cells[0].real_runs, 2);
    let expected = "1 of 3 real runs cannot be trusted, which leaves 2 to compare: it broke off: a host died";
    assert_eq!(comparison.cells[0].remarks, [expected]);
}

#[test]
fn what_cannot_be_trusted_passes_no_gate() {
    let mut measured = real(&[1.0, 1.0]);
    let late = RealTimeRun::default();
    measured.runs.iter_mut().for_each(|run| run.real_time = Some(late.clone()));
    let comparison = compare(&simulated(), &measured, &gate(Some("5%"), &["queue_delay.mean"])).unwrap();
    assert!(!comparison.passed);
    let text = render(&comparison, 200);
    assert!(text.contains("within noise, invalid") && text.contains("and the runs are invalid"), "{text}");
}

#[test]
fn another_bottleneck_is_told() {
    let mut measured = real(&[1.0, 1.0]);
    measured.runs.iter_mut().for_each(|run| run.queues[0].name = "host1>switch".to_owned());
    let comparison = compare(&simulated(), &measured, &Gate::default()).unwrap();
    let expected = "the queue with the most queueing is switch>host0 in the reference and host1>switch in real time";
    assert_eq!(comparison.cells[0].remarks, [expected]);
}

#[test]
fn cells_of_one_side_are_named_and_nothing_in_common_is_an_error() {
    let mut reference = simulated();
    reference.runs.push(run("reno", 7, 1.0));
    let comparison = compare(&reference, &five(), &Gate::default()).unwrap();
    assert_eq!(comparison.only_in_reference, ["reno x 4, flow.count = 64, native"]);
    reference.runs.remove(0);
    let error = compare(&reference, &five(), &Gate::default()).unwrap_err().to_string();
    assert_eq!(
        error,
        "results/virtual and results/tun have no cell in common: the first has \"reno x 4, flow.count = 64, native\", the \
         second \"dctcp x 4, flow.count = 64, native\""
    );
}

#[test]
fn the_document_says_what_is_what() {
    let comparison = compare(&simulated(), &five(), &gate(Some("3%"), &["queue_delay.mean"])).unwrap();
    let document = serde_json::to_value(&comparison).unwrap();
    assert_eq!(document["schema"], 1);
    let cell = &document["cells"][0];
    assert_eq!((&cell["controller"], &cell["axes"]), (&"dctcp".into(), &serde_json::json!({ "flow.count": 64 })));
    let drops = cell["metrics"].as_array().unwrap().iter().find(|row| row["metric"] == "bottleneck.drop_share");
    assert_eq!(drops.unwrap()["reference"], 0.0, "zero on both sides, and there");
    insta::assert_snapshot!(serde_json::to_string_pretty(&cell["metrics"][0]).unwrap());
}
