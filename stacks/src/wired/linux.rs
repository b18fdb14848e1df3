//! Against Linux's TCP, over a TUN device in a network namespace that goes with the test.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use burstlab_algorithms::{EcnFeedback, Registry};
use burstlab_network::{Codepoint, Direction, FlowId};
use nix::sched::{CloneFlags, unshare};
use tun_tap::{Iface, Mode};

use super::*;
use crate::kernel;
use crate::native::Config;

const LINUX: Ipv4Addr = Ipv4Addr::new(10, 77, 9, 1);
const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 9, 2);
/// Of the next connection: Linux keeps the ports of past ones in TIME-WAIT.
static PORT: AtomicU16 = AtomicU16::new(20_000);
const TO_LINUX: u64 = 5;
const FROM_LINUX: u64 = 6;
/// Longest that a transfer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What happens to one packet of so many, in both directions.
#[derive(Debug, Clone, Copy, Default)]
struct Wire {
    lost: u64,
    swapped: u64,
    marked: u64,
}

/// One transfer in both directions.
#[derive(Debug, Clone)]
struct Case {
    spec: &'static str,
    feedback: Option<EcnFeedback>,
    linux_dials: bool,
    wire: Wire,
    config: Config,
    bytes: [u64; 2],
}

fn case() -> Case {
    Case {
        spec: "cubic",
        feedback: None,
        linux_dials: false,
        wire: Wire::default(),
        config: Config { initial_sequence: 0xffff_0000, ..Config::default() },
        bytes: [2_000_000, 2_000_000],
    }
}

/// What came of it.
struct Outcome {
    ours: Wired,
    linux: kernel::Connection,
}

/// Says that `name` was not run: written, since what passing tests print is not shown.
fn skipped(name: &str, reason: &str) {
    std::io::stderr().write_all(format!("\nskipped: {name}: {reason}\n").as_bytes()).unwrap();
}

/// Runs `test` on a thread in a network namespace of its own, with the device in it, or says why not.
fn with_device(name: &str, test: impl FnOnce(&Iface) + Send + 'static) {
    let thread = thread::spawn(move || match device() {
        Ok(device) => {
            test(&device);
            None
        }
        Err(error) => Some(format!("no TUN device in a network namespace: {error}")),
    });
    match thread.join() {
        Ok(Some(reason)) => skipped(name, &reason),
        Ok(None) => {}
        Err(_) => panic!("{name} failed"),
    }
}

/// Sets Linux's sysctl of that name in the test's own namespace.
fn set_tcp_ecn(value: u8) -> io::Result<()> {
    fs::write("/proc/sys/net/ipv4/tcp_ecn", value.to_string())
}

fn device() -> io::Result<Iface> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let device = Iface::without_packet_info("lab0", Mode::Tun)?;
    for arguments in ["address add 10.77.9.1/24 dev lab0", "link set lab0 txqueuelen 10000 up", "link set lo up"] {
        if !Command::new("ip").args(arguments.split(' ')).status()?.success() {
            return Err(io::Error::other(format!("ip {arguments} failed")));
        }
    }
    device.set_non_blocking()?;
    Ok(device)
}

/// The sides of a case, and the packets that are held back to be overtaken.
struct Run<'a> {
    case: &'a Case,
    device: &'a Iface,
    begin: Instant,
    ours: Wired,
    linux: kernel::Connection,
    count: u64,
    held: [Option<Vec<u8>>; 2],
}

impl<'a> Run<'a> {
    fn new(case: &'a Case, device: &'a Iface) -> Run<'a> {
        let spec = Registry::default().parse(case.spec).unwrap();
        let controller = spec.build(&case.config.path(Time::ZERO, 1));
        let direction = if case.linux_dials { Direction::Backward } else { Direction::Forward };
        let feedback = case.feedback.unwrap_or(spec.ecn_feedback());
        let connection = Connection::new(case.config.clone(), direction, FlowId(0), controller, feedback);
        let port = PORT.fetch_add(1, Ordering::Relaxed);
        let (own, linux) = (SocketAddrV4::new(OURS, port), SocketAddrV4::new(LINUX, port));
        let ours = Wired::new(connection, own, linux, Keys { outgoing: TO_LINUX, incoming: FROM_LINUX });
        let keys = Keys { outgoing: FROM_LINUX, incoming: TO_LINUX };
        let config = kernel::Config::default();
        let linux = match case.linux_dials {
            true => kernel::Connection::dialing(linux, own, keys, &config),
            false => kernel::Connection::listening(linux, own, keys, &config),
        };
        Run { case, device, begin: Instant::now(), ours, linux: linux.unwrap(), count: 0, held: [None, None] }
    }

    fn now(&self) -> Time {
        Time::from_nanos(1_000_000 + self.begin.elapsed().as_nanos() as u64)
    }

    /// A packet is on the wire, to Linux or from it.
    fn carry(&mut self, to_linux: bool, mut packet: Vec<u8>) {
        self.count += 1;
        let hit = |one_of: u64| one_of > 0 && self.count.is_multiple_of(one_of);
        if hit(self.case.wire.lost) {
            return;
        }
        if hit(self.case.wire.marked) && wire::codepoint_of(&packet) != Codepoint::NotEct {
            wire::mark_ce(&mut packet);
        }
        let place = usize::from(to_linux);
        if hit(self.case.wire.swapped) && self.held[place].is_none() {
            self.held[place] = Some(packet);
            return;
        }
        self.deliver(to_linux, &packet);
        if let Some(packet) = self.held[place].take() {
            self.deliver(to_linux, &packet);
        }
    }

    fn deliver(&mut self, to_linux: bool, packet: &[u8]) {
        if to_linux {
            self.device.send(packet).unwrap();
        } else {
            let now = self.now();
            self.ours.on_packet(now, packet);
        }
    }

    fn send(&mut self) {
        let mut packet = Vec::new();
        while self.ours.transmit_packet(self.now(), &mut packet) {
            self.carry(true, packet.clone());
        }
    }

    fn step(&mut self) {
        let now = self.now();
        if self.ours.next_wake() <= now {
            self.ours.on_wake(now);
        }
        self.send();
        let mut place = [0; 2048];
        while let Ok(length) = self.device.recv(&mut place) {
            // IPv6 looks for its neighbours on every new link.
            if place[0] >> 4 == 4 {
                self.carry(false, place[..length].to_vec());
                // At once: what several packets ask for would become one acknowledgement.
                self.send();
            }
        }
        self.linux.on_ready(now).unwrap();
    }

    fn run(mut self) -> Outcome {
        let now = self.now();
        let ends: [&mut dyn Endpoint; 2] = [&mut self.ours, &mut self.linux];
        for (end, bytes) in ends.into_iter().zip(self.case.bytes) {
            end.write(now, Bytes::new(bytes));
        }
        if self.case.linux_dials {
            self.linux.connect(now);
        } else {
            self.ours.connect(now);
        }
        self.ours.close(now);
        self.linux.close(now);
        while self.ours.status() != Status::Closed || self.linux.status() != Status::Closed {
            self.step();
            // Leaves the core to the kernel's half, for a part of a round trip.
            thread::sleep(Duration::from_micros(50));
            let state = (self.ours.status(), self.ours.received(), self.linux.status(), self.linux.received());
            assert!(self.begin.elapsed() < PATIENCE, "{:?}: too long: {state:?}", self.case);
            assert!(self.ours.status() != Status::Failed, "{:?}: {state:?}", self.case);
            assert!(self.linux.error().is_none(), "{:?}: {:?}", self.case, self.linux.error());
        }
        self.check();
        Outcome { ours: self.ours, linux: self.linux }
    }

    fn check(&self) {
        let ends = [(self.linux.reader(), TO_LINUX), (self.ours.reader(), FROM_LINUX)];
        for ((reader, key), bytes) in ends.into_iter().zip(self.case.bytes) {
            assert_eq!((reader.position(), reader.damaged(), reader.garbage()), (bytes, 0, 0), "{:?}", self.case);
            assert_eq!(reader.sha256(), content::sha256(key, bytes));
        }
    }
}

#[test]
fn linux_takes_and_gives_whole_streams() {
    with_device("linux_takes_and_gives_whole_streams", |device| {
        for linux_dials in [false, true] {
            let outcome = Run::new(&Case { linux_dials, ..case() }, device).run();
            assert_eq!(outcome.linux.acknowledged(), 2_000_000);
            for (sack, timestamps, window_scaling) in [(false, true, true), (true, false, true), (true, true, false)] {
                let config = Config { sack, timestamps, window_scaling, ..Config::default() };
                Run::new(&Case { linux_dials, config, ..case() }, device).run();
            }
        }
    });
}

#[test]
fn streams_between_linux_and_us_survive_loss_and_reordering() {
    with_device("streams_between_linux_and_us_survive_loss_and_reordering", |device| {
        let wire = Wire { lost: 97, swapped: 31, marked: 0 };
        for spec in ["reno", "cubic", "bbr"] {
            for linux_dials in [false, true] {
                Run::new(&Case { spec, linux_dials, wire, ..case() }, device).run();
            }
        }
        // Without timestamps there is room for a fourth SACK block.
        for (sack, timestamps) in [(false, true), (true, false)] {
            let config = Config { sack, timestamps, ..Config::default() };
            Run::new(&Case { wire, config, ..case() }, device).run();
        }
    });
}

#[test]
fn marks_are_told_by_linux_and_to_it() {
    with_device("marks_are_told_by_linux_and_to_it", |device| {
        let wire = Wire { lost: 0, swapped: 0, marked: 50 };
        // 1: Linux asks for classic ECN and gives it. 3: accurate ECN.
        for (feedback, tcp_ecn) in
            [(EcnFeedback::Classic, 1), (EcnFeedback::Dctcp, 1), (EcnFeedback::Accurate, 1), (EcnFeedback::Accurate, 3)]
        {
            if let Err(error) = set_tcp_ecn(tcp_ecn) {
                skipped("marks_are_told_by_linux_and_to_it", &format!("tcp_ecn = {tcp_ecn}: {error}"));
                continue;
            }
            for linux_dials in [false, true] {
                // Linux gives a SYN that is ECN-capable itself no ECN, unless it runs DCTCP.
                let config = Config { generalized_ecn: false, ..Config::default() };
                let feedback = Some(feedback);
                let case = Case { spec: "dctcp", feedback, linux_dials, wire, config, ..case() };
                let outcome = Run::new(&case, device).run();
                let marked = outcome.ours.counters().marked_segments_received;
                assert!(marked > 5, "{case:?}: {marked} marked");
                let signals = outcome.ours.explain().signals;
                let alpha = signals.iter().find(|(name, _)| *name == "alpha").map_or(0.0, |signal| signal.1);
                assert!(alpha > 0.0 && alpha < 1.0, "{case:?}: {alpha}");
            }
        }
    });
}
