//! ECN at the device: what smoltcp does not know of its own connection.

use burstlab_algorithms::{Ecn, EcnFeedback};
use burstlab_network::{Codepoint, Flags, Segment};

use crate::native::ecn::{Ask, Echo};
use crate::native::marks::{Marks, Told};

/// One side's ECN: negotiation (RFC 3168, section 6.1.1), marks on what is sent, echo of what came.
#[derive(Debug)]
pub(super) struct Device {
    /// What this side asks for.
    wanted: EcnFeedback,
    generalized: bool,
    /// Whether the peer's SYN asked for it.
    asked: bool,
    marks: Marks,
    echo: Echo,
}

impl Device {
    /// Before the handshake. Accurate feedback falls back to the classic one, as RFC 9768, section 3.1.2, has it for a
    /// side that does not implement it. `generalized`: see [`Config`](crate::native::Config::generalized_ecn).
    pub fn new(feedback: EcnFeedback, generalized: bool) -> Device {
        let wanted = if feedback == EcnFeedback::Accurate { EcnFeedback::Classic } else { feedback };
        Device { wanted, generalized, asked: false, marks: Marks::new(generalized), echo: Echo::new(true) }
    }

    /// The peer's SYN or SYN/ACK came in.
    pub fn on_syn(&mut self, segment: &Segment) {
        let (ece, cwr) = (segment.flags.has(Flags::ECE), segment.flags.has(Flags::CWR));
        if segment.flags.has(Flags::ACK) {
            self.agree(ece && !cwr);
        } else {
            self.asked = ece && cwr;
            self.agree(self.asked);
        }
    }

    fn agree(&mut self, agreed: bool) {
        let feedback = if agreed { self.wanted } else { EcnFeedback::None };
        self.marks.set_feedback(feedback);
        self.echo.set_feedback(feedback);
    }

    /// Marks a SYN or SYN/ACK.
    pub fn mark_syn(&self, segment: &mut Segment, ecn: Ecn) {
        let answers = segment.flags.has(Flags::ACK);
        if self.wanted == EcnFeedback::None || answers && !self.asked {
            return;
        }
        let flags = if answers { Flags::ECE } else { Flags::ECE.with(Flags::CWR) };
        segment.flags = segment.flags.with(flags);
        let mut marks = Marks::new(self.generalized);
        marks.set_feedback(self.wanted);
        segment.codepoint = marks.codepoint(ecn, false);
    }

    /// Marks a segment behind the handshake. `fresh`: it carries data that was not sent before.
    pub fn mark(&mut self, segment: &mut Segment, ecn: Ecn, fresh: bool) {
        segment.flags = segment.flags.with(self.echo.flags());
        if fresh {
            segment.flags = segment.flags.with(self.marks.take_flags());
        }
        segment.codepoint = self.marks.codepoint(ecn, fresh);
    }

    /// A segment came in that is taken. Whether marks begin or end with it, and what came before it is to be
    /// acknowledged as it was (RFC 8257, section 3.2): [`flip`](Self::flip) comes after that.
    pub fn on_segment(&mut self, segment: &Segment) -> bool {
        self.echo.on_segment(segment) == Ask::FormerAck
    }

    /// See [`on_segment`](Self::on_segment).
    pub fn flip(&mut self) {
        self.echo.flip();
    }

    /// What an acknowledgement of `delivered` new bytes says of marks.
    pub fn on_ack(&mut self, segment: &Segment, delivered: u64, mss: u64) -> Told {
        self.marks.on_ack(segment, delivered, mss)
    }

    /// The window was reduced: CWR goes out with the next new packet.
    pub fn reduced(&mut self) {
        self.marks.reduced();
    }

    /// What was negotiated.
    pub fn feedback(&self) -> EcnFeedback {
        self.marks.feedback()
    }

    /// Whether a segment carries a mark.
    pub fn is_marked(segment: &Segment) -> bool {
        segment.codepoint == Codepoint::Ce
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Flags = Flags(Flags::SYN.0 | Flags::ECE.0 | Flags::CWR.0);

    fn device(feedback: EcnFeedback) -> Device {
        Device::new(feedback, true)
    }

    fn segment(flags: Flags) -> Segment {
        Segment { flags, ..Segment::default() }
    }

    #[test]
    fn both_must_agree() {
        for (asks, answers, agreed) in [
            (EcnFeedback::Dctcp, EcnFeedback::Dctcp, EcnFeedback::Dctcp),
            (EcnFeedback::Accurate, EcnFeedback::Accurate, EcnFeedback::Classic),
            (EcnFeedback::Dctcp, EcnFeedback::None, EcnFeedback::None),
            (EcnFeedback::None, EcnFeedback::Dctcp, EcnFeedback::None),
        ] {
            let (mut one, mut other) = (device(asks), device(answers));
            let mut syn = segment(Flags::SYN);
            one.mark_syn(&mut syn, Ecn::Ect0);
            other.on_syn(&syn);
            let mut answer = segment(Flags::SYN.with(Flags::ACK));
            other.mark_syn(&mut answer, Ecn::Ect0);
            one.on_syn(&answer);
            assert_eq!((one.feedback(), other.feedback()), (agreed, agreed), "{asks:?} {answers:?}");
        }
    }

    #[test]
    fn a_peer_that_reflects_the_request_did_not_agree() {
        let mut one = device(EcnFeedback::Classic);
        one.on_syn(&segment(REQUEST.with(Flags::ACK)));
        assert_eq!(one.feedback(), EcnFeedback::None);
        let mut data = Segment { payload: 100, ..segment(Flags::ACK) };
        one.mark(&mut data, Ecn::Ect0, true);
        assert_eq!(data.codepoint, Codepoint::NotEct);
    }
}
