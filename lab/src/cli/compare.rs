use std::path::PathBuf;

use clap::Args;

use super::{Failure, Json, output};
use crate::check::Tolerance;
use crate::compare::{self, Error, Gate, Results};

/// `burstlab compare`
#[derive(Debug, Args)]
#[command(after_help = MEANING)]
pub(super) struct Arguments {
    /// Results in virtual time: a folder that `burstlab run` wrote, or its summary.json
    #[arg(value_name = "VIRTUAL_RESULTS")]
    reference: PathBuf,
    /// Results of the same experiment in real time (--on tun). Two results in real time are compared as A and B
    #[arg(value_name = "TUN_RESULTS")]
    real: PathBuf,
    /// Also say which metrics are so near to virtual time, as a part of it or in their unit: 10%
    #[arg(long, value_name = "TOLERANCE")]
    tolerance: Option<Tolerance>,
    /// Exit code 1 if one of these metrics is beyond the tolerance, or its real runs are invalid: a metric's name in
    /// --json or the end of one, such as queue_delay.mean,queue_delay.p99
    #[arg(long, value_name = "A,B", value_delimiter = ',', requires = "tolerance")]
    gate: Vec<String>,
    #[command(flatten)]
    json: Json,
}

const MEANING: &str = "Runs are grouped by what the experiment varies; seeds and repetitions (--set run.repeat=5) of a \
    cell are taken together. `within noise`: virtual time lies inside the 95 % prediction interval of the real runs, \
    where 19 of 20 further real runs would lie. `differs`: outside of it. `n/a (one run)`: one real run shows no noise.";

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (reference, real) = (Results::read(&arguments.reference)?, Results::read(&arguments.real)?);
    let gate = Gate { tolerance: arguments.tolerance, metrics: arguments.gate.clone() };
    let comparison = compare::compare(&reference, &real, &gate)?;
    comparison.notes.iter().for_each(|note| output::note(note));
    if arguments.json.json {
        output::json(&comparison)?;
    } else {
        output::line(&compare::render(&comparison, output::width()))?;
    }
    if comparison.passed { Ok(()) } else { Err(Failure::Check) }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Input(error.to_string())
    }
}
