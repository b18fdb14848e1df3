//! Random damage on a link, for tests: loss, duplication and reordering behind the queue.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use burstlab_units::{Span, Time, chance};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::port::InFlight;

/// What a link does to packets at random. Probabilities are from 0 to 1 and apply to each packet on its own.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Impairment {
    /// Probability that a packet is lost.
    pub loss: f64,
    /// Probability that it arrives twice.
    pub duplicate: f64,
    /// Probability that it is held back.
    pub reorder: f64,
    /// For how long it is held back then.
    pub reorder_by: Span,
}

impl Impairment {
    /// Whether anything at all can happen to a packet.
    pub fn is_active(&self) -> bool {
        self.loss > 0.0 || self.duplicate > 0.0 || self.reorder > 0.0
    }
}

/// What became of a packet at the far end of an impaired link.
pub(crate) enum Fate {
    Arrives,
    ArrivesTwice,
    HeldBack,
    Lost,
}

/// A link's impairment with its own stream of chance and the packets that it holds back.
#[derive(Debug)]
pub(crate) struct Impaired {
    setting: Impairment,
    rng: ChaCha8Rng,
    held: BinaryHeap<Reverse<(Time, u64)>>,
    packets: std::collections::BTreeMap<u64, InFlight>,
    count: u64,
}

impl Impaired {
    pub fn new(setting: Impairment, seed: u64, port: &str) -> Impaired {
        let rng = chance::stream(seed, &format!("impairment of {port}"));
        Impaired { setting, rng, held: BinaryHeap::new(), packets: Default::default(), count: 0 }
    }

    /// Draws what becomes of the next packet. Three draws for each, so that no setting shifts another's chances.
    pub fn draw(&mut self) -> Fate {
        let [loss, duplicate, reorder]: [f64; 3] = std::array::from_fn(|_| self.rng.random());
        if loss < self.setting.loss {
            Fate::Lost
        } else if reorder < self.setting.reorder {
            Fate::HeldBack
        } else if duplicate < self.setting.duplicate {
            Fate::ArrivesTwice
        } else {
            Fate::Arrives
        }
    }

    /// Holds a packet back that would have arrived at `now`.
    pub fn hold(&mut self, now: Time, packet: InFlight) {
        self.hold_until(now + self.setting.reorder_by, packet);
    }

    /// Lets a packet arrive at `at`.
    pub fn hold_until(&mut self, at: Time, mut packet: InFlight) {
        packet.at = at;
        self.held.push(Reverse((at, self.count)));
        self.packets.insert(self.count, packet);
        self.count += 1;
    }

    /// When the next held packet arrives.
    pub fn next_at(&self) -> Time {
        self.held.peek().map_or(Time::NEVER, |Reverse((at, _))| *at)
    }

    /// Takes the next held packet.
    pub fn pop(&mut self) -> Option<InFlight> {
        let Reverse((_, key)) = self.held.pop()?;
        self.packets.remove(&key)
    }
}
