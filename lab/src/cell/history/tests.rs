//! A stack with a fault, and what a user is told of it.

use std::path::Path;

use burstlab_algorithms::{Builder, Explanation, Rate, Registry};
use burstlab_engine::Outcome;
use burstlab_network::Flags;
use burstlab_stacks::native::Connection;
use burstlab_stacks::{Counters, Snapshot, Status};
use burstlab_units::Bytes;

use super::*;
use crate::cell::plan;
use crate::experiment::{Experiment, Options};

const EXPERIMENT: &str = r#"
name = "fault"
[network]
topology = "star"
rate = "1Gbit/s"
delay = "5us"
queue = { kind = "ecn-step", limit = "30p", mark_at = "10p" }
[[flow]]
count = 2
bytes = "60kB"
[compare]
controller = ["reno"]
"#;

/// A receiver that acknowledges a megabyte more than arrived.
struct Optimist(Connection);

impl Endpoint for Optimist {
    fn transmit(&mut self, now: Time, segment: &mut Segment) -> bool {
        let sends = self.0.transmit(now, segment);
        if sends && self.0.received() > 20_000 && segment.flags.has(Flags::ACK) {
            segment.ack = segment.ack.wrapping_add(1_000_000);
        }
        sends
    }
    fn connect(&mut self, now: Time) {
        self.0.connect(now);
    }
    fn write(&mut self, now: Time, bytes: Bytes) {
        self.0.write(now, bytes);
    }
    fn close(&mut self, now: Time) {
        self.0.close(now);
    }
    fn abort(&mut self, now: Time) {
        self.0.abort(now);
    }
    fn on_segment(&mut self, now: Time, segment: &Segment) {
        self.0.on_segment(now, segment);
    }
    fn on_wake(&mut self, now: Time) {
        self.0.on_wake(now);
    }
    fn next_wake(&self) -> Time {
        self.0.next_wake()
    }
    fn host_limited(&mut self, now: Time) {
        self.0.host_limited(now);
    }
    fn received(&self) -> u64 {
        self.0.received()
    }
    fn acknowledged(&self) -> u64 {
        self.0.acknowledged()
    }
    fn written(&self) -> u64 {
        self.0.written()
    }
    fn status(&self) -> Status {
        self.0.status()
    }
    fn begin_iteration(&mut self, expected: Bytes) {
        self.0.begin_iteration(expected);
    }
    fn set_fair_share(&mut self, share: Rate) {
        self.0.set_fair_share(share);
    }
    fn counters(&self) -> Counters {
        self.0.counters()
    }
    fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }
    fn explain(&self) -> Explanation {
        self.0.explain()
    }
}

fn planned<'a>(cell: &'a crate::experiment::Cell, controller: &'a Builder) -> Planned<'a> {
    plan(cell, &[], controller, None).unwrap()
}

#[test]
fn an_acknowledgement_of_what_never_arrived_stops_the_run_and_shows_how_it_came_to_it() {
    let registry = Registry::default();
    let options = Options { overrides: &[], quick: false, registry: &registry };
    let experiment = Experiment::parse(EXPERIMENT.into(), Path::new("fault.toml"), &options).unwrap();
    let cell = &experiment.cells[0];
    let controller = registry.parse("reno").unwrap();
    let endpoints = Endpoints::new(cell, &controller);
    let make = |flow, direction, opens| Optimist(endpoints.native(flow, direction, opens));

    let Planned { mut plan, network, .. } = planned(cell, &controller);
    let mut simulation = virtual_time::simulation(cell, &plan, network, &controller, (), make).unwrap();
    let outcome = simulation.run(&mut plan.traffic, &mut (), Time::NEVER, &Monitor::default());
    let Outcome::Violated(violation) = outcome else { panic!("{outcome:?}") };
    let history = again(planned(cell, &controller), &violation, make).unwrap();
    let at = simulation.now();
    insta::assert_snapshot!(CellError::Violated { controller: "reno".into(), at, violation, history });
}

#[test]
fn other_errors_stay_as_they_are() {
    let error = explained(CellError::NoSeat, || panic!("nothing is to be run again"));
    assert!(matches!(error, CellError::NoSeat));
}
