//! What is wrong with a block of code, or with what it claims.

/// Whether the code is wrong or what it claims is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It is not in the language, or has no value.
    Wrong,
    /// An assertion does not hold.
    Failed,
}

/// Why a block cannot be read or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column} of the code: {message}.")]
pub struct ExpressionError {
    /// Whose fault it is.
    pub kind: ErrorKind,
    /// Line in the block's text, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was expected: a sentence without its full stop.
    pub message: String,
}

/// A place in the block's text: line and column, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Place {
    /// That the code is wrong here.
    pub fn wrong(self, message: impl Into<String>) -> ExpressionError {
        self.error(ErrorKind::Wrong, message)
    }

    /// An error here.
    pub fn error(self, kind: ErrorKind, message: impl Into<String>) -> ExpressionError {
        ExpressionError { kind, line: self.line, column: self.column, message: message.into() }
    }
}
