use std::process::ExitCode;

use super::output;
use crate::experiment::ExperimentError;
use crate::results::ReadError;
use crate::runner::RunError;

/// Why a command did not end well: a sentence, and the exit code that scripts go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// A check failed; what it found has been printed.
    Check,
    /// The input or the command line is wrong.
    Input(String),
    /// The machine cannot do it; says what to do about it.
    Machine(String),
    /// The user interrupted it; says what was kept.
    Interrupted(String),
    /// A fault of this program.
    Internal(String),
    /// Whoever read stdout has gone, as `head` does; nothing is wrong.
    ReaderGone,
}

impl Failure {
    /// Says it on stderr, and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        let (text, code) = match self {
            Failure::ReaderGone => return ExitCode::SUCCESS,
            Failure::Check => return ExitCode::from(1),
            Failure::Input(text) => (text, 2),
            Failure::Machine(text) => (text, 3),
            // EX_SOFTWARE of sysexits.h.
            Failure::Internal(text) => (text, 70),
            // As shells count a process that SIGINT ended: 128 and the signal's number.
            Failure::Interrupted(text) => (text, 130),
        };
        output::note(text);
        ExitCode::from(code)
    }
}

impl From<ExperimentError> for Failure {
    fn from(error: ExperimentError) -> Failure {
        Failure::Input(error.to_string())
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Failure {
        Failure::Input(error.to_string())
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        match error {
            RunError::Stopped => Failure::Interrupted("interrupted".to_owned()),
            RunError::Input(text) => Failure::Input(text),
            RunError::Machine(text) => Failure::Machine(text),
            RunError::Internal(_) => Failure::Internal(error.to_string()),
        }
    }
}
