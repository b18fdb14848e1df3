//! `[validation]`: what an entry's results are held against.

use std::path::Path;

use burstlab_units::Span;
use serde_json::Value as Json;

use super::band::{Band, Interval};
use super::formulas::Formula;
use super::metric::{Metric, What};
use super::subject::{queueing, recording};
use super::unit::{Dimension, Unit};
use crate::experiment::reader::Section;
use crate::experiment::tree::Value;
use crate::experiment::{ExperimentError, Override};

/// All that `[validation]` says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claims {
    pub title: String,
    /// Entries stand on the page by this, then by name.
    pub order: u32,
    pub source: String,
    /// Whether the figures were read at the source.
    pub read: bool,
    pub question: String,
    pub text: String,
    pub gates: Vec<Gate>,
    pub shown: Vec<Shown>,
    pub mutations: Vec<Mutation>,
    pub pictures: Vec<Picture>,
}

/// A figure of some runs, and what it should be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claim {
    pub name: String,
    pub what: String,
    /// Which runs: a label and its value.
    pub filter: Filter,
    pub metric: Metric,
    pub unit: Unit,
    pub expected: Option<Expected>,
    /// What others got, in `unit`.
    pub peers: Vec<(String, f64)>,
}

/// Labels of runs and the values that they have to have.
pub(crate) type Filter = Vec<(String, Json)>;

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Expected {
    /// In the claim's unit.
    Number(f64),
    Formula(&'static Formula),
}

/// A claim that has to hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Gate {
    pub claim: Claim,
    pub band: Band,
    pub reason: String,
    /// Why it is not what the source says.
    pub differs: Option<String>,
}

/// A claim that is only shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub claim: Claim,
    pub reason: Option<String>,
}

/// Something that is broken on purpose.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mutation {
    pub name: String,
    pub breaks: Vec<String>,
    pub controller: Option<String>,
    pub set: Vec<Override>,
    /// `set` as it was written, and the controller.
    pub written: Vec<String>,
    pub why: String,
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    pub name: String,
    pub title: String,
    pub filter: Filter,
    pub metric: Metric,
    pub unit: Unit,
    /// The axis that runs across; without one it is time.
    pub x: Option<String>,
    pub x_label: Option<String>,
    /// What runs up, in words; its unit is put behind.
    pub y_label: Option<String>,
    pub log: [bool; 2],
    pub formulas: Vec<&'static Formula>,
}

/// What is measured, which decides what metrics there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Experiment,
    Queueing,
    Recording,
}

const KEYS: &[&str] = &["title", "order", "source", "read", "question", "text", "gate", "shown", "mutation", "picture"];
const GATE_KEYS: &[&str] = &[
    "name",
    "what",
    "where",
    "metric",
    "queue",
    "group",
    "from",
    "until",
    "unit",
    "expected",
    "peers",
    "band",
    "relative",
    "absolute",
    "factor",
    "confidence",
    "reason",
    "differs",
];
const SHOWN_KEYS: &[&str] =
    &["name", "what", "where", "metric", "queue", "group", "from", "until", "unit", "expected", "peers", "reason"];
const MUTATION_KEYS: &[&str] = &["name", "breaks", "controller", "set", "why"];
const PICTURE_KEYS: &[&str] = &[
    "name", "title", "where", "metric", "queue", "group", "from", "until", "unit", "x", "x_label", "y_label", "log",
    "formulas",
];

impl Claims {
    /// Reads `[validation]` of an entry of this `kind`.
    pub fn read(top: &Section<'_>, file: &Path, kind: Kind) -> Result<Claims, ExperimentError> {
        let Some(section) = top.table("validation", KEYS)? else {
            return Err(ExperimentError::of_file(
                file,
                "it has no [validation], which says what its results are held against",
            ));
        };
        let gates = section.tables("gate", GATE_KEYS)?;
        let shown = section.tables("shown", SHOWN_KEYS)?;
        let pictures = section.tables("picture", PICTURE_KEYS)?;
        let mutations = section.tables("mutation", MUTATION_KEYS)?;
        let claims = Claims {
            title: section.require("title", "title = \"Incast under DCTCP\"")?,
            order: section.get_or("order", 1000)?,
            source: section.require("source", "source = \"RFC 9438, section 5.1\"")?,
            read: section.require("read", "read = true")?,
            question: section.require("question", "question = \"Does the queue stay at the threshold?\"")?,
            text: section.require("text", "text = \"What is compared, and why it differs.\"")?,
            gates: gates.iter().map(|section| Gate::read(section, kind)).collect::<Result<_, _>>()?,
            shown: shown.iter().map(|section| Shown::read(section, kind)).collect::<Result<_, _>>()?,
            mutations: mutations.iter().map(Mutation::read).collect::<Result<_, _>>()?,
            pictures: pictures.iter().map(|section| Picture::read(section, kind)).collect::<Result<_, _>>()?,
        };
        claims.each_once(&gates)?;
        claims.each_broken(&gates, &mutations)?;
        Ok(claims)
    }

    fn each_once(&self, sections: &[Section<'_>]) -> Result<(), ExperimentError> {
        let twice = self
            .gates
            .iter()
            .enumerate()
            .find(|(i, gate)| self.gates[..*i].iter().any(|other| other.claim.name == gate.claim.name));
        match twice {
            Some((i, gate)) => {
                Err(sections[i].error("name", format!("\"{}\" is the name of another gate", gate.claim.name)))
            }
            None => Ok(()),
        }
    }

    /// A gate that nothing breaks may be one that cannot fail.
    fn each_broken(&self, gates: &[Section<'_>], mutations: &[Section<'_>]) -> Result<(), ExperimentError> {
        for (mutation, section) in self.mutations.iter().zip(mutations) {
            if let Some(name) =
                mutation.breaks.iter().find(|name| !self.gates.iter().any(|gate| gate.claim.name == **name))
            {
                let names: Vec<_> = self.gates.iter().map(|gate| gate.claim.name.as_str()).collect();
                return Err(
                    section.error("breaks", format!("there is no gate \"{name}\"; gates: {}", names.join(", ")))
                );
            }
        }
        let broken = |gate: &&Gate| self.mutations.iter().any(|mutation| mutation.breaks.contains(&gate.claim.name));
        match self.gates.iter().zip(gates).find(|(gate, _)| !broken(gate)) {
            Some((gate, section)) => {
                let message = format!(
                    "no [[validation.mutation]] breaks \"{}\", so nobody knows whether it can fail",
                    gate.claim.name
                );
                Err(section.error("name", message))
            }
            None => Ok(()),
        }
    }
}

impl Claim {
    fn read(section: &Section<'_>, kind: Kind) -> Result<Claim, ExperimentError> {
        let (metric, dimension) = metric(section, kind, false)?;
        let unit = unit(section, dimension)?;
        Ok(Claim {
            name: section.require("name", "name = \"mean-queue\"")?,
            what: section.get("what")?.unwrap_or_else(|| metric.text.clone()),
            filter: filter(section)?,
            metric,
            unit,
            expected: expected(section, dimension)?,
            peers: peers(section)?,
        })
    }

    /// The figures of the peers, from least to most.
    pub fn peers_range(&self) -> Option<Interval> {
        let figures = || self.peers.iter().map(|(_, figure)| *figure);
        Some(Interval { least: figures().reduce(f64::min)?, most: figures().reduce(f64::max)? })
    }
}

impl Gate {
    fn read(section: &Section<'_>, kind: Kind) -> Result<Gate, ExperimentError> {
        let claim = Claim::read(section, kind)?;
        let band = band(section)?;
        if !matches!(band, Band::Within(..)) && claim.expected.is_none() && claim.peers.is_empty() {
            let message =
                "there is nothing for the band to be around; expected \"expected\", \"peers\" or band = [least, most]";
            return Err(section.error("metric", message));
        }
        let reason = section.require("reason", "reason = \"why this band\"")?;
        Ok(Gate { claim, band, reason, differs: section.get("differs")? })
    }
}

impl Shown {
    fn read(section: &Section<'_>, kind: Kind) -> Result<Shown, ExperimentError> {
        Ok(Shown { claim: Claim::read(section, kind)?, reason: section.get("reason")? })
    }
}

impl Mutation {
    fn read(section: &Section<'_>) -> Result<Mutation, ExperimentError> {
        let set: Vec<String> = section.get_or("set", Vec::new())?;
        let controller: Option<String> = section.get("controller")?;
        if set.is_empty() && controller.is_none() {
            return Err(section.missing("set", "set = [\"network.rate=9Gbit/s\"], or a controller"));
        }
        let parsed = set.iter().map(|text| Override::parse(text)).collect::<Result<_, _>>();
        let written = controller.iter().map(|spec| format!("controller = {spec}")).chain(set.iter().cloned());
        Ok(Mutation {
            name: section.require("name", "name = \"links of 9 Gbit/s\"")?,
            breaks: section.require("breaks", "breaks = [\"mean-queue\"]")?,
            written: written.collect(),
            set: parsed.map_err(|error| section.error("set", error))?,
            controller,
            why: section.require("why", "why = \"a link that sends too slowly\"")?,
        })
    }
}

impl Picture {
    fn read(section: &Section<'_>, kind: Kind) -> Result<Picture, ExperimentError> {
        let x: Option<String> = section.get("x")?;
        let (metric, dimension) = metric(section, kind, x.is_none())?;
        let log: Vec<String> = section.get_or("log", Vec::new())?;
        if let Some(axis) = log.iter().find(|axis| !["x", "y"].contains(&axis.as_str())) {
            return Err(section.error("log", format!("there is no axis \"{axis}\"; expected \"x\" and \"y\"")));
        }
        let formulas: Vec<String> = section.get_or("formulas", Vec::new())?;
        let formulas = formulas.iter().map(|name| formula(section, "formulas", name, dimension));
        let name: String = section.require("name", "name = \"queue\"")?;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(
                section.error("name", format!("\"{name}\" is part of a file's name; expected letters, digits and '-'"))
            );
        }
        Ok(Picture {
            name,
            title: section.require("title", "title = \"The queue over time\"")?,
            filter: filter(section)?,
            unit: unit(section, dimension)?,
            metric,
            x,
            x_label: section.get("x_label")?,
            y_label: section.get("y_label")?,
            log: ["x", "y"].map(|axis| log.iter().any(|word| word == axis)),
            formulas: formulas.collect::<Result<_, _>>()?,
        })
    }
}

fn metric(section: &Section<'_>, kind: Kind, drawn: bool) -> Result<(Metric, Dimension), ExperimentError> {
    let text: String = section.require("metric", "metric = \"bottleneck.utilization\"")?;
    let of_figure = |found: Result<Dimension, String>| found.map(|dimension| (What::Summary(text.clone()), dimension));
    let parsed = match kind {
        Kind::Experiment => What::parse(&text, drawn).map(|what| {
            let dimension = what.dimension();
            (what, dimension)
        }),
        Kind::Queueing => of_figure(queueing::dimension(&text)),
        Kind::Recording => of_figure(recording::dimension(&text)),
    };
    let (what, dimension) = parsed.map_err(|error| section.error("metric", error))?;
    let instant = |key| -> Result<Option<Span>, ExperimentError> { section.get(key) };
    let metric = Metric {
        what,
        queue: section.get("queue")?,
        group: section.get("group")?,
        from: instant("from")?,
        until: instant("until")?,
        text,
    };
    Ok((metric, dimension))
}

fn unit(section: &Section<'_>, dimension: Dimension) -> Result<Unit, ExperimentError> {
    let name: String = section.require("unit", "unit = \"ms\", or unit = \"\" for a ratio")?;
    Unit::parse(&name, dimension).map_err(|error| section.error("unit", error))
}

fn filter(section: &Section<'_>) -> Result<Filter, ExperimentError> {
    let fields = section.fields("where")?;
    Ok(fields.into_iter().map(|(key, value)| (key.to_owned(), value.to_json())).collect())
}

fn expected(section: &Section<'_>, dimension: Dimension) -> Result<Option<Expected>, ExperimentError> {
    if !section.has("expected") {
        return Ok(None);
    }
    match section.get::<String>("expected") {
        Ok(name) => {
            Ok(name.map(|name| formula(section, "expected", &name, dimension)).transpose()?.map(Expected::Formula))
        }
        Err(_) => Ok(section.get("expected")?.map(Expected::Number)),
    }
}

fn formula(
    section: &Section<'_>,
    key: &str,
    name: &str,
    dimension: Dimension,
) -> Result<&'static Formula, ExperimentError> {
    let formula = Formula::named(name).map_err(|error| section.error(key, error))?;
    match formula.dimension == dimension {
        true => Ok(formula),
        false => {
            Err(section.error(key, format!("the formula \"{name}\" gives another kind of quantity than the metric")))
        }
    }
}

fn peers(section: &Section<'_>) -> Result<Vec<(String, f64)>, ExperimentError> {
    let fields = section.fields("peers")?;
    let figure = |(name, value): (&str, &Value)| match value {
        Value::Integer(n) => Ok((name.to_owned(), *n as f64)),
        Value::Float(x) if x.is_finite() => Ok((name.to_owned(), *x)),
        other => Err(section.error("peers", format!("expected a number for \"{name}\", found {}", other.kind()))),
    };
    fields.into_iter().map(figure).collect()
}

fn band(section: &Section<'_>) -> Result<Band, ExperimentError> {
    const KINDS: [&str; 5] = ["band", "relative", "absolute", "factor", "confidence"];
    let given: Vec<&str> = KINDS.into_iter().filter(|kind| section.has(kind)).collect();
    let [kind] = given[..] else {
        let message = format!("{} bands are given; expected one of: {}", given.len(), KINDS.join(", "));
        return Err(section.error(given.first().copied().unwrap_or("metric"), message));
    };
    if kind == "band" {
        let ends: Vec<f64> = section.get("band")?.unwrap_or_default();
        return match ends[..] {
            [least, most] if least <= most => Ok(Band::Within(least, most)),
            _ => Err(section.error("band", "expected [least, most], two numbers of which the first is no larger")),
        };
    }
    let value: f64 = section.get_or(kind, 0.0)?;
    let (fits, band, range) = match kind {
        "relative" => (value > 0.0, Band::Relative(value), "above 0, such as 0.05 for 5 %"),
        "absolute" => (value >= 0.0, Band::Absolute(value), "of at least 0"),
        "factor" => (value > 1.0, Band::Factor(value), "above 1"),
        _ => (value > 0.5 && value < 1.0, Band::Confidence(value), "above 0.5 and below 1, such as 0.999"),
    };
    if fits {
        Ok(band)
    } else {
        Err(section.error(kind, format!("{value} is no such band; expected a number {range}")))
    }
}
