//! The transfer list: one transfer a line, for jobs that were not captured.
//!
//! ```text
//! job,iteration,phase,src,dst,bytes,start_ns,after
//! ring,0,communication,10.0.0.1,10.0.0.2,1000000,5000,
//! ring,0,communication,10.0.0.2,10.0.0.1,1000000,805000,0
//! ```
//!
//! `phase` is for the reader and is not interpreted. `src` and `dst` are IP addresses. `after` lists, with spaces in between, the
//! transfers of the same job that one waits for, counted from zero in order of their lines. `start_ns` is when it
//! starts on a network that takes no time, so computing is the difference between it and the latest start that it waits for.
//! A job without a single `after` was recorded rather than designed: what waits for what is then found as for a capture.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use burstlab_units::{Bytes, Rate, Span};

use crate::activity::Pauses;
use crate::atomic::AtomicFile;
use crate::format::{CSV_HEADER, LATEST};
use crate::input::Input;
use crate::job::{Connection, Direction, Job, Transfer, lay_out_iterations, ready_at};
use crate::jobs::Link;
use crate::meters::Meters;
use crate::trace::{Header, Trace};
use crate::{Error, Format, ImportOptions, waits};

const LONGEST_LINE: usize = 1 << 20;
/// A petabyte in one transfer is a slip of the pen.
const LARGEST: u64 = 1_000_000_000_000_000;
/// More than any job sends; sums of anything below cannot overflow.
const MOST_BYTES: u64 = 1 << 60;

/// Writes jobs as a transfer list at `path`, compressed if its name ends in `.zst`.
///
/// # Errors
/// [`Error::Write`]; whatever was there before then stays.
pub fn write_transfer_list(jobs: &[Job], path: &Path) -> Result<(), Error> {
    let mut file = AtomicFile::create(path)?;
    file.write(format_args!("{CSV_HEADER}\n"))?;
    for job in jobs {
        let mut instant = job.clone();
        instant.transfers.iter_mut().for_each(|t| t.busy = Span::ZERO);
        instant.scale_compute(1.0);
        for transfer in &instant.transfers {
            let (from, to) = instant.ends(transfer);
            let (src, dst) = (&instant.workers[from], &instant.workers[to]);
            let after: Vec<_> = transfer.after.iter().map(usize::to_string).collect();
            let (k, bytes, start) = (transfer.iteration, transfer.bytes.get(), transfer.start.as_nanos());
            let (name, after) = (&job.name, after.join(" "));
            file.write(format_args!("{name},{k},communication,{src},{dst},{bytes},{start},{after}\n"))?;
        }
    }
    file.commit()
}

struct Row {
    iteration: usize,
    src: IpAddr,
    dst: IpAddr,
    bytes: u64,
    start: u64,
    after: Vec<usize>,
}

/// Rows of each job in order of its first line.
#[derive(Default)]
struct Rows {
    names: Vec<String>,
    rows: BTreeMap<usize, Vec<Row>>,
    bytes: u64,
}

pub(crate) fn read(mut input: Input, options: &ImportOptions) -> Result<Trace, Error> {
    let path = input.path().to_owned();
    let fail = |line, reason| Error::Line { path: path.clone(), line, reason };
    let (mut number, mut rows) = (0, Rows::default());
    while let Some(line) = input.line(LONGEST_LINE)? {
        number += 1;
        let text = std::str::from_utf8(line).map_err(|_| fail(number, "is not text".into()))?;
        if number == 1 {
            if text != CSV_HEADER {
                return Err(fail(1, format!("the columns are \"{text}\"; expected \"{CSV_HEADER}\"")));
            }
        } else if !text.is_empty() {
            rows.take(text).map_err(|reason| fail(number, reason))?;
        }
    }
    if rows.names.is_empty() {
        return Err(fail(number, "there is no transfer; expected at least one".into()));
    }
    Ok(trace(rows, options))
}

impl Rows {
    fn take(&mut self, text: &str) -> Result<(), String> {
        let fields: Vec<&str> = text.split(',').map(str::trim).collect();
        let [job, iteration, _phase, src, dst, bytes, start, after] = fields[..] else {
            return Err(format!("there are {} fields; expected 8: {CSV_HEADER}", fields.len()));
        };
        let index = self.names.iter().position(|n| n == job).unwrap_or_else(|| {
            self.names.push(job.to_owned());
            self.names.len() - 1
        });
        let rows = self.rows.entry(index).or_default();
        let number = |name: &str, text: &str| {
            text.parse::<u64>().map_err(|_| format!("{name} is \"{text}\"; expected a whole number"))
        };
        let address =
            |name: &str, text: &str| text.parse().map_err(|_| format!("{name} is \"{text}\"; expected an IP address"));
        let earlier = |text: &str| match text.parse::<usize>() {
            Ok(i) if i < rows.len() => Ok(i),
            _ => Err(format!("after names \"{text}\"; expected transfers of the same job above this line, from 0 on")),
        };
        let row = Row {
            iteration: number("iteration", iteration)? as usize,
            src: address("src", src)?,
            dst: address("dst", dst)?,
            bytes: number("bytes", bytes)?,
            start: number("start_ns", start)?,
            after: after.split_whitespace().map(earlier).collect::<Result<_, _>>()?,
        };
        if row.iteration > rows.len() {
            return Err(format!("iteration is {iteration}; expected iterations to be counted from 0 without a gap"));
        }
        if row.bytes == 0 || row.bytes > LARGEST {
            return Err(format!("bytes is {bytes}; expected between 1 and {LARGEST}"));
        }
        self.bytes += row.bytes;
        if self.bytes > MOST_BYTES {
            return Err(format!("transfers hold more than {MOST_BYTES} bytes up to here"));
        }
        if row.start > LATEST {
            return Err(format!("start_ns is {start}; expected at most {LATEST}"));
        }
        if row.src == row.dst {
            return Err(format!("src and dst are both {src}; expected two nodes"));
        }
        if let Some(&late) = row.after.iter().find(|&&i| rows[i].start > row.start) {
            return Err(format!("it starts before transfer {late}, for which it waits"));
        }
        rows.push(row);
        Ok(())
    }
}

fn trace(rows: Rows, options: &ImportOptions) -> Trace {
    let mut meters = Meters::new(options);
    let mut nodes: Vec<IpAddr> = Vec::new();
    let all = || rows.rows.values().flatten();
    for address in all().flat_map(|r| [r.src, r.dst]) {
        if !nodes.contains(&address) {
            nodes.push(address);
            meters.add_node();
        }
    }
    let node = |address| nodes.iter().position(|&n| n == address).unwrap_or_default();
    let mut impulses: Vec<_> = all().map(|r| (r.start, node(r.src), node(r.dst), r.bytes)).collect();
    impulses.sort_by_key(|i| i.0);
    let mut links: Vec<Link> = Vec::new();
    let start = impulses.first().map_or(0, |i| i.0);
    for &(time, src, dst, bytes) in &impulses {
        let link = links.iter().position(|l| (l.from, l.to) == (src, dst)).unwrap_or_else(|| {
            links.push(Link { from: src, to: dst, from_port: 0, to_port: 0 });
            links.len() - 1
        });
        meters.arrive(src, link * 2, time - start, bytes);
    }
    meters.align();
    let header = Header {
        source: Format::Csv,
        packets: impulses.len() as u64,
        duplicates: 0,
        application_bytes: impulses.iter().map(|i| i.3).sum(),
        start,
        duration: Span::from_nanos(impulses.last().map_or(0, |i| i.0) - start),
        warnings: Vec::new(),
    };
    let (stretches, pauses) = (Vec::new(), Pauses::default());
    let jobs = rows.names.iter().zip(rows.rows.values()).map(|(name, rows)| job(name, rows)).collect();
    Trace { header, nodes, links, stretches, pauses, meters, gap: Span::ZERO, jobs, bursts: Vec::new() }
}

fn job(name: &str, rows: &[Row]) -> Job {
    let mut addresses: Vec<IpAddr> = rows.iter().flat_map(|r| [r.src, r.dst]).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let worker = |address| addresses.binary_search(&address).unwrap_or_default();
    let mut pairs: Vec<_> = rows.iter().map(|r| (worker(r.src), worker(r.dst))).collect();
    pairs.sort_unstable();
    pairs.dedup();
    // Sorting by start may move rows, and with them what `after` counts.
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&i| rows[i].start);
    let mut place = vec![0; rows.len()];
    order.iter().enumerate().for_each(|(at, &i)| place[i] = at);
    let transfer = |&i: &usize| {
        let row = &rows[i];
        let start = Span::from_nanos(row.start);
        Transfer {
            connection: pairs.binary_search(&(worker(row.src), worker(row.dst))).unwrap_or_default(),
            direction: Direction::Forward,
            bytes: Bytes::new(row.bytes),
            start,
            end: start,
            busy: Span::ZERO,
            iteration: row.iteration,
            after: row.after.iter().map(|&d| place[d]).collect(),
            compute: Span::ZERO,
        }
    };
    let mut job = Job {
        name: name.to_owned(),
        workers: addresses.iter().map(IpAddr::to_string).collect(),
        connections: pairs.iter().map(|&(from, to)| Connection { from, to, from_port: 0, to_port: 0 }).collect(),
        transfers: order.iter().map(transfer).collect(),
        iterations: Vec::new(),
        origin: Span::ZERO,
        peak_rate: Rate::ZERO,
        left_out: Bytes::ZERO,
    };
    if rows.iter().all(|r| r.after.is_empty()) {
        waits::infer(&mut job);
    } else {
        for i in 0..job.transfers.len() {
            job.transfers[i].compute = job.transfers[i].start - ready_at(&job.transfers, &job.transfers[i].after);
        }
    }
    job.iterations = lay_out_iterations(&job.transfers);
    job
}
