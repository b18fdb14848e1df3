//! Flows and bursts after a run.

use burstlab_engine::traffic::Transfer;
use burstlab_network::PortInfo;
use burstlab_stacks::Counters;
use burstlab_units::{Bytes, Rate, Span, Time};

use super::Ran;
use super::jobs::covered;
use super::setup::Lane;
use crate::results::{BurstRow, FlowRow, FlowSummary, Percentiles};

/// A lane below this part of the largest one's bytes is no bulk flow: rendezvous chatter says nothing of fairness.
const BULK_SHARE: u64 = 100;

/// How long a transfer needs alone on an empty path, however it is sent: each of its packets through the narrowest link,
/// the last one through all others, and the way.
pub(super) fn alone(run: &Ran, transfer: &Transfer) -> Span {
    let network = &run.ended.network;
    let ports: Vec<&PortInfo> =
        network.path(transfer.flow, transfer.direction).iter().map(|port| &network.ports()[port.0 as usize]).collect();
    let packets = transfer.bytes.get().div_ceil(run.plan.packet.payload.get()).max(1);
    let total = transfer.bytes + Bytes::new(packets * run.plan.packet.headers.get());
    let last = Bytes::new(total.get().min((run.plan.packet.payload + run.plan.packet.headers).get()));
    let narrowest = ports.iter().map(|port| port.rate).min().unwrap_or(Rate::ZERO);
    let way: Span = ports.iter().fold(Span::ZERO, |sum, port| sum + port.delay + port.rate.transmission_time(last));
    way + narrowest.transmission_time(total - last)
}

/// Each burst that was delivered.
pub(super) fn bursts(run: &Ran) -> Vec<BurstRow> {
    run.plan.lanes.iter().flat_map(|lane| lane.transfers.iter().filter_map(|t| burst(run, lane, *t))).collect()
}

fn burst(run: &Ran, lane: &Lane, number: u32) -> Option<BurstRow> {
    let (transfer, progress) =
        (&run.plan.traffic.transfers()[number as usize], run.plan.traffic.progress()[number as usize]);
    if progress.finished.is_never() {
        return None;
    }
    let (completion, alone) = (progress.finished.since(progress.started), alone(run, transfer));
    Some(BurstRow {
        run: 0,
        job: lane.name.clone(),
        copy: lane.copy,
        iteration: transfer.iteration,
        flow: lane.flow.0 as usize,
        direction: lane.direction.into(),
        bytes: transfer.bytes.get(),
        start_ns: progress.started.as_nanos(),
        completion_ns: completion.as_nanos(),
        alone_ns: alone.as_nanos(),
        slowdown: completion.as_nanos() as f64 / alone.as_nanos().max(1) as f64,
    })
}

/// Each direction of each connection that had bytes to carry.
pub(super) fn flows(run: &Ran, warmup: Time) -> Vec<FlowRow> {
    run.plan.lanes.iter().enumerate().map(|(i, lane)| flow(run, lane, i, warmup)).collect()
}

fn flow(run: &Ran, lane: &Lane, number: usize, warmup: Time) -> FlowRow {
    let now = run.ended.now;
    let sender = run.ended.side(lane.flow, lane.direction);
    let receiver = run.ended.side(lane.flow, lane.direction.reversed());
    let progress = || lane.transfers.iter().map(|t| run.plan.traffic.progress()[*t as usize]);
    let started = progress().map(|p| p.started).min().unwrap_or(Time::NEVER);
    let finished = progress().map(|p| p.finished).max().unwrap_or(Time::NEVER);
    let busy = progress().filter(|p| !p.started.is_never());
    let busy = covered(busy.map(|p| (p.started.max(warmup), p.finished.min(now))).collect());
    let (delivered, counted) = (run.sampler.delivered_before(number), run.sampler.counted_before(number));
    let Counters { retransmitted_segments, timeouts, .. } = sender.counters;
    let packets = run.ended.probe.inner.flow(lane.flow);
    FlowRow {
        run: 0,
        flow: lane.flow.0 as usize,
        direction: lane.direction.into(),
        job: lane.name.clone(),
        copy: lane.copy,
        src: format!("host{}", lane.hosts[0]),
        dst: format!("host{}", lane.hosts[1]),
        bytes: receiver.received,
        start_ns: started.min(now).as_nanos(),
        completion_ns: (!finished.is_never()).then(|| finished.since(started).as_nanos()),
        goodput_bit_s: Rate::of(Bytes::new(receiver.received.saturating_sub(delivered)), busy).bits_per_sec(),
        retransmitted_packets: retransmitted_segments.saturating_sub(counted.retransmitted_segments),
        timeouts: timeouts.saturating_sub(counted.timeouts),
        dropped_packets: packets.dropped,
        marked_packets: packets.marked,
        content_sha256: run.contents.of(lane.flow, lane.direction),
    }
}

/// All flows together.
pub(crate) fn summary(rows: &[FlowRow]) -> FlowSummary {
    let largest = rows.iter().map(|row| row.bytes).max().unwrap_or(0);
    let bulk: Vec<f64> =
        rows.iter().filter(|row| row.bytes >= largest / BULK_SHARE).map(|row| row.goodput_bit_s as f64).collect();
    let (sum, squares) = bulk.iter().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    let count = bulk.len() as f64;
    FlowSummary {
        count: rows.len() as u64,
        goodput: if bulk.is_empty() { 0 } else { (sum / count).round() as u64 },
        completion: Percentiles::of_values(rows.iter().filter_map(|row| row.completion_ns)),
        retransmitted_packets: rows.iter().map(|row| row.retransmitted_packets).sum(),
        timeouts: rows.iter().map(|row| row.timeouts).sum(),
        jain: if squares > 0.0 { sum * sum / (count * squares) } else { 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(bytes: u64, goodput_bit_s: u64) -> FlowRow {
        FlowRow { bytes, goodput_bit_s, completion_ns: Some(1), ..FlowRow::default() }
    }

    #[test]
    fn jains_index_is_one_when_all_get_the_same_and_one_in_n_when_one_gets_all() {
        assert_eq!(summary(&[row(100, 7), row(100, 7), row(100, 7)]).jain, 1.0);
        assert_eq!(summary(&[row(100, 8), row(100, 0), row(100, 0), row(100, 0)]).jain, 0.25);
    }

    #[test]
    fn chatter_does_not_count_for_fairness() {
        let summary = summary(&[row(1_000_000, 5), row(1_000_000, 5), row(20, 1)]);
        assert_eq!((summary.count, summary.goodput, summary.jain), (3, 5, 1.0));
    }
}
