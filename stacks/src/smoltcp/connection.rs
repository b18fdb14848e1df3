//! One side of a connection: an interface with one socket, and what is done to its packets.

use ::smoltcp::iface::{self, Interface, PollResult, SocketHandle, SocketSet};
use ::smoltcp::socket::tcp::{self, State};
use ::smoltcp::time::{Duration, Instant};
use ::smoltcp::wire::HardwareAddress;
use burstlab_algorithms::{Span, Time};
use burstlab_network::{Direction, Flags, FlowId, Segment};

use super::device::{Device, Packet};
use super::line::Line;
use super::observer::{Emission, Observer};
use super::receiver::Receiver;
use super::window::Window;
use super::{Config, Congestion, ecn, frame};
use crate::Status;
use crate::content::{self, Reader};

mod endpoint;

/// smoltcp's clock ticks once a microsecond; also the soonest that it is called again when it says "now" and does
/// nothing.
const TICK: Span = Span::from_micros(1);

/// One side of one TCP connection, by smoltcp.
///
/// ```
/// use burstlab_algorithms::{Bytes, Time};
/// use burstlab_network::{Direction, FlowId};
/// use burstlab_stacks::{Endpoint, native, smoltcp::{Config, Congestion, Connection}};
///
/// let [a, b] = ["10.77.0.1:40000", "10.77.0.2:29500"].map(|text| text.parse().unwrap());
/// let side = |own, peer, direction| {
///     let config = Config { tcp: native::Config::default(), mtu: 1500, own, peer, keys: None, verify: false };
///     Connection::new(config, direction, FlowId(0), Congestion::Reno)
/// };
/// let (mut client, mut server) = (side(a, b, Direction::Forward), side(b, a, Direction::Backward));
/// client.connect(Time::ZERO);
/// client.write(Time::ZERO, Bytes::new(100_000));
/// for now in (0..100).map(|us| Time::from_nanos(1000 * us)) {
///     while let Some(segment) = client.poll_transmit(now) {
///         server.on_segment(now, &segment);
///     }
///     while let Some(segment) = server.poll_transmit(now) {
///         client.on_segment(now, &segment);
///     }
/// }
/// assert_eq!(server.received(), 100_000);
/// ```
pub struct Connection {
    config: Config,
    flow: FlowId,
    direction: Direction,
    device: Device,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    enforced: bool,
    observer: Observer,
    window: Window,
    receiver: Receiver,
    line: Line,
    reader: Reader,
    /// Bytes that the application wrote,
    written: u64,
    /// and how many of them smoltcp has.
    given: u64,
    closing: bool,
    /// The acknowledgement and window that smoltcp sent last.
    latest: (u32, u16),
    /// When smoltcp wants to be called.
    wake: Time,
    established: bool,
    ended: Option<Status>,
}

impl Connection {
    /// A connection that listens, until [`connect`](crate::Endpoint::connect) is called. The segments that it sends
    /// belong to `flow` and go in `direction`.
    pub fn new(config: Config, direction: Direction, flow: FlowId, congestion: Congestion) -> Connection {
        let (own, controller, feedback, enforced) = congestion.split();
        let mut device = Device::new(config.smoltcp_mtu(), config.keys.is_some());
        let mut settings = iface::Config::new(HardwareAddress::Ip);
        let side = u64::from(flow.0) << 1 | u64::from(direction == Direction::Backward);
        settings.random_seed = u64::from(config.tcp.initial_sequence) << 33 ^ side;
        let mut interface = Interface::new(settings, &mut device, Instant::ZERO);
        // An address of its own would have to be a proper one, or smoltcp panics. Only packets of this connection come.
        interface.set_any_ip(true);
        let buffer = || tcp::SocketBuffer::new(vec![0; config.buffer()]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.set_congestion_control(own);
        socket.set_nagle_enabled(config.tcp.nagle);
        socket
            .set_ack_delay(config.tcp.delayed_ack.map(|delay| Duration::from_micros(delay.as_nanos().div_ceil(1000))));
        let refused = socket.listen(config.own.port()).is_err();
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let socket = sockets.add(socket);
        let ecn = ecn::Device::new(feedback, config.tcp.generalized_ecn);
        let mut connection = Connection {
            observer: Observer::new(&config, controller, ecn),
            flow,
            direction,
            device,
            interface,
            sockets,
            socket,
            enforced,
            window: Window::default(),
            receiver: Receiver::default(),
            line: Line::new(),
            reader: Reader::new(config.keys.map_or(0, |keys| keys.incoming)),
            written: 0,
            given: 0,
            closing: false,
            latest: (0, 0),
            wake: Time::NEVER,
            established: false,
            ended: refused.then_some(Status::Failed),
            config,
        };
        connection.follow_controller();
        connection
    }

    fn socket(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(self.socket)
    }

    fn state(&self) -> State {
        self.sockets.get::<tcp::Socket>(self.socket).state()
    }

    fn follow_controller(&mut self) {
        let control = self.observer.controller.control();
        self.line.pace(control.pacing_rate, control.burst, self.observer.mss);
    }

    /// Gives smoltcp a segment of the peer, whose packet is `packet`, or one made up if it carries no bytes.
    fn take_in(&mut self, now: Time, segment: &Segment, packet: Option<&[u8]>) {
        if !self.observer.is_acceptable(segment) {
            // smoltcp takes an acknowledgement of what it has and did not send yet (RFC 9293, section 3.10.7.4 does
            // not).
            return;
        }
        let mut field = segment.window;
        let buffer = self.config.buffer() as u64;
        if segment.flags.has(Flags::SYN) {
            if self.takes_syn(segment) {
                self.observer.on_syn(segment);
                self.receiver.on_syn(segment);
                self.window.on_syn(segment);
                self.follow_controller();
                field = self.window.cut(segment, self.observer.window(), false);
            }
        } else if !segment.flags.has(Flags::RST) && self.receiver.is_acceptable(segment, buffer) {
            self.before_data(now, segment);
            field = self.on_ack(now, segment);
        }
        match packet {
            Some(packet) => {
                self.device.incoming.clear();
                self.device.incoming.extend_from_slice(packet);
                frame::set_window(&mut self.device.incoming, field);
            }
            None => {
                let segment = Segment { window: field, ..*segment };
                let Config { own, peer, .. } = self.config;
                if !frame::encode(&segment, peer, own, &mut self.device.incoming) {
                    return;
                }
            }
        }
        self.device.waiting = true;
        let before = self.state();
        self.interface.poll_ingress_single(instant(now), &mut self.device, &mut self.sockets);
        self.after_ingress(now, before);
        self.run(now);
    }

    /// Whether smoltcp will take a SYN for the peer's.
    fn takes_syn(&self, segment: &Segment) -> bool {
        let odd = segment.flags.has(Flags::FIN.with(Flags::RST));
        match self.state() {
            State::Listen => !odd && !segment.flags.has(Flags::ACK),
            State::SynSent => !odd && (!segment.flags.has(Flags::ACK) || self.observer.acknowledges_syn(segment)),
            _ => false,
        }
    }

    /// What a segment's payload and mark mean, before smoltcp acknowledges it.
    fn before_data(&mut self, now: Time, segment: &Segment) {
        let buffer = self.config.buffer() as u64;
        self.receiver.count(segment, buffer, &mut self.observer.counters);
        if self.observer.ecn.on_segment(segment) {
            let expected = self.receiver.expected();
            if self.latest.0 != expected {
                self.acknowledge_as_before(now, expected);
            }
            self.observer.ecn.flip();
        }
    }

    /// An ACK that smoltcp would still delay, with the echo of what it is for.
    fn acknowledge_as_before(&mut self, now: Time, ack: u32) {
        let segment = Segment {
            flags: Flags::ACK,
            seq: self.observer.next_on_wire(),
            ack,
            window: self.latest.1,
            ..Segment::default()
        };
        self.latest.0 = ack;
        self.queue(now, Packet { segment, bytes: Vec::new() });
    }

    /// Tells the controller, and gives the window field that smoltcp is to see.
    fn on_ack(&mut self, now: Time, segment: &Segment) -> u16 {
        if !segment.flags.has(Flags::ACK) {
            return segment.window;
        }
        let Some(duplicate) = self.observer.on_ack(now, segment, self.written) else { return segment.window };
        self.follow_controller();
        let before = self.window.told();
        let mut field = self.window.cut(segment, self.observer.window(), duplicate);
        if duplicate && self.window.told() == before && self.observer.una() >= self.written {
            // Three duplicates while nothing but its FIN is out would make smoltcp stop its timer and send nothing,
            // ever.
            field = self.window.differ();
        }
        self.observer.count_duplicate(duplicate, self.window.told() != before);
        field
    }

    fn after_ingress(&mut self, now: Time, before: State) {
        let state = self.state();
        if !self.established && matches!(state, State::Established | State::CloseWait) {
            self.established = true;
            self.observer.establish(now);
        }
        self.receiver.finished = matches!(state, State::CloseWait | State::LastAck | State::Closing | State::TimeWait);
        if state == State::Closed && before != State::Closed && self.ended.is_none() {
            // A reset in these states is that of a peer that is through: RFC 9293, section 3.10.7.4.
            let in_order = matches!(before, State::Closing | State::LastAck | State::TimeWait);
            self.ended = Some(if in_order { Status::Closed } else { Status::Failed });
        }
        self.read();
    }

    /// The application reads everything at once.
    fn read(&mut self) {
        let whole = self.device.keeps_bytes();
        while self.sockets.get::<tcp::Socket>(self.socket).can_recv() {
            let (reader, socket) = (&mut self.reader, self.sockets.get_mut::<tcp::Socket>(self.socket));
            let read = socket.recv(|bytes| {
                if whole {
                    reader.read(bytes);
                }
                (bytes.len(), bytes.len())
            });
            match read {
                Ok(bytes) if bytes > 0 => self.receiver.read(bytes as u64),
                _ => break,
            }
        }
    }

    /// Lets smoltcp have what the application wrote, and send what it may.
    fn run(&mut self, now: Time) {
        let at = instant(now);
        loop {
            self.collect(now);
            self.fill();
            self.finish_writing();
            self.set_nagle();
            if self.interface.poll_egress(at, &mut self.device, &mut self.sockets) == PollResult::None {
                break;
            }
        }
        self.observer.settle();
        if self.observer.retries > self.config.tcp.max_retransmissions && self.ended.is_none() {
            self.abort_socket(now);
        }
        self.schedule(now);
    }

    fn schedule(&mut self, now: Time) {
        let next = self.interface.poll_at(instant(now), &self.sockets);
        self.wake = next.map_or(Time::NEVER, |at| {
            let at = Time::from_nanos((at.total_micros().max(0) as u64).saturating_mul(1000));
            at.max(now + TICK)
        });
        if self.state() == State::Closed && self.ended.is_none() && self.established {
            // TIME-WAIT is over.
            self.ended = Some(Status::Closed);
        }
    }

    fn fill(&mut self) {
        let key = self.config.keys.map(|keys| keys.outgoing);
        while self.given < self.written && self.socket().can_send() {
            let (left, given) = (self.written - self.given, self.given);
            let taken = self.socket().send(|room| {
                let len = room.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                if let Some(key) = key {
                    content::fill(key, given, &mut room[..len]);
                }
                (len, len)
            });
            match taken {
                Ok(bytes) if bytes > 0 => self.given += bytes as u64,
                _ => break,
            }
        }
    }

    /// Once a FIN waits, smoltcp takes no care of small segments any more (see [`set_nagle`](Self::set_nagle)): so the
    /// FIN is held back until the last byte has been sent.
    fn finish_writing(&mut self) {
        let sent = self.given == self.written && self.observer.pointer >= self.written;
        if self.closing && sent && self.socket().may_send() {
            self.socket().close();
        }
    }

    /// Without Nagle, smoltcp sends whatever fits into the window, however small (a "silly window", RFC 9293, section
    /// 3.8.6.2.1); with it, the end of a burst waits for all the rest. So it is on while there is a full packet to
    /// send, or not room for all of the end.
    fn set_nagle(&mut self) {
        let unsent = self.given.saturating_sub(self.observer.pointer);
        let room = (self.observer.una() + self.window.told()).saturating_sub(self.observer.pointer);
        let waits = unsent >= u64::from(self.observer.mss) || room < unsent;
        let nagle = waits || self.config.tcp.nagle;
        self.socket().set_nagle_enabled(nagle);
    }

    /// Takes over what smoltcp emitted.
    fn collect(&mut self, now: Time) {
        while let Some(packet) = self.device.take() {
            self.queue(now, packet);
        }
    }

    fn queue(&mut self, now: Time, mut packet: Packet) {
        let emission = self.observer.on_emitted(now, &packet.segment, self.window.told());
        let segment = &mut packet.segment;
        (segment.flow, segment.direction) = (self.flow, self.direction);
        if segment.flags.has(Flags::ACK) && !segment.flags.has(Flags::RST) {
            self.latest = (segment.ack, segment.window);
        }
        match emission {
            Emission::Control => {
                self.mark_control(segment);
                self.line.push_control(packet);
            }
            Emission::Data => self.line.push(packet),
            Emission::Repair => {
                self.follow_controller();
                self.line.push_first(packet);
            }
            Emission::Timeout => self.start_again(now, packet),
        }
    }

    fn mark_control(&mut self, segment: &mut Segment) {
        let codepoint = self.observer.codepoint;
        if segment.flags.has(Flags::SYN) {
            self.observer.ecn.mark_syn(segment, codepoint);
        } else if !segment.flags.has(Flags::RST) {
            self.observer.ecn.mark(segment, codepoint, false);
            if segment.payload == 0 && self.established {
                // After a timeout, smoltcp numbers its acknowledgements by where it begins again, not by SND.NXT (RFC
                // 9293, section 3.10.7.4). If both sides do so, neither takes the other's for acceptable, and they
                // never agree.
                segment.seq = self.observer.next_on_wire();
            }
        }
    }

    /// smoltcp begins to send all again. What still waits is part of that; and smoltcp must hear of the controller's
    /// window now, or it would send a whole window of before the loss.
    fn start_again(&mut self, now: Time, packet: Packet) {
        while let Some(Packet { bytes, .. }) = self.line.discard() {
            self.device.recycle(bytes);
        }
        self.follow_controller();
        self.line.push(packet);
        if self.enforced {
            self.tell_window(now);
        }
    }

    /// An acknowledgement of nothing new in the peer's name, with the controller's window.
    fn tell_window(&mut self, now: Time) {
        let before = self.window.told();
        let segment = Segment {
            flags: Flags::ACK,
            seq: self.receiver.expected(),
            ack: self.observer.una_on_wire(),
            window: self.window.update(self.observer.window()),
            ..Segment::default()
        };
        if self.window.told() == before {
            // Nothing new, and smoltcp would count a duplicate.
            return;
        }
        if frame::encode(&segment, self.config.peer, self.config.own, &mut self.device.incoming) {
            self.device.waiting = true;
            self.interface.poll_ingress_single(instant(now), &mut self.device, &mut self.sockets);
            self.observer.count_duplicate(false, true);
        }
    }

    fn abort_socket(&mut self, now: Time) {
        while let Some(Packet { bytes, .. }) = self.line.discard() {
            self.device.recycle(bytes);
        }
        self.ended = Some(Status::Failed);
        self.socket().abort();
        self.interface.poll_egress(instant(now), &mut self.device, &mut self.sockets);
        self.collect(now);
        self.wake = Time::NEVER;
    }

    /// The next packet to leave at `now`, its headers as they are to be.
    fn next_packet(&mut self, now: Time) -> Option<Packet> {
        let Some((mut packet, is_data)) = self.line.next(now) else {
            if self.line.has_no_data() && self.established {
                self.observer.note_silence(self.written.saturating_sub(self.observer.pointer));
            }
            return None;
        };
        if is_data {
            let segment = &mut packet.segment;
            let fresh = self.observer.on_left(now, segment);
            // An acknowledgement that went before it may have said more since.
            (segment.ack, segment.window) = self.latest;
            let codepoint = self.observer.codepoint;
            self.observer.ecn.mark(segment, codepoint, fresh);
            self.follow_controller();
        }
        Some(packet)
    }
}

/// smoltcp's instant: rounded down, so that none of its timers expires early.
fn instant(now: Time) -> Instant {
    Instant::from_micros((now.as_nanos() / TICK.as_nanos()) as i64)
}
