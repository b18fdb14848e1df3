//! Listening on an interface of this machine, or of the host that burstlab runs on, by a packet socket (packet(7)). It takes
//! no part in what it hears and changes nothing.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burstlab_replay::pcapng::{Interface, InterfaceNumber, Packet, Writer};
use nix::errno::Errno;
use nix::net::if_::{if_nameindex, if_nametoindex};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg, setsockopt,
    socket, sockopt,
};
use nix::sys::time::TimeSpec;

use crate::tap::{Keep, headers};

/// Largest IP packet, and so the largest that Linux hands over before it is segmented (RFC 791: 16 bits of total length).
const LARGEST_PACKET: usize = 65_535;
/// What the socket holds while the disk is busy: a tenth of a second at 5 Gbit/s.
const BUFFER: usize = 64 << 20;
/// How soon a wish to stop is heard.
const PATIENCE: Duration = Duration::from_millis(50);
/// Packets of IPv4 and IPv6 (linux/if_ether.h).
const PROTOCOLS: [u16; 2] = [0x0800, 0x86dd];
/// A packet on its way out (PACKET_OUTGOING, linux/if_packet.h).
const OUTGOING: u8 = 4;
/// The hardware type of a loopback interface (ARPHRD_LOOPBACK, linux/if_arp.h), which hands over each packet as going out and
/// as coming in.
const LOOPBACK: u16 = 772;
/// IPv6 and TCP headers: 40 bytes (RFC 8200, section 3), and 60 with all options (RFC 9293, section 3.1).
const HEADERS_V6: usize = 40 + 60;

/// When to stop, but for Ctrl-C.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    pub time: Option<Duration>,
    pub packets: Option<u64>,
}

/// What was heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Packets in the capture.
    pub packets: u64,
    /// Packets that the kernel dropped, since they came faster than they were written.
    pub missed: u32,
}

/// Why nothing was heard.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    #[error("--listen: there is no interface {name} here; there are {there}")]
    NoInterface { name: String, there: String },
    #[error("listening on {0} takes the capability CAP_NET_RAW; run as root, or inside `burstlab shell`")]
    Forbidden(String),
    #[error("cannot listen on {0}: {1}")]
    Socket(String, #[source] io::Error),
    #[error("cannot write the capture {0}: {1}")]
    Write(String, #[source] io::Error),
}

/// Writes what passes `interface` into a capture at `path`.
pub(crate) fn listen(
    interface: &str,
    path: &Path,
    keep: Keep,
    limits: Limits,
    stop: &AtomicBool,
) -> Result<Heard, ListenError> {
    let failed = |error: Errno| match error {
        Errno::EPERM => ListenError::Forbidden(interface.to_owned()),
        error => ListenError::Socket(interface.to_owned(), error.into()),
    };
    let unwritable = |error: io::Error| ListenError::Write(path.display().to_string(), error);
    let index = if_nametoindex(interface).map_err(|_| unknown(interface))?;
    let mut ear =
        Ear { socket: open().map_err(failed)?, index: index as usize, packet: vec![0; LARGEST_PACKET], missed: 0 };
    let mut writer = Writer::create(path, concat!("burstlab ", env!("CARGO_PKG_VERSION"))).map_err(unwritable)?;
    let description = Interface { name: interface, description: "", rate: None, snap: None };
    let number = writer.interface(&description).map_err(unwritable)?;
    let (start, mut packets) = (Instant::now(), 0);
    while limits.packets.is_none_or(|most| packets < most)
        && limits.time.is_none_or(|time| start.elapsed() < time)
        && !stop.load(Ordering::Relaxed)
    {
        match ear.next().map_err(failed)? {
            Next::Packet(at, length) => {
                ear.write(&mut writer, number, keep, at, length).map_err(unwritable)?;
                packets += 1;
            }
            Next::Other => {}
            Next::Nothing => ear.wait().map_err(failed)?,
        }
    }
    writer.finish().map_err(unwritable)?;
    Ok(Heard { packets, missed: ear.missed })
}

fn unknown(name: &str) -> ListenError {
    let all = if_nameindex().map(|all| all.iter().map(|i| i.name().to_string_lossy().into_owned()).collect::<Vec<_>>());
    ListenError::NoInterface { name: name.to_owned(), there: all.unwrap_or_default().join(", ") }
}

/// A socket that hears all interfaces, without link-layer headers. (To bind it to one takes an address that the standard
/// library and nix cannot make safely.)
fn open() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Packet, SockType::Datagram, flags, SockProtocol::EthAll)?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    setsockopt(&socket, sockopt::RxqOvfl, &1)?;
    // Beyond what users may have; without the right to that, the most that they may.
    if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER).is_err() {
        setsockopt(&socket, sockopt::RcvBuf, &BUFFER)?;
    }
    Ok(socket)
}

struct Ear {
    socket: OwnedFd,
    index: usize,
    packet: Vec<u8>,
    missed: u32,
}

enum Next {
    /// At so many nanoseconds since 1970, of so many bytes.
    Packet(u64, usize),
    /// What is not to be recorded.
    Other,
    Nothing,
}

impl Ear {
    fn next(&mut self) -> nix::Result<Next> {
        let mut buffer = [IoSliceMut::new(&mut self.packet)];
        let mut control = nix::cmsg_space!(TimeSpec, u32);
        let received = recvmsg::<LinkAddr>(
            self.socket.as_raw_fd(),
            &mut buffer,
            Some(&mut control),
            // So that it gives the packet's length, also where it does not fit.
            MsgFlags::MSG_TRUNC,
        );
        let received = match received {
            Ok(received) => received,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(Next::Nothing),
            Err(error) => return Err(error),
        };
        let (mut at, mut missed) = (0, self.missed);
        for message in received.cmsgs()? {
            match message {
                ControlMessageOwned::ScmTimestampns(time) => at = nanoseconds(time),
                ControlMessageOwned::RxqOvfl(all) => missed = all,
                _ => {}
            }
        }
        let (length, from) = (received.bytes, received.address);
        self.missed = missed;
        let heard = from.is_some_and(|from| {
            from.ifindex() == self.index
                && PROTOCOLS.contains(&u16::from_be(from.protocol()))
                && !(from.hatype() == LOOPBACK && from.pkttype() == OUTGOING)
        });
        Ok(if heard { Next::Packet(at, length) } else { Next::Other })
    }

    fn wait(&self) -> nix::Result<()> {
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        let patience = PollTimeout::try_from(PATIENCE).unwrap_or(PollTimeout::ZERO);
        match poll(&mut fds, patience) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn write(&self, writer: &mut Writer, to: InterfaceNumber, keep: Keep, at: u64, length: usize) -> io::Result<()> {
        let whole = &self.packet[..length.min(self.packet.len())];
        let kept = match keep {
            Keep::Bytes(most) => most as usize,
            Keep::Headers if whole.first().is_some_and(|first| first >> 4 == 4) => headers::length(whole),
            Keep::Headers => HEADERS_V6,
        };
        let bytes = &whole[..kept.min(whole.len())];
        writer.packet(to, &Packet { at, original: length as u32, bytes, comments: &[] })
    }
}

fn nanoseconds(time: TimeSpec) -> u64 {
    Duration::from(time).as_nanos() as u64
}
