//! Programs on the emulated network. Where this machine lets nobody make hosts, each test says so.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use burstlab::results::Summary;

use crate::hosts::hosts;
use crate::program::{Ended, Folder, command};

const NETWORK: &str = r#"
name = "two"

[network]
rate = "1Gbit/s"
delay = "10us"
queue = { kind = "drop-tail", limit = "100p" }
"#;

/// What one host sends the other.
const BYTES: usize = 300_000;
const PORT: u16 = 7000;
/// Far more than any machine needs; only a fault takes as long.
const PATIENCE: Duration = Duration::from_secs(30);

fn folder() -> Folder {
    let folder = Folder::new();
    folder.put("two.toml", NETWORK);
    folder
}

/// The command line of a host's half of the exchange: this test program again.
fn worker() -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    [program.to_str().unwrap(), "--exact", "shell::one_half_of_an_exchange_between_hosts"].map(str::to_owned).to_vec()
}

fn with_worker<'a>(arguments: &[&'a str], worker: &'a [String]) -> Vec<&'a str> {
    arguments.iter().copied().chain(["--"]).chain(worker.iter().map(String::as_str)).collect()
}

/// Does nothing but on a host: there it sends or receives.
#[test]
fn one_half_of_an_exchange_between_hosts() {
    let Ok(host) = std::env::var("BURSTLAB_HOST") else { return };
    let address = std::env::var("MASTER_ADDR").unwrap();
    if host == "0" {
        let (mut connection, _) = TcpListener::bind((address.as_str(), PORT)).unwrap().accept().unwrap();
        let mut all = Vec::new();
        connection.read_to_end(&mut all).unwrap();
        assert_eq!(all.len(), BYTES);
        return;
    }
    let begin = Instant::now();
    let mut connection = loop {
        match TcpStream::connect((address.as_str(), PORT)) {
            Ok(connection) => break connection,
            Err(error) => assert!(begin.elapsed() < PATIENCE, "nobody listens: {error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    connection.write_all(&[7; BYTES]).unwrap();
}

#[test]
fn programs_on_two_hosts_reach_each_other_through_the_switch() {
    let Some(_quiet) = hosts("programs_on_two_hosts_reach_each_other_through_the_switch") else { return };
    let (folder, worker) = (folder(), worker());
    let ended = folder.burstlab(&with_worker(&["shell", "two.toml"], &worker));
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let run = &Summary::read(&folder.path().join("results/two")).unwrap().runs[0];
    assert_eq!((run.on.as_str(), run.stack.as_str(), run.queues.len()), ("tun", "kernel", 2));
    assert!(run.bottleneck.offered_packets as usize > BYTES / 1500, "{:?}", run.bottleneck);
}

#[test]
fn each_program_knows_where_it_is_and_its_lines_say_so() {
    let Some(_quiet) = hosts("each_program_knows_where_it_is_and_its_lines_say_so") else { return };
    let folder = folder();
    let words = ["sh", "-c", "echo $RANK of $WORLD_SIZE at {address}; echo aside {host} >&2"];
    let ended = folder.burstlab(&[&["shell", "two.toml", "--hosts", "3", "--"], &words[..]].concat());
    let mut lines: Vec<_> = ended.stdout.lines().collect();
    lines.sort();
    assert_eq!(lines, ["host0 | 0 of 3 at 10.77.0.1", "host1 | 1 of 3 at 10.77.0.2", "host2 | 2 of 3 at 10.77.0.3"]);
    assert!(ended.stderr.contains("host2 | aside 2") && ended.stderr.contains("3 hosts, star"), "{}", ended.stderr);
    let alone = folder.burstlab(&["shell", "two.toml", "--host", "1", "--", "sh", "-c", "echo $BURSTLAB_HOST"]);
    assert_eq!(alone.good(), "1\n", "one alone has standard output to itself");
}

#[test]
fn a_failing_program_ends_the_others_and_is_named() {
    let Some(_quiet) = hosts("a_failing_program_ends_the_others_and_is_named") else { return };
    let folder = folder();
    let ended = folder.burstlab(&["shell", "two.toml", "--at", "0=exec sleep 100", "--at", "1=exit 7"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("host1: `exit 7` ended with code 7"), "{}", ended.stderr);
    assert!(Summary::read(&folder.path().join("results/two")).unwrap().complete);
}

#[test]
fn a_command_that_is_nowhere_is_told_before_anything_is_made() {
    let folder = folder();
    for arguments in [&["--", "no-such-command"][..], &["--at", "1=no-such-command -x"]] {
        let ended = folder.burstlab(&[&["shell", "two.toml"], arguments].concat());
        ended.told(2, &["no-such-command", "not found"]);
        assert!(!folder.has_results());
    }
}

#[test]
fn a_host_that_is_not_there_and_a_run_without_traffic_are_told() {
    let test = "a_host_that_is_not_there_and_a_run_without_traffic_are_told";
    let folder = folder();
    folder.burstlab(&["run", "two.toml"]).told(2, &["nothing is sent"]);
    if let Some(_quiet) = hosts(test) {
        folder.burstlab(&["shell", "two.toml", "--host", "5", "--", "true"]).told(2, &["--host 5", "2 hosts"]);
    }
}

#[test]
fn the_time_that_is_given_ends_programs_as_a_success() {
    let Some(_quiet) = hosts("the_time_that_is_given_ends_programs_as_a_success") else { return };
    let folder = folder();
    let ended = folder.burstlab(&["shell", "two.toml", "--for", "100ms", "--", "sleep", "100"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(Summary::read(&folder.path().join("results/two")).unwrap().runs[0].simulated, 100_000_000);
}

#[test]
fn a_recording_has_every_byte_once() {
    let Some(_quiet) = hosts("a_recording_has_every_byte_once") else { return };
    let (folder, worker) = (folder(), worker());
    let ended = folder.burstlab(&with_worker(&["record", "-o", "all.pcapng.zst", "--hosts", "2"], &worker));
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let stats = folder.json(&["trace", "stats", "all.pcapng.zst"]);
    assert_eq!(stats["application_bytes"], BYTES);
    assert_eq!(stats["format"], "pcapng");
    assert!(!folder.has_results(), "a recording is the capture alone");
}

#[test]
fn ctrl_c_goes_to_the_programs_and_leaves_nothing_behind() {
    let test = "ctrl_c_goes_to_the_programs_and_leaves_nothing_behind";
    let Some(_quiet) = hosts(test) else { return };
    let folder = folder();
    let name = format!("interrupted-{}", std::process::id());
    let ready = folder.path().join("ready");
    let script = format!("0=touch {}; exec sleep 100", ready.display());
    let mut child = command(folder.path(), &["shell", "two.toml", "--name", &name, "--at", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while !ready.exists() && begin.elapsed() < PATIENCE && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // The shell has become sleep a moment after it made the file; sh would do as well.
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted; what was measured is kept in results/two"), "{}", ended.stderr);
    for place in [format!("/run/netns/{name}-host0"), format!("/run/burstlab/{name}")] {
        assert!(!Path::new(&place).exists(), "{place}");
    }
}
