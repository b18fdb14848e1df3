//! The end of a TUN device that this process holds.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use tun_tap::{Iface, Mode};

mod owned;

/// A TUN device's descriptor: non-blocking, and one call carries one IP packet without anything before it.
///
/// The device goes when this is dropped.
#[derive(Debug)]
pub struct Tun {
    file: File,
}

impl Tun {
    /// Makes the device in the network namespace of the calling thread.
    pub(super) fn make(interface: &str) -> io::Result<Tun> {
        let iface = Iface::without_packet_info(interface, Mode::Tun)?;
        let file = File::from(owned::descriptor(iface));
        let flags = OFlag::from_bits_truncate(fcntl(&file, FcntlArg::F_GETFL)?);
        fcntl(&file, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        Ok(Tun { file })
    }

    /// The next packet that the host sent, and its length in bytes; [`io::ErrorKind::WouldBlock`] if there is none. What
    /// does not fit into `packet` is cut off.
    pub fn recv(&self, packet: &mut [u8]) -> io::Result<usize> {
        (&self.file).read(packet)
    }

    /// Hands the host an IP packet. The kernel takes or drops it at once; it is an error if it is no IP packet.
    pub fn send(&self, packet: &[u8]) -> io::Result<usize> {
        (&self.file).write(packet)
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl AsRawFd for Tun {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}
