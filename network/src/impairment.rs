//! Random damage on a link, for tests: loss, duplication and reordering behind the queue.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use burstlab_units::{Span, Time, chance};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::packets::Packets;
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

/// A link's impairment with its own stream of chance, and the packets that it is about to let through.
#[derive(Debug)]
pub(crate) struct Impaired {
    setting: Impairment,
    rng: ChaCha8Rng,
    /// When each of `packets` arrives, and its number.
    order: BinaryHeap<Reverse<(Time, u64)>>,
    packets: BTreeMap<u64, InFlight>,
    count: u64,
    /// Packets that were lost, and those that came twice.
    pub lost: u64,
    pub doubled: u64,
    /// The instant for which the port is called next. An earlier packet moves it forward, and the call for the later
    /// instant is then in vain.
    called_at: Time,
}

impl Impaired {
    pub fn new(setting: Impairment, seed: u64, port: &str) -> Impaired {
        let rng = chance::stream(seed, &format!("impairment of {port}"));
        Impaired {
            setting,
            rng,
            order: BinaryHeap::new(),
            packets: BTreeMap::new(),
            count: 0,
            lost: 0,
            doubled: 0,
            called_at: Time::NEVER,
        }
    }

    /// Whether the port has to be called at `at`, having been promised no call as early.
    pub fn call_at(&mut self, at: Time) -> bool {
        let earlier = at < self.called_at;
        self.called_at = self.called_at.min(at);
        earlier
    }

    /// Whether a call at `now` is the one that was asked for last.
    pub fn is_called(&self, now: Time) -> bool {
        self.called_at == now
    }

    /// The port's next call is at `at`.
    pub fn called_next(&mut self, at: Time) {
        self.called_at = at;
    }

    /// Lets a packet through at `now`, or late, twice, or not at all, which `false` says. Three draws for each packet, so
    /// that no setting shifts another's chances.
    pub fn pass(&mut self, now: Time, packet: InFlight, packets: &mut Packets) -> bool {
        let [loss, duplicate, reorder]: [f64; 3] = std::array::from_fn(|_| self.rng.random());
        if loss < self.setting.loss {
            self.lost += 1;
            return false;
        }
        if reorder < self.setting.reorder {
            self.hold(now + self.setting.reorder_by, packet);
        } else {
            self.hold(now, packet);
            if duplicate < self.setting.duplicate {
                self.doubled += 1;
                self.hold(now, InFlight { packet: packets.copy(packet.packet), ..packet });
            }
        }
        true
    }

    fn hold(&mut self, at: Time, packet: InFlight) {
        self.order.push(Reverse((at, self.count)));
        self.packets.insert(self.count, InFlight { at, ..packet });
        self.count += 1;
    }

    /// The packets that were let through and have not arrived.
    pub fn held(&self) -> impl Iterator<Item = &InFlight> {
        self.packets.values()
    }

    /// When the next packet arrives of those that were let through.
    pub fn next_at(&self) -> Time {
        self.order.peek().map_or(Time::NEVER, |Reverse((at, _))| *at)
    }

    /// The packet that arrives by `now`, if there is one.
    pub fn release(&mut self, now: Time) -> Option<InFlight> {
        if self.next_at() > now {
            return None;
        }
        let Reverse((_, number)) = self.order.pop()?;
        self.packets.remove(&number)
    }
}
