//! Virtual time and real time side by side.
//!
//! Results in real time are made from those in virtual time here, so that no test needs what only some machines have.

use std::fs;

use burstlab::results::{RealTimeRun, Summary};
use serde_json::{Value, json};

use crate::program::Folder;

/// The folder with results in virtual time, in `results`.
fn with_results() -> Folder {
    let folder = Folder::new();
    folder.run("experiments/incast-dctcp.toml", &["--set", "flow.count=[2,4]", "--set", "flow.bytes=100kB"]);
    folder
}

/// Writes what `results` holds to `out` as if it had run in real time, once for each of `factors`, by which queueing delays
/// and numbers of packets are multiplied.
fn in_real_time(folder: &Folder, out: &str, factors: &[f64]) {
    let file = folder.path().join("results").join(Summary::FILE);
    let mut summary: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let simulated = summary["runs"].as_array().unwrap().clone();
    let repeated = simulated.iter().flat_map(|run| {
        factors.iter().zip(1..).map(|(factor, repeat)| {
            let mut run = run.clone();
            run["on"] = "tun".into();
            run["axes"]["run.repeat"] = repeat.into();
            run["real_time"] = serde_json::to_value(RealTimeRun { valid: true, ..RealTimeRun::default() }).unwrap();
            let delays = run["bottleneck"]["queue_delay"].as_object_mut().unwrap();
            delays.values_mut().for_each(|delay| *delay = ((delay.as_f64().unwrap() * factor) as u64).into());
            run
        })
    });
    summary["runs"] = repeated.collect();
    fs::create_dir_all(folder.path().join(out)).unwrap();
    fs::write(folder.path().join(out).join(Summary::FILE), summary.to_string()).unwrap();
}

#[test]
fn real_time_within_its_noise_is_told_so_for_each_cell_and_metric() {
    let folder = with_results();
    in_real_time(&folder, "tun", &[0.95, 1.0, 1.06]);
    let told = folder.burstlab(&["compare", "results", "tun"]).good();
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
    assert_eq!(told.lines().filter(|line| line.starts_with("queue delay p99 ")).count(), 2, "{told}");
    assert!(told.contains("within noise, 0 beyond, 0 without"), "{told}");
    let document = folder.json(&["compare", "results", "tun/summary.json"]);
    assert_eq!((&document["schema"], &document["passed"]), (&json!(1), &json!(true)));
    let delay = &document["cells"][1]["metrics"][0];
    assert_eq!((&delay["metric"], &delay["real"]["runs"]), (&json!("bottleneck.queue_delay.mean"), &json!(3)));
}

#[test]
fn a_gate_decides_the_exit_code() {
    let folder = with_results();
    in_real_time(&folder, "tun", &[1.2, 1.2]);
    let compare =
        |tolerance, gate| folder.burstlab(&["compare", "results", "tun", "--tolerance", tolerance, "--gate", gate]);
    compare("25%", "queue_delay.mean,queue_delay.p99").good();
    compare("10%", "goodput").good();
    let failed = compare("10%", "goodput,queue_delay.p99");
    assert_eq!((failed.code, failed.stderr.as_str()), (1, ""), "{}", failed.stdout);
    assert!(failed.stdout.contains("failed: 4 metrics gated (*), 2 not within 10%"), "{}", failed.stdout);
    compare("10%", "queue_delay.p98").told(2, &["--gate: no metric", "\"queue_delay.p98\""]);
}

#[test]
fn the_other_order_is_taken_as_it_was_meant() {
    let folder = with_results();
    in_real_time(&folder, "tun", &[1.0]);
    let ended = folder.burstlab(&["compare", "tun", "results"]);
    assert!(ended.stderr.contains("tun is the one in real time"), "{}", ended.stderr);
    let told = ended.good();
    assert!(told.contains("virtual time (results) and real time (tun)") && told.contains("run.repeat=5"), "{told}");
}

#[test]
fn two_results_in_real_time_are_a_and_b() {
    let folder = with_results();
    in_real_time(&folder, "one", &[1.0, 1.1]);
    in_real_time(&folder, "two", &[1.0, 1.2]);
    let ended = folder.burstlab(&["compare", "one", "two"]);
    assert!(ended.stderr.contains("one is A and two is B"), "{}", ended.stderr);
    assert!(ended.good().contains("2 A runs, 2 B runs"));
}

#[test]
fn what_cannot_be_compared_is_told_in_one_sentence() {
    let folder = with_results();
    in_real_time(&folder, "tun", &[1.0]);
    folder.put("text.json", "this is no summary");
    folder.put("other.json", "{\"schema\": 2}");
    let mut other = with_controller(&folder, "made-up");
    folder.put("nothing.json", other.to_string());
    other["runs"] = json!([]);
    folder.put("empty.json", other.to_string());
    for (arguments, parts) in [
        (["nowhere", "tun"], &["nowhere: there are no results", "`burstlab run` wrote"][..]),
        (["results", "."], &[".: there are no results"]),
        (["results", "text.json"], &["text.json: not JSON"]),
        (["results", "other.json"], &["schema 2 is unknown"]),
        (["results", "empty.json"], &["empty.json: no run has ended yet"]),
        (["results", "results"], &["both ran in virtual time", "--on tun"]),
        (["results", "nothing.json"], &["no cell in common", "made-up", "flow.count = 2"]),
    ] {
        folder.burstlab(&[&["compare"], &arguments[..]].concat()).told(2, parts);
    }
}

/// The results in `tun`, under another controller.
fn with_controller(folder: &Folder, controller: &str) -> Value {
    let text = fs::read_to_string(folder.path().join("tun").join(Summary::FILE)).unwrap();
    let mut summary: Value = serde_json::from_str(&text).unwrap();
    summary["runs"].as_array_mut().unwrap().iter_mut().for_each(|run| run["controller"] = controller.into());
    summary
}
