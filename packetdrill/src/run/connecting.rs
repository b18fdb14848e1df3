//! Calls that begin and end connections.

use burstlab_algorithms::Time;
use burstlab_stacks::Endpoint;

use super::errno::Errno;
use super::host::Host;
use super::reply::Attempt;
use super::socket::{Descriptor, Listener, Role, SocketId};

/// `shutdown`'s second argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// `SHUT_RD`
    Read,
    /// `SHUT_WR`
    Write,
    /// `SHUT_RDWR`
    Both,
}

impl Host {
    /// `listen`
    pub fn listen(&mut self, id: SocketId, backlog: i64) -> Result<i64, Errno> {
        let backlog = usize::try_from(backlog).unwrap_or(usize::MAX);
        match &mut self.sockets[id].role {
            Role::Listener(listener) => listener.backlog = backlog,
            role @ Role::Fresh => *role = Role::Listener(Listener { backlog, ..Listener::default() }),
            Role::Stream(_) => return Err(Errno::Invalid),
        }
        self.under_test = Some(id);
        Ok(0)
    }

    /// `accept`, tried once. What it gives is the socket, for which the script has a number.
    pub fn accept(&mut self, id: SocketId, nonblocking: bool) -> Result<Option<SocketId>, Errno> {
        let socket = &mut self.sockets[id];
        let waits = !socket.nonblocking;
        let Role::Listener(listener) = &mut socket.role else { return Err(Errno::Invalid) };
        match listener.queue.pop_front() {
            Some(child) => {
                self.sockets[child].nonblocking = nonblocking;
                Ok(Some(child))
            }
            None if waits => Ok(None),
            None => Err(Errno::Again),
        }
    }

    /// `connect`, tried once; `begun` says that it was tried before.
    pub fn connect(&mut self, id: SocketId, begun: bool) -> Attempt {
        if matches!(self.sockets[id].role, Role::Fresh) && !begun {
            if let Err(errno) = self.begin_connection(id) {
                return errno.into();
            }
            if self.sockets[id].nonblocking {
                return Errno::InProgress.into();
            }
        }
        let nonblocking = self.sockets[id].nonblocking;
        if let Some(errno) = self.sockets[id].take_error() {
            return errno.into();
        }
        match &mut self.sockets[id].role {
            Role::Stream(stream) if stream.failed => Errno::Aborted.into(),
            Role::Stream(stream) if stream.established && stream.told => Errno::Connected.into(),
            Role::Stream(stream) if stream.established => {
                stream.told = true;
                0.into()
            }
            Role::Stream(_) if nonblocking => Errno::Already.into(),
            Role::Stream(_) => Attempt::Wait(Time::NEVER),
            Role::Listener(_) => Errno::Connected.into(),
            Role::Fresh => Errno::Invalid.into(),
        }
    }

    fn begin_connection(&mut self, id: SocketId) -> Result<(), Errno> {
        let options = self.sockets[id].options.clone();
        let mut stream = self.new_stream(&options, None).ok_or(Errno::NotFound)?;
        stream.connection.connect(self.now);
        self.sockets[id].role = Role::Stream(Box::new(stream));
        self.under_test = Some(id);
        self.settle(id);
        Ok(())
    }

    /// `shutdown`
    pub fn shutdown(&mut self, id: SocketId, how: Shutdown) -> Result<i64, Errno> {
        let now = self.now;
        match &mut self.sockets[id].role {
            Role::Stream(stream) if !stream.failed => {
                if how != Shutdown::Write {
                    stream.read_shut = true;
                    stream.connection.shut_reading();
                }
                if how != Shutdown::Read && !stream.write_shut {
                    stream.write_shut = true;
                    stream.connection.close(now);
                }
            }
            _ => return Err(Errno::NotConnected),
        }
        self.settle(id);
        Ok(0)
    }

    /// `close`: the descriptor goes. Until when the caller lingers, if it does.
    pub fn close(&mut self, descriptor: i64) -> Result<Option<(SocketId, Time)>, Errno> {
        match self.descriptors.remove(&descriptor) {
            None => Err(Errno::BadDescriptor),
            Some(Descriptor::Epoll(_)) => Ok(None),
            Some(Descriptor::Socket(id)) => {
                self.forget(descriptor);
                Ok(self.release(id).map(|until| (id, until)))
            }
        }
    }

    /// Nobody holds the socket any more.
    fn release(&mut self, id: SocketId) -> Option<Time> {
        let now = self.now;
        let socket = &mut self.sockets[id];
        socket.held = false;
        let linger = socket.options.linger;
        let blocks = !socket.nonblocking;
        let mut until = None;
        match &mut socket.role {
            Role::Fresh => {}
            Role::Listener(listener) => {
                let waiting: Vec<SocketId> = listener.queue.drain(..).collect();
                waiting.into_iter().for_each(|child| self.abort(child));
            }
            Role::Stream(stream) => {
                // Before the handshake is over there is nobody to tell (RFC 9293, section 3.10.4).
                let opening = !stream.established;
                if opening || linger.is_some_and(|time| time.is_zero()) {
                    stream.connection.abort(now);
                } else {
                    stream.connection.close_both(now);
                    until = linger.filter(|_| blocks).map(|time| now + time);
                }
            }
        }
        self.settle(id);
        until
    }

    fn abort(&mut self, id: SocketId) {
        let now = self.now;
        self.sockets[id].held = false;
        if let Some(stream) = self.sockets[id].stream_mut() {
            stream.connection.abort(now);
        }
        self.settle(id);
    }
}
