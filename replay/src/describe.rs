//! The documents about a trace.

use crate::activity::Direction;
use crate::stats::{BurstStats, FlowStats, IterationStats, NodeStats, TraceDetails, TraceStats};
use crate::{Job, Trace};

pub(crate) fn stats(trace: &Trace) -> TraceStats {
    let (header, meters) = (&trace.header, &trace.meters);
    let duration = header.duration;
    let mut order: Vec<usize> = (0..trace.nodes.len()).collect();
    order.sort_by_key(|&n| trace.nodes[n]);
    let node = |n: usize| NodeStats::new(trace.nodes[n].to_string(), &meters.nodes[n], duration);
    let flow = |(d, gauge)| NodeStats::new(flow_name(trace, d), gauge, duration);
    let sends = meters.flows.iter().enumerate().filter(|(_, gauge)| gauge.sent.get() > 0);
    TraceStats {
        schema: 1,
        format: header.source.to_string(),
        packets: header.packets,
        payload_bytes: meters.all.sent.get(),
        application_bytes: header.application_bytes,
        start: header.start,
        duration: duration.as_nanos(),
        nodes: order.into_iter().map(node).collect(),
        all: NodeStats::new("all".into(), &meters.all, duration),
        per_flow: sends.map(flow).collect(),
        bin: meters.all.series.width().as_nanos(),
    }
}

/// Sender and receiver of a direction.
fn ends(trace: &Trace, direction: Direction) -> [(String, u16); 2] {
    let link = &trace.links[direction / 2];
    let from = (trace.nodes[link.from].to_string(), link.from_port);
    let to = (trace.nodes[link.to].to_string(), link.to_port);
    if direction.is_multiple_of(2) { [from, to] } else { [to, from] }
}

fn flow_name(trace: &Trace, direction: Direction) -> String {
    let [from, to] = ends(trace, direction);
    let with_port = |(address, port): (String, u16)| match address.contains(':') {
        true => format!("[{address}]:{port}"),
        false => format!("{address}:{port}"),
    };
    format!("{}>{}", with_port(from), with_port(to))
}

pub(crate) fn details(trace: &Trace) -> TraceDetails {
    TraceDetails {
        stats: stats(trace),
        flows: flows(trace),
        bursts: trace.jobs.iter().map(|job| bursts(trace, job)).collect(),
        iterations: trace.jobs.iter().flat_map(iterations).collect(),
    }
}

fn flows(trace: &Trace) -> Vec<FlowStats> {
    let mut order: Vec<Direction> = Vec::new();
    let mut flows: Vec<Option<FlowStats>> = vec![None; trace.links.len() * 2];
    for stretch in &trace.stretches {
        let flow = flows[stretch.direction].get_or_insert_with(|| {
            order.push(stretch.direction);
            let [(source, source_port), (destination, destination_port)] = ends(trace, stretch.direction);
            let (application_bytes, bursts) = (0, trace.bursts[stretch.direction]);
            let (start, end) = (stretch.start, stretch.end);
            FlowStats { source, source_port, destination, destination_port, application_bytes, start, end, bursts }
        });
        flow.application_bytes += stretch.bytes;
        flow.end = flow.end.max(stretch.end);
    }
    order.into_iter().filter_map(|d| flows[d].take()).collect()
}

fn bursts(trace: &Trace, job: &Job) -> BurstStats {
    let mut sizes: Vec<u64> = job.transfers.iter().map(|t| t.bytes.get()).collect();
    sizes.sort_unstable();
    let total: u64 = sizes.iter().sum();
    let mut below = 0;
    let median = sizes.iter().find(|&&size| {
        below += size;
        below * 2 >= total
    });
    BurstStats {
        job: job.name.clone(),
        gap: trace.gap.as_nanos(),
        count: sizes.len() as u64,
        mean_bytes: total.checked_div(sizes.len() as u64).unwrap_or(0),
        median_byte_bytes: median.copied().unwrap_or(0),
        max_bytes: sizes.last().copied().unwrap_or(0),
    }
}

fn iterations(job: &Job) -> Vec<IterationStats> {
    let since_capture = |span| (job.origin + span).as_nanos();
    let one = |(k, i): (u64, &crate::Iteration)| IterationStats {
        job: job.name.clone(),
        iteration: k,
        start: since_capture(i.start),
        end: since_capture(i.end),
        communication_start: since_capture(i.comm_start),
        communication_end: since_capture(i.comm_end),
        bytes: i.bytes.get(),
    };
    (0..).zip(&job.iterations).map(one).collect()
}
