//! How a host's thread is scheduled: like any other, also where burstlab itself runs under a real-time policy.
//!
//! Two reasons. Programs on the host inherit the policy. And Linux has writers of some sysctls (ip_forward, disable_ipv6) try
//! again and again as long as another holds the lock on network devices (RTNL); under a real-time policy on all cores, they
//! keep off the processor whom they wait for, and the whole machine's network configuration stands still.

use std::io;

use nix::libc;

/// Puts the calling thread under SCHED_OTHER (sched(7)).
#[allow(unsafe_code)]
pub(super) fn be_ordinary() -> io::Result<()> {
    let priority = libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads `priority` and keeps no reference to it; 0 is the calling thread.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const priority) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
