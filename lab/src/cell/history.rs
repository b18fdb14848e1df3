//! What happened to a connection's packets before a cross-check failed.
//!
//! Nothing is kept of packets for this: a run in virtual time is the same each time, so it is run again until then, and
//! this time every queue's news of that connection is kept.

use std::collections::VecDeque;
use std::fmt;

#[cfg(target_os = "linux")]
use burstlab_engine::real_time::Passed;
use burstlab_engine::{Monitor, Violation};
use burstlab_network::{Codepoint, Direction, FlowId, Network, Occupancy, PortId, Probe, Segment};
use burstlab_stacks::Endpoint;
use burstlab_units::{Span, Time};

use super::endpoints::Endpoints;
use super::{CellError, Planned, virtual_time};

/// The most that is kept: the last round trips of a connection, and not more than a terminal shows.
const LINES: usize = 40;

/// The last things that happened to packets, as text: a line each, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History(VecDeque<String>);

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "\nThe last that happened before:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// `error`, with the history of its packets if it is a failed cross-check; `plan` plans the same run anew.
pub(super) fn explained<'a>(error: CellError, plan: impl FnOnce() -> Result<Planned<'a>, CellError>) -> CellError {
    match error {
        CellError::Violated { controller, at, violation, .. } => {
            // Without a history the violation still says what is wrong.
            let history = plan().and_then(|planned| {
                let endpoints = Endpoints::new(planned.cell, planned.controller);
                again(planned, &violation, |flow, direction, opens| endpoints.boxed(flow, direction, opens))
            });
            let history = history.unwrap_or_default();
            CellError::Violated { controller, at, violation, history }
        }
        error => error,
    }
}

/// `error`, with what is remembered of its packets if it is a failed cross-check: a run in real time does not come again.
#[cfg(target_os = "linux")]
pub(super) fn remembered<'a>(error: CellError, recent: impl Iterator<Item = &'a Passed>) -> CellError {
    match error {
        CellError::Violated { controller, at, violation, .. } => {
            let flow = violation.flow();
            let mut lines = VecDeque::new();
            for Passed { at, arrived, segment } in
                recent.filter(|passed| flow.is_none_or(|flow| flow == passed.segment.flow))
            {
                if lines.len() == LINES {
                    lines.pop_front();
                }
                lines.push_back(format!("{at} {} {}", Told(segment), if *arrived { "arrives" } else { "is sent" }));
            }
            CellError::Violated { controller, at, violation, history: History(lines) }
        }
        error => error,
    }
}

/// Runs what is planned until it fails again, and gives what happened before.
fn again<E: Endpoint>(
    planned: Planned<'_>,
    violation: &Violation,
    make: impl Fn(FlowId, Direction, Time) -> E,
) -> Result<History, CellError> {
    let Planned { cell, mut plan, network, controller, .. } = planned;
    let recorder = Recorder::new(&network, violation.flow());
    let mut simulation = virtual_time::simulation(cell, &plan, network, controller, recorder, make)?;
    simulation.run(&mut plan.traffic, &mut (), virtual_time::until(cell), &Monitor::default());
    Ok(History(simulation.into_ended().probe.lines))
}

/// Keeps what happens to the packets of one connection, or of all.
struct Recorder {
    flow: Option<FlowId>,
    queues: Vec<String>,
    lines: VecDeque<String>,
}

impl Recorder {
    fn new(network: &Network, flow: Option<FlowId>) -> Recorder {
        let queues = network.ports().iter().map(|port| port.name.clone()).collect();
        Recorder { flow, queues, lines: VecDeque::new() }
    }

    fn note(&mut self, port: PortId, now: Time, segment: &Segment, what: fmt::Arguments<'_>) {
        if self.flow.is_some_and(|flow| flow != segment.flow) {
            return;
        }
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        let queue = &self.queues[port.0 as usize];
        self.lines.push_back(format!("{now} {queue}: {} {what}", Told(segment)));
    }
}

impl Probe for Recorder {
    fn on_arrival(&mut self, port: PortId, now: Time, segment: &Segment, wait: Span, ahead: Occupancy) {
        match ahead.packets {
            _ if wait.is_zero() => self.note(port, now, segment, format_args!("leaves at once")),
            ahead => self.note(port, now, segment, format_args!("joins behind {ahead}, for {wait}")),
        }
    }

    fn on_joining(&mut self, port: PortId, now: Time, segment: &Segment, ahead: Occupancy) {
        self.note(port, now, segment, format_args!("joins behind {}", ahead.packets));
    }

    fn on_leaving(&mut self, port: PortId, at: Time, segment: &Segment, wait: Span) {
        self.note(port, at, segment, format_args!("leaves after {wait}"));
    }

    fn on_drop(&mut self, port: PortId, now: Time, segment: &Segment) {
        self.note(port, now, segment, format_args!("is dropped"));
    }

    fn on_mark(&mut self, port: PortId, now: Time, segment: &Segment) {
        self.note(port, now, segment, format_args!("is marked"));
    }

    fn on_loss(&mut self, port: PortId, now: Time, segment: &Segment) {
        self.note(port, now, segment, format_args!("is lost on the link"));
    }
}

/// A segment in short.
struct Told<'a>(&'a Segment);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Segment { flow, direction, seq, ack, payload, flags, .. } = self.0;
        let end = seq.wrapping_add(*payload);
        write!(f, "flow {} {}, flags {:#05x}, {seq}:{end}, ack {ack}", flow.0, direction.name(), flags.0)?;
        for block in self.0.sack.as_slice() {
            write!(f, ", sack {}:{}", block.start, block.end)?;
        }
        if self.0.codepoint == Codepoint::Ce { write!(f, ", CE") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
