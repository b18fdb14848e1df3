//! Captures that are not what they should be, through every command that reads one.

use crate::captures;
use crate::program::Folder;

const EXPERIMENT: &str = r#"
name = "replay"

[network]
rate = "10Gbit/s"
delay = "5us"
queue = { kind = "drop-tail", limit = "100p" }

[[job]]
trace = "bad.pcap"
"#;

/// Asserts that each command that reads a capture refuses `content` in one sentence with `parts`, and writes nothing.
fn refused(content: &[u8], parts: &[&str]) {
    let folder = Folder::new();
    folder.put("replay.toml", EXPERIMENT);
    folder.put("bad.pcap", content);
    for arguments in [
        &["run", "replay.toml"][..],
        &["trace", "stats", "bad.pcap", "--json"],
        &["trace", "show", "bad.pcap"],
        &["trace", "import", "bad.pcap", "-o", "out.trace"],
    ] {
        folder.burstlab(arguments).told(2, &[&["bad.pcap: "], parts].concat());
        assert!(!folder.has_results() && !folder.path().join("out.trace").exists(), "{arguments:?}");
    }
}

#[test]
fn an_empty_file_is_refused() {
    refused(b"", &["is empty; expected a capture"]);
}

#[test]
fn a_file_that_is_no_capture_is_refused() {
    refused(b"name = \"an experiment\"", &["is not a capture", "6e 61 6d 65"]);
}

#[test]
fn a_capture_without_tcp_is_refused() {
    refused(&captures::without_tcp(), &["no TCP payload in 10 packets", "expected a capture of TCP traffic"]);
}

#[test]
fn a_clock_that_runs_backwards_is_refused_at_its_packet() {
    refused(&captures::clock_backwards(), &["packet 6: the clock steps backwards by ", "expected packets in order"]);
}

#[test]
fn a_capture_with_no_packets_is_refused() {
    refused(&captures::good()[..24], &["no TCP payload in 0 packets"]);
}

#[test]
fn a_cut_capture_keeps_what_was_read_and_says_so() {
    let folder = Folder::new();
    folder.put("replay.toml", EXPERIMENT);
    folder.put("bad.pcap", captures::truncated());
    let stats = folder.burstlab(&["trace", "stats", "bad.pcap", "--json"]);
    assert!(
        stats.stderr.contains("bad.pcap") && stats.stderr.contains("in the middle of packet 10"),
        "{}",
        stats.stderr
    );
    let document: serde_json::Value = serde_json::from_str(&stats.good()).unwrap();
    assert_eq!((document["packets"].as_u64(), document["application_bytes"].as_u64()), (Some(9), Some(9000)));
    let run = folder.burstlab(&["run", "replay.toml"]);
    assert!(run.stderr.contains("in the middle of packet 10"), "{}", run.stderr);
    run.good();
    assert!(folder.path().join("results/replay/summary.json").exists());
}

#[test]
fn a_whole_capture_passes_without_a_word() {
    let folder = Folder::new();
    folder.put("replay.toml", EXPERIMENT);
    folder.put("bad.pcap", captures::good());
    assert_eq!(folder.burstlab(&["run", "replay.toml"]).stderr, "");
}
