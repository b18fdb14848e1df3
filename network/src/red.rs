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
        let (min, max) = (amount(self.settings.min), amount(self.settings.max));
        if self.average < min {
            self.count = None;
            return false;
        }
        let count = self.count.map_or(0, |count| count + 1);
        self.count = Some(count);
        let struck = self.average >= max || {
            // Equal thresholds leave nothing between them.
            let part = (self.average - min) / (max - min);
            let p_b = self.settings.max_probability * part;
            // The distance between two strikes is uniform (section 7, method 2).
            let p_a = p_b / (1.0 - count as f64 * p_b).max(p_b);
            self.rng.random::<f64>() < p_a
        };
        if struck {
            self.count = Some(0);
        }
        struck
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

fn amount(limit: Limit) -> f64 {
    match limit {
        Limit::Packets(packets) => packets as f64,
        Limit::Bytes(bytes) => bytes.get() as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: RedSettings =
        RedSettings { min: Limit::Packets(20), max: Limit::Packets(60), max_probability: 0.02, weight: 1.0, ecn: true };

    fn red(settings: RedSettings) -> Red {
        Red::new(settings, 1, "switch>host0")
    }

    fn waiting(packets: u64) -> Occupancy {
        Occupancy { packets, bytes: packets * 1500 }
    }

    /// Which of many packets are struck that find `length` packets.
    fn struck(red: &mut Red, length: u64, packets: usize) -> Vec<usize> {
        (0..packets).filter(|_| red.strikes(waiting(length), 0.0)).collect()
    }

    #[test]
    fn nothing_happens_below_the_minimum_and_everything_from_the_maximum_on() {
        let mut red = red(SETTINGS);
        assert_eq!(struck(&mut red, 19, 10_000).len(), 0);
        assert_eq!(struck(&mut red, 60, 100).len(), 100);
    }

    #[test]
    fn in_between_the_distance_of_two_strikes_is_uniform_with_a_mean_of_half_of_one_over_p() {
        let mut red = red(SETTINGS);
        // Halfway: p = 0.01, so distances are from 1 to 100 and 50.5 on average.
        let strikes = struck(&mut red, 40, 500_000);
        let gaps: Vec<_> = strikes.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<usize>() as f64 / gaps.len() as f64;
        assert!((mean - 50.5).abs() < 1.5, "{mean}");
        assert!(gaps.iter().all(|gap| *gap <= 101), "{:?}", gaps.iter().max());
        let short = gaps.iter().filter(|gap| **gap <= 25).count() as f64 / gaps.len() as f64;
        assert!((short - 0.25).abs() < 0.02, "{short}");
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
