//! The bundled recording, held against the training program's own log of it.

use std::path::PathBuf;

use burstlab_replay::{ImportOptions, Job, Trace};
use burstlab_units::{Bytes, Rate, Span};

fn bundled(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../traces").join(name)
}

fn recording() -> Trace {
    Trace::open(&[bundled("resnet50-ddp-4w.pcap.zst")], &ImportOptions::default()).unwrap()
}

/// When each iteration's all-reduce had ended at every rank, by the log; Unix seconds.
fn steps() -> Vec<f64> {
    let text = std::fs::read_to_string(bundled("resnet50-ddp-4w.log.json")).unwrap();
    let log: serde_json::Value = serde_json::from_str(&text).unwrap();
    let ranks: Vec<_> = log.as_object().unwrap().values().map(|r| r.as_array().unwrap()).collect();
    let step = |k: usize| ranks.iter().map(|r| r[k]["step"].as_f64().unwrap()).fold(0.0, f64::max);
    (0..ranks[0].len()).map(step).collect()
}

/// Iteration times of a closed replay on a network that does nothing else: each transfer takes `factor` times as long as
/// `rate` needs for it, and 30 us for the way.
fn replayed(job: &Job, rate: Rate, factor: f64) -> Vec<f64> {
    let mut ends: Vec<f64> = Vec::new();
    let mut iterations = vec![0f64; job.iterations.len()];
    for transfer in &job.transfers {
        let ready = transfer.after.iter().map(|&i| ends[i]).fold(0.0, f64::max);
        let takes = rate.transmission_time(transfer.bytes).as_secs_f64() * factor + 30e-6;
        let end = ready + transfer.compute.as_secs_f64() + takes;
        iterations[transfer.iteration] = iterations[transfer.iteration].max(end);
        ends.push(end);
    }
    let starts = std::iter::once(0.0).chain(iterations.iter().copied());
    iterations.iter().zip(starts).map(|(end, start)| end - start).collect()
}

#[test]
fn is_one_job_of_four_workers_and_eight_iterations_of_the_same_bytes() {
    let trace = recording();
    let [job] = trace.jobs() else { panic!("{} jobs", trace.jobs().len()) };
    assert_eq!(job.workers, ["10.77.0.1", "10.77.0.2", "10.77.0.3", "10.77.0.4"]);
    assert_eq!(job.iterations.len(), 8);
    for iteration in &job.iterations {
        let bytes = iteration.bytes.get();
        assert!((613_000_000..615_000_000).contains(&bytes), "{bytes}");
    }
    let bytes = job.iterations.iter().map(|i| i.bytes).sum::<Bytes>();
    assert_eq!(bytes + job.left_out, Bytes::new(trace.stats().application_bytes));
    assert_eq!(trace.warnings(), [""; 0]);
    assert!((Span::from_micros(200)..Span::from_millis(1)).contains(&trace.gap()), "{}", trace.gap());
    assert!((9_000_000_000..12_000_000_000).contains(&job.peak_rate.bits_per_sec()), "{}", job.peak_rate);
}

#[test]
fn iterations_end_where_the_log_says() {
    let trace = recording();
    let start = trace.stats().start as f64 * 1e-9;
    let job = &trace.jobs()[0];
    let steps = steps();
    for (iteration, step) in job.iterations.iter().zip(&steps) {
        let end = start + (job.origin + iteration.end).as_secs_f64();
        assert!((-0.02..0.25).contains(&(end - step)), "ends {:.3} s after the log's step", end - step);
    }
    for (iteration, steps) in job.iterations.iter().skip(1).zip(steps.windows(2)) {
        let ratio = (iteration.end - iteration.start).as_secs_f64() / (steps[1] - steps[0]);
        assert!((0.98..1.02).contains(&ratio), "{ratio}");
    }
}

#[test]
fn a_closed_replay_on_an_idle_network_takes_as_long_as_the_recording() {
    let job = &recording().into_jobs()[0];
    for factor in [1.0, 2.0] {
        let times = replayed(job, Rate::from_bits_per_sec(10_000_000_000), factor);
        for (time, iteration) in times.iter().zip(&job.iterations) {
            let ratio = time / (iteration.end - iteration.start).as_secs_f64();
            assert!((0.98..1.02).contains(&ratio), "{ratio}");
        }
    }
}

#[test]
fn no_transfer_waits_for_a_later_one() {
    let job = &recording().into_jobs()[0];
    for (i, transfer) in job.transfers.iter().enumerate() {
        assert!(transfer.after.iter().all(|&d| d < i && job.transfers[d].end <= transfer.start), "{i}");
    }
}

#[test]
fn its_burstiness_is_what_another_program_measured() {
    let stats = recording().stats();
    let ptm = |s: &burstlab_replay::NodeStats| s.ptm[&5_000_000];
    assert_eq!(stats.nodes[0].node, "10.77.0.1");
    assert!((ptm(&stats.nodes[0]) - 130.1).abs() < 0.1, "{}", ptm(&stats.nodes[0]));
    assert!((ptm(&stats.all) - 74.7).abs() < 0.1, "{}", ptm(&stats.all));
}

#[test]
fn its_set_up_is_kept_if_asked_for() {
    let options = ImportOptions { setup: true, ..ImportOptions::default() };
    let trace = Trace::open(&[bundled("resnet50-ddp-4w.pcap.zst")], &options).unwrap();
    let job = &trace.jobs()[0];
    assert_eq!(job.iterations.len(), 8);
    // The model's parameters are sent to all before training.
    assert!(job.iterations[0].bytes > Bytes::new(920_000_000));
}
