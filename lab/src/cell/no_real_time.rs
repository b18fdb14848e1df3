//! Where there are no TUN devices and network namespaces.

use std::time::Instant;

use burstlab_algorithms::Builder;
use burstlab_engine::Monitor;
use burstlab_network::Network;

use super::setup::Plan;
use super::{CellError, Ran};
use crate::experiment::Cell;

/// Says so.
pub(super) fn run(_: &Cell, _: Plan, _: Network, _: &Builder, _: &Monitor, _: Instant) -> Result<Ran, CellError> {
    Err(CellError::Machine("real time on TUN devices takes Linux; run it with --on virtual".to_owned()))
}
