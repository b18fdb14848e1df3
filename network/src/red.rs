//! RED: marks or drops at random, the more the longer the queue is on average (Floyd and Jacobson, Random early
//! detection gateways for congestion avoidance, IEEE/ACM Transactions on Networking, 1993).

use burstlab_units::chance;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::queue::{Limit, Occupancy};

/// What RED is told. Section numbers are the paper's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RedSettings {
    /// Below this average nothing happens (min_th, section 4).
    pub min: Limit,
    /// From this average on, each packet is marked or dropped (max_th).
    pub max: Limit,
    /// Probability just below `max` (max_p; 0.02, section 7).
    pub max_probability: f64,
    /// Weight of the present length in the average (w_q; 0.002, section 6). 1 is the present length itself.
    pub weight: f64,
    /// Whether the probability rises on from `max_probability` at `max` to 1 at twice `max`, instead of at once (Floyd,
    /// Recommendation on using the "gentle" variant of RED, 2000).
    pub gentle: bool,
    /// Whether after each strike a whole 1 / p packets pass before the next is possible: distances are then uniform
    /// from 1 / p to 2 / p and not from 1 to 1 / p (`wait` of ns-2 and ns-3).
    pub wait: bool,
    /// Whether ECN-capable packets are marked instead of dropped.
    pub ecn: bool,
}

/// RED's state: the variables of figure 2, with their names.
#[derive(Debug)]
pub(crate) struct Red {
    settings: RedSettings,
    rng: ChaCha8Rng,
    average: f64,
    /// Packets since the last that was marked or dropped; none after the average fell below the minimum.
    count: Option<u64>,
}

impl Red {
    pub fn new(settings: RedSettings, seed: u64, port: &str) -> Red {
        let rng = chance::stream(seed, &format!("RED of {port}"));
        Red { settings, rng, average: 0.0, count: None }
    }

    /// Whether ECN-capable packets are marked instead of dropped.
    pub fn marks(&self) -> bool {
        self.settings.ecn
    }

    /// Whether a packet is to be marked or dropped that finds `ahead` waiting, after the link had rested for so many
    /// transmissions of a packet.
    pub fn strikes(&mut self, ahead: Occupancy, rested: f64) -> bool {
        let length = match self.settings.min {
            Limit::Packets(_) => ahead.packets,
            Limit::Bytes(_) => ahead.bytes,
        };
        self.take(length as f64, rested);
        if self.average < amount(self.settings.min) {
            self.count = None;
            return false;
        }
        let count = self.count.map_or(0, |count| count + 1);
        self.count = Some(count);
        let p_a = spaced(self.probability(), count as f64, self.settings.wait);
        let struck = p_a >= 1.0 || self.rng.random::<f64>() < p_a;
        if struck {
            self.count = Some(0);
        }
        struck
    }

    /// p_b: of the average alone.
    fn probability(&self) -> f64 {
        let RedSettings { min, max, max_probability: max_p, gentle, .. } = self.settings;
        let (min, max) = (amount(min), amount(max));
        match self.average {
            average if average < max => max_p * (average - min) / (max - min),
            average if gentle => max_p + (1.0 - max_p) * (average - max) / max,
            _ => 1.0,
        }
    }

    /// Section 4: the average, which falls while the link rests as if packets had found an empty queue.
    fn take(&mut self, length: f64, rested: f64) {
        let weight = self.settings.weight;
        if rested > 0.0 {
            self.average *= libm::pow(1.0 - weight, rested);
        }
        self.average += weight * (length - self.average);
    }
}

/// p_a, `count` packets after the last strike: the distance between two is uniform (section 7, method 2).
fn spaced(p_b: f64, count: f64, wait: bool) -> f64 {
    let first = if wait { 1.0 } else { 0.0 };
    match count * p_b {
        part if part < first => 0.0,
        part if part < first + 1.0 => p_b / (first + 1.0 - part),
        _ => 1.0,
    }
}

fn amount(limit: Limit) -> f64 {
    match limit {
        Limit::Packets(packets) => packets as f64,
        Limit::Bytes(bytes) => bytes.get() as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: RedSettings = RedSettings {
        min: Limit::Packets(20),
        max: Limit::Packets(60),
        max_probability: 0.02,
        weight: 1.0,
        gentle: false,
        wait: false,
        ecn: true,
    };

    fn red(settings: RedSettings) -> Red {
        Red::new(settings, 1, "switch>host0")
    }

    fn waiting(packets: u64) -> Occupancy {
        Occupancy { packets, bytes: packets * 1500 }
    }

    /// Which of many packets are struck that find `length`.
    fn struck(red: &mut Red, length: u64, packets: usize) -> Vec<usize> {
        (0..packets).filter(|_| red.strikes(waiting(length), 0.0)).collect()
    }

    fn gaps(red: &mut Red, length: u64) -> (f64, usize, usize) {
        let strikes = struck(red, length, 500_000);
        let gaps: Vec<_> = strikes.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<usize>() as f64 / gaps.len() as f64;
        (mean, *gaps.iter().min().unwrap(), *gaps.iter().max().unwrap())
    }

    #[test]
    fn nothing_happens_below_the_minimum_and_everything_from_the_maximum_on() {
        let mut red = red(SETTINGS);
        assert_eq!(struck(&mut red, 19, 10_000).len(), 0);
        assert_eq!(struck(&mut red, 60, 100).len(), 100);
    }

    #[test]
    fn in_between_the_distance_of_two_strikes_is_uniform_with_a_mean_of_half_of_one_over_p() {
        // Halfway: p = 0.01, so distances are from 1 to 100 and 50.5 on average.
        let (mean, least, most) = gaps(&mut red(SETTINGS), 40);
        assert!((mean - 50.5).abs() < 1.5 && least <= 2 && (99..=101).contains(&most), "{mean} {least} {most}");
    }

    #[test]
    fn with_wait_the_distances_are_from_one_over_p_to_two_over_p() {
        let (mean, least, most) = gaps(&mut red(RedSettings { wait: true, ..SETTINGS }), 40);
        assert!((mean - 150.0).abs() < 2.0 && least >= 100 && (198..=201).contains(&most), "{mean} {least} {most}");
    }

    #[test]
    fn gently_the_probability_is_one_only_from_twice_the_maximum_on() {
        let mut gentle = red(RedSettings { gentle: true, ..SETTINGS });
        // A quarter above the maximum p = 0.265: 0.36 of the distances are 1, 0.36 are 2, the rest 3, by p / (1 - count p).
        let strikes = struck(&mut gentle, 75, 100_000).len() as f64 / 100_000.0;
        assert!((strikes - 0.521).abs() < 0.01, "{strikes}");
        assert_eq!(struck(&mut gentle, 120, 1000).len(), 1000);
    }

    #[test]
    fn a_small_weight_lets_bursts_pass_and_idleness_brings_the_average_down() {
        let mut red = red(RedSettings { weight: 0.002, ..SETTINGS });
        assert_eq!(struck(&mut red, 100, 100).len(), 0);
        let risen = red.average;
        assert!((risen - 100.0 * (1.0 - 0.998_f64.powi(100))).abs() < 1e-6, "{risen}");
        red.strikes(waiting(0), 500.0);
        assert!((red.average - risen * 0.998_f64.powi(501)).abs() < 1e-6, "{}", red.average);
    }

    #[test]
    fn equal_thresholds_are_a_step() {
        let mut red = red(RedSettings { max: Limit::Packets(20), ..SETTINGS });
        assert_eq!(struck(&mut red, 19, 1000).len(), 0);
        assert_eq!(struck(&mut red, 20, 1000).len(), 1000);
    }
}
