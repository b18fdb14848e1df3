//! A cell in virtual time.

use std::time::Instant;

use burstlab_algorithms::Builder;
use burstlab_engine::{Monitor, PacketSizes, Simulation};
use burstlab_network::{Direction, FlowId, Network};
use burstlab_stacks::Endpoint;
use burstlab_units::Time;

use super::endpoints::Endpoints;
use super::meter::Meter;
use super::series::Sampler;
use super::setup::Plan;
use super::{CellError, Ran, conclude};
use crate::experiment::{Cell, StackKind};

/// Runs what is planned, with the endpoints of the cell's stack.
pub(super) fn run(
    cell: &Cell,
    plan: Plan,
    network: Network,
    controller: &Builder,
    monitor: &Monitor,
    before: Instant,
) -> Result<Ran, CellError> {
    let endpoints = Endpoints::new(cell, controller);
    match (cell.stack.kind, cell.stack.receiver) {
        // One type of endpoint, whose calls are inlined.
        (StackKind::Native, StackKind::Native) => {
            drive(cell, plan, network, controller, monitor, before, |flow, direction, opens| {
                endpoints.native(flow, direction, opens)
            })
        }
        _ => drive(cell, plan, network, controller, monitor, before, |flow, direction, opens| {
            endpoints.boxed(flow, direction, opens)
        }),
    }
}

fn drive<E: Endpoint>(
    cell: &Cell,
    mut plan: Plan,
    network: Network,
    controller: &Builder,
    monitor: &Monitor,
    before: Instant,
    make: impl Fn(FlowId, Direction, Time) -> E,
) -> Result<Ran, CellError> {
    let meter = Meter::new(&network, plan.wires.len(), Time::ZERO + cell.warmup);
    let mut sampler = Sampler::of(cell, &plan, &meter);
    let mut simulation = Simulation::new(network, cell.stack.host_queue, meter);
    for wire in &plan.wires {
        let flow = simulation.add_flow(wire.from, wire.to, |flow, direction| make(flow, direction, wire.opens))?;
        if controller.entry().needs.fair_share {
            let (payload, headers) = (plan.packet.payload, plan.packet.headers);
            let sizes = PacketSizes { payload, data: payload + headers, ack: headers };
            simulation.tell_fair_share(flow, Direction::Forward, sizes);
            simulation.tell_fair_share(flow, Direction::Backward, sizes);
        }
    }
    let until = cell.duration.map_or(Time::NEVER, |duration| Time::ZERO + duration);
    let setup_wall = before.elapsed().as_nanos() as u64;
    let start = Instant::now();
    let outcome = simulation.run(&mut plan.traffic, &mut sampler, until, monitor);
    let wall = start.elapsed().as_nanos() as u64;
    conclude(cell, outcome, &plan.traffic)?;
    Ok(Ran { plan, ended: simulation.into_ended(), sampler, setup_wall, wall, real_time: None, broken_off: None })
}
