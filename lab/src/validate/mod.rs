//! Holding burstlab against theory, other simulators and recordings: entries with bands, run by `burstlab validate` into
//! a page.
//!
//! An [`Entry`] is an experiment with a table `[validation]`. [`validate`] runs entries, and with them mutations, which
//! break something on purpose to see each gate fail; [`Validated`] tells what held, and makes the page and its pictures.

mod band;
mod claims;
mod entry;
mod formulas;
mod metric;
mod page;
mod picture;
mod progress;
mod report;
mod run;
mod statistics;
mod subject;
#[cfg(test)]
mod tests;
mod unit;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burstlab_algorithms::Registry;

pub(crate) use band::Interval;
pub use entry::Entry;
pub use report::{Broken, EntryReport, GateReport, Report, Row, ShownReport};

use crate::experiment::ExperimentError;
use crate::runner::{RunError, Stop};
use run::Measured;

/// Where entries are, and where the page goes, in this repository.
pub const FOLDER: &str = "experiments/validation";
/// The page.
pub const PAGE: &str = "validation.md";
/// Pictures are below the page's folder.
const IMAGES: &str = "images";
/// What all pictures' names begin with.
const PREFIX: &str = "validation-";

/// Why nothing could be validated.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// An entry is wrong, as an experiment or in its `[validation]`.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// An entry asks for what its runs do not have.
    #[error("{}: {what}: {message}", file.display())]
    Claim {
        /// The entry's file.
        file: PathBuf,
        /// What in it.
        what: String,
        /// What is wrong with it.
        message: String,
    },
    /// There is no such entry.
    #[error("there is no entry \"{0}\"; expected a file, or the name of one in {FOLDER} without its ending")]
    Unknown(String),
    /// The folder of entries cannot be read.
    #[error("cannot read {}: {error}; run burstlab validate in its repository, or name files", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The page cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A run failed, or was stopped.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Entries that were run.
pub struct Validated {
    measured: Vec<Measured>,
    /// What held.
    pub report: Report,
}

/// The files of the entries that `wanted` names, by path or by name below [`FOLDER`]; all of that folder if none is named.
///
/// # Errors
/// If one is not there.
pub fn find(wanted: &[String]) -> Result<Vec<PathBuf>, ValidateError> {
    if wanted.is_empty() {
        return all(Path::new(FOLDER));
    }
    let file = |name: &String| {
        let below = Path::new(FOLDER).join(format!("{name}.toml"));
        match () {
            () if name.ends_with(".toml") => Ok(PathBuf::from(name)),
            () if below.is_file() => Ok(below),
            () => Err(ValidateError::Unknown(name.clone())),
        }
    };
    wanted.iter().map(file).collect()
}

fn all(folder: &Path) -> Result<Vec<PathBuf>, ValidateError> {
    let fault = |error| ValidateError::Folder { path: folder.to_owned(), error };
    let files = std::fs::read_dir(folder).map_err(fault)?.map(|file| file.map(|file| file.path()));
    let mut files = files.collect::<Result<Vec<_>, _>>().map_err(fault)?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}

/// Runs `entries`, and their mutations if `mutate` says so, on `threads` threads.
///
/// # Errors
/// What is wrong with an entry, before anything runs; or why a run failed.
pub fn validate(
    mut entries: Vec<Entry>,
    registry: &Registry,
    mutate: bool,
    threads: NonZeroUsize,
    stop: &Stop,
) -> Result<Validated, ValidateError> {
    entries.sort_by(|a, b| (a.claims.order, &a.name).cmp(&(b.claims.order, &b.name)));
    let measured = run::measure(entries, registry, mutate, threads, stop)?;
    let report = Report::of(&measured)?;
    Ok(Validated { measured, report })
}

impl Validated {
    /// Writes the page and its pictures into the folder `docs`, and takes away pictures that no entry has any more; nothing
    /// of it before all of it was made. What stands in `before.md` and `after.md` beside the entries goes around them.
    ///
    /// # Errors
    /// If something cannot be drawn or written.
    pub fn write(&self, docs: &Path, entries: &Path) -> Result<(), ValidateError> {
        let pictures = picture::all(&self.measured)?;
        let beside = |name: &str| std::fs::read_to_string(entries.join(name)).unwrap_or_default();
        let page = page::page(&self.measured, &self.report, &beside("before.md"), &beside("after.md"));
        let images = docs.join(IMAGES);
        let fault = |path: &Path, error| ValidateError::Write { path: path.to_owned(), error };
        std::fs::create_dir_all(&images).map_err(|error| fault(&images, error))?;
        self.clear(&images, &pictures).map_err(|error| fault(&images, error))?;
        for (name, picture) in &pictures {
            let path = images.join(name);
            crate::results::replace(&path, picture.as_bytes()).map_err(|error| fault(&path, error))?;
        }
        let path = docs.join(PAGE);
        crate::results::replace(&path, page.as_bytes()).map_err(|error| fault(&path, error))
    }

    fn clear(&self, images: &Path, pictures: &[(String, String)]) -> std::io::Result<()> {
        for file in std::fs::read_dir(images)? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            if name.starts_with(PREFIX) && name.ends_with(".svg") && !pictures.iter().any(|(known, _)| *known == name) {
                std::fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }
}
