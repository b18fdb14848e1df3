//! `[[job]]` and `[[flow]]`: what is sent.

use std::fmt;
use std::path::{Path, PathBuf};

use burstlab_replay::Phase;
use burstlab_units::{Bytes, Span};

use super::ExperimentError;
use super::network::{MOST_HOSTS, Network, Topology};
use super::reader::{FromValue, Section, choose, described};
use super::tree::{Origin, Value};

/// A recorded job, replayed by one or more copies.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// What results call it, default the recording's file name without its endings, with a number where that is taken.
    pub name: String,
    /// The recording.
    pub trace: TraceSource,
    /// What starts a transfer, default closed.
    pub replay: Replay,
    /// Recorded computing times are multiplied by this, default 1.
    pub compute_scale: f64,
    /// Iterations that are played; `None`, the default, plays all.
    pub iterations: Option<u32>,
    /// Copies of the job that share the network, default 1.
    pub copies: u32,
    /// When each copy begins, default uniform.
    pub phase: Phase,
    /// Which hosts the copies sit on, default shared.
    pub placement: Placement,
    /// The silence that ends a burst; `None`, the default, finds it in the recording.
    pub burst_gap: Option<Span>,
}

/// Where a recording is read from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TraceSource {
    /// One that this program carries within itself, by its file name.
    Bundled(&'static str),
    /// A file.
    File(PathBuf),
}

/// What starts a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// The end of those that it waited for, and the computing time after them.
    Closed,
    /// The recorded time.
    Open,
}

/// Which hosts the copies of a job sit on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Copy k's worker i sits on host i, so that the copies share its link.
    Shared,
    /// Every worker of every copy has a host of its own.
    Spread,
}

/// Synthetic flows, all alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// What results call them, default `flow`, with a number where that is taken.
    pub name: String,
    /// How many, default 1. Flow i goes from the i-th host of `from` to the i-th of `to`, beginning again at the first.
    pub count: u32,
    /// Who sends.
    pub from: Group,
    /// Who receives.
    pub to: Group,
    /// What each sends; `None` is unlimited, until the run's duration ends.
    pub bytes: Option<Bytes>,
    /// When they begin, default 0 s.
    pub start: Span,
    /// Each begins later by a time drawn evenly from this span, default 0 s.
    pub stagger: Span,
}

/// Hosts by the part that they play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Star: a host for each of the flows, from host 1 on.
    Senders,
    /// Star: host 0.
    Receiver,
    /// Dumbbell: a host on the left for each of the flows.
    Left,
    /// Dumbbell: a host on the right for each of the flows.
    Right,
    /// All hosts. From all to all, the flows follow a permutation that sends nobody to himself, drawn from the seed.
    Hosts,
    /// One host, counted from 0.
    Host(u32),
    /// Custom: the hosts of one group, by its place in the file.
    Named(usize),
}

/// More flows or copies than this are a slip of the keyboard, and memory would run out.
pub(crate) const MOST_FLOWS: u32 = 100_000;
const MOST_COPIES: u32 = 10_000;

pub(super) const JOB_KEYS: &[&str] =
    &["name", "trace", "replay", "compute_scale", "iterations", "copies", "phase", "placement", "burst_gap"];

pub(super) const FLOW_KEYS: &[&str] = &["name", "count", "from", "to", "bytes", "start", "stagger"];

impl TraceSource {
    /// The recording's name: its file name up to the first dot.
    pub fn stem(&self) -> &str {
        let name = match self {
            TraceSource::Bundled(name) => name,
            TraceSource::File(path) => path.file_name().and_then(|name| name.to_str()).unwrap_or("trace"),
        };
        name.split('.').find(|part| !part.is_empty()).unwrap_or("trace")
    }
}

impl fmt::Display for TraceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceSource::Bundled(name) => write!(f, "{name} (bundled)"),
            TraceSource::File(path) => path.display().fmt(f),
        }
    }
}

impl Job {
    pub(super) fn read(section: &Section<'_>, base: &Base<'_>) -> Result<Job, ExperimentError> {
        let trace = base.trace(section)?;
        let compute_scale: f64 = section.get_or("compute_scale", 1.0)?;
        if compute_scale < 0.0 {
            return Err(section.error("compute_scale", format!("{compute_scale} is negative; expected 0 or more")));
        }
        let replay = section.get_or("replay", "closed".to_owned())?;
        let replay = choose(&replay, "replay", &[("closed", Replay::Closed), ("open", Replay::Open)])
            .map_err(|message| section.error("replay", message))?;
        let placement = section.get_or("placement", "shared".to_owned())?;
        let placement =
            choose(&placement, "placement", &[("shared", Placement::Shared), ("spread", Placement::Spread)])
                .map_err(|message| section.error("placement", message))?;
        let copies = section.count_within("copies", 1..=MOST_COPIES, 1)?;
        Ok(Job {
            name: section.get_or("name", trace.stem().to_owned())?,
            trace,
            replay,
            compute_scale,
            iterations: section.get_or("iterations", Iterations(None))?.0,
            copies,
            phase: phase(section, copies)?,
            placement,
            burst_gap: match section.has("burst_gap") {
                true => Some(section.positive_span("burst_gap", Span::ZERO)?),
                false => None,
            },
        })
    }
}

fn phase(section: &Section<'_>, copies: u32) -> Result<Phase, ExperimentError> {
    let phase = section.get_or("phase", Phase::Uniform)?;
    match &phase {
        Phase::Spans(spans) if spans.len() < copies as usize => {
            let message = format!("a list of {} for {copies} copies; expected a span for each", spans.len());
            Err(section.error("phase", message))
        }
        _ => Ok(phase),
    }
}

impl FromValue for Phase {
    fn from_value(value: &Value) -> Result<Phase, String> {
        match value {
            Value::String(text) => choose(text, "phase", &[("uniform", true), ("aligned", false)])
                .map(|uniform| if uniform { Phase::Uniform } else { Phase::Aligned })
                .map_err(|message| format!("{message}, or a list of spans such as [\"0s\", \"5ms\"]")),
            Value::List(items) => {
                let spans = items.iter().map(|item| Span::from_value(&item.value));
                spans.collect::<Result<_, _>>().map(Phase::Spans)
            }
            other => Err(format!("expected uniform, aligned or a list of spans, found {}", described(other))),
        }
    }
}

struct Iterations(Option<u32>);

impl FromValue for Iterations {
    fn from_value(value: &Value) -> Result<Iterations, String> {
        match value {
            Value::String(text) if text == "all" => Ok(Iterations(None)),
            Value::Integer(0) => Err("0 is too few: it must be at least 1".to_owned()),
            Value::Integer(_) => u32::from_value(value).map(|n| Iterations(Some(n))),
            other => Err(format!("expected \"all\" or a whole number, found {}", described(other))),
        }
    }
}

impl Flow {
    pub(super) fn read(section: &Section<'_>, network: &Network) -> Result<Flow, ExperimentError> {
        let (from, to) = match network.topology {
            Topology::Star => ("senders", "receiver"),
            Topology::Dumbbell { .. } => ("left", "right"),
            Topology::LeafSpine { .. } | Topology::FatTree { .. } => ("hosts", "hosts"),
            Topology::Custom(_) => {
                if let Some(key) = ["from", "to"].into_iter().find(|key| !section.has(key)) {
                    return Err(section.missing(key, &format!("{key} = \"NAME\", a group's name or \"hosts\"")));
                }
                ("hosts", "hosts")
            }
        };
        let (from, to) = (group(section, "from", from, network)?, group(section, "to", to, network)?);
        if from == to && from != Group::Hosts {
            return Err(section.error("to", "it is the same as from, and nobody sends to himself"));
        }
        let bytes: Amount = section.require("bytes", "bytes = \"4MB\"")?;
        Ok(Flow {
            name: section.get_or("name", "flow".to_owned())?,
            count: section.count_within("count", 1..=MOST_FLOWS, 1)?,
            from,
            to,
            bytes: bytes.0,
            start: section.get_or("start", Span::ZERO)?,
            stagger: section.get_or("stagger", Span::ZERO)?,
        })
    }
}

/// Bytes, or `unlimited`.
struct Amount(Option<Bytes>);

impl FromValue for Amount {
    fn from_value(value: &Value) -> Result<Amount, String> {
        match value {
            Value::String(text) if text == "unlimited" => Ok(Amount(None)),
            _ => match Bytes::from_value(value)? {
                Bytes::ZERO => Err("a flow of nothing; expected for example \"4MB\" or \"unlimited\"".to_owned()),
                bytes => Ok(Amount(Some(bytes))),
            },
        }
    }
}

fn group(section: &Section<'_>, key: &str, default: &str, network: &Network) -> Result<Group, ExperimentError> {
    let name = section.get_or(key, default.to_owned())?;
    let groups: Vec<(&str, Group)> = match &network.topology {
        Topology::Star => vec![("senders", Group::Senders), ("receiver", Group::Receiver), ("hosts", Group::Hosts)],
        Topology::Dumbbell { .. } => vec![("left", Group::Left), ("right", Group::Right)],
        Topology::LeafSpine { .. } | Topology::FatTree { .. } => vec![("hosts", Group::Hosts)],
        Topology::Custom(custom) => {
            let named =
                custom.groups.iter().enumerate().map(|(place, group)| (group.name.as_str(), Group::Named(place)));
            named.chain([("hosts", Group::Hosts)]).collect()
        }
    };
    let by_number = name.strip_prefix("host").and_then(|number| number.parse().ok());
    match (by_number, network.topology.host_count()) {
        (Some(host), Some(count)) if u64::from(host) >= count => {
            Err(section.error(key, format!("there is no {name}: the network has {count} hosts, counted from 0")))
        }
        (Some(host), None) if host > MOST_HOSTS => {
            Err(section.error(key, format!("{name} is too far: at most host{MOST_HOSTS} is possible")))
        }
        (Some(host), _) if !matches!(network.topology, Topology::Dumbbell { .. }) => Ok(Group::Host(host)),
        _ => choose(&name, "group of hosts", &groups).map_err(|message| section.error(key, message)),
    }
}

/// What paths in an experiment are relative to.
pub(super) struct Base<'a> {
    /// The experiment file.
    pub file: &'a Path,
    /// Recordings to be found within the program, by file name; empty for an experiment that is a file.
    pub bundled: &'static [&'static str],
    /// Whether an experiment may be without jobs and flows, as other programs bring the traffic.
    pub may_be_silent: bool,
}

impl Base<'_> {
    fn trace(&self, section: &Section<'_>) -> Result<TraceSource, ExperimentError> {
        let written: String = section.require("trace", "trace = \"recording.pcap\"")?;
        let from_option = matches!(section.origin_of("trace"), Some(Origin::Option(_)));
        let name = Path::new(&written).file_name().and_then(|name| name.to_str());
        if !from_option && let Some(bundled) = self.bundled.iter().find(|bundled| Some(**bundled) == name) {
            return Ok(TraceSource::Bundled(bundled));
        }
        // An option is written by someone who stands in the current folder.
        let folder = if from_option { Path::new("") } else { self.file.parent().unwrap_or(Path::new("")) };
        let path = folder.join(&written);
        match path.metadata() {
            Ok(file) if file.is_dir() => Err(section.error("trace", format!("{} is a folder", path.display()))),
            Ok(_) => Ok(TraceSource::File(path)),
            Err(error) => {
                let relative = if from_option { "the current folder" } else { "the experiment file" };
                let message =
                    format!("cannot read {}: {error} (\"{written}\" is relative to {relative})", path.display());
                Err(section.error("trace", message))
            }
        }
    }
}
