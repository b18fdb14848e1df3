//! The end of a connection: FINs, resets, and segments that could be forged.
//!
//! RFC 9293, sections 3.6 and 3.10.7; RFC 5961.

use burstlab_algorithms::{Span, Time};
use burstlab_network::{Flags, Segment, SynOptions, Timestamps};

use super::connection::{Connection, State};
use super::failure::Failure;

/// Challenge ACKs per [`CHALLENGE_PERIOD`] (RFC 5961, section 7).
const CHALLENGES: u32 = 10;
/// The period over which they are counted (RFC 5961, section 7).
const CHALLENGE_PERIOD: Span = Span::from_secs(5);

/// Bounds how often a challenge ACK goes out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Challenges {
    since: Time,
    sent: u32,
}

impl Challenges {
    fn allow(&mut self, now: Time) -> bool {
        if now.since(self.since) >= CHALLENGE_PERIOD {
            *self = Challenges { since: now, sent: 0 };
        }
        self.sent += 1;
        self.sent <= CHALLENGES
    }
}

impl Connection {
    /// The application closed: a FIN follows its last byte.
    pub(super) fn start_closing(&mut self) {
        match self.state {
            State::Established => self.state = State::FinWait1,
            State::CloseWait => self.state = State::LastAck,
            // The FIN goes out once the connection is open and what was written is sent.
            State::Listen | State::SynSent | State::SynReceived => {}
            _ => return,
        }
        self.sender.closing = true;
    }

    /// The peer's FIN and all before it arrived.
    pub(super) fn on_peer_closed(&mut self, now: Time) {
        match self.state {
            State::Established => self.state = State::CloseWait,
            State::FinWait1 => self.state = State::Closing,
            State::FinWait2 => self.wait(now),
            _ => {}
        }
    }

    /// The peer acknowledged this side's FIN.
    pub(super) fn on_fin_acknowledged(&mut self, now: Time) {
        match self.state {
            State::FinWait1 => {
                self.state = State::FinWait2;
                self.limit_fin_wait(now);
            }
            State::Closing => self.wait(now),
            State::LastAck => self.end(State::Closed),
            _ => {}
        }
    }

    fn wait(&mut self, now: Time) {
        self.state = State::TimeWait;
        self.expires = now + self.config.time_wait;
    }

    /// The peer sent its FIN again: the last ACK was lost.
    pub(super) fn restart_time_wait(&mut self, now: Time, segment: &Segment) {
        if self.state == State::TimeWait && segment.flags.has(Flags::FIN) {
            self.wait(now);
        }
    }

    /// A reset or SYN within the window: only a reset at the very place is believed (RFC 5961, sections 3.2 and 4.2).
    pub(super) fn on_reset_or_syn(&mut self, now: Time, start: i64, segment: &Segment) {
        if segment.flags.has(Flags::RST) && start == self.receiver.next as i64 {
            if matches!(self.state, State::TimeWait | State::Closing | State::LastAck) {
                self.end(State::Closed);
            } else {
                self.fail(Failure::Reset);
            }
        } else {
            self.challenge(now);
        }
    }

    /// Asks the peer, by an ACK, whether it meant it.
    pub(super) fn challenge(&mut self, now: Time) {
        if self.challenges.allow(now) {
            self.receiver.ack.demand();
        }
    }

    /// Answers a segment that belongs to no connection: RFC 9293, section 3.10.7.1.
    pub(super) fn refuse(&mut self, now: Time, segment: &Segment) {
        if segment.flags.has(Flags::RST) {
            return;
        }
        let mut reset = if segment.flags.has(Flags::ACK) {
            self.reset(Flags::RST, segment.ack, 0)
        } else {
            let ack = segment.seq.wrapping_add(segment.seq_len());
            self.reset(Flags::RST.with(Flags::ACK), 0, ack)
        };
        // RFC 7323, section 3.2: a reset carries timestamps as well, if they were agreed.
        if self.timestamps {
            let echo = segment.timestamps.map_or(0, |stamps| stamps.value);
            reset.timestamps = Some(Timestamps { value: self.sender.clock.at(now), echo });
        }
        self.reply = Some(Box::new(reset));
    }

    /// A reset, ECN-capable where control packets are (RFC 8257, section 3.6).
    fn reset(&self, flags: Flags, seq: u32, ack: u32) -> Segment {
        let codepoint = self.sender.marks.codepoint(self.sender.ecn, false);
        Segment { codepoint, ..self.skeleton(flags, seq, ack, SynOptions::default()) }
    }

    /// The reset that ends this connection for the peer.
    pub(super) fn farewell(&self, now: Time) -> Segment {
        let seq = self.numbering.wire(self.sender.board.next());
        let ack = self.receiver.numbering.wire(self.receiver.next);
        let reset = self.reset(Flags::RST.with(Flags::ACK), seq, ack);
        Segment { timestamps: self.timestamps_now(now), ..reset }
    }

    /// The application tears the connection down.
    pub(super) fn reset_peer(&mut self, now: Time) {
        if self.is_synchronized() && self.state != State::TimeWait || self.state == State::SynReceived {
            self.reply = Some(Box::new(self.farewell(now)));
        }
        if !matches!(self.state, State::Closed | State::TimeWait | State::Failed) {
            self.fail(Failure::Aborted);
        }
    }

    /// The connection is over, and not in good order.
    pub(super) fn fail(&mut self, why: Failure) {
        self.life.failure = Some(why);
        self.end(State::Failed);
    }

    /// The connection is over: nothing is to happen any more.
    pub(super) fn end(&mut self, state: State) {
        self.state = state;
        self.expires = Time::NEVER;
        self.opening.finish();
        self.sender.alarm = Time::NEVER;
        self.sender.paced_until = Time::NEVER;
        self.receiver.ack.on_sent();
    }
}
