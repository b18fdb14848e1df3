//! Sysctls of the calling thread's network namespace. /proc/sys/net shows those of whoever looks.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::{HostError, HostPlan};

/// What every host is set to: IPv4 only, for IPv6 would send router solicitations and neighbour discovery of its own.
const QUIET: [(&str, &str); 2] = [("net.ipv6.conf.all.disable_ipv6", "1"), ("net.ipv6.conf.default.disable_ipv6", "1")];

/// Packets go through the host from `stack` to `link` and back. That the way back differs from the way there is no sign of
/// forgery here, so there is no filter for it (RFC 3704), and no router is better than this one (ICMP redirects, RFC 792).
const ROUTER: [(&str, &str); 5] = [
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.ipv4.conf.all.send_redirects", "0"),
    ("net.ipv4.conf.default.send_redirects", "0"),
];

/// A connection must not begin with what the kernel's TCP learnt on the one before (ssthresh, round trips): runs would
/// depend on each other.
const FORGETFUL: (&str, &str) = ("net.ipv4.tcp_no_metrics_save", "1");

/// The kernel has writers of some sysctls spin while another holds the lock on network devices (restart_syscall after
/// rtnl_trylock in Linux's net/ipv4/devinet.c and net/ipv6/addrconf.c). So hosts that come up together write in turn.
static IN_TURN: Mutex<()> = Mutex::new(());

/// Sets what all hosts need, before there are devices, which take over the defaults.
pub(super) fn prepare(host: &HostPlan) -> Result<(), HostError> {
    // It guards nothing that a panic could leave half done.
    let _turn = IN_TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, value) in QUIET {
        match write(name, value) {
            // A kernel without IPv6 is quiet by itself.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => result.map_err(|source| failed(host, name, value, source))?,
        }
    }
    if host.stack.is_some() {
        for (name, value) in ROUTER {
            write(name, value).map_err(|source| failed(host, name, value, source))?;
        }
    }
    let (name, value) = FORGETFUL;
    write(name, value).map_err(|source| failed(host, name, value, source))
}

/// Sets what the plan asks for.
pub(super) fn apply(host: &HostPlan) -> Result<(), HostError> {
    for (name, value) in &host.sysctls {
        if path(name).is_none_or(|path| !path.exists()) {
            return Err(HostError::NoSuchSysctl(name.clone()));
        }
        write(name, value).map_err(|source| failed(host, name, value, source))?;
    }
    Ok(())
}

fn failed(host: &HostPlan, name: &str, value: &str, source: io::Error) -> HostError {
    HostError::Sysctl { host: host.name.clone(), name: name.to_owned(), value: value.to_owned(), source }
}

fn write(name: &str, value: &str) -> io::Result<()> {
    let path = path(name).ok_or(io::ErrorKind::InvalidInput)?;
    fs::write(path, value)
}

/// Only what is below net, for all else belongs to the whole machine.
fn path(name: &str) -> Option<PathBuf> {
    let rest = name.strip_prefix("net.")?;
    let plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    rest.split('.').all(plain).then(|| PathBuf::from(format!("/proc/sys/net/{}", rest.replace('.', "/"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_files_below_net_and_nowhere_else() {
        assert_eq!(path("net.ipv4.tcp_ecn"), Some(PathBuf::from("/proc/sys/net/ipv4/tcp_ecn")));
        for outside in ["kernel.panic", "net", "net.", "net...kernel.panic", "net./../kernel/panic", "net.ipv4/x"] {
            assert_eq!(path(outside), None, "{outside}");
        }
    }
}
