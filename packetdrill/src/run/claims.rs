//! Claims that a script makes about the connection's state.

use super::execution::{Execution, Stop};

impl Execution<'_> {
    /// Evaluates the claims of `text`, which begins at `line`.
    pub fn claim(&mut self, text: &str, line: usize) -> Result<(), Stop> {
        Err(Stop::Skipped(format!("line {line}: claims about the state are not supported: {text}")))
    }
}
