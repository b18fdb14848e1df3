//! Bands: how far a figure may be from what is expected.

use super::statistics::student;

/// How a band is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Band {
    /// From the first to the second.
    Within(f64, f64),
    /// This part below and above.
    Relative(f64),
    /// So much below and above.
    Absolute(f64),
    /// Between the expected over this and the expected times this.
    Factor(f64),
    /// The confidence interval of the measured mean, by its standard error, has to hold what is expected with this
    /// probability.
    Confidence(f64),
}

/// The least and the most that a figure may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    pub least: f64,
    pub most: f64,
}

/// How sure a mean is that was measured from batches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Precision {
    /// Standard error, in the unit of the mean.
    pub error: f64,
    /// Batches less one.
    pub freedom: f64,
}

impl Interval {
    /// Whether `figure` is in it.
    pub fn holds(self, figure: f64) -> bool {
        (self.least..=self.most).contains(&figure)
    }
}

impl Band {
    /// Around what is expected, a single figure or the range of several peers'; none if there is nothing to be around.
    pub fn around(self, expected: Option<Interval>, precision: Option<Precision>) -> Option<Interval> {
        if let Band::Within(least, most) = self {
            return Some(Interval { least, most });
        }
        let Interval { least, most } = expected?;
        Some(match self {
            Band::Within(least, most) => Interval { least, most },
            Band::Relative(part) => Interval { least: least - least.abs() * part, most: most + most.abs() * part },
            Band::Absolute(by) => Interval { least: least - by, most: most + by },
            Band::Factor(factor) => Interval { least: least / factor, most: most * factor },
            Band::Confidence(probability) => {
                let Precision { error, freedom } = precision?;
                let half = student(probability, freedom) * error;
                Interval { least: least - half, most: most + half }
            }
        })
    }

    /// In words, where the figures alone do not say it.
    pub fn described(self) -> Option<String> {
        match self {
            Band::Within(..) => None,
            Band::Relative(part) => Some(format!("{} %", super::unit::number(part * 100.0))),
            Band::Absolute(_) => None,
            Band::Factor(factor) => Some(format!("factor {}", super::unit::number(factor))),
            Band::Confidence(probability) => Some(format!("{} % confidence", super::unit::number(probability * 100.0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEERS: Option<Interval> = Some(Interval { least: 100.0, most: 120.0 });

    #[test]
    fn bands_are_around_what_is_expected() {
        assert_eq!(Band::Relative(0.1).around(PEERS, None), Some(Interval { least: 90.0, most: 132.0 }));
        assert_eq!(Band::Absolute(5.0).around(PEERS, None), Some(Interval { least: 95.0, most: 125.0 }));
        assert_eq!(Band::Factor(2.0).around(PEERS, None), Some(Interval { least: 50.0, most: 240.0 }));
        assert_eq!(Band::Within(1.0, 2.0).around(None, None), Some(Interval { least: 1.0, most: 2.0 }));
        assert_eq!(Band::Relative(0.1).around(None, None), None);
    }

    #[test]
    fn a_confidence_interval_is_as_wide_as_the_measurement_is_unsure() {
        let precision = Some(Precision { error: 1.0, freedom: 10.0 });
        let interval = Band::Confidence(0.95).around(PEERS, precision).unwrap();
        assert!((interval.most - 122.228).abs() < 0.01, "{interval:?}");
        assert_eq!(Band::Confidence(0.95).around(PEERS, None), None);
    }

    #[test]
    fn the_ends_of_a_band_are_in_it_and_nothing_measured_is_not() {
        let interval = Interval { least: 1.0, most: 2.0 };
        assert_eq!([1.0, 2.0, 0.999, 2.001, f64::NAN].map(|x| interval.holds(x)), [true, true, false, false, false]);
    }
}
