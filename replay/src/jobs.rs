//! From activity to jobs: which nodes belong together, their bursts, their iterations.

use std::net::IpAddr;

use burstlab_units::{Bytes, Rate, Span};

use crate::activity::Stretch;
use crate::iterations::{self, Found};
use crate::job::{Connection, Direction, Iteration, Job, Transfer};
use crate::waits;

/// A connection between nodes of the whole trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub from: usize,
    pub to: usize,
    pub from_port: u16,
    pub to_port: u16,
}

/// All that jobs are found from.
pub(crate) struct Recording<'a> {
    pub nodes: &'a [IpAddr],
    pub links: &'a [Link],
    /// In order of start.
    pub stretches: &'a [Stretch],
    /// The highest rate seen of each node.
    pub peaks: &'a [Rate],
    /// Pauses longer than this separate bursts.
    pub gap: Span,
    /// Whether the traffic before the first iteration is kept, as a part of that.
    pub setup: bool,
}

impl Recording<'_> {
    /// One job for each set of nodes that talk to each other, in order of their first byte; and how many bursts there are in
    /// each direction.
    pub fn jobs(&self) -> (Vec<Job>, Vec<u64>) {
        let mut bursts = vec![0; self.links.len() * 2];
        let component = self.components();
        let mut order: Vec<usize> = Vec::new();
        let mut own: Vec<Vec<Stretch>> = vec![Vec::new(); self.nodes.len()];
        for stretch in self.stretches {
            let root = component[self.links[stretch.direction / 2].from];
            if own[root].is_empty() {
                order.push(root);
            }
            own[root].push(*stretch);
        }
        let mut job = |(i, &root): (usize, &usize)| self.job(format!("job{}", i + 1), &own[root], &mut bursts);
        let jobs = order.iter().enumerate().map(&mut job).collect();
        (jobs, bursts)
    }

    /// The smallest node that each node is connected to.
    fn components(&self) -> Vec<usize> {
        let mut root: Vec<usize> = (0..self.nodes.len()).collect();
        fn find(root: &mut [usize], mut n: usize) -> usize {
            while root[n] != n {
                root[n] = root[root[n]];
                n = root[n];
            }
            n
        }
        for stretch in self.stretches {
            let link = &self.links[stretch.direction / 2];
            let (a, b) = (find(&mut root, link.from), find(&mut root, link.to));
            root[a.max(b)] = a.min(b);
        }
        (0..self.nodes.len()).map(|n| find(&mut root, n)).collect()
    }

    fn job(&self, name: String, stretches: &[Stretch], bursts: &mut [u64]) -> Job {
        let traffic: Vec<_> = stretches.iter().map(|s| (s.start, s.end, s.bytes)).collect();
        let mut found = iterations::find(&traffic);
        if self.setup {
            let first = Span::from_nanos(stretches[0].start);
            (found[0].start, found[0].comm_start) = (first, first);
        }
        let mut used: Vec<usize> = stretches.iter().map(|s| s.direction / 2).collect();
        used.sort_unstable();
        used.dedup();
        let mut nodes: Vec<usize> = used.iter().flat_map(|&l| [self.links[l].from, self.links[l].to]).collect();
        nodes.sort_unstable_by_key(|&n| self.nodes[n]);
        nodes.dedup();
        let worker = |node: usize| nodes.iter().position(|&n| n == node).unwrap_or_default();
        let connection = |&l: &usize| {
            let Link { from, to, from_port, to_port } = self.links[l];
            Connection { from: worker(from), to: worker(to), from_port, to_port }
        };
        let peak_rate = nodes.iter().map(|&n| self.peaks[n]).max().unwrap_or_default();
        let origin = found[0].start;
        let mut job = Job {
            name,
            workers: nodes.iter().map(|&n| self.nodes[n].to_string()).collect(),
            connections: used.iter().map(connection).collect(),
            transfers: transfers(stretches, &found, &used, self.gap, peak_rate),
            iterations: found.iter().map(|f| iteration(f, origin)).collect(),
            origin,
            peak_rate,
            left_out: Bytes::ZERO,
        };
        for transfer in &job.transfers {
            job.iterations[transfer.iteration].bytes += transfer.bytes;
            bursts[used[transfer.connection] * 2 + transfer.direction as usize] += 1;
        }
        job.left_out = stretches.iter().map(|s| Bytes::new(s.bytes)).sum::<Bytes>() - job.bytes();
        waits::infer(&mut job);
        job
    }
}

fn iteration(found: &Found, origin: Span) -> Iteration {
    let (comm_start, comm_end) = (found.comm_start - origin, found.comm_end - origin);
    Iteration { start: found.start - origin, end: comm_end, comm_start, comm_end, bytes: Bytes::ZERO }
}

/// A burst in the making: its stretches so far, joined.
struct Burst {
    joined: Stretch,
    iteration: usize,
}

/// Joins stretches to bursts, and makes each a transfer; in order of start.
fn transfers(stretches: &[Stretch], found: &[Found], used: &[usize], gap: Span, peak: Rate) -> Vec<Transfer> {
    let origin = found[0].start;
    let mut open: Vec<Option<Burst>> = Vec::new();
    open.resize_with(used.len() * 2, || None);
    let mut done = Vec::new();
    for stretch in stretches {
        let start = Span::from_nanos(stretch.start);
        let Some(iteration) = found.partition_point(|f| f.comm_start <= start).checked_sub(1) else { continue };
        if found[iteration].comm_end < start {
            continue;
        }
        let connection = used.binary_search(&(stretch.direction / 2)).unwrap_or_default();
        let slot = &mut open[connection * 2 + stretch.direction % 2];
        if let Some(burst) = slot {
            let pause = stretch.start - burst.joined.end;
            // While losses are repaired the network is what the pause is due to: replay must not take it for computing.
            let repaired = stretch.repairing && stretch.quiet <= gap.as_nanos();
            if burst.iteration == iteration && (pause <= gap.as_nanos() || repaired) {
                burst.joined.idle += stretch.quiet + stretch.idle;
                burst.joined.end = stretch.end;
                burst.joined.bytes += stretch.bytes;
                continue;
            }
        }
        done.extend(slot.replace(Burst { joined: *stretch, iteration }));
    }
    done.extend(open.into_iter().flatten());
    let mut transfers: Vec<Transfer> = done.iter().map(|b| transfer(b, used, origin, peak)).collect();
    transfers.sort_by_key(|t| (t.start, t.connection, t.direction));
    transfers
}

fn transfer(burst: &Burst, used: &[usize], origin: Span, peak: Rate) -> Transfer {
    let Stretch { direction, start, end, bytes, idle, .. } = burst.joined;
    let lasted = Span::from_nanos(end - start);
    // No pause can make up for what the link takes at its fastest.
    let at_least = if peak == Rate::ZERO { Span::ZERO } else { peak.transmission_time(Bytes::new(bytes)).min(lasted) };
    Transfer {
        connection: used.binary_search(&(direction / 2)).unwrap_or_default(),
        direction: if direction % 2 == 0 { Direction::Forward } else { Direction::Backward },
        bytes: Bytes::new(bytes),
        start: Span::from_nanos(start) - origin,
        end: Span::from_nanos(end) - origin,
        busy: at_least.max(lasted - Span::from_nanos(idle)),
        iteration: burst.iteration,
        after: Vec::new(),
        compute: Span::ZERO,
    }
}
