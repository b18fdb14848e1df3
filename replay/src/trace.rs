//! A recording, from whatever file it is in.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use burstlab_units::{Rate, Span};

use crate::activity::{Pauses, Stretch};
use crate::capture::Capture;
use crate::container::{self, Writer};
use crate::describe;
use crate::importer::Importer;
use crate::input::{Input, Meter};
use crate::jobs::{Link, Recording};
use crate::meters::Meters;
use crate::{Error, Format, Job, TraceDetails, TraceStats, transfer_list};

/// Told how many bytes of how many were read.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// How to read a recording, and what to measure of it.
#[derive(Clone)]
pub struct ImportOptions {
    /// The format; told from the content if not given.
    pub format: Option<Format>,
    /// The pause that separates bursts; found from the data if not given. A trace file keeps pauses above 100 us, or
    /// above the gap that it was imported with if that was shorter.
    pub gap: Option<Span>,
    /// Whether jobs keep the traffic before their first iteration, as a part of it.
    pub setup: bool,
    /// The lengths of windows to measure E and PtM over, exactly.
    pub taus: Vec<Span>,
    /// The rates to measure Bmax at.
    pub rates: Vec<Rate>,
    /// Whether to measure PtM over a grid of window lengths too.
    pub curve: bool,
    /// Whether to measure each flow too, not just each node and all.
    pub flows: bool,
    /// Told how far reading has come.
    pub progress: Option<Progress>,
    /// Reading stops with [`Error::Cancelled`] soon after this becomes true.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Default for ImportOptions {
    fn default() -> ImportOptions {
        ImportOptions {
            format: None,
            gap: None,
            setup: false,
            taus: vec![Span::from_millis(5)],
            rates: vec![Rate::from_bits_per_sec(10_000_000_000)],
            curve: false,
            flows: false,
            progress: None,
            cancel: None,
        }
    }
}

/// What a capture, a trace file or a transfer list holds.
pub struct Trace {
    pub(crate) header: Header,
    pub(crate) nodes: Vec<IpAddr>,
    pub(crate) links: Vec<Link>,
    pub(crate) stretches: Vec<Stretch>,
    pub(crate) pauses: Pauses,
    pub(crate) meters: Meters,
    pub(crate) gap: Span,
    pub(crate) jobs: Vec<Job>,
    /// How many bursts each direction has.
    pub(crate) bursts: Vec<u64>,
}

/// What is known of a recording as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// What it was captured in.
    pub source: Format,
    pub packets: u64,
    pub duplicates: u64,
    pub application_bytes: u64,
    /// Unix time in nanoseconds.
    pub start: u64,
    pub duration: Span,
    pub warnings: Vec<String>,
}

impl Trace {
    /// Reads captures, which are merged by time, or a single trace or transfer list.
    ///
    /// # Errors
    /// [`Error`] says which file is at fault, where in it, and what was expected.
    pub fn open<P: AsRef<Path>>(paths: &[P], options: &ImportOptions) -> Result<Trace, Error> {
        Trace::read(paths, options, None)
    }

    /// As [`Trace::open`], and keeps what was read in a trace file at `out`, compressed if its name ends in `.zst`.
    /// From a transfer list it is a transfer list again. The file appears when it is complete; until then, and after an error, whatever was there before stays.
    ///
    /// # Errors
    /// As [`Trace::open`], and [`Error::Write`].
    pub fn import<P: AsRef<Path>>(paths: &[P], out: &Path, options: &ImportOptions) -> Result<Trace, Error> {
        let mut writer = Writer::create(out)?;
        let trace = Trace::read(paths, options, Some(&mut writer))?;
        if trace.header.source == Format::Csv {
            // Designed jobs are not found from packets, so a trace of packets could not hold them.
            drop(writer);
            transfer_list::write_transfer_list(&trace.jobs, out)?;
        } else {
            writer.finish(&trace)?;
        }
        Ok(trace)
    }

    fn read<P: AsRef<Path>>(paths: &[P], options: &ImportOptions, writer: Option<&mut Writer>) -> Result<Trace, Error> {
        let paths: Vec<PathBuf> = paths.iter().map(|p| p.as_ref().to_owned()).collect();
        let mut inputs = open_all(&paths, options)?;
        if let Some((input, format)) = inputs.iter().find(|(_, f)| !f.is_capture()).filter(|_| inputs.len() > 1) {
            return Err(Error::CannotMerge { path: input.path().to_owned(), format: *format });
        }
        let mut importer = Importer::new(options, writer);
        match inputs.pop() {
            None => Err(Error::NoFile),
            Some((input, Format::Trace)) => {
                let header = container::read(input, &mut importer)?;
                importer.finish(header, options)
            }
            Some((input, Format::Csv)) => transfer_list::read(input, options),
            Some(last) => {
                let source = last.1;
                inputs.push(last);
                read_captures(inputs, source, importer, options)
            }
        }
    }

    /// The jobs in it, in order of their first byte.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// The jobs in it.
    pub fn into_jobs(self) -> Vec<Job> {
        self.jobs
    }

    /// The pause that separates bursts.
    pub fn gap(&self) -> Span {
        self.gap
    }

    /// What was amiss but did not prevent reading, a sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.header.warnings
    }

    /// Packets that were seen twice, of which the second sighting was left out.
    pub fn duplicates(&self) -> u64 {
        self.header.duplicates
    }

    /// The document of `trace stats --json`.
    pub fn stats(&self) -> TraceStats {
        describe::stats(self)
    }

    /// The document of `trace show --json`.
    pub fn details(&self) -> TraceDetails {
        describe::details(self)
    }

    pub(crate) fn find_jobs(&mut self, options: &ImportOptions) {
        self.meters.align();
        self.gap = options.gap.unwrap_or_else(|| self.pauses.valley());
        let peaks = self.meters.peaks();
        let recording = Recording {
            nodes: &self.nodes,
            links: &self.links,
            stretches: &self.stretches,
            peaks: &peaks,
            gap: self.gap,
            setup: options.setup,
        };
        (self.jobs, self.bursts) = recording.jobs();
    }
}

/// Opens all files and tells their formats.
fn open_all(paths: &[PathBuf], options: &ImportOptions) -> Result<Vec<(Input, Format)>, Error> {
    let meter = Rc::new(Meter::new(paths, options));
    let open = |path: &PathBuf| {
        let mut input = Input::open(path, meter.clone())?;
        let format = tell(&mut input, options.format)?;
        Ok((input, format))
    };
    paths.iter().map(open).collect()
}

fn tell(input: &mut Input, wanted: Option<Format>) -> Result<Format, Error> {
    const HEAD: usize = 16;
    input.has(HEAD)?;
    let head = &input.data()[..input.data().len().min(HEAD)];
    if head.is_empty() && !input.is_cut() {
        return Err(Error::Empty { path: input.path().to_owned() });
    }
    match (Format::of(head), wanted) {
        (Some(found), None) => Ok(found),
        (Some(found), Some(wanted)) if found == wanted || found.is_capture() && wanted.is_capture() => Ok(found),
        (_, wanted) => {
            let any = "a capture (pcap or pcapng), a trace or a transfer list (csv)".to_owned();
            let expected = wanted.map_or(any, |format| format!("a {format} file"));
            let bytes: Vec<_> = head.iter().take(4).map(|b| format!("{b:02x}")).collect();
            Err(Error::Unrecognised { path: input.path().to_owned(), expected, found: bytes.join(" ") })
        }
    }
}

fn read_captures(
    inputs: Vec<(Input, Format)>,
    source: Format,
    mut importer: Importer<'_>,
    options: &ImportOptions,
) -> Result<Trace, Error> {
    let capture = Capture::new(inputs)?;
    let path = capture.paths().swap_remove(0);
    let account = capture.read(|time, segment| importer.segment(time, segment))?;
    if !importer.has_payload() {
        let note = account.warnings.first().map(|w| format!(" ({w})")).unwrap_or_default();
        return Err(Error::NoTcp { path, packets: account.packets, note });
    }
    let start = account.first.unwrap_or_default();
    let header = Header {
        source,
        packets: account.packets,
        duplicates: account.duplicates,
        application_bytes: importer.application_bytes(),
        start,
        duration: Span::from_nanos(account.last - start),
        warnings: account.warnings,
    };
    importer.finish(header, options)
}
