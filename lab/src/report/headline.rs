//! The result in a few sentences, worded from the data.

use super::facets::Facets;
use super::humanise::{list, percent, ratio, time};
use super::lines::Picture;
use super::metrics::{LOSS, P99_QUEUE_DELAY, SLOWDOWN_ALONE, SLOWDOWN_IDEAL, dropped};
use super::recording::Node;
use crate::results::Run;

/// The window length over which the seed paper (arXiv 2401.00329) gives the peak-to-mean ratio of training traffic: 5 ms.
const PAPER_TAU: u64 = 5_000_000;

/// The value of a line, under the line's name.
type Named = (String, f64);

/// The sentences, in order; empty where nothing was measured.
pub fn sentences(facets: &Facets, pictures: &[Picture], runs: &[&Run], recordings: &[Node]) -> Vec<String> {
    let heaviest = |metric: &str| pictures.iter().find(|p| p.metric == metric).map(|p| at_heaviest(facets, p));
    let mut sentences = Vec::new();
    if let Some(delays) = heaviest(P99_QUEUE_DELAY.key) {
        sentences.push(delay_sentence(facets, &delays));
        sentences.extend(pictures.iter().find(|p| p.metric == P99_QUEUE_DELAY.key).and_then(|p| lightest(facets, p)));
    }
    sentences.extend(heaviest(LOSS.key).map(|losses| loss_sentence(&losses)));
    if runs.iter().any(|run| dropped(run) > run.bottleneck.dropped_packets) {
        sentences.push("Other queues than the bottleneck dropped packets too.".to_owned());
    }
    let alone = heaviest(SLOWDOWN_ALONE.key).map(|slowdowns| (slowdowns, "alone on the network"));
    let slowdown = alone.or_else(|| heaviest(SLOWDOWN_IDEAL.key).map(|slowdowns| (slowdowns, "in the ideal")));
    sentences.extend(slowdown.map(|(slowdowns, than)| slowdown_sentence(&slowdowns, than)));
    sentences.extend(recording_sentence(recordings));
    sentences
}

/// Each line's value at its last position: under the most jobs, or whatever else the axis counts up to.
fn at_heaviest(facets: &Facets, picture: &Picture) -> Vec<Named> {
    let lines = || facets.lines.iter().zip(&picture.lines);
    let last = lines().filter_map(|(_, points)| points.mean.iter().rposition(Option::is_some)).max().unwrap_or(0);
    let value = |mean: &[Option<f64>]| match compares_controllers(facets) {
        true => mean.iter().flatten().last().copied(),
        false => mean[last],
    };
    lines().filter_map(|(line, points)| Some((line.label.clone(), value(&points.mean)?))).collect()
}

fn compares_controllers(facets: &Facets) -> bool {
    facets.axis.label == "controller"
}

fn delay_sentence(facets: &Facets, delays: &[Named]) -> String {
    let setting = setting(facets, facets.axis.ticks.len() - 1);
    let (least, most) = extremes(delays);
    let [(name, _)] = delays else {
        if least == most {
            return capitalised(&format!("{setting}the p99 queueing delay was {} in every case.", time(least)));
        }
        let factor = if least > 0.0 { format!(", {} times that", ratio(most / least)) } else { String::new() };
        return format!(
            "{setting}{} kept p99 queueing delay lowest, at {}; under {} it was highest, at {}{factor}.",
            list(&holders(delays, least)),
            time(least),
            list(&holders(delays, most)),
            time(most),
        );
    };
    capitalised(&format!("{setting}the p99 queueing delay under {name} was {}.", time(least)))
}

/// What the other end of the axis looks like, for comparison.
fn lightest(facets: &Facets, picture: &Picture) -> Option<String> {
    if compares_controllers(facets) || facets.axis.ticks.len() < 2 {
        return None;
    }
    let most = picture
        .lines
        .iter()
        .filter_map(|points| points.mean[0])
        .fold(None, |most: Option<f64>, value| Some(most.map_or(value, |most| most.max(value))))?;
    Some(format!("{}it was {} at most.", setting(facets, 0), time(most)))
}

fn loss_sentence(losses: &[Named]) -> String {
    let share = |(name, loss): &Named| format!("{} under {name}", percent(*loss));
    let mut lost: Vec<String> = losses.iter().filter(|(_, loss)| *loss > 0.0).map(share).collect();
    let kept = list(&holders(losses, 0.0));
    let Some(first) = lost.first_mut() else { return "The bottleneck dropped no packet.".to_owned() };
    *first = first.replacen(" under", " of the packets under", 1);
    let lost = list(&lost);
    if kept.is_empty() {
        format!("The bottleneck dropped {lost}.")
    } else {
        format!("The bottleneck dropped {lost}; none under {kept}.")
    }
}

fn slowdown_sentence(slowdowns: &[Named], than: &str) -> String {
    let (least, most) = extremes(slowdowns);
    if least == most {
        return format!("An iteration took {} {than}.", as_long(least));
    }
    format!(
        "An iteration took {} {than} under {}, and {} times under {}.",
        as_long(least),
        list(&holders(slowdowns, least)),
        ratio(most),
        list(&holders(slowdowns, most)),
    )
}

fn as_long(times: f64) -> String {
    match ratio(times).as_str() {
        "1" => "as long as".to_owned(),
        times => format!("{times} times as long as"),
    }
}

fn recording_sentence(recordings: &[Node]) -> Option<String> {
    let trace = &recordings.first()?.trace;
    let of_trace: Vec<(&str, f64)> = recordings
        .iter()
        .filter(|node| node.trace == *trace)
        .filter_map(|node| Some((node.node.as_str(), node.ptm_at(PAPER_TAU)?)))
        .collect();
    let together = of_trace.iter().find(|(node, _)| *node == "all").map(|(_, ptm)| ratio(*ptm));
    let single = of_trace.iter().filter(|(node, _)| *node != "all").max_by(|a, b| a.1.total_cmp(&b.1));
    let single = single.map(|(node, ptm)| format!("{} times for what {node} sends", ratio(*ptm)));
    let parts: Vec<String> =
        together.map(|ptm| format!("{ptm} times for all nodes together")).into_iter().chain(single).collect();
    (!parts.is_empty())
        .then(|| format!("In the recording itself, the peak rate over 5\u{a0}ms exceeds the mean {}.", list(&parts)))
}

/// The beginning of a sentence that says where on the axis it holds.
fn setting(facets: &Facets, position: usize) -> String {
    let axis = &facets.axis;
    let tick = &axis.ticks[position];
    match axis.label.as_str() {
        "controller" if axis.ticks.len() > 1 => "Of the controllers, ".to_owned(),
        "controller" => String::new(),
        "jobs sharing the network" if tick == "1" => "With one job alone, ".to_owned(),
        "jobs sharing the network" => format!("With {tick} jobs sharing the network, "),
        label => format!("At {label} {tick}, "),
    }
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn extremes(named: &[Named]) -> (f64, f64) {
    let values = || named.iter().map(|(_, value)| *value);
    (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
}

fn holders(named: &[Named], value: f64) -> Vec<String> {
    named.iter().filter(|(_, of)| *of == value).map(|(name, _)| name.clone()).collect()
}
