//! Packets of scripts.

use burstlab_network::{AccEcnCounters, Codepoint, SackBlock, SackBlocks, Segment, SynOptions, Timestamps, U24};

use super::Unsupported;
use crate::run::comparison::{Expected, Marks};
use crate::run::packet;
use crate::run::step::{Action, Injection};
use crate::script::{Body, EcnField, IpInfo, Packet, TcpOptionKind, TcpOptions, TcpPacket};

/// SACK blocks in other numbers.
pub fn map_blocks(blocks: SackBlocks, number: impl Fn(u32) -> u32) -> SackBlocks {
    let mut mapped = SackBlocks::default();
    for block in blocks.as_slice() {
        mapped.push(SackBlock { start: number(block.start), end: number(block.end) });
    }
    mapped
}

/// A packet that comes in.
pub fn injection(packet: &Packet) -> Result<Action, Unsupported> {
    if let Body::Icmp(message) = &packet.body {
        return super::icmp::message(message);
    }
    let tcp = tcp(packet)?;
    let mut segment = Segment {
        codepoint: match packet.ip.ecn {
            Some(EcnField::Ect0) => Codepoint::Ect0,
            Some(EcnField::Ect1) => Codepoint::Ect1,
            Some(EcnField::Ce) => Codepoint::Ce,
            Some(EcnField::Ect0Or1) => return Err("an injected packet needs one ECN codepoint".to_owned()),
            Some(EcnField::NotEct) => Codepoint::NotEct,
            None => codepoint_of(packet.ip.tos.unwrap_or(0)),
        },
        flags: tcp.flags,
        seq: tcp.sequence.start,
        ack: tcp.ack.unwrap_or(0),
        payload: tcp.sequence.payload,
        window: tcp.window.unwrap_or(0),
        ..Segment::default()
    };
    let options = options(tcp)?.unwrap_or_default();
    options.iter().try_for_each(|option| add(&mut segment, option))?;
    let shown = packet::Packet {
        codepoint: segment.codepoint,
        flags: segment.flags,
        seq: segment.seq,
        payload: segment.payload,
        ack: segment.ack,
        window: segment.window,
        options,
    };
    Ok(Action::Inject(Box::new(Injection { segment, text: shown.to_string() })))
}

fn codepoint_of(tos: u8) -> Codepoint {
    match tos & 3 {
        0b01 => Codepoint::Ect1,
        0b10 => Codepoint::Ect0,
        0b11 => Codepoint::Ce,
        _ => Codepoint::NotEct,
    }
}

fn add(segment: &mut Segment, option: &packet::TcpOption) -> Result<(), Unsupported> {
    let syn: &mut SynOptions = &mut segment.syn;
    match option {
        packet::TcpOption::NoOperation | packet::TcpOption::End => {}
        packet::TcpOption::MaxSegment(size) => syn.mss = *size,
        packet::TcpOption::WindowScale(shift) => syn.window_scale = *shift,
        packet::TcpOption::SackPermitted => syn.sack_permitted = true,
        packet::TcpOption::Sack(blocks) => {
            // A fourth fits only without timestamps, and tells of what the ACKs before have told of.
            blocks.iter().for_each(|(start, end)| segment.sack.push(SackBlock { start: *start, end: *end }));
        }
        packet::TcpOption::Timestamps(value, echo) => {
            segment.timestamps = Some(Timestamps { value: *value, echo: *echo });
        }
        packet::TcpOption::AccEcn { ect0: Some(ect0), ce: Some(ce), ect1: Some(ect1), .. } => {
            let count = |n: &u32| U24::wrapping(u64::from(*n));
            segment.acc_ecn = Some(AccEcnCounters { ect0: count(ect0), ce: count(ce), ect1: count(ect1) });
        }
        packet::TcpOption::AccEcn { .. } => return Err("an AccECN option without all three counters".to_owned()),
    }
    Ok(())
}

/// A packet that is to go out.
pub fn expectation(packet: &Packet) -> Result<Action, Unsupported> {
    let tcp = tcp(packet)?;
    Ok(Action::Expect(Box::new(Expected {
        marks: marks(&packet.ip),
        flags: tcp.flags,
        ace: tcp.ace,
        seq: tcp.sequence.start,
        payload: tcp.sequence.payload,
        ack: tcp.ack.unwrap_or(0),
        window: tcp.window,
        options: options(tcp)?,
    })))
}

fn marks(ip: &IpInfo) -> Marks {
    match (ip.ecn, ip.tos) {
        (Some(EcnField::Ect0Or1), _) => Marks::Capable,
        (Some(EcnField::NotEct), _) => Marks::Exactly(Codepoint::NotEct),
        (Some(EcnField::Ect0), _) => Marks::Exactly(Codepoint::Ect0),
        (Some(EcnField::Ect1), _) => Marks::Exactly(Codepoint::Ect1),
        (Some(EcnField::Ce), _) => Marks::Exactly(Codepoint::Ce),
        (None, Some(tos)) => Marks::Exactly(codepoint_of(tos)),
        (None, None) => Marks::Any,
    }
}

/// The segment of a plain packet.
fn tcp(packet: &Packet) -> Result<&TcpPacket, Unsupported> {
    let no = |what: &str| Err(format!("{what} not supported"));
    if !packet.encapsulation.is_empty() {
        return no("encapsulation is");
    }
    if packet.ip.flow_label.is_some() {
        return no("IPv6's flow labels are");
    }
    if packet.ip.tos.is_some_and(|tos| tos > 3) {
        return no("IP's differentiated services are");
    }
    match &packet.body {
        Body::Tcp(tcp) if tcp.urgent => no("urgent data is"),
        Body::Tcp(tcp) if tcp.ports.is_some() => no("packets of other ports are"),
        Body::Tcp(tcp) => Ok(tcp),
        Body::Udp(_) => no("UDP is"),
        Body::Icmp(_) => no("ICMP that goes out is"),
    }
}

/// The options in order; none if they do not matter.
fn options(tcp: &TcpPacket) -> Result<Option<Vec<packet::TcpOption>>, Unsupported> {
    let TcpOptions::List(options) = &tcp.options else { return Ok(None) };
    let convert = |option: &crate::script::TcpOption| match &option.kind {
        TcpOptionKind::NoOperation => Ok(packet::TcpOption::NoOperation),
        TcpOptionKind::End => Ok(packet::TcpOption::End),
        TcpOptionKind::MaxSegment(size) => Ok(packet::TcpOption::MaxSegment(*size)),
        TcpOptionKind::WindowScale(shift) => Ok(packet::TcpOption::WindowScale(*shift)),
        TcpOptionKind::SackPermitted => Ok(packet::TcpOption::SackPermitted),
        TcpOptionKind::Sack(blocks) => Ok(packet::TcpOption::Sack(blocks.clone())),
        TcpOptionKind::Timestamps { value, echo } => Ok(packet::TcpOption::Timestamps(*value, *echo)),
        TcpOptionKind::AccEcn { ect0, ce, ect1, one_first } => {
            Ok(packet::TcpOption::AccEcn { ect0: *ect0, ce: *ce, ect1: *ect1, one_first: *one_first })
        }
        TcpOptionKind::Md5(_) => Err("MD5 signatures (RFC 2385) are not supported".to_owned()),
        TcpOptionKind::FastOpen { .. } => Err("fast open (RFC 7413) is not supported".to_owned()),
    };
    options.iter().map(convert).collect::<Result<Vec<_>, _>>().map(Some)
}
