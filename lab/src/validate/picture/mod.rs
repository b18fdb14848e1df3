//! The pictures of entries.

mod scale;
mod svg;

use super::claims::Picture;
use super::entry::{Case, fits, position};
use super::metric::{Ran, Signal, What};
use super::run::{Measured, Observed};
use super::{PREFIX, ValidateError};
use crate::table::plain;
use svg::{COLOURS, Chart, Line, Style};

/// Every picture with the name of its file.
pub(super) fn all(measured: &[Measured]) -> Result<Vec<(String, String)>, ValidateError> {
    let of_entry = |measured: &Measured| {
        let pictures = measured.entry.claims.pictures.iter();
        pictures.map(|picture| Ok((file(measured, picture), svg::draw(&chart(measured, picture)?)))).collect::<Vec<_>>()
    };
    measured.iter().flat_map(of_entry).collect()
}

/// The name of a picture's file.
pub(super) fn file(measured: &Measured, picture: &Picture) -> String {
    format!("{PREFIX}{}-{}.svg", measured.entry.name, picture.name)
}

fn chart(measured: &Measured, picture: &Picture) -> Result<Chart, ValidateError> {
    let cases: Vec<usize> = (0..measured.variant.cases.len())
        .filter(|i| fits(&picture.filter, &measured.variant.cases[*i].labels))
        .collect();
    let unit = match picture.unit.name {
        "" => String::new(),
        name => format!(", {name}"),
    };
    let (lines, x_label) = match &picture.x {
        Some(axis) => (over_axis(measured, picture, axis, &cases)?, picture.x_label.clone().unwrap_or(axis.clone())),
        None => (over_time(measured, picture, &cases)?, picture.x_label.clone().unwrap_or("time, ms".to_owned())),
    };
    let y_label = format!("{}{unit}", described(picture));
    Ok(Chart { title: picture.title.clone(), x_label, y_label, log: picture.log, lines })
}

fn described(picture: &Picture) -> String {
    picture.y_label.clone().unwrap_or_else(|| match &picture.metric.what {
        What::Series(Signal::Queue, None) => "queue".to_owned(),
        What::Series(Signal::Window, None) => "congestion window".to_owned(),
        What::Series(Signal::Rate, None) => "delivery rate".to_owned(),
        What::Series(Signal::Rtt, None) => "smoothed round-trip time".to_owned(),
        What::Series(Signal::Inner(name), None) => name.clone(),
        _ => picture.metric.text.clone(),
    })
}

/// A line for each run, and theory as levels.
fn over_time(measured: &Measured, picture: &Picture, cases: &[usize]) -> Result<Vec<Line>, ValidateError> {
    let mut lines = Vec::new();
    for (colour, case) in cases.iter().enumerate() {
        let label = label(measured, cases, *case, None);
        let points = series(measured, picture, *case)?;
        let ends = points.first().zip(points.last()).map(|(first, last)| [first.0, last.0]);
        lines.push(Line { label: label.clone(), points, style: Style::Solid, colour });
        for (i, formula) in picture.formulas.iter().enumerate() {
            let Ok(value) = formula.value(measured.parameters_of(*case)) else { continue };
            let level = picture.unit.of(value);
            let points = ends.map(|ends| ends.map(|at| (at, level)).to_vec()).unwrap_or_default();
            let of = if label.is_empty() || label == "burstlab" { String::new() } else { format!(", {label}") };
            let colour = if cases.len() == 1 { 1 + i } else { colour };
            lines.push(Line { label: format!("{}{of}", formula.text), points, style: Style::Dashed, colour });
        }
    }
    Ok(lines)
}

fn series(measured: &Measured, picture: &Picture, case: usize) -> Result<Vec<(f64, f64)>, ValidateError> {
    let (Some(Observed::Cell(result, setting)), Case::Cell(cell)) =
        (&measured.observed[case], &measured.variant.cases[case].case)
    else {
        return Ok(Vec::new());
    };
    let points = picture.metric.series(Ran { cell, setting: setting.as_ref(), result });
    let points = points.map_err(|message| measured.entry.error(&format!("\"{}\"", picture.name), message))?;
    Ok(points.into_iter().map(|(at, value)| (at as f64 / 1e6, picture.unit.of(value))).collect())
}

/// A point for each run; one colour for all that differ in `axis` alone, and theory as curves of that colour.
fn over_axis(measured: &Measured, picture: &Picture, axis: &str, cases: &[usize]) -> Result<Vec<Line>, ValidateError> {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for case in cases {
        let label = label(measured, cases, *case, Some(axis));
        match groups.iter_mut().find(|(known, _)| *known == label) {
            Some((_, members)) => members.push(*case),
            None => groups.push((label, vec![*case])),
        }
    }
    let mut lines: Vec<Line> = Vec::new();
    let mut curves: Vec<Line> = Vec::new();
    for (colour, (label, members)) in groups.iter().enumerate() {
        let place = |case: &usize| position(&measured.variant.cases[*case].labels[axis]).unwrap_or(f64::NAN);
        let mut points = Vec::new();
        for case in members {
            points.push((place(case), value(measured, picture, *case)?));
        }
        lines.push(Line { label: label.clone(), points, style: Style::Points, colour });
        for (i, formula) in picture.formulas.iter().enumerate() {
            let value = |case: &usize| formula.value(measured.parameters_of(*case)).ok();
            let mut points: Vec<_> =
                members.iter().filter_map(|case| Some((place(case), picture.unit.of(value(case)?)))).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            // What is the same for several groups is one curve, of a colour that none of them has.
            if !curves.iter().any(|curve| curve.label == formula.text && curve.points == points) {
                let colour = if groups.len() == 1 { colour + 1 + i } else { COLOURS - 1 - i % COLOURS };
                curves.push(Line { label: formula.text.to_owned(), points, style: Style::Dashed, colour });
            }
        }
    }
    lines.extend(curves);
    Ok(lines)
}

fn value(measured: &Measured, picture: &Picture, case: usize) -> Result<f64, ValidateError> {
    let fault = |message| measured.entry.error(&format!("\"{}\"", picture.name), message);
    let value = match (&measured.observed[case], &measured.variant.cases[case].case) {
        (Some(Observed::Cell(result, setting)), Case::Cell(cell)) => {
            picture.metric.of(Ran { cell, setting: setting.as_ref(), result }).map_err(fault)?
        }
        (Some(Observed::Figures(figures)), _) => figures.get(&picture.metric.text).map(|figure| figure.value),
        _ => None,
    };
    Ok(value.map_or(f64::NAN, |value| picture.unit.of(value)))
}

/// What tells a run from the others of the picture, but for `axis`.
fn label(measured: &Measured, cases: &[usize], case: usize, axis: Option<&str>) -> String {
    let labels = |case: usize| &measured.variant.cases[case].labels;
    let differs = |key: &str| cases.iter().any(|other| labels(*other).get(key) != labels(case).get(key));
    let told = labels(case).iter().filter(|(key, _)| Some(key.as_str()) != axis && differs(key));
    let words: Vec<String> = told
        .map(|(key, value)| match key.as_str() {
            "controller" => plain(value),
            _ => format!("{key} = {}", plain(value)),
        })
        .collect();
    if words.is_empty() { "burstlab".to_owned() } else { words.join(", ") }
}
