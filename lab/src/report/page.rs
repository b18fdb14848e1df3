//! The report's document: everything that the page shows, ready to draw.

use serde::Serialize;

use super::distributions::{self, Distribution};
use super::error::Error;
use super::facets::{self, Axis, Facets, Line};
use super::headline;
use super::input::Directory;
use super::lines::{self, Picture};
use super::metrics::{self, Metric};
use super::recording::{self, Node};
use super::thin::rounded;
use super::timelines::{Flow, Queue, Timelines};
use crate::results::{Provenance, Run};
use crate::table::so_many;

/// What the page shows. Its JSON is private between here and `assets/report.js`.
#[derive(Serialize)]
pub struct Page {
    pub title: String,
    pub headline: String,
    pub warnings: Vec<String>,
    controllers: Vec<String>,
    axis: Axis,
    lines: Vec<Line>,
    pictures: Vec<Picture>,
    metrics: Vec<Metric>,
    runs: Vec<RunOfPage>,
    distributions: Vec<Distribution>,
    queues: Vec<Queue>,
    flows: Vec<Flow>,
    recordings: Vec<Node>,
    directories: Vec<DirectoryOfPage>,
}

#[derive(Serialize)]
struct RunOfPage {
    label: String,
    controller: usize,
    line: usize,
    /// Where on the axis it lies.
    position: usize,
    /// In the order of [`Page::metrics`].
    values: Vec<Option<f64>>,
}

#[derive(Serialize)]
struct DirectoryOfPage {
    name: String,
    path: String,
    complete: bool,
    provenance: Provenance,
    runs: usize,
    /// In ns.
    wall: u64,
    data_packets: u64,
}

/// Prepares the report of `directories`.
pub fn assemble(directories: Vec<Directory>) -> Result<Page, Error> {
    let names = names(&directories);
    let mut distributions = Vec::new();
    let mut timelines = Timelines::default();
    let mut first_run = 0;
    for directory in &directories {
        distributions.extend(distributions::read(directory, first_run)?);
        timelines.extend(Timelines::read(directory, first_run)?);
        first_run += directory.summary.runs.len();
    }
    timelines.thin();
    let recordings = recording::read(&directories)?;
    let facets = Facets::new(&directories, &names);
    let runs: Vec<&Run> = directories.iter().flat_map(|directory| &directory.summary.runs).collect();
    let pictures: Vec<Picture> =
        lines::COMPARED.iter().filter_map(|metric| lines::picture(metric, &facets, &runs)).collect();
    Ok(Page {
        title: title(&directories),
        headline: headline::sentences(&facets, &pictures, &runs, &recordings).join(" "),
        warnings: warnings(&directories, &names, &facets, &runs),
        metrics: metrics::ALL.into_iter().filter(|metric| runs.iter().any(|run| (metric.of)(run).is_some())).collect(),
        runs: runs.iter().enumerate().map(|(index, run)| run_of_page(index, run, &runs, &facets)).collect(),
        directories: directories.iter().zip(&names).map(|(directory, name)| of_page(directory, name)).collect(),
        controllers: facets.controllers,
        axis: facets.axis,
        lines: facets.lines,
        pictures,
        distributions,
        queues: timelines.queues,
        flows: timelines.flows,
        recordings,
    })
}

/// The directories' last components, or their full paths where these are not all different.
fn names(directories: &[Directory]) -> Vec<String> {
    let short: Vec<String> = directories
        .iter()
        .map(|directory| {
            directory.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
        })
        .collect();
    let usable = facets::distinct(&short).len() == short.len() && short.iter().all(|name| !name.is_empty());
    if usable { short } else { directories.iter().map(|directory| directory.path.display().to_string()).collect() }
}

fn title(directories: &[Directory]) -> String {
    let names: Vec<String> = directories.iter().map(|directory| directory.summary.name.clone()).collect();
    facets::distinct(&names).join(" \u{b7} ")
}

fn warnings(directories: &[Directory], names: &[String], facets: &Facets, runs: &[&Run]) -> Vec<String> {
    let incomplete =
        directories.iter().zip(names).filter(|(directory, _)| !directory.summary.complete).map(|(d, name)| {
            format!(
                "{name} is incomplete: it holds the {} that had ended when the experiment was interrupted, or it is \
             still running.",
                so_many(d.summary.runs.len(), "run")
            )
        });
    let empty = directories.iter().zip(names).filter(|(directory, _)| directory.summary.runs.is_empty());
    let empty = empty.map(|(_, name)| format!("{name} holds no runs."));
    let silent = runs.iter().zip(&facets.labels).filter(|(run, _)| run.data_packets == 0);
    let silent = silent.map(|(_, label)| format!("The run {label} delivered no data: its numbers mean nothing."));
    let distrusted = runs.iter().zip(&facets.labels).filter_map(|(run, label)| Some((label, run.distrust()?)));
    let distrusted = distrusted.map(|(label, why)| format!("The run {label}: {why}."));
    incomplete.chain(empty).chain(silent).chain(distrusted).collect()
}

fn run_of_page(index: usize, run: &Run, runs: &[&Run], facets: &Facets) -> RunOfPage {
    let line = facets.line_of_run[index];
    let shown = metrics::ALL.iter().filter(|metric| runs.iter().any(|run| (metric.of)(run).is_some()));
    RunOfPage {
        label: facets.labels[index].clone(),
        controller: facets.lines[line].controller,
        line,
        position: facets.axis.of_run[index],
        values: shown.map(|metric| (metric.of)(run).map(rounded)).collect(),
    }
}

fn of_page(directory: &Directory, name: &str) -> DirectoryOfPage {
    let runs = &directory.summary.runs;
    DirectoryOfPage {
        name: name.to_owned(),
        path: directory.path.display().to_string(),
        complete: directory.summary.complete,
        provenance: directory.summary.provenance.clone(),
        runs: runs.len(),
        wall: runs.iter().map(|run| run.wall).sum(),
        data_packets: runs.iter().map(|run| run.data_packets).sum(),
    }
}
