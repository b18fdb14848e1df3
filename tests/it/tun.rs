//! Bytes across an emulated network in real time, between the stacks, under loss, reordering and marks.

use burstlab::results::{Direction, FlowRow, Summary};
use burstlab_stacks::content;

use crate::hosts::hosts;
use crate::program::Folder;

/// The bottleneck lies between two switches: what waits at a host's own interface is neither dropped nor marked.
const EXPERIMENT: &str = r#"
name = "across"

[network]
topology = "dumbbell"
rate = "1Gbit/s"
delay = "50us"
bottleneck_rate = "400Mbit/s"
queue = { kind = "ecn-step", limit = "100p", mark_at = "10p" }
loss = 0.0003
reorder = { probability = 0.002, by = "300us" }

[[flow]]
bytes = "50MB"

[run]
on = "tun"
"#;

const BYTES: u64 = 50_000_000;

/// A pair of stacks, under a controller that asks for ECN.
struct Case {
    sender: &'static str,
    receiver: &'static str,
    controller: &'static str,
}

/// Moves 50 MB, and holds what arrived against what was sent.
fn arrives_whole(test: &str, case: Case) {
    let Some(_quiet) = hosts(test) else { return };
    let folder = Folder::new();
    folder.put("across.toml", EXPERIMENT);
    let set = [format!("stack.kind={}", case.sender), format!("stack.receiver={}", case.receiver)];
    folder
        .burstlab(&["run", "across.toml", "--set", &set[0], "--set", &set[1], "--controller", case.controller])
        .good();
    let results = folder.path().join("results/across");
    let summary = Summary::read(&results).unwrap();
    let run = &summary.runs[0];
    let real_time = run.real_time.as_ref().unwrap();
    assert_eq!((real_time.checked_bytes, real_time.damaged_bytes), (BYTES, 0));
    let flows: Vec<FlowRow> =
        csv::Reader::from_path(results.join("flows.csv")).unwrap().deserialize().collect::<Result<_, _>>().unwrap();
    assert_eq!((flows.len(), flows[0].direction, flows[0].bytes), (1, Direction::Forward, BYTES));
    let sent: String = content::sha256(0, BYTES).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(flows[0].content_sha256, sent);
    assert!(flows[0].dropped_packets > 0, "nothing was lost: {:?}", flows[0]);
    assert!(flows[0].retransmitted_packets > 0, "nothing was sent again: {:?}", flows[0]);
    assert!(run.bottleneck.marked_packets > 0, "nothing was marked: {:?}", run.bottleneck);
}

#[test]
fn from_native_to_native() {
    let case = Case { sender: "native", receiver: "native", controller: "dctcp" };
    arrives_whole("from_native_to_native", case);
}

#[test]
fn from_native_to_kernel() {
    let case = Case { sender: "native", receiver: "kernel", controller: "cubic?ecn=true" };
    arrives_whole("from_native_to_kernel", case);
}

#[test]
fn from_kernel_to_native() {
    let case = Case { sender: "kernel", receiver: "native", controller: "cubic?ecn=true" };
    arrives_whole("from_kernel_to_native", case);
}

#[test]
fn from_smoltcp_to_kernel() {
    let case = Case { sender: "smoltcp", receiver: "kernel", controller: "cubic?ecn=true" };
    arrives_whole("from_smoltcp_to_kernel", case);
}

#[test]
fn from_kernel_to_smoltcp() {
    let case = Case { sender: "kernel", receiver: "smoltcp", controller: "cubic?ecn=true" };
    arrives_whole("from_kernel_to_smoltcp", case);
}

#[test]
fn from_native_to_smoltcp() {
    let case = Case { sender: "native", receiver: "smoltcp", controller: "cubic?ecn=true" };
    arrives_whole("from_native_to_smoltcp", case);
}

#[test]
fn from_smoltcp_to_native() {
    let case = Case { sender: "smoltcp", receiver: "native", controller: "cubic?ecn=true" };
    arrives_whole("from_smoltcp_to_native", case);
}

#[test]
fn from_smoltcp_to_smoltcp() {
    let case = Case { sender: "smoltcp", receiver: "smoltcp", controller: "cubic?ecn=true" };
    arrives_whole("from_smoltcp_to_smoltcp", case);
}

#[test]
fn from_kernel_to_kernel() {
    let case = Case { sender: "kernel", receiver: "kernel", controller: "cubic?ecn=true" };
    arrives_whole("from_kernel_to_kernel", case);
}
