//! Reading and writing.

use burstlab_algorithms::{Bytes, Time};
use burstlab_stacks::Endpoint;

use super::buffer;
use super::errno::Errno;
use super::host::Host;
use super::reply::Attempt;
use super::socket::{Role, Socket, SocketId};

/// A read that is under way.
#[derive(Debug, Clone, Copy)]
pub struct Read {
    /// Bytes asked for.
    pub wanted: u64,
    /// `MSG_PEEK`: what is read stays.
    pub peek: bool,
    /// `MSG_WAITALL`: waits for all.
    pub all: bool,
    /// `MSG_DONTWAIT`, or the socket does not block.
    pub nonblocking: bool,
    /// When a time-out ends it.
    pub deadline: Time,
}

/// A write that is under way.
#[derive(Debug, Clone, Copy)]
pub struct Write {
    /// Bytes to write.
    pub wanted: u64,
    /// Bytes taken so far.
    pub taken: u64,
    /// `MSG_DONTWAIT`, or the socket does not block.
    pub nonblocking: bool,
    /// `MSG_MORE`: more follows at once.
    pub more: bool,
    /// `MSG_EOR`: a segment ends where it ends.
    pub record_end: bool,
    /// When a time-out ends it.
    pub deadline: Time,
}

impl Host {
    /// Tries to read.
    pub fn read(&mut self, id: SocketId, read: &Read) -> Attempt {
        let least =
            if read.all { read.wanted } else { self.sockets[id].options.receive_lowat.clamp(1, read.wanted.max(1)) };
        let now = self.now;
        let socket = &mut self.sockets[id];
        let Role::Stream(stream) = &mut socket.role else { return Errno::NotConnected.into() };
        let there = stream.connection.readable();
        let over = stream.connection.peer_closed() || stream.read_shut || stream.failed;
        if there > 0 && (there >= least || over || read.nonblocking || read.deadline <= now) || read.wanted == 0 {
            let taken = there.min(read.wanted);
            if !read.peek {
                stream.connection.read(Bytes::new(taken));
                self.settle(id);
            }
            return (taken as i64).into();
        }
        if let Some(errno) = socket.error.take() {
            return errno.into();
        }
        if over {
            return 0.into();
        }
        if stream.is_opening() && read.nonblocking {
            return Errno::Again.into();
        }
        if read.nonblocking || read.deadline <= now { Errno::Again.into() } else { Attempt::Wait(read.deadline) }
    }

    /// Tries to write what is left of a write.
    pub fn write(&mut self, id: SocketId, write: &mut Write) -> Attempt {
        let now = self.now;
        let socket = &mut self.sockets[id];
        let send_buffer = socket.options.send_buffer;
        let gives_up = write.nonblocking || write.deadline <= now;
        let partial = write.taken > 0;
        let Role::Stream(stream) = &mut socket.role else { return Errno::Pipe.into() };
        if stream.failed || stream.write_shut {
            return match socket.error.take() {
                _ if partial => (write.taken as i64).into(),
                Some(errno) => errno.into(),
                None => Errno::Pipe.into(),
            };
        }
        if !stream.established {
            return if gives_up { Errno::Again.into() } else { Attempt::Wait(write.deadline) };
        }
        // Who found the buffer full goes on once there is plenty of room.
        let resumes = !partial || gives_up || buffer::is_roomy(stream, send_buffer);
        if resumes {
            self.fill(id, write);
        }
        let Some(stream) = self.sockets[id].stream_mut() else { return Errno::Pipe.into() };
        if write.taken == write.wanted {
            if !write.more {
                stream.boundaries.insert(stream.connection.written());
            }
            return (write.taken as i64).into();
        }
        stream.wants_room = true;
        match (gives_up, write.taken) {
            (false, _) => Attempt::Wait(write.deadline),
            (true, 0) => Errno::Again.into(),
            (true, taken) => {
                stream.boundaries.insert(stream.connection.written());
                (taken as i64).into()
            }
        }
    }

    /// Hands over what the buffer takes, chunk by chunk: each may leave before the next is looked at.
    fn fill(&mut self, id: SocketId, write: &mut Write) {
        while write.taken < write.wanted {
            let now = self.now;
            let Socket { role: Role::Stream(stream), options, .. } = &mut self.sockets[id] else { return };
            let room = buffer::room(stream, options).min(write.wanted - write.taken);
            if room == 0 {
                return;
            }
            write.taken += room;
            let last = write.taken == write.wanted;
            if write.more && last {
                stream.connection.write_more(Bytes::new(room));
            } else {
                stream.connection.write(now, Bytes::new(room));
            }
            if write.record_end && last {
                stream.connection.end_record();
            }
            self.settle(id);
        }
    }
}
