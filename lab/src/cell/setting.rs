//! What a cell's experiment comes to on the way of its first flow: the parameters of formulas.

use burstlab_network::{Direction, Discipline, PortInfo, PortKind};
use burstlab_units::{Bytes, Rate, Span};

use super::setup::Plan;
use super::{CellError, Lab};
use crate::experiment::Cell;

/// The way of a cell's first flow, and what is sent on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// Rate of its narrowest link.
    pub rate: Rate,
    /// Round trip of a full packet and its acknowledgement while nothing waits.
    pub rtt: Span,
    /// Where the queue in front of the narrowest link begins to mark, in packets, if it marks at a threshold.
    pub mark_at: Option<f64>,
    /// How much that queue holds, in packets.
    pub limit: f64,
    /// The part of the packets that is lost at random on the way to the receiver.
    pub loss: f64,
    /// Connections.
    pub flows: usize,
    /// Payload of a full packet.
    pub payload: Bytes,
    /// Size of a full packet.
    pub packet: Bytes,
    /// The least retransmission timeout.
    pub min_rto: Span,
}

impl Lab {
    /// The way of the first flow of `cell`; none if nothing is sent.
    ///
    /// # Errors
    /// If the cell cannot be set up.
    pub fn setting(&self, cell: &Cell) -> Result<Option<Setting>, CellError> {
        let (plan, mut network) = Plan::new(cell, &self.recordings.of(cell))?;
        let Some(first) = plan.wires.first() else { return Ok(None) };
        let flow = network.add_flow(first.from, first.to)?;
        let ports = |direction| -> Vec<&PortInfo> {
            network.path(flow, direction).iter().map(|port| &network.ports()[port.0 as usize]).collect()
        };
        let (there, back) = (ports(Direction::Forward), ports(Direction::Backward));
        let packet = plan.packet.payload + plan.packet.headers;
        let way = |ports: &[&PortInfo], size| {
            ports.iter().fold(Span::ZERO, |sum, port| sum + port.delay + port.rate.transmission_time(size))
        };
        // Of equal links the first queue of the network: a host's own interface holds its sender back and marks nothing.
        let narrowest = there.iter().min_by_key(|port| (port.rate, port.kind == PortKind::Interface));
        Ok(narrowest.map(|narrowest| Setting {
            rate: narrowest.rate,
            rtt: way(&there, packet) + way(&back, plan.packet.headers),
            mark_at: match narrowest.queue {
                Discipline::EcnStep { mark_at, .. } => Some(packets(mark_at.in_bytes(packet), packet)),
                _ => None,
            },
            limit: packets(narrowest.queue.limit().in_bytes(packet), packet),
            loss: 1.0 - there.iter().map(|port| 1.0 - port.impairment.loss).product::<f64>(),
            flows: plan.wires.len(),
            payload: plan.packet.payload,
            packet,
            min_rto: cell.stack.tcp.min_rto,
        }))
    }
}

fn packets(bytes: Bytes, packet: Bytes) -> f64 {
    bytes.get() as f64 / packet.get() as f64
}
