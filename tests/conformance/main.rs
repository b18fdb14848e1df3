//! Writes docs/src/conformance.md: which test holds which sentence of which RFC.
//!
//! `cargo run -p burstlab-tests --bin conformance` writes the page; with `--check` it writes nothing and exits with 1
//! if the page is stale. What the catalogue and the annotations contradict each other in is told in either case.

mod annotations;
mod catalogue;
mod page;
mod sources;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use catalogue::Catalogue;
use table::Table;

/// Where the catalogue lies.
const CATALOGUE: &str = "tests/conformance";
/// What is written.
const PAGE: &str = "docs/src/conformance.md";
/// How the page is written anew.
const COMMAND: &str = "cargo run -p burstlab-tests --bin conformance";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--check"] => true,
        _ => {
            eprintln!("conformance: expected no argument, or --check; found \"{}\"", arguments.join(" "));
            return ExitCode::FAILURE;
        }
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match run(&root, check) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("conformance: {problem}"));
            ExitCode::FAILURE
        }
    }
}

/// Builds the page of the repository at `root`, and writes it or holds it against what is there.
fn run(root: &Path, check: bool) -> Result<String, Vec<String>> {
    let mut problems = Vec::new();
    let catalogue = Catalogue::read(&root.join(CATALOGUE), &mut problems);
    let annotations = sources::scan(root, &mut problems);
    let table = Table::join(catalogue, annotations, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let (path, fresh) = (root.join(PAGE), page::write(&table));
    if check { compare(&path, &fresh) } else { store(&path, &fresh) }.map_err(|problem| vec![problem])
}

fn store(path: &PathBuf, fresh: &str) -> Result<String, String> {
    fs::write(path, fresh).map_err(|error| format!("{PAGE} cannot be written: {error}"))?;
    Ok(format!("{PAGE} is written"))
}

fn compare(path: &PathBuf, fresh: &str) -> Result<String, String> {
    let old = fs::read_to_string(path).map_err(|error| format!("{PAGE} cannot be read: {error}"))?;
    if old == fresh {
        return Ok(format!("{PAGE} says what the tests hold"));
    }
    Err(format!("{PAGE} is stale; `{COMMAND}` writes it anew. It differs in: {}", page::differences(&old, fresh)))
}
