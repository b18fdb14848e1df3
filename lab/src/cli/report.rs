use std::path::PathBuf;

use clap::Args;

use super::{Failure, output};

/// Name of the report in a results folder.
pub(super) const FILE: &str = "report.html";

/// `burstlab report`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folders that `burstlab run` wrote
    #[arg(required = true, value_name = "RESULTS_DIR")]
    results: Vec<PathBuf>,
    /// Where the report goes; default report.html in the first folder
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let out = arguments.out.clone().unwrap_or_else(|| arguments.results[0].join(FILE));
    crate::report::build(&arguments.results, &out).map_err(failure)?;
    output::line(&out.display().to_string())
}

pub(super) fn failure(error: crate::report::Error) -> Failure {
    match error {
        crate::report::Error::Write { .. } => Failure::Machine(error.to_string()),
        _ => Failure::Input(error.to_string()),
    }
}
