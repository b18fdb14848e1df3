//! A cell in virtual time.

use std::time::Instant;

use burstlab_algorithms::Builder;
use burstlab_engine::{Monitor, Simulation};
use burstlab_network::{Direction, FlowId, Network, NoPath, Probe};
use burstlab_stacks::Endpoint;
use burstlab_units::Time;

use super::contents::Contents;
use super::endpoints::Endpoints;
use super::series::Sampler;
use super::setup::Plan;
use super::{CellError, Planned, Ran, conclude};
use crate::experiment::{Cell, StackKind};

/// Runs what is planned, with the endpoints of the cell's stack.
pub(super) fn run(planned: Planned<'_>, monitor: &Monitor) -> Result<Ran, CellError> {
    let endpoints = Endpoints::new(planned.cell, planned.controller);
    match (planned.cell.stack.kind, planned.cell.stack.receiver) {
        // One type of endpoint, whose calls are inlined.
        (StackKind::Native, StackKind::Native) => {
            drive(planned, monitor, |flow, direction, opens| endpoints.native(flow, direction, opens))
        }
        _ => drive(planned, monitor, |flow, direction, opens| endpoints.boxed(flow, direction, opens)),
    }
}

fn drive<E: Endpoint>(
    planned: Planned<'_>,
    monitor: &Monitor,
    make: impl Fn(FlowId, Direction, Time) -> E,
) -> Result<Ran, CellError> {
    let Planned { cell, mut plan, network, watch, controller, before } = planned;
    let mut sampler = Sampler::of(cell, &plan, &watch.inner);
    let mut simulation = simulation(cell, &plan, network, controller, watch, make)?;
    let setup_wall = before.elapsed().as_nanos() as u64;
    let start = Instant::now();
    let outcome = simulation.run(&mut plan.traffic, &mut sampler, until(cell), monitor);
    let wall = start.elapsed().as_nanos() as u64;
    let received = |flow, direction: Direction| simulation.endpoint(flow, direction.reversed()).received();
    conclude(cell, simulation.now(), outcome, &plan, received)?;
    let (ended, contents) = (simulation.into_ended(), Contents::default());
    Ok(Ran { plan, ended, sampler, setup_wall, wall, real_time: None, contents, broken_off: None })
}

/// The network with all connections, watched by `probe`.
pub(super) fn simulation<P: Probe, E: Endpoint>(
    cell: &Cell,
    plan: &Plan,
    network: Network,
    controller: &Builder,
    probe: P,
    make: impl Fn(FlowId, Direction, Time) -> E,
) -> Result<Simulation<P, E>, NoPath> {
    let mut simulation = Simulation::new(network, cell.stack.host_queue, probe);
    for wire in &plan.wires {
        let flow = simulation.add_flow(wire.from, wire.to, |flow, direction| make(flow, direction, wire.opens))?;
        if let Some(sizes) = plan.packet.oracle_sizes(controller) {
            simulation.tell_fair_share(flow, Direction::Forward, sizes);
            simulation.tell_fair_share(flow, Direction::Backward, sizes);
        }
    }
    Ok(simulation)
}

/// When the run ends, whatever is left to happen.
pub(super) fn until(cell: &Cell) -> Time {
    cell.duration.map_or(Time::NEVER, |duration| Time::ZERO + duration)
}
