use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burstlab_algorithms::{Registry, Span};
use burstlab_packetdrill::run::{IpVersion, Options, Outcome, Run, Traced, run as run_script};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Failure, Json, output};

/// `burstlab packetdrill`
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(super) struct Arguments {
    /// Scripts, and folders that are searched for them (*.pkt), folders within included
    #[arg(value_name = "FILE|FOLDER", required = true)]
    paths: Vec<PathBuf>,
    /// Congestion controller of sockets for which a script asks for none, with parameters if you like: dctcp?g=0.125
    #[arg(long, value_name = "NAME", default_value_t = Options::default().controller)]
    controller: String,
    /// Compare what RFC 9293 gives no meaning as well: the order and padding of options, and PSH on every segment
    #[arg(long)]
    strict: bool,
    /// Fail on a packet that no line expected as soon as the script goes on, instead of at the next packet that it expects
    #[arg(long)]
    in_order: bool,
    /// IP's version, where a script does not say
    #[arg(long, alias = "ip_version", value_name = "VERSION", default_value = "ipv4")]
    ip_version: Version,
    /// The interface's MTU in bytes, where a script does not say; default 1500, with IPv6 1520
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(68..=65_535))]
    mtu: Option<u32>,
    /// How far times may be off, in microseconds, where a script does not say
    #[arg(long, alias = "tolerance_usecs", value_name = "N", default_value_t = 4000)]
    tolerance_usecs: u32,
    /// How far times may be off as a part of the time since the event before, in percent, if that is more
    #[arg(long, alias = "tolerance_percent", value_name = "PERCENT", default_value_t = 12.5, value_parser = percent)]
    tolerance_percent: f64,
    /// Define a symbol that a script uses: -D CMSG_LEVEL_IP=SOL_IP
    #[arg(short = 'D', long, value_name = "NAME=VALUE", value_parser = definition)]
    define: Vec<(String, String)>,
    /// The stack's initial sequence number; scripts count from it, so that any will do
    #[arg(long, value_name = "N", default_value_t = Options::default().initial_sequence)]
    initial_sequence: u32,
    /// Print every packet as it passes, in the notation of scripts, and every note
    #[arg(long, short, conflicts_with = "json")]
    verbose: bool,
    #[command(flatten)]
    json: Json,
}

const HELP: &str = "\
Scripts are in packetdrill's language, and what others wrote for Linux runs as it is: system calls go to sockets of this \
program, packets to and from its own TCP, in virtual time. No privileges are needed, and no shell line is run: sysctl, ip \
route and defaults.sh are mapped onto the stack's settings, and a note says what was not.

A script that needs what the stack does not have (fast open, MPTCP, MD5, zero copy, UDP, ...) is skipped, with the reason.

Exit codes: 0 every script passed or was skipped; 1 one failed; 2 a file cannot be read, or is not a script.

Examples:
  burstlab packetdrill tests/packetdrill
  burstlab packetdrill --verbose --controller reno close/simultaneous.pkt";

/// IP's version by packetdrill's names.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Version {
    Ipv4,
    Ipv6,
}

fn percent(text: &str) -> Result<f64, String> {
    let percent: f64 = text.parse().map_err(|_| "expected a number of percent".to_owned())?;
    if (0.0..=100.0).contains(&percent) { Ok(percent) } else { Err("expected 0 to 100 percent".to_owned()) }
}

fn definition(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A script that was run.
struct Ended {
    path: PathBuf,
    took: Duration,
    run: Run,
}

#[derive(Serialize)]
struct Document {
    schema: u32,
    passed: usize,
    failed: usize,
    skipped: usize,
    unreadable: usize,
    scripts: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    path: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    milliseconds: f64,
    packets: usize,
}

pub(super) fn run(arguments: &Arguments, registry: &Registry) -> Result<(), Failure> {
    registry.parse(&arguments.controller).map_err(|error| Failure::Input(format!("--controller: {error}")))?;
    let options = options(arguments);
    let mut ended = Vec::new();
    for path in scripts(&arguments.paths)? {
        let source =
            std::fs::read(&path).map_err(|error| Failure::Input(format!("cannot read {}: {error}", path.display())))?;
        let begun = Instant::now();
        let run = run_script(&path.display().to_string(), &String::from_utf8_lossy(&source), registry, &options);
        let script = Ended { path, took: begun.elapsed(), run };
        if !arguments.json.json {
            output::line(&describe(&script, arguments.verbose))?;
        }
        ended.push(script);
    }
    let count = |kind: &str| ended.iter().filter(|script| name(&script.run.outcome) == kind).count();
    let (passed, failed, skipped, unreadable) = (count("ok"), count("failed"), count("skipped"), count("unreadable"));
    if arguments.json.json {
        let scripts = ended.iter().map(row).collect();
        output::json(&Document { schema: 1, passed, failed, skipped, unreadable, scripts })?;
    } else {
        let took: Duration = ended.iter().map(|script| script.took).sum();
        let mut summary = format!("{passed} ok, {failed} failed, {skipped} skipped");
        if unreadable > 0 {
            summary += &format!(", {unreadable} not scripts");
        }
        output::line(&format!("{summary} in {:.2} s", took.as_secs_f64()))?;
    }
    match (failed, unreadable) {
        (_, 1..) => Err(Failure::Input(format!("{unreadable} of the files cannot be read as scripts"))),
        (1.., _) => Err(Failure::Check),
        _ => Ok(()),
    }
}

fn options(arguments: &Arguments) -> Options {
    let mut options = Options {
        controller: arguments.controller.clone(),
        strict: arguments.strict,
        in_order: arguments.in_order,
        initial_sequence: arguments.initial_sequence,
        mtu: arguments.mtu,
        defines: arguments.define.clone(),
        version: match arguments.ip_version {
            Version::Ipv4 => IpVersion::V4,
            Version::Ipv6 => IpVersion::V6,
        },
        ..Options::default()
    };
    options.tolerance.fixed = Span::from_micros(u64::from(arguments.tolerance_usecs));
    options.tolerance.share = arguments.tolerance_percent / 100.0;
    options
}

/// The files that `paths` name, and those of folders in the order of their names.
fn scripts(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let before = found.len();
        if path.is_dir() {
            search(path, &mut found)?
        } else {
            found.push(path.clone())
        }
        if found.len() == before {
            return Err(Failure::Input(format!("there is no script (*.pkt) in {}", path.display())));
        }
    }
    Ok(found)
}

fn search(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| Failure::Input(format!("cannot read {}: {error}", folder.display()));
    let mut entries = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<PathBuf>, std::io::Error>>()
        .map_err(unreadable)?;
    entries.sort();
    for entry in entries {
        // A link could lead back up.
        if entry.is_dir() && !entry.is_symlink() {
            search(&entry, found)?;
        } else if entry.extension().is_some_and(|extension| extension == "pkt") {
            found.push(entry);
        }
    }
    Ok(())
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "ok",
        Outcome::Failed(_) => "failed",
        Outcome::Skipped(_) => "skipped",
        Outcome::Unreadable(_) => "unreadable",
    }
}

fn describe(script: &Ended, verbose: bool) -> String {
    let path = script.path.display();
    let time = format!("{:.1} ms", script.took.as_secs_f64() * 1000.0);
    let mut text = match &script.run.outcome {
        Outcome::Passed => format!("ok       {path}  ({time})"),
        Outcome::Failed(failure) => format!("FAILED   {path}  ({time})\n{path}:{}: {failure}", failure.line),
        Outcome::Skipped(reason) => format!("skipped  {path}: {reason}"),
        // The reason names the file.
        Outcome::Unreadable(reason) => format!("FAILED   {reason}"),
    };
    // Why something failed may lie in what could not be set.
    if verbose || matches!(script.run.outcome, Outcome::Failed(_)) {
        script.run.notes.iter().for_each(|note| text += &format!("\n  note: {note}"));
    }
    if verbose {
        script.run.trace.iter().for_each(|traced: &Traced| text += &format!("\n  {traced}"));
    }
    text
}

fn row(script: &Ended) -> Row {
    let (line, reason) = match &script.run.outcome {
        Outcome::Passed => (None, None),
        Outcome::Failed(failure) => (Some(failure.line), Some(failure.to_string())),
        Outcome::Skipped(reason) | Outcome::Unreadable(reason) => (None, Some(reason.clone())),
    };
    Row {
        path: script.path.display().to_string(),
        outcome: name(&script.run.outcome),
        line,
        reason,
        notes: script.run.notes.clone(),
        milliseconds: script.took.as_secs_f64() * 1000.0,
        packets: script.run.trace.len(),
    }
}
