//! The bundled recording: how bursty it is, and its replay against what the training program itself logged.

use std::fs;

use serde_json::Value;

use crate::program::{Folder, recording, repository};

/// Length in seconds of each iteration that rank 0 logged, from start to start; the last from start to end.
fn logged() -> Vec<f64> {
    let log = fs::read_to_string(repository("traces/resnet50-ddp-4w.log.json")).unwrap();
    let log: Value = serde_json::from_str(&log).unwrap();
    let iterations = log["rank0"].as_array().unwrap();
    let at = |index: usize, key: &str| iterations[index][key].as_f64().unwrap();
    let end = |index| if index + 1 < iterations.len() { at(index + 1, "start") } else { at(index, "end") };
    (0..iterations.len()).map(|index| end(index) - at(index, "start")).collect()
}

#[test]
fn the_peak_is_many_times_the_mean() {
    let stats = Folder::new().json(&["trace", "stats", &recording(), "--tau", "5ms"]);
    let ptm = |node: &Value| node["ptm"]["5000000"].as_f64().unwrap();
    // As an analysis of the same capture by other means found it.
    assert!((ptm(&stats["all"]) - 74.7).abs() < 0.1, "{}", stats["all"]);
    let nodes = stats["nodes"].as_array().unwrap();
    assert_eq!((nodes.len(), nodes[0]["node"].as_str()), (4, Some("10.77.0.1")));
    assert!((ptm(&nodes[0]) - 130.1).abs() < 0.2, "{}", nodes[0]);
    assert!(nodes.iter().all(|node| ptm(node) > 60.0), "{nodes:?}");
}

#[test]
fn replayed_on_an_idle_network_of_its_own_rate_it_takes_as_long_as_it_took() {
    let folder = Folder::new();
    let runs = folder.run("experiments/resnet50-alone.toml", &[]);
    assert_eq!((runs.len(), runs[0].jobs[0].iterations), (1, 8));
    let mut table = csv::Reader::from_path(folder.path().join("results/iterations.csv")).unwrap();
    let columns = table.headers().unwrap().clone();
    let column = |name| columns.iter().position(|column| column == name).unwrap();
    let (start, end) = (column("start_ns"), column("end_ns"));
    let replayed = table.records().map(|row| {
        let row = row.unwrap();
        let at = |column: usize| row[column].parse::<u64>().unwrap() as f64 / 1e9;
        at(end) - at(start)
    });
    let logged = logged();
    let both: Vec<(f64, f64)> = replayed.zip(logged.iter().copied()).collect();
    assert_eq!((both.len(), logged.len()), (8, 8));
    // The first iteration was logged from before the connections were open.
    for (replayed, logged) in &both[1..] {
        assert!((replayed / logged - 1.0).abs() < 0.05, "{replayed} s replayed, {logged} s logged: {both:?}");
    }
}
