//! Makes a host for real, in a process of its own: entering a user namespace cannot be undone.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::{Command, ExitCode, Stdio};

use super::super::{HostError, HostPlan, Hosts, How, Plan, RouteOptions, enter_user_namespace, guard, ready};
use super::RANGE;

/// The guard's option that leads to [`main`].
pub(in super::super) const PROBE: &str = "--probe";

/// Codes of the probe, beside 0: of what could not be made. The sentence stands on standard output.
const NO_NAMESPACE: u8 = 3;
const NO_DEVICE: u8 = 4;

/// What the probe found.
pub(super) enum Result {
    Good,
    NoNamespace(String),
    NoDevice(String),
}

/// Runs the probe.
pub(super) fn run() -> Result {
    let output = Command::new("/proc/self/exe")
        .args([guard::SUBCOMMAND, PROBE])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.success() => Result::Good,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            match output.status.code() {
                Some(code) if code == i32::from(NO_NAMESPACE) => Result::NoNamespace(said),
                Some(code) if code == i32::from(NO_DEVICE) => Result::NoDevice(said),
                _ => Result::NoNamespace(format!("the process that tries it ended with {}", output.status)),
            }
        }
        Err(error) => Result::NoNamespace(format!("the process that tries it cannot be started: {error}")),
    }
}

/// The probe itself.
pub(in super::super) fn main() -> ExitCode {
    let made = ready()
        .and_then(|how| if how == How::UserNamespace { enter_user_namespace() } else { Ok(()) })
        .and_then(|()| Hosts::make(&plan()));
    let error = match made {
        Ok(_) => return ExitCode::SUCCESS,
        Err(error) => error,
    };
    // Whoever asked has gone if this fails.
    let _ = writeln!(io::stdout(), "{error}");
    ExitCode::from(match error {
        HostError::Tun { .. } | HostError::Network { .. } | HostError::Sysctl { .. } => NO_DEVICE,
        _ => NO_NAMESPACE,
    })
}

fn plan() -> Plan {
    let address = |last| Ipv4Addr::from_bits(RANGE.network().to_bits() + last);
    let host = HostPlan {
        name: "host0".to_owned(),
        address: address(1),
        stack: Some(address(2)),
        mtu: 1500,
        route: RouteOptions::default(),
        sysctls: Vec::new(),
    };
    Plan { name: "burstlab-doctor".to_owned(), named: false, network: RANGE, hosts: vec![host] }
}
