//! Long flows through one drop-tail bottleneck.

use crate::program::Folder;

#[test]
fn cubic_keeps_the_bottleneck_busy_after_two_seconds() {
    let arguments = ["--controller", "cubic", "--set", "run.warmup=2s", "--set", "run.duration=5s"];
    let runs = Folder::new().run("experiments/dumbbell-cubic.toml", &arguments);
    let [run] = runs.as_slice() else { panic!("one run and not {}", runs.len()) };
    assert!(run.bottleneck.utilization >= 0.995, "{}", run.bottleneck.utilization);
    assert_eq!(run.flows.timeouts, 0);
    // Without losses it would not be CUBIC that is at work.
    assert!(run.bottleneck.dropped_packets > 0);
    assert!(run.bottleneck.queue_packets.max <= 833, "{:?}", run.bottleneck.queue_packets);
}
