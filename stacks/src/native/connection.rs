//! One side of a connection: segments in, segments out.

use burstlab_algorithms::{Bytes, Controller, EcnFeedback, Time};
use burstlab_network::{Direction, Flags, FlowId, SackBlocks, Segment, SynOptions, Timestamps};

use super::Config;
use super::close::Challenges;
use super::handshake::Opening;
use super::life::Life;
use super::receiver::Receiver;
use super::sender::{Packet, Sender};
use super::seq::Numbering;

/// The states of RFC 9293, section 3.3.2. A connection listens until it is opened or a SYN comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Listen,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    Closed,
    Failed,
}

/// Bytes that options may take (RFC 9293, section 3.1).
const OPTIONS: usize = 40;

/// Bytes that the AccECN option takes of them, padded.
const ACC_ECN_LEN: u32 = 12;

/// One side of one TCP connection.
///
/// ```
/// use burstlab_algorithms::{Bytes, Registry, Time};
/// use burstlab_network::{Direction, FlowId};
/// use burstlab_stacks::{Endpoint, native::{Config, Connection}};
///
/// let config = Config::default();
/// let reno = Registry::default().parse("reno")?;
/// let side = |direction| {
///     let controller = reno.build(&config.path(Time::ZERO, 1));
///     Connection::new(config.clone(), direction, FlowId(0), controller, reno.ecn_feedback())
/// };
/// let (mut client, mut server) = (side(Direction::Forward), side(Direction::Backward));
/// client.connect(Time::ZERO);
/// client.write(Time::ZERO, Bytes::new(100_000));
/// // A wire without length: what one side sends, the other has at once.
/// for now in (0..100).map(Time::from_nanos) {
///     while let Some(segment) = client.poll_transmit(now) {
///         server.on_segment(now, &segment);
///     }
///     while let Some(segment) = server.poll_transmit(now) {
///         client.on_segment(now, &segment);
///     }
/// }
/// assert_eq!(server.received(), 100_000);
/// # Ok::<(), burstlab_algorithms::SpecError>(())
/// ```
pub struct Connection {
    pub(super) config: Config,
    pub(super) flow: FlowId,
    pub(super) direction: Direction,
    pub(super) state: State,
    pub(super) numbering: Numbering,
    pub(super) sender: Sender,
    pub(super) receiver: Receiver,
    pub(super) opening: Opening,
    /// Feedback that this side wants for its own data and offers for the peer's.
    pub(super) feedback: EcnFeedback,
    pub(super) timestamps: bool,
    /// Shift of the window field in segments of the peer.
    pub(super) peer_shift: u8,
    /// SND.WL1 and SND.WL2.
    window_from: (i64, u64),
    /// A segment to go out before anything else: a reset.
    pub(super) reply: Option<Box<Segment>>,
    pub(super) challenges: Challenges,
    /// End of TIME-WAIT or of an orphan's FIN-WAIT-2; else, the next look at a silent peer.
    pub(super) expires: Time,
    pub(super) life: Life,
}

impl Connection {
    /// A connection that listens. The segments that it sends belong to `flow` and go in `direction`; `controller`
    /// governs what it sends, and `feedback` is what it asks of the peer in the handshake: what the controller says in
    /// [`Controller::ecn_feedback`], and the same on both sides, since each side echoes marks the way it wants its own
    /// echoed.
    pub fn new(
        config: Config,
        direction: Direction,
        flow: FlowId,
        controller: Box<dyn Controller>,
        feedback: EcnFeedback,
    ) -> Connection {
        Connection {
            flow,
            direction,
            state: State::Listen,
            numbering: Numbering::after_syn(config.initial_sequence),
            sender: Sender::new(&config, controller),
            receiver: Receiver::new(&config),
            opening: Opening::default(),
            feedback,
            timestamps: false,
            peer_shift: 0,
            window_from: (0, 0),
            reply: None,
            challenges: Challenges::default(),
            expires: Time::NEVER,
            life: Life::new(config.keep_alive),
            config,
        }
    }

    /// Whether the application reads everything as it comes, as it does from the start. What it does not read takes up
    /// the receive buffer and closes the window.
    pub fn set_reading(&mut self, reading: bool) {
        self.receiver.set_reading(reading);
    }

    /// The application reads `bytes` of what waits while [`set_reading`](Self::set_reading) is off.
    pub fn read(&mut self, bytes: Bytes) {
        self.receiver.read(bytes.get());
    }

    /// Bytes that arrived in order and that the application has not read yet.
    pub fn readable(&self) -> u64 {
        self.receiver.waiting()
    }

    /// Whether the peer's FIN arrived and everything before it.
    pub fn peer_closed(&self) -> bool {
        self.receiver.is_finished()
    }

    /// Whether this side's FIN was acknowledged, and so all that it wrote.
    pub fn is_finished(&self) -> bool {
        self.sender.closing && self.sender.board.una() > self.sender.written
    }

    /// Whether what the sender has may go out.
    pub(super) fn sends(&self) -> bool {
        use State::{CloseWait, Closing, Established, FinWait1, LastAck};
        matches!(self.state, Established | FinWait1 | CloseWait | Closing | LastAck)
    }

    pub(super) fn is_synchronized(&self) -> bool {
        !matches!(self.state, State::Listen | State::SynSent | State::SynReceived | State::Closed | State::Failed)
    }

    pub(super) fn timestamps_now(&self, now: Time) -> Option<Timestamps> {
        if self.timestamps { Some(self.stamps(now)) } else { None }
    }

    // Out of the way of connections without timestamps: the clock takes a division.
    #[inline(never)]
    fn stamps(&self, now: Time) -> Timestamps {
        Timestamps { value: self.sender.clock.at(now), echo: self.receiver.timestamp() }
    }

    /// A segment that carries nothing but what is given: SYNs and resets.
    pub(super) fn skeleton(&self, flags: Flags, seq: u32, ack: u32, syn: SynOptions) -> Segment {
        Segment { flow: self.flow, direction: self.direction, flags, seq, ack, syn, ..Segment::default() }
    }

    /// Writes a segment behind the handshake, in its place: a copy of what was just put together field by field would wait
    /// for all its stores.
    #[inline(always)]
    fn write_segment(&mut self, out: &mut Segment, now: Time, packet: Packet, sack: SackBlocks) {
        *out = Segment {
            flow: self.flow,
            direction: self.direction,
            codepoint: packet.codepoint,
            flags: packet.flags,
            seq: self.numbering.wire(packet.start),
            ack: self.receiver.numbering.wire(self.receiver.next),
            payload: packet.payload,
            window: self.receiver.advertise(),
            syn: SynOptions::default(),
            sack,
            timestamps: self.timestamps_now(now),
            acc_ecn: None,
        };
        self.sender.account.segments_out += 1;
        self.receiver.on_ack_sent(now, packet.payload > 0);
    }

    #[inline(always)]
    pub(super) fn write_pure_ack(&mut self, out: &mut Segment, now: Time) {
        let mut flags = Flags::ACK.with(self.receiver.echo.flags());
        if let Some(answer) = self.take_answer() {
            flags = Flags::ACK.with(answer);
        }
        let codepoint = self.sender.marks.codepoint(self.sender.ecn, false);
        // Beyond the peer's window it would be no more than a duplicate, to be answered by an ACK that may be one as well.
        let start = self.sender.board.next().min(self.sender.board.una() + self.sender.peer_window);
        let packet = Packet { start, payload: 0, fin: false, codepoint, flags };
        if !self.receiver.has_blocks() {
            self.write_segment(out, now, packet, SackBlocks::default());
        } else {
            let sack = self.receiver.take_blocks(self.room_for_blocks(self.receiver.echo.counts()));
            self.write_segment(out, now, packet, sack);
        }
        if self.receiver.echo.counts() {
            self.add_counters(out);
        }
    }

    // Not in one go with the rest: nine single bytes are dear, and rarely there.
    #[inline(never)]
    fn add_counters(&mut self, out: &mut Segment) {
        self.receiver.echo.on_told();
        out.acc_ecn = Some(self.receiver.echo.counters());
    }

    #[cold]
    pub(super) fn write_syn(&mut self, out: &mut Segment, now: Time) -> bool {
        let Some(syn) = self.next_syn(now) else { return false };
        *out = syn;
        true
    }

    #[cold]
    pub(super) fn write_reply(&mut self, out: &mut Segment) -> bool {
        let Some(reply) = self.reply.take() else { return false };
        *out = *reply;
        true
    }

    /// The acknowledgement of what came before marks began or ended.
    #[cold]
    pub(super) fn write_former_ack(&mut self, out: &mut Segment, now: Time) -> bool {
        let Some(former) = self.receiver.former.take() else { return false };
        self.write_pure_ack(out, now);
        out.ack = self.receiver.numbering.wire(former.next);
        let ahead = (self.receiver.next - former.next).div_ceil(1 << self.receiver.shift);
        out.window = out.window.saturating_add(u16::try_from(ahead).unwrap_or(u16::MAX));
        self.receiver.promise(former.next, out.window);
        out.flags = Flags::ACK.with(former.flags);
        // The segment that changed the state is still to be acknowledged.
        self.receiver.ack.demand();
        true
    }

    #[inline(always)]
    pub(super) fn write_data(&mut self, out: &mut Segment, now: Time, packet: Packet) {
        let mut flags = Flags::ACK.with(packet.flags).with(self.receiver.echo.flags());
        if packet.fin {
            flags = flags.with(Flags::FIN);
        }
        self.write_segment(out, now, Packet { flags, ..packet }, SackBlocks::default());
        if self.receiver.echo.counts() {
            self.add_counters_to_data(out);
        }
        if self.receiver.has_blocks() {
            self.add_blocks_to_data(out);
        }
    }

    /// RFC 2018, section 4: all acknowledgements carry SACK blocks while something is missing. On data, they go where there
    /// is room beside it; the ACKs without data have said the same.
    #[cold]
    fn add_blocks_to_data(&mut self, out: &mut Segment) {
        let counters = if out.acc_ecn.is_some() { ACC_ECN_LEN } else { 0 };
        let free = self.sender.mss.saturating_sub(out.payload + counters) as usize;
        // The blocks, and four bytes of header and padding.
        let blocks = (free.saturating_sub(4) / 8).min(self.room_for_blocks(counters > 0));
        if blocks > 0 {
            out.sack = self.receiver.take_blocks(blocks);
        }
    }

    /// How many SACK blocks fit beside timestamps (10 bytes) and, if they are there, counters (11): each takes 8, and all of
    /// them 2.
    fn room_for_blocks(&self, counters: bool) -> usize {
        let others = if self.timestamps { 10 } else { 0 } + if counters { 11 } else { 0 };
        (OPTIONS - others - 2) / 8
    }

    /// RFC 9768, section 3.2.3.3: counters that changed go with data as well, where there is room.
    #[inline(never)]
    fn add_counters_to_data(&mut self, out: &mut Segment) {
        if out.payload + ACC_ECN_LEN <= self.sender.mss && self.receiver.echo.takes_data(out.payload) {
            self.add_counters(out);
        }
    }

    /// RFC 9293, section 3.10.7.4: a segment in a synchronized state.
    #[inline(always)]
    pub(super) fn on_synchronized(&mut self, now: Time, segment: &Segment) {
        let start = self.receiver.numbering.position(segment.seq, self.receiver.next);
        let end = start + i64::from(segment.seq_len());
        if self.timestamps && !segment.flags.has(Flags::RST) {
            match segment.timestamps {
                // RFC 7323, section 3.2: once they are agreed, a segment without is dropped in silence.
                None => return,
                Some(stamps) if self.receiver.is_old(now, stamps) => {
                    self.receiver.on_unacceptable(start, end, &mut self.sender.counters);
                    return;
                }
                Some(_) => {}
            }
        }
        if !self.receiver.is_acceptable(start, end) {
            self.on_unacceptable(now, start, end, segment);
            return;
        }
        if segment.flags.has(Flags::RST.with(Flags::SYN)) {
            self.on_reset_or_syn(now, start, segment);
            return;
        }
        if !segment.flags.has(Flags::ACK) {
            return;
        }
        self.sender.account.heard = now;
        if !self.on_acknowledgement(now, start, segment) {
            return;
        }
        // Behind the look at its acknowledgement: a forged segment should not make those that follow look old.
        if self.timestamps {
            self.receiver.note_timestamp(now, start, segment.timestamps);
        }
        let takes = match self.state {
            State::Established => true,
            State::FinWait1 | State::FinWait2 => self.may_take_late_data(now, segment),
            _ => false,
        };
        if !takes {
            self.on_segment_at_end(now, segment);
            return;
        }
        self.receiver.on_data(now, start, segment, &mut self.sender.counters);
        if self.receiver.is_finished() {
            self.on_peer_closed(now);
        }
    }

    /// Nothing is expected of the peer any more but acknowledgements.
    #[inline(never)]
    fn on_segment_at_end(&mut self, now: Time, segment: &Segment) {
        if segment.seq_len() > 0 && self.is_synchronized() {
            self.receiver.ack.demand();
            self.restart_time_wait(now, segment);
        }
    }

    #[cold]
    fn on_unacceptable(&mut self, now: Time, start: i64, end: i64, segment: &Segment) {
        if segment.flags.has(Flags::RST) {
            return;
        }
        self.receiver.on_unacceptable(start, end, &mut self.sender.counters);
        if segment.flags.has(Flags::SYN) {
            self.answer_again(segment);
        }
        self.restart_time_wait(now, segment);
        // What an old duplicate says of our own data may still be news: a zero window's sender answers probes this way.
        if segment.flags.has(Flags::ACK) && !segment.flags.has(Flags::SYN) {
            self.on_acknowledgement(now, start, segment);
        }
    }

    /// Takes the acknowledgement and the window. Whether the segment is to be processed further.
    #[inline]
    pub(super) fn on_acknowledgement(&mut self, now: Time, start: i64, segment: &Segment) -> bool {
        let una = self.sender.board.una();
        let ack = self.numbering.position(segment.ack, una);
        if ack > self.sender.board.next() as i64 {
            self.receiver.ack.demand();
            return false;
        }
        // RFC 5961, section 5.2: neither of the future nor of a past beyond any window.
        if ack < una as i64 - self.sender.peer_window_max.max(u64::from(u16::MAX)) as i64 {
            self.challenge(now);
            return false;
        }
        let updated = self.take_window(start, ack, segment);
        if ack == una as i64 && self.sender.board.is_empty() && segment.sack.is_empty() && !self.sender.tlp.is_out() {
            // Nothing is out, nor is there a word of a retransmission that was for nothing: the header of the peer's data,
            // which tells of its window at most.
            if self.sender.persist.since.is_some() {
                self.sender.hear_of_window(now);
            }
            return true;
        }
        // An overtaken ACK acknowledges nothing, but its SACK blocks may.
        self.sender.on_ack(now, ack.max(una as i64) as u64, segment, self.numbering, updated);
        if self.sender.closing && self.sender.board.una() > self.sender.written {
            self.on_fin_acknowledged(now);
        }
        true
    }

    /// RFC 9293, section 3.10.7.4: only a newer segment may change the window. Whether it did. An ACK that advances is
    /// newer, whatever its number: the old window behind it would reach farther than the peer ever offered.
    #[inline]
    fn take_window(&mut self, start: i64, ack: i64, segment: &Segment) -> bool {
        let ((from, at), una) = (self.window_from, self.sender.board.una() as i64);
        if ack < una || !(ack > una || from < start || from == start && at <= ack as u64) {
            return false;
        }
        self.window_from = (start, ack as u64);
        let window = u64::from(segment.window) << self.peer_shift;
        let updated = window != self.sender.peer_window;
        self.sender.peer_window = window;
        self.sender.peer_window_max = self.sender.peer_window_max.max(window);
        updated
    }

    /// The first window that the peer gives, in its SYN: not scaled.
    pub(super) fn set_first_window(&mut self, window: u16) {
        self.sender.peer_window = u64::from(window);
        self.sender.peer_window_max = self.sender.peer_window;
        self.window_from = (-1, 0);
    }
}
