//! The trace file: what an import keeps of a capture, as lines of text, usually within zstd.
//!
//! ```text
//! burstlab-trace 1
//! c 10.77.0.2 34700 10.77.0.1 29500         a connection: opener, acceptor; numbered from zero
//! p 15320 1 48                              a packet: ns since the one before, direction, payload bytes
//! s 1 15320 0 48 0 0 0                      a stretch of first-time bytes: direction, ns since the start of the
//!                                           one before, ns that it lasts, bytes, ns idle, ns quiet, repairing
//! v 0 0 12 3                                pauses between a direction's packets, two bins per octave from 1 ns
//! w a sentence                              a warning
//! h pcapng 112426 0 5214 1795 14486         format, packets, duplicates, application bytes, start, duration
//! end
//! ```
//!
//! A direction is twice the connection's number, plus one for the way back to the opener. Jobs are found anew on reading,
//! so that another idle gap can be asked for.

use std::net::IpAddr;
use std::path::Path;

use burstlab_units::Span;

use crate::activity::{Direction, Stretch};
use crate::atomic::AtomicFile;
use crate::format::{LATEST, TRACE_MAGIC};
use crate::importer::Importer;
use crate::input::Input;
use crate::trace::{Header, Trace};
use crate::{Error, Format};

/// More than any capture holds; sums of anything below cannot overflow.
const MOST_BYTES: u64 = 1 << 60;
/// Longer than any line of ours.
const LONGEST_LINE: usize = 1 << 16;

/// Writes a trace file while the capture is read.
pub(crate) struct Writer {
    file: AtomicFile,
    last: u64,
}

impl Writer {
    pub fn create(path: &Path) -> Result<Writer, Error> {
        let mut file = AtomicFile::create(path)?;
        file.write(format_args!("{TRACE_MAGIC}\n"))?;
        Ok(Writer { file, last: 0 })
    }

    pub fn connection(&mut self, from: (IpAddr, u16), to: (IpAddr, u16)) -> Result<(), Error> {
        self.file.write(format_args!("c {} {} {} {}\n", from.0, from.1, to.0, to.1))
    }

    pub fn packet(&mut self, direction: Direction, time: u64, bytes: u64) -> Result<(), Error> {
        let since = time - std::mem::replace(&mut self.last, time);
        self.file.write(format_args!("p {since} {direction} {bytes}\n"))
    }

    /// Writes what is known only at the end, and puts the file in its place.
    pub fn finish(mut self, trace: &Trace) -> Result<(), Error> {
        let mut last = 0;
        for s in &trace.stretches {
            let (since, lasts) = (s.start - std::mem::replace(&mut last, s.start), s.end - s.start);
            let (direction, bytes, repairing) = (s.direction, s.bytes, u8::from(s.repairing));
            let (idle, quiet) = (s.idle, s.quiet);
            self.file.write(format_args!("s {direction} {since} {lasts} {bytes} {idle} {quiet} {repairing}\n"))?;
        }
        let bins: Vec<String> = trace.pauses.bins.iter().map(u64::to_string).collect();
        self.file.write(format_args!("v {}\n", bins.join(" ")))?;
        let h = &trace.header;
        for warning in &h.warnings {
            self.file.write(format_args!("w {}\n", warning.replace(['\n', '\r'], " ")))?;
        }
        let (packets, duplicates, bytes) = (h.packets, h.duplicates, h.application_bytes);
        let (start, duration) = (h.start, h.duration.as_nanos());
        self.file.write(format_args!("h {} {packets} {duplicates} {bytes} {start} {duration}\nend\n", h.source))?;
        self.file.commit()
    }
}

/// What reading has come to.
#[derive(Default)]
struct Reader {
    now: u64,
    last_start: u64,
    /// Where the last stretch of each direction ended.
    ends: Vec<Option<u64>>,
    bytes: u64,
    header: Option<Header>,
    warnings: Vec<String>,
    ended: bool,
}

/// Reads a trace file into `importer`.
pub(crate) fn read(mut input: Input, importer: &mut Importer<'_>) -> Result<Header, Error> {
    let path = input.path().to_owned();
    let fail = |line, reason| Error::Line { path: path.clone(), line, reason };
    let (mut number, mut reader) = (0, Reader::default());
    while let Some(line) = input.line(LONGEST_LINE)? {
        number += 1;
        let text = std::str::from_utf8(line).map_err(|_| fail(number, "is not text".into()))?;
        if number == 1 {
            if text != TRACE_MAGIC {
                return Err(fail(1, format!("\"{text}\" is not a version known here; expected \"{TRACE_MAGIC}\"")));
            }
            continue;
        }
        match reader.line(text, importer) {
            Ok(()) => {}
            Err(Fault::Syntax(expected)) => {
                return Err(fail(number, format!("\"{text}\" is not a line of a trace; expected {expected}")));
            }
            Err(Fault::Value(reason)) => return Err(fail(number, format!("\"{text}\": {reason}"))),
            Err(Fault::Other(error)) => return Err(error),
        }
        if reader.ended {
            break;
        }
    }
    let missing = || fail(number, "the trace is cut short; expected the line \"end\" at its end".into());
    let mut header = reader.header.filter(|_| reader.ended).ok_or_else(missing)?;
    header.warnings = reader.warnings;
    Ok(header)
}

enum Fault {
    Syntax(&'static str),
    /// A line of the right form that says what cannot be.
    Value(String),
    Other(Error),
}

impl Reader {
    fn line(&mut self, text: &str, importer: &mut Importer<'_>) -> Result<(), Fault> {
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        match kind {
            "p" => self.packet(rest, importer),
            "c" => connection(rest, importer),
            "s" => self.stretch(rest, importer),
            "v" => {
                let bins: Option<Vec<u64>> = rest.split(' ').map(|n| n.parse().ok()).collect();
                let pauses = &mut importer.activity().pauses.bins;
                let bins = bins.filter(|b| b.len() == pauses.len() && b.iter().all(|&n| n <= MOST_BYTES));
                *pauses = bins.ok_or(Fault::Syntax("\"v\" and the number of pauses in each bin"))?;
                Ok(())
            }
            "w" => {
                self.warnings.push(rest.to_owned());
                Ok(())
            }
            "h" => {
                let expected = "\"h\", format, packets, duplicates, application bytes, start and duration";
                self.header = Some(header(rest).ok_or(Fault::Syntax(expected))?);
                Ok(())
            }
            "end" => {
                self.ended = true;
                Ok(())
            }
            _ => Err(Fault::Syntax("one that begins with c, p, s, v, w, h or end")),
        }
    }

    fn packet(&mut self, rest: &str, importer: &mut Importer<'_>) -> Result<(), Fault> {
        let expected = Fault::Syntax("\"p\", ns since the packet before, a direction known by then, and bytes");
        let Some([since, direction, bytes]) = numbers(rest) else { return Err(expected) };
        let now = later(self.now, since)?;
        self.now = now;
        if direction as usize / 2 >= importer.links() || bytes > u64::from(u32::MAX) {
            return Err(expected);
        }
        importer.packet(direction as usize, now, bytes).map_err(Fault::Other)
    }

    fn stretch(&mut self, rest: &str, importer: &mut Importer<'_>) -> Result<(), Fault> {
        let expected = "\"s\", a direction, ns since the stretch before, ns, bytes, ns idle, ns quiet and repairing";
        let known = numbers::<7>(rest).filter(|numbers| numbers[0] as usize / 2 < importer.links());
        let [direction, since, lasts, bytes, idle, quiet, repairing] = known.ok_or(Fault::Syntax(expected))?;
        let (direction, repairing) = (direction as usize, repairing != 0);
        let start = later(self.last_start, since)?;
        let end = later(start, lasts)?;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MOST_BYTES {
            return Err(Fault::Value(format!("stretches hold more than {MOST_BYTES} bytes up to here")));
        }
        if idle > lasts {
            return Err(Fault::Value(format!("{idle} ns idle do not fit into a stretch of {lasts} ns")));
        }
        self.follow(direction, start, end, quiet)?;
        self.last_start = start;
        importer.activity().stretches.push(Stretch { direction, start, end, bytes, idle, quiet, repairing });
        Ok(())
    }

    /// Checks a stretch against the one of its direction before it: pauses between them are differences, and of each no
    /// more than all can have been quiet.
    fn follow(&mut self, direction: Direction, start: u64, end: u64, quiet: u64) -> Result<(), Fault> {
        if direction >= self.ends.len() {
            self.ends.resize(direction + 1, None);
        }
        let pause = match self.ends[direction].replace(end) {
            Some(before) => start.checked_sub(before).ok_or_else(|| {
                let reason =
                    format!("it starts at {start} ns, but the stretch before in its direction ends at {before} ns");
                Fault::Value(reason)
            })?,
            None => 0,
        };
        if quiet > pause {
            return Err(Fault::Value(format!("{quiet} ns quiet do not fit into the pause of {pause} ns before it")));
        }
        Ok(())
    }
}

/// The instant `since` after `time`.
fn later(time: u64, since: u64) -> Result<u64, Fault> {
    let sum = time.checked_add(since).filter(|&sum| sum <= LATEST);
    sum.ok_or_else(|| Fault::Value(format!("it lies more than {LATEST} ns after the first packet")))
}

fn connection(rest: &str, importer: &mut Importer<'_>) -> Result<(), Fault> {
    let mut words = rest.split(' ');
    let mut end = || Some((words.next()?.parse::<IpAddr>().ok()?, words.next()?.parse::<u16>().ok()?));
    let ends = end().zip(end());
    let (from, to) = ends.ok_or(Fault::Syntax("\"c\", the opener's address and port, and the acceptor's"))?;
    importer.link(from, to).map_err(Fault::Other)
}

fn header(rest: &str) -> Option<Header> {
    let (source, rest) = rest.split_once(' ')?;
    let source = source.parse::<Format>().ok().filter(|source| source.is_capture())?;
    let [packets, duplicates, application_bytes, start, duration] = numbers(rest)?;
    if [packets, duplicates, application_bytes].iter().any(|&n| n > MOST_BYTES) || start.max(duration) > LATEST {
        return None;
    }
    let duration = Span::from_nanos(duration);
    Some(Header { source, packets, duplicates, application_bytes, start, duration, warnings: Vec::new() })
}

/// Exactly `N` numbers.
fn numbers<const N: usize>(text: &str) -> Option<[u64; N]> {
    let mut found = [0; N];
    let mut words = text.split(' ');
    for slot in &mut found {
        *slot = words.next()?.parse().ok()?;
    }
    words.next().is_none().then_some(found)
}
