//! The page of the book.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::table::{Part, Row, Table, Verdict};

const HEAD: &str = "\
# Conformance

What the RFCs ask of a TCP, sentence by sentence, and which test holds it. Each MUST, MUST NOT, SHOULD and SHOULD NOT
has a row (REQUIRED and SHALL count as MUST, RECOMMENDED as SHOULD; what is only allowed is left out), in our own words.
A test that stands here fails if the stack breaks the sentence. Sentences that a stack inside a simulator has no use for
say why. What the stack does not do as asked says so.

This page is made from `tests/conformance/rfc*.toml` and the `// holds:` comments beside the tests;
`cargo run -p burstlab-tests --bin conformance` writes it, and a test fails when it is stale. CONTRIBUTING.md tells how
to add to it.

";

/// The whole page.
pub fn write(table: &Table) -> String {
    let mut page = HEAD.to_owned();
    summarize(&mut page, table);
    for part in &table.parts {
        let rfc = &part.rfc;
        let link = format!("https://www.rfc-editor.org/rfc/rfc{}", rfc.number);
        let _ = write!(page, "\n## RFC {}: {}\n\n[The RFC]({link}). {}\n\n", rfc.number, rfc.title, rfc.note);
        page.push_str("| Sentence | Section | Level | What it asks for | Held by |\n|---|---|---|---|---|\n");
        part.rows.iter().for_each(|row| page.push_str(&line(part, row)));
    }
    page
}

fn summarize(page: &mut String, table: &Table) {
    page.push_str("| RFC | Sentences | Held by tests | Does not apply | Does not hold |\n|---|---|---|---|---|\n");
    let mut sums = [0; 4];
    for part in &table.parts {
        let counts = count(part);
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        let [all, held, not_applicable, not_held] = counts;
        let (number, title) = (part.rfc.number, &part.rfc.title);
        let _ = writeln!(page, "| {number}, {title} | {all} | {held} | {not_applicable} | {not_held} |");
    }
    let [all, held, not_applicable, not_held] = sums;
    let _ = writeln!(page, "| **All** | **{all}** | **{held}** | **{not_applicable}** | **{not_held}** |");
}

fn count(part: &Part) -> [usize; 4] {
    let of = |wanted: fn(&Verdict) -> bool| part.rows.iter().filter(|row| wanted(&row.verdict)).count();
    [
        part.rows.len(),
        of(|verdict| matches!(verdict, Verdict::Held(_))),
        of(|verdict| matches!(verdict, Verdict::NotApplicable(_))),
        of(|verdict| matches!(verdict, Verdict::NotHeld(_))),
    ]
}

fn line(part: &Part, row: &Row) -> String {
    let verdict = match &row.verdict {
        Verdict::Held(tests) => tests.iter().map(link).collect::<Vec<_>>().join("<br>"),
        Verdict::NotApplicable(reason) => format!("Does not apply: {}", cell(reason)),
        Verdict::NotHeld(reason) => format!("**Does not hold:** {}", cell(reason)),
    };
    let statement = &row.statement;
    let (name, level) = (part.rfc.name(statement), statement.level.word());
    format!("| {} | {} | {level} | {} | {verdict} |\n", cell(&name), cell(&statement.section), cell(&statement.text))
}

fn link((path, test): &(String, String)) -> String {
    format!("[{test}](../../{path})")
}

/// A bar would end the cell, and a line's end the row.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// The rows in which two pages differ, by name; the text around the tables counts as one.
pub fn differences(old: &str, fresh: &str) -> String {
    let (before, after): (BTreeSet<&str>, BTreeSet<&str>) = (old.lines().collect(), fresh.lines().collect());
    let names: BTreeSet<&str> = before.symmetric_difference(&after).map(|line| name(line)).collect();
    if names.is_empty() { "the order of lines".to_owned() } else { names.into_iter().collect::<Vec<_>>().join(", ") }
}

fn name(line: &str) -> &str {
    match line.strip_prefix("| RFC") {
        Some(_) => line[2..].split(" | ").next().unwrap_or(line),
        None if line.starts_with('|') => "the summary",
        None => "the text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::small;

    #[test]
    fn the_summary_counts_each_verdict() {
        let page = write(&small(&[("one", "RFC7 1")]).0);
        assert!(page.contains("| 7, Small | 3 | 1 | 1 | 1 |\n| **All** | **3** | **1** | **1** | **1** |"), "{page}");
    }

    #[test]
    fn rows_link_to_the_files_of_their_tests() {
        let page = write(&small(&[("one", "RFC7 1"), ("other", "RFC7 1")]).0);
        assert!(page.contains("| RFC7 1 | 1 | MUST | one | [one](../../a/b.rs)<br>[other](../../a/b.rs) |"), "{page}");
        assert!(page.contains("| three \\| four | **Does not hold:** not yet |"), "{page}");
    }

    #[test]
    fn a_page_that_differs_names_its_rows() {
        let (old, fresh) = (write(&small(&[("one", "RFC7 1")]).0), write(&small(&[("two", "RFC7 1")]).0));
        assert_eq!(differences(&old, &fresh), "RFC7 1");
        assert_eq!(differences(&old, &old.replace("# Conformance", "# Other")), "the text");
    }
}
