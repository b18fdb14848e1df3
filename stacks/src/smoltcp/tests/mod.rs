//! smoltcp against itself, against the native stack, and under a controller of ours.

use burstlab_algorithms::{Registry, Time};

use super::{Config, Congestion};
use crate::native;

mod bytes;
mod enforced;
mod transfer;
mod wire;

/// A controller of ours, to be enforced.
pub(super) fn enforced(spec: &str) -> Congestion {
    let entry = Registry::default().parse(spec).unwrap();
    let controller = entry.build(&config().path(Time::ZERO, 1));
    Congestion::Enforced { controller, feedback: entry.ecn_feedback() }
}

/// A configuration with round numbers.
pub(super) fn config() -> Config {
    Config {
        tcp: native::Config { mss: 1000, ..native::Config::default() },
        mtu: 1500,
        own: "10.77.0.1:40000".parse().unwrap(),
        peer: "10.77.0.2:29500".parse().unwrap(),
        keys: None,
        verify: true,
    }
}
