//! Reading a results directory.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::error::Error;
use crate::results::{
    DistributionRow, FlowRow, FlowSeriesRow, IterationRow, QueueRow, QueueSeriesRow, ReadError, Row, Summary,
};

/// A row that belongs to one run, by its place in `runs` of the summary.
pub trait OfRun: Row {
    fn run(&self) -> usize;
}

macro_rules! of_run {
    ($($row:ty),*) => { $(impl OfRun for $row { fn run(&self) -> usize { self.run } })* };
}

of_run!(FlowRow, IterationRow, QueueRow, QueueSeriesRow, FlowSeriesRow, DistributionRow);

/// A results directory whose summary has been read.
#[derive(Debug)]
pub struct Directory {
    pub path: PathBuf,
    pub summary: Summary,
}

impl Directory {
    /// Reads the summary of the results in `path`.
    pub fn open(path: &Path) -> Result<Directory, Error> {
        let summary = Summary::read(path).map_err(|error| match error {
            ReadError::Io { ref error, .. } if error.kind() == ErrorKind::NotFound => {
                Error::NotResults(path.to_owned())
            }
            error => Error::Summary(error),
        })?;
        Ok(Directory { path: path.to_owned(), summary })
    }

    /// Hands each row of a table to `take`, one by one, as series may be larger than memory; a table that is not there
    /// has none.
    pub fn rows<R: Row>(&self, mut take: impl FnMut(R)) -> Result<(), Error> {
        self.checked_rows(|row| {
            take(row);
            Ok(())
        })
    }

    /// Like [`Directory::rows`], for tables whose rows belong to runs: `take` gets rows of known runs only.
    pub fn run_rows<R: OfRun>(&self, mut take: impl FnMut(R)) -> Result<(), Error> {
        let runs = self.summary.runs.len();
        self.checked_rows(|row: R| {
            if row.run() < runs {
                take(row);
                return Ok(());
            }
            // The tables of an interrupted experiment may be one run ahead of its summary.
            if !self.summary.complete {
                return Ok(());
            }
            Err(format!("run {} does not exist: summary.json lists {runs} runs, counted from 0", row.run()))
        })
    }

    fn checked_rows<R: Row>(&self, mut take: impl FnMut(R) -> Result<(), String>) -> Result<(), Error> {
        let path = self.path.join(R::FILE);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(source) if source.kind() == ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(Error::Read { path, source }),
        };
        let mut reader = csv::Reader::from_reader(BufReader::new(file));
        let headers = reader.headers().map_err(|error| row_error(&path, error))?.clone();
        let mut record = csv::StringRecord::new();
        while let Some(row) = next_row(&mut reader, &mut record, &headers).transpose() {
            match row {
                Ok(row) => {
                    take(row).map_err(|message| Error::Row { path: path.clone(), line: line(&record), message })?
                }
                // A writer that was stopped in the middle leaves half a row at the end.
                Err(_) if !self.summary.complete && is_at_end(&mut reader) => break,
                Err(error) => return Err(row_error(&path, error)),
            }
        }
        Ok(())
    }
}

fn next_row<R: DeserializeOwned>(
    reader: &mut csv::Reader<BufReader<File>>,
    record: &mut csv::StringRecord,
    headers: &csv::StringRecord,
) -> Result<Option<R>, csv::Error> {
    if reader.read_record(record)? { record.deserialize(Some(headers)).map(Some) } else { Ok(None) }
}

fn is_at_end(reader: &mut csv::Reader<BufReader<File>>) -> bool {
    matches!(reader.read_record(&mut csv::StringRecord::new()), Ok(false))
}

fn line(record: &csv::StringRecord) -> u64 {
    record.position().map_or(1, csv::Position::line)
}

fn row_error(path: &Path, error: csv::Error) -> Error {
    let line = error.position().map_or(1, csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => match err.field() {
            Some(field) => format!("column {}: {}", field + 1, err.kind()),
            None => err.kind().to_string(),
        },
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} columns where the header has {expected_len}")
        }
        _ => error.to_string(),
    };
    Error::Row { path: path.to_owned(), line, message }
}
