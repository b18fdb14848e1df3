//! The whole of BBR on a small path.

use super::*;
use crate::testing::{Pipe, signal};

const MS: Span = Span::from_millis(1);

/// The states that BBR is in during `span`, each once for each time it is entered.
fn states(pipe: &mut Pipe, span: Span, step: Span) -> Vec<&'static str> {
    let end = pipe.now + span;
    let mut seen = vec![pipe.controller.explain().reason];
    while pipe.now < end {
        pipe.run(step);
        let state = pipe.controller.explain().reason;
        if seen.last() != Some(&state) {
            seen.push(state);
        }
    }
    seen
}

#[test]
fn startup_finds_the_bandwidth_and_drain_empties_the_queue() {
    let mut pipe = Pipe::new("bbr", "100Mbit/s", "20ms", 1000);
    let seen = states(&mut pipe, MS * 600, MS);
    assert_eq!(seen[..4], ["Startup", "Drain", "ProbeBW_DOWN", "ProbeBW_CRUISE"]);
    let bw = signal(&*pipe.controller, "max_bw_bits_per_sec");
    assert!((bw / 100e6 - 1.0).abs() < 0.05, "{bw}");
    assert!((signal(&*pipe.controller, "min_rtt_s") - 0.02).abs() < 0.001);
    assert_eq!(pipe.drops, 0);
}
