//! The bytes between an application and its socket.

use std::io::{self, ErrorKind, Read};

use nix::libc;
use socket2::Socket;

use crate::content::{self, Reader};

/// Bytes made, and offered to the kernel, at a time: the most that it puts into one buffer of its own.
const PIECE: usize = 64 << 10;
/// Bytes read in one go, so that one connection does not keep the others waiting.
const READ_AT_ONCE: usize = 1 << 20;

/// The stream that this side writes.
#[derive(Debug)]
pub(super) struct Outgoing {
    key: u64,
    /// What the application wrote.
    pub written: u64,
    /// What the kernel took.
    pub queued: u64,
    /// A piece of the stream, of which the kernel may not have taken all.
    piece: Vec<u8>,
    piece_end: u64,
}

impl Outgoing {
    pub fn new(key: u64) -> Outgoing {
        Outgoing { key, written: 0, queued: 0, piece: Vec::new(), piece_end: 0 }
    }

    /// Whether there is something that the kernel did not take yet.
    pub fn waits(&self) -> bool {
        self.queued < self.written
    }

    /// Gives the kernel what it takes.
    pub fn flush(&mut self, socket: &Socket) -> io::Result<()> {
        while self.waits() {
            if self.piece_end == self.queued {
                self.piece.resize((self.written - self.queued).min(PIECE as u64) as usize, 0);
                content::fill(self.key, self.queued, &mut self.piece);
                self.piece_end = self.queued + self.piece.len() as u64;
            }
            let rest = &self.piece[self.piece.len() - (self.piece_end - self.queued) as usize..];
            match socket.send_with_flags(rest, libc::MSG_NOSIGNAL) {
                Ok(taken) => self.queued += taken as u64,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The stream that this side reads.
#[derive(Debug)]
pub(super) struct Incoming {
    pub reader: Reader,
    /// The peer closed, and all before it is read.
    pub ended: bool,
    place: Vec<u8>,
}

impl Incoming {
    pub fn new(key: u64) -> Incoming {
        Incoming { reader: Reader::new(key), ended: false, place: Vec::new() }
    }

    /// Reads what is there, up to a bound.
    pub fn drain(&mut self, socket: &Socket) -> io::Result<()> {
        self.place.resize(PIECE, 0);
        let mut socket = socket;
        let mut total = 0;
        while total < READ_AT_ONCE && !self.ended {
            match socket.read(&mut self.place) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.reader.read(&self.place[..count]);
                    total += count;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
