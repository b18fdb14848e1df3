//! Whatever the path loses, doubles, overtakes, marks and damages: every byte arrives and both sides close. And whatever
//! fuzzing once found stays fixed.
//!
//! How many cases is up to `PROPTEST_CASES`, default 256.

use burstlab_fuzz::path::{Call, Chances, Fate, Pattern, Scenario, Stack, What, play};
use burstlab_fuzz::settings::Settings;
use proptest::prelude::*;
use proptest::sample::select;

prop_compose! {
    fn settings()(
        [timestamps, sack, nagle, window_scaling, tail_loss_probe, slow_start_after_idle, generalized_ecn]
            in any::<[bool; 7]>(),
        // In half of the cases the numbers wrap within what is sent.
        initial_sequence in prop_oneof![any::<u32>(), (u32::MAX - 200_000)..=u32::MAX],
        delayed_ack in prop::option::of(1u16..3000),
        receive_buffer in prop_oneof![1u16..2000, 2000u16..=u16::MAX],
        buffer_shift in 0u8..5,
        mss in prop_oneof![Just(1460u16), 64u16..9001],
        initial_window in 1u8..20,
        (controller, feedback) in any::<(u8, u8)>(),
    ) -> Settings {
        Settings {
            timestamps, sack, nagle, window_scaling, tail_loss_probe, slow_start_after_idle, generalized_ecn,
            initial_sequence, delayed_ack, receive_buffer, buffer_shift, mss, initial_window, controller, feedback,
        }
    }
}

prop_compose! {
    fn chances()(seed: u64, lost in 0u8..=230, late in 0u8..150, twice in 0u8..80, marked: u8) -> Chances {
        Chances { seed, lost, late, twice, marked }
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Pass),
        Just(Fate::Drop),
        Just(Fate::Twice),
        any::<u8>().prop_map(Fate::Late),
        Just(Fate::Mark)
    ]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        chances().prop_map(Pattern::Random),
        (chances(), 0u8..16, any::<u8>()).prop_map(|(chances, bad, good)| Pattern::Bursts { chances, bad, good }),
        (any::<u8>(), 0u8..16, 0u8..16).prop_map(|(from, of, lost)| Pattern::Periodic { from, of, lost }),
        prop::collection::vec(fate(), 0..300).prop_map(Pattern::Listed),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let what = prop_oneof![
        4 => any::<u16>().prop_map(What::Write),
        2 => any::<u16>().prop_map(What::Read),
        1 => Just(What::StopReading),
        1 => Just(What::StartReading),
        1 => Just(What::Close),
    ];
    (prop_oneof![0u16..300, any::<u16>()], any::<bool>(), what).prop_map(|(after, second, what)| Call {
        after,
        second,
        what,
    })
}

prop_compose! {
    fn scenario(content: bool)(
        sides in [settings(), settings()],
        both_open in select(vec![false, false, false, true]),
        delay in prop_oneof![0u16..200, 0u16..5000],
        interface in prop_oneof![Just(0u8), 1u8..40],
        patterns in [pattern(), pattern()],
        calls in prop::collection::vec(call(), 0..20),
        first in any::<u16>(),
        damaged in prop_oneof![2 => Just(0u8), 1 => 1u8..128],
    ) -> Scenario {
        let begin = Call { after: 0, second: false, what: What::Write(first) };
        let calls = std::iter::once(begin).chain(calls).collect();
        let stacks = [Stack::Native; 2];
        Scenario { sides, both_open, content, delay, interface, patterns, calls, stacks, damaged, data_alone: false }
    }
}

proptest! {
    #[test]
    fn every_byte_arrives_both_ways_and_both_sides_close_through_any_path(scenario in scenario(false)) {
        play(&scenario);
    }

    #[test]
    fn every_byte_that_arrives_is_the_one_that_was_written(scenario in scenario(true)) {
        play(&scenario);
    }
}

/// Hands each input of a target's corpus to it, and says how many there were.
fn replay(target: &str, run: fn(&[u8])) -> usize {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<_> = entries.map(|entry| entry.expect("an entry of the corpus").path()).collect();
    inputs.sort();
    for input in &inputs {
        let data = std::fs::read(input).expect("an input of the corpus");
        if std::panic::catch_unwind(|| run(&data)).is_err() {
            panic!("{} fails", input.display());
        }
    }
    inputs.len()
}

#[test]
fn the_corpus_of_segments_holds() {
    assert!(replay("segment", burstlab_fuzz::segment::run) > 0);
}

#[test]
fn the_corpus_of_connections_holds() {
    assert!(replay("connection", burstlab_fuzz::connection::run) > 0);
}

#[test]
fn the_corpus_of_paths_holds() {
    assert!(replay("path", burstlab_fuzz::path::run) > 0);
}

#[test]
fn the_corpus_of_experiments_holds() {
    assert!(replay("experiment", burstlab_fuzz::experiment::run) > 0);
}

#[test]
fn the_corpus_of_packetdrill_scripts_holds() {
    assert!(replay("packetdrill", burstlab_fuzz::packetdrill::run) > 0);
}
