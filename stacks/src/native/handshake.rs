//! The three-way handshake and what it negotiates: RFC 9293, section 3.5; RFC 7323; RFC 2018. ECN is in `negotiation`.

use burstlab_algorithms::{Span, Time};
use burstlab_network::{Flags, Segment, SynOptions, Timestamps};

use super::config;
use super::connection::{Connection, State};
use super::failure::Failure;
use super::negotiation::Negotiation;
use super::receiver::Receiver;
use super::seq::Numbering;

/// MSS of a peer that gives none (RFC 9293, section 3.7.1).
const DEFAULT_MSS: u16 = 536;

/// Least MSS of a peer that is believed. One of a few bytes would make packets of headers alone; with this, at least eight
/// bytes of payload go beside the most options (Linux's TCP_MIN_SND_MSS).
const LEAST_MSS: u16 = 48;

/// The SYN or SYN/ACK under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    due: bool,
    /// When it is sent again.
    pub at: Time,
    sent: u32,
    sent_at: Time,
    /// Options of the peer's SYN.
    peer: SynOptions,
    /// Whether the peer opened.
    passive: bool,
    pub ecn: Negotiation,
}

impl Default for Opening {
    fn default() -> Opening {
        Opening {
            due: false,
            at: Time::NEVER,
            sent: 0,
            sent_at: Time::ZERO,
            peer: SynOptions::default(),
            passive: false,
            ecn: Negotiation::default(),
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

    /// Whether the peer opened.
    pub fn is_passive(&self) -> bool {
        self.passive
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
        let (ecn, codepoint) = self.ask_for_ecn();
        let mut segment = self.skeleton(Flags::SYN.with(ecn), self.config.initial_sequence, 0, options);
        segment.codepoint = codepoint;
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
        let (ecn, codepoint, accurate) = self.answer_for_ecn();
        let ack = self.receiver.numbering.wire(self.receiver.next);
        let flags = Flags::SYN.with(Flags::ACK).with(ecn);
        let mut segment = self.skeleton(flags, self.config.initial_sequence, ack, options);
        segment.codepoint = codepoint;
        segment.window = self.receiver.advertise_unscaled();
        segment.timestamps = self.timestamps_now(now);
        // RFC 9768, section 3.2.3.2.1: whether the option gets through is tried here; and, lost with it, not again.
        if accurate && self.config.acc_ecn_option && self.opening.sent == 1 {
            segment.acc_ecn = Some(self.receiver.echo.counters());
        }
        segment
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
        self.conclude_ecn(segment);
        self.establish(now);
        self.receiver.ack.demand();
    }

    fn on_syn_received(&mut self, now: Time, segment: &Segment) {
        let start = self.receiver.numbering.position(segment.seq, self.receiver.next);
        let end = start + i64::from(segment.seq_len());
        let is_syn = segment.flags.has(Flags::SYN);
        if is_syn && start == -1 && !segment.flags.has(Flags::RST) {
            if !segment.flags.has(Flags::ACK) {
                if self.note_ecn_of_syn_again(segment) {
                    // The SYN/ACK was lost.
                    self.opening.ask();
                } else {
                    self.take_handshake_back(now);
                }
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
        self.settle_ecn_of_syn();
        self.establish(now);
        if is_syn {
            // The other half of a simultaneous open.
            self.count_syn_ack(segment.codepoint);
            self.set_first_window(segment.window);
            self.receiver.ack.demand();
        } else {
            let third = self.hear_third(segment);
            crate::Endpoint::on_segment(self, now, &third);
        }
    }

    /// The peer contradicts itself in the handshake.
    fn take_handshake_back(&mut self, now: Time) {
        self.reply = Some(Box::new(self.farewell(now)));
        if self.opening.passive {
            self.on_refused();
        } else {
            self.fail(Failure::Aborted);
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

    fn take_syn(&mut self, now: Time, segment: &Segment) {
        self.receiver.numbering = Numbering::after_syn(segment.seq);
        self.opening.peer = segment.syn;
        self.note_ecn_of_syn(segment);
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
