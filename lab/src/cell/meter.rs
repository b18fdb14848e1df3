//! Measuring at the queues: a probe that sees each packet and keeps what the results need.

use burstlab_network::{FlowId, Network, Occupancy, PortId, PortKind, Probe, Segment};
use burstlab_units::{Span, Time};
use hdrhistogram::Histogram;

/// Significant decimal digits of the histograms.
const DIGITS: u8 = 3;

/// What one queue saw since the end of the warm-up.
#[derive(Debug, Default)]
pub(super) struct QueueMeter {
    /// Packets that came, dropped ones included.
    pub offered: u64,
    /// Packets dropped for want of room.
    pub dropped: u64,
    /// Packets marked.
    pub marked: u64,
    /// Packets lost on the link behind it by the network's random loss.
    pub lost: u64,
    /// Packets that did not wait at all; they are most of the packets at most of the queues.
    undelayed: u64,
    /// Waiting times in ns of those that did.
    delayed: Option<Histogram<u64>>,
    /// Sum of all waiting times.
    waited: u64,
    /// Nanoseconds for which so many packets waited.
    time_at_length: Vec<u64>,
    length: u64,
    changed: Time,
    /// Most packets waiting since the last [`QueueMeter::interval`].
    peak: u64,
}

impl QueueMeter {
    fn arrive(&mut self, wait: Span) {
        self.offered += 1;
        if wait.is_zero() {
            self.undelayed += 1;
            return;
        }
        self.waited += wait.as_nanos();
        let delayed = self.delayed.get_or_insert_with(histogram);
        // It grows as needed, so there is no value that it cannot take.
        let _ = delayed.record(wait.as_nanos());
    }

    /// The queue's length is `length` from `at` on.
    fn change(&mut self, at: Time, length: u64) {
        self.account(at);
        self.length = length;
        self.peak = self.peak.max(length);
    }

    #[inline]
    fn account(&mut self, at: Time) {
        let span = at.since(self.changed).as_nanos();
        let length = self.length as usize;
        if length >= self.time_at_length.len() {
            self.time_at_length.resize(length + 1, 0);
        }
        self.time_at_length[length] += span;
        self.changed = self.changed.max(at);
    }

    /// Waiting times in ns of all packets that were not dropped.
    pub fn delays(&self) -> Histogram<u64> {
        let mut all = self.delayed.clone().unwrap_or_else(histogram);
        let _ = all.record_n(0, self.undelayed);
        all
    }

    /// Sum of all waiting times in ns.
    pub fn waited(&self) -> u64 {
        self.waited
    }

    /// Whether any packet waited here, be it one that came during the warm-up.
    pub fn is_used(&self) -> bool {
        self.delayed.is_some() || self.time_at_length.len() > 1
    }

    /// Packets waiting, over time: mean, 99th percentile, most.
    pub fn lengths(&self) -> (f64, u64, u64) {
        let total: u64 = self.time_at_length.iter().sum();
        if total == 0 {
            return (0.0, 0, 0);
        }
        let mut left = total - total / 100;
        let p99 = self.time_at_length.iter().position(|time| {
            left = left.saturating_sub(*time);
            left == 0
        });
        let most = self.time_at_length.iter().rposition(|time| *time > 0).unwrap_or(0) as u64;
        (self.area() as f64 / total as f64, p99.unwrap_or(0) as u64, most)
    }

    /// Packet-nanoseconds until now, and the most packets waiting since the last call.
    pub fn interval(&mut self, now: Time) -> (u128, u64) {
        self.account(now);
        let peak = std::mem::replace(&mut self.peak, self.length);
        (self.area(), peak)
    }

    /// Packet-nanoseconds so far.
    fn area(&self) -> u128 {
        let at_length = |(length, time): (usize, &u64)| length as u128 * u128::from(*time);
        self.time_at_length.iter().enumerate().map(at_length).sum()
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("three digits are within what the histogram can do")
}

/// What happened to one connection's packets, both directions together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FlowMeter {
    /// Dropped for want of room, or lost by the network's random loss on any link of the path.
    pub dropped: u64,
    pub marked: u64,
}

/// All queues' meters.
#[derive(Debug)]
pub(super) struct Meter {
    warmup: Time,
    /// By port; a host's own interface is no queue of the network and has none.
    queues: Vec<Option<Box<QueueMeter>>>,
    flows: Vec<FlowMeter>,
}

impl Meter {
    /// A meter for every queue of `network`, which counts from `warmup` on.
    pub fn new(network: &Network, flows: usize, warmup: Time) -> Meter {
        let queue =
            |kind| (kind == PortKind::Queue).then(|| Box::new(QueueMeter { changed: warmup, ..QueueMeter::default() }));
        let queues = network.ports().iter().map(|port| queue(port.kind)).collect();
        Meter { warmup, queues, flows: vec![FlowMeter::default(); flows] }
    }

    /// The queues with their ports.
    pub fn queues(&self) -> impl Iterator<Item = (PortId, &QueueMeter)> {
        self.queues.iter().enumerate().filter_map(|(i, queue)| Some((PortId(i as u32), queue.as_deref()?)))
    }

    /// One queue's meter.
    pub fn queue_mut(&mut self, port: PortId) -> Option<&mut QueueMeter> {
        self.queues.get_mut(port.0 as usize)?.as_deref_mut()
    }

    /// One flow's meter.
    pub fn flow(&self, flow: FlowId) -> FlowMeter {
        self.flows.get(flow.0 as usize).copied().unwrap_or_default()
    }

    /// Programs on hosts open flows that nobody announced.
    fn flow_mut(&mut self, flow: FlowId) -> &mut FlowMeter {
        let number = flow.0 as usize;
        if number >= self.flows.len() {
            self.flows.resize(number + 1, FlowMeter::default());
        }
        &mut self.flows[number]
    }

    #[inline]
    fn counting(&mut self, port: PortId, now: Time) -> Option<&mut QueueMeter> {
        if now < self.warmup {
            return None;
        }
        self.queues[port.0 as usize].as_deref_mut()
    }
}

impl Probe for Meter {
    #[inline]
    fn on_arrival(&mut self, port: PortId, now: Time, _: &Segment, wait: Span, ahead: Occupancy) {
        let Some(queue) = self.queues[port.0 as usize].as_deref_mut() else { return };
        if now >= self.warmup {
            queue.arrive(wait);
        }
        if !wait.is_zero() {
            queue.change(now, ahead.packets + 1);
        }
    }

    #[inline]
    fn on_joining(&mut self, port: PortId, now: Time, _: &Segment, ahead: Occupancy) {
        if let Some(queue) = self.queues[port.0 as usize].as_deref_mut() {
            queue.change(now, ahead.packets + 1);
        }
    }

    #[inline]
    fn on_leaving(&mut self, port: PortId, at: Time, _: &Segment, wait: Span) {
        if let Some(queue) = self.counting(port, at) {
            queue.arrive(wait);
        }
    }

    #[inline]
    fn on_departure(&mut self, port: PortId, at: Time, left: Occupancy) {
        if let Some(queue) = self.queues[port.0 as usize].as_deref_mut() {
            queue.change(at, left.packets);
        }
    }

    fn on_drop(&mut self, port: PortId, now: Time, segment: &Segment) {
        if let Some(queue) = self.counting(port, now) {
            queue.offered += 1;
            queue.dropped += 1;
            self.flow_mut(segment.flow).dropped += 1;
        }
    }

    #[inline]
    fn on_mark(&mut self, port: PortId, now: Time, segment: &Segment) {
        if let Some(queue) = self.counting(port, now) {
            queue.marked += 1;
            self.flow_mut(segment.flow).marked += 1;
        }
    }

    fn on_loss(&mut self, port: PortId, now: Time, segment: &Segment) {
        if let Some(queue) = self.counting(port, now) {
            queue.lost += 1;
        }
        // The link out of a host has no queue of the network before it, and loses packets all the same.
        if now >= self.warmup {
            self.flow_mut(segment.flow).dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_weighted_by_the_time_that_they_last() {
        let mut queue = QueueMeter::default();
        queue.change(Time::from_nanos(10), 1);
        queue.change(Time::from_nanos(20), 2);
        queue.change(Time::from_nanos(50), 0);
        queue.account(Time::from_nanos(100));
        let (mean, p99, most) = queue.lengths();
        assert_eq!((mean, p99, most), (0.7, 2, 2));
    }

    #[test]
    fn an_interval_gives_its_own_peak() {
        let mut queue = QueueMeter::default();
        queue.change(Time::from_nanos(0), 5);
        queue.change(Time::from_nanos(10), 1);
        assert_eq!(queue.interval(Time::from_nanos(20)), (60, 5));
        assert_eq!(queue.interval(Time::from_nanos(30)), (70, 1));
    }
}
