//! The table on the terminal: one line for each run.

use std::collections::BTreeSet;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::results::{Run, Summary};

/// Width of a table that goes to a file or a pipe, where nobody says how wide it may be.
pub const PLAIN_WIDTH: u16 = 80;
/// Narrower than this, a run's figures stand below one another.
const NARROW: u16 = 60;

/// A column: its heading, in words short enough for 80 columns, and what stands in it.
struct Column {
    heading: &'static str,
    /// The first to go where the table is too wide has the largest number.
    rank: u8,
    text: fn(&Run) -> String,
}

const COLUMNS: &[Column] = &[
    Column { heading: "p99 queue", rank: 0, text: |run| span(run.bottleneck.queue_delay.p99) },
    Column { heading: "drops", rank: 0, text: |run| part(run.bottleneck.dropped_packets, run) },
    Column { heading: "marks", rank: 2, text: |run| part(run.bottleneck.marked_packets, run) },
    Column { heading: "util", rank: 1, text: |run| percent(run.bottleneck.utilization) },
    Column { heading: "goodput", rank: 2, text: |run| rate(run.flows.goodput) },
    Column { heading: "flow p99", rank: 4, text: |run| counted(run.flows.completion.count, run.flows.completion.p99) },
    Column { heading: "timeouts", rank: 5, text: |run| run.flows.timeouts.to_string() },
    Column { heading: "iteration", rank: 0, text: |run| iteration(run) },
    Column { heading: "slowdown", rank: 0, text: |run| slowdown(run) },
    Column { heading: "Mpkt/s", rank: 3, text: |run| speed(run) },
];

/// The runs of `summary` as a table that is at most `width` columns wide.
///
/// Columns that say nothing in any run are left out; where the rest is too wide, the less telling ones go first, and on a
/// very narrow terminal a run's figures stand below one another.
pub fn render(summary: &Summary, width: u16) -> String {
    let keys = Keys::of(&summary.runs);
    let telling: Vec<&Column> =
        COLUMNS.iter().filter(|column| summary.runs.iter().any(|run| !(column.text)(run).is_empty())).collect();
    if width < NARROW {
        return below_one_another(summary, &keys, &telling);
    }
    for rank in (0..=5).rev() {
        let columns: Vec<&Column> = telling.iter().copied().filter(|column| column.rank <= rank).collect();
        let text = side_by_side(summary, &keys, &columns);
        if fits(&text, width) {
            return text;
        }
    }
    below_one_another(summary, &keys, &telling)
}

fn fits(text: &str, width: u16) -> bool {
    text.lines().all(|line| line.chars().count() <= usize::from(width))
}

fn side_by_side(summary: &Summary, keys: &Keys, columns: &[&Column]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let headings = columns.iter().map(|column| column.heading.to_owned());
    table.set_header(keys.headings().into_iter().chain(headings).collect::<Vec<_>>());
    for run in &summary.runs {
        table.add_row(keys.texts(run).into_iter().chain(columns.iter().map(|column| (column.text)(run))));
    }
    for index in 0..keys.headings().len() + columns.len() {
        let alignment = if index == 0 { CellAlignment::Left } else { CellAlignment::Right };
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(alignment);
            column.set_padding((0, 2));
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn below_one_another(summary: &Summary, keys: &Keys, columns: &[&Column]) -> String {
    let mut text = String::new();
    for run in &summary.runs {
        let named = keys.headings().into_iter().zip(keys.texts(run));
        let heading: Vec<_> = named.map(|(name, value)| format!("{name} {value}")).collect();
        text += &format!("{}\n", heading.join(", "));
        for column in columns {
            text += &format!("  {:<10}{:>12}\n", column.heading, (column.text)(run));
        }
    }
    text
}

/// What tells the runs apart.
struct Keys {
    stack: bool,
    copies: bool,
    seed: bool,
    axes: BTreeSet<String>,
}

impl Keys {
    fn of(runs: &[Run]) -> Keys {
        let differ = |by: fn(&Run) -> String| runs.iter().map(by).collect::<BTreeSet<_>>().len() > 1;
        Keys {
            stack: differ(|run| run.stack.clone()),
            copies: differ(|run| run.copies.to_string()),
            seed: differ(|run| run.seed.to_string()),
            axes: runs.iter().flat_map(|run| run.axes.keys().cloned()).collect(),
        }
    }

    fn headings(&self) -> Vec<String> {
        let mut headings = vec!["controller".to_owned()];
        headings.extend(self.stack.then(|| "stack".to_owned()));
        headings.extend(self.copies.then(|| "copies".to_owned()));
        headings.extend(self.seed.then(|| "seed".to_owned()));
        // The last part of a key is what differs, and short.
        headings.extend(self.axes.iter().map(|axis| axis.rsplit('.').next().unwrap_or(axis).to_owned()));
        headings
    }

    fn texts(&self, run: &Run) -> Vec<String> {
        let mut texts = vec![run.controller.clone()];
        texts.extend(self.stack.then(|| run.stack.clone()));
        texts.extend(self.copies.then(|| run.copies.to_string()));
        texts.extend(self.seed.then(|| run.seed.to_string()));
        texts.extend(self.axes.iter().map(|axis| run.axes.get(axis).map_or_else(String::new, plain)));
        texts
    }
}

/// A value of an axis without JSON's quotes.
pub(crate) fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn part(packets: u64, run: &Run) -> String {
    match run.bottleneck.offered_packets {
        0 => String::new(),
        offered => percent(packets as f64 / offered as f64),
    }
}

fn percent(part: f64) -> String {
    match part * 100.0 {
        0.0 => "0%".to_owned(),
        percent if percent < 0.01 => "<0.01%".to_owned(),
        percent if percent < 10.0 => format!("{percent:.2}%"),
        percent => format!("{percent:.1}%"),
    }
}

fn counted(count: u64, ns: u64) -> String {
    if count == 0 { String::new() } else { span(ns) }
}

fn iteration(run: &Run) -> String {
    let jobs = run.jobs.iter().filter(|job| job.iteration.count > 0);
    jobs.map(|job| span(job.iteration.p50)).collect::<Vec<_>>().join(" ")
}

fn slowdown(run: &Run) -> String {
    let jobs = run.jobs.iter().filter(|job| job.iteration.count > 0);
    jobs.map(|job| format!("{:.2}x", job.slowdown_alone)).collect::<Vec<_>>().join(" ")
}

fn speed(run: &Run) -> String {
    match run.wall {
        0 => String::new(),
        wall => format!("{:.2}", run.data_packets as f64 / wall as f64 * 1e3),
    }
}

/// A time to three digits: a table is for comparing, summary.json for exact figures.
pub(crate) fn span(ns: u64) -> String {
    three_digits(ns as f64, &[(1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns")])
}

fn rate(bits: u64) -> String {
    three_digits(bits as f64, &[(1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"), (1.0, "bit/s")])
}

fn three_digits(value: f64, units: &[(f64, &str)]) -> String {
    // 999.5 of a unit rounds to 1000, which is 1 of the next.
    let fitting = units.iter().find(|(scale, _)| value >= scale * 0.9995).or(units.last());
    let Some((scale, unit)) = fitting else { return value.to_string() };
    match value / scale {
        0.0 => format!("0 {unit}"),
        _ if *scale == 1.0 => format!("{value:.0} {unit}"),
        x if x < 9.995 => format!("{x:.2} {unit}"),
        x if x < 99.95 => format!("{x:.1} {unit}"),
        x => format!("{x:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests;
