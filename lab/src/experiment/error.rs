use std::fmt;
use std::path::{Path, PathBuf};

use super::tree::Origin;

/// What is wrong with an experiment, as one sentence that names the file and line, or the option, and the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExperimentError {
    file: PathBuf,
    origin: Option<Origin>,
    field: String,
    message: String,
}

impl ExperimentError {
    /// Of the file as a whole.
    pub(crate) fn of_file(file: &Path, message: impl Into<String>) -> ExperimentError {
        ExperimentError { file: file.to_owned(), origin: None, field: String::new(), message: message.into() }
    }

    /// Of the value or key written at `origin`; `field` is empty where the message names it.
    pub(crate) fn at(file: &Path, origin: &Origin, field: &str, message: impl Into<String>) -> ExperimentError {
        ExperimentError {
            file: file.to_owned(),
            origin: Some(origin.clone()),
            field: field.to_owned(),
            message: message.into(),
        }
    }
}

impl fmt::Display for ExperimentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            // The option names the field itself.
            Some(Origin::Option(option)) => return write!(f, "{option}: {}", self.message),
            Some(Origin::File { line, .. }) => write!(f, "{}:{line}: ", self.file.display())?,
            None => write!(f, "{}: ", self.file.display())?,
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExperimentError {}
