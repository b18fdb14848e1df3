//! What is wrong with a script.

use super::position::Position;

/// A script that is not in the language: where, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{position}: {message}.")]
pub struct ScriptError {
    /// Name of the script, as it was given.
    pub file: String,
    /// Where it stops being one.
    pub position: Position,
    /// What was expected and what is there instead: a sentence without its full stop.
    pub message: String,
}
