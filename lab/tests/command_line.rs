//! The program as scripts see it: exit codes, what goes to stdout and stderr, and which files there are afterwards.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SMALL: &str = r#"
name = "small"

[network]
rate = "10Gbit/s"
delay = "5us"
queue = { kind = "ecn-step", limit = "250p", mark_at = "65p" }

[[flow]]
count = [2, 4]
bytes = "100kB"

[compare]
controller = ["cubic", "dctcp"]
"#;

/// Runs the program in `folder`.
fn burstlab(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_burstlab")).current_dir(folder).args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder with the small experiment.
fn with_experiment() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.toml"), SMALL).unwrap();
    folder
}

/// summary.json without what a clock decides.
fn timeless(path: &Path) -> serde_json::Value {
    let mut summary: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    for run in summary["runs"].as_array_mut().unwrap() {
        (run["wall"], run["setup_wall"]) = (0.into(), 0.into());
    }
    summary
}

#[test]
fn a_run_leaves_a_summary_tables_and_a_report_and_prints_a_line_for_each_cell() {
    let folder = with_experiment();
    let output = burstlab(folder.path(), &["run", "small.toml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stderr(&output), "", "nothing to say");
    assert_eq!(
        stdout(&output).lines().filter(|line| line.starts_with("cubic") || line.starts_with("dctcp")).count(),
        4
    );
    let results = folder.path().join("results/small");
    for file in ["summary.json", "flows.csv", "queues.csv", "distributions.csv", "report.html"] {
        assert!(results.join(file).metadata().unwrap().len() > 0, "{file}");
    }
    let summary = timeless(&results.join("summary.json"));
    assert_eq!(summary["complete"], true);
    assert_eq!(summary["runs"][1]["axes"]["flow.count"], 4);
}

#[test]
fn two_runs_of_one_seed_differ_in_nothing_but_the_clock() {
    let folder = with_experiment();
    for out in ["a", "b"] {
        assert_eq!(code(&burstlab(folder.path(), &["run", "small.toml", "--out", out])), 0);
    }
    let [a, b] = ["a", "b"].map(|out| folder.path().join(out));
    assert_eq!(timeless(&a.join("summary.json")), timeless(&b.join("summary.json")));
    for table in
        ["flows.csv", "queues.csv", "queue_series.csv", "flow_series.csv", "signal_series.csv", "distributions.csv"]
    {
        assert_eq!(fs::read(a.join(table)).unwrap(), fs::read(b.join(table)).unwrap(), "{table}");
    }
}

#[test]
fn json_is_all_there_is_on_stdout() {
    let folder = with_experiment();
    let output = burstlab(folder.path(), &["run", "small.toml", "--quick", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((document["schema"].as_u64(), document["runs"].as_array().map(Vec::len)), (Some(1), Some(4)));
    let output = burstlab(folder.path(), &["algorithms", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(document["algorithms"].as_array().unwrap().iter().any(|algorithm| algorithm["name"] == "dctcp"));
}

#[test]
fn wrong_input_is_one_line_on_stderr_exit_code_2_and_no_results() {
    let folder = with_experiment();
    fs::write(folder.path().join("bad.toml"), SMALL.replace("\"10Gbit/s\"", "\"10\"")).unwrap();
    fs::write(folder.path().join("no.pcap"), "this is no capture").unwrap();
    let job = SMALL.to_owned() + "[[job]]\ntrace = \"no.pcap\"\n";
    fs::write(folder.path().join("job.toml"), job).unwrap();
    for (arguments, part) in [
        (&["run", "bad.toml"][..], "bad.toml:5: [network] rate: \"10\" is not a rate: the unit is missing"),
        (&["run", "nowhere.toml"], "nowhere.toml: cannot read"),
        (&["run", "job.toml"], "no.pcap: is not a capture"),
        (&["run", "small.toml", "--set", "network.rat=1Gbit/s"], "--set network.rat: unknown key \"rat\""),
        (&["run", "small.toml", "--controller", "dcptc"], "--controller: there is no controller \"dcptc\""),
        (&["run", "small.toml", "--jobs", "2"], "--jobs: the experiment has no [[job]]"),
        (&["run", "small.toml", "--out", "small.toml"], "--out: small.toml is not a folder"),
        (&["trace", "stats", "no.pcap"], "no.pcap: is not a capture"),
        (&["trace", "import", "no.pcap", "-o", "out.trace"], "no.pcap: is not a capture"),
        (&["report", "."], "summary.json"),
        (&["check", ".", "--baseline", "x"], "cannot read"),
    ] {
        let output = burstlab(folder.path(), arguments);
        let told = stderr(&output);
        assert_eq!((code(&output), told.lines().count()), (2, 1), "{arguments:?}: {told}");
        assert!(told.contains(part), "{arguments:?}: {told}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
    assert!(!folder.path().join("results").exists());
    assert!(!folder.path().join("out.trace").exists());
}

#[test]
fn what_the_machine_cannot_do_is_exit_code_3_and_leaves_nothing() {
    let folder = with_experiment();
    for (arguments, part) in
        [(["--stack", "kernel"], "not in virtual time"), (["--set", "stack.receiver=kernel"], "not in virtual time")]
    {
        let output = burstlab(folder.path(), &[&["run", "small.toml"], &arguments[..]].concat());
        assert_eq!(code(&output), 3, "{arguments:?}");
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
    assert!(!folder.path().join("results").exists());
}

#[test]
fn a_check_passes_on_the_same_results_and_names_what_changed() {
    let folder = with_experiment();
    assert_eq!(code(&burstlab(folder.path(), &["run", "small.toml", "--out", "a"])), 0);
    let write = ["check", "a", "--write-baseline", "base.json", "--tolerance", "bottleneck.queue_delay.*=5%"];
    assert_eq!(code(&burstlab(folder.path(), &write)), 0);
    let check =
        |tolerance: &str| burstlab(folder.path(), &["check", "a", "--baseline", "base.json", "--tolerance", tolerance]);
    assert_eq!(code(&check("flows.timeouts=0")), 0);
    let path = folder.path().join("base.json");
    let mut baseline: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    baseline["runs"][0]["flows"]["timeouts"] = 7.into();
    fs::write(&path, baseline.to_string()).unwrap();
    let output = check("flows.goodput=1%");
    assert_eq!(code(&output), 1);
    assert!(stdout(&output).contains("flows.timeouts: baseline 7, found 0"), "{}", stdout(&output));
    assert_eq!(code(&check("flows.timeouts=7")), 0);
}
