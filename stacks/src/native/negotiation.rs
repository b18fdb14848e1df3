//! What the handshake agrees on about ECN: RFC 3168, section 6.1.1; RFC 9768, section 3.1 and, for what the handshake itself
//! tells of marks, section 3.2.2.

use burstlab_algorithms::EcnFeedback;
use burstlab_network::{Codepoint, Flags, Segment};

use super::connection::Connection;
use super::ecn::{ace, ace_of};
use super::marks::Marks;

/// SYNs, or SYN/ACKs, that carry the flags of accurate ECN. If all are lost, the flags may be why (RFC 9768, sections
/// 3.1.4.1 and 3.2.3.2.2).
const ACCURATE_TRIES: u32 = 2;

/// What the SYN and SYN/ACK of both sides said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Negotiation {
    /// Flags of the peer's first SYN, or of its SYN/ACK.
    flags: u8,
    /// The feedback that one of the peer's SYNs led or would lead to; none as long as all of them were plain.
    asked: EcnFeedback,
    /// How the SYN arrived that came last.
    arrived: Codepoint,
    /// Codepoint of the SYN or SYN/ACK that was sent.
    sent: Codepoint,
    /// Whether one of either side went without the flags of the ECN that was asked for.
    plain: bool,
    /// A marked SYN/ACK was counted.
    marked: bool,
    /// The ACK of a SYN/ACK is still to be sent; accurate ECN answers in it.
    answer: Option<u8>,
}

impl Default for Negotiation {
    fn default() -> Negotiation {
        Negotiation {
            flags: 0,
            asked: EcnFeedback::None,
            arrived: Codepoint::NotEct,
            sent: Codepoint::NotEct,
            plain: false,
            marked: false,
            answer: None,
        }
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
    /// Flags of the SYN that is about to leave, and its codepoint.
    pub(super) fn ask_for_ecn(&mut self) -> (Flags, Codepoint) {
        let plain = self.is_out_of_tries();
        let codepoint = if plain { Codepoint::NotEct } else { self.syn_codepoint() };
        self.opening.ecn.sent = codepoint;
        (ace(if plain { 0 } else { request(self.feedback) }), codepoint)
    }

    /// Flags of the SYN/ACK that is about to leave, its codepoint, and whether feedback will be accurate.
    pub(super) fn answer_for_ecn(&mut self) -> (Flags, Codepoint, bool) {
        let feedback = settle(self.feedback, self.opening.ecn.flags);
        let flags = match feedback {
            EcnFeedback::Accurate if self.is_out_of_tries() => 0b000,
            EcnFeedback::None => 0b000,
            EcnFeedback::Accurate => reflection(self.opening.ecn.arrived),
            EcnFeedback::Classic | EcnFeedback::Dctcp => 0b001,
        };
        let codepoint = if flags == 0 { Codepoint::NotEct } else { self.syn_codepoint() };
        self.opening.ecn.sent = codepoint;
        (ace(flags), codepoint, feedback == EcnFeedback::Accurate)
    }

    /// Whether the SYN or SYN/ACK goes without the flags of accurate ECN from now on.
    fn is_out_of_tries(&mut self) -> bool {
        let out = self.feedback == EcnFeedback::Accurate && self.opening.sent() > ACCURATE_TRIES;
        self.opening.ecn.plain |= out;
        out
    }

    /// ECN-capable only where the feedback is of a data centre's kind (see [`Config::generalized_ecn`]).
    ///
    /// [`Config::generalized_ecn`]: super::Config::generalized_ecn
    fn syn_codepoint(&self) -> Codepoint {
        if !self.config.generalized_syn {
            return Codepoint::NotEct;
        }
        let mut marks = Marks::new(self.config.generalized_ecn);
        marks.set_feedback(self.feedback);
        marks.codepoint(self.sender.ecn, false)
    }

    /// The peer's first SYN, or its SYN/ACK.
    pub(super) fn note_ecn_of_syn(&mut self, segment: &Segment) {
        let flags = ace_of(segment.flags);
        self.opening.ecn.flags = flags;
        self.opening.ecn.arrived = segment.codepoint;
        self.opening.ecn.asked = settle(self.feedback, flags);
    }

    /// The peer's SYN again. False if it asks for another kind of ECN than one before it, so that the peer could not know
    /// which of them was agreed to (RFC 9768, section 3.1.5).
    pub(super) fn note_ecn_of_syn_again(&mut self, segment: &Segment) -> bool {
        let asked = settle(self.feedback, ace_of(segment.flags));
        let ecn = &mut self.opening.ecn;
        ecn.plain |= ace_of(segment.flags) == 0;
        ecn.arrived = segment.codepoint;
        if asked == EcnFeedback::None {
            return true;
        }
        let before = std::mem::replace(&mut ecn.asked, asked);
        before == EcnFeedback::None || before == asked
    }

    /// Who opened got the SYN/ACK.
    pub(super) fn conclude_ecn(&mut self, segment: &Segment) {
        let feedback = conclude(self.feedback, self.opening.ecn.flags);
        self.settle_ecn(feedback);
        if feedback == EcnFeedback::Accurate {
            self.opening.ecn.answer = Some(reflection(segment.codepoint));
            self.count_syn_ack(segment.codepoint);
            self.hear_of_handshake(self.opening.ecn.flags);
        }
    }

    /// Who listened, or opened while the peer did, got an answer to its SYN/ACK.
    pub(super) fn settle_ecn_of_syn(&mut self) {
        self.settle_ecn(settle(self.feedback, self.opening.ecn.flags));
    }

    fn settle_ecn(&mut self, feedback: EcnFeedback) {
        self.sender.marks.set_feedback(feedback);
        self.receiver.echo.set_feedback(feedback);
        if feedback == EcnFeedback::Accurate && !self.sender.sack {
            // Marked ACKs would be answered by ACKs, which only SACK tells from duplicates (RFC 9768, section 3.2.2.5.1).
            self.sender.marks.limit_to_new_data();
        }
    }

    /// Counts a marked SYN/ACK, but no second one (RFC 9768, section 3.2.2.2): the peer can count one only.
    pub(super) fn count_syn_ack(&mut self, codepoint: Codepoint) {
        let accurate = self.sender.marks.feedback() == EcnFeedback::Accurate;
        if accurate && codepoint == Codepoint::Ce && !std::mem::replace(&mut self.opening.ecn.marked, true) {
            self.receiver.echo.count_marked_handshake();
        }
    }

    /// The SYN/ACK came again, so its ACK was lost: what that told is told again (RFC 9768, section 3.2.2.1).
    pub(super) fn answer_again(&mut self, segment: &Segment) {
        let accurate = self.sender.marks.feedback() == EcnFeedback::Accurate;
        if !accurate || self.opening.is_passive() || !segment.flags.has(Flags::ACK) {
            return;
        }
        self.count_syn_ack(segment.codepoint);
        if conclude(self.feedback, ace_of(segment.flags)) == EcnFeedback::Accurate {
            self.opening.ecn.answer = Some(reflection(segment.codepoint));
        }
    }

    /// What the third segment of the handshake tells who listened. Its flags answer the handshake and count nothing: gives
    /// the segment with flags that say so, unless there is more to it than an ACK.
    pub(super) fn hear_third(&mut self, segment: &Segment) -> Segment {
        if segment.payload > 0 || segment.flags.has(Flags::FIN) {
            return *segment;
        }
        let mut third = *segment;
        third.flags = third.flags.without(Flags::AE.with(Flags::CWR).with(Flags::ECE));
        if self.sender.marks.feedback() == EcnFeedback::Accurate {
            third.flags = third.flags.with(ace(super::ecn::FIRST_PACKETS as u8));
            self.hear_of_handshake(ace_of(segment.flags));
        }
        third
    }

    /// Accurate feedback on the SYN or SYN/ACK (RFC 9768, sections 3.1.5, 3.2.2.1 and 3.2.2.3): counts a mark, and sends
    /// nothing ECN-capable on a path that cannot be trusted with it, or that ECN did not get through in the handshake.
    fn hear_of_handshake(&mut self, flags: u8) {
        let seen = reflected(flags);
        let ecn = &self.opening.ecn;
        let marks = &mut self.sender.marks;
        // The listener's counter does not count a marked SYN (RFC 9768, section 3.2.2.2), so neither does this side's.
        if self.opening.is_passive() && seen == Some(Codepoint::Ce) && ecn.sent != Codepoint::NotEct {
            marks.count_marked_handshake();
        }
        if ecn.plain || seen.is_some_and(|seen| is_mangled(ecn.sent, seen)) {
            marks.mute();
        }
        // In the third segment, no flag at all says that a box on the path clears them, or that the peer is without ECN.
        if flags == 0 {
            marks.distrust();
        }
    }

    /// The flags of the ACK that ends the handshake, once.
    pub(super) fn take_answer(&mut self) -> Option<Flags> {
        self.opening.ecn.answer.take().map(ace)
    }
}
