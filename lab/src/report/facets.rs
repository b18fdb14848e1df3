//! What tells the runs of a report apart: which of their settings vary, which of these is the horizontal axis, and which
//! runs belong to one line.

use serde::Serialize;

use super::input::Directory;
use crate::experiment::REPEAT_AXIS;
use crate::results::Run;
use crate::table::plain;

/// A setting, with its value in each run.
#[derive(Clone, Debug)]
struct Facet {
    name: String,
    values: Vec<String>,
}

/// The horizontal axis of the pictures that compare runs.
#[derive(Debug, Serialize)]
pub struct Axis {
    pub label: String,
    /// Where each value lies on the axis.
    pub positions: Vec<f64>,
    /// How each value is written.
    pub ticks: Vec<String>,
    /// Of each run, which of the positions is its own.
    pub of_run: Vec<usize>,
}

/// What tells runs of the same apart.
const REPETITIONS: [&str; 2] = ["seed", REPEAT_AXIS];

/// A line of the comparing pictures: runs that differ along the axis (and by repetition) only.
#[derive(Debug, Serialize)]
pub struct Line {
    pub label: String,
    /// Index into [`Facets::controllers`].
    pub controller: usize,
    /// Tells lines of one controller apart, from 0.
    pub variant: usize,
}

/// The runs of all directories, one after the other, and how they group.
#[derive(Debug)]
pub struct Facets {
    pub axis: Axis,
    pub controllers: Vec<String>,
    pub lines: Vec<Line>,
    /// The line of each run.
    pub line_of_run: Vec<usize>,
    /// A name of each run that no other run has, unless their settings are the same.
    pub labels: Vec<String>,
}

impl Facets {
    /// Groups the runs of `directories`; `names` are the directories' names in the report.
    pub fn new(directories: &[Directory], names: &[String]) -> Facets {
        let runs: Vec<&Run> = directories.iter().flat_map(|directory| &directory.summary.runs).collect();
        let controller: Vec<String> = runs.iter().map(|run| run.controller.clone()).collect();
        let controllers = distinct(&controller);
        let varying = varying(directories, names, &runs);
        let horizontal = horizontal(&varying);
        let axis = axis(horizontal, &controllers, &controller);
        let is_horizontal = |facet: &&Facet| horizontal.is_some_and(|horizontal| horizontal.name == facet.name);
        let apart: Vec<&Facet> = varying.iter().filter(|facet| !is_horizontal(facet)).collect();
        let along: Vec<&Facet> = varying.iter().filter(is_horizontal).collect();
        let without_seed: Vec<&Facet> =
            apart.iter().copied().filter(|facet| !REPETITIONS.contains(&facet.name.as_str())).collect();
        let line_label = |run: usize| label(run, &controller, &[], &without_seed);
        let line_labels: Vec<String> = (0..runs.len()).map(line_label).collect();
        let labels = (0..runs.len()).map(|run| label(run, &controller, &along, &apart)).collect();
        let (lines, line_of_run) = lines(&line_labels, &controller, &controllers);
        Facets { axis, controllers, lines, line_of_run, labels }
    }
}

/// Such as `dctcp, 8 jobs [smoltcp, seed 7]`: brackets, so that several labels can stand in one sentence.
fn label(run: usize, controller: &[String], along: &[&Facet], apart: &[&Facet]) -> String {
    let written = |facets: &[&Facet]| facets.iter().map(|facet| facet.written(run)).collect::<Vec<_>>().join(", ");
    let mut label = controller[run].clone();
    if !along.is_empty() {
        label += &format!(", {}", written(along));
    }
    if !apart.is_empty() {
        label += &format!(" [{}]", written(apart));
    }
    label
}

impl Facet {
    /// The value as it stands in a run's label.
    fn written(&self, run: usize) -> String {
        let value = &self.values[run];
        match self.name.as_str() {
            "copies" if value == "1" => "1 job".to_owned(),
            "copies" => format!("{value} jobs"),
            "stack" | "on" | "directory" => value.clone(),
            REPEAT_AXIS => format!("repeat {value}"),
            name => format!("{name} {value}"),
        }
    }

    fn numbers(&self) -> Option<Vec<f64>> {
        self.values.iter().map(|value| value.parse().ok().filter(|number: &f64| number.is_finite())).collect()
    }
}

/// The settings other than the controller that are not the same in all runs.
fn varying(directories: &[Directory], names: &[String], runs: &[&Run]) -> Vec<Facet> {
    let of_runs = |name: &str, value: &dyn Fn(&Run) -> String| Facet {
        name: name.to_owned(),
        values: runs.iter().map(|run| value(run)).collect(),
    };
    let mut facets = vec![
        of_runs("controller", &|run| run.controller.clone()),
        of_runs("copies", &|run| run.copies.to_string()),
        of_runs("stack", &|run| run.stack.clone()),
        of_runs("on", &|run| run.on.clone()),
    ];
    let axes = distinct(&runs.iter().flat_map(|run| run.axes.keys().cloned()).collect::<Vec<_>>());
    facets.extend(axes.iter().map(|axis| of_runs(axis, &|run| run.axes.get(axis).map_or(String::new(), plain))));
    facets.push(of_runs("seed", &|run| run.seed.to_string()));
    let directory = directories
        .iter()
        .zip(names)
        .flat_map(|(directory, name)| std::iter::repeat_n(name.clone(), directory.summary.runs.len()));
    facets.push(Facet { name: "directory".to_owned(), values: directory.collect() });

    let mut varying: Vec<Facet> = Vec::new();
    for facet in facets {
        // An axis may repeat what a field of the run already says, as `job.copies` does.
        let repeats = varying.iter().any(|other| other.values == facet.values);
        if distinct(&facet.values).len() > 1 && (!repeats || facet.name == "directory") {
            varying.push(facet);
        }
    }
    varying.retain(|facet| facet.name != "controller");
    varying
}

/// The facet that spans the axis: the copies, else the numeric setting with the most values, else any other setting.
fn horizontal(varying: &[Facet]) -> Option<&Facet> {
    let settings = || {
        varying.iter().filter(|facet| {
            let name = facet.name.as_str();
            !REPETITIONS.contains(&name) && !matches!(name, "directory" | "stack" | "on")
        })
    };
    let widest = |facets: Vec<&'_ Facet>| -> Option<String> {
        let most = facets.iter().map(|facet| distinct(&facet.values).len()).max()?;
        facets.iter().find(|facet| distinct(&facet.values).len() == most).map(|facet| facet.name.clone())
    };
    let name = settings()
        .find(|facet| facet.name == "copies")
        .map(|facet| facet.name.clone())
        .or_else(|| widest(settings().filter(|facet| facet.numbers().is_some()).collect()))
        .or_else(|| widest(settings().collect()))?;
    varying.iter().find(|facet| facet.name == name)
}

/// The axis along `facet`; without one, the controllers side by side.
fn axis(facet: Option<&Facet>, controllers: &[String], controller: &[String]) -> Axis {
    let Some(facet) = facet else {
        return categories("controller", controllers.to_vec(), controller);
    };
    let label = if facet.name == "copies" { "jobs sharing the network" } else { &facet.name };
    let Some(numbers) = facet.numbers() else {
        return categories(label, distinct(&facet.values), &facet.values);
    };
    let mut values = numbers.clone();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let (smallest, largest) = (values[0], values[values.len() - 1]);
    // Doublings, as of copies or of flows, are read best at equal distances.
    let logarithmic = smallest > 0.0 && largest / smallest >= 8.0;
    Axis {
        label: label.to_owned(),
        positions: values.iter().map(|value| if logarithmic { value.log2() } else { *value }).collect(),
        ticks: values.iter().map(f64::to_string).collect(),
        of_run: numbers.iter().map(|number| values.iter().position(|value| value == number).unwrap_or(0)).collect(),
    }
}

fn categories(label: &str, ticks: Vec<String>, of_run: &[String]) -> Axis {
    Axis {
        label: label.to_owned(),
        positions: (0..ticks.len()).map(|position| position as f64).collect(),
        of_run: of_run.iter().map(|value| ticks.iter().position(|tick| tick == value).unwrap_or(0)).collect(),
        ticks,
    }
}

fn lines(labels: &[String], controller: &[String], controllers: &[String]) -> (Vec<Line>, Vec<usize>) {
    let mut lines: Vec<Line> = Vec::new();
    let mut line_of_run = Vec::with_capacity(labels.len());
    for (label, controller) in labels.iter().zip(controller) {
        let known = lines.iter().position(|line| line.label == *label);
        line_of_run.push(known.unwrap_or(lines.len()));
        if known.is_none() {
            let controller = controllers.iter().position(|name| name == controller).unwrap_or(0);
            let variant = lines.iter().filter(|line| line.controller == controller).count();
            lines.push(Line { label: label.clone(), controller, variant });
        }
    }
    (lines, line_of_run)
}

/// The values in the order in which they first appear.
pub fn distinct(values: &[String]) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for value in values {
        if !seen.contains(value) {
            seen.push(value.clone());
        }
    }
    seen
}
