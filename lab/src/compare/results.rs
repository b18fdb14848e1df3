//! Results as a comparison needs them: which runs there are, and whether they can be trusted.

use std::path::{Path, PathBuf};

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
    pub runs: Vec<Run>,
}

impl Results {
    /// Reads the folder `path`, or the summary.json that it names.
    ///
    /// # Errors
    /// If there are no results, or what is there is none.
    pub fn read(path: &Path) -> Result<Results, Error> {
        let summary = Summary::read(path).map_err(|error| match error {
            ReadError::Io { error, .. } if error.kind() == std::io::ErrorKind::NotFound => {
                Error::NoResults { path: path.to_owned() }
            }
            error => Error::Unreadable(error),
        })?;
        if summary.runs.is_empty() {
            return Err(Error::NoRuns { path: path.to_owned() });
        }
        let Summary { name, complete, provenance, runs, .. } = summary;
        Ok(Results { path: path.to_owned(), name, complete, provenance, runs })
    }

    /// Of these results, the runs that were (`on_virtual`) or were not made in simulated time.
    pub fn runs_on(&self, on_virtual: bool) -> Vec<&Run> {
        self.runs.iter().filter(|run| (run.on == VIRTUAL) == on_virtual).collect()
    }
}

/// Whether the figures of `run` are those of its experiment: it ran to its end, and the machine kept up with it.
pub fn is_valid(run: &Run) -> bool {
    run.incomplete.is_none() && run.real_time.as_ref().is_none_or(|real_time| real_time.valid)
}

/// What is wrong with a run that is not valid, as far as it says so.
pub fn fault(run: &Run) -> Option<String> {
    let broken_off = run.incomplete.as_ref().map(|why| format!("it broke off: {why}"));
    let advice = run.real_time.as_ref().map(|real_time| real_time.advice.clone());
    broken_off.or(advice).filter(|fault| !fault.is_empty())
}
