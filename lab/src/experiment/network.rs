//! `[network]`: the topology, its links and its queues.

use burstlab_network::{CodelSettings, Discipline, Impairment, Limit, LimitError, LinkSpec, RedSettings};
use burstlab_units::{Bytes, Rate};

use super::ExperimentError;
use super::custom::Custom;
use super::reader::{FromValue, Probability, Section, choose, described};
use super::tree::Value;

/// The network of a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// How hosts and switches are joined.
    pub topology: Topology,
    /// At least so many hosts, where the topology does not say how many there are: a star's, or a dumbbell's, half of them
    /// left. Default: those that the traffic needs.
    pub hosts: u32,
    /// Every link that the topology does not name. Its random damage is `loss`, `duplicate` and `reorder`, default none.
    pub link: LinkSpec,
    /// Largest packet with its IP header, default 1500 bytes (Ethernet, IEEE 802.3).
    pub mtu: Bytes,
}

/// How hosts and switches are joined.
#[derive(Debug, Clone, PartialEq)]
pub enum Topology {
    /// All hosts at one switch.
    Star,
    /// Left hosts at one switch, right hosts at another, one link between the two.
    Dumbbell {
        /// The link between the switches: `bottleneck_rate`, `bottleneck_delay` and `bottleneck_queue`; default as every
        /// other link.
        bottleneck: LinkSpec,
    },
    /// Every leaf switch joined to every spine switch.
    LeafSpine {
        /// Leaf switches.
        leaves: u32,
        /// Spine switches.
        spines: u32,
        /// Hosts below each leaf.
        hosts_per_leaf: u32,
        /// Rate of the links between leaves and spines; default as every other link.
        spine_rate: Rate,
    },
    /// Three tiers of switches with `k` ports (Al-Fares et al., SIGCOMM 2008): k³/4 hosts.
    FatTree {
        /// Ports of a switch, even.
        k: u32,
    },
    /// Groups of hosts and switches, joined by hand.
    Custom(Custom),
}

/// Beyond so many hosts, switches, or cables between switches, it is a slip of the keyboard, and memory would run out.
pub(super) const MOST_HOSTS: u32 = 100_000;
pub(super) const MOST_SWITCHES: u32 = 10_000;
const MOST_CABLES: u64 = 100_000;

impl Topology {
    /// Hosts, where the topology alone says how many; elsewhere the traffic brings its own.
    pub fn host_count(&self) -> Option<u64> {
        match self {
            Topology::Star | Topology::Dumbbell { .. } => None,
            Topology::LeafSpine { leaves, hosts_per_leaf, .. } => Some(u64::from(*leaves) * u64::from(*hosts_per_leaf)),
            Topology::FatTree { k } => Some(u64::from(*k).pow(3) / 4),
            Topology::Custom(custom) => Some(custom.host_count()),
        }
    }
}

/// Least MTU that a link must carry (IPv4, RFC 791: 68 bytes, and room for a payload behind TCP's longest header).
const LEAST_MTU: u64 = 576;
/// Largest IP packet (RFC 791: 16 bits of total length).
const LARGEST_MTU: u64 = 65_535;

pub(super) const KEYS: &[&str] = &[
    "topology",
    "hosts",
    "rate",
    "delay",
    "mtu",
    "queue",
    "bottleneck_rate",
    "bottleneck_delay",
    "bottleneck_queue",
    "leaves",
    "spines",
    "hosts_per_leaf",
    "spine_rate",
    "k",
    "group",
    "link",
    "loss",
    "reorder",
    "duplicate",
];

/// Keys that mean something in one topology alone.
const OF_ONE_TOPOLOGY: &[(&str, &str)] = &[
    ("bottleneck_rate", "dumbbell"),
    ("bottleneck_delay", "dumbbell"),
    ("bottleneck_queue", "dumbbell"),
    ("leaves", "leaf-spine"),
    ("spines", "leaf-spine"),
    ("hosts_per_leaf", "leaf-spine"),
    ("spine_rate", "leaf-spine"),
    ("k", "fat-tree"),
    ("group", "custom"),
    ("link", "custom"),
];

impl Network {
    pub(super) fn read(section: &Section<'_>) -> Result<Network, ExperimentError> {
        let rate = section.require("rate", "rate = \"10Gbit/s\"")?;
        let delay = section.require("delay", "delay = \"5us\"")?;
        let mtu = mtu(section)?;
        let Some(queue) = queue(section, "queue", mtu)? else {
            return Err(section.missing("queue", "queue = { kind = \"drop-tail\", limit = \"250p\" }"));
        };
        let link = LinkSpec { rate, delay, queue, impairment: Impairment::default() };
        let topology = topology(section, link, mtu)?;
        let impairment = impairment(section)?;
        let damaged = |link| LinkSpec { impairment, ..link };
        let topology = match topology {
            Topology::Dumbbell { bottleneck } => Topology::Dumbbell { bottleneck: damaged(bottleneck) },
            Topology::Custom(mut custom) => {
                custom.groups.iter_mut().for_each(|group| group.link = damaged(group.link));
                custom.links.iter_mut().for_each(|(_, link)| *link = damaged(*link));
                Topology::Custom(custom)
            }
            other => other,
        };
        let hosts = hosts(section, &topology)?;
        Ok(Network { topology, hosts, link: damaged(link), mtu })
    }
}

fn hosts(section: &Section<'_>, topology: &Topology) -> Result<u32, ExperimentError> {
    match topology.host_count() {
        Some(count) if section.has("hosts") => {
            let message = format!("this topology says itself how many hosts there are: {count}");
            Err(section.error("hosts", message))
        }
        _ => section.count_within("hosts", 0..=MOST_HOSTS, 0),
    }
}

fn mtu(section: &Section<'_>) -> Result<Bytes, ExperimentError> {
    let mtu = section.get_or("mtu", Mtu(1500))?.0;
    if (LEAST_MTU..=LARGEST_MTU).contains(&mtu) {
        return Ok(Bytes::new(mtu));
    }
    Err(section.error("mtu", format!("{mtu} bytes are out of range; expected {LEAST_MTU} to {LARGEST_MTU}")))
}

/// Interfaces state their MTU as a bare number of bytes, so it may be written that way, or as a size.
struct Mtu(u64);

impl FromValue for Mtu {
    fn from_value(value: &Value) -> Result<Mtu, String> {
        match value {
            Value::Integer(_) => u64::from_value(value).map(Mtu),
            _ => Bytes::from_value(value).map(|bytes| Mtu(bytes.get())),
        }
    }
}

fn topology(section: &Section<'_>, link: LinkSpec, mtu: Bytes) -> Result<Topology, ExperimentError> {
    let name = section.get_or("topology", "star".to_owned())?;
    const NAMES: [(&str, &str); 5] = [
        ("star", "star"),
        ("dumbbell", "dumbbell"),
        ("leaf-spine", "leaf-spine"),
        ("fat-tree", "fat-tree"),
        ("custom", "custom"),
    ];
    let name = choose(&name, "topology", &NAMES).map_err(|message| section.error("topology", message))?;
    if let Some((key, of)) = OF_ONE_TOPOLOGY.iter().find(|(key, of)| *of != name && section.has(key)) {
        return Err(section.error(key, format!("it belongs to the topology \"{of}\", and this one is \"{name}\"")));
    }
    let needed = |key: &str, most: u32| -> Result<u32, ExperimentError> {
        match section.has(key) {
            true => section.count_within(key, 1..=most, 1),
            false => Err(section.missing(key, &format!("{key} = 4"))),
        }
    };
    Ok(match name {
        "star" => Topology::Star,
        "dumbbell" => Topology::Dumbbell {
            bottleneck: LinkSpec {
                rate: section.get_or("bottleneck_rate", link.rate)?,
                delay: section.get_or("bottleneck_delay", link.delay)?,
                queue: queue(section, "bottleneck_queue", mtu)?.unwrap_or(link.queue),
                ..link
            },
        },
        "leaf-spine" => leaf_spine(section, link, needed)?,
        "custom" => Topology::Custom(Custom::read(section, link, mtu)?),
        _ => Topology::FatTree { k: ports(section, needed("k", u32::MAX)?)? },
    })
}

fn leaf_spine(
    section: &Section<'_>,
    link: LinkSpec,
    needed: impl Fn(&str, u32) -> Result<u32, ExperimentError>,
) -> Result<Topology, ExperimentError> {
    let (leaves, spines) = (needed("leaves", MOST_SWITCHES)?, needed("spines", MOST_SWITCHES)?);
    let hosts_per_leaf = needed("hosts_per_leaf", MOST_HOSTS)?;
    if leaves + spines > MOST_SWITCHES {
        let message = format!("{leaves} leaves and {spines} spines are too many switches: at most {MOST_SWITCHES}");
        return Err(section.error("leaves", message));
    }
    let cables = u64::from(leaves) * u64::from(spines);
    if cables > MOST_CABLES {
        let message = format!("{leaves} leaves to {spines} spines are {cables} cables: at most {MOST_CABLES}");
        return Err(section.error("spines", message));
    }
    let spine_rate = section.get_or("spine_rate", link.rate)?;
    let topology = Topology::LeafSpine { leaves, spines, hosts_per_leaf, spine_rate };
    match topology.host_count() {
        Some(hosts) if hosts > u64::from(MOST_HOSTS) => {
            let message = format!("{leaves} leaves of {hosts_per_leaf} hosts are {hosts} hosts: at most {MOST_HOSTS}");
            Err(section.error("hosts_per_leaf", message))
        }
        _ => Ok(topology),
    }
}

/// Al-Fares et al. divide a switch's ports into halves; beyond 64 ports (65,536 hosts) it is a slip of the keyboard.
fn ports(section: &Section<'_>, k: u32) -> Result<u32, ExperimentError> {
    match k {
        2..=64 if k.is_multiple_of(2) => Ok(k),
        _ => Err(section.error("k", format!("{k} ports are not possible; expected an even number from 2 to 64"))),
    }
}

/// Keys that mean something for one kind of queue alone.
const OF_ONE_QUEUE: &[(&str, &str)] = &[
    ("mark_at", "ecn-step"),
    ("target", "codel"),
    ("interval", "codel"),
    ("ce_threshold", "codel"),
    ("min", "red"),
    ("max", "red"),
    ("max_probability", "red"),
    ("weight", "red"),
    ("gentle", "red"),
    ("wait", "red"),
];

/// The queue under `key`, if it is there.
pub(super) fn queue(
    section: &Section<'_>,
    key: &'static str,
    mtu: Bytes,
) -> Result<Option<Discipline>, ExperimentError> {
    const KEYS: &[&str] = &[
        "kind",
        "limit",
        "mark_at",
        "target",
        "interval",
        "ecn",
        "ce_threshold",
        "min",
        "max",
        "max_probability",
        "weight",
        "gentle",
        "wait",
    ];
    let Some(inner) = section.table(key, KEYS)? else { return Ok(None) };
    let kind: String = inner.require("kind", "kind = \"drop-tail\" or kind = \"ecn-step\"")?;
    let kinds = [("drop-tail", "drop-tail"), ("ecn-step", "ecn-step"), ("codel", "codel"), ("red", "red")];
    let kind = choose(&kind, "queue", &kinds).map_err(|message| inner.error("kind", message))?;
    if let Some((key, of)) = OF_ONE_QUEUE.iter().find(|(key, of)| *of != kind && inner.has(key)) {
        return Err(inner.error(key, format!("it belongs to kind = \"{of}\", and this queue is \"{kind}\"")));
    }
    if inner.has("ecn") && !matches!(kind, "codel" | "red") {
        return Err(
            inner.error("ecn", format!("it belongs to kinds \"codel\" and \"red\", and this queue is \"{kind}\""))
        );
    }
    let limit: Limit = inner.require("limit", "limit = \"250p\"")?;
    if limit.in_bytes(mtu) < mtu {
        let message = format!(
            "a queue of {limit} holds no packet of {0} bytes, the mtu; expected at least \"1p\" or \"{0}B\"",
            mtu.get()
        );
        return Err(inner.error("limit", message));
    }
    match kind {
        "drop-tail" => Ok(Some(Discipline::DropTail { limit })),
        "codel" => Ok(Some(Discipline::Codel { limit, settings: codel(&inner)? })),
        "red" => Ok(Some(Discipline::Red { limit, settings: red(&inner, mtu)? })),
        _ => ecn_step(&inner, limit, mtu).map(Some),
    }
}

fn codel(inner: &Section<'_>) -> Result<CodelSettings, ExperimentError> {
    let default = CodelSettings::default();
    let ecn = inner.get_or("ecn", default.ecn)?;
    if inner.has("ce_threshold") && !ecn {
        return Err(inner.error("ce_threshold", "nothing is marked without ecn = true"));
    }
    Ok(CodelSettings {
        target: inner.positive_span("target", default.target)?,
        interval: inner.positive_span("interval", default.interval)?,
        ecn,
        ce_threshold: inner.get("ce_threshold")?,
    })
}

fn red(inner: &Section<'_>, mtu: Bytes) -> Result<RedSettings, ExperimentError> {
    let (min, max): (Limit, Limit) = (inner.require("min", "min = \"20p\"")?, inner.require("max", "max = \"60p\"")?);
    if std::mem::discriminant(&min) != std::mem::discriminant(&max) {
        return Err(
            inner.error("max", format!("min is {min} and max {max}; expected both in packets or both in bytes"))
        );
    }
    if max.in_bytes(mtu) < min.in_bytes(mtu) {
        return Err(inner.error("max", format!("{max} is below min, which is {min}")));
    }
    // Floyd and Jacobson, sections 6 and 7.
    let weight: f64 = inner.get_or("weight", Probability(0.002))?.0;
    if weight == 0.0 {
        return Err(inner.error("weight", "the average would never change; expected more than 0, and 1 at most"));
    }
    let max_probability = inner.get_or("max_probability", Probability(0.02))?.0;
    Ok(RedSettings {
        min,
        max,
        max_probability,
        weight,
        gentle: inner.get_or("gentle", false)?,
        wait: inner.get_or("wait", false)?,
        ecn: inner.get_or("ecn", false)?,
    })
}

fn ecn_step(inner: &Section<'_>, limit: Limit, mtu: Bytes) -> Result<Discipline, ExperimentError> {
    let mark_at: Limit = inner.require("mark_at", "mark_at = \"65p\"")?;
    if mark_at.in_bytes(mtu) > limit.in_bytes(mtu) {
        let message = format!("marking at {mark_at} is above the queue's limit of {limit}, so nothing would be marked");
        return Err(inner.error("mark_at", message));
    }
    Ok(Discipline::EcnStep { limit, mark_at })
}

fn impairment(section: &Section<'_>) -> Result<Impairment, ExperimentError> {
    let mut impairment = Impairment {
        loss: section.get_or("loss", Probability(0.0))?.0,
        duplicate: section.get_or("duplicate", Probability(0.0))?.0,
        ..Impairment::default()
    };
    if let Some(inner) = section.table("reorder", &["probability", "by"])? {
        let probability: Probability = inner.require("probability", "probability = 0.01")?;
        impairment.reorder = probability.0;
        impairment.reorder_by = inner.require("by", "by = \"50us\"")?;
    }
    Ok(impairment)
}

impl FromValue for Limit {
    fn from_value(value: &Value) -> Result<Limit, String> {
        let text = match value {
            Value::String(text) => text.clone(),
            // It reads as a limit without its unit, which is what the error then says.
            Value::Integer(n) => n.to_string(),
            other => {
                let found = described(other);
                return Err(format!("expected packets or bytes, such as \"250p\" or \"1MB\", found {found}"));
            }
        };
        text.parse().map_err(|error: LimitError| error.to_string())
    }
}
