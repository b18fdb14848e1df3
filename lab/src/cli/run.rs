use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burstlab_algorithms::Registry;
use clap::{Args, value_parser};

use super::{Failure, Json, output, real_time, report, signals};
use crate::cell::{BrokenOff, Lab};
use crate::check::metrics::run_label;
use crate::experiment::{self, Cell, Experiment, On, Override, StackKind};
use crate::results::{Provenance, Summary, Writer};
use crate::runner::{Progress, RunError, run_cells};
use crate::table;
use crate::tap::Keep;
use crate::traces::Traces;

/// `burstlab run`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The experiment; without one, the built-in experiment runs
    #[arg(value_name = "EXPERIMENT.toml")]
    pub experiment: Option<PathBuf>,
    #[command(flatten)]
    pub options: Options,
}

/// What can be laid over an experiment.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Set any key of the experiment, by its dotted path: network.rate=1Gbit/s, flow.count=64, job.copies=[1,2].
    /// A list makes it an axis: every combination runs
    #[arg(long, value_name = "KEY=VALUE", value_parser = Override::parse)]
    set: Vec<Override>,
    /// Controllers to compare, with parameters if you like: reno,dctcp?g=0.0625
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    controller: Vec<String>,
    /// Copies of each job, as an axis: 1,2,4
    #[arg(long, value_name = "N,M", value_delimiter = ',')]
    jobs: Vec<u32>,
    /// Seed of every random draw
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// Where it runs: virtual (simulated time) or tun (real time)
    #[arg(long, value_name = "WHERE")]
    on: Option<String>,
    /// The TCP of every host: native, smoltcp or kernel
    #[arg(long, value_name = "STACK", value_delimiter = ',')]
    stack: Vec<String>,
    /// Where results go; default results/NAME
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A much smaller version: two iterations, the first and last value of each axis but controller and stack, a tenth of
    /// the flows' bytes and of the duration
    #[arg(long)]
    quick: bool,
    /// Write a capture of every run, run-N.pcapng: each packet at each queue, with its wait, marks and drops as comments
    #[arg(long)]
    pcap: bool,
    #[command(flatten)]
    json: Json,
}

pub(super) fn run(path: Option<&Path>, options: &Options, registry: &Registry) -> Result<(), Failure> {
    let experiment = load(path, options, registry)?;
    supported(&experiment)?;
    let folder = options.out.clone().unwrap_or_else(|| experiment::default_results(&experiment.name));
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::Input(format!("--out: {} is not a folder", folder.display())));
    }
    let stop = signals::stop_on_signal()?;
    let traces = Traces::load(&experiment, &stop)?;
    traces.warnings.iter().for_each(|warning| output::note(warning));
    let provenance = Provenance::of(&experiment, &command(std::env::args_os())).map_err(Failure::Input)?;
    let mut writer = Writer::new(folder, &experiment, provenance, traces.rows);
    let mut lab = Lab::new(registry.clone(), traces.recordings);
    if options.pcap {
        let folder = writer.folder().to_owned();
        std::fs::create_dir_all(&folder).map_err(|error| Failure::Machine(unwritable(&folder, &error)))?;
        lab = lab.capturing(folder, Keep::Headers);
    }
    let progress = Progress::on_terminal(&experiment.cells);
    let outcome = run_cells(
        &experiment.cells,
        threads(&experiment),
        &|cell, monitor| lab.run(cell, monitor).map_err(RunError::from),
        &stop,
        &progress,
        |result| {
            let broken_off = result.broken_off.clone();
            let written = writer.add(result);
            written.map_err(|error| RunError::Machine(unwritable(writer.folder(), &error)))?;
            match broken_off {
                None => Ok(()),
                Some(BrokenOff::Interrupted) => Err(RunError::Stopped),
                Some(BrokenOff::Machine(why)) => Err(RunError::Machine(why)),
            }
        },
    );
    progress.finish();
    conclude(outcome, &mut writer, options.json.json)
}

/// Shows what ended, whether or not all did.
fn conclude(outcome: Result<(), RunError>, writer: &mut Writer, json: bool) -> Result<(), Failure> {
    if outcome.is_ok() {
        writer.complete().map_err(|error| Failure::Machine(unwritable(writer.folder(), &error)))?;
    }
    if !writer.summary().runs.is_empty() {
        let file = writer.folder().join(report::FILE);
        crate::report::build(&[writer.folder().to_owned()], &file).map_err(report::failure)?;
        if json {
            output::json(writer.summary())?;
        } else {
            let table = table::render(writer.summary(), output::width());
            output::line(&format!("{table}\n{}", file.display()))?;
        }
    }
    let summary = writer.summary();
    summary.runs.iter().filter_map(|run| Some((run, run.distrust()?))).for_each(|(run, why)| {
        output::note(&format!("the run {}: {why}", run_label(run)));
    });
    outcome.map_err(|error| match error {
        RunError::Stopped => Failure::Interrupted(format!("interrupted; {}", kept(summary, writer.folder()))),
        RunError::Machine(why) if !summary.runs.is_empty() => {
            Failure::Machine(format!("{why}; {}", kept(summary, writer.folder())))
        }
        // A cross-check tells the history of packets, in lines of its own.
        RunError::Internal(_) if !summary.runs.is_empty() => {
            Failure::Internal(format!("{error}\n{}", kept(summary, writer.folder())))
        }
        error => error.into(),
    })
}

/// What an experiment that did not run to its end leaves.
fn kept(summary: &Summary, folder: &Path) -> String {
    let ended = summary.runs.iter().filter(|run| run.incomplete.is_none()).count();
    let so_many = table::so_many(ended, "run");
    match (ended, summary.runs.len() - ended) {
        (0, 0) => format!("{so_many} had ended and are kept"),
        (1, 0) => format!("{so_many} had ended and is kept in {}", folder.display()),
        (_, 0) => format!("{so_many} had ended and are kept in {}", folder.display()),
        _ => format!("{so_many} had ended, and are kept with what was measured of the next in {}", folder.display()),
    }
}

/// Cells in real time have the machine to themselves.
fn threads(experiment: &Experiment) -> NonZeroUsize {
    match experiment.cells.iter().any(|cell| cell.on == On::Tun) {
        true => NonZeroUsize::MIN,
        false => experiment.threads,
    }
}

pub(super) fn unwritable(folder: &Path, error: &std::io::Error) -> String {
    format!("cannot write {}: {error}; name another folder with --out", folder.display())
}

fn load(path: Option<&Path>, options: &Options, registry: &Registry) -> Result<Experiment, Failure> {
    let overrides = options.overrides();
    let reading = experiment::Options { overrides: &overrides, quick: options.quick, registry };
    let experiment = match path {
        Some(path) => Experiment::load(path, &reading),
        None => Experiment::builtin(&reading),
    };
    Ok(experiment?)
}

impl Options {
    /// Named options after `--set`, whatever their order on the command line: they are the more particular wish.
    fn overrides(&self) -> Vec<Override> {
        let mut overrides = self.set.clone();
        if !self.controller.is_empty() {
            overrides.push(Override::list("stack.controller", &self.controller, "--controller"));
        }
        if !self.stack.is_empty() {
            overrides.push(Override::list("stack.kind", &self.stack, "--stack"));
        }
        if !self.jobs.is_empty() {
            overrides.push(Override::list("job.copies", self.jobs.iter().map(u32::to_string), "--jobs"));
        }
        overrides.extend(self.seed.map(|seed| Override::value("seed", &seed.to_string(), "--seed")));
        overrides.extend(self.on.as_ref().map(|on| Override::value("run.on", on, "--on")));
        overrides
    }
}

/// Whether what the experiment asks for can be had at all, before anything is written.
fn supported(experiment: &Experiment) -> Result<(), Failure> {
    let kernel = |cell: &&Cell| [cell.stack.kind, cell.stack.receiver].contains(&StackKind::Kernel);
    if experiment.cells.iter().filter(kernel).any(|cell| cell.on == On::Virtual) {
        return Err(Failure::Machine(
            "the kernel's TCP runs by the machine's clock, not in virtual time; add --on tun, or use --stack native"
                .to_owned(),
        ));
    }
    // Where the kernel only acknowledges, it does not matter what it would send by.
    let sends = |cell: &&Cell| cell.stack.kind == StackKind::Kernel || !cell.jobs.is_empty();
    experiment
        .cells
        .iter()
        .filter(kernel)
        .filter(sends)
        .try_for_each(|cell| real_time::controller(cell.kernel_controller()))?;
    match experiment.cells.iter().find(|cell| cell.on == On::Tun) {
        Some(cell) => real_time::ready(cell),
        None => Ok(()),
    }
}

/// The command line that gives these results again. Where they go and how they are shown is no part of them.
pub(super) fn command(arguments: impl Iterator<Item = OsString>) -> String {
    let (mut words, mut skip, mut own) = (vec!["burstlab".to_owned()], false, true);
    for word in arguments.skip(1).map(|word| word.to_string_lossy().into_owned()) {
        // Behind it stands the command line of another program.
        own &= word != "--";
        match word.as_str() {
            _ if skip => skip = false,
            "--json" | "--pcap" if own => {}
            "--out" if own => skip = true,
            out if own && out.starts_with("--out=") => {}
            plain if plain.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=,:".contains(c)) => words.push(word),
            _ => words.push(format!("'{}'", word.replace('\'', r"'\''"))),
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use burstlab_engine::Violation;
    use burstlab_units::Time;

    use super::*;
    use crate::cell::CellError;
    use crate::results::TraceRows;

    const EXPERIMENT: &str = r#"
name = "kept"
[network]
rate = "1Gbit/s"
delay = "5us"
queue = { kind = "drop-tail", limit = "100p" }
[[flow]]
bytes = ["10kB", "20kB", "30kB"]
"#;

    #[test]
    fn a_failed_cross_check_ends_with_70_and_keeps_the_cells_that_had_ended() {
        let registry = Registry::default();
        let reading = experiment::Options { overrides: &[], quick: false, registry: &registry };
        let experiment = Experiment::parse(EXPERIMENT.into(), Path::new("kept.toml"), &reading).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::new(folder.path().join("x"), &experiment, Provenance::default(), TraceRows::default());
        let lab = Lab::new(registry.clone(), crate::cell::Recordings::default());
        let (cells, stop) = (&experiment.cells, crate::runner::Stop::default());
        let outcome = run_cells(
            cells,
            NonZeroUsize::MIN,
            &|cell, monitor| match cell == &cells[1] {
                false => lab.run(cell, monitor).map_err(RunError::from),
                true => Err(RunError::from(CellError::Violated {
                    controller: "reno".to_owned(),
                    at: Time::ZERO,
                    violation: Box::new(Violation::ClockWentBack { due: Time::ZERO, now: Time::from_nanos(1) }),
                    history: Default::default(),
                })),
            },
            &stop,
            &Progress::hidden(cells),
            |result| {
                writer.add(result).unwrap();
                Ok(())
            },
        );
        let failure = conclude(outcome, &mut writer, true).unwrap_err();
        let told = format!(
            "internal error: under reno, at 0ns: an event is due at 0ns, and it is 1ns already\n\
             1 run had ended and is kept in {}",
            writer.folder().display()
        );
        assert_eq!(failure, Failure::Internal(told));
        assert_eq!(format!("{:?}", failure.report()), format!("{:?}", std::process::ExitCode::from(70)));
        let summary = Summary::read(writer.folder()).unwrap();
        assert_eq!((summary.complete, summary.runs.len()), (false, 1));
        assert_eq!(summary.runs[0].axes["flow.bytes"], "10kB");
        assert!(writer.folder().join(report::FILE).exists());
    }
}
