//! What a descriptor stands for, and what a socket remembers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use burstlab_algorithms::{Rate, Span, Time};
use burstlab_network::{Flags, Segment};
use burstlab_stacks::native::{Config, Connection, Failure, KeepAlive, Unreachable};
use burstlab_stacks::{Endpoint, Status};

use super::errno::Errno;
use super::settings::{Keepalive, Settings};
use super::translation::Translation;

/// Place of a socket in the host's list; it stays when the descriptor is closed, since the connection lives on.
pub type SocketId = usize;

/// What a descriptor stands for.
#[derive(Debug)]
pub enum Descriptor {
    /// A TCP socket.
    Socket(SocketId),
    /// An epoll instance.
    Epoll(super::readiness::Epoll),
}

/// Options of a socket; a listener's pass on to what it accepts, as in Linux.
#[derive(Debug, Clone)]
pub struct SocketOptions {
    /// `SO_SNDBUF` as the kernel reports it: doubled.
    pub send_buffer: u64,
    /// The application set it, so that it does not grow.
    pub send_buffer_fixed: bool,
    /// `SO_RCVBUF`, doubled; none until it is set.
    pub receive_buffer: Option<u64>,
    /// `TCP_NODELAY`.
    pub no_delay: bool,
    /// `TCP_CORK`.
    pub cork: bool,
    /// `TCP_QUICKACK`, once set.
    pub quick_ack: Option<bool>,
    /// `TCP_MAXSEG`.
    pub max_segment: Option<u16>,
    /// `TCP_USER_TIMEOUT`; zero for none.
    pub user_timeout: Span,
    /// `SO_KEEPALIVE`.
    pub keepalive: bool,
    /// `TCP_KEEPIDLE`, `TCP_KEEPINTVL`, `TCP_KEEPCNT`.
    pub keepalive_times: Keepalive,
    /// `SO_LINGER`: how long, if on.
    pub linger: Option<Span>,
    /// `TCP_CONGESTION`.
    pub congestion: String,
    /// `SO_MAX_PACING_RATE` in bytes a second.
    pub max_pacing_rate: u64,
    /// `TCP_NOTSENT_LOWAT` in bytes.
    pub notsent_lowat: u64,
    /// `SO_RCVLOWAT` in bytes.
    pub receive_lowat: u64,
    /// `SO_RCVTIMEO`; zero for none.
    pub receive_timeout: Span,
    /// `SO_SNDTIMEO`; zero for none.
    pub send_timeout: Span,
    /// `TCP_SYNCNT`, once set.
    pub syn_retries: Option<u32>,
    /// Options that change nothing here and are given back as they were set.
    pub kept: BTreeMap<String, i64>,
}

impl SocketOptions {
    /// A fresh socket's.
    pub fn new(settings: &Settings, congestion: &str) -> SocketOptions {
        SocketOptions {
            send_buffer: settings.send_memory.first,
            send_buffer_fixed: false,
            receive_buffer: None,
            no_delay: false,
            cork: false,
            quick_ack: None,
            max_segment: None,
            user_timeout: Span::ZERO,
            keepalive: false,
            keepalive_times: settings.keepalive,
            linger: None,
            congestion: congestion.to_owned(),
            max_pacing_rate: u64::MAX,
            notsent_lowat: settings.notsent_lowat,
            receive_lowat: 1,
            receive_timeout: Span::ZERO,
            send_timeout: Span::ZERO,
            syn_retries: None,
            kept: BTreeMap::new(),
        }
    }

    /// How long what was sent may stay unacknowledged, if that is set.
    pub fn user_timeout(&self) -> Option<Span> {
        Some(self.user_timeout).filter(|limit| !limit.is_zero())
    }

    /// How a silent peer is probed, if it is.
    pub fn keep_alive(&self) -> Option<KeepAlive> {
        let Keepalive { idle, interval, probes } = self.keepalive_times;
        self.keepalive.then_some(KeepAlive { idle, interval, probes })
    }

    /// The limit of the pacing rate, if there is one.
    pub fn pacing_limit(&self) -> Option<Rate> {
        let limited = self.max_pacing_rate != u64::MAX;
        limited.then(|| Rate::from_bits_per_sec(self.max_pacing_rate.saturating_mul(8)))
    }
}

/// A TCP socket.
pub struct Socket {
    /// What it has become.
    pub role: Role,
    /// What is set.
    pub options: SocketOptions,
    /// `O_NONBLOCK`.
    pub nonblocking: bool,
    /// An error that the next call is to hear of.
    pub error: Option<Errno>,
    /// Whether a descriptor, or an accept queue, still holds it.
    pub held: bool,
}

/// What a socket has become.
pub enum Role {
    /// Neither listens nor connects.
    Fresh,
    /// `listen` was called.
    Listener(Listener),
    /// One side of a connection.
    Stream(Box<Stream>),
}

/// A listening socket.
#[derive(Debug, Default)]
pub struct Listener {
    /// How many connections may wait.
    pub backlog: usize,
    /// Connections that wait to be accepted.
    pub queue: VecDeque<SocketId>,
}

/// A socket with a connection.
pub struct Stream {
    /// The stack's side of it.
    pub connection: Connection,
    /// What it was made with.
    pub config: Config,
    /// The listener that it came in by, until it is in that one's queue.
    pub listener: Option<SocketId>,
    /// Whether the handshake was completed.
    pub established: bool,
    /// Whether it was opened from here.
    pub opened: bool,
    /// Whether a call of `connect` has told so; nobody asks of a connection that came in.
    pub told: bool,
    /// `shutdown(SHUT_RD)`.
    pub read_shut: bool,
    /// `shutdown(SHUT_WR)`.
    pub write_shut: bool,
    /// Whether its failure was taken note of.
    pub failed: bool,
    /// Positions at which a write ended.
    pub boundaries: BTreeSet<u64>,
    /// Whether a write found the buffer full; room is then announced once there is plenty.
    pub wants_room: bool,
    /// Time in which there was nothing to send because the buffer was full.
    pub short_of_room: Lack,
    /// What the peer said of itself.
    pub peer: Peer,
    /// When the connection began.
    pub born: Time,
    /// How the script's numbers translate to the connection's.
    pub translation: Translation,
}

/// What the peer's segments said.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Bytes of payload of a full segment to it.
    pub payload: u64,
    /// The largest window that it gave.
    pub largest_window: u64,
    shift: u8,
}

impl Peer {
    /// Before its SYN came: full segments as `config` has them.
    pub fn new(config: &Config) -> Peer {
        Peer { payload: config.payload().get(), largest_window: 0, shift: 0 }
    }

    /// A segment came from it.
    pub fn hear(&mut self, config: &Config, segment: &Segment) {
        let syn = segment.flags.has(Flags::SYN);
        if syn {
            self.payload = config_with(config, segment).payload().get();
            self.shift = segment.syn.window_scale.filter(|_| config.window_scaling).unwrap_or(0).min(14);
        }
        let window = u64::from(segment.window) << if syn { 0 } else { self.shift };
        self.largest_window = self.largest_window.max(window);
    }
}

/// `config` with the segment size that it and the peer of `syn` settle on (RFC 9293, section 3.7.1).
pub fn config_with(config: &Config, syn: &Segment) -> Config {
    // A peer that gives no MSS takes 536 bytes.
    let theirs = if syn.syn.mss == 0 { 536 } else { syn.syn.mss };
    let timestamps = config.timestamps && syn.timestamps.is_some();
    Config { mss: config.mss.min(theirs), timestamps, ..config.clone() }
}

impl Socket {
    /// The connection, if there is one.
    pub fn stream(&self) -> Option<&Stream> {
        match &self.role {
            Role::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub fn stream_mut(&mut self) -> Option<&mut Stream> {
        match &mut self.role {
            Role::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    /// Takes the pending error.
    pub fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }
}

impl Stream {
    /// Whether `segment` carries the last byte that was written so far.
    pub fn ends_written(&self, segment: &Segment) -> bool {
        let end = segment.seq.wrapping_add(segment.payload);
        let written = self.translation.first_byte().wrapping_add(self.connection.written() as u32);
        segment.payload > 0 && end == written
    }

    /// The error that a failed connection's socket reports, as Linux has it.
    pub fn error(&self) -> Errno {
        match self.connection.failure() {
            Some(Failure::Refused) | Some(Failure::Unreachable(Unreachable::Port)) => Errno::Refused,
            // The peer had closed in good order before.
            Some(Failure::Reset) if self.connection.peer_closed() => Errno::Pipe,
            Some(Failure::TimedOut) => Errno::TimedOut,
            Some(Failure::Unreachable(Unreachable::Network)) => Errno::NetUnreachable,
            Some(Failure::Unreachable(Unreachable::Protocol)) => Errno::NoSuchOption,
            Some(Failure::Unreachable(Unreachable::Host | Unreachable::Prohibited)) => Errno::HostUnreachable,
            Some(Failure::Reset | Failure::Aborted) | None => Errno::Reset,
        }
    }

    /// Whether the peer has all that was written, the FIN with it, or the connection is no more.
    pub fn has_finished(&self) -> bool {
        self.failed || self.connection.status() == Status::Closed || self.connection.is_finished()
    }

    /// Bytes that came in order.
    pub fn arrived(&self) -> u64 {
        self.connection.received() + self.connection.readable()
    }

    /// Whether a handshake of ours is under way.
    pub fn is_opening(&self) -> bool {
        !self.established && !self.failed
    }

    /// Bytes written that the peer has not acknowledged.
    pub fn queued(&self) -> u64 {
        self.connection.written() - self.connection.acknowledged()
    }
}

/// Time that adds up while something lacks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lack {
    since: Option<Time>,
    total: Span,
}

impl Lack {
    /// Whether it lacks from now on.
    pub fn note(&mut self, now: Time, lacks: bool) {
        match (self.since, lacks) {
            (None, true) => self.since = Some(now),
            (Some(since), false) => {
                self.total += now.since(since);
                self.since = None;
            }
            _ => {}
        }
    }

    /// All of it until `now`.
    pub fn total(&self, now: Time) -> Span {
        self.total + self.since.map_or(Span::ZERO, |since| now.since(since))
    }
}
