//! What several programs write, line by line, each line with the name of its host.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::thread::JoinHandle;

use burstlab_engine::hosts::Process;

/// A line longer than this is written in pieces, so that a program that never ends its line takes no memory.
const LONGEST_LINE: u64 = 64 * 1024;

/// Passes on what `process` writes to its two pipes, on threads that end when it has.
pub(super) fn forward(process: &mut Process, prefix: &str, divert: bool) -> Vec<JoinHandle<()>> {
    let out = process.take_stdout().map(|pipe| {
        let prefix = prefix.to_owned();
        std::thread::spawn(
            move || if divert { copy(pipe, &prefix, io::stderr()) } else { copy(pipe, &prefix, io::stdout()) },
        )
    });
    let err = process.take_stderr().map(|pipe| {
        let prefix = prefix.to_owned();
        std::thread::spawn(move || copy(pipe, &prefix, io::stderr()))
    });
    out.into_iter().chain(err).collect()
}

/// Copies lines until there are no more. Where nobody reads them any more they are read all the same, or their program would
/// wait for ever.
fn copy(from: impl Read, prefix: &str, mut to: impl Write) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        line.extend_from_slice(prefix.as_bytes());
        match (&mut from).take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        // One write a line: the standard streams lock for each, so lines of two programs do not mix.
        let _ = to.write_all(&line).and_then(|()| to.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_gets_its_prefix_and_an_end() {
        let mut all = Vec::new();
        copy(&b"one\n\n\xff two"[..], "host0 | ", &mut all);
        assert_eq!(all, b"host0 | one\nhost0 | \nhost0 | \xff two\n");
    }

    #[test]
    fn a_line_without_end_comes_in_pieces() {
        let mut all = Vec::new();
        copy(&vec![b'x'; LONGEST_LINE as usize + 1][..], "> ", &mut all);
        assert_eq!(all.iter().filter(|byte| **byte == b'\n').count(), 2);
    }
}
