//! Whole reports, made of small results directories.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::error::Error;
use super::{build, html, input, page};

fn percentiles(p99: u64) -> Value {
    json!({ "count": 100, "mean": p99 / 2, "p50": p99 / 2, "p90": p99, "p99": p99, "p999": p99, "max": p99 })
}

/// A run with this p99 queueing delay in ns, so many of 10,000 packets dropped, and this slowdown.
fn run(controller: &str, copies: u32, p99: u64, dropped: u64, slowdown: f64) -> Value {
    json!({
        "controller": controller, "stack": "native", "on": "virtual", "copies": copies, "seed": 7, "axes": {},
        "bottleneck": {
            "queue_delay": percentiles(p99), "queue_packets": { "mean": 1.5, "p99": 9, "max": 10 },
            "offered_packets": 10_000, "dropped_packets": dropped, "marked_packets": 0, "utilization": 0.5
        },
        "flows": {
            "count": 4, "goodput": 1_000_000_000, "completion": percentiles(5_000_000), "retransmitted_packets": dropped,
            "timeouts": 0, "jain": 0.99
        },
        "bursts": {
            "completion": percentiles(5_000_000),
            "slowdown": { "count": 1, "mean": 1.0, "p50": 1.0, "p90": 1.0, "p99": 1.5, "p999": 1.5, "max": 1.5 }
        },
        "jobs": [{
            "name": "resnet50", "iterations": 8, "iteration": percentiles(500_000_000),
            "communication": percentiles(60_000_000), "slowdown_alone": slowdown, "slowdown_ideal": slowdown * 1.1
        }],
        "simulated": 4_000_000_000u64, "data_packets": 10_000, "wall": 1_000, "setup_wall": 100
    })
}

fn summary(name: &str, runs: Vec<Value>) -> Value {
    json!({
        "schema": 1, "name": name, "complete": true,
        "provenance": {
            "burstlab": "0.1.0", "commit": "unknown", "experiment_sha256": "00", "inputs": [], "seed": 7, "command": "test"
        },
        "runs": runs
    })
}

fn compared() -> Vec<Value> {
    vec![
        run("reno", 1, 12_000, 0, 1.0),
        run("reno", 8, 720_000, 120, 1.9),
        run("dctcp", 1, 10_000, 0, 1.0),
        run("dctcp", 8, 78_300, 0, 1.4),
    ]
}

/// A directory below `parent` that holds this summary.
fn results(parent: &Path, name: &str, summary: &Value) -> PathBuf {
    let dir = parent.join(name);
    fs::create_dir_all(&dir).expect("a folder can be made");
    fs::write(dir.join("summary.json"), summary.to_string()).expect("a summary can be written");
    dir
}

fn add(dir: &Path, table: &str, rows: &str) {
    fs::write(dir.join(table), rows).expect("a table can be written");
}

fn assembled(dirs: &[PathBuf]) -> page::Page {
    let directories = dirs.iter().map(|dir| input::Directory::open(dir)).collect::<Result<_, _>>();
    page::assemble(directories.expect("summaries are read")).expect("tables are read")
}

/// With ordinary spaces, which a snapshot shows as what they are.
fn plain(text: &str) -> String {
    text.replace('\u{a0}', " ")
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn the_headline_names_the_best_the_worst_and_the_losses() {
    let parent = temporary();
    let dir = results(parent.path(), "a", &summary("compared", compared()));
    add(&dir, "trace_ptm.csv", "trace,node,tau_ns,ptm\nresnet,all,5000000,74.7\nresnet,10.77.0.1,5000000,130.1\n");
    insta::assert_snapshot!(plain(&assembled(&[dir]).headline), @"With 8 jobs sharing the network, dctcp kept p99 queueing delay lowest, at 78.3 µs; under reno it was highest, at 720 µs, 9.2 times that. With one job alone, it was 12 µs at most. The bottleneck dropped 1.2 % of the packets under reno; none under dctcp. An iteration took 1.4 times as long as alone on the network under dctcp, and 1.9 times under reno. In the recording itself, the peak rate over 5 ms exceeds the mean 74.7 times for all nodes together and 130 times for what 10.77.0.1 sends.");
}

#[test]
fn one_run_alone_has_a_headline_too() {
    let parent = temporary();
    let dir = results(parent.path(), "a", &summary("single", vec![run("bbr", 4, 90_000, 0, 1.0)]));
    insta::assert_snapshot!(plain(&assembled(&[dir]).headline), @"The p99 queueing delay under bbr was 90 µs. The bottleneck dropped no packet. An iteration took as long as alone on the network.");
}

#[test]
fn flows_without_jobs_are_compared_along_the_setting_that_varies() {
    let parent = temporary();
    let run_of = |count: u64| {
        let mut run = run("dctcp", 1, count * 1_000, 0, 0.0);
        run["jobs"] = json!([]);
        run["axes"] = json!({ "flow.count": count });
        run
    };
    let dir = results(parent.path(), "a", &summary("incast", vec![run_of(8), run_of(64), run_of(1024)]));
    let page = serde_json::to_value(assembled(&[dir])).expect("a page is JSON");
    assert_eq!(page["axis"]["label"], "flow.count");
    assert_eq!(page["axis"]["ticks"], json!(["8", "64", "1024"]));
    assert_eq!(page["axis"]["positions"], json!([3.0, 6.0, 10.0]));
    assert_eq!(page["pictures"][0]["lines"][0]["mean"], json!([8_000.0, 64_000.0, 1_024_000.0]));
    insta::assert_snapshot!(plain(page["headline"].as_str().expect("a text")), @"At flow.count 1024, the p99 queueing delay under dctcp was 1.02 ms. At flow.count 8, it was 8 µs at most. The bottleneck dropped no packet.");
}

#[test]
fn runs_of_two_directories_are_told_apart_by_the_directory() {
    let parent = temporary();
    let dirs = ["old", "new"].map(|name| results(parent.path(), name, &summary("x", compared())));
    let page = serde_json::to_value(assembled(&dirs)).expect("a page is JSON");
    let lines: Vec<&str> =
        page["lines"].as_array().expect("lines").iter().filter_map(|line| line["label"].as_str()).collect();
    assert_eq!(lines, ["reno [old]", "dctcp [old]", "reno [new]", "dctcp [new]"]);
    assert_eq!(page["runs"][7]["label"], "dctcp, 8 jobs [new]");
    assert_eq!(page["title"], "x");
}

#[test]
fn seeds_become_one_line_with_their_range() {
    let parent = temporary();
    let mut second = run("reno", 1, 20_000, 0, 1.0);
    second["seed"] = json!(8);
    let dir = results(parent.path(), "a", &summary("seeds", vec![run("reno", 1, 10_000, 0, 1.0), second]));
    let page = serde_json::to_value(assembled(&[dir])).expect("a page is JSON");
    let points = &page["pictures"][0]["lines"][0];
    assert_eq!((&points["mean"], &points["low"], &points["high"]), (&json!([15e3]), &json!([10e3]), &json!([20e3])));
    assert_eq!(page["runs"][1]["label"], "reno [seed 8]");
}

#[test]
fn a_report_needs_no_more_than_a_summary() {
    let parent = temporary();
    let dir = results(parent.path(), "a", &summary("bare", compared()));
    let out = parent.path().join("report.html");
    build(&[dir], &out).expect("a report is made");
    let html = fs::read_to_string(&out).expect("the report is there");
    assert!(html.contains("<title>bare") && html.ends_with("</html>\n"));
}

#[test]
fn names_from_outside_cannot_become_markup() {
    let parent = temporary();
    let dir = results(parent.path(), "a", &summary("</script><script>alert(1)", compared()));
    let html = html::render(&assembled(&[dir])).expect("a page is JSON");
    assert!(!html.contains("<script>alert"));
}

#[test]
fn what_is_not_a_results_directory_is_named() {
    let parent = temporary();
    let dir = parent.path().join("nowhere");
    let error = build(std::slice::from_ref(&dir), &parent.path().join("r.html")).expect_err("nothing is there");
    assert!(matches!(&error, Error::NotResults(path) if *path == dir), "{error}");
    assert!(error.to_string().contains("nowhere is not a results directory"));
}

#[test]
fn another_schema_is_an_error_that_names_the_file_and_leaves_no_report() {
    let parent = temporary();
    let mut of_the_future = summary("x", compared());
    of_the_future["schema"] = json!(2);
    let dir = results(parent.path(), "a", &of_the_future);
    let out = parent.path().join("report.html");
    let error = build(&[dir], &out).expect_err("schema 2 is not read");
    assert!(matches!(error, Error::Summary(_)));
    assert!(error.to_string().contains("summary.json") && error.to_string().contains("schema 2"), "{error}");
    assert!(!out.exists());
}

#[test]
fn a_bad_row_is_named_by_file_and_line() {
    let parent = temporary();
    let dir = results(parent.path(), "a", &summary("x", compared()));
    let header = "run,metric,value,cumulative\n";
    let message = |rows: &str| {
        add(&dir, "distributions.csv", &format!("{header}{rows}"));
        build(std::slice::from_ref(&dir), &parent.path().join("r.html")).expect_err("a bad row").to_string()
    };
    let not_a_number = message("0,queue_delay_ns,1,0.5\n0,queue_delay_ns,fast,1\n");
    assert!(not_a_number.contains("distributions.csv, line 3: column 3"), "{not_a_number}");
    let no_such_run = message("9,queue_delay_ns,1,1\n");
    assert!(no_such_run.contains("distributions.csv, line 2: run 9 does not exist"), "{no_such_run}");
    let too_short = message("0,queue_delay_ns\n");
    assert!(too_short.contains("line 2: 2 columns where the header has 4"), "{too_short}");
}

#[test]
fn an_interrupted_experiment_is_shown_with_a_warning() {
    let parent = temporary();
    let mut interrupted = summary("x", compared());
    interrupted["complete"] = json!(false);
    let dir = results(parent.path(), "half", &interrupted);
    add(&dir, "distributions.csv", "run,metric,value,cumulative\n0,iteration_ns,5,1\n4,iteration_ns,5,1\n4,iterat");
    let page = assembled(&[dir]);
    assert_eq!(page.warnings.len(), 1);
    assert!(page.warnings[0].starts_with("half is incomplete: it holds the 4 runs"));
    let page = serde_json::to_value(page).expect("a page is JSON");
    assert_eq!(page["distributions"].as_array().map(Vec::len), Some(1));
}

#[test]
fn runs_that_delivered_nothing_are_warned_of() {
    let parent = temporary();
    let mut silent = run("reno", 1, 0, 0, 1.0);
    silent["data_packets"] = json!(0);
    let dir = results(parent.path(), "a", &summary("x", vec![silent, run("bbr", 1, 9, 0, 1.0)]));
    assert_eq!(assembled(&[dir]).warnings, ["The run reno delivered no data: its numbers mean nothing."]);
}

#[test]
fn the_telling_queue_of_a_run_comes_first_and_times_survive() {
    let parent = temporary();
    let dir = results(parent.path(), "a", &summary("x", compared()));
    add(
        &dir,
        "queues.csv",
        "run,queue,offered_packets,dropped_packets,marked_packets,mean_delay_ns,p99_delay_ns,max_packets,utilization\n\
         1,quiet,9,0,0,1,2,3,0.1\n1,busy,9,0,0,7,99,3,0.1\n",
    );
    add(
        &dir,
        "queue_series.csv",
        "run,queue,time_ns,packets_mean,packets_max\n1,quiet,0,0,0\n1,quiet,100,1,2\n1,busy,0,0,0\n1,busy,100,5,9\n",
    );
    let page = serde_json::to_value(assembled(&[dir])).expect("a page is JSON");
    let names: Vec<&str> =
        page["queues"].as_array().expect("queues").iter().filter_map(|queue| queue["name"].as_str()).collect();
    assert_eq!(names, ["busy", "quiet"]);
    assert_eq!(
        page["queues"][0]["series"],
        json!({ "start": 0, "tick": 100, "steps": [1], "columns": [[0, 5], [0, 9]] })
    );
}

#[test]
fn no_directory_is_an_error() {
    assert!(matches!(build(&[], Path::new("r.html")), Err(Error::NoDirectories)));
}

#[test]
fn both_ways_of_a_connection_are_flows_of_their_own() {
    let parent = temporary();
    let dir = results(parent.path(), "a", &summary("x", compared()));
    add(
        &dir,
        "flows.csv",
        "run,flow,direction,job,copy,src,dst,bytes,start_ns,completion_ns,goodput_bit_s,retransmitted_packets,timeouts,\
         dropped_packets,marked_packets\n\
         0,3,forward,ring,0,host0,host1,5,0,,1,0,0,0,0\n0,3,backward,ring,0,host1,host0,9,0,,1,0,0,0,0\n",
    );
    add(
        &dir,
        "flow_series.csv",
        "run,flow,direction,time_ns,window_bytes,in_flight_bytes,rate_bit_s,smoothed_rtt_ns\n\
         0,3,forward,100,1,1,1,1\n0,3,forward,200,1,1,1,1\n0,3,backward,100,2,2,2,2\n0,3,backward,200,2,2,2,2\n",
    );
    let page = serde_json::to_value(assembled(&[dir])).expect("a page is JSON");
    let flows = page["flows"].as_array().expect("flows");
    let told: Vec<_> = flows.iter().map(|flow| (flow["name"].as_str(), flow["label"].as_str())).collect();
    assert_eq!(
        told,
        [
            (Some("3 back"), Some("flow 3 back: host1 \u{2192} host0 (ring, copy 0)")),
            (Some("3"), Some("flow 3: host0 \u{2192} host1 (ring, copy 0)"))
        ]
    );
    assert_eq!(flows[0]["series"]["columns"][0], json!([2, 2]));
}
