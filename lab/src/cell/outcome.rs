//! What a simulated cell gives: its run for the summary, and rows for the tables.

use burstlab_network::{Direction, FlowId, Network, PortId, PortKind};
use burstlab_units::{Span, Time};

use super::alone::Alone;
use super::meter::{Meter, QueueMeter};
use super::series::Sampler;
use super::{Ran, distributions, jobs, lanes};
use crate::experiment::Cell;
use crate::results::{
    Bottleneck, BurstSummary, CellResult, FlowSeriesRow, Percentiles, QueuePackets, QueueRow, QueueSeriesRow,
    QueueSummary, RatioPercentiles, Run, SignalSeriesRow,
};

/// Reads a finished simulation.
pub(super) fn result(cell: &Cell, run: &Ran, alone: &Alone) -> CellResult {
    let measured = run.ended.now.since(Time::ZERO + cell.warmup);
    let queues = queues(run, measured);
    let flows = lanes::flows(run, Time::ZERO + cell.warmup);
    let bursts = lanes::bursts(run);
    let iterations = jobs::iterations(run);
    let names: Vec<String> = cell.jobs.iter().map(|job| job.name.clone()).collect();
    let worst = bottleneck(&run.ended.probe.inner);
    let mut points = worst.map(|(_, q)| distributions::of_histogram("queue_delay_ns", &q.delays())).unwrap_or_default();
    points.extend(distributions::of_values("burst_completion_ns", bursts.iter().map(|b| b.completion_ns as f64)));
    points.extend(distributions::of_values("burst_slowdown", bursts.iter().map(|b| b.slowdown)));
    points.extend(distributions::of_values("iteration_ns", iterations.iter().map(|i| (i.end_ns - i.start_ns) as f64)));
    let summary = Run {
        controller: cell.controller.clone(),
        stack: cell.stack.kind.name().to_owned(),
        on: cell.on.name().to_owned(),
        copies: cell.copies,
        seed: cell.seed,
        axes: cell.axes.clone(),
        bottleneck: worst.map(|(port, _)| find(&queues, &run.ended.network, port)).unwrap_or_default(),
        flows: lanes::summary(&flows),
        bursts: BurstSummary {
            completion: Percentiles::of_values(bursts.iter().map(|b| b.completion_ns)),
            slowdown: RatioPercentiles::of(bursts.iter().map(|b| b.slowdown)),
        },
        jobs: jobs::summaries(run, &names, &iterations, alone),
        simulated: run.ended.now.as_nanos(),
        data_packets: data_packets(run),
        real_time: run.real_time.clone(),
        incomplete: run.broken_off.as_ref().map(ToString::to_string),
        wall: run.wall,
        setup_wall: run.setup_wall,
        queues: queues.iter().filter(|q| q.queue.offered_packets > 0).cloned().collect(),
    };
    CellResult {
        run: summary,
        broken_off: run.broken_off.clone(),
        flows,
        bursts,
        iterations,
        queues: queues.iter().filter(|q| q.queue.offered_packets > 0).map(row).collect(),
        queue_series: queue_series(run),
        flow_series: flow_series(&run.sampler),
        signal_series: signal_series(&run.sampler),
        distributions: points,
    }
}

fn data_packets(run: &Ran) -> u64 {
    let unique = |lane: &super::setup::Lane| {
        run.ended.side(lane.flow, lane.direction.reversed()).counters.unique_segments_received
    };
    run.plan.lanes.iter().map(unique).sum()
}

/// The queue with the most queueing: the largest sum of its packets' waiting times; the most packets if none waited.
fn bottleneck(meter: &Meter) -> Option<(PortId, &QueueMeter)> {
    meter.queues().max_by_key(|(port, queue)| (queue.waited(), queue.offered, std::cmp::Reverse(*port)))
}

fn find(queues: &[QueueSummary], network: &Network, port: PortId) -> Bottleneck {
    let name = &network.ports()[port.0 as usize].name;
    queues.iter().find(|queue| queue.name == *name).map(|queue| queue.queue.clone()).unwrap_or_default()
}

fn queues(run: &Ran, measured: Span) -> Vec<QueueSummary> {
    let network = &run.ended.network;
    let meter = &run.ended.probe.inner;
    meter.queues().map(|(port, queue)| summary(network, &run.sampler, port, queue, measured)).collect()
}

fn summary(network: &Network, sampler: &Sampler, port: PortId, queue: &QueueMeter, measured: Span) -> QueueSummary {
    let info = &network.ports()[port.0 as usize];
    debug_assert_eq!(info.kind, PortKind::Queue);
    let capacity = info.rate.bytes_in(measured).get();
    let sent = network.transmitted(port).get().saturating_sub(sampler.sent_before(port));
    let (mean, p99, max) = queue.lengths();
    QueueSummary {
        name: info.name.clone(),
        queue: Bottleneck {
            queue_delay: Percentiles::of(&queue.delays()),
            queue_packets: QueuePackets { mean, p99, max },
            offered_packets: queue.offered,
            dropped_packets: queue.dropped,
            lost_packets: queue.lost,
            marked_packets: queue.marked,
            // The packet in transmission counts whole, so a busy link can come out a packet above all of it.
            utilization: if capacity == 0 { 0.0 } else { (sent as f64 / capacity as f64).min(1.0) },
        },
    }
}

fn row(queue: &QueueSummary) -> QueueRow {
    let QueueSummary { name, queue } = queue;
    QueueRow {
        run: 0,
        queue: name.clone(),
        offered_packets: queue.offered_packets,
        dropped_packets: queue.dropped_packets,
        lost_packets: queue.lost_packets,
        marked_packets: queue.marked_packets,
        mean_delay_ns: queue.queue_delay.mean,
        p99_delay_ns: queue.queue_delay.p99,
        max_packets: queue.queue_packets.max,
        utilization: queue.utilization,
    }
}

fn queue_series(run: &Ran) -> Vec<QueueSeriesRow> {
    let (network, sampler) = (&run.ended.network, &run.sampler);
    let rows = |(port, points): (PortId, &[super::series::QueuePoint])| {
        let name = network.ports()[port.0 as usize].name.clone();
        let row = move |(i, point): (usize, &super::series::QueuePoint)| QueueSeriesRow {
            run: 0,
            queue: name.clone(),
            time_ns: sampler.start_of(i).as_nanos(),
            packets_mean: point.mean,
            packets_max: point.max,
        };
        points.iter().enumerate().skip(sampler.first_measured()).map(row).collect::<Vec<_>>()
    };
    sampler.queues().flat_map(rows).collect()
}

fn flow_series(sampler: &Sampler) -> Vec<FlowSeriesRow> {
    let rows = |(flow, direction, points): (FlowId, Direction, &[super::series::FlowPoint])| {
        let row = move |(i, point): (usize, &super::series::FlowPoint)| FlowSeriesRow {
            run: 0,
            flow: flow.0 as usize,
            direction: direction.into(),
            time_ns: sampler.end_of(i).as_nanos(),
            window_bytes: point.state.window.get(),
            in_flight_bytes: point.state.in_flight.get(),
            rate_bit_s: point.rate.bits_per_sec(),
            smoothed_rtt_ns: point.state.smoothed_rtt.as_nanos(),
        };
        points.iter().enumerate().map(row).collect::<Vec<_>>()
    };
    sampler.flows().flat_map(rows).collect()
}

/// Points at which the controller had no such signal are left out.
fn signal_series(sampler: &Sampler) -> Vec<SignalSeriesRow> {
    let rows = |(flow, direction, signal, points): (FlowId, Direction, &str, &[f64])| {
        let row = |(i, value): (usize, &f64)| SignalSeriesRow {
            run: 0,
            flow: flow.0 as usize,
            direction: direction.into(),
            time_ns: sampler.end_of(i).as_nanos(),
            signal: signal.to_owned(),
            value: *value,
        };
        points.iter().enumerate().filter(|(_, value)| value.is_finite()).map(row).collect::<Vec<_>>()
    };
    sampler.signals().flat_map(rows).collect()
}

#[cfg(test)]
mod tests {
    use burstlab_algorithms::Registry;
    use burstlab_engine::Monitor;

    use super::*;
    use crate::cell::{Lab, Recordings};
    use crate::experiment::{Experiment, Options};

    /// The only cell of an experiment with this text.
    fn run(text: &str) -> CellResult {
        let file = tempfile::Builder::new().prefix("x").suffix(".toml").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let registry = Registry::default();
        let options = Options { overrides: &[], quick: false, registry: &registry };
        let experiment = Experiment::load(file.path(), &options).unwrap();
        Lab::new(Registry::default(), Recordings::default()).run(&experiment.cells[0], &Monitor::default()).unwrap()
    }

    #[test]
    fn random_losses_are_told_apart_from_drops() {
        let result = run("[network]\nrate = \"1Gbit/s\"\ndelay = \"5us\"\nloss = 0.01\n\
             queue = { kind = \"drop-tail\", limit = \"1000p\" }\n[[flow]]\nbytes = \"2MB\"\n");
        let lost: u64 = result.queues.iter().map(|queue| queue.lost_packets).sum();
        let dropped: u64 = result.queues.iter().map(|queue| queue.dropped_packets).sum();
        assert!(lost > 0 && dropped == 0, "{lost} lost, {dropped} dropped");
        assert_eq!(result.run.queues.iter().map(|queue| queue.queue.lost_packets).sum::<u64>(), lost);
        // The connection also knows what was lost on the links out of the hosts, which have no queue of the network.
        assert!(result.flows[0].dropped_packets > lost);
    }

    #[test]
    fn a_signal_that_was_asked_for_has_a_series_beside_the_flows() {
        let result = run("[network]\nrate = \"1Gbit/s\"\ndelay = \"5us\"\n\
             queue = { kind = \"ecn-step\", limit = \"100p\", mark_at = \"10p\" }\n[stack]\ncontroller = \"dctcp\"\n\
             [[flow]]\ncount = 2\nbytes = \"2MB\"\n[record]\nsignals = [\"alpha\", \"charm\"]\n");
        assert!(result.signal_series.iter().all(|row| row.signal == "alpha" && (0.0..=1.0).contains(&row.value)));
        let instants = |flow| result.signal_series.iter().filter(move |row| row.flow == flow).map(|row| row.time_ns);
        let beside = result.flow_series.iter().filter(|row| row.flow == 1).map(|row| row.time_ns);
        assert!(instants(1).eq(beside));
        assert!(instants(0).count() > 100);
        assert!(result.signal_series.last().unwrap().value < 1.0, "alpha begins at 1 and comes down");
    }

    #[test]
    fn queue_series_begin_when_the_warm_up_is_over() {
        let result = run("[network]\nrate = \"1Gbit/s\"\ndelay = \"5us\"\n\
             queue = { kind = \"drop-tail\", limit = \"100p\" }\n[[flow]]\ncount = 4\nbytes = \"unlimited\"\n\
             [run]\nwarmup = \"2ms\"\nduration = \"7ms\"\n");
        let first = result.queue_series.iter().find(|row| row.queue == "switch>host0").unwrap();
        let interval = result.flow_series[0].time_ns;
        assert!((2_000_000..2_000_000 + interval).contains(&first.time_ns), "{first:?}");
        assert!(first.packets_mean > 0.0, "{first:?}");
        assert!(interval < 2_000_000);
    }
}
