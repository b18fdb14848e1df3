//! tun-tap gives its descriptor away as a number only; here it gets an owner again.

use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};

use tun_tap::Iface;

#[allow(unsafe_code)]
pub(super) fn descriptor(iface: Iface) -> OwnedFd {
    // SAFETY: `into_raw_fd` hands over an open descriptor that nobody else owns or closes.
    unsafe { OwnedFd::from_raw_fd(iface.into_raw_fd()) }
}
