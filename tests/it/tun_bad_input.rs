//! What is wrong with a run on TUN devices, or becomes wrong while it is under way.

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use burstlab::results::Summary;
use socket2::{Domain, Protocol, Socket, Type};

use crate::hosts::{hosts, named, skipped};
use crate::program::{Ended, Folder, command};
use crate::under_way::{ENDLESS, Run, folder};

/// Tells this test program, started again on a host, to send garbage.
const GARBAGE: &str = "BURSTLAB_TEST_GARBAGE";
/// The addresses that the first two hosts have: for sockets, and for the endpoint behind.
const SENDER: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 77, 0, 2), Ipv4Addr::new(10, 77, 128, 2)];
const RECEIVER: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 128, 1)];
/// Of the first flow.
const PORT: u16 = 10_000;

fn refused(arguments: &[&str], code: i32, parts: &[&str]) {
    let folder = folder();
    folder.burstlab(&[&["run", "short.toml"], arguments].concat()).told(code, parts);
    assert!(!folder.has_results());
}

#[test]
fn ranges_that_are_none_are_told_before_anything_is_made() {
    for range in ["10.77.0.0", "10.77.0/16", "10.77.0.0/33", "10.77.0.0/31", "everywhere", "fd00::/64"] {
        refused(&["--set", &format!("run.addresses={range}")], 2, &["run.addresses", range, "10.77.0.0/16"]);
    }
}

#[test]
fn a_kernel_without_the_controller_and_one_in_virtual_time_are_told() {
    let kernel = ["--stack", "kernel", "--controller"];
    refused(&[&kernel[..], &["paced?rate=1Gbit/s"]].concat(), 3, &["no controller \"paced?rate=1Gbit/s\"", "cubic"]);
    refused(
        &[&kernel[..], &["cubic?beta=0.5"]].concat(),
        3,
        &["no controller \"cubic?beta=0.5\"", "without parameters"],
    );
    refused(&[&kernel[..], &["cubic", "--on", "virtual"]].concat(), 3, &["virtual time", "--on tun"]);
}

/// A range that the machine has a route into, if there is one but the default route.
fn range_of_the_machine() -> Option<String> {
    let table = fs::read_to_string("/proc/net/route").unwrap_or_default();
    table.lines().skip(1).find_map(|line| {
        let destination = u32::from_str_radix(line.split_whitespace().nth(1)?, 16).ok()?;
        let address = Ipv4Addr::from(destination.to_ne_bytes());
        (!address.is_unspecified()).then(|| format!("{address}/24"))
    })
}

#[test]
fn a_range_in_use_is_told_with_who_uses_it() {
    let test = "a_range_in_use_is_told_with_who_uses_it";
    let Some(_quiet) = hosts(test) else { return };
    let Some(range) = range_of_the_machine() else {
        return skipped(test, "this machine has no route but the default one");
    };
    refused(&["--set", &format!("run.addresses={range}")], 3, &["[run] addresses", &range, "in use", "another"]);
}

#[test]
fn a_host_that_dies_ends_the_run_which_keeps_what_it_measured() {
    let test = "a_host_that_dies_ends_the_run_which_keeps_what_it_measured";
    for (host, words) in [
        ("host1", ["ip", "link", "del", "dev", "link"].to_vec()),
        ("host0", "ip link set dev link down".split(' ').collect()),
    ] {
        let Some(_quiet) = hosts(test) else { return };
        let folder = folder();
        let mut run = Run::start(&folder, test, &ENDLESS);
        run.await_traffic();
        let done = run.on_host(host, &words).output();
        let Ok(done) = done else { return skipped(test, "there is no nsenter") };
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let ended = run.end();
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        let last = ended.stderr.lines().last().unwrap();
        assert!(last.starts_with(&format!("burstlab: {host} died")) && last.contains("`link`"), "{}", ended.stderr);
        run.assert_gone();
        let summary = Summary::read(&folder.path().join("results/short")).unwrap();
        assert_eq!((summary.complete, summary.runs.len()), (false, 1));
        let kept = &summary.runs[0];
        assert!(kept.incomplete.as_ref().is_some_and(|why| why.contains(host)), "{:?}", kept.incomplete);
        assert!(kept.bottleneck.offered_packets > 0);
    }
}

/// Does nothing but on a host: there it sends what no switch and no endpoint can use.
#[test]
fn a_sender_of_garbage() {
    if std::env::var_os(GARBAGE).is_none() {
        return;
    }
    // To nobody, at an address in the range.
    let datagrams = UdpSocket::bind("0.0.0.0:0").unwrap();
    datagrams.send_to(&[0xff; 100], "10.77.99.99:9").unwrap();
    // To a host, with nobody listening there.
    datagrams.send_to(&[0xff; 100], (RECEIVER[0], 9)).unwrap();
    // As TCP, to every address of the receiver, from the sender's own: cut short, of random bytes, of the live connection.
    let raw = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255))).unwrap();
    raw.set_header_included_v4(true).unwrap();
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for i in 0..300 {
        for (from, to) in [(SENDER[0], RECEIVER[0]), (SENDER[1], RECEIVER[0]), (SENDER[1], RECEIVER[1])] {
            let payload: Vec<u8> = (0..i % 60).map(|_| random()).collect();
            let mut packet = ip_packet(from, to, &payload);
            if i % 2 == 0 && payload.len() >= 4 {
                packet[20..24].copy_from_slice(&[PORT.to_be_bytes(), PORT.to_be_bytes()].concat());
            }
            let to = SocketAddrV4::new(to, 0).into();
            raw.send_to(&packet, &to).unwrap();
        }
    }
}

/// An IPv4 packet of TCP; the kernel writes the checksum and the length (raw(7)).
fn ip_packet(from: Ipv4Addr, to: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let header = [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0];
    [&header[..], &from.octets(), &to.octets(), payload].concat()
}

#[test]
fn garbage_on_a_device_is_counted_and_harms_nobody() {
    let test = "garbage_on_a_device_is_counted_and_harms_nobody";
    for receiver in ["native", "kernel"] {
        let Some(_quiet) = hosts(test) else { return };
        let folder = folder();
        let receiver = format!("stack.receiver={receiver}");
        let mut run =
            Run::start(&folder, test, &[&ENDLESS[..], &["--set", "run.duration=1500ms", "--set", &receiver]].concat());
        run.await_traffic();
        let program = std::env::current_exe().unwrap();
        let words = [program.to_str().unwrap(), "--exact", "tun_bad_input::a_sender_of_garbage"];
        let Ok(done) = run.on_host("host1", &words).env(GARBAGE, "1").output() else {
            return skipped(test, "there is no nsenter");
        };
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
        run.end().good();
        let summary = Summary::read(&folder.path().join("results/short")).unwrap();
        let real_time = summary.runs[0].real_time.as_ref().unwrap();
        assert!(real_time.stray_packets > 0 && real_time.checked_bytes > 0, "{real_time:?}");
        assert_eq!(real_time.damaged_bytes, 0);
    }
}

/// The program with `arguments`, as an ordinary user; `None` if this machine has no way to become one.
fn as_nobody(folder: &Folder, arguments: &[&str]) -> Command {
    let program = command(folder.path(), arguments);
    if !named() {
        return program;
    }
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(program.get_program());
    command.args(program.get_args()).current_dir(folder.path()).stdin(Stdio::null());
    command
}

#[test]
fn an_ordinary_user_runs_the_same_in_a_user_namespace() {
    let test = "an_ordinary_user_runs_the_same_in_a_user_namespace";
    let Some(_quiet) = hosts(test) else { return };
    let folder = folder();
    match as_nobody(&folder, &["doctor"]).output().map(|output| output.status.code()) {
        Ok(Some(0)) => {}
        outcome => {
            return skipped(test, &format!("no ordinary user can run hosts here, or setpriv is missing: {outcome:?}"));
        }
    }
    let arguments = ["run", "short.toml", "--set", "flow.bytes=2MB"];
    Ended::of(as_nobody(&folder, &arguments).output().unwrap()).good();
    let summary = Summary::read(&folder.path().join("results/short")).unwrap();
    let real_time = summary.runs[0].real_time.as_ref().unwrap();
    assert_eq!((real_time.checked_bytes, real_time.damaged_bytes), (2_000_000, 0));
}

#[test]
fn without_root_and_user_namespaces_it_is_told_what_to_do() {
    let test = "without_root_and_user_namespaces_it_is_told_what_to_do";
    let Some(_quiet) = hosts(test) else { return };
    let folder = folder();
    // The sysctl is that of the user namespace in which it is written, and bounds what is made below it.
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && \
                  exec setpriv --bounding-set=-all --inh-caps=-all -- \"$0\" run short.toml";
    let program = command(folder.path(), &[]);
    let mut without = Command::new("unshare");
    without.args(["--user", "--map-root-user", "--", "sh", "-c", script]).arg(program.get_program());
    let Ok(output) = without.current_dir(folder.path()).output() else { return skipped(test, "there is no unshare") };
    let ended = Ended::of(output);
    if ended.code != 3 && !ended.stderr.contains("burstlab: ") {
        return skipped(test, &format!("privileges cannot be given up here: {}", ended.stderr.trim()));
    }
    ended.told(3, &["root", "user namespaces", "user.max_user_namespaces is 0"]);
    assert!(!folder.has_results());
}
