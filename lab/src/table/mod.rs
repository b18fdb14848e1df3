//! The table on the terminal: one line for each run.

use std::collections::BTreeSet;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::results::{Run, Summary};

/// Width of a table that goes to a file or a pipe, where nobody says how wide it may be.
pub const PLAIN_WIDTH: u16 = 80;
/// With fewer columns than up to this rank, a line says too little.
const FEWEST_RANKS: usize = 2;
/// Narrower than this, a run's figures stand below one another.
const NARROW: u16 = 60;

/// A column: its heading in two lines, and what stands in it.
struct Column {
    heading: [&'static str; 2],
    text: fn(&Run) -> String,
    /// Where the table is too wide, the column with the largest number goes first.
    rank: u8,
}

const COLUMNS: &[Column] = &[
    Column { heading: ["queue", "p99"], rank: 0, text: |run| span(run.bottleneck.queue_delay.p99) },
    Column { heading: ["drops", "%"], rank: 1, text: |run| part(run.bottleneck.dropped_packets, run) },
    Column { heading: ["marks", "%"], rank: 5, text: |run| part(run.bottleneck.marked_packets, run) },
    Column { heading: ["used", "%"], rank: 4, text: |run| percent(run.bottleneck.utilization) },
    Column { heading: ["goodput", "bit/s"], rank: 6, text: |run| of_flows(run, rate(run.flows.goodput)) },
    Column {
        heading: ["flow", "p99"],
        rank: 8,
        text: |run| counted(run.flows.completion.count, run.flows.completion.p99),
    },
    Column { heading: ["time-", "outs"], rank: 9, text: |run| of_flows(run, run.flows.timeouts.to_string()) },
    Column { heading: ["iter.", "median"], rank: 3, text: |run| iteration(run) },
    Column { heading: ["slow-", "down"], rank: 2, text: |run| slowdown(run) },
    Column { heading: ["late", "%"], rank: 7, text: late },
    Column { heading: ["speed", "Mpkt/s"], rank: 10, text: |run| speed(run) },
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
    for most in (FEWEST_RANKS..COLUMNS.len()).rev() {
        let columns: Vec<&Column> = telling.iter().copied().filter(|column| usize::from(column.rank) <= most).collect();
        let text = side_by_side(summary, &keys, &columns);
        if fits(&text, width) {
            return text;
        }
    }
    below_one_another(summary, &keys, &telling)
}

pub(crate) fn fits(text: &str, width: u16) -> bool {
    text.lines().all(|line| line.chars().count() <= usize::from(width))
}

fn side_by_side(summary: &Summary, keys: &Keys, columns: &[&Column]) -> String {
    let headings = columns.iter().map(|column| column.heading.join("\n"));
    let rows = summary.runs.iter().map(|run| {
        let texts = columns.iter().map(|column| (column.text)(run));
        keys.texts(run).into_iter().chain(texts).collect()
    });
    grid(keys.headings().into_iter().chain(headings).collect(), rows.collect(), &[0])
}

/// Rows below their headings, two blanks between columns; the columns `left` begin at the left, the others end at the right.
pub(crate) fn grid(headings: Vec<String>, rows: Vec<Vec<String>>, left: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let columns = headings.len();
    table.set_header(headings);
    table.add_rows(rows);
    for index in 0..columns {
        let alignment = if left.contains(&index) { CellAlignment::Left } else { CellAlignment::Right };
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
            text += &format!("  {:<14}{:>12}\n", column.heading.join(" ").replace("- ", ""), (column.text)(run));
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

/// Of a run in real time: events that came too late, with a mark if there were too many.
fn late(run: &Run) -> String {
    let mark = |valid| if valid { "" } else { "!" };
    run.real_time.as_ref().map_or_else(String::new, |real| percent(real.late_share) + mark(real.valid))
}

/// A value of an axis without JSON's quotes.
pub(crate) fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `1 run`, `2 runs`.
pub(crate) fn so_many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn part(packets: u64, run: &Run) -> String {
    match run.bottleneck.offered_packets {
        0 => String::new(),
        offered => percent(packets as f64 / offered as f64),
    }
}

/// In percent, which the heading says.
pub(crate) fn percent(part: f64) -> String {
    match part * 100.0 {
        0.0 => "0".to_owned(),
        percent if percent < 0.01 => "<0.01".to_owned(),
        percent if percent < 10.0 => format!("{percent:.2}"),
        percent => format!("{percent:.1}"),
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
    // Beside programs a job is not run alone, so there is nothing to hold it against.
    let jobs = jobs.filter(|job| job.slowdown_alone > 0.0);
    jobs.map(|job| format!("{:.2}x", job.slowdown_alone)).collect::<Vec<_>>().join(" ")
}

/// Where programs bring the traffic there may be no flow of burstlab's own, and nothing to say of them.
fn of_flows(run: &Run, text: String) -> String {
    if run.flows.count == 0 { String::new() } else { text }
}

fn speed(run: &Run) -> String {
    match run.wall {
        _ if run.data_packets == 0 => String::new(),
        0 => String::new(),
        wall => format!("{:.2}", run.data_packets as f64 / wall as f64 * 1e3),
    }
}

/// A time to three digits: a table is for comparing, summary.json for exact figures.
pub(crate) fn span(ns: u64) -> String {
    three_digits(ns as f64, &[(1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns")])
}

/// In bit/s, which the heading says.
fn rate(bits: u64) -> String {
    three_digits(bits as f64, &[(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")])
}

pub(crate) fn three_digits(value: f64, units: &[(f64, &str)]) -> String {
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
