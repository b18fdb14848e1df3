//! A comparison on the terminal: a table for each cell, and what they come to.

use super::row::{Row, Verdict};
use super::{Cell, Comparison};
use crate::report::Unit;
use crate::table::{fits, grid, percent, so_many, three_digits};

/// A column: its heading, and what stands in it.
struct Column {
    heading: fn(&Names) -> String,
    text: fn(&Row, &Names) -> String,
    /// Where the table is too wide, the column with the largest number goes first.
    rank: u8,
    left: bool,
}

/// What the two sides are called.
struct Names {
    reference: &'static str,
    real: &'static str,
    tolerance: String,
}

const COLUMNS: &[Column] = &[
    Column { heading: |_| "metric".to_owned(), text: |row, _| row.label.clone(), rank: 0, left: true },
    Column {
        heading: |names| names.reference.to_owned(),
        text: |row, _| value(row.reference, row.unit),
        rank: 0,
        left: false,
    },
    Column {
        heading: |names| names.real.to_owned(),
        text: |row, _| value(row.real.map(|real| real.mean), row.unit),
        rank: 0,
        left: false,
    },
    Column {
        heading: |_| "+-".to_owned(),
        text: |row, _| {
            row.real.and_then(|real| real.standard_deviation).map_or_else(String::new, |s| amount(s, row.unit))
        },
        rank: 3,
        left: false,
    },
    Column {
        heading: |_| "difference".to_owned(),
        text: |row, _| row.difference.map_or_else(String::new, |d| signed(d, row.unit)),
        rank: 4,
        left: false,
    },
    Column {
        heading: |_| "%".to_owned(),
        text: |row, _| row.relative.map_or_else(String::new, relative),
        rank: 0,
        left: false,
    },
    Column { heading: |names| names.tolerance.clone(), text: |row, _| tolerated(row), rank: 2, left: true },
    Column { heading: |_| "verdict".to_owned(), text: |row, names| verdict(row, names), rank: 1, left: true },
];
/// The largest rank.
const RANKS: u8 = 4;
/// Without the columns up to this rank, a line says too little, and each metric takes two.
const FEWEST_RANKS: u8 = 2;

/// What one prints of `comparison` on a terminal of `width` columns. Metrics that are zero on both sides are left out.
pub fn render(comparison: &Comparison, width: u16) -> String {
    let names = Names::of(comparison);
    let blocks: Vec<Vec<&Row>> =
        comparison.cells.iter().map(|cell| cell.metrics.iter().filter(|row| !row.is_zero()).collect()).collect();
    let says = |column: &&Column| blocks.iter().flatten().any(|row| !(column.text)(row, &names).is_empty());
    let telling: Vec<&Column> = COLUMNS.iter().filter(says).collect();
    let tables = (FEWEST_RANKS..=RANKS).rev().find_map(|most| {
        let columns: Vec<&Column> = telling.iter().copied().filter(|column| column.rank <= most).collect();
        let tables: Vec<String> = blocks.iter().map(|rows| side_by_side(rows, &columns, &names)).collect();
        tables.iter().all(|table| fits(table, width)).then_some(tables)
    });
    let tables = tables.unwrap_or_else(|| blocks.iter().map(|rows| below_one_another(rows, &names, width)).collect());
    let mut text = wrapped(&title(comparison), width) + "\n";
    for (cell, table) in comparison.cells.iter().zip(tables) {
        text += &wrapped(&heading(cell, &names), width);
        cell.remarks.iter().for_each(|remark| text += &wrapped(&format!("  {remark}"), width));
        text += &format!("{table}\n");
    }
    epilogue(comparison, &names).iter().for_each(|line| text += &wrapped(line, width));
    text.trim_end().to_owned()
}

impl Names {
    fn of(comparison: &Comparison) -> Names {
        let [reference, real] =
            if comparison.reference.on == comparison.real.on { ["A", "B"] } else { ["virtual", "real"] };
        let tolerance = comparison.tolerance.as_ref().map_or_else(String::new, |tolerance| format!("<= {tolerance}"));
        Names { reference, real, tolerance }
    }
}

fn title(comparison: &Comparison) -> String {
    let Comparison { reference, real, .. } = comparison;
    if reference.on == real.on {
        return format!("{}: A is {}, B is {}", real.name, reference.path, real.path);
    }
    format!("{}: virtual time ({}) and real time ({})", real.name, reference.path, real.path)
}

fn heading(cell: &Cell, names: &Names) -> String {
    let runs = |name: &str, runs: usize| so_many(runs, &format!("{name} run"));
    let mut text = format!(
        "{} ({}, {}",
        cell.key.label(),
        runs(names.reference, cell.reference_runs),
        runs(names.real, cell.real_runs)
    );
    if !cell.valid {
        text += ", invalid";
    }
    text + ")"
}

fn side_by_side(rows: &[&Row], columns: &[&Column], names: &Names) -> String {
    let headings = columns.iter().map(|column| (column.heading)(names)).collect();
    let texts = rows.iter().map(|row| columns.iter().map(|column| (column.text)(row, names)).collect()).collect();
    let left: Vec<usize> = (0..columns.len()).filter(|index| columns[*index].left).collect();
    grid(headings, texts, &left)
}

fn below_one_another(rows: &[&Row], names: &Names, width: u16) -> String {
    let mut text = String::new();
    for row in rows {
        let is_beyond = row.within_tolerance == Some(false);
        let beyond = if is_beyond { format!(", not {}", names.tolerance) } else { String::new() };
        text += &wrapped(&format!("{}: {}{beyond}", row.label, verdict(row, names)), width);
        text += &wrapped(&format!("  {}", both(row, names)), width);
    }
    text
}

/// Both values, and how far apart they are: `virtual 78.3 us, real 79.1 us (+1.0%)`.
fn both(row: &Row, names: &Names) -> String {
    let apart = row.relative.map_or_else(String::new, |part| format!(" ({})", relative(part)));
    let real = value(row.real.map(|real| real.mean), row.unit);
    format!("{} {}, {} {real}{apart}", names.reference, value(row.reference, row.unit), names.real)
}

/// What the tables come to, what they mean, and what to do next.
fn epilogue(comparison: &Comparison, names: &Names) -> Vec<String> {
    let only = |cells: &[String], name: &str| -> Vec<String> {
        cells.iter().map(|cell| format!("only {name}: {cell}")).collect()
    };
    let mut lines = only(&comparison.only_in_reference, names.reference);
    lines.extend(only(&comparison.only_in_real, names.real));
    let shown: Vec<&Row> =
        comparison.cells.iter().flat_map(|cell| &cell.metrics).filter(|row| !row.is_zero()).collect();
    let count = |verdict| shown.iter().filter(|row| row.verdict == verdict).count();
    let (within, differ, alone) = (count(Verdict::WithinNoise), count(Verdict::Differs), count(Verdict::OneRun));
    lines.push(format!(
        "{} of {}: {within} within noise, {differ} beyond, {} without a verdict",
        so_many(shown.len(), "metric"),
        so_many(comparison.cells.len(), "cell"),
        shown.len() - within - differ
    ));
    if within + differ > 0 {
        lines.push(format!(
            "+- is the standard deviation of the {} runs. Within noise is where 95 % of further such runs would lie: of 20 \
             metrics, one lies beyond by chance.",
            names.real
        ));
    }
    if alone > 0 {
        lines.push(
            "One real run shows no noise: for a verdict, run the experiment with --on tun --set run.repeat=5"
                .to_owned(),
        );
    }
    lines.extend(gate(comparison, names));
    lines
}

fn gate(comparison: &Comparison, names: &Names) -> Vec<String> {
    let gated = comparison.cells.iter().flat_map(|cell| &cell.metrics).filter(|row| row.gated).count();
    let (Some(tolerance), 1..) = (&comparison.tolerance, gated) else { return Vec::new() };
    let mut lines = Vec::new();
    for cell in &comparison.cells {
        for row in cell.beyond_the_gate() {
            let why = if cell.valid { "" } else { ", and the runs are invalid" };
            let (cell, row) = (cell.key.label(), format!("{}: {}", row.metric, both(row, names)));
            lines.push(format!("{cell}: {row}; tolerance {tolerance}{why}"));
        }
    }
    let verdict = if comparison.passed { "good" } else { "failed" };
    lines.push(format!("{verdict}: {} gated (*), {} not within {tolerance}", so_many(gated, "metric"), lines.len()));
    lines
}

fn verdict(row: &Row, names: &Names) -> String {
    let text = match (row.verdict, names.real) {
        (Verdict::WithinNoise, _) => "within noise",
        (Verdict::Differs, _) => "differs",
        (Verdict::OneRun, _) => "n/a (one run)",
        (Verdict::OnlyReference, "B") => "A only",
        (Verdict::OnlyReference, _) => "virtual only",
        (Verdict::OnlyReal, "B") => "B only",
        (Verdict::OnlyReal, _) => "real only",
    };
    if row.valid { text.to_owned() } else { format!("{text}, invalid") }
}

fn tolerated(row: &Row) -> String {
    let text = match row.within_tolerance {
        None => "",
        Some(true) => "yes",
        Some(false) => "no",
    };
    // The gated ones are those that count.
    if row.gated { format!("{text} *") } else { text.to_owned() }
}

fn value(value: Option<f64>, unit: Unit) -> String {
    value.map_or_else(|| "-".to_owned(), |value| amount(value, unit))
}

/// A part of the reference with its sign, in percent.
fn relative(part: f64) -> String {
    let text = match part.abs() * 100.0 {
        percent if percent < 99.95 => format!("{percent:.1}%"),
        percent if percent < 9999.5 => format!("{percent:.0}%"),
        _ => return if part > 0.0 { ">9999%".to_owned() } else { "<-9999%".to_owned() },
    };
    with_sign(part, text)
}

/// What rounds to nothing has no sign.
fn with_sign(value: f64, text: String) -> String {
    match text.contains(|c| ('1'..='9').contains(&c)) {
        true if value < 0.0 => format!("-{text}"),
        true => format!("+{text}"),
        false => text,
    }
}

/// A share of one, in percent.
pub fn share(part: f64) -> String {
    format!("{}%", percent(part))
}

fn signed(value: f64, unit: Unit) -> String {
    let text = match unit {
        // Points of a percentage: percent would be open to doubt.
        Unit::Share => format!("{} pt", percent(value.abs())),
        _ => amount(value.abs(), unit),
    };
    with_sign(value, text)
}

/// To three digits, in the unit that fits.
fn amount(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Time => three_digits(value, &[(1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns")]),
        Unit::Rate => three_digits(value, &[(1e9, "Gb/s"), (1e6, "Mb/s"), (1e3, "kb/s"), (1.0, "b/s")]),
        Unit::Share => share(value),
        Unit::Ratio => format!("{value:.3}"),
        Unit::Packets | Unit::Count if value >= 99_999.5 => three_digits(value, &[(1e9, "G"), (1e6, "M"), (1e3, "k")]),
        Unit::Packets | Unit::Count if value.fract() == 0.0 => format!("{value:.0}"),
        Unit::Packets | Unit::Count if value < 9.995 => format!("{value:.2}"),
        Unit::Packets | Unit::Count => format!("{value:.1}"),
    }
}

/// A paragraph in lines of at most `width` columns, as far as its words allow.
fn wrapped(text: &str, width: u16) -> String {
    let indent = " ".repeat(text.len() - text.trim_start().len());
    let (mut lines, mut line) = (String::new(), indent.clone());
    for word in text.split_whitespace() {
        let started = line.len() > indent.len();
        if started && line.chars().count() + 1 + word.chars().count() > usize::from(width) {
            lines += &format!("{line}\n");
            line.clone_from(&indent);
        } else if started {
            line.push(' ');
        }
        line += word;
    }
    format!("{lines}{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_to_three_digits_with_their_unit() {
        for (value, unit, text) in [
            (78_310.4, Unit::Time, "78.3 us"),
            (0.0, Unit::Time, "0 ns"),
            (9.412e9, Unit::Rate, "9.41 Gb/s"),
            (0.01234, Unit::Share, "1.23%"),
            (0.00001, Unit::Share, "<0.01%"),
            (1.23456, Unit::Ratio, "1.235"),
            (12.0, Unit::Packets, "12"),
            (12.34, Unit::Packets, "12.3"),
            (3_456_789.5, Unit::Packets, "3.46 M"),
        ] {
            assert_eq!(amount(value, unit), text);
        }
        assert_eq!(signed(-1_500.0, Unit::Time), "-1.50 us");
        assert_eq!(signed(0.012, Unit::Share), "+1.20 pt");
        assert_eq!([0.0234, -0.5, 12.0, 1e9].map(relative), ["+2.3%", "-50.0%", "+1200%", ">9999%"]);
        assert_eq!((signed(-1e-9, Unit::Ratio), relative(-1e-9)), ("0.000".to_owned(), "0.0%".to_owned()));
    }

    #[test]
    fn a_paragraph_keeps_its_indentation_and_its_words() {
        assert_eq!(wrapped("  one two three", 9), "  one two\n  three\n");
        assert_eq!(wrapped("incomprehensibility", 5), "incomprehensibility\n");
    }
}
