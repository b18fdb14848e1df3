//! Deterministic virtual time.
//!
//! Three kinds of things happen: a packet reaches the end of a link, a timer goes off, an application's alarm goes off.
//! Each kind has a queue of its own; at equal times links come before timers and timers before alarms, and within a
//! kind the lower number comes first. So the order of events follows from the experiment alone, never from the order
//! in which memory or insertion put them.

use std::sync::atomic::Ordering;

use burstlab_network::{Arrival, Direction, FlowId, InterfaceId, Network, NoPath, PacketId, PortId, Probe, Sent};
use burstlab_stacks::Endpoint;
use burstlab_units::{Bytes, Rate, Time};

use crate::checks::{Heard, Violation};
use crate::ended::{Ended, SideTotals};
use crate::fair_share::{FairShare, PacketSizes};
use crate::heap::{self, Heap};
use crate::lines::Lines;
use crate::observer::{Endpoints, Monitor, Observer, Outcome, View};
use crate::schedule::{First, Schedule};
use crate::sides;
use crate::timers::Timers;
use crate::workload::{Command, Commands, Workload};

/// One side of a connection: the endpoint that sends in one direction of it.
struct Side<E> {
    endpoint: E,
    interface: InterfaceId,
    /// Its timer.
    timer: u32,
    /// The application wants to know when this much has been delivered to this side.
    notify_at: u64,
    /// Whether it stands in its interface's line.
    in_line: bool,
    /// Whether its controller asks the oracle.
    wants_share: bool,
    /// Whether the oracle counts it.
    counted: bool,
    /// What reached it, for the cross-checks.
    heard: Heard,
}

/// Who owns a timer.
#[derive(Debug, Clone, Copy)]
enum Owner {
    Side(u32),
    Line(u32),
}

/// How often the monitor is looked at, in events.
const MONITOR_EVERY: u32 = 8192;
/// How often everything is audited, in looks at the monitor: an audit walks through all queues.
const AUDIT_EVERY: u32 = 16;

/// Endpoints of type `E` on a network in virtual time, watched by a probe of type `P`. A run with endpoints of several
/// stacks takes boxed ones; with one stack, its calls can be inlined.
pub struct Simulation<P, E> {
    network: Network,
    probe: P,
    now: Time,
    heads: Schedule,
    timers: Timers,
    owners: Vec<Owner>,
    alarms: Heap,
    sides: Vec<Side<E>>,
    lines: Lines,
    oracle: Option<FairShare>,
    commands: Commands,
    stopped: bool,
    /// The first cross-check that failed.
    violation: Option<Box<Violation>>,
}

impl<E: Endpoint> Endpoints for Vec<Side<E>> {
    fn endpoint(&self, flow: FlowId, direction: Direction) -> &dyn Endpoint {
        &self[sides::index(flow, direction)].endpoint
    }
}

impl<P: Probe, E: Endpoint> Simulation<P, E> {
    /// Starts with a network without flows. `interface_limit` is what a host's interface holds before it makes the
    /// host's sockets wait.
    pub fn new(network: Network, interface_limit: Bytes, probe: P) -> Simulation<P, E> {
        let mut simulation = Simulation {
            heads: Schedule::new(network.ports().len()),
            network,
            probe,
            now: Time::ZERO,
            timers: Timers::default(),
            owners: Vec::new(),
            alarms: Heap::default(),
            sides: Vec::new(),
            lines: Lines::default(),
            oracle: None,
            commands: Commands::default(),
            stopped: false,
            violation: None,
        };
        for interface in 0..simulation.network.interface_count() as u32 {
            let timer = simulation.add_timer(Owner::Line(interface));
            let rate = simulation.network.interface_rate(InterfaceId(interface));
            let full = rate.transmission_time(interface_limit);
            simulation.lines.add(full, timer);
        }
        simulation
    }

    fn add_timer(&mut self, owner: Owner) -> u32 {
        self.owners.push(owner);
        self.timers.add_owner()
    }

    /// Adds a connection between two interfaces. `make` gives the endpoint that sends in each direction.
    pub fn add_flow(
        &mut self,
        from: InterfaceId,
        to: InterfaceId,
        mut make: impl FnMut(FlowId, Direction) -> E,
    ) -> Result<FlowId, NoPath> {
        let flow = self.network.add_flow(from, to)?;
        for (direction, interface) in [(Direction::Forward, from), (Direction::Backward, to)] {
            let endpoint = make(flow, direction);
            let timer = self.add_timer(Owner::Side(self.sides.len() as u32));
            self.sides.push(Side {
                endpoint,
                interface,
                timer,
                notify_at: u64::MAX,
                in_line: false,
                wants_share: false,
                counted: false,
                heard: Heard::default(),
            });
        }
        Ok(flow)
    }

    /// Lets the controller of one direction know its fair share of the path at all times. Packets of all flows that ask are
    /// of the same `sizes`.
    pub fn tell_fair_share(&mut self, flow: FlowId, direction: Direction, sizes: PacketSizes) {
        self.sides[sides::index(flow, direction)].wants_share = true;
        if self.oracle.is_none() {
            self.oracle = Some(FairShare::new(self.network.ports().len(), sizes));
        }
    }

    /// The network, its ports and what they sent.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What watches the packets.
    pub fn probe(&self) -> &P {
        &self.probe
    }

    /// Ends the run: lets everything depart that does so by now, so that the probe has been told of it, and gives what is
    /// left.
    pub fn into_ended(mut self) -> Ended<P> {
        for port in 0..self.network.ports().len() as u32 {
            self.network.occupancy(PortId(port), self.now, &mut self.probe);
        }
        let sides = self.sides.iter().map(|side| SideTotals::of(&side.endpoint)).collect();
        Ended { now: self.now, network: self.network, probe: self.probe, sides }
    }

    /// The endpoint that sends in `direction` of `flow`.
    pub fn endpoint(&self, flow: FlowId, direction: Direction) -> &E {
        &self.sides[sides::index(flow, direction)].endpoint
    }

    /// Up to when everything has happened.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Runs the workload until it stops, nothing is left to happen, or `until`.
    pub fn run<W: Workload, O: Observer<P>>(
        &mut self,
        workload: &mut W,
        observer: &mut O,
        until: Time,
        monitor: &Monitor,
    ) -> Outcome {
        workload.on_start(&mut self.commands);
        self.carry_out();
        let (mut countdown, mut looks) = (MONITOR_EVERY, 0);
        let mut look_at = observer.next_at();
        // Up to here, one comparison tells that neither the observer nor the end is due.
        let mut attend_at = look_at.min(until);
        while !self.stopped {
            let head = self.heads.first();
            let (timer, alarm) = (self.timers.next_at(), heap::at(self.alarms.first()));
            let at = head.at().min(timer).min(alarm);
            if at >= attend_at {
                if at > until || at.is_never() {
                    return self.end(until, observer);
                }
                if at >= look_at {
                    look_at = self.observe_until(at, observer);
                    attend_at = look_at.min(until);
                }
            }
            if at < self.now {
                self.violate(Violation::ClockWentBack { due: at, now: self.now });
                break;
            }
            self.now = at;
            if head.at() == at {
                self.on_head(head, workload);
            } else if timer == at {
                self.on_timer();
            } else {
                self.on_alarm(workload);
            }
            countdown -= 1;
            if countdown == 0 {
                countdown = MONITOR_EVERY;
                monitor.now.store(self.now.as_nanos(), Ordering::Relaxed);
                if monitor.cancel.load(Ordering::Relaxed) {
                    return Outcome::Cancelled;
                }
                looks += 1;
                if looks % AUDIT_EVERY == 0 {
                    self.audit();
                }
            }
        }
        self.unless_violated(Outcome::Finished)
    }

    /// `outcome`, if everything adds up.
    fn unless_violated(&mut self, outcome: Outcome) -> Outcome {
        self.audit();
        self.violation.take().map_or(outcome, Outcome::Violated)
    }

    /// Compares what was counted with what there is, in the network and at its ends.
    #[cold]
    fn audit(&mut self) {
        if let Err(violation) = self.network.audit(self.now, &mut self.probe) {
            self.violate(violation.into());
        }
        for index in 0..self.sides.len() {
            let written = self.sides[index ^ 1].endpoint.written();
            let side = &mut self.sides[index];
            if let Err(violation) = side.heard.look(index, &side.endpoint, written) {
                self.violate(violation);
            }
        }
    }

    /// Ends the run. What followed from a first violation is of no interest.
    #[cold]
    fn violate(&mut self, violation: Violation) {
        self.stopped = true;
        self.violation.get_or_insert_with(|| Box::new(violation));
    }

    /// Nothing is left to happen before `until`.
    fn end<O: Observer<P>>(&mut self, until: Time, observer: &mut O) -> Outcome {
        let outcome = if until.is_never() { Outcome::Idle } else { Outcome::TimeUp };
        if outcome == Outcome::TimeUp {
            self.now = until;
        }
        self.observe_until(self.now, observer);
        self.unless_violated(outcome)
    }

    /// Lets the observer look at all its instants until `at`; returns the next.
    #[cold]
    fn observe_until<O: Observer<P>>(&mut self, at: Time, observer: &mut O) -> Time {
        while observer.next_at() <= at && !observer.next_at().is_never() {
            let now = observer.next_at();
            let mut view = View { now, network: &mut self.network, endpoints: &self.sides, probe: &mut self.probe };
            observer.observe(&mut view);
        }
        observer.next_at()
    }

    /// A packet reaches the end of a link.
    #[inline]
    fn on_head<W: Workload>(&mut self, head: First, workload: &mut W) {
        let port = PortId(head.port());
        let (arriving, next) = self.network.take(port, self.now, &mut self.probe);
        self.heads.remove(head);
        if !next.is_never() {
            self.heads.push(next, port.0);
        }
        let Some(arriving) = arriving else { return };
        match self.network.pass_on(arriving, self.now, &mut self.probe) {
            Arrival::Delivered(packet) => self.deliver(packet, workload),
            Arrival::Forwarded(Some((port, at))) => self.heads.push(at, port.0),
            Arrival::Forwarded(None) => {}
        }
    }

    #[inline]
    fn deliver<W: Workload>(&mut self, packet: PacketId, workload: &mut W) {
        let segment = self.network.segment(packet);
        let (flow, direction, now) = (segment.flow, segment.direction, self.now);
        let index = sides::index(flow, direction.reversed());
        let side = &mut self.sides[index];
        side.heard.on_arrival(segment);
        side.endpoint.on_segment(now, segment);
        self.network.remove(packet);
        let received = side.endpoint.received();
        let notify = received >= side.notify_at;
        if side.counted && side.endpoint.acknowledged() >= side.endpoint.written() {
            self.stop_counting(index);
        }
        self.pump(index);
        if notify {
            self.sides[index].notify_at = u64::MAX;
            workload.on_received(now, flow, direction, received, &mut self.commands);
            self.carry_out();
        }
    }

    fn on_timer(&mut self) {
        let Some(owner) = self.timers.pop() else { return };
        match self.owners[owner as usize] {
            Owner::Side(index) => {
                let side = &mut self.sides[index as usize];
                let due = side.endpoint.next_wake();
                if due <= self.now {
                    side.endpoint.on_wake(self.now);
                    self.pump(index as usize);
                } else {
                    self.timers.arm(owner, due);
                }
            }
            Owner::Line(line) => self.serve_line(line),
        }
    }

    fn on_alarm<W: Workload>(&mut self, workload: &mut W) {
        let Some(key) = self.alarms.pop() else { return };
        workload.on_alarm(heap::at(key), heap::id(key), &mut self.commands);
        self.carry_out();
    }

    /// Lets a side send what it wants to send now, and arms its timer.
    #[inline]
    fn pump(&mut self, index: usize) {
        if self.sides[index].wants_share {
            self.tell_share(index);
        }
        let now = self.now;
        let side = &mut self.sides[index];
        if !side.in_line {
            while side.endpoint.transmit(now, self.network.blank()) {
                if !side.heard.covers(self.network.blank()) {
                    let violation = side.heard.complain(self.network.blank());
                    self.violate(violation);
                    return;
                }
                let Sent { news, backlog } = self.network.send(now, &mut self.probe);
                if let Some((port, at)) = news {
                    self.heads.push_apart(at, port.0);
                }
                if self.lines.is_full(side.interface.0, backlog) {
                    side.endpoint.host_limited(now);
                    side.in_line = true;
                    let (timer, at) = self.lines.join(side.interface.0, index as u32, now, backlog);
                    self.timers.arm(timer, at);
                    break;
                }
            }
        }
        self.timers.arm(side.timer, side.endpoint.next_wake());
    }

    /// An interface has room again: the sides in its line send in turn until it is full.
    fn serve_line(&mut self, line: u32) {
        let interface = InterfaceId(line);
        for _ in 0..self.lines.waiting(line) {
            if self.lines.is_full(line, self.network.backlog(interface, self.now)) {
                break;
            }
            let Some(index) = self.lines.leave(line) else { break };
            self.sides[index as usize].in_line = false;
            self.pump(index as usize);
        }
        if let Some((timer, at)) = self.lines.look_again(line, self.now, self.network.backlog(interface, self.now)) {
            self.timers.arm(timer, at);
        }
    }

    fn carry_out(&mut self) {
        let mut commands = std::mem::take(&mut self.commands.list);
        for command in commands.drain(..) {
            self.carry_out_one(command);
        }
        self.commands.list = commands;
    }

    fn carry_out_one(&mut self, command: Command) {
        let now = self.now;
        match command {
            Command::Connect(flow) => {
                let index = sides::index(flow, Direction::Forward);
                self.sides[index].endpoint.connect(now);
                self.pump(index);
            }
            Command::Write(flow, direction, bytes) => {
                let index = sides::index(flow, direction);
                self.sides[index].endpoint.write(now, bytes);
                self.start_counting(index);
                self.pump(index);
            }
            Command::Close(flow, direction) => {
                let index = sides::index(flow, direction);
                self.sides[index].endpoint.close(now);
                self.pump(index);
            }
            Command::Notify(flow, direction, total) => {
                self.sides[sides::index(flow, direction.reversed())].notify_at = total;
            }
            Command::BeginIteration(flow, direction, expected) => {
                self.sides[sides::index(flow, direction)].endpoint.begin_iteration(expected);
            }
            Command::Alarm(at, alarm) => self.alarms.push(heap::key(at.max(now), alarm)),
            Command::Stop => self.stopped = true,
        }
    }

    fn start_counting(&mut self, index: usize) {
        let (flow, direction) = sides::flow(index);
        if let Some(oracle) = &mut self.oracle
            && !self.sides[index].counted
        {
            oracle.begin(self.network.path(flow, direction), self.network.path(flow, direction.reversed()));
            self.sides[index].counted = true;
        }
    }

    fn stop_counting(&mut self, index: usize) {
        let (flow, direction) = sides::flow(index);
        if let Some(oracle) = &mut self.oracle {
            oracle.end(self.network.path(flow, direction), self.network.path(flow, direction.reversed()));
            self.sides[index].counted = false;
        }
    }

    fn tell_share(&mut self, index: usize) {
        let (flow, direction) = sides::flow(index);
        if let Some(oracle) = &self.oracle {
            let share: Rate = oracle.share(&self.network, self.network.path(flow, direction));
            self.sides[index].endpoint.set_fair_share(share);
        }
    }
}

#[cfg(test)]
mod tests;
