//! Stdout for results, and nothing else; stderr for all that is said about them.

use std::io::{self, ErrorKind, IsTerminal, Write};

use serde::Serialize;

use super::Failure;
use crate::table::PLAIN_WIDTH;

/// Prints `text` and a line's end.
pub(super) fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    written.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::ReaderGone,
        _ => Failure::Machine(format!("cannot write to stdout: {error}")),
    })
}

/// Says `text` on stderr. If nobody can hear it, that is no reason to fail.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "burstlab: {text}");
}

/// Shows `text` on stderr. If nobody can see it, that is no reason to fail.
#[cfg(target_os = "linux")]
pub(super) fn aside(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints one JSON document.
pub(super) fn json(document: &impl Serialize) -> Result<(), Failure> {
    line(&serde_json::to_string_pretty(document).map_err(|error| Failure::Internal(error.to_string()))?)
}

/// Columns that a table may take: the terminal's, and 80 where stdout is none.
pub(super) fn width() -> u16 {
    let terminal = if io::stdout().is_terminal() { comfy_table::Table::new().width() } else { None };
    terminal.unwrap_or(PLAIN_WIDTH)
}
