//! Whatever the path does: every byte arrives, and nothing panics.

use burstlab_algorithms::{Bytes, Ecn, EcnFeedback, Span, Time};
use burstlab_network::{
    AccEcnCounters, Codepoint, Direction, Flags, FlowId, SackBlock, SackBlocks, Segment, SynOptions, Timestamps, U24,
};
use proptest::prelude::*;

use super::super::Config;
use super::pair::{Dice, Fate, Pair, Rule, config};
use crate::{Endpoint, Status};

fn hostile(seed: u64, drop: u64, late: u64, twice: u64, mark: u64) -> Rule {
    let mut dice = Dice(seed);
    Box::new(move |_, _| {
        let spread = Span::from_micros(dice.next() % 400);
        if dice.chance(drop) {
            Fate::Drop
        } else if dice.chance(late) {
            Fate::Late(spread)
        } else if dice.chance(twice) {
            Fate::Twice
        } else if dice.chance(mark) {
            Fate::Mark
        } else {
            Fate::Pass
        }
    })
}

fn feedback() -> impl Strategy<Value = EcnFeedback> {
    prop::sample::select(vec![EcnFeedback::None, EcnFeedback::Classic, EcnFeedback::Dctcp, EcnFeedback::Accurate])
}

fn settings() -> impl Strategy<Value = Config> {
    (any::<[bool; 6]>(), any::<u32>(), prop::option::of(1u64..3000), 4_000u64..200_000).prop_map(
        |([timestamps, sack, nagle, window_scaling, tlp, idle], initial_sequence, delay, buffer)| Config {
            timestamps,
            sack,
            nagle,
            window_scaling,
            tail_loss_probe: tlp,
            slow_start_after_idle: idle,
            initial_sequence,
            delayed_ack: delay.map(Span::from_micros),
            receive_buffer: Bytes::new(buffer),
            initial_rto: Span::from_millis(20),
            min_rto: Span::from_millis(2),
            max_rto: Span::from_millis(500),
            max_retransmissions: 1000,
            time_wait: Span::from_secs(60),
            ..config()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_byte_arrives_both_ways_through_any_path(
        settings in settings(),
        feedback in feedback(),
        seed: u64,
        (drop, late, twice, mark) in (0u64..60, 0u64..40, 0u64..20, 0u64..40),
        (there, back) in (1u64..150_000, 0u64..60_000),
    ) {
        let mut pair = Pair::with(settings, feedback, |mut recorder| { recorder.grows = true; recorder });
        pair.forward.rule = hostile(seed, drop, late, twice, mark);
        pair.backward.rule = hostile(!seed, drop, late, twice, mark);
        pair.a.write(pair.now, Bytes::new(there));
        pair.b.write(pair.now, Bytes::new(back));
        pair.a.close(pair.now);
        pair.a.connect(pair.now);
        pair.run_for(Span::from_secs(5));
        pair.b.close(pair.now);
        pair.run_for(Span::from_secs(600));
        prop_assert_eq!((pair.b.received(), pair.a.received()), (there, back));
        prop_assert_eq!((pair.a.acknowledged(), pair.b.acknowledged()), (there, back));
        prop_assert_eq!((pair.a.status(), pair.b.status()), (Status::Closed, Status::Closed));
    }
}

fn near(base: u32, dice: &mut Dice) -> u32 {
    match dice.next() % 4 {
        0 => dice.next() as u32,
        1 => base,
        _ => base.wrapping_add((dice.next() % 40_000) as u32).wrapping_sub(20_000),
    }
}

/// A segment that could be meant for `to`, or not.
fn garbage(dice: &mut Dice, seq: u32, ack: u32) -> Segment {
    let mut sack = SackBlocks::default();
    for _ in 0..dice.next() % 4 {
        sack.push(SackBlock { start: near(ack, dice), end: near(ack, dice) });
    }
    let flags = if dice.chance(70) { Flags::ACK } else { Flags((dice.next() & 0x1ff) as u16) };
    Segment {
        flow: FlowId(1),
        direction: Direction::Forward,
        codepoint: [Codepoint::NotEct, Codepoint::Ect1, Codepoint::Ect0, Codepoint::Ce][dice.next() as usize % 4],
        flags: if dice.chance(90) { flags.without(Flags::RST) } else { flags },
        seq: near(seq, dice),
        ack: near(ack, dice),
        payload: if dice.chance(50) { 0 } else { (dice.next() % 3000) as u32 },
        window: dice.next() as u16,
        syn: SynOptions {
            mss: dice.next() as u16,
            window_scale: dice.chance(50).then(|| dice.next() as u8),
            sack_permitted: dice.chance(50),
        },
        sack,
        timestamps: dice.chance(30).then(|| Timestamps { value: dice.next() as u32, echo: dice.next() as u32 }),
        acc_ecn: dice.chance(30).then(|| AccEcnCounters {
            ect0: U24::wrapping(dice.next()),
            ce: U24::wrapping(dice.next()),
            ect1: U24::wrapping(dice.next()),
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn garbage_never_panics_nor_breaks_the_sums(
        settings in settings(),
        feedback in feedback(),
        seed: u64,
        opened: bool,
    ) {
        let mut dice = Dice(seed);
        let mut pair = Pair::with(settings, feedback, |mut recorder| {
            recorder.grows = true;
            recorder.control.ecn = Ecn::Ect1;
            recorder
        });
        if opened {
            pair = pair.opened();
        } else {
            pair.a.connect(pair.now);
        }
        let mut now = pair.now;
        for _ in 0..400 {
            match dice.next() % 12 {
                0 => pair.a.write(now, Bytes::new(dice.next() % 30_000)),
                1 if dice.chance(5) => pair.a.close(now),
                2 => pair.a.set_reading(dice.chance(50)),
                3 => pair.a.read(Bytes::new(dice.next() % 5000)),
                4 => now += Span::from_micros(dice.next() % 20_000),
                _ => {
                    let seq = pair.a.receiver.numbering.wire(pair.a.receiver.next);
                    let ack = pair.a.numbering.wire(pair.a.sender.board.next());
                    let segment = garbage(&mut dice, seq, ack);
                    pair.a.on_segment(now, &segment);
                }
            }
            for _ in 0..dice.next() % 8 {
                pair.a.poll_transmit(now);
            }
            pair.a.on_wake(now);
            pair.a.sender.board.check();
            prop_assert!(pair.a.acknowledged() <= pair.a.written());
            let _ = (pair.a.snapshot(), pair.a.next_wake());
        }
        prop_assert!(pair.a.next_wake() > Time::ZERO);
    }
}
