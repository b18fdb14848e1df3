//! A recording's own figures.

use std::path::{Path, PathBuf};

use burstlab_replay::{Error, ImportOptions, Trace};
use burstlab_units::Span;

use super::{Figure, Figures};
use crate::experiment::ExperimentError;
use crate::experiment::reader::Section;
use crate::runner::{RunError, Stop};
use crate::validate::unit::Dimension;

/// A recording and the length of windows over which its peak is sought.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recording {
    trace: PathBuf,
    tau: Span,
}

pub(crate) const KEYS: &[&str] = &["trace", "tau"];

/// The kind of quantity of the figure `name`; or a sentence that says which there are.
pub(crate) fn dimension(name: &str) -> Result<Dimension, String> {
    match name.split_once('.') {
        Some(("ptm", _)) => Ok(Dimension::Plain),
        _ if ["packets", "bytes", "iterations"].contains(&name) => Ok(Dimension::Plain),
        _ => Err(format!(
            "there is no figure \"{name}\" of a recording; expected ptm.all, ptm.ADDRESS, packets, bytes or iterations"
        )),
    }
}

impl Recording {
    /// Reads `[recording]`, all lists resolved.
    pub fn read(section: &Section<'_>, file: &Path) -> Result<Recording, ExperimentError> {
        let trace: String = section.require("trace", "trace = \"../../traces/resnet50-ddp-4w.pcap.zst\"")?;
        let tau = section.positive_span("tau", Span::from_millis(5))?;
        Ok(Recording { trace: file.parent().unwrap_or(Path::new("")).join(trace), tau })
    }

    /// Reads and measures it.
    ///
    /// # Errors
    /// If it cannot be read, or [`Stop::stop`] was called.
    pub fn run(&self, stop: &Stop) -> Result<Figures, RunError> {
        let options = ImportOptions { taus: vec![self.tau], cancel: Some(stop.flag()), ..ImportOptions::default() };
        let trace = Trace::open(&[&self.trace], &options).map_err(failure)?;
        let stats = trace.stats();
        let iterations: usize = trace.jobs().iter().map(|job| job.iterations.len()).sum();
        let mut figures = Figures::from([
            ("packets".to_owned(), Figure::exact(stats.packets as f64)),
            ("bytes".to_owned(), Figure::exact(stats.application_bytes as f64)),
            ("iterations".to_owned(), Figure::exact(iterations as f64)),
        ]);
        for node in stats.nodes.iter().chain([&stats.all]) {
            let ratio = node.ptm.get(&self.tau.as_nanos()).copied().unwrap_or(f64::NAN);
            figures.insert(format!("ptm.{}", node.node), Figure::exact(ratio));
        }
        Ok(figures)
    }
}

/// Instant in ns and payload of each data packet of a recording, whoever sent it, in the order of time.
///
/// # Errors
/// If it cannot be read, or [`Stop::stop`] was called.
pub(super) fn packets_of(path: &Path, stop: &Stop) -> Result<Vec<(u64, u64)>, RunError> {
    let machine = |error: std::io::Error| RunError::Machine(format!("cannot unpack {}: {error}", path.display()));
    let folder = tempfile::tempdir().map_err(machine)?;
    let unpacked = folder.path().join("packets.trace");
    let options = ImportOptions { cancel: Some(stop.flag()), ..ImportOptions::default() };
    Trace::import(&[path], &unpacked, &options).map_err(failure)?;
    let text = std::fs::read_to_string(&unpacked).map_err(machine)?;
    let mut now = 0;
    // A trace file has a line `p NS DIRECTION BYTES` for each packet, with the time since the one before.
    let packets = text.lines().filter_map(|line| {
        let mut words = line.strip_prefix("p ")?.split(' ').map(str::parse::<u64>);
        now += words.next()?.ok()?;
        let payload = words.nth(1)?.ok()?;
        Some((now, payload))
    });
    Ok(packets.collect())
}

fn failure(error: Error) -> RunError {
    match error {
        Error::Cancelled => RunError::Stopped,
        Error::Write { .. } => RunError::Machine(error.to_string()),
        error => RunError::Input(error.to_string()),
    }
}
