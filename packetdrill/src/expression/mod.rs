//! The code of `%{ ... }%` blocks: the part of Python in which scripts make claims about a connection's state.
//!
//! Statements stand on lines of their own or between semicolons: `assert EXPR`, `assert EXPR, MESSAGE`, `print(EXPR, ...)`,
//! `name = EXPR` (and `+=` and its like), `pass`, and `if EXPR: STATEMENT`. Expressions are those of Python 3 (the Python
//! Language Reference, chapter 6) over whole numbers, floats, truth values, texts, lists and tuples: arithmetic, bits,
//! comparisons in chains, `and`, `or`, `not`, `in`, `is`, `A if B else C`, indexes, `%` on texts, and a few functions
//! (`abs`, `bool`, `float`, `int`, `len`, `max`, `min`, `round`, `str`, `sum`). There are no loops, functions or imports,
//! and whatever grows is bounded, so that every block ends.
//!
//! ```
//! use burstlab_packetdrill::expression::{Program, Scope, Value};
//!
//! let program = Program::parse("assert 9 <= tcpi_snd_cwnd < 12, tcpi_snd_cwnd").unwrap();
//! let state = |name: &str| (name == "tcpi_snd_cwnd").then_some(Value::Integer(10));
//! assert!(program.run(&mut Scope::default(), &state).is_ok());
//! ```

mod arithmetic;
mod constants;
mod error;
mod evaluation;
mod format;
mod functions;
mod lexer;
mod number;
mod parser;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod tree;
mod value;

pub use constants::constant;
pub use error::{ErrorKind, ExpressionError};
pub use evaluation::Scope;
pub use value::Value;

use tree::Statement;

/// What the outside says about a name: values of `tcp_info`.
pub type Lookup<'a> = dyn Fn(&str) -> Option<Value> + 'a;

/// The code of one block.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    statements: Vec<Statement>,
}

impl Program {
    /// Reads the text of a block.
    ///
    /// # Errors
    /// At the first place that is not in the language.
    pub fn parse(text: &str) -> Result<Program, ExpressionError> {
        Ok(Program { statements: parser::statements(text)? })
    }

    /// Runs the statements, and gives the lines that they print. `lookup` knows the connection's state; it goes before
    /// what earlier blocks have assigned, as packetdrill assigns the state anew before each block, but not before what
    /// this one assigns.
    ///
    /// # Errors
    /// Where an assertion does not hold, or something is asked for that has no value.
    pub fn run(&self, scope: &mut Scope, lookup: &Lookup<'_>) -> Result<Vec<String>, ExpressionError> {
        evaluation::run(&self.statements, scope, lookup)
    }
}
