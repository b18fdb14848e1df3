//! Our TCP and smoltcp, each against itself and the other, over the same losses: the nth packet with payload of a direction
//! has the same fate, whoever sends it.
//!
//! What holds on the way (each byte is the one that was written there, nothing is acknowledged that did not arrive, both
//! sides close in good order) [`play`] itself asserts.

use burstlab_algorithms::{Registry, Span, Time};
use burstlab_fuzz::path::{Call, Chances, Outcome, Pattern, Scenario, Sent, Stack, What, play};
use burstlab_fuzz::settings::Settings;

/// Payload of a full packet.
const MSS: u16 = 1460;
/// What each side writes.
const WRITTEN: u64 = 200_000;
/// Fates that are tried.
const SEEDS: u64 = 12;
/// Long enough for 200 kB over round trips of 0.2 ms and our timeouts of some milliseconds, and much less than a second.
const SOON: Time = Time::from_nanos(200_000_000);
const PAIRS: [[Stack; 2]; 4] = [
    [Stack::Native, Stack::Native],
    [Stack::Native, Stack::Smoltcp],
    [Stack::Smoltcp, Stack::Native],
    [Stack::Smoltcp, Stack::Smoltcp],
];

fn settings() -> Settings {
    let reno = Registry::default().entries().iter().position(|entry| entry.name == "reno").unwrap();
    Settings {
        timestamps: false,
        sack: true,
        nagle: false,
        window_scaling: true,
        tail_loss_probe: true,
        slow_start_after_idle: false,
        generalized_ecn: false,
        initial_sequence: u32::MAX - 50_000,
        delayed_ack: Some(500),
        receive_buffer: 1 << 15,
        buffer_shift: 3,
        mss: MSS,
        initial_window: 10,
        controller: reno as u8,
        // Classic: what both stacks know.
        feedback: 2,
    }
}

/// Both sides write as much, both ways through `chances`.
fn transfer(stacks: [Stack; 2], chances: Chances) -> Outcome {
    let back = Chances { seed: !chances.seed, ..chances };
    let write = |second| Call { after: 0, second, what: What::Write((WRITTEN / 4) as u16) };
    play(&Scenario {
        sides: [settings(), settings()],
        both_open: false,
        content: true,
        delay: 100,
        interface: 0,
        patterns: [Pattern::Random(chances), Pattern::Random(back)],
        calls: [false, true].into_iter().cycle().map(write).take(8).collect(),
        stacks,
        damaged: 0,
        data_alone: true,
    })
}

fn lost_bytes(sent: &Sent) -> u64 {
    sent.lost.iter().map(|(_, bytes)| u64::from(*bytes)).sum()
}

/// Of the packets that all sent, the same were lost.
fn same_losses(outcomes: &[Outcome]) {
    for side in 0..2 {
        let common = outcomes.iter().map(|outcome| outcome.sides[side].packets).min().unwrap();
        let lost = |outcome: &Outcome| -> Vec<u64> {
            outcome.sides[side].lost.iter().map(|(number, _)| *number).filter(|number| *number < common).collect()
        };
        let first = lost(&outcomes[0]);
        assert!(outcomes.iter().all(|outcome| lost(outcome) == first), "of side {side}");
    }
}

/// One pattern's outcomes, by pair; what holds of each side under any losses is asserted on the way.
fn outcomes(chances: Chances) -> Vec<Outcome> {
    let outcomes: Vec<_> = PAIRS.iter().map(|stacks| transfer(*stacks, chances)).collect();
    same_losses(&outcomes);
    for (stacks, outcome) in PAIRS.iter().zip(&outcomes) {
        assert_eq!(outcome.bytes, 2 * WRITTEN);
        for (stack, sent) in stacks.iter().zip(&outcome.sides) {
            // What is lost must go again: sent is what was written and what went again, and what of it was not lost must be
            // all that was written.
            assert!(sent.again >= lost_bytes(sent), "{stacks:?} at {chances:?}: {sent:?}");
            let counted = sent.counters.retransmitted_bytes;
            match stack {
                Stack::Native => assert_eq!(counted, sent.again, "{stacks:?} at {chances:?}"),
                // After a timeout it cuts the stream anew: a packet can begin with old bytes and end with new ones, and is
                // counted whole.
                Stack::Smoltcp => assert!(counted >= sent.again, "{stacks:?} at {chances:?}: {sent:?}"),
            }
        }
    }
    outcomes
}

/// The senders of `stack` among the outcomes.
fn senders(outcomes: &[Outcome], stack: Stack) -> impl Iterator<Item = &Sent> {
    let sides = PAIRS.iter().zip(outcomes).flat_map(|(stacks, outcome)| stacks.iter().zip(&outcome.sides));
    sides.filter(move |(own, _)| **own == stack).map(|(_, sent)| sent)
}

#[test]
fn both_stacks_repair_the_same_losses_and_ours_sends_little_else_again() {
    let (mut again, mut late) = ([0, 0], [Span::ZERO; 2]);
    for seed in 0..SEEDS {
        let outcomes = outcomes(Chances { seed, lost: 8, late: 0, twice: 0, marked: 0 });
        for sent in senders(&outcomes, Stack::Native) {
            // With SACK, and nothing overtaken, only what is lost is taken for lost (RFC 8985). Beside that a probe may have
            // been in vain (section 7), and the packet with the FIN goes again where its receiver cannot say that it has it.
            let vain = sent.counters.probes + sent.counters.timeouts + 1;
            assert!(sent.again <= lost_bytes(sent) + vain * u64::from(MSS), "at {seed}: {sent:?}");
            assert!(sent.whole_at < SOON, "at {seed}: {sent:?}");
            again[0] += sent.again;
            late[0] += sent.whole_at.since(Time::ZERO);
        }
        for sent in senders(&outcomes, Stack::Smoltcp) {
            // Its least timeout is a second: it takes none, or that long.
            let late_by = sent.whole_at.since(Time::ZERO);
            assert!(sent.whole_at < SOON || late_by >= Span::from_secs(1), "at {seed}: {sent:?}");
            again[1] += sent.again;
            late[1] += late_by;
        }
    }
    // It heeds no SACK: it repairs one loss of a flight at a time, and after a timeout sends all again.
    assert!(again[0] < again[1] && late[0] < late[1], "bytes that went again {again:?}, time {late:?}");
}

#[test]
fn both_stacks_deliver_the_same_through_losses_marks_copies_and_overtaking() {
    for seed in 0..SEEDS {
        outcomes(Chances { seed, lost: 8, late: 8, twice: 8, marked: 13 });
    }
}
