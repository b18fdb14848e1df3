use std::path::PathBuf;

use clap::Args;

use super::{Failure, Json, output};
use crate::check::{Baseline, Tolerance, Tolerances, compare};
use crate::results::{self, Summary};

/// `burstlab check`
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["baseline", "write_baseline"])))]
pub(super) struct Arguments {
    /// A folder that `burstlab run` wrote
    #[arg(value_name = "RESULTS_DIR")]
    results: PathBuf,
    /// The summary.json of earlier results, or a file that --write-baseline wrote
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write these results as a baseline, with the tolerances given
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// How far a metric may be from its baseline, as a part or in its unit: bottleneck.queue_delay.*=5%.
    /// Without one it must be the same
    #[arg(long, value_name = "METRIC=TOLERANCE")]
    tolerance: Vec<String>,
    /// Also compare data packets per wall-clock second, which may be slower by this part
    #[arg(long, value_name = "PART", conflicts_with = "write_baseline")]
    speed: Option<Tolerance>,
    #[command(flatten)]
    json: Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let summary = Summary::read(&arguments.results)?;
    match (&arguments.baseline, &arguments.write_baseline) {
        (Some(baseline), _) => hold_against(&summary, &Baseline::read(baseline)?, arguments),
        (None, Some(path)) => {
            let baseline = Baseline::of(&summary, &tolerances(Tolerances::default(), arguments)?);
            let text = baseline.to_json().map_err(|error| Failure::Internal(error.to_string()))?;
            results::replace(path, text.as_bytes())
                .map_err(|error| Failure::Machine(format!("cannot write {}: {error}", path.display())))?;
            if arguments.json.json { output::json(&baseline) } else { output::line(&path.display().to_string()) }
        }
        (None, None) => Err(Failure::Input("expected --baseline FILE or --write-baseline FILE".to_owned())),
    }
}

fn hold_against(summary: &Summary, baseline: &Baseline, arguments: &Arguments) -> Result<(), Failure> {
    let of_file = Tolerances::read(&baseline.tolerances).map_err(Failure::Input)?;
    let outcome = compare(&summary.runs, baseline, &tolerances(of_file, arguments)?, arguments.speed);
    if arguments.json.json {
        output::json(&outcome)?;
    } else {
        output::line(&outcome.to_string())?;
    }
    if outcome.passed { Ok(()) } else { Err(Failure::Check) }
}

fn tolerances(mut tolerances: Tolerances, arguments: &Arguments) -> Result<Tolerances, Failure> {
    let mut settings = arguments.tolerance.iter();
    settings
        .try_for_each(|setting| tolerances.set(setting))
        .map_err(|error| Failure::Input(format!("--tolerance: {error}")))?;
    Ok(tolerances)
}
