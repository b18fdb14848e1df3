//! What held and what did not.

use serde::Serialize;

use super::ValidateError;
use super::band::{Interval, Precision};
use super::claims::{Claim, Gate, Mutation};
use super::entry::{Case, Labelled, Variant, around, fits, matching};
use super::formulas::Parameters;
use super::metric::Ran;
use super::run::{Measured, Observed};
use crate::table::plain;

/// All entries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Whether every gate held, and failed wherever it had to.
    pub passed: bool,
    /// In the order of the page.
    pub entries: Vec<EntryReport>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntryReport {
    /// The file's name without its ending.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// What has to hold.
    pub gates: Vec<GateReport>,
    /// What is only shown.
    pub shown: Vec<ShownReport>,
}

/// One gate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateReport {
    /// How messages call it.
    pub name: String,
    /// How a reader calls it.
    pub what: String,
    /// The unit of all figures.
    pub unit: &'static str,
    /// One for each run that it looks at.
    pub rows: Vec<Row>,
    /// What was broken to see it fail, and whether it did; empty if that was not asked for.
    pub broken: Vec<Broken>,
}

/// A figure that is only shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownReport {
    /// How messages call it.
    pub name: String,
    /// How a reader calls it.
    pub what: String,
    /// The unit of all figures.
    pub unit: &'static str,
    /// One for each run that it looks at.
    pub rows: Vec<Row>,
}

/// A figure of a run, beside what it should be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What tells the run from the others of its entry; empty if it is the only one.
    pub run: String,
    /// By a formula or as a number.
    pub expected: Option<f64>,
    /// None if there was nothing of the kind in the run.
    pub measured: Option<f64>,
    /// Of the band.
    pub least: Option<f64>,
    /// Of the band.
    pub most: Option<f64>,
    /// Whether it is in the band; true where there is none.
    pub holds: bool,
}

/// A gate under a mutation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Broken {
    /// The mutation's name.
    pub mutation: String,
    /// Whether the gate failed, as it has to.
    pub failed: bool,
    /// The run in which it was farthest from its band, or else the first.
    pub row: Row,
}

impl Report {
    /// Of all that was measured.
    ///
    /// # Errors
    /// If a claim asks for what a run does not have.
    pub(crate) fn of(measured: &[Measured]) -> Result<Report, ValidateError> {
        let entries = measured.iter().map(EntryReport::of).collect::<Result<Vec<_>, _>>()?;
        let gates = || entries.iter().flat_map(|entry| &entry.gates);
        let holds = gates().all(|gate| gate.rows.iter().all(|row| row.holds));
        let broken = gates().all(|gate| gate.broken.iter().all(|broken| broken.failed));
        Ok(Report { passed: holds && broken, entries })
    }

    /// What did not hold, a sentence each.
    pub fn failures(&self) -> Vec<String> {
        let of_entry = |entry: &EntryReport| {
            let name = entry.name.clone();
            entry.gates.iter().flat_map(move |gate| gate.failures(&name)).collect::<Vec<_>>()
        };
        self.entries.iter().flat_map(of_entry).collect()
    }
}

impl EntryReport {
    fn of(measured: &Measured) -> Result<EntryReport, ValidateError> {
        let claims = &measured.entry.claims;
        let shown = claims.shown.iter().map(|shown| {
            let rows = measured.rows(&shown.claim, None, &measured.variant, &measured.observed)?;
            let Claim { name, what, unit, .. } = &shown.claim;
            Ok(ShownReport { name: name.clone(), what: what.clone(), unit: unit.name, rows })
        });
        Ok(EntryReport {
            name: measured.entry.name.clone(),
            title: claims.title.clone(),
            gates: claims.gates.iter().map(|gate| GateReport::of(measured, gate)).collect::<Result<_, _>>()?,
            shown: shown.collect::<Result<_, ValidateError>>()?,
        })
    }
}

impl GateReport {
    fn of(measured: &Measured, gate: &Gate) -> Result<GateReport, ValidateError> {
        let Claim { name, what, unit, .. } = &gate.claim;
        let mutations = measured.entry.claims.mutations.iter().zip(&measured.mutated);
        let mut broken = Vec::new();
        for (mutation, (variant, observed)) in mutations.filter(|(mutation, _)| mutation.breaks.contains(name)) {
            let rows = measured.rows(&gate.claim, Some(gate), variant, observed)?;
            broken.extend(Broken::of(mutation, rows));
        }
        Ok(GateReport {
            name: name.clone(),
            what: what.clone(),
            unit: unit.name,
            rows: measured.rows(&gate.claim, Some(gate), &measured.variant, &measured.observed)?,
            broken,
        })
    }

    fn failures(&self, entry: &str) -> Vec<String> {
        let band = |row: &Row| match (row.least, row.most) {
            (Some(least), Some(most)) => {
                format!("{} to {} {}", super::unit::number(least), super::unit::number(most), self.unit)
            }
            _ => "none".to_owned(),
        };
        let found = |row: &Row| {
            let measured = row.measured.map_or("nothing".to_owned(), super::unit::number);
            let run = if row.run.is_empty() { String::new() } else { format!(" ({})", row.run) };
            format!("{measured} {}{run}, band {}", self.unit, band(row)).replace("  ", " ")
        };
        let outside = self.rows.iter().filter(|row| !row.holds);
        let outside = outside.map(|row| format!("{entry}: {}: measured {}", self.name, found(row)));
        let unbroken = self.broken.iter().filter(|broken| !broken.failed).map(|broken| {
            let Broken { mutation, row, .. } = broken;
            format!(
                "{entry}: {}: holds under the mutation \"{mutation}\", which has to break it: measured {}",
                self.name,
                found(row)
            )
        });
        outside.chain(unbroken).map(|line| line.trim_end().to_owned()).collect()
    }
}

impl Broken {
    fn of(mutation: &Mutation, rows: Vec<Row>) -> Option<Broken> {
        let distance = |row: &Row| match (row.measured, row.least, row.most) {
            (Some(measured), Some(least), Some(most)) => {
                let outside = (least - measured).max(measured - most);
                outside / (most - least).abs().max(f64::MIN_POSITIVE)
            }
            // It failed, and there is no figure to show for it.
            _ => 0.0,
        };
        let row = rows.into_iter().reduce(|a, b| if distance(&b) > distance(&a) { b } else { a })?;
        Some(Broken { mutation: mutation.name.clone(), failed: !row.holds, row })
    }
}

impl Measured {
    /// What `variant` gave of `claim`, held against what is expected of the unbroken runs.
    fn rows(
        &self,
        claim: &Claim,
        gate: Option<&Gate>,
        variant: &Variant,
        observed: &[Option<Observed>],
    ) -> Result<Vec<Row>, ValidateError> {
        let cases = matching(claim, &self.variant.cases);
        let row = |case: usize| {
            let expected = self.entry.expected(claim, &self.parameters[case])?;
            let (measured, precision) = self.figure(claim, &variant.cases[case], observed[case].as_ref())?;
            let band = gate.map(|gate| gate.band.around(around(expected, claim), precision));
            let interval = band.flatten();
            Ok(Row {
                run: self.label(case, claim),
                expected,
                measured,
                least: interval.map(|interval: Interval| interval.least),
                most: interval.map(|interval| interval.most),
                holds: gate.is_none()
                    || interval.zip(measured).is_some_and(|(interval, figure)| interval.holds(figure)),
            })
        };
        cases.map(row).collect()
    }

    /// The figure in the claim's unit.
    fn figure(
        &self,
        claim: &Claim,
        labelled: &Labelled,
        observed: Option<&Observed>,
    ) -> Result<(Option<f64>, Option<Precision>), ValidateError> {
        let fault = |message| self.entry.error(&format!("\"{}\"", claim.name), message);
        match (observed, &labelled.case) {
            (Some(Observed::Cell(result, setting)), Case::Cell(cell)) => {
                let ran = Ran { cell, setting: setting.as_ref(), result };
                let value = claim.metric.of(ran).map_err(fault)?;
                Ok((value.filter(|value| value.is_finite()).map(|value| claim.unit.of(value)), None))
            }
            (Some(Observed::Figures(figures)), _) => {
                let known = || figures.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                let figure = figures.get(&claim.metric.text);
                let figure = figure
                    .ok_or_else(|| fault(format!("there is no \"{}\"; there are: {}", claim.metric.text, known())))?;
                let of = |precision: Precision| Precision { error: claim.unit.of(precision.error), ..precision };
                Ok((Some(claim.unit.of(figure.value)), figure.precision.map(of)))
            }
            _ => Ok((None, None)),
        }
    }

    /// What tells a run from the others that a claim may be about: labels that differ and that it does not name itself.
    fn label(&self, case: usize, claim: &Claim) -> String {
        let cases = &self.variant.cases;
        let labels = &cases[case].labels;
        let differs = |key: &str| {
            cases
                .iter()
                .filter(|other| fits(&claim.filter, &other.labels))
                .any(|other| other.labels.get(key) != labels.get(key))
        };
        let shown = labels.iter().filter(|(key, _)| differs(key));
        shown.map(|(key, value)| format!("{key} = {}", plain(value))).collect::<Vec<_>>().join(", ")
    }

    /// Formulas' parameters of a run.
    pub fn parameters_of(&self, case: usize) -> &Parameters {
        &self.parameters[case]
    }
}
