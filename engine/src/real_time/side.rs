//! One side of a connection in real time.

use std::io;
use std::os::fd::AsRawFd as _;

use burstlab_network::InterfaceId;
use burstlab_stacks::content::Reader;
use burstlab_stacks::{Endpoint, PacketEndpoint, kernel};
use burstlab_units::Time;

/// Whose TCP a side has.
pub enum Occupant {
    /// A userspace stack on the host's second TUN device.
    Stack(Box<dyn PacketEndpoint>),
    /// Linux itself: sockets in the host's namespace.
    Socket(Box<kernel::Connection>),
}

impl Occupant {
    /// As an endpoint.
    pub fn endpoint(&self) -> &dyn Endpoint {
        match self {
            Occupant::Stack(endpoint) => endpoint.as_ref(),
            Occupant::Socket(socket) => socket.as_ref(),
        }
    }

    pub(super) fn endpoint_mut(&mut self) -> &mut dyn Endpoint {
        match self {
            Occupant::Stack(endpoint) => endpoint.as_mut(),
            Occupant::Socket(socket) => socket.as_mut(),
        }
    }

    /// What its application has read.
    pub fn reader(&self) -> &Reader {
        match self {
            Occupant::Stack(endpoint) => endpoint.reader(),
            Occupant::Socket(socket) => socket.reader(),
        }
    }
}

/// One side of a connection: the endpoint that sends in one direction of it.
pub(super) struct Side {
    pub occupant: Occupant,
    pub interface: InterfaceId,
    /// Its timer.
    pub timer: u32,
    /// The application wants to know when this much has been delivered to this side.
    pub notify_at: u64,
    /// Whether it stands in its interface's line.
    pub in_line: bool,
    /// Whether its controller asks the oracle.
    pub wants_share: bool,
    /// Whether the oracle counts it.
    pub counted: bool,
    /// The descriptor that is waited for, of a socket.
    watched: Option<i32>,
    /// Whether it has been told that its connection failed.
    failed: bool,
}

impl Side {
    pub fn new(occupant: Occupant, interface: InterfaceId, timer: u32) -> Side {
        Side {
            occupant,
            interface,
            timer,
            notify_at: u64::MAX,
            in_line: false,
            wants_share: false,
            counted: false,
            watched: None,
            failed: false,
        }
    }

    /// Waits for what its socket has and takes, if it has one; a listener becomes another descriptor when it accepts.
    pub fn watch(&mut self, number: usize, waiter: &mut super::wait::Waiter) -> io::Result<()> {
        let Occupant::Socket(socket) = &self.occupant else { return Ok(()) };
        match socket.watch() {
            Some(fd) if self.watched != Some(fd.as_raw_fd()) => {
                waiter.watch(number, fd)?;
                self.watched = Some(fd.as_raw_fd());
            }
            Some(_) => {}
            None => {
                waiter.forget(number);
                self.watched = None;
            }
        }
        waiter.set_interest(number, socket.wants_read(), socket.wants_write());
        Ok(())
    }

    /// What ended the connection of its socket, if it failed; said once.
    pub fn take_failure(&mut self) -> Option<String> {
        let Occupant::Socket(socket) = &self.occupant else { return None };
        let error = socket.error().filter(|_| !self.failed)?.to_string();
        self.failed = true;
        Some(error)
    }

    /// Whether its application has everything that it wrote acknowledged.
    pub fn is_delivered(&self) -> bool {
        self.occupant.endpoint().acknowledged() >= self.occupant.endpoint().written()
    }

    /// Whether the application asked to be told of what it has now; it is told once.
    pub fn take_notice(&mut self) -> Option<u64> {
        let received = self.occupant.endpoint().received();
        if received < self.notify_at {
            return None;
        }
        self.notify_at = u64::MAX;
        Some(received)
    }

    /// When it wants to be called.
    pub fn next_wake(&self) -> Time {
        self.occupant.endpoint().next_wake()
    }
}
