//! `[network]`: the topology, its links and its queues.

use burstlab_units::{Bytes, Rate, Span};

use super::ExperimentError;
use super::reader::{FromValue, Probability, Section, choose, described};
use super::tree::Value;

/// The network of a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// How hosts and switches are joined.
    pub topology: Topology,
    /// Every link that the topology does not name.
    pub link: Link,
    /// Largest packet with its IP header, default 1500 bytes (Ethernet, IEEE 802.3).
    pub mtu: Bytes,
    /// The queue of every switch port that the topology does not name.
    pub queue: Queue,
    /// Probability that a link loses a packet, default 0.
    pub loss: f64,
    /// Packets held back so that later ones overtake them; default none.
    pub reorder: Option<Reorder>,
    /// Probability that a link delivers a packet twice, default 0.
    pub duplicate: f64,
}

/// A link between two neighbours, the same in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// How fast it serialises.
    pub rate: Rate,
    /// Propagation, one way.
    pub delay: Span,
}

/// How hosts and switches are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topology {
    /// All hosts at one switch.
    Star,
    /// Left hosts at one switch, right hosts at another, one link between the two.
    Dumbbell {
        /// The link between the switches, `bottleneck_rate` and `bottleneck_delay`; default as every other link.
        bottleneck: Link,
        /// Its queue at either end, `bottleneck_queue`; default as every other queue.
        queue: Queue,
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
}

/// A queue in front of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// How much it holds; what would not fit is dropped.
    pub limit: Depth,
    /// What it does before it is full.
    pub kind: QueueKind,
}

/// What a queue does before it is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueKind {
    /// Nothing.
    DropTail,
    /// Marks ECN-capable packets that find more than this waiting (the step of DCTCP, RFC 8257, section 3.1).
    EcnStep {
        /// The step.
        mark_at: Depth,
    },
}

/// A length of a queue: packets (`250p`) or bytes (`1MB`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Packets of any size.
    Packets(u64),
    /// Bytes as on the wire, IP header included.
    Bytes(Bytes),
}

impl Depth {
    /// The depth in bytes when every packet is as large as the MTU.
    pub fn in_bytes(self, mtu: Bytes) -> Bytes {
        match self {
            Depth::Packets(n) => Bytes::new(n.saturating_mul(mtu.get())),
            Depth::Bytes(bytes) => bytes,
        }
    }
}

/// Packets that are held back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reorder {
    /// How likely one is.
    pub probability: f64,
    /// For how long.
    pub by: Span,
}

/// Least MTU that a link must carry (IPv4, RFC 791: 68 bytes, and room for a payload behind TCP's longest header).
const LEAST_MTU: u64 = 576;
/// Largest IP packet (RFC 791: 16 bits of total length).
const LARGEST_MTU: u64 = 65_535;

pub(super) const KEYS: &[&str] = &[
    "topology",
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
];

impl Network {
    pub(super) fn read(section: &Section<'_>) -> Result<Network, ExperimentError> {
        let link = Link {
            rate: section.require("rate", "rate = \"10Gbit/s\"")?,
            delay: section.require("delay", "delay = \"5us\"")?,
        };
        let mtu = mtu(section)?;
        let Some(queue) = queue(section, "queue", mtu)? else {
            return Err(section.missing("queue", "queue = { kind = \"drop-tail\", limit = \"250p\" }"));
        };
        Ok(Network {
            topology: topology(section, link, queue, mtu)?,
            link,
            mtu,
            queue,
            loss: section.get_or("loss", Probability(0.0))?.0,
            reorder: reorder(section)?,
            duplicate: section.get_or("duplicate", Probability(0.0))?.0,
        })
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

fn topology(section: &Section<'_>, link: Link, queue: Queue, mtu: Bytes) -> Result<Topology, ExperimentError> {
    let name = section.get_or("topology", "star".to_owned())?;
    const NAMES: [(&str, &str); 4] =
        [("star", "star"), ("dumbbell", "dumbbell"), ("leaf-spine", "leaf-spine"), ("fat-tree", "fat-tree")];
    let name = choose(&name, "topology", &NAMES).map_err(|message| section.error("topology", message))?;
    if let Some((key, of)) = OF_ONE_TOPOLOGY.iter().find(|(key, of)| *of != name && section.has(key)) {
        return Err(section.error(key, format!("it belongs to the topology \"{of}\", and this one is \"{name}\"")));
    }
    let needed = |key: &str| -> Result<u32, ExperimentError> {
        match section.has(key) {
            true => section.count(key, 1, 1),
            false => Err(section.missing(key, &format!("{key} = 4"))),
        }
    };
    Ok(match name {
        "star" => Topology::Star,
        "dumbbell" => Topology::Dumbbell {
            bottleneck: Link {
                rate: section.get_or("bottleneck_rate", link.rate)?,
                delay: section.get_or("bottleneck_delay", link.delay)?,
            },
            queue: self::queue(section, "bottleneck_queue", mtu)?.unwrap_or(queue),
        },
        "leaf-spine" => Topology::LeafSpine {
            leaves: needed("leaves")?,
            spines: needed("spines")?,
            hosts_per_leaf: needed("hosts_per_leaf")?,
            spine_rate: section.get_or("spine_rate", link.rate)?,
        },
        _ => Topology::FatTree { k: ports(section, needed("k")?)? },
    })
}

/// Al-Fares et al. divide a switch's ports into halves; beyond 64 ports (65,536 hosts) it is a slip of the keyboard.
fn ports(section: &Section<'_>, k: u32) -> Result<u32, ExperimentError> {
    match k {
        2..=64 if k.is_multiple_of(2) => Ok(k),
        _ => Err(section.error("k", format!("{k} ports are not possible; expected an even number from 2 to 64"))),
    }
}

fn queue(section: &Section<'_>, key: &'static str, mtu: Bytes) -> Result<Option<Queue>, ExperimentError> {
    let Some(inner) = section.table(key, &["kind", "limit", "mark_at"])? else { return Ok(None) };
    let kind: String = inner.require("kind", "kind = \"drop-tail\" or kind = \"ecn-step\"")?;
    let kinds = [("drop-tail", false), ("ecn-step", true)];
    let marks = choose(&kind, "queue", &kinds).map_err(|message| inner.error("kind", message))?;
    let limit: Depth = inner.require("limit", "limit = \"250p\"")?;
    if limit.in_bytes(mtu) < mtu {
        let message = format!(
            "a queue of {limit} holds no packet of {0} bytes, the mtu; expected at least \"1p\" or \"{0}B\"",
            mtu.get()
        );
        return Err(inner.error("limit", message));
    }
    if !marks {
        if inner.has("mark_at") {
            return Err(inner.error("mark_at", "a drop-tail queue marks nothing; expected kind = \"ecn-step\" with it"));
        }
        return Ok(Some(Queue { limit, kind: QueueKind::DropTail }));
    }
    let mark_at: Depth = inner.require("mark_at", "mark_at = \"65p\"")?;
    if mark_at.in_bytes(mtu) > limit.in_bytes(mtu) {
        let message = format!("marking at {mark_at} is above the queue's limit of {limit}, so nothing would be marked");
        return Err(inner.error("mark_at", message));
    }
    Ok(Some(Queue { limit, kind: QueueKind::EcnStep { mark_at } }))
}

fn reorder(section: &Section<'_>) -> Result<Option<Reorder>, ExperimentError> {
    let Some(inner) = section.table("reorder", &["probability", "by"])? else { return Ok(None) };
    let probability: Probability = inner.require("probability", "probability = 0.01")?;
    let by = inner.require("by", "by = \"50us\"")?;
    Ok(Some(Reorder { probability: probability.0, by }))
}

impl std::fmt::Display for Depth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Depth::Packets(n) => write!(f, "{n}p"),
            Depth::Bytes(bytes) => bytes.fmt(f),
        }
    }
}

impl FromValue for Depth {
    fn from_value(value: &Value) -> Result<Depth, String> {
        let expected = "expected packets or bytes, such as \"250p\" or \"1MB\"";
        let Value::String(text) = value else {
            return Err(match value {
                Value::Integer(n) => format!("\"{n}\" is not a queue length: the unit is missing; {expected}"),
                other => format!("{expected}, found {}", described(other)),
            });
        };
        let packets = text.trim().strip_suffix('p').map(|number| number.trim().parse().ok());
        match packets {
            Some(Some(n)) => Ok(Depth::Packets(n)),
            None if text.trim().ends_with(|c: char| c.is_ascii_digit()) => {
                Err(format!("\"{text}\" is not a queue length: the unit is missing; {expected}"))
            }
            None => text.parse().map(Depth::Bytes).map_err(|_| format!("\"{text}\" is not a queue length; {expected}")),
            Some(None) => Err(format!("\"{text}\" is not a whole number of packets; {expected}")),
        }
    }
}
