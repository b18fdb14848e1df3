//! The page: Markdown, the same bytes from the same figures.

use std::fmt::Write as _;

use super::IMAGES;
use super::claims::{Claim, Claims, Expected};
use super::picture;
use super::report::{Broken, EntryReport, GateReport, Report, Row};
use super::run::Measured;
use super::unit::number;

/// The whole page; `before` and `after` stand around the entries.
pub(super) fn page(measured: &[Measured], report: &Report, before: &str, after: &str) -> String {
    let mut page = String::from(
        "<!-- Made by `burstlab validate --out docs/src` from experiments/validation; changes here are lost. -->\n\n# Validation\n\n",
    );
    page += before.trim_end();
    page += if before.is_empty() { "" } else { "\n\n" };
    page += &overview(measured, report);
    for (measured, report) in measured.iter().zip(&report.entries) {
        page += &entry(measured, report);
    }
    if !after.is_empty() {
        page += "\n";
        page += after.trim_end();
        page += "\n";
    }
    page
}

fn overview(measured: &[Measured], report: &Report) -> String {
    let gates = || report.entries.iter().flat_map(|entry| &entry.gates);
    let (count, failures) = (gates().count(), report.failures());
    let mut text = match failures.is_empty() {
        true => format!("All {count} gates hold, and each was seen to fail when something was broken on purpose.\n\n"),
        false => {
            let lines: Vec<String> = failures.iter().map(|failure| format!("- {failure}")).collect();
            format!("**{} of {count} gates fail:**\n\n{}\n\n", failing(report), lines.join("\n"))
        }
    };
    text += "| entry | held against | gates | differs from its source in |\n|---|---|---|---|\n";
    for (measured, report) in measured.iter().zip(&report.entries) {
        let claims = &measured.entry.claims;
        let held = report.gates.iter().filter(|gate| gate.rows.iter().all(|row| row.holds)).count();
        let differs: Vec<&str> =
            claims.gates.iter().filter(|gate| gate.differs.is_some()).map(|gate| gate.claim.what.as_str()).collect();
        let differs = if differs.is_empty() { "nothing".to_owned() } else { differs.join("; ") };
        let held = if held == report.gates.len() {
            format!("{held} hold")
        } else {
            format!("**{held} of {} hold**", report.gates.len())
        };
        let _ = writeln!(
            text,
            "| [{}](#{}) | {} | {held} | {} |",
            claims.title,
            anchor(&claims.title),
            cell(&claims.source),
            cell(&differs)
        );
    }
    text
}

fn failing(report: &Report) -> usize {
    let fails =
        |gate: &&GateReport| gate.rows.iter().any(|row| !row.holds) || gate.broken.iter().any(|broken| !broken.failed);
    report.entries.iter().flat_map(|entry| &entry.gates).filter(fails).count()
}

/// As mdbook makes one of a heading.
fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn entry(measured: &Measured, report: &EntryReport) -> String {
    let (entry, claims) = (&measured.entry, &measured.entry.claims);
    let read = if claims.read { "read at the source" } else { "from memory, not read at the source" };
    let mut text = format!("\n## {}\n\n{}\n\n", claims.title, claims.question.trim());
    let _ = writeln!(text, "Held against: {} ({read}).\n", claims.source.trim_end_matches('.'));
    let _ = writeln!(text, "```console\n$ burstlab validate {}\n```\n", entry.name);
    text += claims.text.trim();
    text += "\n\n";
    text += &figures(claims, report);
    for picture in &claims.pictures {
        let _ = writeln!(
            text,
            "![{}]({IMAGES}/{})\n\n*{}*\n",
            cell(&picture.title),
            picture::file(measured, picture),
            picture.title
        );
    }
    text += &reasons(claims);
    text += &broken(claims, report);
    let _ = writeln!(text, "<small>{}</small>", entry.stamp());
    text
}

/// Gates, and what is only shown.
fn figures(claims: &Claims, report: &EntryReport) -> String {
    let all = || claims.gates.iter().map(|gate| &gate.claim).chain(claims.shown.iter().map(|shown| &shown.claim));
    let mut peers: Vec<&str> = Vec::new();
    for name in all().flat_map(|claim| &claim.peers).map(|(name, _)| name.as_str()) {
        if !peers.contains(&name) {
            peers.push(name);
        }
    }
    let expects = all().any(|claim| claim.expected.is_some());
    let heads = ["", "run"].into_iter().chain(peers.iter().copied()).chain(expects.then_some("expected"));
    let heads: Vec<&str> = heads.chain(["burstlab", "band", "holds"]).collect();
    let mut text = format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    let gates = claims
        .gates
        .iter()
        .zip(&report.gates)
        .map(|(gate, report)| (&gate.claim, gate.band.described(), &report.rows, true));
    let shown = claims.shown.iter().zip(&report.shown).map(|(shown, report)| (&shown.claim, None, &report.rows, false));
    for (claim, how, rows, gate) in gates.chain(shown) {
        for row in rows {
            let mut cells = vec![cell(&what(claim)), cell(&row.run)];
            cells.extend(peers.iter().map(|peer| {
                claim.peers.iter().find(|(name, _)| name == peer).map(|(_, figure)| number(*figure)).unwrap_or_default()
            }));
            if expects {
                cells.push(row.expected.map(number).unwrap_or_default());
            }
            cells.push(row.measured.map_or("none".to_owned(), number));
            cells.push(band(row, how.as_deref(), gate));
            cells.push(
                if !gate {
                    ""
                } else if row.holds {
                    "yes"
                } else {
                    "**no**"
                }
                .to_owned(),
            );
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    text.push('\n');
    text
}

fn what(claim: &Claim) -> String {
    match claim.unit.name {
        "" => claim.what.clone(),
        name => format!("{}, {name}", claim.what),
    }
}

fn band(row: &Row, how: Option<&str>, gate: bool) -> String {
    match (row.least, row.most, how) {
        (Some(least), Some(most), Some(how)) => format!("{} to {} ({how})", number(least), number(most)),
        (Some(least), Some(most), None) => format!("{} to {}", number(least), number(most)),
        _ if gate => "none".to_owned(),
        _ => "shown".to_owned(),
    }
}

/// Why each band, what is expected by which formula, and what differs.
fn reasons(claims: &Claims) -> String {
    let mut text = String::from("Bands, and why:\n\n");
    let mut said: Vec<(String, Vec<&str>)> = Vec::new();
    for gate in &claims.gates {
        let differs = gate.differs.as_ref().map(|why| format!(" **Differs**: {}", sentence(why))).unwrap_or_default();
        let why = format!("{}{differs}{}", sentence(&gate.reason), formula(&gate.claim));
        push(&mut said, why, &gate.claim.what);
    }
    for shown in &claims.shown {
        let why = shown.reason.as_ref().map(|why| sentence(why)).unwrap_or_default();
        let why = format!("{why}{}", formula(&shown.claim));
        if !why.is_empty() {
            push(&mut said, why, &shown.claim.what);
        }
    }
    for (why, whats) in said {
        let _ = writeln!(text, "- {}: {why}", whats.join("; "));
    }
    text.push('\n');
    text
}

/// What holds for several gates is said once.
fn push<'a>(said: &mut Vec<(String, Vec<&'a str>)>, why: String, what: &'a str) {
    match said.iter_mut().find(|(known, _)| *known == why) {
        Some((_, whats)) => whats.push(what),
        None => said.push((why, vec![what])),
    }
}

fn formula(claim: &Claim) -> String {
    match claim.expected {
        Some(Expected::Formula(formula)) => format!(" Expected: `{}` ({}).", formula.text, formula.source),
        _ => String::new(),
    }
}

fn sentence(text: &str) -> String {
    let text = text.trim().trim_end_matches('.').split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{text}.")
}

fn broken(claims: &Claims, report: &EntryReport) -> String {
    if report.gates.iter().all(|gate| gate.broken.is_empty()) {
        return String::new();
    }
    let mut text = String::from(
        "Broken on purpose, to see the gates fail:\n\n| broken | gate | measured then | band | failed |\n|---|---|---|---|---|\n",
    );
    for mutation in &claims.mutations {
        let about = format!(
            "{}: `{}`; {}",
            mutation.name,
            mutation.written.join("`, `"),
            mutation.why.trim().trim_end_matches('.')
        );
        let mut about = cell(&about);
        for gate in &report.gates {
            for Broken { row, failed, .. } in gate.broken.iter().filter(|broken| broken.mutation == mutation.name) {
                let run = if row.run.is_empty() { String::new() } else { format!(" ({})", cell(&row.run)) };
                let measured = row.measured.map_or("none".to_owned(), number);
                let failed = if *failed { "yes" } else { "**no**" };
                let unit = if gate.unit.is_empty() { String::new() } else { format!(", {}", gate.unit) };
                let _ = writeln!(
                    text,
                    "| {about} | {}{unit}{run} | {measured} | {} | {failed} |",
                    cell(&gate.what),
                    band(row, None, true)
                );
                about.clear();
            }
        }
    }
    text.push('\n');
    text
}

/// Text that fits into one cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_of_the_book() {
        assert_eq!(anchor("M/D/1: waiting, at 3 loads"), "md1-waiting-at-3-loads");
    }

    #[test]
    fn what_several_gates_have_in_common_is_said_once() {
        let mut said = Vec::new();
        push(&mut said, "why.".to_owned(), "a");
        push(&mut said, "why.".to_owned(), "b");
        push(&mut said, "other.".to_owned(), "c");
        assert_eq!(said, [("why.".to_owned(), vec!["a", "b"]), ("other.".to_owned(), vec!["c"])]);
    }
}
