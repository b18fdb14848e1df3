use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burstlab_algorithms::Registry;
use clap::Args;

use super::{Failure, Json, output, signals};
use crate::validate::{self, Entry, Report, ValidateError, find};

/// `burstlab validate`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Entries, by file or by name in experiments/validation; all of them if none is named
    #[arg(value_name = "FILE|NAME")]
    entries: Vec<String>,
    /// Write validation.md and its pictures into this folder, docs/src in burstlab's repository; with --mutate
    #[arg(long, value_name = "DOCS_DIR")]
    out: Option<PathBuf>,
    /// Also break things on purpose, and demand that the gates notice
    #[arg(long)]
    mutate: bool,
    #[command(flatten)]
    json: Json,
}

pub(super) fn run(arguments: &Arguments, registry: &Registry) -> Result<(), Failure> {
    let files = find(&arguments.entries)?;
    let entries = files.iter().map(|file| Entry::load(file)).collect::<Result<Vec<_>, _>>()?;
    let stop = signals::stop_on_signal()?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mutate = arguments.mutate || arguments.out.is_some();
    let validated = validate::validate(entries, registry, mutate, threads, &stop)?;
    if let Some(docs) = &arguments.out {
        let folder = files.first().and_then(|file| file.parent()).unwrap_or(Path::new(validate::FOLDER));
        validated.write(docs, folder)?;
    }
    if arguments.json.json {
        output::json(&validated.report)?;
    } else {
        output::line(&describe(&validated.report, arguments.out.as_deref()))?;
    }
    if validated.report.passed { Ok(()) } else { Err(Failure::Check) }
}

fn describe(report: &Report, docs: Option<&Path>) -> String {
    let mut lines = Vec::new();
    for entry in &report.entries {
        let failed = entry.gates.iter().filter(|gate| gate.rows.iter().any(|row| !row.holds)).count();
        let broken = entry.gates.iter().filter(|gate| !gate.broken.is_empty()).count();
        let state = if failed == 0 { "holds" } else { "FAILS" };
        let tested = if broken > 0 { format!(", {broken} broken on purpose") } else { String::new() };
        lines.push(format!(
            "{state}  {:<24}{} of {} gates{tested}",
            entry.name,
            entry.gates.len() - failed,
            entry.gates.len()
        ));
    }
    lines.extend(report.failures());
    lines.extend(docs.map(|docs| docs.join(validate::PAGE).display().to_string()));
    lines.join("\n")
}

impl From<ValidateError> for Failure {
    fn from(error: ValidateError) -> Failure {
        match error {
            ValidateError::Run(error) => error.into(),
            ValidateError::Write { .. } => Failure::Machine(error.to_string()),
            error => Failure::Input(error.to_string()),
        }
    }
}
