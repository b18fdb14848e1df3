//! A file's content, decompressed, in a window that moves forward.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::Ordering;

use crate::{Error, ImportOptions};

const WINDOW: usize = 1 << 20;
/// RFC 1952, section 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// RFC 8878, section 3.1.1.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// How far an import has come, over all of its files.
pub(crate) struct Meter {
    read: Rc<Cell<u64>>,
    total: u64,
    options: ImportOptions,
}

impl Meter {
    pub fn new(paths: &[PathBuf], options: &ImportOptions) -> Meter {
        let total = paths.iter().filter_map(|p| p.metadata().ok()).map(|m| m.len()).sum();
        Meter { read: Rc::default(), total, options: options.clone() }
    }

    fn report(&self) -> Result<(), Error> {
        if let Some(progress) = &self.options.progress {
            progress(self.read.get().min(self.total), self.total);
        }
        match &self.options.cancel {
            Some(cancel) if cancel.load(Ordering::Relaxed) => Err(Error::Cancelled),
            _ => Ok(()),
        }
    }
}

/// Counts what is read of the file itself, before decompression: only of that is the total known.
struct Counted {
    file: File,
    read: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.read.set(self.read.get() + n as u64);
        Ok(n)
    }
}

/// A window onto a file's decompressed content.
pub(crate) struct Input {
    path: PathBuf,
    reader: Box<dyn Read>,
    window: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    cut: bool,
    meter: Rc<Meter>,
}

impl Input {
    /// Opens `path`, plain or compressed with gzip or zstd, which its first bytes tell.
    pub fn open(path: &Path, meter: Rc<Meter>) -> Result<Input, Error> {
        let fail = |source| Error::Read { path: path.to_owned(), source };
        let mut file = Counted { file: File::open(path).map_err(fail)?, read: meter.read.clone() };
        let mut head = Vec::new();
        file.by_ref().take(ZSTD.len() as u64).read_to_end(&mut head).map_err(fail)?;
        if head.is_empty() {
            return Err(Error::Empty { path: path.to_owned() });
        }
        let (gzip, zstd) = (head.starts_with(&GZIP), head.starts_with(&ZSTD));
        let whole = io::Cursor::new(head).chain(file);
        let reader: Box<dyn Read> = if gzip {
            Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::with_capacity(WINDOW / 4, whole)))
        } else if zstd {
            Box::new(zstd::Decoder::new(whole).map_err(fail)?)
        } else {
            Box::new(whole)
        };
        let window = vec![0; WINDOW];
        Ok(Input { path: path.to_owned(), reader, window, start: 0, end: 0, at_end: false, cut: false, meter })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the compressed stream ended before its end.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// What is in the window.
    pub fn data(&self) -> &[u8] {
        &self.window[self.start..self.end]
    }

    /// Moves the window forward by `n` bytes, all of which must be in it.
    pub fn consume(&mut self, n: usize) {
        self.start += n;
        debug_assert!(self.start <= self.end);
    }

    /// The `n` bytes that were consumed last; they stay until the window is filled again.
    pub fn behind(&self, n: usize) -> &[u8] {
        &self.window[self.start - n..self.start]
    }

    /// Whether the next `n` bytes are in the window; reads on until they are, or the file ends.
    pub fn has(&mut self, n: usize) -> Result<bool, Error> {
        while self.end - self.start < n && !self.at_end {
            self.fill(n)?;
        }
        Ok(self.end - self.start >= n)
    }

    fn fill(&mut self, wanted: usize) -> Result<(), Error> {
        self.meter.report()?;
        self.window.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.window.len() < wanted {
            self.window.resize(wanted, 0);
        }
        while self.end < self.window.len() {
            match self.reader.read(&mut self.window[self.end..]) {
                Ok(0) => {
                    self.at_end = true;
                    break;
                }
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                    (self.at_end, self.cut) = (true, true);
                    break;
                }
                Err(source) => return Err(Error::Read { path: self.path.clone(), source }),
            }
        }
        self.meter.report()
    }

    /// The next line without its end, or nothing at the end of the file. `limit` bounds its length.
    pub fn line(&mut self, limit: usize) -> Result<Option<&[u8]>, Error> {
        let mut looked = 0;
        loop {
            if let Some(at) = self.data()[looked..].iter().position(|&b| b == b'\n') {
                let (from, to) = (self.start, self.start + looked + at);
                self.start = to + 1;
                return Ok(Some(self.window[from..to].trim_ascii_end()));
            }
            looked = self.end - self.start;
            if looked >= limit || !self.has(looked + 1)? {
                let (from, to) = (self.start, self.start + looked);
                self.start = to;
                return Ok((looked > 0).then(|| self.window[from..to].trim_ascii_end()));
            }
        }
    }
}
