//! Time series of bounded length over runs of unknown length: when the points are full, neighbours become one and the
//! interval doubles.

use burstlab_engine::{Observer, View};
use burstlab_network::{Direction, FlowId, PortId};
use burstlab_stacks::{Counters, Snapshot};
use burstlab_units::{Rate, Span, Time};

use super::meter::Meter;
use super::setup::{Lane, Plan};
use super::watch::Watch;
use crate::experiment::Cell;

/// The first interval: about a round trip through a queue that is not empty; a shorter one shows single packets.
const FIRST_INTERVAL: Span = Span::from_micros(50);

/// A queue over one interval.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct QueuePoint {
    /// Mean of the packets waiting.
    pub mean: f64,
    /// The most of them.
    pub max: u64,
}

/// A sender at the end of an interval.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct FlowPoint {
    /// What it believed.
    pub state: Snapshot,
    /// Delivery rate over the interval.
    pub rate: Rate,
}

/// Watches the queues in which anything waited, and some flows.
#[derive(Debug)]
pub(super) struct Sampler {
    capacity: usize,
    interval: Span,
    sample_at: Time,
    /// For each port that has a meter: packet-nanoseconds at the last look, and the points. Empty until a packet waits.
    queues: Vec<(PortId, u128, Vec<QueuePoint>)>,
    flows: Vec<(FlowId, Direction, u64, Vec<FlowPoint>)>,
    signals: Signals,
    taken: usize,
    warmup: Option<Warmup>,
}

/// What had happened when the measurement began.
#[derive(Debug)]
struct Warmup {
    until: Time,
    /// What each of these lanes had delivered, and what its sender had counted.
    lanes: Vec<(FlowId, Direction)>,
    counters: Vec<Counters>,
    delivered: Vec<u64>,
    /// Bytes sent by each port.
    sent: Vec<u64>,
}

impl Sampler {
    /// A sampler of at most `points` points a series; none samples nothing.
    pub fn new(points: u32, ports: impl Iterator<Item = PortId>, flows: Vec<(FlowId, Direction)>) -> Sampler {
        let points = points.max(1);
        Sampler {
            // Pairs become one when it is full, so between half of it and all of it is in use.
            capacity: points as usize / 2 * 2,
            interval: FIRST_INTERVAL,
            sample_at: if points < 2 { Time::NEVER } else { Time::ZERO + FIRST_INTERVAL },
            queues: ports.map(|port| (port, 0, Vec::new())).collect(),
            flows: flows.into_iter().map(|(flow, direction)| (flow, direction, 0, Vec::new())).collect(),
            taken: 0,
            signals: Signals::default(),
            warmup: None,
        }
    }

    /// A sampler as `cell` wants it, which watches the flows that carry most.
    pub fn of(cell: &Cell, plan: &Plan, meter: &Meter) -> Sampler {
        let transfers = plan.traffic.transfers();
        let bytes = |lane: &Lane| -> u64 { lane.transfers.iter().map(|t| transfers[*t as usize].bytes.get()).sum() };
        let mut lanes: Vec<_> = plan.lanes.iter().map(|lane| (bytes(lane), lane.flow, lane.direction)).collect();
        lanes.sort_by_key(|(bytes, flow, direction)| (std::cmp::Reverse(*bytes), *flow, *direction));
        let mut watched: Vec<(FlowId, Direction)> =
            lanes.into_iter().take(cell.record.flows as usize).map(|(_, flow, direction)| (flow, direction)).collect();
        watched.sort();
        let ports = meter.queues().map(|(port, _)| port);
        let sampler = Sampler::new(cell.record.series, ports, watched).with_signals(&cell.record.signals);
        if cell.warmup.is_zero() {
            return sampler;
        }
        let lanes = plan.lanes.iter().map(|lane| (lane.flow, lane.direction)).collect();
        sampler.with_warmup(Time::ZERO + cell.warmup, lanes)
    }

    /// Notes what these lanes have delivered and the ports have sent by `until`.
    pub fn with_warmup(mut self, until: Time, lanes: Vec<(FlowId, Direction)>) -> Sampler {
        self.warmup = Some(Warmup { until, lanes, counters: Vec::new(), delivered: Vec::new(), sent: Vec::new() });
        self
    }

    /// Records these inner signals of the flows' controllers too.
    fn with_signals(mut self, names: &[String]) -> Sampler {
        self.signals = Signals { names: names.to_vec(), points: vec![Vec::new(); names.len() * self.flows.len()] };
        self
    }

    /// The series of the signals: the flow, the signal's name, and its points; not a number where the controller has no
    /// such signal.
    pub fn signals(&self) -> impl Iterator<Item = (FlowId, Direction, &str, &[f64])> {
        let of_flow = self.flows.iter().flat_map(|flow| self.signals.names.iter().map(move |name| (flow, name)));
        of_flow
            .zip(&self.signals.points)
            .map(|((flow, name), points)| (flow.0, flow.1, name.as_str(), points.as_slice()))
    }

    /// Bytes that lane `i` had delivered at the end of the warm-up.
    pub fn delivered_before(&self, i: usize) -> u64 {
        self.warmup.as_ref().and_then(|w| w.delivered.get(i).copied()).unwrap_or(0)
    }

    /// What the sender of lane `i` had counted at the end of the warm-up.
    pub fn counted_before(&self, i: usize) -> Counters {
        self.warmup.as_ref().and_then(|w| w.counters.get(i).copied()).unwrap_or_default()
    }

    /// Bytes that a port had sent at the end of the warm-up.
    pub fn sent_before(&self, port: PortId) -> u64 {
        self.warmup.as_ref().and_then(|w| w.sent.get(port.0 as usize).copied()).unwrap_or(0)
    }

    /// The queues' series: the port and its points. Queues in which nothing ever waited are left out.
    pub fn queues(&self) -> impl Iterator<Item = (PortId, &[QueuePoint])> {
        self.queues.iter().filter(|q| !q.2.is_empty()).map(|(port, _, points)| (*port, points.as_slice()))
    }

    /// The flows' series.
    pub fn flows(&self) -> impl Iterator<Item = (FlowId, Direction, &[FlowPoint])> {
        self.flows.iter().map(|(flow, direction, _, points)| (*flow, *direction, points.as_slice()))
    }

    /// The first point of a queue's series whose whole interval was measured: queues are not metered in the warm-up.
    pub fn first_measured(&self) -> usize {
        let warmup = self.warmup.as_ref().map_or(Span::ZERO, |warmup| warmup.until.since(Time::ZERO));
        warmup.as_nanos().div_ceil(self.interval.as_nanos()) as usize
    }

    /// The start of the interval that point `i` of a series stands for.
    pub fn start_of(&self, i: usize) -> Time {
        Time::ZERO + self.interval * i as u64
    }

    /// Its end.
    pub fn end_of(&self, i: usize) -> Time {
        self.start_of(i + 1)
    }

    fn halve(&mut self) {
        for (_, _, points) in &mut self.queues {
            *points = points
                .chunks(2)
                .map(|pair| QueuePoint {
                    mean: pair.iter().map(|p| p.mean).sum::<f64>() / pair.len() as f64,
                    max: pair.iter().map(|p| p.max).max().unwrap_or(0),
                })
                .collect();
        }
        for (_, _, _, points) in &mut self.flows {
            *points = points
                .chunks(2)
                .filter_map(|pair| {
                    let total: u64 = pair.iter().map(|p| p.rate.bits_per_sec()).sum();
                    let rate = Rate::from_bits_per_sec(total / pair.len() as u64);
                    Some(FlowPoint { rate, ..*pair.last()? })
                })
                .collect();
        }
        for points in &mut self.signals.points {
            *points = points.chunks(2).filter_map(|pair| pair.last().copied()).collect();
        }
        self.taken /= 2;
        self.interval = self.interval * 2;
    }

    fn look(&mut self, view: &mut View<'_, Watch>) {
        let nanos = self.interval.as_nanos() as f64;
        for (port, area, points) in &mut self.queues {
            let used = view.probe().inner.queue_mut(*port).is_some_and(|queue| queue.is_used());
            if !used {
                continue;
            }
            // What was empty until now was empty in all the intervals before.
            points.resize(self.taken, QueuePoint::default());
            view.occupancy(*port);
            let now = view.now;
            if let Some(queue) = view.probe().inner.queue_mut(*port) {
                let (total, max) = queue.interval(now);
                points.push(QueuePoint { mean: (total - *area) as f64 / nanos, max });
                *area = total;
            }
        }
        for (flow, direction, before, points) in &mut self.flows {
            let state = view.sender(*flow, *direction).snapshot();
            let rate = Rate::of(burstlab_units::Bytes::new(state.delivered.saturating_sub(*before)), self.interval);
            *before = state.delivered;
            points.push(FlowPoint { state, rate });
        }
        self.signals.look(&self.flows, view);
    }
}

/// Inner signals of the flows' controllers.
#[derive(Debug, Default)]
struct Signals {
    names: Vec<String>,
    /// For each flow, for each name.
    points: Vec<Vec<f64>>,
}

impl Signals {
    fn look<T>(&mut self, flows: &[(FlowId, Direction, u64, T)], view: &View<'_, Watch>) {
        // An explanation is built for each call, which would cost all those runs that want none.
        if self.names.is_empty() {
            return;
        }
        for ((flow, direction, ..), of_flow) in flows.iter().zip(self.points.chunks_mut(self.names.len())) {
            let signals = view.sender(*flow, *direction).explain().signals;
            for (name, points) in self.names.iter().zip(of_flow) {
                let value = signals.iter().find(|(known, _)| known == name).map_or(f64::NAN, |(_, value)| *value);
                points.push(value);
            }
        }
    }
}

impl Warmup {
    fn note(&mut self, view: &mut View<'_, Watch>) {
        let lanes = self.lanes.iter();
        self.delivered = lanes.map(|(flow, way)| view.sender(*flow, way.reversed()).received()).collect();
        self.counters = self.lanes.iter().map(|(flow, way)| view.sender(*flow, *way).counters()).collect();
        self.sent = (0..view.port_count()).map(|port| view.transmitted(PortId(port)).get()).collect();
        for port in (0..view.port_count()).map(PortId) {
            let now = view.now;
            if let Some(queue) = view.probe().inner.queue_mut(port) {
                // What waited at most until now is no maximum of the first interval that is measured.
                queue.interval(now);
            }
        }
    }

    fn pending_at(&self) -> Time {
        if self.sent.is_empty() { self.until } else { Time::NEVER }
    }
}

impl Observer<Watch> for Sampler {
    fn next_at(&self) -> Time {
        self.sample_at.min(self.warmup.as_ref().map_or(Time::NEVER, Warmup::pending_at))
    }

    fn observe(&mut self, view: &mut View<'_, Watch>) {
        if let Some(warmup) = &mut self.warmup
            && warmup.pending_at() <= view.now
        {
            warmup.note(view);
        }
        if self.sample_at <= view.now {
            self.look(view);
            self.taken += 1;
            if self.taken == self.capacity {
                self.halve();
            }
            self.sample_at += self.interval;
        }
    }
}
