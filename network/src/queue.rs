//! What a queue does with a packet that arrives: keep it, mark it or drop it.

use std::fmt;
use std::str::FromStr;

use burstlab_units::Bytes;

use crate::{CodelSettings, RedSettings};

/// An amount of queue, in packets or in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// So many packets, whatever their size.
    Packets(u64),
    /// So many bytes of IP packets.
    Bytes(Bytes),
}

impl Limit {
    /// No limit.
    pub const NONE: Limit = Limit::Packets(u64::MAX);

    /// Whether a queue that holds this much holds more than the limit.
    #[inline]
    fn is_exceeded_by(self, occupancy: Occupancy) -> bool {
        match self {
            Limit::Packets(limit) => occupancy.packets > limit,
            Limit::Bytes(limit) => occupancy.bytes > limit.get(),
        }
    }

    /// The limit in bytes if each packet has `packet` bytes.
    pub fn in_bytes(self, packet: Bytes) -> Bytes {
        match self {
            Limit::Packets(packets) => Bytes::new(packets.saturating_mul(packet.get())),
            Limit::Bytes(bytes) => bytes,
        }
    }
}

/// Why a text is not an amount of queue; each has the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// It ends with a digit, so it may be packets or bytes.
    #[error(
        "\"{0}\" is not a queue length: the unit is missing; expected packets or bytes, such as \"250p\" or \"1MB\""
    )]
    NoUnit(String),
    /// It ends as packets do, and what stands before is no count.
    #[error("\"{0}\" is not a whole number of packets; expected packets or bytes, such as \"250p\" or \"1MB\"")]
    NotWhole(String),
    /// It is neither packets nor bytes.
    #[error("\"{0}\" is not a queue length; expected packets or bytes, such as \"250p\" or \"1MB\"")]
    Unknown(String),
}

impl FromStr for Limit {
    type Err = LimitError;
    fn from_str(text: &str) -> Result<Limit, LimitError> {
        let trimmed = text.trim();
        match trimmed.strip_suffix('p') {
            Some(packets) => {
                packets.trim_end().parse().map(Limit::Packets).map_err(|_| LimitError::NotWhole(text.to_owned()))
            }
            None if trimmed.ends_with(|c: char| c.is_ascii_digit()) => Err(LimitError::NoUnit(text.to_owned())),
            None => trimmed.parse().map(Limit::Bytes).map_err(|_| LimitError::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Packets(packets) => write!(f, "{packets}p"),
            Limit::Bytes(bytes) => write!(f, "{bytes}"),
        }
    }
}

/// What waits in a queue. The packet in transmission is not counted: it waits no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Occupancy {
    /// Packets waiting.
    pub packets: u64,
    /// Bytes waiting.
    pub bytes: u64,
}

/// A queue's rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Discipline {
    /// Drops what does not fit.
    DropTail {
        /// The most that may wait.
        limit: Limit,
    },
    /// Marks each packet that finds more than a threshold waiting, as DCTCP asks of switches (RFC 8257, section 3.1).
    /// Packets that are not ECN-capable are dropped at the limit only, as switches in data centres do it.
    EcnStep {
        /// The most that may wait.
        limit: Limit,
        /// Above this the packet is marked.
        mark_at: Limit,
    },
    /// Decides as packets leave, by how long they waited (RFC 8289).
    Codel {
        /// The most that may wait.
        limit: Limit,
        /// What stands, for how long, and what happens then.
        settings: CodelSettings,
    },
    /// Marks or drops at random, by the average length (Floyd and Jacobson, 1993).
    Red {
        /// The most that may wait.
        limit: Limit,
        /// Between which lengths, how likely, and what.
        settings: RedSettings,
    },
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It joins the queue.
    Keep,
    /// It joins the queue with a CE mark, if it is ECN-capable.
    Mark,
    /// It is gone.
    Drop,
    /// It waits, and what becomes of it is decided as it leaves.
    Decide,
    /// That depends on what came before.
    Ask,
}

impl Discipline {
    /// The most that may wait.
    pub fn limit(&self) -> Limit {
        match *self {
            Discipline::DropTail { limit }
            | Discipline::EcnStep { limit, .. }
            | Discipline::Codel { limit, .. }
            | Discipline::Red { limit, .. } => limit,
        }
    }

    /// Decides on a packet; `with_it` is what would wait if it joined.
    #[inline]
    pub fn judge(&self, with_it: Occupancy) -> Verdict {
        match *self {
            _ if self.limit().is_exceeded_by(with_it) => Verdict::Drop,
            Discipline::EcnStep { mark_at, .. } if mark_at.is_exceeded_by(with_it) => Verdict::Mark,
            Discipline::Codel { .. } => Verdict::Decide,
            Discipline::Red { .. } => Verdict::Ask,
            _ => Verdict::Keep,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(packets: u64) -> Occupancy {
        Occupancy { packets, bytes: packets * 1500 }
    }

    #[test]
    fn a_step_marks_above_its_threshold_and_drops_above_its_limit() {
        let step = Discipline::EcnStep { limit: Limit::Packets(250), mark_at: Limit::Packets(65) };
        assert_eq!(step.judge(packets(65)), Verdict::Keep);
        assert_eq!(step.judge(packets(66)), Verdict::Mark);
        assert_eq!(step.judge(packets(250)), Verdict::Mark);
        assert_eq!(step.judge(packets(251)), Verdict::Drop);
    }

    #[test]
    fn limits_count_packets_or_bytes() {
        let tail = Discipline::DropTail { limit: "3kB".parse().unwrap() };
        assert_eq!(tail.judge(packets(2)), Verdict::Keep);
        assert_eq!(tail.judge(packets(3)), Verdict::Drop);
    }

    #[test]
    fn limits_read_and_print() {
        for text in ["250p", "1MB", "1.5kB"] {
            assert_eq!(text.parse::<Limit>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_with_a_limit_is_told_apart() {
        let error = |text: &str| text.parse::<Limit>().unwrap_err();
        assert_eq!(error("250"), LimitError::NoUnit("250".into()));
        assert_eq!(error("2.5p"), LimitError::NotWhole("2.5p".into()));
        assert_eq!(error("1 lorry"), LimitError::Unknown("1 lorry".into()));
        assert!(error("250").to_string().contains("\"250p\""));
    }
}
