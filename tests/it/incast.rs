//! Many senders and one receiver under DCTCP, held against what the same set-up gave on ns-3 3.44 and csg-htsim.

use crate::program::Folder;

#[test]
fn eight_senders_fill_the_link_keep_the_queue_at_the_mark_and_lose_nothing() {
    let runs = Folder::new().run("experiments/incast-dctcp.toml", &["--set", "flow.count=8"]);
    let [run] = runs.as_slice() else { panic!("one run and not {}", runs.len()) };
    // 32 MB of payload in packets of 1500 bytes take 26.30 ms at 10 Gbit/s.
    assert!((26_300_000..26_600_000).contains(&run.flows.completion.max), "{:?}", run.flows.completion);
    assert_eq!((run.bottleneck.dropped_packets, run.flows.retransmitted_packets, run.flows.timeouts), (0, 0, 0));
    assert!((55.0..66.0).contains(&run.bottleneck.queue_packets.mean), "{:?}", run.bottleneck.queue_packets);
    assert_eq!(run.data_packets, 8 * 2740);
}

#[test]
fn sixty_four_senders_are_done_as_soon_as_the_link_allows() {
    let runs = Folder::new().run("experiments/incast-dctcp.toml", &["--set", "flow.count=64"]);
    let [run] = runs.as_slice() else { panic!("one run and not {}", runs.len()) };
    assert!((210_400_000..214_000_000).contains(&run.flows.completion.max), "{:?}", run.flows.completion);
    assert!(run.flows.jain > 0.99, "{}", run.flows.jain);
}
