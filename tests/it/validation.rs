//! The validation: quick entries as they are, and the page that the book shows.

use std::fs;
use std::path::Path;

use burstlab::validate::Entry;
use serde_json::Value;

use crate::program::{Ended, Folder, command, repository};

/// Runs `burstlab validate` in the repository, where the entries are.
fn validate(arguments: &[&str]) -> Ended {
    let arguments = [&["validate"], arguments].concat();
    Ended::of(command(Path::new(&repository("")), &arguments).output().unwrap())
}

#[test]
fn quick_entries_hold_and_their_gates_can_fail() {
    let report: Value =
        serde_json::from_str(&validate(&["incast-dctcp", "burstiness", "lindley", "--mutate", "--json"]).good())
            .unwrap();
    assert_eq!(report["passed"], true, "{report:#}");
    let entries = report["entries"].as_array().unwrap();
    let gates: Vec<&Value> = entries.iter().flat_map(|entry| entry["gates"].as_array().unwrap()).collect();
    assert!(entries.len() == 3 && gates.len() >= 12);
    for gate in gates {
        let broken = gate["broken"].as_array().unwrap();
        assert!(!broken.is_empty() && broken.iter().all(|broken| broken["failed"] == true), "{gate:#}");
    }
}

#[test]
fn a_gate_that_fails_is_named_with_its_figure_and_its_band_and_ends_with_one() {
    let folder = Folder::new();
    let entry = fs::read_to_string(repository("experiments/validation/incast-dctcp.toml")).unwrap();
    let wrong = entry.replace("\"ns-3\" = 59.5, \"csg-htsim\" = 59.7", "\"ns-3\" = 159.5, \"csg-htsim\" = 159.7");
    let failed = folder.burstlab(&["validate", &folder.put("incast.toml", &wrong).to_string_lossy()]);
    assert_eq!(failed.code, 1, "{}", failed.stderr);
    let line = failed.stdout.lines().find(|line| line.starts_with("incast: queue-8: measured ")).unwrap();
    assert!(line.ends_with("packets, band 151.5 to 167.7 packets"), "{line}");
}

#[test]
fn bad_files_and_names_end_with_two() {
    let folder = Folder::new();
    folder.burstlab(&["validate", "nothing"]).told(2, &["there is no entry \"nothing\""]);
    folder.burstlab(&["validate"]).told(2, &["cannot read experiments/validation", "name files"]);
    folder.burstlab(&["validate", "gone.toml"]).told(2, &["gone.toml: cannot read"]);
    let plain = repository("experiments/incast-dctcp.toml");
    folder.burstlab(&["validate", &plain]).told(2, &["incast-dctcp.toml", "it has no [validation]"]);
}

#[test]
fn the_page_of_the_book_is_of_the_entries_as_they_are() {
    let page = fs::read_to_string(repository("docs/src/validation.md")).unwrap();
    let files = fs::read_dir(repository("experiments/validation")).unwrap().map(|file| file.unwrap().path());
    let entries: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect();
    assert!(entries.len() > 10);
    for file in entries {
        let stamp = Entry::load(&file).unwrap_or_else(|error| panic!("{error}")).stamp();
        assert!(page.contains(&stamp), "the page is stale: burstlab validate --out docs/src; no \"{stamp}\" in it");
    }
    for picture in page.split("](images/").skip(1).map(|rest| rest.split_once(')').unwrap().0) {
        assert!(Path::new(&repository("docs/src/images")).join(picture).is_file(), "{picture}");
    }
}
