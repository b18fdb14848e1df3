//! What this machine can do, in plain words.

use std::fs;
use std::net::Ipv4Addr;

use burstlab_units::Span;

use super::{Hosts, How, Subnet, leftovers, privilege, range_in_use, ready};

mod probe;
mod timers;

pub(super) use probe::{PROBE, main as probe_main};

/// The range of addresses that emulated networks use.
pub const RANGE: Subnet = Subnet { address: Ipv4Addr::new(10, 77, 0, 0), prefix: 16 };

/// How a finding is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Ok,
    /// Without it there are no emulated hosts.
    Missing,
    /// Good to know; things work without it.
    Note,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in one or two words.
    pub what: &'static str,
    /// How to take it.
    pub state: State,
    /// What was found.
    pub sentence: String,
    /// What to do about it, if something is to be done.
    pub remedy: Option<String>,
}

impl Finding {
    fn new(what: &'static str, state: State, sentence: impl Into<String>) -> Finding {
        Finding { what, state, sentence: sentence.into(), remedy: None }
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Finding {
        self.remedy = Some(remedy.into());
        self
    }

    /// What an error says has two halves: what is wrong, and what to do about it.
    fn missing(what: &'static str, error: &str) -> Finding {
        let (sentence, remedy) = error.split_once("; ").unwrap_or((error, ""));
        let finding = Finding::new(what, State::Missing, sentence);
        if remedy.is_empty() { finding } else { finding.remedy(remedy) }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// In the order in which they are to be read.
    pub findings: Vec<Finding>,
}

impl Examination {
    /// Whether hosts can be made here.
    pub fn capable(&self) -> bool {
        self.findings.iter().all(|finding| finding.state != State::Missing)
    }
}

/// Looks at this machine, by trying. It takes about a tenth of a second and changes nothing here: namespaces and devices are
/// made in a child process, which runs this program's hidden subcommand [`guard`](super::guard).
pub fn examine() -> Examination {
    let tun = tun();
    // Without TUN the rest would only say so again.
    let hosts = if tun.state == State::Ok { hosts() } else { Vec::new() };
    let mut findings = vec![tun];
    findings.extend(hosts);
    findings.extend([controllers(), names(), left_over(), range(), timers(), cores()]);
    Examination { findings }
}

fn tun() -> Finding {
    match privilege::open_tun() {
        Ok(()) => Finding::new("TUN", State::Ok, "/dev/net/tun is there and can be opened"),
        Err(error) => Finding::missing("TUN", &error.to_string()),
    }
}

fn hosts() -> Vec<Finding> {
    let (namespaces, devices) = ("namespaces", "devices");
    let way = match ready() {
        Ok(How::Root) => "as root",
        _ => "without root, through a user namespace",
    };
    let made = Finding::new(namespaces, State::Ok, format!("network namespaces can be made, {way}"));
    match probe::run() {
        probe::Result::Good => {
            vec![made, Finding::new(devices, State::Ok, "TUN devices, addresses and routes can be made in them")]
        }
        probe::Result::NoNamespace(error) => vec![Finding::missing(namespaces, &error)],
        probe::Result::NoDevice(error) => vec![made, Finding::missing(devices, &error)],
    }
}

fn controllers() -> Finding {
    let what = "kernel's TCP";
    let available = fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control").unwrap_or_default();
    let names: Vec<&str> = available.split_ascii_whitespace().collect();
    let sentence = format!("the kernel has the congestion controllers {}", names.join(", "));
    let absent: Vec<&str> = ["bbr", "dctcp"].into_iter().filter(|name| !names.contains(name)).collect();
    if names.is_empty() {
        Finding::new(what, State::Note, "the kernel does not say which congestion controllers it has")
    } else if absent.is_empty() {
        Finding::new(what, State::Ok, sentence)
    } else {
        let modules: Vec<String> = absent.iter().map(|name| format!("`modprobe tcp_{name}`")).collect();
        Finding::new(what, State::Note, sentence)
            .remedy(format!("if it was built with them, {} adds others", modules.join(" and ")))
    }
}

fn names() -> Finding {
    if Hosts::names_available() {
        Finding::new("names", State::Ok, "hosts can have names, so that `ip netns exec` and tcpdump reach them")
    } else {
        Finding::new("names", State::Note, "hosts have no names that `ip netns exec` could use").remedy("run as root")
    }
}

fn left_over() -> Finding {
    let left = leftovers();
    if left.is_empty() {
        return Finding::new("leftovers", State::Ok, "no killed run has left anything behind");
    }
    let runs: Vec<&str> = left.iter().map(|left| left.run.as_str()).collect();
    let sentence = format!("runs that were killed have left names behind: {}", runs.join(", "));
    Finding::new("leftovers", State::Note, sentence).remedy("`burstlab doctor --clean` removes them")
}

fn range() -> Finding {
    match range_in_use(RANGE) {
        None => Finding::new("addresses", State::Ok, format!("no route of this machine leads into {RANGE}")),
        Some(interface) => {
            let sentence = format!(
                "{interface} of this machine has a route into {RANGE}, which emulated networks use too; they do not meet"
            );
            Finding::new("addresses", State::Note, sentence)
        }
    }
}

fn timers() -> Finding {
    match timers::lateness() {
        Ok(late) => {
            let [median, p99, max] =
                [late.median, late.p99, late.max].map(|late| Span::from_micros(late.as_micros() as u64));
            let sentence =
                format!("timers come {median} late at the median, {p99} at the 99th percentile, {max} at most");
            if late.p99 <= timers::FINE {
                Finding::new("timers", State::Ok, sentence)
            } else {
                Finding::new("timers", State::Note, sentence)
                    .remedy("end other programs, or slow the experiment down with time_scale")
            }
        }
        Err(error) => Finding::new("timers", State::Note, format!("timers cannot be measured: {error}")),
    }
}

fn cores() -> Finding {
    match std::thread::available_parallelism().map_or(1, usize::from) {
        1 => Finding::new("cores", State::Note, "there is one core, which the switch, endpoints and programs share")
            .remedy("slow the experiment down with time_scale"),
        cores => Finding::new("cores", State::Ok, format!("there are {cores} cores")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_becomes_what_is_wrong_and_what_to_do() {
        let finding = Finding::missing("TUN", "it is not there; make it");
        assert_eq!((finding.sentence.as_str(), finding.remedy.as_deref()), ("it is not there", Some("make it")));
        assert_eq!(Finding::missing("TUN", "it is not there").remedy, None);
    }

    #[test]
    fn what_is_missing_decides_and_what_is_noted_does_not() {
        let finding = |state| Finding::new("a thing", state, "it is so");
        assert!(Examination { findings: vec![finding(State::Ok), finding(State::Note)] }.capable());
        assert!(!Examination { findings: vec![finding(State::Ok), finding(State::Missing)] }.capable());
    }

    #[test]
    fn what_needs_no_child_process_is_said_in_sentences() {
        for finding in [tun(), controllers(), names(), left_over(), range(), timers(), cores()] {
            println!("{finding:?}");
            assert!(!finding.sentence.is_empty() && !finding.sentence.ends_with('.'), "{finding:?}");
        }
    }
}
