//! Results as a comparison needs them: the runs, and what real time said about each.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Error;
use crate::results::{Provenance, ReadError, Run, Summary};

/// Where a run in simulated time ran.
const VIRTUAL: &str = "virtual";

/// Results of one folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// The folder, or its summary.json.
    pub path: PathBuf,
    /// The experiment's name.
    pub name: String,
    /// Whether all of its cells ran.
    pub complete: bool,
    /// What they were made with and from.
    pub provenance: Provenance,
    /// The runs.
    pub runs: Vec<Measured>,
}

/// A run, and whether the clock was kept in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measured {
    /// The run.
    pub run: Run,
    /// What real time said; absent in virtual time.
    pub real_time: Option<RealTime>,
}

/// How well a run in real time kept to the clock, as far as a comparison asks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct RealTime {
    /// Whether events were on time, so that the figures can be trusted.
    pub valid: bool,
    /// Part of the events that were late.
    pub late_share: f64,
    /// What to do about it, if there is something to do.
    pub advice: Option<String>,
}

/// Results that do not say so are not known to be bad.
impl Default for RealTime {
    fn default() -> RealTime {
        RealTime { valid: true, late_share: 0.0, advice: None }
    }
}

/// Of a summary.json, what real time said of each run.
#[derive(Deserialize)]
struct Clocks {
    runs: Vec<Clock>,
}

#[derive(Deserialize)]
struct Clock {
    #[serde(default)]
    real_time: Option<RealTime>,
}

impl Measured {
    /// Whether it ran in simulated time.
    pub fn is_virtual(&self) -> bool {
        self.run.on == VIRTUAL
    }

    /// Whether its figures can be trusted.
    pub fn is_valid(&self) -> bool {
        self.real_time.as_ref().is_none_or(|real_time| real_time.valid)
    }
}

impl Results {
    /// Reads the folder `path`, or the summary.json that it names.
    ///
    /// # Errors
    /// If there are no results, or what is there is none.
    pub fn read(path: &Path) -> Result<Results, Error> {
        let file = if path.is_dir() { path.join(Summary::FILE) } else { path.to_owned() };
        let name = || file.display().to_string();
        let text = std::fs::read_to_string(&file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::NoResults { path: path.to_owned() },
            _ => ReadError::Io { path: name(), error }.into(),
        })?;
        let summary = Summary::parse(&text).map_err(|message| ReadError::Content { path: name(), message })?;
        if summary.runs.is_empty() {
            return Err(Error::NoRuns { path: path.to_owned() });
        }
        let clocks: Clocks = serde_json::from_str(&text)
            .map_err(|error| ReadError::Content { path: name(), message: format!("real_time: {error}") })?;
        let runs = summary.runs.into_iter().zip(clocks.runs);
        let runs = runs.map(|(run, clock)| Measured { run, real_time: clock.real_time });
        Ok(Results {
            path: path.to_owned(),
            name: summary.name,
            complete: summary.complete,
            provenance: summary.provenance,
            runs: runs.collect(),
        })
    }

    /// Of these results, the runs that were (`on_virtual`) or were not made in simulated time.
    pub fn runs_on(&self, on_virtual: bool) -> Vec<&Measured> {
        self.runs.iter().filter(|run| run.is_virtual() == on_virtual).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(real_time: &str) -> Result<RealTime, serde_json::Error> {
        serde_json::from_str(real_time)
    }

    #[test]
    fn runs_that_do_not_say_that_they_are_bad_are_good() {
        assert_eq!(read("{}").unwrap(), RealTime::default());
        let more = r#"{ "valid": true, "lateness": { "p99": 5 }, "allowed": 1000, "advice": null, "late_share": 0.0 }"#;
        assert_eq!(read(more).unwrap(), RealTime::default());
        let late = read(r#"{ "valid": false, "late_share": 0.25, "advice": "lower network.rate" }"#).unwrap();
        let run = Measured { real_time: Some(late), ..Measured::default() };
        assert!(!run.is_valid() && Measured::default().is_valid());
    }
}
