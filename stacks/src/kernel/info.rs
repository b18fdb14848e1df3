//! `TCP_INFO`: what the kernel tells of a connection.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::libc;

/// What the kernel knows of `socket` now. Fields that an older kernel does not know are zero.
#[allow(unsafe_code)]
pub(super) fn tcp_info(socket: BorrowedFd) -> io::Result<libc::tcp_info> {
    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: `info` has room for `length` bytes, and the kernel writes at most as many.
    let result = unsafe {
        let place = info.as_mut_ptr().cast();
        libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, place, &mut length)
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it consists of integers, for which all zeros and all that the kernel writes are values.
    Ok(unsafe { info.assume_init() })
}
