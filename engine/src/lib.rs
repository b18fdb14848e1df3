//! Drives endpoints over a network.
//!
//! [`virtual_time`] does it in deterministic virtual time: no clock, no privileges, and the same bytes every time.
//! `real_time` does it by the machine's clock, with `hosts` in network namespaces and TUN devices for links; both take
//! Linux. What the applications do comes from a [`Workload`]; [`traffic`] has those of the lab: replayed jobs and bulk
//! flows.

mod checks;
mod ended;
mod fair_share;
mod heap;
#[cfg(target_os = "linux")]
pub mod hosts;
mod lines;
mod observer;
#[cfg(target_os = "linux")]
pub mod real_time;
mod schedule;
mod sides;
mod timers;
pub mod traffic;
pub mod virtual_time;
mod workload;

pub use checks::Violation;
pub use ended::{Ended, SideTotals};
pub use fair_share::PacketSizes;
pub use observer::{Monitor, Observer, Outcome, View};
pub use virtual_time::Simulation;
pub use workload::{Commands, Workload};
