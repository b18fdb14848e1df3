//! A file that is written, plain or compressed.

use std::fs::File;
use std::io::{self, BufWriter, IntoInnerError, Write};
use std::path::Path;

/// zstd's fastest plain level: text and packet headers hardly shrink further, and writing is to be fast.
const LEVEL: i32 = 1;

/// What is written comes in small pieces: they are gathered before the file, and before the compressor.
const BUFFER: usize = 1 << 16;

/// Takes what goes into a file.
pub(crate) enum Sink {
    Plain(BufWriter<File>),
    Zstd(BufWriter<zstd::Encoder<'static, File>>),
}

impl Sink {
    /// Writes into `file`, compressed if `name` ends in `.zst`.
    pub fn new(file: File, name: &Path) -> io::Result<Sink> {
        if name.extension().is_some_and(|e| e == "zst") {
            let encoder = zstd::Encoder::new(file, LEVEL)?;
            Ok(Sink::Zstd(BufWriter::with_capacity(BUFFER, encoder)))
        } else {
            Ok(Sink::Plain(BufWriter::with_capacity(BUFFER, file)))
        }
    }

    /// The file, into which all has been written.
    pub fn finish(self) -> io::Result<File> {
        match self {
            Sink::Plain(sink) => sink.into_inner().map_err(IntoInnerError::into_error),
            Sink::Zstd(sink) => sink.into_inner().map_err(IntoInnerError::into_error)?.finish(),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Plain(sink) => sink.write(bytes),
            Sink::Zstd(sink) => sink.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Plain(sink) => sink.flush(),
            Sink::Zstd(sink) => sink.flush(),
        }
    }
}
