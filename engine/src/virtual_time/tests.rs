//! Networks that are broken into while a run goes on.

use burstlab_network::{Discipline, Impairment, Limit, LinkSpec, Segment, Topology};
use burstlab_stacks::native::Connection;
use burstlab_units::Span;

use super::*;
use crate::traffic::Traffic;

/// A packet is on its way when the run begins.
fn under_way() -> (Simulation<(), Connection>, PortId, Time) {
    let link = LinkSpec {
        rate: Rate::from_bits_per_sec(1_000_000_000),
        delay: Span::from_micros(5),
        queue: Discipline::DropTail { limit: Limit::Packets(10) },
        impairment: Impairment::default(),
    };
    let mut network = Network::new(&Topology::star(2, link), &[1, 1], 1);
    let flow = network.add_flow(InterfaceId(0), InterfaceId(1)).unwrap();
    *network.blank() = Segment { flow, payload: 1000, ..Segment::default() };
    let (port, at) = network.send(Time::ZERO, &mut ()).news.unwrap();
    (Simulation::new(network, Bytes::new(100_000), ()), port, at)
}

fn told(simulation: &mut Simulation<(), Connection>) -> String {
    match simulation.run(&mut Traffic::new(), &mut (), Time::from_nanos(1_000_000), &Monitor::default()) {
        Outcome::Violated(violation) => violation.to_string(),
        outcome => format!("{outcome:?}"),
    }
}

#[test]
fn a_run_in_which_a_link_loses_a_packet_is_worth_nothing() {
    let (mut simulation, port, at) = under_way();
    assert!(simulation.network.take(port, at, &mut ()).0.is_some());
    assert_eq!(
        told(&mut simulation),
        "flow 0, forward: of 1 packets sent or doubled, 0 were delivered and 0 dropped or lost, so 1 should be under \
         way; there are 0"
    );
}

#[test]
fn a_run_in_which_a_packet_arrives_too_early_is_worth_nothing() {
    let (mut simulation, port, at) = under_way();
    let (arriving, _) = simulation.network.take(port, at - Span::from_nanos(1), &mut ());
    let forwarded = simulation.network.pass_on(arriving.unwrap(), at, &mut ());
    assert!(matches!(forwarded, Arrival::Forwarded(Some(_))));
    let told = told(&mut simulation);
    assert!(
        told.ends_with(": 1 packets were taken from the link at another instant than that of their arrival"),
        "{told}"
    );
}
