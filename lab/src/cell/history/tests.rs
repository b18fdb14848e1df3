//! A stack with a fault, and what a user is told of it.

use std::path::Path;

use burstlab_algorithms::{Builder, Explanation, Rate, Registry};
use burstlab_engine::{Commands, Outcome, Workload};
use burstlab_network::{Flags, SackBlock};
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

/// What a stack gets wrong once it has 20 kB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It acknowledges a megabyte more than arrived.
    Acknowledges,
    /// The same by a SACK block.
    Reports,
    /// Its application is given bytes that nobody wrote.
    Invents,
    /// Its application is given less than it was before.
    Takes,
    /// It says that the connection closed in good order, though bytes are missing.
    Ends,
    /// It wants to have been called a while ago.
    Oversleeps,
}

struct Faulty(Connection, Fault);

impl Faulty {
    /// Whether it is time to be wrong in this way.
    fn is(&self, fault: Fault) -> bool {
        self.1 == fault && self.0.received() > 20_000
    }
}

impl Endpoint for Faulty {
    fn transmit(&mut self, now: Time, segment: &mut Segment) -> bool {
        let sends = self.0.transmit(now, segment);
        if sends && segment.flags.has(Flags::ACK) {
            let beyond = segment.ack.wrapping_add(1_000_000);
            if self.is(Fault::Acknowledges) {
                segment.ack = beyond;
            }
            if self.is(Fault::Reports) {
                segment.sack.push(SackBlock { start: segment.ack.wrapping_add(1), end: beyond });
            }
        }
        sends
    }
    fn next_wake(&self) -> Time {
        if self.is(Fault::Oversleeps) { Time::from_nanos(1) } else { self.0.next_wake() }
    }
    fn received(&self) -> u64 {
        match self.0.received() {
            // After a first look, at which it had more.
            received if self.1 == Fault::Takes && received > 50_000 => 5,
            received if self.is(Fault::Invents) => received + 1_000_000,
            received => received,
        }
    }
    fn status(&self) -> Status {
        if self.is(Fault::Ends) { Status::Closed } else { self.0.status() }
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
    fn host_limited(&mut self, now: Time) {
        self.0.host_limited(now);
    }
    fn acknowledged(&self) -> u64 {
        self.0.acknowledged()
    }
    fn written(&self) -> u64 {
        self.0.written()
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

/// Applications that have nothing more to do.
struct Silence;

impl Workload for Silence {
    fn on_start(&mut self, _: &mut Commands) {}
    fn on_alarm(&mut self, _: Time, _: u32, _: &mut Commands) {}
    fn on_received(&mut self, _: Time, _: FlowId, _: Direction, _: u64, _: &mut Commands) {}
}

/// Runs until a cross-check fails on `fault`, with a look at `until`, and gives what a user is told.
fn told(fault: Fault, until: Time) -> String {
    let registry = Registry::default();
    let options = Options { overrides: &[], quick: false, registry: &registry };
    let experiment = Experiment::parse(EXPERIMENT.into(), Path::new("fault.toml"), &options).unwrap();
    let cell = &experiment.cells[0];
    let controller = registry.parse("reno").unwrap();
    let endpoints = Endpoints::new(cell, &controller);
    let make = |flow, direction, opens| Faulty(endpoints.native(flow, direction, opens), fault);

    let Planned { mut plan, network, .. } = planned(cell, &controller);
    let mut simulation = virtual_time::simulation(cell, &plan, network, &controller, (), make).unwrap();
    let mut outcome = simulation.run(&mut plan.traffic, &mut (), until, &Monitor::default());
    if outcome == Outcome::TimeUp {
        // What was begun goes on.
        outcome = simulation.run(&mut Silence, &mut (), Time::NEVER, &Monitor::default());
    }
    let Outcome::Violated(violation) = outcome else { panic!("{fault:?}: {outcome:?}") };
    let history = again(planned(cell, &controller), &violation, make).unwrap();
    assert!(!history.0.is_empty(), "{fault:?}");
    CellError::Violated { controller: "reno".into(), at: simulation.now(), violation, history }.to_string()
}

#[test]
fn an_acknowledgement_of_what_never_arrived_stops_the_run_and_shows_how_it_came_to_it() {
    insta::assert_snapshot!(told(Fault::Acknowledges, Time::NEVER));
}

#[test]
fn every_fault_of_a_stack_stops_the_run_with_a_sentence_and_what_happened_before() {
    let middle = Time::from_nanos(450_000);
    for (fault, until, sentence) in [
        (Fault::Reports, Time::NEVER, "selectively, and only what is below"),
        (Fault::Invents, Time::NEVER, "bytes were read, of 60000 written"),
        (Fault::Takes, middle, "5 bytes were read, of 60000 written; before it were"),
        (Fault::Ends, middle, "bytes were delivered of 60000 written"),
        (Fault::Oversleeps, Time::NEVER, "an event is due at 1ns, and it is"),
    ] {
        let told = told(fault, until);
        let first = told.lines().next().unwrap();
        assert!(first.contains(sentence), "{fault:?}: {first}");
        assert!(told.contains("\nThe last that happened before:\n"), "{told}");
    }
}

#[test]
fn a_lane_that_delivered_less_than_its_transfers_have_is_noticed() {
    let registry = Registry::default();
    let options = Options { overrides: &[], quick: false, registry: &registry };
    let experiment = Experiment::parse(EXPERIMENT.into(), Path::new("fault.toml"), &options).unwrap();
    let (cell, controller) = (&experiment.cells[0], registry.parse("reno").unwrap());
    let endpoints = Endpoints::new(cell, &controller);
    let make = |flow, direction, opens| endpoints.native(flow, direction, opens);
    let Planned { mut plan, network, .. } = planned(cell, &controller);
    let mut simulation = virtual_time::simulation(cell, &plan, network, &controller, (), make).unwrap();
    assert!(plan.delivered(|_, _| 0).is_ok(), "nothing is finished");
    simulation.run(&mut plan.traffic, &mut (), Time::NEVER, &Monitor::default());
    assert!(plan.delivered(|_, _| 60_000).is_ok());
    let missing = plan.delivered(|flow, _| 60_000 - u64::from(flow.0)).unwrap_err();
    let sentence = "flow 1, forward: all is over, and 59999 bytes were delivered of 60000 written";
    assert_eq!(missing.to_string(), sentence);
}

#[test]
#[cfg(target_os = "linux")]
fn in_real_time_what_is_remembered_of_the_connection_is_shown() {
    let violation = Box::new(Violation::Delivered {
        flow: FlowId(1),
        direction: Direction::Forward,
        received: 1,
        before: 2,
        written: 3,
    });
    let error = CellError::Violated {
        controller: "reno".into(),
        at: Time::from_nanos(2_000),
        violation,
        history: History::default(),
    };
    let passed = |flow, arrived| Passed {
        at: Time::from_nanos(1_000),
        arrived,
        segment: Segment { flow: FlowId(flow), flags: Flags::ACK, payload: 10, ..Segment::default() },
    };
    let recent = [passed(1, false), passed(0, false), passed(1, true)];
    insta::assert_snapshot!(remembered(error, recent.iter()));
}

#[test]
fn other_errors_stay_as_they_are() {
    let error = explained(CellError::NoSeat, || panic!("nothing is to be run again"));
    assert!(matches!(error, CellError::NoSeat));
}
