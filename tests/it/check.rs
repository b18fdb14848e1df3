//! Results against a baseline that is kept in the repository.

use crate::program::{Folder, repository};

const BASELINE: &str = "tests/baselines/incast-dctcp-8.json";

/// Runs what the baseline was made of, with one more setting if there is one, and checks it.
fn check(setting: Option<&str>) -> crate::program::Ended {
    let folder = Folder::new();
    let settings: Vec<&str> = setting.into_iter().flat_map(|setting| ["--set", setting]).collect();
    folder.run("experiments/incast-dctcp.toml", &[&["--set", "flow.count=8"], &settings[..]].concat());
    folder.burstlab(&["check", "results", "--baseline", &repository(BASELINE)])
}

#[test]
fn results_within_their_tolerances_pass() {
    let passed = check(None);
    assert_eq!(passed.code, 0, "{}", passed.stdout);
}

#[test]
fn a_worse_queue_is_named_with_both_values_and_fails() {
    let failed = check(Some("network.queue.mark_at=200p"));
    assert_eq!((failed.code, failed.stderr.as_str()), (1, ""), "{}", failed.stdout);
    let line = failed.stdout.lines().find(|line| line.contains("bottleneck.queue_delay.mean")).unwrap();
    let (_, values) = line.split_once("baseline ").unwrap();
    let (baseline, found) = values.split_once(", found ").unwrap();
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u64>().unwrap();
    assert!(number(found) > 2 * number(baseline), "{line}");
}

#[test]
fn runs_that_the_baseline_does_not_know_are_named() {
    let folder = Folder::new();
    folder.run("experiments/incast-dctcp.toml", &["--set", "flow.count=8", "--controller", "reno"]);
    let failed = folder.burstlab(&["check", "results", "--baseline", &repository(BASELINE)]);
    assert_eq!(failed.code, 1);
    assert!(failed.stdout.contains("reno") && failed.stdout.contains("dctcp"), "{}", failed.stdout);
}
