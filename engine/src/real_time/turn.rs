//! One turn of the thread that does everything: packets in, what is due, packets out.
//!
//! Linux's IP layer works while a packet is being written: one that an endpoint writes to its device can be read from
//! the host's link right after, and one that the switch writes to a link from the endpoint's device. So the next packet
//! of the other device is read without asking whether there is one; readiness is asked for only what comes by itself.

use std::io;

use burstlab_network::{Direction, FlowId, InterfaceId, Probe, Tuple};
use burstlab_units::Time;

use super::side::Occupant;
use super::{Owner, RealTime, RealTimeError};
use crate::heap;
use crate::hosts::{Host, Tun};
use crate::sides;
use crate::workload::{Command, Workload};

/// Largest IP packet (RFC 791: 16 bits of total length).
const LARGEST_PACKET: usize = 65_535;
/// Packets that are read from one device, or calls of one socket, before the others have their turn.
const BATCH: usize = 64;

/// The numbers that a host's devices have as sources of readiness. Those of sockets come behind.
pub(super) struct Device {
    pub link: usize,
    pub stack: usize,
}

impl Device {
    pub fn of(host: usize) -> Device {
        Device { link: 2 * host, stack: 2 * host + 1 }
    }
}

/// What a turn works with.
pub(super) struct Turn {
    /// Sources that have something and were not yet read until they would block.
    pub ready: Vec<usize>,
    hosts: usize,
    /// For each host: packets that were written to its link and not yet looked for at its endpoints.
    arrived: Vec<u32>,
    /// Hosts with any.
    touched: Vec<usize>,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Turn {
    pub fn new(hosts: usize) -> Turn {
        Turn {
            ready: Vec::new(),
            hosts,
            arrived: vec![0; hosts],
            touched: Vec::new(),
            incoming: vec![0; LARGEST_PACKET],
            outgoing: Vec::with_capacity(LARGEST_PACKET),
        }
    }

    /// The number that a side's socket has as a source of readiness.
    fn socket(&self, side: usize) -> usize {
        2 * self.hosts + side
    }
}

/// What reading a device gave.
enum Read {
    Packet(usize),
    Nothing,
}

fn read(host: &Host, device: &'static str, tun: &Tun, packet: &mut [u8]) -> Result<Read, RealTimeError> {
    match tun.recv(packet) {
        Ok(length) => Ok(Read::Packet(length)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Read::Nothing),
        Err(source) => Err(died(host, device, source)),
    }
}

fn died(host: &Host, device: &'static str, source: io::Error) -> RealTimeError {
    RealTimeError::HostDied { host: host.name().to_owned(), device, source }
}

/// The host behind an interface or a device; each has been made.
fn host(hosts: &crate::hosts::Hosts, number: usize) -> Result<&Host, RealTimeError> {
    hosts.get(number).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound).into())
}

impl<P: Probe> RealTime<P> {
    /// Does what is due by `until` and what has come in; whether there was anything.
    pub(super) fn take_turn<W: Workload>(&mut self, until: Time, workload: &mut W) -> Result<bool, RealTimeError> {
        let mut busy = self.deliver(until)?;
        busy |= !self.turn.ready.is_empty();
        for source in std::mem::take(&mut self.turn.ready) {
            self.attend(source, workload)?;
        }
        for number in std::mem::take(&mut self.turn.touched) {
            busy = true;
            let arrived = std::mem::take(&mut self.turn.arrived[number]) as usize;
            match host(&self.hosts, number)?.stack() {
                Some(_) => self.read_stack(number, arrived, workload)?,
                // What Linux answers at once has no other sign.
                None => self.read_link(number, BATCH)?,
            };
        }
        while self.timers.next_at() <= until {
            busy = true;
            self.on_timer(workload)?;
        }
        while heap::at(self.alarms.first()) <= until && !self.stopped {
            busy = true;
            let Some(key) = self.alarms.pop() else { break };
            let now = self.clock.now();
            self.lateness.record(heap::at(key), now);
            workload.on_alarm(now, heap::id(key), &mut self.commands);
            self.carry_out(now)?;
        }
        Ok(busy)
    }

    /// Hands hosts the packets that reach them by `until`; whether there were any.
    fn deliver(&mut self, until: Time) -> Result<bool, RealTimeError> {
        let (hosts, clock, lateness) = (&self.hosts, &self.clock, &mut self.lateness);
        let (arrived, touched) = (&mut self.turn.arrived, &mut self.turn.touched);
        let before = lateness.histogram().len();
        self.switch.advance(until, |interface, due, packet| {
            let number = interface.0 as usize;
            let host = host(hosts, number)?;
            match host.link().send(packet) {
                Ok(_) => {}
                // The kernel has no room for it, as a real host may have none.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(source) => return Err(died(host, "link", source)),
            }
            lateness.record(due, clock.now());
            if arrived[number] == 0 {
                touched.push(number);
            }
            arrived[number] += 1;
            Ok(())
        })?;
        Ok(self.lateness.histogram().len() > before)
    }

    /// Reads a source that has something; one that has more than its share is attended again in the next turn.
    fn attend<W: Workload>(&mut self, source: usize, workload: &mut W) -> Result<(), RealTimeError> {
        let number = source / 2;
        let more = match source {
            _ if number >= self.turn.hosts => self.on_socket(source - 2 * self.turn.hosts, workload)?,
            _ if source == Device::of(number).link => self.read_link(number, BATCH)? == BATCH,
            _ => self.read_stack(number, BATCH, workload)? == BATCH,
        };
        if more {
            self.turn.ready.push(source);
        }
        Ok(())
    }

    /// Takes at most `most` packets that a host sends; how many there were.
    fn read_link(&mut self, number: usize, most: usize) -> Result<usize, RealTimeError> {
        for count in 0..most {
            let host = host(&self.hosts, number)?;
            let Read::Packet(length) = read(host, "link", host.link(), &mut self.turn.incoming)? else {
                return Ok(count);
            };
            let now = self.clock.now();
            // What arrives somewhere before this packet enters, enters before it.
            self.deliver(now)?;
            self.switch.take(InterfaceId(number as u32), now, &self.turn.incoming[..length])?;
        }
        Ok(most)
    }

    /// Hands endpoints at most `most` packets that arrived at their host's device; how many there were.
    fn read_stack<W: Workload>(
        &mut self,
        number: usize,
        most: usize,
        workload: &mut W,
    ) -> Result<usize, RealTimeError> {
        for count in 0..most {
            let host = host(&self.hosts, number)?;
            let Some(stack) = host.stack() else { return Ok(count) };
            let Read::Packet(length) = read(host, "stack", stack, &mut self.turn.incoming)? else {
                return Ok(count);
            };
            let packet = &self.turn.incoming[..length];
            // Nobody else is on this device, so what is not for a flow of ours is a stray that the kernel routed here.
            let Ok(Some((flow, direction))) = Tuple::of(packet).map(|tuple| self.switch.flows.get(&tuple)) else {
                continue;
            };
            let index = sides::index(flow, direction.reversed());
            let now = self.clock.now();
            if let Some(side) = self.sides.get_mut(index)
                && let Occupant::Stack(endpoint) = &mut side.occupant
            {
                endpoint.on_packet(now, packet);
                self.after_input(index, now, workload)?;
            }
        }
        Ok(most)
    }

    /// A socket has bytes or takes some; whether it may have more.
    fn on_socket<W: Workload>(&mut self, index: usize, workload: &mut W) -> Result<bool, RealTimeError> {
        let now = self.clock.now();
        let before = match &mut self.sides[index].occupant {
            Occupant::Socket(socket) => {
                let before = socket.reader().position();
                socket.on_ready(now)?;
                before
            }
            Occupant::Stack(_) => return Ok(false),
        };
        self.after_input(index, now, workload)?;
        self.watch_socket(index)?;
        Ok(self.sides[index].occupant.reader().position() > before)
    }

    fn watch_socket(&mut self, index: usize) -> Result<(), RealTimeError> {
        if let Some(error) = self.sides[index].take_failure() {
            let (flow, _) = sides::flow(index);
            self.failures.push(format!("connection {} failed ({error})", flow.0));
        }
        let number = self.turn.socket(index);
        Ok(self.sides[index].watch(number, &mut self.waiter)?)
    }

    /// What follows when something came in at a side.
    fn after_input<W: Workload>(&mut self, index: usize, now: Time, workload: &mut W) -> Result<(), RealTimeError> {
        if self.sides[index].counted && self.sides[index].is_delivered() {
            self.stop_counting(index);
        }
        self.pump(index, now)?;
        if let Some(received) = self.sides[index].take_notice() {
            let (flow, own) = sides::flow(index);
            workload.on_received(now, flow, own.reversed(), received, &mut self.commands);
            self.carry_out(now)?;
        }
        Ok(())
    }

    fn on_timer<W: Workload>(&mut self, workload: &mut W) -> Result<(), RealTimeError> {
        let due = self.timers.next_at();
        let Some(owner) = self.timers.pop() else { return Ok(()) };
        let now = self.clock.now();
        match self.owners[owner as usize] {
            Owner::Line(line) => {
                self.lateness.record(due, now);
                self.serve_line(line, now)
            }
            Owner::Side(index) => {
                let wake = self.sides[index as usize].next_wake();
                if wake > now {
                    self.timers.arm(owner, wake);
                    return Ok(());
                }
                self.lateness.record(wake.max(due), now);
                self.sides[index as usize].occupant.endpoint_mut().on_wake(now);
                self.after_input(index as usize, now, workload)
            }
        }
    }

    /// Lets a side send what it wants to send now, and arms its timer.
    fn pump(&mut self, index: usize, mut now: Time) -> Result<(), RealTimeError> {
        if self.sides[index].wants_share {
            self.tell_share(index);
        }
        let number = self.sides[index].interface.0 as usize;
        while !self.sides[index].in_line {
            let Occupant::Stack(endpoint) = &mut self.sides[index].occupant else { break };
            if !endpoint.transmit_packet(now, &mut self.turn.outgoing) {
                break;
            }
            let peer = matches!(self.sides[index ^ 1].occupant, Occupant::Stack(_));
            self.said.on_sent(index, &self.turn.outgoing, peer);
            self.send(number)?;
            // Each packet has an instant of its own: a burst's would else add to the round trips of its last ones.
            now = self.clock.now();
            let backlog = self.switch.backlog(InterfaceId(number as u32), now);
            if self.lines.is_full(number as u32, backlog) {
                let side = &mut self.sides[index];
                side.occupant.endpoint_mut().host_limited(now);
                side.in_line = true;
                let (timer, at) = self.lines.join(number as u32, index as u32, now, backlog);
                self.timers.arm(timer, at);
            }
        }
        let side = &self.sides[index];
        self.timers.arm(side.timer, side.next_wake());
        Ok(())
    }

    /// Sends what an endpoint wrote: through its host's kernel to the link, and there into the network.
    fn send(&mut self, number: usize) -> Result<(), RealTimeError> {
        let host = host(&self.hosts, number)?;
        let Some(stack) = host.stack() else { return Ok(()) };
        match stack.send(&self.turn.outgoing) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(source) => return Err(died(host, "stack", source)),
        }
        self.read_link(number, 1).map(|_| ())
    }

    /// An interface has room again: the sides in its line send in turn until it is full.
    fn serve_line(&mut self, line: u32, now: Time) -> Result<(), RealTimeError> {
        let interface = InterfaceId(line);
        for _ in 0..self.lines.waiting(line) {
            if self.lines.is_full(line, self.switch.backlog(interface, now)) {
                break;
            }
            let Some(index) = self.lines.leave(line) else { break };
            self.sides[index as usize].in_line = false;
            self.pump(index as usize, self.clock.now())?;
        }
        if let Some((timer, at)) = self.lines.look_again(line, now, self.switch.backlog(interface, now)) {
            self.timers.arm(timer, at);
        }
        Ok(())
    }

    pub(super) fn carry_out(&mut self, now: Time) -> Result<(), RealTimeError> {
        let mut commands = std::mem::take(&mut self.commands.list);
        for command in commands.drain(..) {
            self.carry_out_one(command, now)?;
        }
        self.commands.list = commands;
        Ok(())
    }

    fn carry_out_one(&mut self, command: Command, now: Time) -> Result<(), RealTimeError> {
        match command {
            Command::Connect(flow) => {
                self.watch_socket(sides::index(flow, Direction::Backward))?;
                self.with_side(flow, Direction::Forward, now, |endpoint| endpoint.connect(now))?;
            }
            Command::Write(flow, direction, bytes) => {
                self.start_counting(sides::index(flow, direction));
                self.with_side(flow, direction, now, |endpoint| endpoint.write(now, bytes))?;
            }
            Command::Close(flow, direction) => {
                self.with_side(flow, direction, now, |endpoint| endpoint.close(now))?;
            }
            Command::Notify(flow, direction, total) => {
                self.sides[sides::index(flow, direction.reversed())].notify_at = total;
            }
            Command::BeginIteration(flow, direction, expected) => {
                let side = &mut self.sides[sides::index(flow, direction)];
                side.occupant.endpoint_mut().begin_iteration(expected);
            }
            Command::Alarm(at, alarm) => self.alarms.push(heap::key(at.max(now), alarm)),
            Command::Stop => self.stopped = true,
        }
        Ok(())
    }

    /// Calls an endpoint, and lets it send.
    fn with_side(
        &mut self,
        flow: FlowId,
        direction: Direction,
        now: Time,
        call: impl FnOnce(&mut dyn burstlab_stacks::Endpoint),
    ) -> Result<(), RealTimeError> {
        let index = sides::index(flow, direction);
        call(self.sides[index].occupant.endpoint_mut());
        self.watch_socket(index)?;
        self.pump(index, now)
    }

    fn start_counting(&mut self, index: usize) {
        let (flow, direction) = sides::flow(index);
        let network = &self.switch.network;
        if let Some(oracle) = &mut self.oracle
            && !self.sides[index].counted
        {
            oracle.begin(network.path(flow, direction), network.path(flow, direction.reversed()));
            self.sides[index].counted = true;
        }
    }

    fn stop_counting(&mut self, index: usize) {
        let (flow, direction) = sides::flow(index);
        let network = &self.switch.network;
        if let Some(oracle) = &mut self.oracle {
            oracle.end(network.path(flow, direction), network.path(flow, direction.reversed()));
            self.sides[index].counted = false;
        }
    }

    fn tell_share(&mut self, index: usize) {
        let (flow, direction) = sides::flow(index);
        if let Some(oracle) = &self.oracle {
            let share = oracle.share(&self.switch.network, self.switch.network.path(flow, direction));
            self.sides[index].occupant.endpoint_mut().set_fair_share(share);
        }
    }
}
