//! Real time: hosts in network namespaces, TUN devices for links, and the network between them driven by the clock.
//!
//! The same [`Network`], [`Probe`], [`Workload`] and [`Observer`] as in virtual time. What a host sends is read from its
//! link's device, goes through the switch's queues, and is written to the device of the host that it goes to. One
//! thread does everything, in turns: packets in, what is due, packets out; then it waits. So nothing here needs a lock,
//! and one histogram ([`Lateness`]) tells how well the machine kept up.

mod clock;
mod flows;
mod lateness;
mod said;
mod side;
mod switch;
mod turn;
mod wait;

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use burstlab_network::{Direction, FlowId, InterfaceId, Network, NoPath, Probe};
use burstlab_stacks::Endpoint;
use burstlab_units::{Bytes, Time};

use crate::checks::{Heard, Violation};
use crate::ended::{Ended, SideTotals};
use crate::fair_share::{FairShare, PacketSizes};
use crate::heap::{self, Heap};
use crate::hosts::Hosts;
use crate::lines::Lines;
use crate::observer::{Endpoints, Monitor, Observer, Outcome, View};
use crate::sides;
use crate::timers::Timers;
use crate::workload::{Commands, Workload};
use clock::Clock;
use said::Said;
use side::Side;
use switch::Switch;
use wait::Waiter;

pub use lateness::Lateness;
pub use side::Occupant;
pub use switch::Passed;

/// How a real-time run is driven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A second of the experiment takes so many seconds.
    pub time_scale: u32,
    /// Never sleep: look at the devices all the time, at the price of a core.
    pub busy_poll: bool,
    /// What a host's interface holds before it makes its sockets wait.
    pub interface_limit: Bytes,
}

/// Why a real-time run broke off.
#[derive(Debug, thiserror::Error)]
pub enum RealTimeError {
    /// A host's device is gone or does not work.
    #[error("{host} died: its device `{device}` gives an error ({source})")]
    HostDied {
        /// The host's name.
        host: String,
        /// Which of its devices.
        device: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel's sockets or timers do not work.
    #[error("the kernel refused a socket or a timer ({0})")]
    Kernel(#[from] io::Error),
    /// Two hosts talk that no path joins.
    #[error(transparent)]
    NoPath(#[from] NoPath),
}

/// Closer than this to an instant, the thread looks at the devices all the time instead of sleeping: a sleeping thread
/// is woken some tens of microseconds late.
const SPIN: Duration = Duration::from_micros(50);
/// Longest sleep, so that a request to stop is heard.
const LONGEST_WAIT: Duration = Duration::from_millis(50);
/// When nothing is due and nothing has come for so long, nothing will: longer than Linux's longest retransmission timeout
/// (TCP_RTO_MAX, 120 s).
const SILENCE: Duration = Duration::from_secs(150);
/// The same when a connection has failed, which what is left may be waiting for: longer than a pause of those that have not,
/// unless the network loses nearly everything.
const SILENCE_AFTER_FAILURE: Duration = Duration::from_secs(10);
/// How often everything is audited: an audit walks through all queues.
const AUDIT_EVERY: Duration = Duration::from_secs(1);

/// Who owns a timer.
#[derive(Debug, Clone, Copy)]
enum Owner {
    Side(u32),
    Line(u32),
}

/// Hosts and their endpoints on a network in real time, watched by a probe of type `P`. Interface `i` of the network is
/// host `i`.
pub struct RealTime<P> {
    switch: Switch<P>,
    clock: Clock,
    options: Options,
    sides: Vec<Side>,
    lines: Lines,
    timers: Timers,
    owners: Vec<Owner>,
    alarms: Heap,
    oracle: Option<FairShare>,
    commands: Commands,
    stopped: bool,
    /// What ended connections of the kernel's that did not end in good order.
    failures: Vec<String>,
    lateness: Lateness,
    said: Said,
    turn: turn::Turn,
    waiter: Waiter,
    // Last: sockets and devices go before their hosts.
    hosts: Hosts,
}

impl Endpoints for Vec<Side> {
    fn endpoint(&self, flow: FlowId, direction: Direction) -> &dyn Endpoint {
        self[sides::index(flow, direction)].occupant.endpoint()
    }
}

impl<P: Probe> RealTime<P> {
    /// Starts with a network without flows, and a host for each of its interfaces. `addresses[i]` are those of host `i`.
    ///
    /// # Errors
    /// If the kernel gives no timer or readiness.
    pub fn new(
        network: Network,
        probe: P,
        hosts: Hosts,
        addresses: &[Vec<Ipv4Addr>],
        options: Options,
    ) -> Result<RealTime<P>, RealTimeError> {
        let mut waiter = Waiter::new()?;
        for (i, host) in hosts.iter().enumerate() {
            let devices = turn::Device::of(i);
            waiter.watch(devices.link, std::os::fd::AsFd::as_fd(host.link()))?;
            if let Some(stack) = host.stack() {
                waiter.watch(devices.stack, std::os::fd::AsFd::as_fd(stack))?;
            }
        }
        let mut real_time = RealTime {
            lines: Lines::default(),
            switch: Switch::new(network, probe),
            clock: Clock::begin(options.time_scale),
            sides: Vec::new(),
            timers: Timers::default(),
            owners: Vec::new(),
            alarms: Heap::default(),
            oracle: None,
            commands: Commands::default(),
            stopped: false,
            failures: Vec::new(),
            lateness: Lateness::default(),
            said: Said::default(),
            turn: turn::Turn::new(hosts.len()),
            waiter,
            hosts,
            options,
        };
        for (i, addresses) in addresses.iter().enumerate() {
            let interface = InterfaceId(i as u32);
            addresses.iter().for_each(|address| real_time.switch.flows.add_address(*address, interface));
            let timer = real_time.add_timer(Owner::Line(interface.0));
            let full = real_time.switch.sending_time(interface, real_time.options.interface_limit);
            real_time.lines.add(full, timer);
        }
        Ok(real_time)
    }

    fn add_timer(&mut self, owner: Owner) -> u32 {
        self.owners.push(owner);
        self.timers.add_owner()
    }

    /// Adds a connection between two interfaces, to be opened from the first of `ends` to the second. `make` gives the
    /// endpoint that sends in each direction.
    pub fn add_flow<E: From<NoPath>>(
        &mut self,
        interfaces: [InterfaceId; 2],
        ends: [SocketAddrV4; 2],
        mut make: impl FnMut(&Hosts, FlowId, Direction) -> Result<Occupant, E>,
    ) -> Result<FlowId, E> {
        let flow = self.switch.network.add_flow(interfaces[0], interfaces[1])?;
        self.switch.flows.announce(flow, interfaces, ends);
        // Whoever is connected to must be listening before.
        let to = make(&self.hosts, flow, Direction::Backward)?;
        let from = make(&self.hosts, flow, Direction::Forward)?;
        for (occupant, interface) in [(from, interfaces[0]), (to, interfaces[1])] {
            let timer = self.add_timer(Owner::Side(self.sides.len() as u32));
            self.sides.push(Side::new(occupant, interface, timer));
            self.said.heard.push(Heard::default());
        }
        Ok(flow)
    }

    /// Lets the controller of one direction know its fair share of the path at all times. Packets of all flows that ask are
    /// of the same `sizes`.
    pub fn tell_fair_share(&mut self, flow: FlowId, direction: Direction, sizes: PacketSizes) {
        self.sides[sides::index(flow, direction)].wants_share = true;
        if self.oracle.is_none() {
            self.oracle = Some(FairShare::new(self.switch.network.ports().len(), sizes));
        }
    }

    /// The hosts.
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// What watches the packets.
    pub fn probe(&mut self) -> &mut P {
        &mut self.switch.probe
    }

    /// The network, its ports and what they sent.
    pub fn network(&self) -> &Network {
        &self.switch.network
    }

    /// The endpoints of all flows, and what their applications have read.
    pub fn occupants(&self) -> impl Iterator<Item = &Occupant> {
        self.sides.iter().map(|side| &side.occupant)
    }

    /// The endpoint that sends in `direction` of `flow`.
    pub fn endpoint(&self, flow: FlowId, direction: Direction) -> &dyn Endpoint {
        self.sides[sides::index(flow, direction)].occupant.endpoint()
    }

    /// The last packets that entered the network or arrived at their hosts, the oldest first.
    pub fn recent(&self) -> impl Iterator<Item = &Passed> {
        self.switch.recent()
    }

    /// How late things happened.
    pub fn lateness(&self) -> &Lateness {
        &self.lateness
    }

    /// What ended connections that the kernel gave up, was refused or reset: a sentence for each.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Packets that hosts sent to nobody: no IPv4, or to an address that no host has.
    pub fn strays(&self) -> u64 {
        self.switch.strays()
    }

    /// Runs the workload from now on until it stops, nothing is left to happen, or `until`.
    ///
    /// # Errors
    /// If a host or the kernel fails; what was measured until then is there all the same.
    pub fn run<W: Workload, O: Observer<P>>(
        &mut self,
        workload: &mut W,
        observer: &mut O,
        until: Time,
        monitor: &Monitor,
    ) -> Result<Outcome, RealTimeError> {
        self.clock = Clock::begin(self.options.time_scale);
        workload.on_start(&mut self.commands);
        self.carry_out(Time::ZERO)?;
        let (mut heard, mut audited) = (Instant::now(), Instant::now());
        loop {
            let now = self.clock.now();
            let due_until = now.min(until);
            let busy = self.take_turn(due_until, workload)?;
            if let Some(violation) = self.said.take_fault() {
                return Ok(Outcome::Violated(violation));
            }
            self.observe_until(due_until, observer);
            monitor.now.store(now.as_nanos(), Ordering::Relaxed);
            if self.stopped {
                return Ok(self.unless_violated(Outcome::Finished));
            }
            if now >= until {
                return Ok(self.unless_violated(Outcome::TimeUp));
            }
            if monitor.cancel.load(Ordering::Relaxed) {
                return Ok(Outcome::Cancelled);
            }
            if busy {
                heard = Instant::now();
            } else if self.next_due().is_never() && heard.elapsed() > self.longest_silence() {
                return Ok(self.unless_violated(Outcome::Idle));
            }
            if audited.elapsed() > AUDIT_EVERY {
                audited = Instant::now();
                if let Some(violation) = self.audit() {
                    return Ok(violation);
                }
            }
            let wake_at = self.next_due().min(until).min(observer.next_at());
            self.wait(busy, wake_at)?;
        }
    }

    /// What does not add up in the network or at its ends, if anything does not.
    fn audit(&mut self) -> Option<Outcome> {
        self.look().err().map(|violation| Outcome::Violated(Box::new(violation)))
    }

    fn look(&mut self) -> Result<(), Violation> {
        let now = self.switch.now();
        self.switch.network.audit(now, &mut self.switch.probe)?;
        for (index, heard) in self.said.heard.iter_mut().enumerate() {
            let written = self.sides[index ^ 1].occupant.endpoint().written();
            heard.look(index, self.sides[index].occupant.endpoint(), written)?;
        }
        Ok(())
    }

    fn unless_violated(&mut self, outcome: Outcome) -> Outcome {
        self.audit().unwrap_or(outcome)
    }

    /// Up to when everything has happened.
    pub fn now(&self) -> Time {
        self.switch.now()
    }

    fn longest_silence(&self) -> Duration {
        if self.failures.is_empty() { SILENCE } else { SILENCE_AFTER_FAILURE }
    }

    /// When something is due that needs no packet to come in.
    fn next_due(&self) -> Time {
        self.switch.next_at().min(self.timers.next_at()).min(heap::at(self.alarms.first()))
    }

    fn wait(&mut self, busy: bool, wake_at: Time) -> io::Result<()> {
        let patience = match wake_at.is_never() {
            true => LONGEST_WAIT,
            false => self.clock.until(wake_at).saturating_sub(SPIN).min(LONGEST_WAIT),
        };
        let patience = if busy || self.options.busy_poll { Duration::ZERO } else { patience };
        self.waiter.wait(patience, &mut self.turn.ready)
    }

    /// Lets the observer look at all its instants until `at`.
    fn observe_until<O: Observer<P>>(&mut self, at: Time, observer: &mut O) {
        while observer.next_at() <= at && !observer.next_at().is_never() {
            let (network, probe) = (&mut self.switch.network, &mut self.switch.probe);
            let mut view = View { now: observer.next_at(), network, endpoints: &self.sides, probe };
            observer.observe(&mut view);
        }
    }

    /// Ends the run at the last instant up to which everything has happened, and gives what is left.
    pub fn into_ended(mut self) -> Ended<P> {
        let now = self.switch.now();
        self.switch.settle(now);
        let sides = self.sides.iter().map(|side| SideTotals::of(side.occupant.endpoint())).collect();
        Ended { now, network: self.switch.network, probe: self.switch.probe, sides }
    }
}
