//! Where there are no TUN devices and network namespaces.

use burstlab_engine::Monitor;

use super::{CellError, Planned, Ran};

/// Says so.
pub(super) fn run(_: Planned<'_>, _: &Monitor) -> Result<Ran, CellError> {
    Err(CellError::Machine("real time on TUN devices takes Linux; run it with --on virtual".to_owned()))
}
