//! Copies of one recorded job on one network: the built-in experiment in a small form.

use burstlab::results::Run;

use crate::program::Folder;

/// Part of the packets at the bottleneck that was dropped.
fn loss(run: &Run) -> f64 {
    run.bottleneck.dropped_packets as f64 / run.bottleneck.offered_packets as f64
}

#[test]
fn a_job_alone_hardly_queues_and_copies_queue_and_lose_as_their_controller_lets_them() {
    // All at once, so that a single iteration of each is enough to meet the others.
    let small = ["--set", "job.iterations=1", "--set", "job.phase=aligned"];
    let arguments = [&["--controller", "reno,cubic,dctcp", "--jobs", "1,4"], &small[..]].concat();
    let runs = Folder::new().run("experiments/resnet50-multiplexed.toml", &arguments);
    let find = |controller: &str, copies: u32| {
        runs.iter().find(|run| run.controller == controller && run.copies == copies).unwrap()
    };
    for controller in ["reno", "cubic", "dctcp"] {
        let [alone, shared] = [1, 4].map(|copies| find(controller, copies));
        assert_eq!((loss(alone), alone.flows.timeouts), (0.0, 0), "{controller}");
        assert!(alone.bottleneck.queue_delay.p99 < 70_000, "{controller}: {:?}", alone.bottleneck.queue_delay);
        assert!((alone.jobs[0].slowdown_alone - 1.0).abs() < 1e-9, "{controller}: {:?}", alone.jobs);
        let [one, four] = [alone, shared].map(|run| run.bottleneck.queue_delay.p99);
        assert!(four > 2 * one, "{controller}: {four} ns with four copies, {one} ns with one");
        assert!(shared.jobs[0].slowdown_alone > 1.1, "{controller}: {:?}", shared.jobs);
        assert_eq!(shared.jobs[0].iterations, 4, "{controller}");
    }
    // Marks hold the queue down before it is full.
    let [reno, cubic, dctcp] = ["reno", "cubic", "dctcp"].map(|controller| find(controller, 4));
    assert!(loss(reno) > 0.001 && loss(cubic) > 0.001, "{} {}", loss(reno), loss(cubic));
    assert!(loss(dctcp) < loss(reno) / 10.0, "{} and {}", loss(dctcp), loss(reno));
    assert!(dctcp.bottleneck.queue_delay.p99 < reno.bottleneck.queue_delay.p99 * 3 / 4);
    assert!(dctcp.bottleneck.marked_packets > 0 && reno.bottleneck.marked_packets == 0);
}
