//! Why a report could not be made.

use std::path::PathBuf;

use crate::results::ReadError;

/// Why a report could not be made; each message is a sentence that names the file at fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No results directory was given.
    #[error("a report needs at least one results directory, as `burstlab run` writes it")]
    NoDirectories,
    /// The directory does not hold results.
    #[error("{} is not a results directory: it holds no summary.json, which `burstlab run` writes", .0.display())]
    NotResults(PathBuf),
    /// The summary could not be read or understood.
    #[error(transparent)]
    Summary(#[from] ReadError),
    /// A table could not be read.
    #[error("{} could not be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A row of a table does not have the columns or the values that it should have.
    #[error("{}, line {line}: {message}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The line, from 1; the header is line 1.
        line: u64,
        /// What is wrong there.
        message: String,
    },
    /// The report could not be written.
    #[error("the report {} could not be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
