//! The same experiment and seed give the same results.

use std::fs;

use crate::program::{Folder, timeless};

/// Jobs with drawn phases, and flows with drawn starts, over a network that loses, reorders and duplicates packets.
const ALL_OF_CHANCE: &str = r#"
name = "chance"
seed = 3

[network]
rate = "10Gbit/s"
delay = "5us"
queue = { kind = "ecn-step", limit = "100p", mark_at = "40p" }
loss = 0.0005
reorder = { probability = 0.001, by = "50us" }
duplicate = 0.001

[[job]]
trace = "TRACE"
iterations = 1
compute_scale = 0.001
copies = [1, 2]

[[flow]]
count = 8
bytes = "1MB"
stagger = "2ms"

[compare]
controller = ["cubic", "dctcp", "bbr"]
"#;

#[test]
fn two_runs_differ_in_nothing_but_the_clock_whatever_the_number_of_threads() {
    let folder = Folder::new();
    folder.put("chance.toml", ALL_OF_CHANCE.replace("TRACE", &crate::program::recording()));
    let summaries = ["1", "2"].map(|threads| {
        let setting = format!("run.threads={threads}");
        folder.burstlab(&["run", "chance.toml", "--set", &setting, "--out", threads]).good();
        let mut summary = timeless(&folder.path().join(threads));
        // The one thing that was meant to differ.
        let command = summary["provenance"]["command"].take();
        assert!(command.as_str().unwrap().contains(&setting), "{command}");
        summary
    });
    assert_eq!(summaries[0]["runs"].as_array().unwrap().len(), 6);
    let [one, two] = summaries.map(|summary| serde_json::to_string_pretty(&summary).unwrap());
    assert!(one == two, "summary.json differs");
    for table in ["flows", "bursts", "iterations", "queues", "queue_series", "flow_series", "distributions"] {
        let [one, two] = ["1", "2"].map(|run| fs::read(folder.path().join(run).join(format!("{table}.csv"))).unwrap());
        assert!(one.len() > 100 && one == two, "{table}.csv differs");
    }
}

#[test]
fn another_seed_gives_other_results() {
    let folder = Folder::new();
    folder.put("chance.toml", ALL_OF_CHANCE.replace("TRACE", &crate::program::recording()));
    let [a, b] = ["3", "4"].map(|seed| {
        let arguments = ["run", "chance.toml", "--seed", seed, "--out", seed, "--controller", "cubic", "--jobs", "2"];
        folder.burstlab(&arguments).good();
        timeless(&folder.path().join(seed))["runs"][0]["bottleneck"].take()
    });
    assert_ne!(a, b);
}
