//! Looking at a run while it goes on.

use std::sync::atomic::{AtomicBool, AtomicU64};

use burstlab_network::{Direction, FlowId, Network, Occupancy, PortId, Probe};
use burstlab_stacks::Endpoint;
use burstlab_units::{Bytes, Time};

use crate::checks::Violation;

/// How a run is watched and stopped from outside.
#[derive(Debug, Default)]
pub struct Monitor {
    /// Set to stop the run at the next opportunity.
    pub cancel: AtomicBool,
    /// Simulated nanoseconds so far, now and then.
    pub now: AtomicU64,
}

/// Looks at the run at instants of its own choice.
pub trait Observer<P> {
    /// When it wants to look next.
    fn next_at(&self) -> Time;

    /// It is that instant, or a later one if nothing happened in between.
    fn observe(&mut self, view: &mut View<'_, P>);
}

/// Never looks.
impl<P> Observer<P> for () {
    fn next_at(&self) -> Time {
        Time::NEVER
    }

    fn observe(&mut self, _: &mut View<'_, P>) {}
}

/// Finds the endpoint of a side.
pub(crate) trait Endpoints {
    /// The endpoint that sends in `direction` of `flow`.
    fn endpoint(&self, flow: FlowId, direction: Direction) -> &dyn Endpoint;
}

/// What an [`Observer`] sees.
pub struct View<'a, P> {
    /// Up to when everything has happened.
    pub now: Time,
    pub(crate) network: &'a mut Network,
    pub(crate) endpoints: &'a dyn Endpoints,
    pub(crate) probe: &'a mut P,
}

impl<P: Probe> View<'_, P> {
    /// What waits at a port.
    pub fn occupancy(&mut self, port: PortId) -> Occupancy {
        self.network.occupancy(port, self.now, self.probe)
    }

    /// How many ports there are.
    pub fn port_count(&self) -> u32 {
        self.network.ports().len() as u32
    }

    /// Bytes that a port has put on its link; the packet in transmission counts whole.
    pub fn transmitted(&mut self, port: PortId) -> Bytes {
        self.occupancy(port);
        self.network.transmitted(port)
    }

    /// What watches the packets.
    pub fn probe(&mut self) -> &mut P {
        self.probe
    }

    /// The endpoint that sends in `direction` of `flow`.
    pub fn sender(&self, flow: FlowId, direction: Direction) -> &dyn Endpoint {
        self.endpoints.endpoint(flow, direction)
    }
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The workload said so.
    Finished,
    /// The given time was up.
    TimeUp,
    /// Nothing was left to happen.
    Idle,
    /// [`Monitor::cancel`] was set.
    Cancelled,
    /// A cross-check failed: results of this run are worth nothing.
    Violated(Box<Violation>),
}
