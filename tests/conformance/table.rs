//! Which test holds which sentence.

use std::collections::BTreeMap;

use crate::annotations::Annotation;
use crate::catalogue::{Catalogue, Rfc, Statement};

/// What becomes of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// These tests fail if it is broken: path and name of each.
    Held(Vec<(String, String)>),
    /// It has no meaning here, for a reason.
    NotApplicable(String),
    /// The stack departs from it.
    NotHeld(String),
}

/// A sentence and what becomes of it.
#[derive(Debug, Clone)]
pub struct Row {
    pub statement: Statement,
    pub verdict: Verdict,
}

/// The rows of an RFC.
#[derive(Debug, Clone)]
pub struct Part {
    pub rfc: Rfc,
    pub rows: Vec<Row>,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub parts: Vec<Part>,
}

impl Table {
    /// Brings sentences and annotations together. Whatever does not fit goes to `problems`.
    pub fn join(catalogue: Catalogue, annotations: Vec<Annotation>, problems: &mut Vec<String>) -> Table {
        let mut tests: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        let known: Vec<String> =
            catalogue.rfcs.iter().flat_map(|rfc| rfc.statements.iter().map(|s| rfc.name(s))).collect();
        for Annotation { path, line, test, names } in annotations {
            if !known.contains(&names) {
                problems.push(format!("{path}:{line}: no sentence of the catalogue is called \"{names}\""));
                continue;
            }
            let held = tests.entry(names.clone()).or_default();
            if held.contains(&(path.clone(), test.clone())) {
                problems.push(format!("{path}:{line}: {test} names {names} twice"));
            } else {
                held.push((path, test));
            }
        }
        let part = |rfc: Rfc| {
            let row = |statement: &Statement| {
                let name = rfc.name(statement);
                let verdict = judge(statement, tests.get(&name)).map_err(|what| format!("{name} {what}"));
                verdict.map(|verdict| Row { statement: statement.clone(), verdict })
            };
            let (rows, bad): (Vec<_>, Vec<_>) = rfc.statements.iter().map(row).partition(Result::is_ok);
            problems.extend(bad.into_iter().filter_map(Result::err));
            Part { rows: rows.into_iter().filter_map(Result::ok).collect(), rfc }
        };
        Table { parts: catalogue.rfcs.into_iter().map(part).collect() }
    }
}

fn judge(statement: &Statement, tests: Option<&Vec<(String, String)>>) -> Result<Verdict, &'static str> {
    match (tests, &statement.not_applicable, &statement.not_held) {
        (Some(tests), None, None) => Ok(Verdict::Held(tests.clone())),
        (None, Some(reason), _) => Ok(Verdict::NotApplicable(reason.clone())),
        (None, None, Some(reason)) => Ok(Verdict::NotHeld(reason.clone())),
        (None, None, None) => Err("has neither a test nor a reason"),
        (Some(_), ..) => Err("has a test and a reason why there is none"),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::catalogue::parse;
    use crate::catalogue::tests::SMALL;

    pub fn small(held: &[(&str, &str)]) -> (Table, Vec<String>) {
        let annotations = held.iter().map(|(test, names)| Annotation {
            path: "a/b.rs".to_owned(),
            line: 3,
            test: (*test).to_owned(),
            names: (*names).to_owned(),
        });
        let mut problems = Vec::new();
        let catalogue = Catalogue { rfcs: vec![parse(SMALL).unwrap()] };
        (Table::join(catalogue, annotations.collect(), &mut problems), problems)
    }

    #[test]
    fn tests_and_reasons_meet_their_sentences() {
        let (table, problems) = small(&[("one", "RFC7 1"), ("another", "RFC7 1")]);
        assert_eq!(problems, [""; 0]);
        let verdicts: Vec<&Verdict> = table.parts[0].rows.iter().map(|row| &row.verdict).collect();
        assert!(matches!(verdicts[0], Verdict::Held(tests) if tests.len() == 2));
        assert_eq!(verdicts[1], &Verdict::NotApplicable("there is none".to_owned()));
        assert_eq!(verdicts[2], &Verdict::NotHeld("not yet".to_owned()));
    }

    #[test]
    fn a_sentence_without_test_and_reason_is_told() {
        assert_eq!(small(&[]).1, ["RFC7 1 has neither a test nor a reason"]);
    }

    #[test]
    fn a_sentence_with_test_and_reason_is_told() {
        let (_, problems) = small(&[("one", "RFC7 1"), ("two", "RFC7 2 #2")]);
        assert_eq!(problems, ["RFC7 2 #2 has a test and a reason why there is none"]);
    }

    #[test]
    fn a_name_that_nothing_has_is_told_with_file_and_line() {
        let (_, problems) = small(&[("one", "RFC7 1"), ("two", "RFC7 9")]);
        assert_eq!(problems, ["a/b.rs:3: no sentence of the catalogue is called \"RFC7 9\""]);
    }

    #[test]
    fn a_test_that_names_a_sentence_twice_is_told() {
        let (_, problems) = small(&[("one", "RFC7 1"), ("one", "RFC7 1")]);
        assert_eq!(problems, ["a/b.rs:3: one names RFC7 1 twice"]);
    }
}
