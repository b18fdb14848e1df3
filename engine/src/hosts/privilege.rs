//! What this process may do, and how it gets to do more.

use std::fs::{self, File};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use super::HostError;

/// Bits of the capability sets (capabilities(7), linux/capability.h).
const CAP_NET_ADMIN: u32 = 12;
const CAP_SYS_ADMIN: u32 = 21;

static IN_USER_NAMESPACE: AtomicBool = AtomicBool::new(false);

/// How hosts can be made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// As things are: as root, or with its capabilities.
    Root,
    /// After [`enter_user_namespace`].
    UserNamespace,
}

/// Whether hosts can be made here, and how. It takes microseconds and changes nothing; what it cannot see, such as a seccomp
/// filter, is then said by [`enter_user_namespace`] or [`Hosts::make`](super::Hosts::make).
pub fn ready() -> Result<How, HostError> {
    open_tun()?;
    if is_root() {
        return Ok(How::Root);
    }
    let forbidden = |reason: &str| Err(HostError::NoPrivilege { reason: reason.to_owned() });
    match sysctl("user/max_user_namespaces").as_deref() {
        None => return forbidden("this kernel has no user namespaces"),
        Some("0") => return forbidden("user.max_user_namespaces is 0"),
        Some(_) => {}
    }
    if sysctl("kernel/unprivileged_userns_clone").as_deref() == Some("0") {
        return forbidden("kernel.unprivileged_userns_clone is 0");
    }
    if sysctl("kernel/apparmor_restrict_unprivileged_userns").as_deref() == Some("1") {
        return forbidden("kernel.apparmor_restrict_unprivileged_userns is 1");
    }
    Ok(How::UserNamespace)
}

/// Makes the calling process root in a user namespace of its own, so that it may make network namespaces and devices in
/// them. It keeps its rights to files and to other processes, and gains none outside.
///
/// The process must have a single thread (unshare(2)): to be called first thing.
pub fn enter_user_namespace() -> Result<(), HostError> {
    let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 {
        return Err(HostError::Threads(threads));
    }
    let (user, group) = (geteuid(), getegid());
    let refused = |what: &str, error: io::Error| HostError::NoPrivilege { reason: format!("{what}: {error}") };
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|errno| refused("no user namespace can be made", errno.into()))?;
    IN_USER_NAMESPACE.store(true, Ordering::Relaxed);
    // user_namespaces(7): without privilege outside, a group map takes setgroups to be denied first.
    for (file, content) in
        [("setgroups", "deny".to_owned()), ("uid_map", format!("0 {user} 1")), ("gid_map", format!("0 {group} 1"))]
    {
        let path = format!("/proc/self/{file}");
        fs::write(&path, content).map_err(|error| refused(&format!("{path} cannot be written"), error))?;
    }
    Ok(())
}

/// Whether this process may make namespaces and set up networks in them, wherever it is.
pub(super) fn is_root() -> bool {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let needed = (1 << CAP_NET_ADMIN) | (1 << CAP_SYS_ADMIN);
    effective_capabilities(&status) & needed == needed
}

/// Whether [`enter_user_namespace`] was called.
pub(super) fn in_user_namespace() -> bool {
    IN_USER_NAMESPACE.load(Ordering::Relaxed)
}

/// Whether /dev/net/tun is there and opens. Opening alone makes no device.
pub(super) fn open_tun() -> Result<(), HostError> {
    match File::options().read(true).write(true).open("/dev/net/tun") {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(HostError::TunForbidden(error)),
        Err(error) => Err(HostError::NoTun(error)),
    }
}

fn effective_capabilities(status: &str) -> u64 {
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0)
}

fn sysctl(path: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/sys/{path}")).ok().map(|value| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_from_the_status_file() {
        assert_eq!(effective_capabilities("Name:\tx\nCapEff:\t0000000000201000\nCapBnd:\t0\n"), 0x20_1000);
        assert_eq!(effective_capabilities("no such line"), 0);
    }

    #[test]
    fn a_process_with_threads_cannot_enter_a_user_namespace() {
        // The test harness runs tests on threads of their own.
        assert!(matches!(enter_user_namespace(), Err(HostError::Threads(n)) if n > 1));
    }
}
