//! Ctrl-C and termination.

use crate::runner::Stop;

use super::Failure;

/// The first signal asks to stop, so that what has ended is kept; the second ends the process at once.
pub(super) fn stop_on_signal() -> Result<Stop, Failure> {
    let stop = Stop::default();
    let asked = stop.clone();
    let handler = move || {
        if asked.is_asked() {
            std::process::exit(130);
        }
        asked.stop();
    };
    ctrlc::set_handler(handler).map_err(|error| Failure::Machine(format!("cannot listen for Ctrl-C: {error}")))?;
    Ok(stop)
}
