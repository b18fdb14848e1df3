//! Entries from files: what is read, what is refused, what is gated.

use std::num::NonZeroUsize;
use std::path::Path;

use burstlab_algorithms::Registry;

use super::*;

/// A small experiment with a gate and what breaks it.
const SOUND: &str = r#"
[network]
rate = "1Gbit/s"
delay = "5us"
queue = { kind = "drop-tail", limit = "100p" }

[[flow]]
bytes = ["150kB", "1.5MB"]

[validation]
title = "One flow"
source = "arithmetic"
read = true
question = "Does a flow take as long as its bytes?"
text = "1.5 MB and headers at 1 Gbit/s are 12.4 ms."

[[validation.gate]]
name = "done"
where = { "flow.bytes" = "1.5MB" }
metric = "flows.completion.max"
unit = "ms"
expected = 12.4
relative = 0.05
reason = "handshake and slow start"

[[validation.mutation]]
name = "half the rate"
breaks = ["done"]
set = ["network.rate=500Mbit/s"]
why = "a slower link"

[[validation.picture]]
name = "queue"
title = "The queue"
metric = "series.queue"
unit = "packets"
"#;

fn load(text: &str) -> Result<Entry, ValidateError> {
    let folder = tempfile::tempdir().unwrap();
    load_in(folder.path(), text)
}

fn load_in(folder: &Path, text: &str) -> Result<Entry, ValidateError> {
    let file = folder.join("entry.toml");
    std::fs::write(&file, text).unwrap();
    Entry::load(&file)
}

fn validated(text: &str) -> Result<Validated, ValidateError> {
    let folder = tempfile::tempdir().unwrap();
    let entry = load_in(folder.path(), text)?;
    validate(vec![entry], &Registry::default(), true, NonZeroUsize::MIN, &Stop::default())
}

/// What is said of an entry in which `from` is replaced by `to`, without the file's name.
fn complaint(from: &str, to: &str) -> String {
    assert!(SOUND.contains(from), "{from}");
    let text = SOUND.replacen(from, to, 1);
    let error = match load(&text) {
        Err(error) => error.to_string(),
        Ok(_) => validated(&text).map(|_| ()).expect_err(to).to_string(),
    };
    error.split_once("entry.toml:").expect("the file is named").1.trim().to_owned()
}

#[test]
fn a_gate_holds_and_is_broken() {
    let validated = validated(SOUND).unwrap();
    assert!(validated.report.passed, "{:?}", validated.report);
    let gate = &validated.report.entries[0].gates[0];
    assert_eq!((gate.rows.len(), gate.rows[0].expected, gate.unit), (1, Some(12.4), "ms"));
    assert!(gate.rows[0].measured.is_some_and(|done| (12.4..12.6).contains(&done)), "{gate:?}");
    assert!(gate.broken[0].failed && gate.broken[0].row.measured.is_some_and(|done| done > 24.0), "{gate:?}");
}

#[test]
fn a_gate_outside_of_its_band_is_named_with_what_was_measured_and_the_band() {
    let text = SOUND.replace("expected = 12.4", "expected = 10.4");
    let report = validated(&text).unwrap().report;
    assert!(!report.passed);
    let [failure] = &report.failures()[..] else { panic!("{report:?}") };
    assert!(failure.starts_with("entry: done: measured 12.4"), "{failure}");
    assert!(failure.ends_with("ms, band 9.88 to 10.92 ms"), "{failure}");
}

#[test]
fn a_mutation_that_breaks_nothing_is_a_failure() {
    let text = SOUND.replace("network.rate=500Mbit/s", "network.queue.limit=101p");
    let report = validated(&text).unwrap().report;
    assert!(!report.passed);
    let failures = report.failures();
    assert!(failures[0].contains("holds under the mutation \"half the rate\", which has to break it"), "{failures:?}");
}

#[test]
fn bad_entries_are_told_in_one_sentence() {
    let cases = [
        ("title = \"One flow\"\n", "", "[validation]: title is missing"),
        ("title = ", "tittle = ", "unknown key \"tittle\"; the nearest known one is \"title\""),
        (
            "metric = \"flows.completion.max\"",
            "metric = \"flows.competion.max\"",
            "a run has no figure \"flows.competion.max\"",
        ),
        ("metric = \"series.queue\"", "metric = \"series.queue.mean\"", "expected \"series.queue\" to draw over time"),
        ("metric = \"flows.completion.max\"", "metric = \"series.queue.men\"", "unknown statistic \"men\""),
        ("unit = \"ms\"", "unit = \"packets\"", "the figure is a time"),
        ("expected = 12.4", "expected = \"mathes\"", "unknown formula \"mathes\""),
        ("expected = 12.4", "expected = \"mathis\"", "gives another kind of quantity"),
        ("expected = 12.4\n", "", "there is nothing for the band to be around"),
        ("relative = 0.05", "relative = 0.05\nfactor = 2", "2 bands are given"),
        ("relative = 0.05\n", "", "0 bands are given"),
        ("relative = 0.05", "factor = 0.5", "0.5 is no such band; expected a number above 1"),
        ("relative = 0.05", "band = [3, 2]", "expected [least, most]"),
        ("reason = \"handshake and slow start\"\n", "", "[[validation.gate]]: reason is missing"),
        ("breaks = [\"done\"]", "breaks = [\"doone\"]", "there is no gate \"doone\"; gates: done"),
        ("breaks = [\"done\"]", "breaks = []", "no [[validation.mutation]] breaks \"done\""),
        ("set = [\"network.rate=500Mbit/s\"]\n", "", "set is missing"),
        ("set = [\"network.rate=500Mbit/s\"]", "set = [\"network.rate\"]", "is not KEY=VALUE"),
        ("name = \"queue\"", "name = \"a/b\"", "part of a file's name"),
        // Found when the runs are known.
        (
            "\"flow.bytes\" = \"1.5MB\"",
            "\"flow.bytes\" = \"2MB\"",
            "\"done\": \"where\" picks no run; runs: controller = cubic",
        ),
        ("network.rate=500Mbit/s", "network.rate=500Mbit", "--set network.rate"),
        ("network.rate=500Mbit/s", "flow.bytes=1MB", "it leaves 1 runs of 2"),
        ("relative = 0.05", "relative = 0.05\ndiffers = \"because\"", "all that is expected lies within the band"),
        ("relative = 0.05", "band = [12.41, 12.6]", "lies outside of the band; say why as \"differs\""),
        (
            "metric = \"series.queue\"",
            "x = \"flow.count\"\nmetric = \"bottleneck.queue_packets.max\"",
            "\"queue\": x = \"flow.count\" is no axis whose values are numbers",
        ),
    ];
    for (from, to, expected) in cases {
        let said = complaint(from, to);
        assert!(said.contains(expected), "{to}: {said}");
    }
}

#[test]
fn an_entry_runs_as_an_ordinary_experiment_too() {
    let folder = tempfile::tempdir().unwrap();
    load_in(folder.path(), SOUND).unwrap();
    let registry = Registry::default();
    let options = crate::experiment::Options { overrides: &[], quick: false, registry: &registry };
    let experiment = crate::experiment::Experiment::load(&folder.path().join("entry.toml"), &options).unwrap();
    assert_eq!(experiment.cells.len(), 2);
}

#[test]
fn the_page_is_the_same_whoever_makes_it_and_stale_pictures_go() {
    let docs = tempfile::tempdir().unwrap();
    let stale = docs.path().join("images/validation-gone-queue.svg");
    std::fs::create_dir_all(stale.parent().unwrap()).unwrap();
    std::fs::write(&stale, "old").unwrap();
    let write = || {
        let validated = validated(SOUND).unwrap();
        validated.write(docs.path(), docs.path()).unwrap();
        let read = |name: &str| std::fs::read_to_string(docs.path().join(name)).unwrap();
        (read(PAGE), read("images/validation-entry-queue.svg"))
    };
    let (page, picture) = write();
    assert!(!stale.exists());
    for said in ["All 1 gates hold", "## One flow", "| yes |", "half the rate", "images/validation-entry-queue.svg"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(picture.contains("flow.bytes = 1.5MB"));
    assert_eq!(write(), (page, picture));
}
