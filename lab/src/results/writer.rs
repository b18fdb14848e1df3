//! Writing a results folder as cells end.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::rows::{Row, RunRow};
use super::{
    BurstRow, CellResult, DistributionRow, FlowRow, FlowSeriesRow, IterationRow, Provenance, QueueRow, QueueSeriesRow,
    SCHEMA, SignalSeriesRow, Summary, TracePtmRow, TraceRateRow, TraceRows,
};
use crate::experiment::Experiment;

/// Writes a results folder: nothing before the first cell has ended, then each cell as it comes.
///
/// Tables grow by whole cells and summary.json is replaced in one step after them, so that whoever reads the folder
/// while it grows finds rows of all runs that the summary lists.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    summary: Summary,
    traces: TraceRows,
}

/// The report of an earlier experiment in the same folder.
const REPORT: &str = "report.html";

impl Writer {
    /// Of the results of `experiment`, into `folder`, which need not exist yet.
    pub fn new(folder: PathBuf, experiment: &Experiment, provenance: Provenance, traces: TraceRows) -> Writer {
        let summary = Summary {
            schema: SCHEMA,
            name: experiment.name.clone(),
            description: experiment.description.clone(),
            complete: false,
            provenance,
            runs: Vec::new(),
        };
        Writer { folder, summary, traces }
    }

    /// Adds what a cell gave.
    ///
    /// # Errors
    /// If something cannot be written; the summary then lists the cells before this one.
    pub fn add(&mut self, mut cell: CellResult) -> io::Result<()> {
        let run = self.summary.runs.len();
        if run == 0 {
            self.begin()?;
        }
        self.append_of_run::<FlowRow>(run, &mut cell.flows)?;
        self.append_of_run::<BurstRow>(run, &mut cell.bursts)?;
        self.append_of_run::<IterationRow>(run, &mut cell.iterations)?;
        self.append_of_run::<QueueRow>(run, &mut cell.queues)?;
        self.append_of_run::<QueueSeriesRow>(run, &mut cell.queue_series)?;
        self.append_of_run::<FlowSeriesRow>(run, &mut cell.flow_series)?;
        self.append_of_run::<SignalSeriesRow>(run, &mut cell.signal_series)?;
        self.append_of_run::<DistributionRow>(run, &mut cell.distributions)?;
        self.summary.runs.push(cell.run);
        self.write_summary()
    }

    /// Says that all cells ran.
    ///
    /// # Errors
    /// If the summary cannot be written.
    pub fn complete(&mut self) -> io::Result<()> {
        self.summary.complete = true;
        self.write_summary()
    }

    /// What was written so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Where it is written.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder, and takes away what an earlier experiment left in it.
    fn begin(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        for stale in [Summary::FILE, REPORT] {
            match fs::remove_file(self.folder.join(stale)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.create::<FlowRow>()?;
        self.create::<BurstRow>()?;
        self.create::<IterationRow>()?;
        self.create::<QueueRow>()?;
        self.create::<QueueSeriesRow>()?;
        self.create::<FlowSeriesRow>()?;
        self.create::<SignalSeriesRow>()?;
        self.create::<DistributionRow>()?;
        self.create::<TraceRateRow>()?;
        self.create::<TracePtmRow>()?;
        self.append(&self.traces.rate)?;
        self.append(&self.traces.ptm)
    }

    fn create<R: Row>(&self) -> io::Result<()> {
        fs::write(self.folder.join(R::FILE), R::COLUMNS.join(",") + "\n")
    }

    fn append_of_run<R: RunRow>(&self, run: usize, rows: &mut [R]) -> io::Result<()> {
        rows.iter_mut().for_each(|row| row.number(run));
        self.append(rows)
    }

    fn append<R: Row>(&self, rows: &[R]) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let file = OpenOptions::new().append(true).open(self.folder.join(R::FILE))?;
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(io::BufWriter::new(file));
        rows.iter().try_for_each(|row| writer.serialize(row))?;
        writer.flush()
    }

    fn write_summary(&self) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(&self.summary)?;
        text.push('\n');
        replace(&self.folder.join(Summary::FILE), text.as_bytes())
    }
}

/// Writes a file so that no reader ever finds half of it.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::metadata(folder)?;
    // Its own error would name the temporary file, of which nobody has heard.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| error.kind())?;
    file.write_all(content)?;
    readable_as_others(file.as_file())?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

/// Temporary files are their owner's alone; results are for everyone who may read the folder.
#[cfg(unix)]
fn readable_as_others(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_as_others(_: &fs::File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_name_the_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = replace(&folder.path().join("nowhere/report.html"), b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!error.to_string().contains("nowhere"), "{error}");
    }
}
