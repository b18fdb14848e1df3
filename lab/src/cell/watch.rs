//! What watches the packets of a cell: the meter, and a capture if there is to be one.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use burstlab_network::Network;
use burstlab_units::Time;

use super::meter::Meter;
use super::setup::Plan;
use super::{Capture, CellError};
use crate::experiment::{Cell, On};
use crate::tap::{self, Tap, TapOptions, Tapped};

/// The meter, and the tap behind it.
pub(super) type Watch = Tapped<Meter>;

/// What watches a run of `cell`, with a capture if there is to be one.
pub(super) fn new(cell: &Cell, plan: &Plan, network: &Network, capture: Option<&Capture>) -> Result<Watch, CellError> {
    let inner = Meter::new(network, plan.wires.len(), Time::ZERO + cell.warmup);
    let Some(Capture { path, options }) = capture else { return Ok(Tapped { inner, tap: None }) };
    let hosts: Vec<_> =
        plan.wires.iter().map(|wire| [wire.from, wire.to].map(|interface| network.host_of(interface))).collect();
    let options = TapOptions { epoch: epoch(cell.on), ..*options };
    let tap = Tap::create(path, network.ports(), tap::addresses(&hosts), options);
    let tap = tap.map_err(|error| unwritable(path, &error))?;
    Ok(Tapped { inner, tap: Some(Box::new(tap)) })
}

/// Ends the capture, if there is one.
pub(super) fn finish(watch: &mut Watch, capture: Option<&Capture>) -> Result<(), CellError> {
    match (watch.tap.take(), capture) {
        (Some(tap), Some(Capture { path, .. })) => tap.finish().map(drop).map_err(|error| unwritable(path, &error)),
        _ => Ok(()),
    }
}

/// The date of a run's first instant. Virtual time has none: its captures are the same bytes every time.
pub(super) fn epoch(on: On) -> u64 {
    match on {
        On::Virtual => 0,
        On::Tun => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> CellError {
    CellError::Machine(format!("cannot write the capture {}: {error}", path.display()))
}
