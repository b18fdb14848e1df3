//! The event core alone: queues, links and events under endpoints that know nothing but a window. What is missing to
//! `incast` is the price of TCP.

use std::hint::black_box;

use burstlab_algorithms::{Bytes, Explanation, Rate, Time};
use burstlab_benches::Incast;
use burstlab_network::{Direction, Flags, FlowId, Segment};
use burstlab_stacks::{Counters, Endpoint, Snapshot, Status};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const PAYLOAD: u32 = 1460;
const BYTES: Bytes = Bytes::new(4_000_000);

/// Sends a packet for each acknowledgement and acknowledges each packet. Nothing is ever lost: the windows of all
/// senders together fit into the queue.
struct Echo {
    flow: FlowId,
    direction: Direction,
    window: u64,
    written: u64,
    sent: u64,
    acknowledged: u64,
    received: u64,
    packets: u64,
    acks_due: u32,
}

impl Echo {
    fn new(flow: FlowId, direction: Direction, window: u64) -> Echo {
        Echo { flow, direction, window, written: 0, sent: 0, acknowledged: 0, received: 0, packets: 0, acks_due: 0 }
    }

    fn segment(&self, payload: u32) -> Segment {
        Segment { flow: self.flow, direction: self.direction, flags: Flags::ACK, payload, ..Segment::default() }
    }
}

impl Endpoint for Echo {
    fn connect(&mut self, _: Time) {}
    fn write(&mut self, _: Time, bytes: Bytes) {
        self.written += bytes.get();
    }
    fn close(&mut self, _: Time) {}
    fn abort(&mut self, _: Time) {}
    fn on_segment(&mut self, _: Time, segment: &Segment) {
        if segment.payload > 0 {
            self.received += u64::from(segment.payload);
            self.packets += 1;
            self.acks_due += 1;
        } else {
            self.acknowledged = (self.acknowledged + u64::from(PAYLOAD)).min(self.sent);
        }
    }
    fn on_wake(&mut self, _: Time) {}
    fn transmit(&mut self, _: Time, segment: &mut Segment) -> bool {
        if self.acks_due > 0 {
            self.acks_due -= 1;
            *segment = self.segment(0);
            return true;
        }
        let may = self.sent < self.written && self.sent - self.acknowledged < self.window * u64::from(PAYLOAD);
        if may {
            let payload = (self.written - self.sent).min(u64::from(PAYLOAD)) as u32;
            self.sent += u64::from(payload);
            *segment = self.segment(payload);
        }
        may
    }
    fn next_wake(&self) -> Time {
        Time::NEVER
    }
    fn host_limited(&mut self, _: Time) {}
    fn received(&self) -> u64 {
        self.received
    }
    fn acknowledged(&self) -> u64 {
        self.acknowledged
    }
    fn written(&self) -> u64 {
        self.written
    }
    fn status(&self) -> Status {
        Status::Open
    }
    fn begin_iteration(&mut self, _: Bytes) {}
    fn set_fair_share(&mut self, _: Rate) {}
    fn counters(&self) -> Counters {
        Counters { unique_segments_received: self.packets, ..Counters::default() }
    }
    fn snapshot(&self) -> Snapshot {
        Snapshot::default()
    }
    fn explain(&self) -> Explanation {
        Explanation::default()
    }
}

fn event_core(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("event-core");
    group.sample_size(10);
    for senders in [8usize, 64] {
        let window = (128 / senders).max(1) as u64;
        let incast = move || Incast::new(senders, BYTES, |flow, direction| Echo::new(flow, direction, window));
        group.throughput(Throughput::Elements(incast().run()));
        group.bench_function(format!("{senders}"), |bencher| {
            bencher.iter_batched(incast, |incast| black_box(incast.run()), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, event_core);
criterion_main!(benches);
