//! The sentences of the RFCs, read from `rfcNNNN.toml`.

use std::fs;
use std::path::Path;

use serde::Deserialize;

/// How binding a sentence is: the words of RFC 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Level {
    #[serde(rename = "MUST")]
    Must,
    #[serde(rename = "MUST NOT")]
    MustNot,
    #[serde(rename = "SHOULD")]
    Should,
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
}

impl Level {
    /// The word itself. REQUIRED and SHALL count as MUST, RECOMMENDED as SHOULD (RFC 2119, sections 1 and 3).
    pub fn word(self) -> &'static str {
        match self {
            Level::Must => "MUST",
            Level::MustNot => "MUST NOT",
            Level::Should => "SHOULD",
            Level::ShouldNot => "SHOULD NOT",
        }
    }
}

/// One sentence.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Its number within the RFC.
    pub id: String,
    /// The section that it stands in.
    pub section: String,
    pub level: Level,
    /// What it asks for, in our words.
    pub text: String,
    /// Why it has no meaning here.
    pub not_applicable: Option<String>,
    /// How the stack departs from it.
    pub not_held: Option<String>,
}

/// One RFC.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rfc {
    pub number: u32,
    pub title: String,
    /// What the sentences were taken from, and what was left out.
    pub note: String,
    #[serde(rename = "statement")]
    pub statements: Vec<Statement>,
}

impl Rfc {
    /// The name that annotations use.
    pub fn name(&self, statement: &Statement) -> String {
        format!("RFC{} {}", self.number, statement.id)
    }
}

/// All RFCs, by number.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    pub rfcs: Vec<Rfc>,
}

impl Catalogue {
    /// Reads each `rfc*.toml` of `folder`; what cannot be read goes to `problems`.
    pub fn read(folder: &Path, problems: &mut Vec<String>) -> Catalogue {
        let Ok(entries) = fs::read_dir(folder) else {
            problems.push(format!("the folder {} cannot be read", folder.display()));
            return Catalogue::default();
        };
        let mut rfcs = Vec::new();
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let read = fs::read_to_string(&path).map_err(|error| error.to_string());
            match read.and_then(|text| parse(&text)) {
                Ok(rfc) => rfcs.push(rfc),
                Err(error) => problems.push(format!("{}: {error}", path.display())),
            }
        }
        rfcs.sort_by_key(|rfc| rfc.number);
        let catalogue = Catalogue { rfcs };
        catalogue.complain(problems);
        catalogue
    }

    /// What a sentence must not be, whatever the tests say.
    fn complain(&self, problems: &mut Vec<String>) {
        for rfc in &self.rfcs {
            let mut names: Vec<String> = rfc.statements.iter().map(|statement| rfc.name(statement)).collect();
            names.sort();
            for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
                problems.push(format!("{} stands twice in the catalogue", pair[0]));
            }
            for statement in &rfc.statements {
                if statement.id.contains(',') || statement.id.trim() != statement.id || statement.id.is_empty() {
                    problems.push(format!("\"{}\" cannot be the id of a sentence", rfc.name(statement)));
                }
                if statement.not_applicable.is_some() && statement.not_held.is_some() {
                    problems.push(format!("{} has both not_applicable and not_held", rfc.name(statement)));
                }
            }
        }
    }
}

/// One file of the catalogue.
pub fn parse(text: &str) -> Result<Rfc, String> {
    toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub const SMALL: &str = r#"
number = 7
title = "Small"
note = "Made up."
[[statement]]
id = "1"
section = "1"
level = "MUST"
text = "one"
[[statement]]
id = "2 #1"
section = "2"
level = "SHOULD NOT"
text = "two"
not_applicable = "there is none"
[[statement]]
id = "2 #2"
section = "2"
level = "SHOULD"
text = "three | four"
not_held = "not yet"
"#;

    #[test]
    fn a_catalogue_is_read() {
        let rfc = parse(SMALL).unwrap();
        assert_eq!((rfc.number, rfc.statements.len(), rfc.statements[1].level), (7, 3, Level::ShouldNot));
        assert_eq!(rfc.name(&rfc.statements[1]), "RFC7 2 #1");
    }

    #[test]
    fn a_level_that_no_rfc_has_is_refused() {
        let error = parse(&SMALL.replace("\"SHOULD NOT\"", "\"OUGHT\"")).unwrap_err();
        assert!(error.contains("OUGHT"), "{error}");
    }

    #[test]
    fn ids_that_stand_twice_and_two_reasons_are_told() {
        let mut text = SMALL.replace("2 #2", "2 #1");
        text.push_str("not_applicable = \"never\"\n");
        let mut problems = Vec::new();
        Catalogue { rfcs: vec![parse(&text).unwrap()] }.complain(&mut problems);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("stands twice") && problems[1].contains("both"));
    }
}
