//! One metric of one cell: both values, how far apart they are, and whether that is noise.

use serde::Serialize;
use serde_json::Value;

use super::metrics::Metric;
use super::noise::{Interval, Sample};
use crate::check::Tolerance;
use crate::report::Unit;

/// Whether a difference is more than noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The reference lies where 95 % of real runs would.
    WithinNoise,
    /// It lies outside.
    Differs,
    /// One real run shows no noise.
    OneRun,
    /// The real runs did not measure it.
    OnlyReference,
    /// The reference did not measure it.
    OnlyReal,
}

/// A metric on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The metric's dotted path, as `burstlab check` has it.
    pub metric: String,
    /// What a person calls it.
    pub label: String,
    /// What it counts.
    pub unit: Unit,
    /// Mean over the runs of the reference.
    pub reference: Option<f64>,
    /// Over the real runs.
    pub real: Option<Sample>,
    /// Real less reference.
    pub difference: Option<f64>,
    /// The difference as a part of the reference, unless that is zero.
    pub relative: Option<f64>,
    /// Where 95 % of further runs like the real ones would lie.
    pub noise: Option<Interval>,
    /// Whether the difference is more than noise.
    pub verdict: Verdict,
    /// Whether the runs can be trusted, so that the verdict says something.
    pub valid: bool,
    /// Whether the difference is within the tolerance, if there is one.
    pub within_tolerance: Option<bool>,
    /// Whether the comparison fails if it is not.
    pub gated: bool,
}

impl Row {
    /// Of a metric's values in the runs of both sides; `draws` is how many of the reference's runs are independent of each
    /// other. None if neither side measured it.
    pub fn of(metric: Metric, reference: &[f64], draws: usize, real: &[f64]) -> Option<Row> {
        let (reference, real) = (Sample::of(reference).map(|sample| sample.mean), Sample::of(real));
        let noise = real.and_then(|real| real.prediction(draws));
        let verdict = match (reference, real, noise) {
            (None, None, _) => return None,
            (Some(_), None, _) => Verdict::OnlyReference,
            (None, Some(_), _) => Verdict::OnlyReal,
            (Some(_), Some(_), None) => Verdict::OneRun,
            (Some(value), Some(_), Some(noise)) if noise.holds(value) => Verdict::WithinNoise,
            (Some(_), Some(_), Some(_)) => Verdict::Differs,
        };
        let difference = reference.zip(real).map(|(reference, real)| real.mean - reference);
        let relative = difference.zip(reference.filter(|value| *value != 0.0));
        Some(Row {
            metric: metric.key,
            label: metric.label,
            unit: metric.unit,
            reference,
            real,
            difference,
            relative: relative.map(|(difference, reference)| difference / reference.abs()),
            noise,
            verdict,
            valid: true,
            within_tolerance: None,
            gated: false,
        })
    }

    /// Holds the difference against `tolerance`. What one side did not measure is beyond any.
    pub fn hold_against(&mut self, tolerance: Tolerance) {
        let accepted = self
            .reference
            .zip(self.real)
            .is_some_and(|(reference, real)| tolerance.accepts(&Value::from(reference), &Value::from(real.mean)));
        self.within_tolerance = Some(accepted);
    }

    /// Whether there is nothing to see: zero on both sides, in every run.
    pub fn is_zero(&self) -> bool {
        let real = self.real.is_none_or(|real| real.mean == 0.0 && real.standard_deviation.is_none_or(|s| s == 0.0));
        self.reference.is_none_or(|value| value == 0.0) && real
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(reference: &[f64], real: &[f64]) -> Option<Row> {
        let metric = Metric { key: "k".to_owned(), label: "l".to_owned(), unit: Unit::Time };
        Row::of(metric, reference, 1, real)
    }

    #[test]
    fn the_verdict_is_by_the_noise_of_the_real_runs() {
        for (reference, real, verdict) in [
            (&[10.5][..], &[9.0, 10.0, 11.0][..], Verdict::WithinNoise),
            (&[16.0], &[9.0, 10.0, 11.0], Verdict::Differs),
            (&[10.0], &[10.0], Verdict::OneRun),
            (&[10.0], &[], Verdict::OnlyReference),
            (&[], &[10.0], Verdict::OnlyReal),
        ] {
            assert_eq!(row(reference, real).unwrap().verdict, verdict, "{reference:?} {real:?}");
        }
        assert_eq!(row(&[], &[]), None);
    }

    #[test]
    fn a_difference_is_real_less_reference_and_a_part_of_it() {
        let row = row(&[8.0], &[9.0, 11.0]).unwrap();
        assert_eq!((row.difference, row.relative), (Some(2.0), Some(0.25)));
        assert_eq!(self::row(&[0.0], &[1.0]).unwrap().relative, None);
    }

    #[test]
    fn what_one_side_did_not_measure_is_within_no_tolerance() {
        for (reference, real, expected) in
            [(&[10.0][..], &[10.9][..], true), (&[10.0], &[11.1], false), (&[10.0], &[], false), (&[0.0], &[0.0], true)]
        {
            let mut row = row(reference, real).unwrap();
            row.hold_against(Tolerance::Part(0.1));
            assert_eq!(row.within_tolerance, Some(expected), "{reference:?} {real:?}");
        }
    }

    #[test]
    fn only_zero_in_every_run_is_nothing_to_see() {
        assert!(row(&[0.0], &[0.0, 0.0]).unwrap().is_zero());
        assert!(!row(&[0.0], &[0.0, 1.0]).unwrap().is_zero());
        assert!(!row(&[1.0], &[0.0]).unwrap().is_zero());
    }
}
