//! What every command does that makes hosts and TUN devices, before it makes any.

use super::Failure;
use crate::experiment::Cell;

/// Sees to it that this process may make hosts, takes away what runs that were killed have left behind, and checks that
/// the experiment's addresses are free. To be called while the process has one thread, before anything is written.
#[cfg(target_os = "linux")]
pub(super) fn ready(cell: &Cell) -> Result<(), Failure> {
    use burstlab_engine::hosts::{self, How, Subnet};

    use super::output;

    let machine = |error: hosts::HostError| Failure::Machine(error.to_string());
    let (address, prefix) = cell.real_time.addresses;
    let range = Subnet { address, prefix };
    if let Some(interface) = hosts::range_in_use(range) {
        return Err(Failure::Machine(format!(
            "[run] addresses: {range} is in use on this machine, at {interface}; name another private range, such as \
             --set run.addresses=10.99.0.0/16"
        )));
    }
    match hosts::ready().map_err(machine)? {
        How::Root => {
            for leftover in hosts::clean().map_err(machine)? {
                output::note(&format!("removed what {} left behind when it was killed", leftover.run));
            }
            Ok(())
        }
        How::UserNamespace => hosts::enter_user_namespace().map_err(machine),
    }
}

/// Says that it cannot be.
#[cfg(not(target_os = "linux"))]
pub(super) fn ready(_: &Cell) -> Result<(), Failure> {
    Err(Failure::Machine("hosts and TUN devices take Linux; leave out --on tun".to_owned()))
}

/// Whether the kernel's TCP has this controller.
#[cfg(target_os = "linux")]
pub(super) fn controller(spec: &str) -> Result<(), Failure> {
    let available = burstlab_stacks::kernel::available()
        .map_err(|error| Failure::Machine(format!("the kernel does not say which controllers it has: {error}")))?;
    match available.iter().any(|name| name == spec) {
        true => Ok(()),
        false => Err(Failure::Machine(format!(
            "the kernel's TCP has no controller \"{spec}\"; it has {}, without parameters: choose one of these with \
             --controller, or --stack native",
            available.join(", ")
        ))),
    }
}

/// There is no such kernel.
#[cfg(not(target_os = "linux"))]
pub(super) fn controller(_: &str) -> Result<(), Failure> {
    Err(Failure::Machine("the stack \"kernel\" is Linux's; use --stack native".to_owned()))
}
