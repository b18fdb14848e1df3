//! ICMP messages of scripts: RFC 792, RFC 1191, RFC 1812 section 5.2.7.1, RFC 4443.

use burstlab_stacks::native::{Icmp, Unreachable};

use super::Unsupported;
use crate::run::step::Action;
use crate::script::{Echoed, IcmpPacket};

/// A message about a segment that the stack sent.
pub fn message(packet: &IcmpPacket) -> Result<Action, Unsupported> {
    let Echoed::Tcp(sequence) = packet.echoed else {
        return Err("ICMP about other than TCP is not supported".to_owned());
    };
    let mtu = || u16::try_from(packet.mtu.unwrap_or(0)).unwrap_or(u16::MAX);
    let message = match (packet.kind.as_str(), packet.code.as_deref()) {
        ("unreachable", Some("frag_needed")) | ("packet_too_big", _) => Icmp::FragmentationNeeded { mtu: mtu() },
        ("unreachable", Some(code)) => Icmp::Unreachable(unreachable(code)?),
        ("time_exceeded", _) => Icmp::TimeExceeded,
        ("parameter_problem", _) => Icmp::ParameterProblem,
        ("source_quench", _) => Icmp::SourceQuench,
        (kind, _) => return Err(format!("ICMP messages of type {kind} are not supported")),
    };
    Ok(Action::Icmp(message, sequence.start))
}

fn unreachable(code: &str) -> Result<Unreachable, Unsupported> {
    Ok(match code {
        "net_unreachable" | "net_unknown" | "net_unreachable_for_tos" | "no_route" => Unreachable::Network,
        "host_unreachable"
        | "host_unknown"
        | "host_unreachable_for_tos"
        | "source_host_isolated"
        | "source_route_failed"
        | "address_unreachable" => Unreachable::Host,
        "protocol_unreachable" => Unreachable::Protocol,
        "port_unreachable" => Unreachable::Port,
        "net_prohibited"
        | "host_prohibited"
        | "packet_filtered"
        | "precedence_violation"
        | "precedence_cutoff"
        | "admin_prohibited" => Unreachable::Prohibited,
        other => return Err(format!("the ICMP code {other} is not supported")),
    })
}
