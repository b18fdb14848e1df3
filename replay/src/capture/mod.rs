//! Captures: files in, TCP segments in order of time out.

mod bytes;
mod clock;
mod fragments;
mod link;
mod order;
mod records;
pub(crate) mod segment;

use std::path::PathBuf;

use burstlab_units::Span;

use crate::format::LATEST;
use crate::input::Input;
use crate::{Error, Format};
use fragments::Fragments;
use order::{Sighting, Sightings, Sorter};
use records::Records;
use segment::{Content, Segment};

/// How far a capture's clock may step backwards. Interfaces that are merged into one file disagree by microseconds,
/// a clock that is being set steps by more.
const TOLERATED_BACK: Span = Span::from_secs(1);

/// One file's packets.
struct Source {
    records: Records,
    fragments: Fragments,
    latest: u64,
    next: Option<Sighting>,
}

/// What a capture says of itself once it was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    pub packets: u64,
    pub first: Option<u64>,
    pub last: u64,
    pub duplicates: u64,
    pub cut_headers: u64,
    pub warnings: Vec<String>,
}

/// Several captures as one stream.
pub(crate) struct Capture {
    sources: Vec<Source>,
    sorter: Sorter,
    sightings: Sightings,
    account: Account,
}

impl Source {
    fn new(input: Input, format: Format, account: &mut Account) -> Result<Source, Error> {
        let records = Records::new(input, format)?;
        let mut source = Source { records, fragments: Fragments::default(), latest: 0, next: None };
        source.advance(account)?;
        Ok(source)
    }

    /// Reads the next packet into `next`.
    fn advance(&mut self, account: &mut Account) -> Result<(), Error> {
        self.next = None;
        let Some(packet) = self.records.next()? else { return Ok(()) };
        let (time, link) = (packet.time, packet.link);
        let content = match link::ip_offset(link, packet.data) {
            Ok(Some(at)) => {
                segment::parse(packet.data.get(at..).unwrap_or_default(), packet.original.saturating_sub(at))
            }
            Ok(None) => Content::Other,
            Err(()) => {
                let (path, packet) = (self.records.path().to_owned(), self.records.number());
                return Err(Error::LinkType { path, packet, link });
            }
        };
        self.check_clock(time)?;
        account.packets += 1;
        let segment = match content {
            Content::Segment(segment, None) => Some(segment),
            Content::Segment(segment, Some(piece)) => Some(self.fragments.first(segment, piece)),
            Content::Fragment(piece) => self.fragments.later(piece),
            Content::Cut => {
                account.cut_headers += 1;
                None
            }
            Content::Other => None,
        };
        self.next = Some((time, segment));
        Ok(())
    }

    fn check_clock(&mut self, time: u64) -> Result<(), Error> {
        if time > LATEST {
            let reason = format!("it is stamped {time} ns after 1970; expected at most {LATEST}");
            let (path, packet) = (self.records.path().to_owned(), self.records.number());
            return Err(Error::Damaged { path, packet, reason });
        }
        let back = Span::from_nanos(self.latest.saturating_sub(time));
        if back > TOLERATED_BACK {
            let (path, packet) = (self.records.path().to_owned(), self.records.number());
            return Err(Error::ClockBackwards { path, packet, back, tolerated: TOLERATED_BACK });
        }
        self.latest = self.latest.max(time);
        Ok(())
    }

    fn warn(&self, warnings: &mut Vec<String>) {
        let path = self.records.path().display();
        if let Some(packet) = self.records.cut_at {
            warnings.push(format!("{path}: ends in the middle of packet {packet}; what was read before it is kept"));
        }
        if self.records.unstamped > 0 {
            let n = self.records.unstamped;
            warnings.push(format!("{path}: packets that carry no time stamp and take that of the one before: {n}"));
        }
    }
}

impl Capture {
    /// Opens captures that are to be merged by time.
    pub fn new(inputs: Vec<(Input, Format)>) -> Result<Capture, Error> {
        let mut account = Account::default();
        let sources =
            inputs.into_iter().map(|(i, f)| Source::new(i, f, &mut account)).collect::<Result<Vec<_>, Error>>()?;
        Ok(Capture { sources, sorter: Sorter::default(), sightings: Sightings::new(), account })
    }

    /// Gives every TCP segment to `sink`, with its Unix time in nanoseconds, and then the account of the whole.
    pub fn read(mut self, mut sink: impl FnMut(u64, &Segment) -> Result<(), Error>) -> Result<Account, Error> {
        while let Some(sighting) = self.merged()? {
            if let Some(sighting) = self.sorter.push(sighting) {
                self.emit(sighting, &mut sink)?;
            }
        }
        while let Some(sighting) = self.sorter.pop() {
            self.emit(sighting, &mut sink)?;
        }
        for source in &self.sources {
            source.warn(&mut self.account.warnings);
        }
        if self.account.cut_headers > 0 {
            let n = self.account.cut_headers;
            self.account.warnings.push(format!("packets cut within their TCP header and left out: {n}"));
        }
        Ok(self.account)
    }

    /// The next packet of all files.
    fn merged(&mut self) -> Result<Option<Sighting>, Error> {
        let heads = self.sources.iter().enumerate().filter_map(|(i, s)| s.next.map(|(time, _)| (time, i)));
        let Some((_, earliest)) = heads.min() else { return Ok(None) };
        let source = &mut self.sources[earliest];
        let sighting = source.next;
        source.advance(&mut self.account)?;
        Ok(sighting)
    }

    fn emit(
        &mut self,
        (time, segment): Sighting,
        sink: &mut impl FnMut(u64, &Segment) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.account.first.get_or_insert(time);
        self.account.last = time;
        let Some(segment) = segment else { return Ok(()) };
        if self.sightings.is_second(time, &segment) {
            self.account.duplicates += 1;
            return Ok(());
        }
        sink(time, &segment)
    }

    /// The files, for messages.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.sources.iter().map(|s| s.records.path().to_owned()).collect()
    }
}
