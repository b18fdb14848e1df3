//! The native stack under incast: data packets per second through the whole of TCP, queues and links.

use std::hint::black_box;

use burstlab_benches::Incast;
use burstlab_units::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const BYTES: Bytes = Bytes::new(4_000_000);

fn incast(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("incast-dctcp");
    group.sample_size(10);
    for senders in [8, 64, 1024] {
        let packets = Incast::tcp(senders, BYTES, "dctcp").run();
        group.throughput(Throughput::Elements(packets));
        group.bench_function(format!("{senders}"), |bencher| {
            bencher.iter_batched(
                || Incast::tcp(senders, BYTES, "dctcp"),
                |incast| black_box(incast.run()),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, incast);
criterion_main!(benches);
