//! Hosts of an emulated network: each worker in a network namespace of its own.
//!
//! A host's *link* is a TUN device (interface `link`) whose other end is a file descriptor in this process: what the
//! host sends is read from it, and what is written to it arrives at the host. Where the endpoint is a userspace stack,
//! it sits on a second TUN device (interface `stack`), so that its packets cross Linux's IP layer: written to the stack's
//! descriptor, routed by the kernel, read from the link's descriptor, and back. Sockets and programs in the namespace
//! need no `stack`; they use `link`'s address.
//!
//! Nothing here outlives the process. A namespace exists as long as a thread is in it or a descriptor points into it,
//! and the kernel closes both, also after SIGKILL. Programs run under a [`guard`], which dies with the thread that
//! started it and takes all of its children along. The one exception are the names in /run/netns that `ip netns exec`
//! and tcpdump use: [`clean`] removes those of runs that were killed.
//!
//! Nothing of the machine's own network is touched: no device, route or sysctl outside of these namespaces.

mod command;
mod devices;
pub mod doctor;
mod error;
pub mod guard;
mod host;
mod names;
mod namespace;
mod plan;
mod privilege;
mod process;
mod routes;
mod sysctl;
#[cfg(test)]
mod tests;
mod tun;

pub use error::HostError;
pub use guard::guard_main;
pub use host::{Host, Hosts};
pub use names::{Leftover, clean, leftovers};
pub use plan::{HostPlan, Plan, RouteOptions, Subnet};
pub use privilege::{How, enter_user_namespace, ready};
pub use process::{Guarded, Process};
pub use routes::range_in_use;
pub use tun::Tun;
