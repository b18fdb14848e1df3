//! The three-way handshake and what it negotiates: RFC 9293, section 3.5; RFC 7323; RFC 2018; RFC 3168; RFC 9768.

use burstlab_algorithms::{EcnFeedback, Span, Time};
use burstlab_network::{Codepoint, Flags, Segment, SynOptions, Timestamps};

use super::config;
use super::connection::{Connection, State};
use super::ecn::{ace, ace_of};
use super::failure::Failure;
use super::receiver::Receiver;
use super::seq::Numbering;

/// MSS of a peer that gives none (RFC 9293, section 3.7.1).
const DEFAULT_MSS: u16 = 536;

/// Least MSS of a peer that is believed. One of a few bytes would make packets of headers alone; with this, at least eight
/// bytes of payload go beside the most options (Linux's TCP_MIN_SND_MSS).
const LEAST_MSS: u16 = 48;
/// SYNs, or SYN/ACKs, that carry the flags of accurate ECN. If all are lost, the flags may be why (RFC 9768, sections
/// 3.1.4.1 and 3.2.3.2.2).
const ACCURATE_TRIES: u32 = 2;

/// The SYN or SYN/ACK under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    due: bool,
    /// When it is sent again.
    pub at: Time,
    sent: u32,
    sent_at: Time,
    /// Options and ECN flags of the peer's SYN.
    peer: SynOptions,
    peer_ecn: u8,
    peer_codepoint: Codepoint,
    /// Codepoint of the SYN or SYN/ACK that was sent.
    codepoint: Codepoint,
    /// Whether one of either side went without the flags of the ECN that was asked for.
    plain: bool,
    /// Whether the peer opened.
    passive: bool,
    /// The third segment of the handshake is still to be sent; accurate ECN answers in it.
    answer: Option<u8>,
}

impl Default for Opening {
    fn default() -> Opening {
        Opening {
            due: false,
            at: Time::NEVER,
            sent: 0,
            sent_at: Time::ZERO,
            peer: SynOptions::default(),
            peer_ecn: 0,
            peer_codepoint: Codepoint::NotEct,
            codepoint: Codepoint::NotEct,
            plain: false,
            passive: false,
            answer: None,
        }
    }
}

impl Opening {
    /// A SYN is to be sent.
    pub fn ask(&mut self) {
        self.due = true;
    }

    /// How often the SYN or SYN/ACK was sent.
    pub fn sent(&self) -> u32 {
        self.sent
    }

    /// Whether the peer offers window scaling.
    pub fn scales(&self) -> bool {
        self.peer.window_scale.is_some()
    }

    /// Nothing is to be sent any more.
    pub fn finish(&mut self) {
        self.due = false;
        self.at = Time::NEVER;
    }
}

/// The flags that tell how a SYN arrived: RFC 9768, table 2 (SYN/ACK) and table 3 (its ACK).
fn reflection(codepoint: Codepoint) -> u8 {
    match codepoint {
        Codepoint::NotEct => 0b010,
        Codepoint::Ect1 => 0b011,
        Codepoint::Ect0 => 0b100,
        Codepoint::Ce => 0b110,
    }
}

/// What the flags of [`reflection`] tell.
fn reflected(flags: u8) -> Option<Codepoint> {
    [Codepoint::NotEct, Codepoint::Ect1, Codepoint::Ect0, Codepoint::Ce].into_iter().find(|c| reflection(*c) == flags)
}

/// Whether a packet that left with the codepoint `sent` cannot have arrived with `seen`, but that some box on the path
/// writes there what it should not (RFC 9768, section 3.2.2.3): not ECN-capable packets stay so, and capable ones are CE at
/// most, or ECT(1) as in RFC 6660.
fn is_mangled(sent: Codepoint, seen: Codepoint) -> bool {
    match sent {
        Codepoint::NotEct => seen != Codepoint::NotEct,
        Codepoint::Ect0 => seen == Codepoint::NotEct,
        Codepoint::Ect1 => matches!(seen, Codepoint::NotEct | Codepoint::Ect0),
        Codepoint::Ce => seen != Codepoint::Ce,
    }
}

/// ECN flags of a SYN that asks for `feedback`.
fn request(feedback: EcnFeedback) -> u8 {
    match feedback {
        EcnFeedback::None => 0b000,
        EcnFeedback::Classic | EcnFeedback::Dctcp => 0b011,
        EcnFeedback::Accurate => 0b111,
    }
}

/// What a listener that wants `own` and got a SYN with `flags` settles on.
fn settle(own: EcnFeedback, flags: u8) -> EcnFeedback {
    match (own, flags) {
        (EcnFeedback::None, _) => EcnFeedback::None,
        (EcnFeedback::Accurate, 0b000) => EcnFeedback::None,
        // Accurate feedback that the peer cannot give falls back to the classic one.
        (EcnFeedback::Accurate, 0b011) => EcnFeedback::Classic,
        // Flags that are not in use yet count as a wish for accurate feedback (RFC 9768, section 3.1.3).
        (EcnFeedback::Accurate, _) => EcnFeedback::Accurate,
        (own, 0b011 | 0b111) => own,
        _ => EcnFeedback::None,
    }
}

/// What the side that asked for `own` makes of a SYN/ACK with `flags`.
fn conclude(own: EcnFeedback, flags: u8) -> EcnFeedback {
    match (own, flags) {
        (EcnFeedback::None, _) | (_, 0b000 | 0b111) => EcnFeedback::None,
        (EcnFeedback::Accurate, 0b001) => EcnFeedback::Classic,
        (EcnFeedback::Accurate, _) => EcnFeedback::Accurate,
        (own, 0b001) => own,
        _ => EcnFeedback::None,
    }
}

impl Connection {
    /// The SYN, SYN/ACK or final ACK of the handshake, if one is due.
    pub(super) fn next_syn(&mut self, now: Time) -> Option<Segment> {
        if !self.opening.due {
            return None;
        }
        let opening = &mut self.opening;
        opening.due = false;
        opening.sent += 1;
        opening.sent_at = now;
        let linear = if self.state == State::SynSent { self.config.linear_syn_timeouts } else { 0 };
        let backoff = 1u64.checked_shl((opening.sent - 1).saturating_sub(linear)).unwrap_or(u64::MAX);
        opening.at = now + Span::min(self.config.initial_rto * backoff, self.config.max_rto);
        Some(match self.state {
            State::SynSent => self.syn(now),
            State::SynReceived => self.syn_ack(now),
            _ => return None,
        })
    }

    fn syn(&mut self, now: Time) -> Segment {
        let options = SynOptions {
            mss: self.config.mss,
            window_scale: self.config.window_scaling.then(|| self.config.window_shift()),
            sack_permitted: self.config.sack,
        };
        let plain = self.is_out_of_tries();
        let asked = if plain { 0 } else { request(self.feedback) };
        let flags = Flags::SYN.with(ace(asked));
        let mut segment = self.skeleton(flags, self.config.initial_sequence, 0, options);
        segment.codepoint = if plain { Codepoint::NotEct } else { self.syn_codepoint() };
        self.opening.codepoint = segment.codepoint;
        segment.window = self.receiver.advertise_unscaled();
        segment.timestamps = self.config.timestamps.then(|| Timestamps { value: self.sender.clock.at(now), echo: 0 });
        segment
    }

    fn syn_ack(&mut self, now: Time) -> Segment {
        let peer = self.opening.peer;
        let options = SynOptions {
            mss: self.config.mss,
            window_scale: peer.window_scale.filter(|_| self.config.window_scaling).map(|_| self.config.window_shift()),
            sack_permitted: self.config.sack && peer.sack_permitted,
        };
        let feedback = settle(self.feedback, self.opening.peer_ecn);
        let ecn = match feedback {
            EcnFeedback::Accurate if self.is_out_of_tries() => 0b000,
            EcnFeedback::None => 0b000,
            EcnFeedback::Accurate => reflection(self.opening.peer_codepoint),
            EcnFeedback::Classic | EcnFeedback::Dctcp => 0b001,
        };
        let ack = self.receiver.numbering.wire(self.receiver.next);
        let flags = Flags::SYN.with(Flags::ACK).with(ace(ecn));
        let mut segment = self.skeleton(flags, self.config.initial_sequence, ack, options);
        segment.codepoint = if ecn == 0 { Codepoint::NotEct } else { self.syn_codepoint() };
        self.opening.codepoint = segment.codepoint;
        segment.window = self.receiver.advertise_unscaled();
        segment.timestamps = self.timestamps_now(now);
        // RFC 9768, section 3.2.3.2.1: whether the option gets through is tried here; and, lost with it, not again.
        if feedback == EcnFeedback::Accurate && self.config.acc_ecn_option && self.opening.sent == 1 {
            segment.acc_ecn = Some(self.receiver.echo.counters());
        }
        segment
    }

    /// Whether the SYN or SYN/ACK goes without the flags of accurate ECN from now on.
    fn is_out_of_tries(&mut self) -> bool {
        let out = self.feedback == EcnFeedback::Accurate && self.opening.sent > ACCURATE_TRIES;
        self.opening.plain |= out;
        out
    }

    /// A segment in LISTEN, SYN-SENT or SYN-RECEIVED: RFC 9293, sections 3.10.7.2 to 3.10.7.4.
    pub(super) fn on_opening_segment(&mut self, now: Time, segment: &Segment) {
        match self.state {
            State::Listen => self.on_listen(now, segment),
            State::SynSent => self.on_syn_sent(now, segment),
            _ => self.on_syn_received(now, segment),
        }
    }

    fn on_listen(&mut self, now: Time, segment: &Segment) {
        if segment.flags.has(Flags::RST) {
            return;
        }
        if segment.flags.has(Flags::ACK) {
            self.refuse(now, segment);
        } else if segment.flags.has(Flags::SYN) {
            self.take_syn(now, segment);
            self.state = State::SynReceived;
            self.opening.passive = true;
            self.opening.ask();
        }
    }

    fn on_syn_sent(&mut self, now: Time, segment: &Segment) {
        let acknowledges = segment.flags.has(Flags::ACK);
        if acknowledges && segment.ack != self.numbering.wire(0) {
            self.refuse(now, segment);
            return;
        }
        if segment.flags.has(Flags::RST) {
            if acknowledges {
                self.fail(Failure::Refused);
            }
            return;
        }
        if !segment.flags.has(Flags::SYN) {
            return;
        }
        self.take_syn(now, segment);
        if !acknowledges {
            // Both sides opened at the same time (RFC 9293, figure 7).
            self.state = State::SynReceived;
            self.opening.sent = 0;
            self.opening.ask();
            return;
        }
        let feedback = conclude(self.feedback, self.opening.peer_ecn);
        self.settle_ecn(feedback);
        if feedback == EcnFeedback::Accurate {
            self.opening.answer = Some(reflection(segment.codepoint));
            if segment.codepoint == Codepoint::Ce {
                self.receiver.echo.count_marked_handshake();
            }
            self.hear_of_handshake(self.opening.peer_ecn);
        }
        self.establish(now);
        self.receiver.ack.demand();
    }

    fn on_syn_received(&mut self, now: Time, segment: &Segment) {
        let start = self.receiver.numbering.position(segment.seq, self.receiver.next);
        let end = start + i64::from(segment.seq_len());
        let is_syn = segment.flags.has(Flags::SYN);
        if is_syn && start == -1 && !segment.flags.has(Flags::RST) {
            if !segment.flags.has(Flags::ACK) {
                self.opening.plain |= ace_of(segment.flags) == 0;
                self.opening.peer_codepoint = segment.codepoint;
                // The SYN again: the SYN/ACK was lost.
                self.opening.ask();
                return;
            }
        } else if !self.receiver.is_acceptable(start, end) {
            if !segment.flags.has(Flags::RST) {
                self.opening.ask();
            }
            return;
        } else if segment.flags.has(Flags::RST) {
            if start == self.receiver.next as i64 {
                self.on_refused();
            }
            return;
        }
        if !segment.flags.has(Flags::ACK) {
            return;
        }
        if segment.ack != self.numbering.wire(0) {
            self.refuse(now, segment);
            return;
        }
        self.settle_ecn(settle(self.feedback, self.opening.peer_ecn));
        self.establish(now);
        if is_syn {
            // The other half of a simultaneous open.
            self.set_first_window(segment.window);
            self.receiver.ack.demand();
        } else {
            // The flags of this segment answer the handshake and count nothing.
            let third =
                Segment { flags: segment.flags.without(Flags::AE.with(Flags::CWR).with(Flags::ECE)), ..*segment };
            let third = if segment.payload == 0 { self.neutral(third) } else { *segment };
            if segment.payload == 0 && self.sender.marks.feedback() == EcnFeedback::Accurate {
                self.hear_of_handshake(ace_of(segment.flags));
            }
            self.on_segment_established(now, &third);
        }
    }

    /// A reset in SYN-RECEIVED: who listened listens again (RFC 9293, section 3.10.7.4).
    fn on_refused(&mut self) {
        if !self.opening.passive {
            self.fail(Failure::Refused);
            return;
        }
        let reading = self.receiver.reading;
        self.receiver = Receiver::new(&self.config);
        self.receiver.reading = reading;
        self.opening = Opening::default();
        self.state = State::Listen;
    }

    /// The SYN/ACK came again, so its ACK was lost: what that told is told again (RFC 9768, section 3.2.2.1).
    pub(super) fn answer_again(&mut self, segment: &Segment) {
        let confirms = segment.flags.has(Flags::ACK) && reflected(ace_of(segment.flags)).is_some();
        if confirms && !self.opening.passive && self.sender.marks.feedback() == EcnFeedback::Accurate {
            self.opening.answer = Some(reflection(segment.codepoint));
        }
    }

    /// Accurate feedback on the SYN or SYN/ACK (RFC 9768, sections 3.1.5, 3.2.2.1 and 3.2.2.3): counts a mark, and sends
    /// nothing ECN-capable on a path that cannot be trusted with it, or that ECN did not get through in the handshake.
    fn hear_of_handshake(&mut self, flags: u8) {
        let seen = reflected(flags);
        let marks = &mut self.sender.marks;
        // The listener's counter does not count a marked SYN (RFC 9768, section 3.2.2.2), so neither does this side's.
        if self.opening.passive && seen == Some(Codepoint::Ce) && self.opening.codepoint != Codepoint::NotEct {
            marks.count_marked_handshake();
        }
        let mangled = seen.is_some_and(|seen| is_mangled(self.opening.codepoint, seen));
        // In the third segment, no flag at all says that a box on the path clears them.
        if mangled || self.opening.plain || flags == 0 {
            marks.mute();
        }
    }

    /// `segment` with an ACE field that says that nothing was marked.
    fn neutral(&self, segment: Segment) -> Segment {
        let silent = super::ecn::FIRST_PACKETS as u8;
        match self.sender.marks.feedback() {
            EcnFeedback::Accurate => Segment { flags: segment.flags.with(ace(silent)), ..segment },
            _ => segment,
        }
    }

    fn on_segment_established(&mut self, now: Time, segment: &Segment) {
        crate::Endpoint::on_segment(self, now, segment);
    }

    fn take_syn(&mut self, now: Time, segment: &Segment) {
        self.receiver.numbering = Numbering::after_syn(segment.seq);
        self.opening.peer = segment.syn;
        self.opening.peer_ecn = ace_of(segment.flags);
        self.opening.peer_codepoint = segment.codepoint;
        self.timestamps = self.config.timestamps && segment.timestamps.is_some();
        self.sender.timestamps = self.timestamps;
        self.receiver.note_timestamp(now, -1, segment.timestamps);
        self.set_first_window(segment.window);
        let mss = if segment.syn.mss == 0 { DEFAULT_MSS } else { segment.syn.mss };
        let mss = mss.max(LEAST_MSS).min(self.config.mss);
        self.sender.mss = config::payload(u32::from(mss), self.timestamps);
        self.sender.sack = self.config.sack && segment.syn.sack_permitted;
        self.receiver.sack = self.sender.sack;
        if let Some(shift) = segment.syn.window_scale.filter(|_| self.config.window_scaling) {
            // RFC 7323, section 2.3: more than 14 counts as 14.
            self.peer_shift = shift.min(14);
            self.receiver.shift = self.config.window_shift();
        }
        self.sender.refresh();
    }

    fn settle_ecn(&mut self, feedback: EcnFeedback) {
        self.sender.marks.set_feedback(feedback);
        self.receiver.echo.set_feedback(feedback);
    }

    fn establish(&mut self, now: Time) {
        if self.opening.sent == 1 {
            self.sender.rtt.sample(now.since(self.opening.sent_at));
        } else {
            self.sender.rtt.handshake_was_slow();
            // RFC 5681, section 3.1: a SYN or SYN/ACK was lost, so the first window is one segment.
            self.sender.restart_cap = u64::from(self.sender.mss);
        }
        self.opening.finish();
        self.sender.account.heard = now;
        self.receiver.came = now;
        self.state = if self.sender.closing { State::FinWait1 } else { State::Established };
        if self.life.keep_alive.is_some() {
            self.watch(now);
        }
    }

    /// The flags of the ACK that ends the handshake, once.
    pub(super) fn take_answer(&mut self) -> Option<Flags> {
        self.opening.answer.take().map(ace)
    }

    /// The SYN or SYN/ACK was not answered in time.
    pub(super) fn on_opening_timeout(&mut self) {
        self.opening.at = Time::NEVER;
        let limit = if self.state == State::SynSent {
            self.config.syn_retransmissions
        } else {
            self.config.syn_ack_retransmissions
        };
        if self.opening.sent > limit.unwrap_or(self.config.max_retransmissions) {
            self.fail(self.timeout_failure());
        } else {
            self.opening.ask();
        }
    }
}
