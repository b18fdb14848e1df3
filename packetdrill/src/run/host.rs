//! The host that a script runs on: its clock, its sockets, and the wire in front of it.

use std::collections::{BTreeMap, VecDeque};

use burstlab_algorithms::{Controller, EcnFeedback, Registry, Span, Time};
use burstlab_network::{Direction, Flags, FlowId, Segment};
use burstlab_stacks::native::{Config, Connection, Icmp};
use burstlab_stacks::{Endpoint, Status};

use super::errno::Errno;
use super::settings::Settings;
use super::socket::{Descriptor, Lack, Peer, Role, Socket, SocketId, SocketOptions, Stream, config_with};
use super::translation::Translation;
use super::{buffer, marks};

/// The clock's first instant: late enough for timestamps to differ from the zero that stands for none.
pub const START: Time = Time::from_nanos(100_000_000_000);

/// Timers that may expire at one instant before the stack is said to be stuck.
const TIMERS_PER_INSTANT: u32 = 10_000;

/// Timers that may expire in a script: a thousand times what the longest needs, and an end to those that ask for years.
const TIMERS: u32 = 1_000_000;

/// Linux's least delay of an ACK (`TCP_DELACK_MIN`), which it has until it knows better.
const DELAYED_ACK: Span = Span::from_millis(40);
/// ACKs that Linux does not delay at a connection's start (`TCP_MAX_QUICKACKS`).
const QUICK_ACKS: u32 = 16;
/// Tick of Linux's timestamps.
pub const TIMESTAMP_TICK: Span = Span::from_millis(1);
/// Linux's least probe timeout (`TCP_TIMEOUT_MIN`): two ticks of a kernel that ticks each millisecond.
const LEAST_PROBE_TIMEOUT: Span = Span::from_millis(2);
/// Linux's TIME-WAIT (`TCP_TIMEWAIT_LEN`).
const TIME_WAIT: Span = Span::from_secs(60);

/// A controller, and the feedback on marks that is asked for.
type Chosen = (Box<dyn Controller>, EcnFeedback);

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
    /// Timers that expired at this instant,
    expired: u32,
    /// and in all.
    all_expired: u32,
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
            all_expired: 0,
        }
    }

    /// The controller that a fresh socket has.
    pub fn default_congestion(&self) -> String {
        self.settings.congestion.clone().unwrap_or_else(|| controller_name(&self.controller).to_owned())
    }

    /// What a script means by a controller's name: with the parameters of the default one, if it is that.
    pub fn controller_spec<'a>(&'a self, name: &'a str) -> &'a str {
        if controller_name(&self.controller) == name { &self.controller } else { name }
    }

    /// Whether there is a controller of that name.
    pub fn knows_controller(&self, name: &str) -> bool {
        self.registry.parse(self.controller_spec(name)).is_ok()
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
        let linux = settings.linux;
        let (receive_buffer, window_shift) = buffer::receive_buffer(settings, options.receive_buffer);
        Config {
            mss: options.max_segment.map_or(settings.mss(), |set| set.min(settings.mss())),
            initial_window: settings.initial_window,
            min_rto: settings.min_rto,
            max_rto: settings.max_rto,
            min_rto_on_variation: linux,
            delayed_ack: (!settings.quick_ack).then_some(DELAYED_ACK),
            quick_acks: QUICK_ACKS,
            receive_buffer,
            window_shift: Some(window_shift),
            nagle: !options.no_delay,
            minshall: linux,
            timestamps: settings.timestamps,
            timestamp_tick: TIMESTAMP_TICK,
            sack: settings.sack,
            window_scaling: settings.window_scaling,
            slow_start_after_idle: settings.slow_start_after_idle,
            initial_sequence: self.initial_sequence,
            max_retransmissions: settings.retries,
            syn_retransmissions: Some(options.syn_retries.unwrap_or(settings.syn_retries)),
            linear_syn_timeouts: if linux { settings.syn_linear_timeouts } else { 0 },
            syn_ack_retransmissions: Some(settings.synack_retries),
            empty_window_probes: linux,
            soft_errors_end_opening: linux,
            tail_loss_probe: settings.tail_loss_probe,
            min_probe_timeout: LEAST_PROBE_TIMEOUT,
            // Linux takes its least timeout for the longest that a peer holds an ACK back.
            peer_ack_delay: Some(settings.min_rto),
            // Linux's data centres mark all of it, and its accurate ECN all but the handshake.
            generalized_ecn: options.congestion == "dctcp" || linux,
            generalized_syn: options.congestion == "dctcp",
            acc_ecn_option: settings.accurate_option,
            time_wait: TIME_WAIT,
            fin_timeout: Some(settings.fin_timeout),
            user_timeout: options.user_timeout(),
            keep_alive: options.keep_alive(),
            ..Config::default()
        }
    }

    /// A controller for a connection with `config` that begins now.
    fn controller(&self, options: &SocketOptions, config: &Config, passive: bool) -> Option<Chosen> {
        let feedback = marks::feedback(self.settings.ecn, &options.congestion, passive);
        let builder = marks::builder(&self.registry, self.controller_spec(&options.congestion), feedback)?;
        Some((builder.build(&config.path(self.now, 0)), feedback))
    }

    /// A stream for a connection that begins now. `peer`: the SYN that it answers.
    pub fn new_stream(&self, options: &SocketOptions, peer: Option<&Segment>) -> Option<Stream> {
        let config = self.config(options);
        // RFC 6928 counts the initial window in segments that the sender may send: the SYN that is answered tells.
        let settled = peer.map_or_else(|| config.clone(), |syn| config_with(&config, syn));
        let (controller, feedback) = self.controller(options, &settled, peer.is_some())?;
        let direction = if peer.is_some() { Direction::Backward } else { Direction::Forward };
        let mut connection = Connection::new(config.clone(), direction, FlowId(0), controller, feedback);
        connection.set_cork(options.cork);
        connection.set_max_pacing_rate(options.pacing_limit());
        if let Some(quick) = options.quick_ack {
            connection.set_quick_acks(quick);
        }
        connection.set_reading(false);
        Some(Stream {
            connection,
            listener: None,
            established: false,
            opened: peer.is_none(),
            told: peer.is_some(),
            read_shut: false,
            write_shut: false,
            failed: false,
            boundaries: Default::default(),
            wants_room: false,
            short_of_room: Lack::default(),
            born: self.now,
            peer: Peer::new(&config),
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
        self.all_expired += 1;
        if self.expired > TIMERS_PER_INSTANT || self.all_expired > TIMERS {
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
            Some((stream.connection.next_wake(), id))
        });
        timers.filter(|(at, _)| !at.is_never()).min()
    }

    fn wake(&mut self, id: SocketId) {
        let now = self.now;
        if let Some(stream) = self.sockets[id].stream_mut() {
            stream.connection.on_wake(now);
        }
        self.settle(id);
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
        if let Some(listener) = self.reopens(id, segment) {
            self.on_listener(listener, segment);
            return;
        }
        self.tell_segment_size(id, segment);
        let now = self.now;
        if let Some(stream) = self.sockets[id].stream_mut() {
            stream.peer.hear(&stream.config, segment);
            stream.connection.on_segment(now, segment);
        }
        self.settle(id);
    }

    /// The listener that a SYN opens a new connection of, where an old one stood that is over (RFC 9293, section 3.6.1).
    fn reopens(&self, id: SocketId, segment: &Segment) -> Option<SocketId> {
        const CLOSED: u8 = 7;
        let stream = self.sockets[id].stream()?;
        let opens = segment.flags.has(Flags::SYN) && !segment.flags.has(Flags::ACK.with(Flags::RST));
        let over = stream.connection.info(self.now).state == CLOSED || stream.connection.yields_to(segment);
        if !opens || !over {
            return None;
        }
        self.sockets.iter().position(|socket| socket.held && matches!(socket.role, Role::Listener(_)))
    }

    /// An ICMP message comes in about a segment of the socket under test with the number `seq`.
    pub fn on_icmp(&mut self, message: Icmp, seq: u32) {
        let (Some(id), now) = (self.under_test, self.now) else { return };
        if let Some(stream) = self.sockets[id].stream_mut() {
            stream.connection.on_icmp(now, message, seq);
        }
        self.settle(id);
    }

    /// The application chose another controller.
    pub fn replace_controller(&mut self, id: SocketId) {
        let socket = &self.sockets[id];
        let Some(stream) = socket.stream() else { return };
        let config = Config { mss: u16::try_from(stream.peer.payload).unwrap_or(u16::MAX), ..stream.config.clone() };
        let config = Config { timestamps: false, ..config };
        if let Some((controller, _)) = self.controller(&socket.options, &config, !stream.opened)
            && let Some(stream) = self.sockets[id].stream_mut()
        {
            stream.connection.set_controller(self.now, controller);
        }
    }

    /// A SYN/ACK settles how large segments are, and so the initial window in bytes (RFC 6928).
    fn tell_segment_size(&mut self, id: SocketId, segment: &Segment) {
        let socket = &self.sockets[id];
        let answers = segment.flags.has(Flags::SYN) && segment.flags.has(Flags::ACK);
        let Some(stream) = socket.stream().filter(|stream| answers && stream.opened && stream.is_opening()) else {
            return;
        };
        let settled = config_with(&stream.config, segment);
        if let Some((controller, _)) = self.controller(&socket.options, &settled, false)
            && let Some(stream) = self.sockets[id].stream_mut()
        {
            stream.connection.set_controller(self.now, controller);
        }
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
        self.settle(id);
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
        self.settle(id);
    }

    /// After anything happened to a connection: what it sends goes on the wire, and its socket takes note of its state.
    pub fn settle(&mut self, id: SocketId) {
        let Role::Stream(stream) = &mut self.sockets[id].role else { return };
        while let Some(segment) = stream.connection.poll_transmit(self.now) {
            let end = stream.ends_written(&segment).then(|| stream.connection.written());
            self.wire.push_back(Sent { at: self.now, socket: id, segment, end });
        }
        let status = stream.connection.status();
        if status == Status::Failed && !stream.failed {
            stream.failed = true;
            self.sockets[id].error = Some(stream.error());
        }
        self.note_opening(id, status);
        buffer::on_progress(&mut self.sockets[id], self.now);
    }

    fn note_opening(&mut self, id: SocketId, status: Status) {
        let Role::Stream(stream) = &mut self.sockets[id].role else { return };
        if matches!(status, Status::Open | Status::Closed) && !stream.established {
            stream.established = true;
            stream.born = self.now;
            buffer::on_established(&mut self.sockets[id]);
        }
        let Role::Stream(stream) = &mut self.sockets[id].role else { return };
        if stream.established
            && let Some(listener) = stream.listener.take()
        {
            self.enqueue(listener, id);
        }
    }

    /// A connection waits to be accepted.
    fn enqueue(&mut self, listener: SocketId, id: SocketId) {
        if let Role::Listener(state) = &mut self.sockets[listener].role {
            state.queue.push_back(id);
        }
    }
}

/// A spec without its parameters.
fn controller_name(spec: &str) -> &str {
    spec.split_once('?').map_or(spec, |(name, _)| name).trim()
}

/// A timer expired again and again at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck {
    /// The instant.
    pub at: Time,
}
