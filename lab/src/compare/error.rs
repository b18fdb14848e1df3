use std::path::PathBuf;

use crate::results::ReadError;

/// Why two results could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such folder, or nothing in it.
    #[error("{}: there are no results; expected a folder that `burstlab run` wrote, or its summary.json", path.display())]
    NoResults {
        /// What was named.
        path: PathBuf,
    },
    /// What is there cannot be read, or is no summary.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// No run has ended.
    #[error("{}: no run has ended yet; let `burstlab run` finish one", path.display())]
    NoRuns {
        /// What was named.
        path: PathBuf,
    },
    /// Neither is of real time.
    #[error(
        "{} and {} both ran in virtual time; expected one of them to be made by `burstlab run --on tun` (two of virtual \
         time are exact: use `burstlab check`)",
        first.display(),
        second.display()
    )]
    BothVirtual {
        /// The first argument.
        first: PathBuf,
        /// The second argument.
        second: PathBuf,
    },
    /// No cell stands on both sides.
    #[error(
        "{first} and {second} have no cell in common: the first has {}, the second {}",
        only(of_first),
        only(of_second)
    )]
    NothingInCommon {
        /// What the first argument holds.
        first: String,
        /// What the second argument holds.
        second: String,
        /// Cells of the first.
        of_first: Vec<String>,
        /// Cells of the second.
        of_second: Vec<String>,
    },
    /// `--gate` names nothing that is compared.
    #[error(
        "--gate: no metric that is compared is called \"{name}\"; expected one such as queue_delay.mean, flows.goodput or \
         iteration.p99 (--json lists all)"
    )]
    UnknownMetric {
        /// What was named.
        name: String,
    },
}

/// As many cells as a sentence bears.
fn only(cells: &[String]) -> String {
    const SHOWN: usize = 3;
    let more = if cells.len() > SHOWN { format!(" and {} more", cells.len() - SHOWN) } else { String::new() };
    let shown: Vec<String> = cells.iter().take(SHOWN).map(|cell| format!("\"{cell}\"")).collect();
    shown.join(", ") + &more
}
