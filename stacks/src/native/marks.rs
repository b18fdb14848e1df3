//! Explicit congestion notification, the sender's half: what the peer's feedback says of marks.

use burstlab_algorithms::{Ecn, EcnFeedback};
use burstlab_network::{Codepoint, Flags, Segment};

use super::ecn::{FIRST_PACKETS, ace_of};

/// What one acknowledgement tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Told {
    /// The ECE flag, where it has that meaning.
    pub ece: bool,
    /// Bytes marked, as well as the feedback can tell.
    pub bytes: u64,
    /// Whether anything was marked: congestion.
    pub congested: bool,
}

/// What the sender knows of its marks, and what it has to answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marks {
    feedback: EcnFeedback,
    /// By what ACKs are read: the same, or nothing where they cannot be trusted.
    heeded: EcnFeedback,
    /// Whether packets may be ECN-capable.
    capable: bool,
    /// Whether the ACE field of a segment behind the handshake was looked at.
    heard: bool,
    everywhere: bool,
    /// The next new packet carries CWR.
    answer: bool,
    /// s.cep.
    packets: u64,
    /// s.ceb, modulo 2^24.
    bytes: u32,
    /// Bytes told on the flags' word since the byte counter last came: it will count them too.
    guessed: u64,
}

impl Marks {
    /// Before negotiation. `generalized`: packets other than new data are ECN-capable too, if the feedback allows it.
    pub fn new(generalized: bool) -> Marks {
        Marks {
            feedback: EcnFeedback::None,
            heeded: EcnFeedback::None,
            capable: false,
            heard: false,
            everywhere: generalized,
            answer: false,
            packets: FIRST_PACKETS,
            bytes: 0,
            guessed: 0,
        }
    }

    /// What was negotiated.
    pub fn set_feedback(&mut self, feedback: EcnFeedback) {
        self.feedback = feedback;
        self.heeded = feedback;
        self.capable = feedback != EcnFeedback::None;
    }

    /// The path cannot be trusted with ECN: no packet is ECN-capable from now on. What is told of marks still counts.
    pub fn mute(&mut self) {
        self.capable = false;
    }

    /// Neither the path nor what is told can be trusted: besides, nothing that is told counts from now on (RFC 9768,
    /// sections 3.2.2.1, note 1, and 3.2.2.4).
    pub fn distrust(&mut self) {
        self.mute();
        self.heeded = EcnFeedback::None;
    }

    /// Packets without new data are not ECN-capable, whatever was configured.
    pub fn limit_to_new_data(&mut self) {
        self.everywhere = false;
    }

    /// The SYN or SYN/ACK was marked: it counts (RFC 9768, section 3.2.2.1).
    pub fn count_marked_handshake(&mut self) {
        self.packets += 1;
    }

    /// The negotiated feedback.
    pub fn feedback(&self) -> EcnFeedback {
        self.feedback
    }

    /// Codepoint of a packet. `fresh`: it carries new data.
    pub fn codepoint(&self, wanted: Ecn, fresh: bool) -> Codepoint {
        let generalized = self.everywhere && matches!(self.feedback, EcnFeedback::Dctcp | EcnFeedback::Accurate);
        if !self.capable || !(fresh || generalized) {
            return Codepoint::NotEct;
        }
        match wanted {
            Ecn::NotEct => Codepoint::NotEct,
            Ecn::Ect0 => Codepoint::Ect0,
            Ecn::Ect1 => Codepoint::Ect1,
        }
    }

    /// The window was reduced: the receiver may stop its ECE (RFC 3168, section 6.1.2).
    pub fn reduced(&mut self) {
        self.answer = matches!(self.feedback, EcnFeedback::Classic | EcnFeedback::Dctcp);
    }

    /// Flags of a new packet.
    pub fn take_flags(&mut self) -> Flags {
        if std::mem::take(&mut self.answer) { Flags::CWR } else { Flags::NONE }
    }

    /// Reads an acknowledgement that newly delivers `delivered` bytes.
    pub fn on_ack(&mut self, segment: &Segment, delivered: u64, mss: u64) -> Told {
        match self.heeded {
            EcnFeedback::None => Told::default(),
            EcnFeedback::Accurate => self.count(segment, delivered, mss),
            EcnFeedback::Classic | EcnFeedback::Dctcp => {
                let ece = segment.flags.has(Flags::ECE);
                Told { ece, bytes: if ece { delivered } else { 0 }, congested: ece }
            }
        }
    }

    /// RFC 9768, section 3.2.2.5 and appendix A.2: three bits may have wrapped around when many packets are
    /// acknowledged at once; the byte counter tells if it is there, else the worst is taken for true.
    fn count(&mut self, segment: &Segment, delivered: u64, mss: u64) -> Told {
        if !std::mem::replace(&mut self.heard, true) && ace_of(segment.flags) == 0 {
            // RFC 9768, section 3.2.2.4: counters begin at 5, so some box on the path zeroes the field.
            self.distrust();
            return Told::default();
        }
        let step = u64::from(ace_of(segment.flags).wrapping_sub(self.packets as u8) & 7);
        if let Some(option) = segment.acc_ecn {
            let bytes = option.ce.get().wrapping_sub(self.bytes) & 0xff_ffff;
            // The upper half of the range means that this ACK is older than the last one.
            if bytes >= 1 << 23 {
                return Told::default();
            }
            self.bytes = option.ce.get();
            let bytes = u64::from(bytes).saturating_sub(std::mem::take(&mut self.guessed));
            // At least as many packets as these bytes fill, in steps of eight.
            let fewest = bytes.div_ceil(mss);
            let packets = if fewest > step { step + (fewest - step).div_ceil(8) * 8 } else { step };
            self.packets += packets;
            return Told { ece: false, bytes: bytes.min(delivered), congested: bytes > 0 };
        }
        let acked = delivered.div_ceil(mss);
        if acked == 0 {
            return Told::default();
        }
        let packets = if acked > 7 && acked >= step { acked - (acked - step) % 8 } else { step };
        self.packets += packets;
        let bytes = (packets * mss).min(delivered);
        self.guessed += bytes;
        Told { ece: false, bytes, congested: packets > 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ecn::ace;
    use super::*;
    use burstlab_network::{AccEcnCounters, U24};

    fn accurate() -> Marks {
        let mut marks = Marks::new(true);
        marks.set_feedback(EcnFeedback::Accurate);
        marks
    }

    fn ack(count: u64, bytes: Option<u64>) -> Segment {
        let acc_ecn = bytes.map(|n| AccEcnCounters { ce: U24::wrapping(n), ..AccEcnCounters::default() });
        Segment { flags: Flags::ACK.with(ace(count as u8)), acc_ecn, ..Segment::default() }
    }

    #[test]
    fn a_small_step_of_the_counter_is_taken_as_it_is() {
        assert_eq!(accurate().on_ack(&ack(5 + 2, None), 2000, 1000).bytes, 2000);
        assert!(!accurate().on_ack(&ack(5, None), 2000, 1000).congested);
    }

    // holds: RFC9768 3.2.2.4 #1
    #[test]
    fn a_first_field_of_zero_ends_ecn() {
        let mut marks = accurate();
        assert_eq!(marks.codepoint(Ecn::Ect1, true), Codepoint::Ect1);
        assert_eq!(marks.on_ack(&ack(0, None), 1000, 1000), Told::default());
        assert_eq!(marks.codepoint(Ecn::Ect1, true), Codepoint::NotEct);
        assert_eq!(marks.on_ack(&ack(2, None), 1000, 1000), Told::default(), "nor does what is told count");
        let mut marks = accurate();
        marks.on_ack(&ack(5, None), 1000, 1000);
        assert!(marks.on_ack(&ack(8, None), 3000, 1000).congested, "later, it is a count");
        assert_eq!(marks.codepoint(Ecn::Ect1, true), Codepoint::Ect1);
    }

    // holds: RFC9768 3.2.2.5.2 #2
    #[test]
    fn more_marks_than_packets_that_arrived_are_believed() {
        let mut marks = accurate();
        assert_eq!(marks.on_ack(&ack(5 + 4, None), 1000, 1000).bytes, 1000);
        assert!(!marks.on_ack(&ack(5 + 4, None), 1000, 1000).congested, "all four are counted");
    }

    // holds: RFC9768 3.2.2.4 #1, RFC9768 3.2.3.2.4 #2
    #[test]
    fn counters_may_begin_at_other_values() {
        let mut marks = accurate();
        let counters = AccEcnCounters { ect0: U24::wrapping(77), ce: U24::wrapping(1000), ect1: U24::wrapping(5) };
        let first = Segment { acc_ecn: Some(counters), ..ack(6, None) };
        assert_eq!(marks.on_ack(&first, 3000, 1000), Told { ece: false, bytes: 1000, congested: true });
        assert_eq!(marks.codepoint(Ecn::Ect1, true), Codepoint::Ect1);
        let mut marks = accurate();
        assert_eq!(marks.on_ack(&ack(3, None), 10_000, 1000).bytes, 6000, "counted, and not found wanting");
        assert_eq!(marks.codepoint(Ecn::Ect1, true), Codepoint::Ect1);
    }

    // holds: RFC9768 3.2.2.5.2 #1, RFC9768 3.2.3.2.3 #1
    #[test]
    fn a_wrap_that_may_have_been_counts_as_one() {
        assert_eq!(accurate().on_ack(&ack(5 + 2, None), 12_000, 1000).bytes, 10_000);
    }

    // holds: RFC9768 3.2.3.2.5 #1
    #[test]
    fn the_byte_counter_settles_it() {
        let mut marks = accurate();
        assert_eq!(marks.on_ack(&ack(5 + 2, Some(2000)), 12_000, 1000).bytes, 2000);
        assert_eq!(marks.on_ack(&ack(5 + 2 + 9, Some(11_000)), 12_000, 1000).bytes, 9000);
        assert_eq!(marks.packets, 5 + 11);
        assert_eq!(marks.on_ack(&ack(5 + 2, Some(2000)), 0, 1000), Told::default(), "overtaken by a newer ACK");
        assert_eq!(marks.on_ack(&ack(5 + 12, None), 2000, 1000).bytes, 1000, "the flags alone go on from there");
    }

    #[test]
    fn a_byte_counter_that_comes_now_and_then_counts_nothing_twice() {
        let mut marks = accurate();
        assert_eq!(marks.on_ack(&ack(5 + 2, None), 3000, 1000).bytes, 2000);
        assert_eq!(marks.on_ack(&ack(5 + 2, Some(2000)), 3000, 1000), Told::default());
        assert_eq!(marks.on_ack(&ack(5 + 3, Some(3000)), 3000, 1000).bytes, 1000);
    }

    #[test]
    fn classic_ecn_marks_new_data_only_and_the_others_everything() {
        let mut marks = Marks::new(true);
        marks.set_feedback(EcnFeedback::Classic);
        assert_eq!(marks.codepoint(Ecn::Ect0, true), Codepoint::Ect0);
        assert_eq!(marks.codepoint(Ecn::Ect0, false), Codepoint::NotEct);
        marks.set_feedback(EcnFeedback::Dctcp);
        assert_eq!(marks.codepoint(Ecn::Ect0, false), Codepoint::Ect0);
    }
}
