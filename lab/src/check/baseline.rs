use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Tolerances;
use crate::results::{ReadError, Run, SCHEMA, Summary};

/// A baseline: runs to be held against, and how far a metric may be from them.
///
/// A results folder's summary.json is one too, without tolerances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Version of the layout, that of summary.json.
    pub schema: u32,
    /// The experiment's name.
    pub name: String,
    /// Tolerances by metric, as `--tolerance` takes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tolerances: BTreeMap<String, String>,
    /// The runs.
    pub runs: Vec<Run>,
}

impl Baseline {
    /// Of the results in `summary`.
    pub fn of(summary: &Summary, tolerances: &Tolerances) -> Baseline {
        Baseline {
            schema: SCHEMA,
            name: summary.name.clone(),
            tolerances: tolerances.written(),
            runs: summary.runs.clone(),
        }
    }

    /// Reads a baseline file or a summary.json.
    ///
    /// # Errors
    /// If it cannot be read, is not JSON, or is neither.
    pub fn read(path: &Path) -> Result<Baseline, ReadError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| ReadError::Io { path: name.clone(), error })?;
        Baseline::parse(&text).map_err(|message| ReadError::Content { path: name, message })
    }

    /// Reads the text of a baseline file or a summary.json.
    ///
    /// # Errors
    /// A sentence on what is wrong with it.
    pub fn parse(text: &str) -> Result<Baseline, String> {
        crate::results::parse_schema(text, "a baseline")
    }

    /// The baseline as it is written to a file.
    ///
    /// # Errors
    /// None in practice: what was read can be written.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}
