//! A cell in real time: a host in a namespace for each interface, endpoints on it, and what became of the run.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burstlab_algorithms::{Builder, EcnFeedback};
use burstlab_engine::hosts::{HostPlan, Hosts, Plan as HostsPlan, RouteOptions, Subnet};
use burstlab_engine::real_time::{Occupant, Options, RealTime, RealTimeError};
use burstlab_engine::traffic::Transfer;
use burstlab_engine::{Monitor, Outcome};
use burstlab_network::{Direction, FlowId, InterfaceId, Network};
use burstlab_stacks::{Keys, kernel};
use burstlab_units::{Bytes, Span, Time};

use super::contents::Contents;
use super::endpoints::Endpoints;
use super::history;
use super::series::Sampler;
use super::setup::Plan;
use super::truth::{self, Seen};
use super::watch::{self, Watch};
use super::{BrokenOff, CellError, Planned, Ran, conclude};
use crate::experiment::{Cell, StackKind};
use crate::shell::{Place, Programs, Running, Verdict};

/// The port of the first flow; others follow.
const FIRST_PORT: u32 = 10_000;
/// Connections that a run may have: each has a port of its own.
const PORTS: u32 = 50_000;

/// When it is over, if it were for a transfer that keeps a run going: a century.
const NEVER_COMES: Span = Span::from_secs(100 * 365 * 24 * 3600);

/// Runs what is planned on hosts that it makes, and takes down.
pub(super) fn run(planned: Planned<'_>, monitor: &Monitor) -> Result<Ran, CellError> {
    drive(planned, None, monitor).map(|(ran, _)| ran)
}

/// The same, with programs on the hosts, until they have ended or the cell's time is up.
pub(super) fn run_with(
    planned: Planned<'_>,
    programs: &Programs,
    monitor: &Monitor,
) -> Result<(Ran, Verdict), CellError> {
    drive(planned, Some(programs), monitor)
}

fn drive(planned: Planned<'_>, programs: Option<&Programs>, monitor: &Monitor) -> Result<(Ran, Verdict), CellError> {
    let Planned { cell, mut plan, network, watch, controller, before } = planned;
    let addresses = Addresses::of(cell, network.interface_count())?;
    let own = format!("burstlab-{}", std::process::id());
    let mut hosts = hosts_plan(cell, &network, &addresses, programs.map_or(&own, |programs| &programs.name));
    if controller.ecn_feedback() == EcnFeedback::Classic {
        // Linux asks for it only when told to; by default it only agrees (ip-sysctl.rst, tcp_ecn).
        hosts.hosts.iter_mut().for_each(|host| host.sysctls.push(("net.ipv4.tcp_ecn".to_owned(), "1".to_owned())));
    }
    if let Some(programs) = programs {
        for host in &mut hosts.hosts {
            host.route.controller.clone_from(&programs.controller);
        }
    }
    let places = programs.map(|_| places(&network, &hosts, &addresses));
    let hosts = Hosts::make(&hosts).map_err(machine)?;
    let mut sampler = Sampler::of(cell, &plan, &watch.inner);
    let options = Options {
        time_scale: cell.real_time.time_scale,
        busy_poll: cell.real_time.busy_poll,
        interface_limit: cell.stack.host_queue,
    };
    let mut real_time = RealTime::new(network, watch, hosts, &addresses.by_host(), options).map_err(machine)?;
    add_flows(cell, &plan, controller, &addresses, &mut real_time)?;
    let until = cell.duration.map_or(Time::NEVER, |duration| Time::ZERO + duration);
    let setup_wall = before.elapsed().as_nanos() as u64;
    let running = match (programs, &places) {
        (Some(programs), Some(places)) => Some((programs.start(real_time.hosts(), places).map_err(machine)?, programs)),
        _ => None,
    };
    if running.is_some() {
        plan.traffic.add(endless());
    }
    if let Some(tap) = &mut real_time.probe().tap {
        tap.date(watch::epoch(cell.on));
    }
    let start = Instant::now();
    let mut run = || real_time.run(&mut plan.traffic, &mut sampler, until, monitor);
    let (outcome, verdict) = match running {
        None => (run(), Verdict::Well),
        Some((running, programs)) => beside(running, programs, monitor, run),
    };
    let wall = start.elapsed().as_nanos() as u64;
    let broken_off = match outcome {
        Ok(Outcome::Cancelled) if programs.is_some() && verdict != Verdict::Interrupted => None,
        Ok(Outcome::Cancelled) => Some(BrokenOff::Interrupted),
        Ok(Outcome::Idle) if !real_time.failures().is_empty() => Some(failed(real_time.failures())),
        Ok(outcome) => {
            let received = |flow, direction: Direction| real_time.endpoint(flow, direction.reversed()).received();
            conclude(cell, real_time.now(), outcome, &plan, received)
                .map_err(|error| history::remembered(error, real_time.recent()))?;
            None
        }
        Err(error) => Some(BrokenOff::Machine(error.to_string())),
    };
    let (mut checked_bytes, mut damaged_bytes, mut contents) = (0, 0, Contents::default());
    for reader in real_time.occupants().map(Occupant::reader) {
        checked_bytes += reader.position();
        damaged_bytes += reader.damaged();
        contents.push(reader.sha256());
    }
    let seen = Seen {
        lateness: real_time.lateness(),
        allowed: truth::allowed(cell, &plan, real_time.network()),
        checked_bytes,
        damaged_bytes,
        stray_packets: real_time.strays(),
    };
    let judgement = truth::judge(cell, &seen);
    let ended = real_time.into_ended();
    Ok((Ran { plan, ended, sampler, setup_wall, wall, real_time: Some(judgement), contents, broken_off }, verdict))
}

/// Lets the network run as long as programs do, and ends those that are left when it ends.
fn beside(
    running: Running,
    programs: &Programs,
    monitor: &Monitor,
    run: impl FnOnce() -> Result<Outcome, RealTimeError>,
) -> (Result<Outcome, RealTimeError>, Verdict) {
    let (over, asked) = (AtomicBool::new(false), &*programs.asked);
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let verdict = running.watch(asked, &over);
            monitor.cancel.store(true, Ordering::Relaxed);
            verdict
        });
        let outcome = run();
        over.store(true, Ordering::Relaxed);
        let verdict = watching.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (outcome, verdict)
    })
}

/// A transfer that is never due. A run ends when all its transfers have, or when nothing is left to happen; with programs on
/// the hosts it ends when those do.
fn endless() -> Transfer {
    Transfer {
        flow: FlowId(0),
        direction: Direction::Forward,
        bytes: Bytes::ZERO,
        after: Vec::new(),
        delay: NEVER_COMES,
        iteration: u32::MAX,
    }
}

/// Where programs find each host. One with several interfaces is its first: a namespace has one link.
fn places(network: &Network, hosts: &HostsPlan, addresses: &Addresses) -> Vec<Place> {
    let first = (0..).map_while(|host| network.interface(host, 0));
    let place = |InterfaceId(number)| Place {
        address: addresses.link(number),
        namespace: number as usize,
        name: format!("{}-{}", hosts.name, hosts.hosts[number as usize].name),
    };
    first.map(place).collect()
}

/// Why nothing is left to happen, after connections failed.
fn failed(failures: &[String]) -> BrokenOff {
    let first = failures.first().map_or("", String::as_str);
    let others = match failures.len() {
        0 | 1 => String::new(),
        all => format!(", and {} more", all - 1),
    };
    BrokenOff::Machine(format!("nothing is left to happen: {first}{others}"))
}

fn machine(error: impl std::fmt::Display) -> CellError {
    CellError::Machine(error.to_string())
}

impl From<kernel::Error> for CellError {
    fn from(error: kernel::Error) -> CellError {
        machine(error)
    }
}

/// The addresses of hosts: the lower half of the range for their links, the upper for the endpoints behind them.
pub(crate) struct Addresses {
    range: Subnet,
    hosts: u32,
}

impl Addresses {
    /// For so many hosts.
    pub fn of(cell: &Cell, hosts: usize) -> Result<Addresses, CellError> {
        let (address, prefix) = cell.real_time.addresses;
        let range = Subnet { address, prefix };
        let addresses = Addresses { range, hosts: u32::try_from(hosts).unwrap_or(u32::MAX) };
        // The first address of a range is that of the range itself.
        if addresses.hosts >= addresses.half() {
            return Err(machine(format!(
                "[run] addresses: {range} has room for {} hosts, and the experiment has {hosts}; name a larger range",
                addresses.half() - 1
            )));
        }
        Ok(addresses)
    }

    fn half(&self) -> u32 {
        1 << (31 - u32::from(self.range.prefix))
    }

    fn at(&self, offset: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.range.network().to_bits() + offset)
    }

    /// That of a host's link.
    pub fn link(&self, host: u32) -> Ipv4Addr {
        self.at(1 + host)
    }

    /// That of the userspace endpoint behind it.
    pub fn stack(&self, host: u32) -> Ipv4Addr {
        self.at(self.half() + 1 + host)
    }

    /// All of each host.
    pub fn by_host(&self) -> Vec<Vec<Ipv4Addr>> {
        (0..self.hosts).map(|host| vec![self.link(host), self.stack(host)]).collect()
    }
}

/// The hosts that a cell takes.
pub(crate) fn hosts_plan(cell: &Cell, network: &Network, addresses: &Addresses, name: &str) -> HostsPlan {
    let userspace = [cell.stack.kind, cell.stack.receiver].iter().any(|kind| *kind != StackKind::Kernel);
    let scale = cell.real_time.time_scale;
    let min_rto = Duration::from_nanos(cell.stack.tcp.min_rto.as_nanos().saturating_mul(u64::from(scale)));
    let hosts = (0..network.interface_count() as u32).map(|host| HostPlan {
        name: host_name(network, InterfaceId(host)),
        address: addresses.link(host),
        stack: userspace.then(|| addresses.stack(host)),
        mtu: cell.network.mtu.get() as u32,
        route: RouteOptions {
            rto_min: Some(min_rto),
            initial_window: Some(cell.stack.tcp.initial_window),
            quick_ack: cell.stack.tcp.delayed_ack.is_none(),
            controller: None,
        },
        sysctls: sysctls(cell),
    });
    HostsPlan { name: name.to_owned(), named: true, network: addresses.range, hosts: hosts.collect() }
}

/// `host3`, and `host3.0` where several workers share the host.
fn host_name(network: &Network, interface: InterfaceId) -> String {
    let port = &network.ports()[network.port_of(interface).0 as usize].name;
    port.split('>').next().unwrap_or(port).to_owned()
}

/// What the kernel's TCP takes from the namespace.
fn sysctls(cell: &Cell) -> Vec<(String, String)> {
    let tcp = &cell.stack.tcp;
    // Linux counts its own bookkeeping into the buffers; half of them is left for data (tcp_adv_win_scale = 1). They are
    // signed numbers of 32 bits.
    let most = tcp.receive_buffer.get().saturating_mul(2).min(i32::MAX as u64);
    let flag = |on: bool| u8::from(on).to_string();
    [
        ("tcp_timestamps", flag(tcp.timestamps)),
        ("tcp_sack", flag(tcp.sack)),
        ("tcp_window_scaling", flag(tcp.window_scaling)),
        ("tcp_slow_start_after_idle", flag(tcp.slow_start_after_idle)),
        // What one connection learned of a path would be carried over into the next.
        ("tcp_no_metrics_save", flag(true)),
        ("tcp_rmem", format!("4096 {} {most}", most.min(131_072))),
        ("tcp_wmem", format!("4096 {} {most}", most.min(65_536))),
    ]
    .map(|(name, value)| (format!("net.ipv4.{name}"), value))
    .to_vec()
}

fn add_flows(
    cell: &Cell,
    plan: &Plan,
    controller: &Builder,
    addresses: &Addresses,
    real_time: &mut RealTime<Watch>,
) -> Result<(), CellError> {
    if plan.wires.len() > PORTS as usize {
        return Err(machine(format!("{} connections are too many in real time: at most {PORTS}", plan.wires.len())));
    }
    let endpoints = Endpoints::new(cell, controller);
    for (number, wire) in (0u32..).zip(&plan.wires) {
        let interfaces = [wire.from, wire.to];
        let port = (FIRST_PORT + number) as u16;
        let ends = [(wire.from, cell.stack.kind), (wire.to, cell.stack.receiver)].map(|(interface, kind)| {
            let address = match kind {
                StackKind::Kernel => addresses.link(interface.0),
                StackKind::Native | StackKind::Smoltcp => addresses.stack(interface.0),
            };
            SocketAddrV4::new(address, port)
        });
        let flow = real_time.add_flow(interfaces, ends, |hosts, flow, direction| {
            occupant(&endpoints, hosts, interfaces, ends, flow, direction, wire.opens)
        })?;
        if let Some(sizes) = plan.packet.oracle_sizes(controller) {
            real_time.tell_fair_share(flow, Direction::Forward, sizes);
            real_time.tell_fair_share(flow, Direction::Backward, sizes);
        }
    }
    Ok(())
}

fn occupant(
    endpoints: &Endpoints<'_>,
    hosts: &Hosts,
    interfaces: [InterfaceId; 2],
    ends: [SocketAddrV4; 2],
    flow: FlowId,
    direction: Direction,
    opens: Time,
) -> Result<Occupant, CellError> {
    let side = direction as usize;
    let (own, peer) = (ends[side], ends[1 - side]);
    let key = |direction: Direction| u64::from(flow.0) * 2 + direction as u64;
    let keys = Keys { outgoing: key(direction), incoming: key(direction.reversed()) };
    if endpoints.kind(direction) != StackKind::Kernel {
        return Ok(Occupant::Stack(endpoints.on_packets(flow, direction, opens, own, peer, keys)));
    }
    let config = endpoints.kernel(direction);
    let host = hosts.get(interfaces[side].0 as usize).ok_or(CellError::NoSeat)?;
    let made = host.within(move || match direction {
        Direction::Forward => kernel::Connection::dialing(own, peer, keys, &config),
        Direction::Backward => kernel::Connection::listening(own, peer, keys, &config),
    });
    Ok(Occupant::Socket(Box::new(made.map_err(machine)??)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_two_addresses_each_and_none_twice() {
        let addresses = Addresses { range: Subnet { address: Ipv4Addr::new(10, 77, 0, 0), prefix: 24 }, hosts: 127 };
        let mut all: Vec<_> = addresses.by_host().concat();
        assert_eq!(all[..2], [Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 129)]);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 254);
        assert!(all.iter().all(|address| addresses.range.contains(*address)));
    }
}
