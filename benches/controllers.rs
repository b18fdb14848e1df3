//! What each controller costs per acknowledgement.

use std::hint::black_box;

use burstlab_algorithms::{Ack, Bytes, Path, Rate, RateSample, Registry, Sent, Span, Time};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const MSS: Bytes = Bytes::new(1460);
const WINDOW: u64 = 64 * 1460;

/// An ACK for one packet on a path of 100 us that is never congested.
fn ack(number: u64) -> Ack<'static> {
    let delivered = number * MSS.get();
    Ack {
        now: Time::from_nanos(100_000 + number * 1_200),
        acked: MSS,
        delivered: MSS,
        rtt: Some(Span::from_micros(100)),
        smoothed_rtt: Span::from_micros(100),
        min_rtt: Span::from_micros(100),
        rate: Some(RateSample {
            delivered: Bytes::new(WINDOW),
            interval: Span::from_micros(100),
            total_delivered: delivered,
            prior_delivered: delivered.saturating_sub(WINDOW),
            tx_in_flight: Bytes::new(WINDOW),
            ..RateSample::default()
        }),
        prior_in_flight: Bytes::new(WINDOW),
        in_flight: Bytes::new(WINDOW - MSS.get()),
        una: delivered,
        next: delivered + WINDOW,
        fair_share: Some(Rate::from_bits_per_sec(1_000_000_000)),
        ..Ack::default()
    }
}

fn controllers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("controller-per-ack");
    group.throughput(Throughput::Elements(1));
    let registry = Registry::default();
    for entry in registry.entries() {
        let builder = registry.parse(entry.name).expect("its own name");
        let mut controller = builder.build(&Path::default());
        let mut number = 0;
        group.bench_function(entry.name, |bencher| {
            bencher.iter(|| {
                number += 1;
                let ack = ack(number);
                controller.on_ack(black_box(&ack));
                controller.on_sent(&Sent {
                    now: ack.now,
                    bytes: MSS,
                    in_flight: Bytes::new(WINDOW),
                    ..Sent::default()
                });
                black_box(controller.control())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, controllers);
criterion_main!(benches);
