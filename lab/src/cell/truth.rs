//! Whether a run in real time can be trusted.

use burstlab_engine::real_time::Lateness;
use burstlab_network::{Direction, FlowId, Network};
use burstlab_units::{Bytes, Span};

use super::setup::Plan;
use crate::experiment::Cell;
use crate::results::{Percentiles, RealTimeRun};

/// What lateness may add to a round trip before it shows in results: a tenth.
const PART_OF_ROUND_TRIP: u64 = 10;

/// What was seen of a run in real time.
pub(super) struct Seen<'a> {
    pub lateness: &'a Lateness,
    pub allowed: Span,
    pub checked_bytes: u64,
    pub damaged_bytes: u64,
    pub stray_packets: u64,
}

/// How late an event may be: as long as the slowest link takes for a full packet, since queues are no finer than that, or
/// a part of the shortest round trip, whichever is longer.
pub(super) fn allowed(cell: &Cell, plan: &Plan, network: &Network) -> Span {
    let full = cell.network.mtu;
    let slowest = network.ports().iter().map(|port| port.rate.transmission_time(full)).max().unwrap_or(Span::ZERO);
    let round_trip = |flow| {
        way(network, flow, Direction::Forward, full) + way(network, flow, Direction::Backward, plan.packet.headers)
    };
    let shortest = (0..network.flow_count() as u32).map(|flow| round_trip(FlowId(flow))).min().unwrap_or(Span::ZERO);
    slowest.max(shortest / PART_OF_ROUND_TRIP)
}

/// How long a packet takes through the empty network.
fn way(network: &Network, flow: FlowId, direction: Direction, packet: Bytes) -> Span {
    let ports = network.path(flow, direction).iter().map(|port| &network.ports()[port.0 as usize]);
    ports.fold(Span::ZERO, |sum, port| sum + port.delay + port.rate.transmission_time(packet))
}

/// The judgement.
pub(super) fn judge(cell: &Cell, seen: &Seen<'_>) -> RealTimeRun {
    let lateness = Percentiles::of(seen.lateness.histogram());
    let late_share = seen.lateness.share_above(seen.allowed);
    let in_time = late_share <= RealTimeRun::LATE_SHARE;
    let intact = seen.damaged_bytes == 0;
    RealTimeRun {
        valid: in_time && intact,
        allowed: seen.allowed.as_nanos(),
        late_share,
        advice: advice(cell, &lateness, seen, in_time, late_share),
        lateness,
        time_scale: cell.real_time.time_scale,
        checked_bytes: seen.checked_bytes,
        damaged_bytes: seen.damaged_bytes,
        stray_packets: seen.stray_packets,
    }
}

fn advice(cell: &Cell, lateness: &Percentiles, seen: &Seen<'_>, in_time: bool, late_share: f64) -> String {
    if seen.damaged_bytes > 0 {
        return format!("{} bytes arrived damaged: this is a fault of burstlab or of the kernel", seen.damaged_bytes);
    }
    if in_time {
        return String::new();
    }
    let scale = cell.real_time.time_scale;
    let needed = u64::from(scale) * lateness.p99.div_ceil(seen.allowed.as_nanos().max(1));
    format!(
        "{:.1} % of the events were more than {} late, and {} % may be; lower network.rate, or slow the experiment down \
         with run.time_scale = {} or more",
        late_share * 100.0,
        seen.allowed,
        RealTimeRun::LATE_SHARE * 100.0,
        needed.max(u64::from(scale) + 1)
    )
}
