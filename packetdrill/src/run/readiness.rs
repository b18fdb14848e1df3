//! What a descriptor is ready for: `poll` and `epoll`, with Linux's bits.

use std::collections::BTreeMap;

use super::buffer;
use super::errno::Errno;
use super::host::Host;
use super::socket::{Descriptor, Role, Socket};

/// Something to read, or a connection to accept.
pub const IN: u32 = 0x001;
/// Room to write.
pub const OUT: u32 = 0x004;
/// An error is pending.
pub const ERR: u32 = 0x008;
/// Both directions are closed.
pub const HUP: u32 = 0x010;
/// `poll`: not a descriptor.
pub const NVAL: u32 = 0x020;
/// As [`IN`].
pub const RDNORM: u32 = 0x040;
/// As [`OUT`].
pub const WRNORM: u32 = 0x100;
/// The peer closed its direction.
pub const RDHUP: u32 = 0x2000;
/// `EPOLLONESHOT`
pub const ONESHOT: u32 = 1 << 30;
/// `EPOLLET`
pub const EDGE: u32 = 1 << 31;

/// Bits that are reported whether they were asked for or not.
const ALWAYS: u32 = ERR | HUP;

/// An epoll instance.
#[derive(Debug, Default)]
pub struct Epoll {
    /// What is watched, by descriptor.
    pub interests: BTreeMap<i64, Interest>,
}

/// What is watched of a descriptor.
#[derive(Debug, Clone, Copy)]
pub struct Interest {
    /// The events asked for.
    pub events: u32,
    /// What the application wants back with them.
    pub data: i64,
    /// The events at the last look.
    seen: u32,
    /// Bytes that had arrived by then.
    arrived: u64,
    /// With [`EDGE`]: events that came up since they were reported.
    risen: u32,
}

impl Interest {
    /// All is new at first.
    pub fn new(events: u32, data: i64) -> Interest {
        Interest { events, data, seen: 0, arrived: 0, risen: 0 }
    }
}

/// `epoll_ctl`'s operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// `EPOLL_CTL_ADD`
    Add(Interest),
    /// `EPOLL_CTL_MOD`
    Modify(Interest),
    /// `EPOLL_CTL_DEL`
    Delete,
}

impl PartialEq for Interest {
    fn eq(&self, other: &Interest) -> bool {
        (self.events, self.data) == (other.events, other.data)
    }
}

impl Eq for Interest {}

/// What a socket is ready for.
pub fn readiness(socket: &Socket) -> u32 {
    let mut events = if socket.error.is_some() { ERR } else { 0 };
    match &socket.role {
        Role::Fresh => events |= OUT | WRNORM | HUP,
        Role::Listener(listener) if listener.queue.is_empty() => {}
        Role::Listener(_) => events |= IN | RDNORM,
        Role::Stream(stream) => {
            let no_more = stream.connection.peer_closed() || stream.read_shut || stream.failed;
            if stream.failed || no_more && stream.write_shut {
                events |= HUP;
            }
            if no_more {
                events |= IN | RDNORM | RDHUP;
            }
            if stream.connection.readable() >= socket.options.receive_lowat.max(1) {
                events |= IN | RDNORM;
            }
            let open = stream.established || stream.failed;
            let unsent = stream.connection.unsent() < socket.options.notsent_lowat;
            if open
                && (stream.write_shut
                    || stream.failed
                    || unsent && buffer::is_roomy(stream, socket.options.send_buffer))
            {
                events |= OUT | WRNORM;
            }
        }
    }
    events
}

impl Host {
    /// What `descriptor` is ready for; none if there is no such descriptor.
    pub fn ready(&self, descriptor: i64) -> Option<u32> {
        match self.descriptors.get(&descriptor)? {
            Descriptor::Socket(id) => Some(readiness(&self.sockets[*id])),
            Descriptor::Epoll(epoll) => {
                let any = epoll.interests.iter().any(|(watched, interest)| self.due(*watched, interest) != 0);
                Some(if any { IN | RDNORM } else { 0 })
            }
        }
    }

    /// `poll`, tried once: the events of each descriptor of `asked`.
    pub fn poll(&self, asked: &[(i64, u32)]) -> Vec<u32> {
        let events = |(descriptor, events): &(i64, u32)| match self.ready(*descriptor) {
            _ if *descriptor < 0 => 0,
            Some(ready) => ready & (events | ALWAYS),
            None => NVAL,
        };
        asked.iter().map(events).collect()
    }

    /// `epoll_ctl`
    pub fn epoll_control(&mut self, epoll: i64, control: Control, descriptor: i64) -> Result<i64, Errno> {
        if !self.descriptors.contains_key(&descriptor) {
            return Err(Errno::BadDescriptor);
        }
        let Some(Descriptor::Epoll(epoll)) = self.descriptors.get_mut(&epoll) else { return Err(Errno::Invalid) };
        let known = epoll.interests.contains_key(&descriptor);
        match control {
            Control::Add(_) if known => return Err(Errno::Exists),
            Control::Modify(_) | Control::Delete if !known => return Err(Errno::NotFound),
            Control::Add(interest) | Control::Modify(interest) => {
                epoll.interests.insert(descriptor, interest);
            }
            Control::Delete => {
                epoll.interests.remove(&descriptor);
            }
        }
        self.watch();
        Ok(0)
    }

    /// The events that are due to who watches `descriptor`.
    fn due(&self, descriptor: i64, interest: &Interest) -> u32 {
        if interest.events & !(ONESHOT | EDGE) == 0 {
            // Reported once, as it was asked for.
            return 0;
        }
        let ready = self.ready(descriptor).unwrap_or(0) & (interest.events | ALWAYS);
        if interest.events & EDGE == 0 { ready } else { ready & interest.risen }
    }

    /// `epoll_wait`, tried once.
    pub fn epoll_wait(&mut self, epoll: i64, most: usize) -> Result<Vec<(u32, i64)>, Errno> {
        let Some(Descriptor::Epoll(watching)) = self.descriptors.get(&epoll) else { return Err(Errno::Invalid) };
        let due: Vec<(i64, u32, i64)> = watching
            .interests
            .iter()
            .map(|(descriptor, interest)| (*descriptor, self.due(*descriptor, interest), interest.data))
            .filter(|(_, events, _)| *events != 0)
            .take(most)
            .collect();
        if let Some(Descriptor::Epoll(watching)) = self.descriptors.get_mut(&epoll) {
            for (descriptor, ..) in &due {
                if let Some(interest) = watching.interests.get_mut(descriptor) {
                    interest.risen = 0;
                    if interest.events & ONESHOT != 0 {
                        interest.events &= ONESHOT | EDGE;
                    }
                }
            }
        }
        Ok(due.into_iter().map(|(_, events, data)| (events, data)).collect())
    }

    /// Looks at all that is watched, for edges; after each event.
    pub fn watch(&mut self) {
        let watching = |d: &Descriptor| matches!(d, Descriptor::Epoll(epoll) if !epoll.interests.is_empty());
        if !self.descriptors.values().any(watching) {
            return;
        }
        let looks: BTreeMap<i64, (u32, u64)> = self
            .descriptors
            .iter()
            .filter_map(|(number, descriptor)| {
                let Descriptor::Socket(id) = descriptor else { return None };
                let socket = &self.sockets[*id];
                let arrived = socket.stream().map_or(0, |stream| stream.arrived());
                Some((*number, (readiness(socket), arrived)))
            })
            .collect();
        for descriptor in self.descriptors.values_mut() {
            let Descriptor::Epoll(epoll) = descriptor else { continue };
            for (watched, interest) in &mut epoll.interests {
                let Some((ready, arrived)) = looks.get(watched) else { continue };
                interest.risen |= ready & !interest.seen;
                if *arrived > interest.arrived {
                    interest.risen |= ready & (IN | RDNORM);
                }
                (interest.seen, interest.arrived) = (*ready, *arrived);
            }
        }
    }
}
