//! What a run on TUN devices leaves behind, however it ends: results, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burstlab::results::Summary;

use crate::hosts::{hosts, named};
use crate::program::Folder;
use crate::under_way::{ENDLESS, Run, folder};

const BYTES: u64 = 20_000_000;
/// The machine's own network and mounts.
#[derive(Debug, PartialEq, Eq)]
struct Machine {
    interfaces: Vec<String>,
    tables: Vec<String>,
    mounts: Vec<String>,
    sysctls: BTreeMap<String, String>,
}

impl Machine {
    fn now() -> Machine {
        let mut sysctls = BTreeMap::new();
        ["core", "ipv4", "ipv6"].iter().for_each(|part| collect(&Path::new("/proc/sys/net").join(part), &mut sysctls));
        assert!(sysctls.contains_key("/proc/sys/net/ipv4/ip_forward"));
        let read = |file: &&str| fs::read_to_string(file).unwrap_or_default();
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        Machine {
            interfaces: sent_and_received().into_keys().collect(),
            tables: ["/proc/net/route", "/proc/net/fib_trie", "/proc/net/if_inet6"].iter().map(read).collect(),
            // Others on this machine may name namespaces as well.
            mounts: mounts.lines().filter(|line| !line.contains("/run/netns")).map(str::to_owned).collect(),
            sysctls,
        }
    }
}

fn collect(folder: &Path, into: &mut BTreeMap<String, String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, into);
        } else if let Ok(value) = fs::read_to_string(&path) {
            into.insert(path.display().to_string(), value);
        }
    }
}

/// Bytes that each of the machine's interfaces has received and sent.
fn sent_and_received() -> BTreeMap<String, u64> {
    let table = fs::read_to_string("/proc/net/dev").unwrap();
    let row = |line: &str| {
        let (name, counts) = line.split_once(':').unwrap();
        let counts: Vec<u64> = counts.split_whitespace().map(|count| count.parse().unwrap()).collect();
        (name.trim().to_owned(), counts[0] + counts[8])
    };
    table.lines().skip(2).map(row).collect()
}

#[test]
fn after_success_the_machine_is_as_it_was_and_no_traffic_has_left_the_namespaces() {
    let test = "after_success_the_machine_is_as_it_was_and_no_traffic_has_left_the_namespaces";
    let Some(_quiet) = hosts(test) else { return };
    let (machine, counts) = (Machine::now(), sent_and_received());
    let folder = folder();
    let mut run = Run::start(&folder, test, &[]);
    run.end().good();
    run.assert_gone();
    assert_eq!(Machine::now(), machine);
    let grown = |(name, before): (&String, &u64)| (name != "lo").then(|| sent_and_received()[name] - before);
    let most = counts.iter().filter_map(grown).max().unwrap_or(0);
    assert!(most < BYTES / 4, "{most} bytes of something went over an interface of the machine");
}

#[test]
fn after_an_error_nothing_is_left() {
    let test = "after_an_error_nothing_is_left";
    let Some(_quiet) = hosts(test) else { return };
    let machine = Machine::now();
    let folder = folder();
    let few = ["--set", "run.addresses=10.77.0.0/28", "--set", "flow.count=8"];
    let mut run = Run::start(&folder, test, &few);
    run.end().told(3, &["[run] addresses", "10.77.0.0/28", "7 hosts", "has 9", "larger range"]);
    run.assert_gone();
    assert_eq!(Machine::now(), machine);
    assert!(!folder.has_results());
}

#[test]
fn after_ctrl_c_results_are_kept_and_nothing_else_is_left() {
    let test = "after_ctrl_c_results_are_kept_and_nothing_else_is_left";
    let Some(_quiet) = hosts(test) else { return };
    let machine = Machine::now();
    let folder = folder();
    let mut run = Run::start(&folder, test, &ENDLESS);
    run.await_traffic();
    run.signal("-INT");
    let ended = run.end();
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted") && ended.stderr.contains("results/short"), "{}", ended.stderr);
    run.assert_gone();
    assert_eq!(Machine::now(), machine);
    let summary = Summary::read(&folder.path().join("results/short")).unwrap();
    assert_eq!((summary.complete, summary.runs.len()), (false, 1));
    let kept = &summary.runs[0];
    assert!(kept.incomplete.as_ref().is_some_and(|why| why.contains("interrupted")), "{:?}", kept.incomplete);
    assert!(kept.bottleneck.offered_packets > 0 && kept.simulated > 0);
    assert_eq!(kept.real_time.as_ref().unwrap().damaged_bytes, 0);
}

/// Kills a run, and gives what it was.
fn killed(folder: &Folder, test: &str) -> Run {
    let mut run = Run::start(folder, test, &ENDLESS);
    run.await_traffic();
    assert_eq!(run.names().is_empty(), !named());
    run.signal("-KILL");
    run.child.wait().unwrap();
    run.assert_no_process();
    run
}

#[test]
fn what_a_killed_run_leaves_the_next_one_removes() {
    let test = "what_a_killed_run_leaves_the_next_one_removes";
    let Some(_quiet) = hosts(test) else { return };
    let machine = Machine::now();
    let folder = folder();
    let killed = killed(&folder, test);
    let next = folder.burstlab(&["run", "short.toml", "--set", "flow.bytes=10kB"]);
    let told = format!("removed what burstlab-{} left behind", killed.child.id());
    assert_eq!(next.stderr.contains(&told), named(), "{}", next.stderr);
    next.good();
    killed.assert_gone();
    assert_eq!(Machine::now(), machine);
}

#[test]
fn what_a_killed_run_leaves_the_doctor_removes() {
    let test = "what_a_killed_run_leaves_the_doctor_removes";
    let Some(_quiet) = hosts(test) else { return };
    let folder = folder();
    let killed = killed(&folder, test);
    let own = format!("burstlab-{}", killed.child.id());
    assert_eq!(folder.burstlab(&["doctor"]).good().contains(&own), named(), "it says so first");
    assert_eq!(folder.burstlab(&["doctor", "--clean"]).good().contains(&own), named());
    killed.assert_gone();
}
