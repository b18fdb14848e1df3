//! What a capture says in words.

use burstlab_network::{Discipline, Limit, Occupancy, PortInfo, PortKind};
use burstlab_units::Span;

/// For a packet that the link's random loss took.
pub const LOSS: &str = "lost on the link by the experiment's random loss";

/// Describes a port.
pub fn port(info: &PortInfo) -> String {
    let kind = match info.kind {
        PortKind::Interface => "interface of a host",
        PortKind::Queue => "queue",
    };
    let rule = match info.queue {
        Discipline::DropTail { limit: Limit::NONE } => "never drops".to_owned(),
        Discipline::DropTail { limit } => format!("drop-tail, limit {limit}"),
        Discipline::EcnStep { limit, mark_at } => format!("ecn-step, limit {limit}, marks above {mark_at}"),
        Discipline::Red { limit, settings } => {
            format!("red, limit {limit}, from {} to {}", settings.min, settings.max)
        }
        Discipline::Codel { limit, settings } => {
            format!("codel, limit {limit}, target {}, interval {}", settings.target, settings.interval)
        }
    };
    let mut text = format!("{kind}: {}, {} one way, {rule}", info.rate, info.delay);
    for (what, share) in [
        ("loses", info.impairment.loss),
        ("duplicates", info.impairment.duplicate),
        ("reorders", info.impairment.reorder),
    ] {
        if share > 0.0 {
            text += &format!(", its link {what} a share of {share} at random");
        }
    }
    text
}

/// For a packet that found `ahead` waiting and was marked for it.
pub fn mark(ahead: Occupancy) -> String {
    format!("CE mark set here, {} waiting", packets(ahead))
}

/// Of a packet that a queue decided about as it left.
pub fn left(wait: Span, marked: bool) -> String {
    format!("left after {wait}{}", if marked { ", marked" } else { "" })
}

/// For a packet that waits.
pub fn wait(wait: Span, ahead: Occupancy) -> String {
    let nanos = wait.as_nanos();
    let behind = match ahead.packets {
        0 => "the packet in transmission".to_owned(),
        _ => packets(ahead),
    };
    format!("waited {}.{:03} us behind {behind}", nanos / 1_000, nanos % 1_000)
}

/// For a packet that did not fit.
pub fn drop(limit: Limit) -> String {
    format!("dropped: the queue of {limit} was full")
}

fn packets(waiting: Occupancy) -> String {
    match waiting.packets {
        1 => "1 packet".to_owned(),
        packets => format!("{packets} packets"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_to_the_nanosecond() {
        let behind = |packets| Occupancy { packets, bytes: 0 };
        assert_eq!(wait(Span::from_nanos(12_345), behind(17)), "waited 12.345 us behind 17 packets");
        assert_eq!(wait(Span::from_nanos(7), behind(1)), "waited 0.007 us behind 1 packet");
        assert_eq!(wait(Span::from_nanos(7), behind(0)), "waited 0.007 us behind the packet in transmission");
    }
}
