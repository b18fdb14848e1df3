//! An entry: a file with what runs, and what it is held against.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burstlab_algorithms::Registry;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::band::Band;
use super::claims::{Claim, Claims, Expected, Filter, Kind, Mutation};
use super::formulas::Parameters;
use super::subject::queueing::{self, Queueing};
use super::subject::recording::{self, Recording};
use super::{FOLDER, Interval, ValidateError};
use crate::cell::{Lab, Recordings};
use crate::experiment::axes::expand;
use crate::experiment::reader::Section;
use crate::experiment::tree::Table;
use crate::experiment::{
    Cell, Experiment, ExperimentError, On, Options, Override, StackKind, VALIDATION, text_of, tree_of,
};
use crate::runner::Stop;
use crate::traces::Traces;

/// An entry, read and checked.
pub struct Entry {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    /// SHA-256 of the file, in hex.
    digest: String,
    pub(crate) claims: Claims,
    pub(crate) kind: Kind,
}

/// What an entry runs, as it stands or with a mutation laid over it.
pub(crate) struct Variant {
    pub cases: Vec<Labelled>,
    /// None where no cell runs.
    pub lab: Option<Lab>,
}

/// One run, and what tells it from the others.
pub(crate) struct Labelled {
    pub labels: Labels,
    pub case: Case,
}

/// Names and values: `controller`, `stack`, `copies`, `seed`, and each axis by its dotted key.
pub(crate) type Labels = BTreeMap<String, Json>;

/// What runs.
pub(crate) enum Case {
    Cell(Box<Cell>),
    Queueing(Queueing),
    Recording(Recording),
}

impl Entry {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn load(path: &Path) -> Result<Entry, ValidateError> {
        let text = text_of(path)?;
        let mut root = tree_of(&text, path)?;
        let kind = match () {
            () if root.get("queueing").is_some() => Kind::Queueing,
            () if root.get("recording").is_some() => Kind::Recording,
            () => Kind::Experiment,
        };
        let validation = Table { entries: root.remove(VALIDATION).into_iter().collect() };
        let top = Section::top(path, &validation, &[VALIDATION])?;
        Ok(Entry {
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            file: path.to_owned(),
            digest: Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect(),
            claims: Claims::read(&top, path, kind)?,
            kind,
        })
    }

    /// What the page says of the file that it was made from, by which a stale page can be told.
    pub fn stamp(&self) -> String {
        // So much of a digest is enough to tell two versions of a file.
        const DIGITS: usize = 16;
        let file = self.file.file_name().unwrap_or_default().to_string_lossy();
        format!("{FOLDER}/{file}, SHA-256 {}…", self.digest.get(..DIGITS).unwrap_or_default())
    }

    /// What runs, as the file has it.
    pub(crate) fn variant(&self, registry: &Registry, stop: &Stop) -> Result<Variant, ValidateError> {
        let variant = self.with(&[], registry, stop)?;
        self.check_filters(&variant.cases)?;
        Ok(variant)
    }

    /// What runs under `mutation`; the runs keep the labels of the `original` ones.
    pub(crate) fn mutated(
        &self,
        mutation: &Mutation,
        original: &Variant,
        registry: &Registry,
        stop: &Stop,
    ) -> Result<Variant, ValidateError> {
        let blamed = |message| self.error(&format!("the mutation \"{}\"", mutation.name), message);
        let mut variant = self.with(&mutation.set, registry, stop).map_err(|error| match error {
            ValidateError::Experiment(error) => blamed(error.to_string()),
            other => other,
        })?;
        if variant.cases.len() != original.cases.len() {
            let (is, was) = (variant.cases.len(), original.cases.len());
            let message = format!("it leaves {is} runs of {was}; where a key is an axis, give a list that is as long");
            return Err(blamed(message));
        }
        for (case, original) in variant.cases.iter_mut().zip(&original.cases) {
            case.labels = original.labels.clone();
            if let (Some(controller), Case::Cell(cell)) = (&mutation.controller, &mut case.case) {
                registry.parse(controller).map_err(|error| blamed(error.to_string()))?;
                cell.controller.clone_from(controller);
            }
        }
        Ok(variant)
    }

    fn with(&self, set: &[Override], registry: &Registry, stop: &Stop) -> Result<Variant, ValidateError> {
        if self.kind != Kind::Experiment {
            return Ok(Variant { cases: self.without_tcp(set)?, lab: None });
        }
        let experiment = Experiment::load(&self.file, &Options { overrides: set, quick: false, registry })?;
        let strange = |cell: &&Cell| cell.on != On::Virtual || cell.stack.kind == StackKind::Kernel;
        if experiment.cells.iter().any(|cell| strange(&cell)) {
            let message = "a page that is the same on every machine takes virtual time and a stack of our own";
            return Err(self.error("[run] on", message.to_owned()));
        }
        let recordings = match experiment.traces().is_empty() {
            true => Recordings::default(),
            false => Traces::load(&experiment, stop)?.recordings,
        };
        let cases = experiment
            .cells
            .into_iter()
            .map(|cell| Labelled { labels: labels(&cell), case: Case::Cell(Box::new(cell)) });
        Ok(Variant { cases: cases.collect(), lab: Some(Lab::new(registry.clone(), recordings)) })
    }

    fn without_tcp(&self, set: &[Override]) -> Result<Vec<Labelled>, ExperimentError> {
        let mut root = tree_of(&text_of(&self.file)?, &self.file)?;
        root.remove(VALIDATION);
        set.iter().try_for_each(|over| over.apply(&mut root, &self.file))?;
        let case = |tree: &Table| -> Result<Case, ExperimentError> {
            let top = Section::top(&self.file, tree, &["name", "queueing", "recording"])?;
            if let Some(section) = top.table("queueing", queueing::KEYS)? {
                return Queueing::read(&section, &self.file).map(Case::Queueing);
            }
            match top.table("recording", recording::KEYS)? {
                Some(section) => Recording::read(&section, &self.file).map(Case::Recording),
                None => Err(top.missing("[queueing]", "[queueing] or [recording]")),
            }
        };
        let cases = expand(&root, false, &self.file)?
            .into_iter()
            .map(|combination| Ok(Labelled { case: case(&combination.tree)?, labels: combination.axes }));
        cases.collect()
    }

    fn check_filters(&self, cases: &[Labelled]) -> Result<(), ValidateError> {
        let gates = self.claims.gates.iter().map(|gate| (&gate.claim.name, &gate.claim.filter));
        let shown = self.claims.shown.iter().map(|shown| (&shown.claim.name, &shown.claim.filter));
        let pictures = self.claims.pictures.iter().map(|picture| (&picture.name, &picture.filter));
        for (name, filter) in gates.chain(shown).chain(pictures) {
            if !cases.iter().any(|case| fits(filter, &case.labels)) {
                let known: Vec<String> = cases.iter().map(|case| describe(&case.labels)).collect();
                let message = format!("\"where\" picks no run; runs: {}", known.join("; "));
                return Err(self.error(&format!("\"{name}\""), message));
            }
        }
        let axis = self.claims.pictures.iter().find_map(|picture| {
            let x = picture.x.as_ref()?;
            cases
                .iter()
                .any(|case| case.labels.get(x).is_none_or(|value| position(value).is_none()))
                .then_some((picture, x))
        });
        match axis {
            Some((picture, x)) => Err(self
                .error(&format!("\"{}\"", picture.name), format!("x = \"{x}\" is no axis whose values are numbers"))),
            None => Ok(()),
        }
    }

    /// Whether each gate says that it differs just where what is expected lies outside of its band.
    pub(crate) fn check_differences(&self, cases: &[Labelled], parameters: &[Parameters]) -> Result<(), ValidateError> {
        for gate in &self.claims.gates {
            let mut outside = false;
            for (_, parameters) in matching(&gate.claim, cases).map(|i| (i, &parameters[i])) {
                let expected = self.expected(&gate.claim, parameters)?;
                let around = around(expected, &gate.claim);
                let Some(band) = gate.band.around(around, None) else { continue };
                outside |= around.is_some_and(|around| !band.holds(around.least) || !band.holds(around.most));
            }
            let unsure = matches!(gate.band, Band::Confidence(_));
            match (&gate.differs, outside) {
                (None, true) => {
                    let message =
                        "what is expected, or what a peer got, lies outside of the band; say why as \"differs\"";
                    return Err(self.error(&format!("the gate \"{}\"", gate.claim.name), message.to_owned()));
                }
                (Some(_), false) if !unsure => {
                    let message = "it says why it \"differs\", and all that is expected lies within the band";
                    return Err(self.error(&format!("the gate \"{}\"", gate.claim.name), message.to_owned()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What `claim` expects of a run, in its unit.
    pub(crate) fn expected(&self, claim: &Claim, parameters: &Parameters) -> Result<Option<f64>, ValidateError> {
        match claim.expected {
            None => Ok(None),
            Some(Expected::Number(figure)) => Ok(Some(figure)),
            Some(Expected::Formula(formula)) => {
                match formula.value(parameters) {
                    Ok(value) => Ok(Some(claim.unit.of(value))),
                    Err(missing) => Err(self
                        .error(&format!("\"{}\"", claim.name), format!("the formula \"{}\": {missing}", formula.name))),
                }
            }
        }
    }

    /// What is wrong with `what` in the file.
    pub(crate) fn error(&self, what: &str, message: String) -> ValidateError {
        ValidateError::Claim { file: self.file.clone(), what: what.to_owned(), message }
    }
}

/// What the band of a claim is around: what is expected, or else the range of the peers.
pub(crate) fn around(expected: Option<f64>, claim: &Claim) -> Option<Interval> {
    let peers = claim.peers_range();
    match (expected, peers) {
        (Some(figure), _) => Some(Interval { least: figure, most: figure }),
        (None, peers) => peers,
    }
}

/// Numbers of the runs that a claim is about.
pub(crate) fn matching<'a>(claim: &'a Claim, cases: &'a [Labelled]) -> impl Iterator<Item = usize> + 'a {
    cases.iter().enumerate().filter(|(_, case)| fits(&claim.filter, &case.labels)).map(|(i, _)| i)
}

/// Whether labels are as `filter` wants them: of a list any value will do.
pub(crate) fn fits(filter: &Filter, labels: &Labels) -> bool {
    filter.iter().all(|(key, wanted)| match (labels.get(key), wanted) {
        (Some(value), Json::Array(any)) => any.contains(value),
        (value, wanted) => value == Some(wanted),
    })
}

/// Labels in words.
pub(crate) fn describe(labels: &Labels) -> String {
    let words = labels.iter().map(|(key, value)| format!("{key} = {}", crate::table::plain(value)));
    words.collect::<Vec<_>>().join(", ")
}

/// The number that a label is, for an axis of a picture: of a quantity with a unit, what stands before the unit.
pub(crate) fn position(label: &Json) -> Option<f64> {
    match label {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => {
            let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
            text[..digits].parse().ok()
        }
        _ => None,
    }
}

fn labels(cell: &Cell) -> Labels {
    let mut labels = cell.axes.clone();
    labels.insert("controller".to_owned(), cell.controller.clone().into());
    labels.insert("stack".to_owned(), cell.stack.kind.name().into());
    labels.insert("copies".to_owned(), cell.copies.into());
    labels.insert("seed".to_owned(), cell.seed.into());
    labels
}

impl Labelled {
    /// What formulas may ask of the run.
    pub fn parameters(&self, lab: Option<&Lab>) -> Result<Parameters, ValidateError> {
        match (&self.case, lab) {
            (Case::Queueing(queueing), _) => Ok(queueing.parameters()),
            (Case::Cell(cell), Some(lab)) => {
                let setting = lab.setting(cell).map_err(|error| ValidateError::Run(error.into()))?;
                Ok(setting.map(|setting| Parameters::of_setting(&setting)).unwrap_or_default())
            }
            _ => Ok(Parameters::default()),
        }
    }
}
