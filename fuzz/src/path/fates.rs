//! What becomes of packets.

use arbitrary::Arbitrary;

/// What becomes of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Fate {
    /// It arrives.
    Pass,
    /// It is lost.
    Drop,
    /// It arrives twice.
    Twice,
    /// It takes longer, by so many times 16 microseconds: others overtake it.
    Late(u8),
    /// It is marked, if it is ECN-capable.
    Mark,
}

/// A rule for all packets of a direction.
#[derive(Debug, Clone, Arbitrary)]
pub enum Pattern {
    /// These fates, one after the other, and then all pass.
    Listed(Vec<Fate>),
    /// Of every so many packets the first are lost, and at least one is not. That ends after [`PERIODIC`] packets: where a
    /// sender's retransmissions fall into step with the losses, they would be lost for ever.
    Periodic {
        /// Packets before the first loss.
        from: u8,
        /// Length of the period, less one, modulo 16.
        of: u8,
        /// Losses in each, at most that.
        lost: u8,
    },
    /// Each packet by chance.
    Random(Chances),
    /// By chance as well, but for bursts in which all are lost.
    Bursts {
        /// Of the packets between the bursts.
        chances: Chances,
        /// Packets of a burst at most, less two, modulo 16.
        bad: u8,
        /// Packets between two bursts at most, less two.
        good: u8,
    },
}

impl Pattern {
    /// How many of 256 packets pass on average.
    pub fn passing(&self) -> u64 {
        match self {
            Pattern::Listed(_) => 256,
            Pattern::Periodic { of, lost, .. } => {
                let (length, lost) = period(*of, *lost);
                256 * (length - lost) / length
            }
            Pattern::Random(chances) => chances.passing(),
            Pattern::Bursts { chances, bad, good } => {
                let (bad, good) = (u64::from(*bad % 16) + 3, u64::from(*good) + 3);
                chances.passing() * good / (good + bad)
            }
        }
        .max(1)
    }
}

/// Packets that are lost periodically.
const PERIODIC: u64 = 1000;

/// A period's length, and how many are lost in it.
fn period(of: u8, lost: u8) -> (u64, u64) {
    let most = u64::from(of % 16);
    (most + 1, most.min(u64::from(lost)))
}

/// Chances of 256 each; they are tried one after the other.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Chances {
    /// Decides over all.
    pub seed: u64,
    /// To be lost.
    pub lost: u8,
    /// To be late.
    pub late: u8,
    /// To come twice.
    pub twice: u8,
    /// To be marked.
    pub marked: u8,
}

impl Chances {
    fn passing(self) -> u64 {
        256 - u64::from(self.lost.min(MOST_LOST))
    }
}

/// At most so many of 256 packets are lost by chance: a hundred in a row are not.
const MOST_LOST: u8 = 230;

/// At most so many of 256 packets are damaged: as many again are lost, at most.
pub(super) const MOST_DAMAGED: u8 = 128;

/// The fates of a direction's packets, in turn.
pub struct Fates {
    pattern: Pattern,
    count: u64,
    state: u64,
    /// Packets until the burst ends, or the next one begins.
    left: (bool, u8),
}

impl Fates {
    /// By `pattern`, from its begin.
    pub fn new(pattern: &Pattern) -> Fates {
        let state = match pattern {
            Pattern::Random(chances) | Pattern::Bursts { chances, .. } => chances.seed,
            Pattern::Listed(_) | Pattern::Periodic { .. } => 0,
        };
        Fates { pattern: pattern.clone(), count: 0, state, left: (false, 0) }
    }

    /// Of the next packet.
    pub fn next(&mut self) -> Fate {
        self.count += 1;
        let number = self.count - 1;
        match &self.pattern {
            Pattern::Listed(fates) => fates.get(number as usize).copied().unwrap_or(Fate::Pass),
            Pattern::Periodic { from, of, lost } => {
                let (length, lost) = period(*of, *lost);
                let begin = u64::from(*from);
                let lost = (begin..PERIODIC).contains(&number) && (number - begin) % length < lost;
                if lost { Fate::Drop } else { Fate::Pass }
            }
            Pattern::Random(chances) => {
                let chances = *chances;
                self.by_chance(chances)
            }
            Pattern::Bursts { chances, bad, good } => {
                let (chances, bad, good) = (*chances, *bad % 16, *good);
                while self.left.1 == 0 {
                    let most = if self.left.0 { good } else { bad };
                    // Never of one length alone: a sender's retransmissions could fall into step with it for ever.
                    self.left = (!self.left.0, 1 + (self.draw() % (u64::from(most) + 2)).min(254) as u8);
                }
                self.left.1 -= 1;
                if self.left.0 { Fate::Drop } else { self.by_chance(chances) }
            }
        }
    }

    /// Which of a packet's `length` bytes is damaged, and what is added to it without carry, if one is: in `chance` of 256
    /// packets.
    pub fn damage(&mut self, chance: u8, length: usize) -> Option<(usize, u8)> {
        // Drawn only where it can happen: a scenario without damage stays what it was.
        if chance == 0 || self.draw() % 256 >= u64::from(chance.min(MOST_DAMAGED)) {
            return None;
        }
        Some(((self.draw() % length as u64) as usize, 1 + (self.draw() % 255) as u8))
    }

    fn by_chance(&mut self, chances: Chances) -> Fate {
        let late = (self.draw() % 64) as u8;
        let mut happens = |chance: u8| self.draw() % 256 < u64::from(chance);
        if happens(chances.lost.min(MOST_LOST)) {
            Fate::Drop
        } else if happens(chances.late) {
            Fate::Late(late)
        } else if happens(chances.twice) {
            Fate::Twice
        } else if happens(chances.marked) {
            Fate::Mark
        } else {
            Fate::Pass
        }
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014): a seed of eight bytes
    /// that a fuzzer may turn as it likes.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
