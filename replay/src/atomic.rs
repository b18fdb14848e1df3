//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::sink::Sink;

/// Writes beside the destination, and takes its place only when all is written. Compresses if the name ends in `.zst`.
pub(crate) struct AtomicFile {
    path: PathBuf,
    partial: PathBuf,
    sink: Option<Sink>,
}

impl AtomicFile {
    pub fn create(path: &Path) -> Result<AtomicFile, Error> {
        let fail = |source| Error::Write { path: path.to_owned(), source };
        let name = path.file_name().ok_or_else(|| fail(io::ErrorKind::InvalidFilename.into()))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.partial", std::process::id()));
        let partial = path.with_file_name(hidden);
        let file = File::create(&partial).map_err(fail)?;
        let sink = Sink::new(file, path).map_err(fail)?;
        Ok(AtomicFile { path: path.to_owned(), partial, sink: Some(sink) })
    }

    pub fn write(&mut self, arguments: std::fmt::Arguments<'_>) -> Result<(), Error> {
        let written = match &mut self.sink {
            Some(sink) => sink.write_fmt(arguments),
            None => Ok(()),
        };
        written.map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    /// Puts the file in its place.
    pub fn commit(mut self) -> Result<(), Error> {
        let settle = |sink: Option<Sink>| -> io::Result<()> {
            let Some(sink) = sink else { return Ok(()) };
            let file = sink.finish()?;
            file.sync_all()?;
            fs::rename(&self.partial, &self.path)
        };
        let sink = self.sink.take();
        settle(sink).map_err(|source| Error::Write { path: self.path.clone(), source })
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // After a commit there is nothing left under this name; after an error this is all that can still be done.
        let _ = fs::remove_file(&self.partial);
    }
}
