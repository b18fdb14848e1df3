//! Packets a second through the emulated switch, beside a bare loop that reads one TUN device and writes another.
//!
//! One host sends UDP as fast as its core goes; what it sends is measured where it is read. Both loops have the same two
//! devices, one after the other, at each MTU. Not a criterion bench: both are rates of a second, not times of a call, and
//! the ratio is what matters. It takes root or user namespaces, as `burstlab doctor` says.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burstlab_engine::hosts::{HostPlan, Hosts, How, Plan, RouteOptions, Subnet, enter_user_namespace, ready};
use burstlab_engine::real_time::{Options, RealTime};
use burstlab_engine::{Commands, Monitor, Workload};
use burstlab_network::{
    Direction, Discipline, FlowId, Impairment, Limit, LinkSpec, Network, Occupancy, PortId, PortKind, Probe, Segment,
    Topology,
};
use burstlab_units::{Bytes, Rate, Span, Time};

/// How long each is measured.
const MEASURED: Duration = Duration::from_secs(2);
/// How often: the best of each counts, since the machine's other work only ever takes away.
const ROUNDS: usize = 3;
/// IPv4 and UDP headers.
const HEADERS: usize = 28;
/// mm-link's ceiling on this kind of machine, which the switch has to be above.
const MAHIMAHI: f64 = 1.75e9;

const SENDER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const RECEIVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

fn main() {
    let way = ready().and_then(|how| match how {
        How::Root => Ok(()),
        How::UserNamespace => enter_user_namespace(),
    });
    if let Err(error) = way {
        println!("skipped: switch: {error}");
        return;
    }
    println!("{:>5} {:>12} {:>12} {:>6} {:>12}", "MTU", "bare loop", "switch", "ratio", "through it");
    for mtu in [1500, 9000] {
        let best = |rate: fn(u32) -> f64| (0..ROUNDS).map(|_| rate(mtu)).fold(0.0, f64::max);
        let (bare, switch) = (best(bare_loop), best(through_switch));
        let bits = switch * f64::from(mtu) * 8.0;
        let above = if bits > MAHIMAHI { "above" } else { "BELOW" };
        println!(
            "{mtu:>5} {:>8.0} k/s {:>8.0} k/s {:>6.2} {:>7.2} Gbit/s, {above} mm-link's {:.2}",
            bare / 1e3,
            switch / 1e3,
            switch / bare,
            bits / 1e9,
            MAHIMAHI / 1e9
        );
    }
}

fn hosts(mtu: u32) -> Hosts {
    let host = |name: &str, address| HostPlan {
        name: name.to_owned(),
        address,
        stack: None,
        mtu,
        route: RouteOptions::default(),
        sysctls: Vec::new(),
    };
    let plan = Plan {
        name: format!("burstlab-bench-{}", std::process::id()),
        named: false,
        network: Subnet { address: SENDER, prefix: 16 },
        hosts: vec![host("host0", SENDER), host("host1", RECEIVER)],
    };
    Hosts::make(&plan).expect("hosts can be made: it was asked")
}

/// A thread that sends full packets until `stop`, and a socket that nobody reads, so that there are no ICMP errors.
fn blast(hosts: &Hosts, mtu: u32, stop: &Arc<AtomicBool>) -> (std::thread::JoinHandle<()>, UdpSocket) {
    let to = SocketAddrV4::new(RECEIVER, 9);
    let [sender, receiver] = [0, 1].map(|i| hosts.get(i).expect("there are two"));
    let sink = receiver.within(move || UdpSocket::bind(to)).and_then(|bound| bound).expect("a free port");
    let socket = sender.within(|| UdpSocket::bind((SENDER, 0))).and_then(|bound| bound).expect("a free port");
    let (packet, stop) = (vec![7; mtu as usize - HEADERS], stop.clone());
    let thread = std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            // A full device queue is what is wanted.
            let _ = socket.send_to(&packet, to);
        }
    });
    (thread, sink)
}

/// Packets a second of a loop that does nothing but read and write.
fn bare_loop(mtu: u32) -> f64 {
    let hosts = hosts(mtu);
    let stop = Arc::new(AtomicBool::new(false));
    let (thread, _sink) = blast(&hosts, mtu, &stop);
    let [from, to] = [0, 1].map(|i| hosts.get(i).expect("there are two").link());
    let (start, mut packets, mut packet) = (Instant::now(), 0u64, vec![0; 65_535]);
    while start.elapsed() < MEASURED {
        for _ in 0..64 {
            if let Ok(length) = from.recv(&mut packet)
                && to.send(&packet[..length]).is_ok()
            {
                packets += 1;
            }
        }
    }
    let rate = packets as f64 / start.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    thread.join().expect("it only sends");
    rate
}

/// Packets a second through a network of two links and a queue.
fn through_switch(mtu: u32) -> f64 {
    let hosts = hosts(mtu);
    let stop = Arc::new(AtomicBool::new(false));
    let (thread, _sink) = blast(&hosts, mtu, &stop);
    let link = LinkSpec {
        rate: Rate::from_bits_per_sec(100_000_000_000),
        delay: Span::from_micros(5),
        queue: Discipline::DropTail { limit: Limit::Packets(1000) },
        impairment: Impairment::default(),
    };
    let network = Network::new(&Topology::star(2, link), &[1, 1], 1);
    let queue = network.ports().iter().position(|port| port.kind == PortKind::Queue && port.name.ends_with("host1"));
    let count = Count { port: PortId(queue.expect("a star has it") as u32), packets: 0 };
    let options = Options { time_scale: 1, busy_poll: false, interface_limit: Bytes::new(64_000) };
    let addresses = [vec![SENDER], vec![RECEIVER]];
    let mut real_time = RealTime::new(network, count, hosts, &addresses, options).expect("a timer and readiness");
    let until = Time::from_nanos(MEASURED.as_nanos() as u64);
    real_time.run(&mut Idle, &mut (), until, &Monitor::default()).expect("the devices stay");
    let ended = real_time.into_ended();
    stop.store(true, Ordering::Relaxed);
    thread.join().expect("it only sends");
    ended.probe.packets as f64 / MEASURED.as_secs_f64()
}

/// Counts what goes through one queue.
struct Count {
    port: PortId,
    packets: u64,
}

impl Probe for Count {
    fn on_arrival(&mut self, port: PortId, _: Time, _: &Segment, _: Span, _: Occupancy) {
        self.packets += u64::from(port == self.port);
    }
}

/// Applications that do nothing: the hosts' programs do it all.
struct Idle;

impl Workload for Idle {
    fn on_start(&mut self, _: &mut Commands) {}

    fn on_alarm(&mut self, _: Time, _: u32, _: &mut Commands) {}

    fn on_received(&mut self, _: Time, _: FlowId, _: Direction, _: u64, _: &mut Commands) {}
}
