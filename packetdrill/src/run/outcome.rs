//! How a script ended.

use std::fmt;

use super::comparison::Difference;

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was as expected.
    Passed,
    /// Something was not.
    Failed(Box<Failure>),
    /// It needs something that is not there.
    Skipped(String),
    /// It is not a script: a sentence with its place.
    Unreadable(String),
}

/// Where and how a script failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The line, from 1.
    pub line: usize,
    /// The line itself.
    pub text: String,
    /// What is wrong, in a sentence.
    pub what: String,
    /// What the script has, and what came instead.
    pub differences: Vec<Difference>,
    /// The packet that came, in the script's notation.
    pub packet: Option<String>,
    /// The last packets before.
    pub before: Vec<Traced>,
}

/// A packet that passed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// When, in microseconds from the script's start.
    pub micros: u64,
    /// Whether it was injected.
    pub inbound: bool,
    /// The packet in the script's notation.
    pub packet: String,
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = if self.inbound { '<' } else { '>' };
        write!(f, "{:>4}.{:06} {arrow} {}", self.micros / 1_000_000, self.micros % 1_000_000, self.packet)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        writeln!(f, "  script: {}", self.text.trim())?;
        if let Some(packet) = &self.packet {
            writeln!(f, "  came:   {packet}")?;
        }
        for difference in &self.differences {
            let Difference { field, expected, actual } = difference;
            writeln!(f, "  {field}: expected {expected}, came {actual}")?;
        }
        if !self.before.is_empty() {
            writeln!(f, "  packets before:")?;
            self.before.iter().try_for_each(|traced| writeln!(f, "    {traced}"))?;
        }
        Ok(())
    }
}
