//! Experiments that are not what they should be.

use crate::program::Folder;

const SOUND: &str = r#"name = "sound"

[network]
rate = "10Gbit/s"
delay = "5us"
queue = { kind = "drop-tail", limit = "100p" }

[stack]
controller = "cubic"

[[flow]]
count = 2
bytes = "10kB"
"#;

/// Asserts that the experiment with `from` replaced by `to` is refused in one sentence with `parts`, without results.
fn refused(from: &str, to: &str, parts: &[&str]) {
    assert!(SOUND.contains(from), "{from}");
    let folder = Folder::new();
    folder.put("bad.toml", SOUND.replace(from, to));
    folder.burstlab(&["run", "bad.toml"]).told(2, &[&["bad.toml"], parts].concat());
    assert!(!folder.has_results());
}

#[test]
fn the_sound_one_runs() {
    let folder = Folder::new();
    folder.put("sound.toml", SOUND);
    folder.burstlab(&["run", "sound.toml"]).good();
    assert!(folder.path().join("results/sound/summary.json").exists());
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_known_one() {
    refused("delay = ", "dealy = ", &["bad.toml:5:", "[network]", "unknown key \"dealy\"", "\"delay\""]);
}

#[test]
fn a_missing_unit_is_named() {
    refused("\"10Gbit/s\"", "\"10\"", &["bad.toml:4:", "rate", "the unit is missing"]);
    refused("\"10Gbit/s\"", "10", &["bad.toml:4:", "rate"]);
}

#[test]
fn a_rate_of_zero_is_refused() {
    refused("\"10Gbit/s\"", "\"0Gbit/s\"", &["bad.toml:4:", "rate"]);
}

#[test]
fn a_queue_smaller_than_a_packet_is_refused() {
    refused("\"100p\"", "\"1000B\"", &["bad.toml:6:", "limit", "1500"]);
    refused("\"100p\"", "\"0p\"", &["bad.toml:6:", "limit"]);
}

#[test]
fn a_trace_that_does_not_exist_is_named() {
    let job = "[[job]]\ntrace = \"nowhere.pcap\"\n\n[[flow]]";
    let folder = Folder::new();
    folder.put("bad.toml", SOUND.replace("[[flow]]", job));
    folder.burstlab(&["run", "bad.toml"]).told(2, &["nowhere.pcap"]);
    assert!(!folder.has_results());
}

#[test]
fn a_controller_that_does_not_exist_is_named_with_the_nearest_known_one() {
    refused("\"cubic\"", "\"cubik\"", &["bad.toml:9:", "no controller \"cubik\"", "cubic"]);
    refused("\"cubic\"", "\"dctcp?g=2\"", &["bad.toml:9:", "g"]);
}

#[test]
fn what_is_no_toml_is_refused_at_its_line() {
    refused("\"5us\"", "5us", &["bad.toml:5:"]);
}

#[test]
fn one_bad_value_among_good_ones_stops_all_before_the_first_runs() {
    refused("count = 2", "count = [1, 0]", &["bad.toml:12:", "count"]);
}

#[test]
fn an_experiment_that_does_not_exist_is_named() {
    let folder = Folder::new();
    folder.burstlab(&["run", "nowhere.toml"]).told(2, &["nowhere.toml: cannot read"]);
    assert!(!folder.has_results());
}

#[test]
fn the_kernels_tcp_in_virtual_time_is_exit_code_3() {
    let folder = Folder::new();
    folder.put("sound.toml", SOUND);
    folder.burstlab(&["run", "sound.toml", "--stack", "kernel"]).told(3, &["virtual"]);
    assert!(!folder.has_results());
}
