//! Hosts on this machine. Each test says so when the machine does not let it make any.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::*;

const TTL: u8 = 64;

/// Says that `test` was not run: written, since what passing tests print is not shown.
fn skipped(test: &str, reason: &str) {
    std::io::stderr().write_all(format!("\nskipped: {test}: {reason}\n").as_bytes()).unwrap();
}

fn permitted(test: &str) -> bool {
    match ready() {
        Ok(How::Root) => return true,
        Ok(How::UserNamespace) => skipped(test, "it takes root; tests have threads, and cannot enter a user namespace"),
        Err(error) => skipped(test, &error.to_string()),
    }
    false
}

fn address(host: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, u8::try_from(host + 1).unwrap())
}

fn stack(host: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 1, u8::try_from(host + 1).unwrap())
}

fn plan(name: &str, hosts: usize) -> Plan {
    let host = |i| HostPlan {
        name: format!("host{i}"),
        address: address(i),
        stack: Some(stack(i)),
        mtu: 1500,
        route: RouteOptions {
            rto_min: Some(Duration::from_millis(10)),
            initial_window: Some(10),
            quick_ack: true,
            controller: None,
        },
        sysctls: vec![("net.ipv4.tcp_ecn".into(), "1".into())],
    };
    Plan {
        name: format!("test-{name}-{}", std::process::id()),
        named: false,
        network: Subnet { address: Ipv4Addr::new(10, 77, 0, 0), prefix: 16 },
        hosts: (0..hosts).map(host).collect(),
    }
}

/// A UDP packet of RFC 791 and 768. A UDP checksum of 0 means that there is none.
fn packet(from: Ipv4Addr, to: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let udp_length = u16::try_from(8 + payload.len()).unwrap();
    let mut bytes = vec![0x45, 0];
    bytes.extend((20 + udp_length).to_be_bytes());
    bytes.extend([0, 0, 0x40, 0, TTL, 17, 0, 0]);
    bytes.extend(from.octets());
    bytes.extend(to.octets());
    let sum: u32 = bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let checksum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
    for field in [7000, 7001, udp_length, 0] {
        bytes.extend(field.to_be_bytes());
    }
    bytes.extend(payload);
    bytes
}

/// The next packet, as (source, destination, time to live, UDP payload).
fn next(tun: &Tun) -> (Ipv4Addr, Ipv4Addr, u8, Vec<u8>) {
    let mut fds = [PollFd::new(tun.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut fds, PollTimeout::from(5_000_u16)).unwrap(), 1, "no packet came within 5 s");
    let mut bytes = [0; 2000];
    let length = tun.recv(&mut bytes).unwrap();
    let address = |at: usize| Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
    (address(12), address(16), bytes[8], bytes[28..length].to_vec())
}

fn nothing_waits(tun: &Tun) -> bool {
    tun.recv(&mut [0; 2000]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn packets_of_a_stack_cross_the_kernels_ip_layer_in_both_directions() {
    if !permitted("packets_of_a_stack_cross_the_kernels_ip_layer_in_both_directions") {
        return;
    }
    let hosts = Hosts::make(&plan("cross", 2)).unwrap();
    let [a, b] = [hosts.get(0).unwrap(), hosts.get(1).unwrap()];
    a.stack().unwrap().send(&packet(stack(0), stack(1), b"there")).unwrap();
    let (from, to, ttl, payload) = next(a.link());
    assert_eq!((from, to, ttl, payload.as_slice()), (stack(0), stack(1), TTL - 1, &b"there"[..]));
    b.link().send(&packet(from, to, &payload)).unwrap();
    let (from, to, ttl, payload) = next(b.stack().unwrap());
    assert_eq!((from, to, ttl, payload.as_slice()), (stack(0), stack(1), TTL - 1, &b"there"[..]));
    for host in &hosts {
        assert!(nothing_waits(host.link()) && nothing_waits(host.stack().unwrap()), "{} talks by itself", host.name());
    }
}

#[test]
fn sockets_made_within_a_host_use_its_link() {
    if !permitted("sockets_made_within_a_host_use_its_link") {
        return;
    }
    let hosts = Hosts::make(&plan("sockets", 2)).unwrap();
    let [a, b] = [hosts.get(0).unwrap(), hosts.get(1).unwrap()];
    let open = |host: &Host, at| host.within(move || UdpSocket::bind((address(at), 9000))).unwrap().unwrap();
    let (sender, receiver) = (open(a, 0), open(b, 1));
    sender.send_to(b"hello", (address(1), 9000)).unwrap();
    let mut bytes = [0; 2000];
    next_is_readable(a.link());
    let length = a.link().recv(&mut bytes).unwrap();
    b.link().send(&bytes[..length]).unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let (length, from) = receiver.recv_from(&mut bytes).unwrap();
    assert_eq!((&bytes[..length], from.ip()), (&b"hello"[..], address(0).into()));
}

fn next_is_readable(tun: &Tun) {
    let mut fds = [PollFd::new(tun.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut fds, PollTimeout::from(5_000_u16)).unwrap(), 1, "no packet came within 5 s");
}

#[test]
fn a_device_keeps_thousands_of_packets_that_nobody_reads_yet() {
    if !permitted("a_device_keeps_thousands_of_packets_that_nobody_reads_yet") {
        return;
    }
    let hosts = Hosts::make(&plan("keeps", 1)).unwrap();
    let host = hosts.get(0).unwrap();
    for _ in 0..5_000 {
        host.stack().unwrap().send(&packet(stack(0), stack(1), b"burst")).unwrap();
    }
    let read = (0..).take_while(|_| !nothing_waits(host.link())).count();
    assert_eq!(read, 5_000);
}

#[test]
fn sysctls_and_route_options_are_those_of_the_plan() {
    if !permitted("sysctls_and_route_options_are_those_of_the_plan") {
        return;
    }
    let mut plan = plan("options", 1);
    let hosts = Hosts::make(&plan).unwrap();
    let ecn = hosts.get(0).unwrap().within(|| fs::read_to_string("/proc/sys/net/ipv4/tcp_ecn")).unwrap().unwrap();
    assert_eq!(ecn.trim(), "1");
    for wrong in ["kernel.hostname", "net.ipv4.no_such_thing"] {
        plan.hosts[0].sysctls = vec![(wrong.into(), "1".into())];
        assert!(matches!(Hosts::make(&plan), Err(HostError::NoSuchSysctl(name)) if name == wrong));
    }
    plan.hosts[0].sysctls = vec![("net.ipv4.tcp_congestion_control".into(), "no-such-controller".into())];
    assert!(matches!(Hosts::make(&plan), Err(HostError::Sysctl { .. })));
}

#[test]
fn many_hosts_come_up_at_once_and_leave_no_thread() {
    if !permitted("many_hosts_come_up_at_once_and_leave_no_thread") {
        return;
    }
    let begin = Instant::now();
    let hosts = Hosts::make(&plan("many", 64)).unwrap();
    println!("64 hosts came up in {:?}", begin.elapsed());
    let threads: Vec<_> = hosts.iter().map(|host| host.within(nix::unistd::gettid).unwrap()).collect();
    assert!(threads.iter().all(|thread| task(*thread).exists()));
    let begin = Instant::now();
    drop(hosts);
    println!("and went in {:?}", begin.elapsed());
    // A thread is joined a moment before its directory goes.
    let deadline = Instant::now() + Duration::from_secs(5);
    while threads.iter().any(|thread| task(*thread).exists()) {
        assert!(Instant::now() < deadline, "threads of hosts are still there");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn task(thread: nix::unistd::Pid) -> std::path::PathBuf {
    Path::new("/proc/self/task").join(thread.to_string())
}

#[test]
fn nothing_of_the_machines_own_network_changes() {
    if !permitted("nothing_of_the_machines_own_network_changes") {
        return;
    }
    let looks = || {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        // Counters change by themselves; the names of interfaces do not.
        let interfaces: Vec<String> = read("/proc/self/net/dev")
            .lines()
            .filter_map(|line| line.split_once(':').map(|(name, _)| name.trim().to_owned()))
            .collect();
        let sysctls = ["ip_forward", "conf/all/rp_filter", "conf/default/rp_filter", "tcp_no_metrics_save"]
            .map(|name| read(&format!("/proc/sys/net/ipv4/{name}")));
        (interfaces, read("/proc/self/net/route"), sysctls, read("/proc/sys/net/ipv6/conf/all/disable_ipv6"))
    };
    let before = looks();
    let hosts = Hosts::make(&plan("unchanged", 2)).unwrap();
    assert_eq!(looks(), before);
    drop(hosts);
    assert_eq!(looks(), before);
}

#[test]
fn a_panic_within_a_host_is_the_callers_and_the_host_goes_on() {
    if !permitted("a_panic_within_a_host_is_the_callers_and_the_host_goes_on") {
        return;
    }
    let hosts = Hosts::make(&plan("panic", 1)).unwrap();
    let host = hosts.get(0).unwrap();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| host.within(|| panic!("on purpose"))));
    assert!(caught.is_err());
    assert_eq!(host.within(|| 7).unwrap(), 7);
}

#[test]
fn names_are_taken_once_and_go_with_the_hosts() {
    let test = "names_are_taken_once_and_go_with_the_hosts";
    if !permitted(test) {
        return;
    }
    if !Hosts::names_available() {
        return skipped(test, "namespaces cannot get names here");
    }
    let plan = Plan { named: true, ..plan("names", 2) };
    let place = |host: &str| Path::new("/run/netns").join(format!("{}-{host}", plan.name));
    let run = Path::new("/run/burstlab").join(&plan.name);
    let hosts = Hosts::make(&plan).unwrap();
    assert!(place("host0").exists() && place("host1").exists() && run.exists());
    assert!(matches!(Hosts::make(&plan), Err(HostError::NameTaken(name)) if name == plan.name));
    assert!(!leftovers().iter().any(|left| left.run == plan.name), "a run that is going is not left over");
    drop(hosts);
    assert!(!place("host0").exists() && !place("host1").exists() && !run.exists());
    assert!(!fs::read_to_string("/proc/self/mounts").unwrap().contains(&plan.name));

    fs::write(place("host1"), "").unwrap();
    let refused = Hosts::make(&plan);
    fs::remove_file(place("host1")).unwrap();
    assert!(matches!(refused, Err(HostError::NamespaceTaken(name)) if name.ends_with("host1")));
    assert!(!place("host0").exists() && !run.exists());
}

#[test]
fn what_a_killed_run_left_is_found_and_cleaned_and_no_more() {
    let test = "what_a_killed_run_left_is_found_and_cleaned_and_no_more";
    if !permitted(test) {
        return;
    }
    if !Hosts::names_available() {
        return skipped(test, "namespaces cannot get names here");
    }
    // A killed run's lock is gone, its file and names are not.
    let plan = Plan { named: true, ..plan("killed", 1) };
    let name = format!("{}-host0", plan.name);
    let (run, place) = (Path::new("/run/burstlab").join(&plan.name), Path::new("/run/netns").join(&name));
    let other = Path::new("/run/netns").join(format!("{name}-of-another"));
    fs::create_dir_all("/run/burstlab").unwrap();
    fs::create_dir_all("/run/netns").unwrap();
    fs::write(&run, format!("{name}\n../burstlab-test\n")).unwrap();
    fs::write(&place, "").unwrap();
    fs::write(&other, "").unwrap();
    let left = Leftover { run: plan.name.clone(), namespaces: vec![name] };
    assert!(leftovers().contains(&left));
    assert!(clean().unwrap().contains(&left));
    assert!(!run.exists() && !place.exists() && other.exists());
    fs::remove_file(&other).unwrap();

    fs::write(&run, format!("{}-host0\n", plan.name)).unwrap();
    fs::write(&place, "").unwrap();
    let hosts = Hosts::make(&plan).expect("the next run of the same name takes over from the killed one");
    drop(hosts);
    assert!(!run.exists() && !place.exists());
}

#[test]
fn a_command_that_is_not_there_is_told_before_anything_starts() {
    if !permitted("a_command_that_is_not_there_is_told_before_anything_starts") {
        return;
    }
    let hosts = Hosts::make(&plan("command", 1)).unwrap();
    let result = hosts.get(0).unwrap().spawn(Guarded::new("no-such-command"));
    assert!(matches!(result, Err(HostError::CommandNotFound(name)) if name == "no-such-command"));
}
