//! What waits for what, found from a capture.

use burstlab_units::Span;

use crate::support::*;

/// `packets` packets like `segment`, 10 us apart.
fn burst(frames: &mut Vec<Frame>, at: u64, segment: Seg, packets: u32) {
    for i in 0..packets {
        let sequence = segment.sequence + i * segment.payload as u32;
        let one = Seg { sequence, id: segment.id + i as u16, ..segment };
        frames.push(frame(at + u64::from(i) * 10_000, one.ethernet()));
    }
}

fn answer(acknowledgement: u32) -> Seg {
    Seg { payload: 1000, ..ack(acknowledgement) }
}

/// Worker 1 sends ten super-packets; 3 ms after, worker 2 answers with five; 4 ms after, worker 1 sends ten more.
fn question_and_answer() -> Vec<Frame> {
    let mut frames = Vec::new();
    burst(&mut frames, 0, data(1, 60_000), 10);
    frames.push(frame(100_000, ack(600_001).ethernet()));
    burst(&mut frames, 3_090_000, answer(600_001), 5);
    burst(&mut frames, 7_130_000, Seg { acknowledgement: Some(5001), ..data(600_001, 1000) }, 10);
    frames
}

#[test]
fn an_answer_waits_for_the_question_and_the_computing_between() {
    let trace = read(&ethernet(&question_and_answer()));
    let job = &trace.jobs()[0];
    let after: Vec<_> = job.transfers.iter().map(|t| t.after.clone()).collect();
    assert_eq!(after, [vec![], vec![0], vec![0, 1]]);
    let computing: Vec<_> = job.transfers.iter().map(|t| t.compute).collect();
    assert_eq!(computing, [Span::ZERO, Span::from_millis(3), Span::from_millis(4)]);
}

#[test]
fn the_time_in_which_the_application_paused_is_computing_too() {
    let mut frames = question_and_answer();
    // Halfway through the answer everything is acknowledged, and 90 us pass until the rest: too short to end a burst.
    for f in &mut frames[14..] {
        f.time += 90_000;
    }
    frames.insert(14, frame(3_130_000, Seg { acknowledgement: Some(3001), ..data(600_001, 0) }.ethernet()));
    let trace = read(&ethernet(&frames));
    let answer = &trace.jobs()[0].transfers[1];
    assert_eq!(answer.end - answer.start, Span::from_micros(130));
    assert!(answer.busy < Span::from_micros(60), "{}", answer.busy);
    let last = &trace.jobs()[0].transfers[2];
    assert_eq!(last.start, answer.start + answer.busy + last.compute);
}

#[test]
fn a_pause_in_which_a_loss_is_repaired_is_not_computing() {
    let mut frames = Vec::new();
    burst(&mut frames, 0, data(1, 1000), 5);
    burst(&mut frames, 60_000, data(6001, 1000), 4);
    frames.push(frame(120_000, ack(5001).ethernet()));
    // The missing packet comes after a timeout, and the rest after its acknowledgement.
    frames.push(frame(10_000_000, Seg { id: 77, ..data(5001, 1000) }.ethernet()));
    frames.push(frame(10_050_000, ack(10_001).ethernet()));
    burst(&mut frames, 10_060_000, data(10_001, 1000), 5);
    let trace = read(&ethernet(&frames));
    let [whole] = &trace.jobs()[0].transfers[..] else { panic!("{:?}", trace.jobs()[0].transfers) };
    assert_eq!(whole.bytes.get(), 15_000);
    assert_eq!(whole.busy, Span::from_nanos(10_100_000 - 10_000));
}

#[test]
fn nodes_that_never_talk_to_each_other_are_two_jobs() {
    let mut frames = Vec::new();
    burst(&mut frames, 0, data(1, 1000), 5);
    burst(&mut frames, 5_000, Seg { from: 3, to: 4, ..data(1, 1000) }, 5);
    frames.sort_by_key(|f| f.time);
    let trace = read(&ethernet(&frames));
    let workers: Vec<_> = trace.jobs().iter().map(|j| j.workers.clone()).collect();
    assert_eq!(workers, [["10.0.0.1", "10.0.0.2"], ["10.0.0.3", "10.0.0.4"]]);
}
