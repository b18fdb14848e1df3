//! Our TCP, smoltcp and Linux's send the same bytes over the same losses in real time: the nth packet on a link has the same
//! fate, whoever sent it.

use burstlab::results::{FlowRow, Summary};
use burstlab_stacks::content;

use crate::hosts::hosts;
use crate::program::Folder;

const BYTES: u64 = 1_000_000;

/// No queue drops or marks, so that the seed alone decides what is lost.
const EXPERIMENT: &str = r#"
name = "same"
seed = 5

[network]
topology = "dumbbell"
rate = "1Gbit/s"
delay = "50us"
bottleneck_rate = "400Mbit/s"
queue = { kind = "drop-tail", limit = "2000p" }
loss = 0.008

[[flow]]
bytes = "1MB"

[stack]
receiver = "kernel"

[run]
on = "tun"
"#;

/// Words of a capture.
fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Of the packets at the port of that name in a pcapng capture, in their order: how many there were, and which of them were
/// lost on the link (draft-ietf-opsawg-pcapng: an interface's name is its option 2, a comment a packet's option 1; here both
/// stand in their block as plain text).
fn lost(capture: &[u8], port: &str) -> (usize, Vec<usize>) {
    const INTERFACE: usize = 1;
    const PACKET: usize = 6;
    let holds = |block: &[u8], text: &str| block.windows(text.len()).any(|window| window == text.as_bytes());
    let (mut at, mut interfaces, mut number, mut packets, mut lost) = (0, 0, None, 0, Vec::new());
    while at < capture.len() {
        let block = &capture[at..at + word(capture, at + 4)];
        match word(block, 0) {
            INTERFACE => {
                if holds(block, port) {
                    number = Some(interfaces);
                }
                interfaces += 1;
            }
            PACKET if Some(word(block, 8)) == number => {
                if holds(block, "lost on the link") {
                    lost.push(packets);
                }
                packets += 1;
            }
            _ => {}
        }
        at += block.len();
    }
    (packets, lost)
}

#[test]
fn our_tcp_and_smoltcp_and_linux_deliver_the_same_over_the_same_losses() {
    let Some(_quiet) = hosts("our_tcp_and_smoltcp_and_linux_deliver_the_same_over_the_same_losses") else { return };
    let sent: String = content::sha256(0, BYTES).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut found = Vec::new();
    for stack in ["native", "smoltcp", "kernel"] {
        let folder = Folder::new();
        folder.put("same.toml", EXPERIMENT);
        folder.burstlab(&["run", "same.toml", "--stack", stack, "--controller", "reno", "--pcap"]).good();
        let results = folder.path().join("results/same");
        let summary = Summary::read(&results).unwrap();
        let real_time = summary.runs[0].real_time.as_ref().unwrap();
        assert_eq!((real_time.checked_bytes, real_time.damaged_bytes), (BYTES, 0), "{stack}");
        let flow: FlowRow =
            csv::Reader::from_path(results.join("flows.csv")).unwrap().deserialize().next().unwrap().unwrap();
        assert_eq!((flow.bytes, &flow.content_sha256), (BYTES, &sent), "{stack}");
        let (packets, lost) = lost(&std::fs::read(results.join("run-0.pcapng")).unwrap(), "left>right");
        assert!(flow.retransmitted_packets as usize >= lost.len().saturating_sub(2), "{stack}: but for SYN and FIN");
        found.push((stack, packets, lost));
    }
    let common = found.iter().map(|(_, packets, _)| *packets).min().unwrap();
    let first: Vec<Vec<usize>> =
        found.iter().map(|(.., lost)| lost.iter().copied().filter(|number| *number < common).collect()).collect();
    assert!(!first[0].is_empty() && first.iter().all(|lost| *lost == first[0]), "of the first {common}: {found:?}");
}
