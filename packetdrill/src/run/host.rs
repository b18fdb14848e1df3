//! The host that a script runs on: its clock, its sockets, and the wire in front of it.

use std::collections::{BTreeMap, VecDeque};

use burstlab_algorithms::{Registry, Span, Time};
use burstlab_network::{Direction, Flags, FlowId, Segment};
use burstlab_stacks::native::{Config, Connection};
use burstlab_stacks::{Endpoint, Status};

use super::errno::Errno;
use super::{buffer, marks};
use super::settings::Settings;
use super::socket::{Descriptor, Peer, Role, Socket, SocketId, SocketOptions, Stream, config_with};
use super::translation::Translation;

/// The clock's first instant: late enough for timestamps to differ from the zero that stands for none.
pub const START: Time = Time::from_nanos(100_000_000_000);

/// Timers that may expire at one instant before the stack is said to be stuck.
const TIMERS_PER_INSTANT: u32 = 10_000;

/// A packet that the stack sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// When.
    pub at: Time,
    /// By which socket.
    pub socket: SocketId,
    /// What.
    pub segment: Segment,
    /// Position behind its payload, if nothing more had been written by then.
    pub end: Option<u64>,
}

/// A host with Linux's socket interface and the native stack.
pub struct Host {
    /// What it is set to.
    pub settings: Settings,
    /// The clock.
    pub now: Time,
    /// The number of each connection's SYN.
    pub initial_sequence: u32,
    /// Descriptors by the numbers that the script knows them by.
    pub descriptors: BTreeMap<i64, Descriptor>,
    /// All sockets that there ever were.
    pub sockets: Vec<Socket>,
    /// What was sent and not looked at yet.
    pub wire: VecDeque<Sent>,
    /// The socket that packets of the script belong to.
    pub under_test: Option<SocketId>,
    /// The default controller.
    pub controller: String,
    registry: Registry,
    /// Timers that expired at this instant.
    expired: u32,
}

impl Host {
    /// A host without sockets.
    pub fn new(registry: &Registry, controller: &str, initial_sequence: u32) -> Host {
        Host {
            settings: Settings::default(),
            now: START,
            initial_sequence,
            descriptors: BTreeMap::new(),
            sockets: Vec::new(),
            wire: VecDeque::new(),
            under_test: None,
            controller: controller.to_owned(),
            registry: registry.clone(),
            expired: 0,
        }
    }

    /// The controller that a fresh socket has.
    pub fn default_congestion(&self) -> String {
        self.settings.congestion.clone().unwrap_or_else(|| self.controller.clone())
    }

    /// Whether there is a controller of that name.
    pub fn knows_controller(&self, name: &str) -> bool {
        self.registry.parse(name).is_ok()
    }

    /// Adds a socket.
    pub fn add(&mut self, socket: Socket) -> SocketId {
        self.sockets.push(socket);
        self.sockets.len() - 1
    }

    /// A socket without a connection.
    pub fn fresh(&mut self) -> SocketId {
        let options = SocketOptions::new(&self.settings, &self.default_congestion());
        self.add(Socket { role: Role::Fresh, options, nonblocking: false, error: None, held: true })
    }

    /// The socket that `descriptor` stands for.
    pub fn socket(&self, descriptor: i64) -> Result<SocketId, Errno> {
        match self.descriptors.get(&descriptor) {
            Some(Descriptor::Socket(id)) => Ok(*id),
            Some(_) => Err(Errno::NotSocket),
            None => Err(Errno::BadDescriptor),
        }
    }

    fn config(&self, options: &SocketOptions) -> Config {
        let settings = &self.settings;
        let mss = options.max_segment.map_or(settings.mss(), |set| set.min(settings.mss()));
        let buffer = buffer::receive_buffer(settings, options.receive_buffer);
        Config {
            mss,
            initial_window: settings.initial_window,
            min_rto: settings.min_rto,
            max_rto: settings.max_rto,
            receive_buffer: buffer,
            nagle: !options.no_delay,
            timestamps: settings.timestamps,
            sack: settings.sack,
            window_scaling: settings.window_scaling,
            slow_start_after_idle: settings.slow_start_after_idle,
            initial_sequence: self.initial_sequence,
            max_retransmissions: settings.retries,
            tail_loss_probe: settings.tail_loss_probe,
            min_probe_timeout: Span::from_millis(2),
            generalized_ecn: options.congestion == "dctcp",
            time_wait: Span::from_secs(60),
            ..Config::default()
        }
    }

    /// A stream for a connection that begins now. `peer`: the SYN that it answers.
    pub fn new_stream(&self, options: &SocketOptions, peer: Option<&Segment>) -> Option<Stream> {
        let config = self.config(options);
        // RFC 6928 counts the initial window in segments that the sender may send: the SYN that is answered tells.
        let path = peer.map_or_else(|| config.clone(), |syn| config_with(&config, syn)).path(self.now, 0);
        let feedback = marks::feedback(self.settings.ecn, &options.congestion, peer.is_some());
        let direction = if peer.is_some() { Direction::Backward } else { Direction::Forward };
        let controller = marks::builder(&self.registry, &options.congestion, feedback)?.build(&path);
        let mut connection = Connection::new(config.clone(), direction, FlowId(0), controller, feedback);
        connection.set_reading(false);
        Some(Stream {
            connection,
            listener: None,
            established: false,
            told: peer.is_some(),
            read_shut: false,
            write_shut: false,
            failed: false,
            boundaries: Default::default(),
            wants_room: false,
            gives_up: Time::NEVER,
            peer: Peer::new(&config),
            sent: 0,
            config,
            translation: Translation::new(self.initial_sequence),
        })
    }

    /// Lets the earliest timer expire, if that is by `until`; else the clock goes there. Whether a timer expired.
    ///
    /// # Errors
    /// If timers expire without end at one instant.
    pub fn step(&mut self, until: Time) -> Result<bool, Stuck> {
        let Some((at, id)) = self.next_timer().filter(|(at, _)| *at <= until) else {
            self.now = self.now.max(until);
            return Ok(false);
        };
        if at > self.now {
            self.expired = 0;
        }
        self.expired += 1;
        if self.expired > TIMERS_PER_INSTANT {
            return Err(Stuck { at: self.now });
        }
        self.now = self.now.max(at);
        self.wake(id);
        Ok(true)
    }

    /// The earliest timer, and whose it is.
    pub fn next_timer(&self) -> Option<(Time, SocketId)> {
        let timers = self.sockets.iter().enumerate().filter_map(|(id, socket)| {
            let stream = socket.stream()?;
            Some((stream.connection.next_wake().min(stream.gives_up), id))
        });
        timers.filter(|(at, _)| !at.is_never()).min()
    }

    fn wake(&mut self, id: SocketId) {
        let now = self.now;
        if let Some(stream) = self.sockets[id].stream_mut() {
            if stream.gives_up <= now {
                stream.gives_up = Time::NEVER;
                if !stream.connection.peer_closed() {
                    stream.connection.abort(now);
                    // An orphan goes without a word.
                    while stream.connection.poll_transmit(now).is_some() {}
                }
            }
            stream.connection.on_wake(now);
        }
        self.settle(id, Event::Timer);
    }

    /// The descriptor is closed: nobody watches it any more.
    pub fn forget(&mut self, descriptor: i64) {
        for other in self.descriptors.values_mut() {
            if let Descriptor::Epoll(epoll) = other {
                epoll.interests.remove(&descriptor);
            }
        }
    }

    /// A packet for the socket under test comes in.
    pub fn inject(&mut self, segment: &Segment) {
        let Some(id) = self.under_test else {
            self.refuse(segment);
            return;
        };
        if matches!(self.sockets[id].role, Role::Listener(_)) {
            self.on_listener(id, segment);
            return;
        }
        let now = self.now;
        if let Some(stream) = self.sockets[id].stream_mut() {
            stream.peer.hear(&stream.config, segment);
            stream.connection.on_segment(now, segment);
        }
        self.settle(id, Event::Segment);
    }

    /// A packet for a listening socket: a SYN begins a connection, anything else is refused by one that goes again.
    fn on_listener(&mut self, listener: SocketId, segment: &Segment) {
        let Role::Listener(state) = &self.sockets[listener].role else { return };
        let is_syn = segment.flags.has(Flags::SYN) && !segment.flags.has(Flags::ACK.with(Flags::RST));
        if is_syn && state.queue.len() > state.backlog {
            return;
        }
        let options = self.sockets[listener].options.clone();
        let Some(mut stream) = self.new_stream(&options, Some(segment)) else { return };
        stream.listener = Some(listener);
        stream.translation.learn_remote(segment.seq);
        stream.peer.hear(&stream.config, segment);
        stream.connection.on_segment(self.now, segment);
        let role = Role::Stream(Box::new(stream));
        let id = self.add(Socket { role, options, nonblocking: false, error: None, held: true });
        self.under_test = Some(id);
        self.settle(id, Event::Segment);
    }

    /// A packet that no socket is there for: RFC 9293, section 3.10.7.1.
    fn refuse(&mut self, segment: &Segment) {
        let options = SocketOptions::new(&self.settings, &self.default_congestion());
        let Some(mut stream) = self.new_stream(&options, Some(segment)) else { return };
        // It has no numbers of its own: what it sends is taken from the segment.
        stream.translation = Translation::default();
        stream.translation.learn_remote(segment.seq);
        stream.connection.abort(self.now);
        stream.connection.on_segment(self.now, segment);
        stream.failed = true;
        let role = Role::Stream(Box::new(stream));
        let id = self.add(Socket { role, options, nonblocking: false, error: None, held: false });
        self.under_test = Some(id);
        self.settle(id, Event::Segment);
    }

    /// After anything happened to a connection: what it sends goes on the wire, and its socket takes note of its state.
    pub fn settle(&mut self, id: SocketId, event: Event) {
        let Role::Stream(stream) = &mut self.sockets[id].role else { return };
        let peer_closed = stream.connection.peer_closed();
        while let Some(segment) = stream.connection.poll_transmit(self.now) {
            stream.note_sent(&segment);
            let end = stream.ends_written(&segment).then(|| stream.connection.written());
            self.wire.push_back(Sent { at: self.now, socket: id, segment, end });
        }
        let status = stream.connection.status();
        if status == Status::Failed && !stream.failed {
            stream.failed = true;
            self.sockets[id].error = Some(stream.why_failed(event, peer_closed));
        }
        self.note_opening(id, status);
        self.note_orphan(id);
        buffer::on_progress(&mut self.sockets[id]);
    }

    fn note_opening(&mut self, id: SocketId, status: Status) {
        let Role::Stream(stream) = &mut self.sockets[id].role else { return };
        if matches!(status, Status::Open | Status::Closed) && !stream.established {
            stream.established = true;
            buffer::on_established(&mut self.sockets[id]);
        }
        let Role::Stream(stream) = &mut self.sockets[id].role else { return };
        if stream.established {
            if let Some(listener) = stream.listener.take() {
                self.enqueue(listener, id);
            }
        }
    }

    /// A closed socket whose peer does not close waits for it no longer than `tcp_fin_timeout`.
    fn note_orphan(&mut self, id: SocketId) {
        let gives_up = self.now + self.settings.fin_timeout;
        let socket = &mut self.sockets[id];
        if let Role::Stream(stream) = &mut socket.role
            && !socket.held
            && stream.gives_up.is_never()
            && stream.connection.is_finished()
            && !stream.connection.peer_closed()
            && !stream.failed
        {
            stream.gives_up = gives_up;
        }
    }

    /// A connection waits to be accepted.
    fn enqueue(&mut self, listener: SocketId, id: SocketId) {
        if let Role::Listener(state) = &mut self.sockets[listener].role {
            state.queue.push_back(id);
        }
    }
}

/// What happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A segment came in.
    Segment,
    /// A timer expired.
    Timer,
    /// The application called.
    Call,
}

/// A timer expired again and again at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck {
    /// The instant.
    pub at: Time,
}
