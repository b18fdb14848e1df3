//! Explicit congestion notification, the receiver's half: how CE marks are told to the peer.
//!
//! RFC 3168 (ECE until CWR), RFC 8257, section 3.2 (ECE mirrors each packet) and RFC 9768 (counters).

use burstlab_algorithms::EcnFeedback;
use burstlab_network::{AccEcnCounters, Codepoint, Flags, Segment, U24};

/// r.cep and s.cep begin here, so that a zeroed field is noticed (RFC 9768, section 3.2.1).
pub(super) const FIRST_PACKETS: u64 = 5;
/// CE marks on data after which an accurate receiver acknowledges at once (RFC 9768, section 3.2.2.5.1).
const MARKS_PER_ACK: u8 = 2;
/// The same where no data came: no fewer than 3, so that ACKs of marked ACKs die out.
const MARKS_PER_ACK_OF_ACKS: u8 = 3;

/// What a segment's mark asks of the acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Nothing special.
    Nothing,
    /// An ACK of what came before, with the state before (RFC 8257, figure 1).
    FormerAck,
    /// An ACK at once.
    PromptAck,
    /// A marked segment without data: an ACK at once if data waits to be acknowledged, or marks of enough of its kind wait
    /// to be told.
    AckOfAck,
}

/// What the receiver has seen of marks and how it tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Echo {
    feedback: EcnFeedback,
    /// Classic: ECE is being sent. DCTCP: DCTCP.CE, whether the last data packet was marked.
    ece: bool,
    /// r.cep.
    packets: u64,
    /// r.ceb.
    ce: u64,
    /// r.e0b.
    ect0: u64,
    /// r.e1b.
    ect1: u64,
    unreported: u8,
    /// Whether counters go out with pure ACKs.
    counts: bool,
    /// Whether they may.
    option: bool,
    /// A counter changed since they were told last.
    news: bool,
    /// No data went out yet.
    no_data: bool,
}

impl Echo {
    /// Before negotiation: nothing is told. `option`: byte counters may be told beside the flags.
    pub fn new(option: bool) -> Echo {
        Echo {
            feedback: EcnFeedback::None,
            ece: false,
            packets: FIRST_PACKETS,
            ce: 0,
            ect0: 1,
            ect1: 1,
            unreported: 0,
            counts: false,
            option,
            news: false,
            no_data: true,
        }
    }

    /// What was negotiated.
    pub fn set_feedback(&mut self, feedback: EcnFeedback) {
        self.feedback = feedback;
        self.counts = self.option && feedback == EcnFeedback::Accurate;
    }

    /// A SYN/ACK was marked: it counts (RFC 9768, section 3.2.2.1).
    pub fn count_marked_handshake(&mut self) {
        self.packets += 1;
    }

    /// A segment came in that is taken.
    #[inline]
    pub fn on_segment(&mut self, segment: &Segment) -> Ask {
        let marked = segment.codepoint == Codepoint::Ce;
        match self.feedback {
            EcnFeedback::None => {}
            _ if segment.payload == 0 && self.feedback != EcnFeedback::Accurate => {}
            EcnFeedback::Classic => {
                if segment.flags.has(Flags::CWR) {
                    self.ece = false;
                }
                self.ece |= marked;
            }
            EcnFeedback::Dctcp => {
                if self.ece != marked {
                    return Ask::FormerAck;
                }
            }
            EcnFeedback::Accurate => return self.count(segment, marked),
        }
        Ask::Nothing
    }

    /// DCTCP: takes over the mark of the segment that [`on_segment`](Self::on_segment) asked a former ACK for.
    pub fn flip(&mut self) {
        self.ece = !self.ece;
    }

    fn count(&mut self, segment: &Segment, marked: bool) -> Ask {
        let bytes = u64::from(segment.payload);
        self.news |= bytes > 0 && segment.codepoint != Codepoint::NotEct;
        match segment.codepoint {
            Codepoint::Ce => self.ce += bytes,
            Codepoint::Ect0 => self.ect0 += bytes,
            Codepoint::Ect1 => self.ect1 += bytes,
            Codepoint::NotEct => {}
        }
        if !marked {
            self.ece = false;
            return Ask::Nothing;
        }
        self.packets += 1;
        // A host that does not send holds acknowledgements back for as long as it likes.
        self.unreported = self.unreported.saturating_add(1);
        let change = !std::mem::replace(&mut self.ece, true);
        if self.unreported < MARKS_PER_ACK && !(change && bytes > 0) {
            return Ask::Nothing;
        }
        if bytes > 0 { Ask::PromptAck } else { Ask::AckOfAck }
    }

    /// Whether the marks that are not told yet are enough for an ACK although no data waits to be acknowledged.
    pub fn deserves_ack_of_ack(&self) -> bool {
        self.unreported >= MARKS_PER_ACK_OF_ACKS
    }

    /// The flags that go out with each segment behind the handshake.
    pub fn flags(&self) -> Flags {
        match self.feedback {
            EcnFeedback::None => Flags::NONE,
            EcnFeedback::Accurate => ace(self.packets as u8),
            _ if self.ece => Flags::ECE,
            _ => Flags::NONE,
        }
    }

    /// Whether counters go out with pure ACKs.
    pub fn counts(&self) -> bool {
        self.counts
    }

    /// The counters that go out with them.
    pub fn counters(&self) -> AccEcnCounters {
        AccEcnCounters { ect0: U24::wrapping(self.ect0), ce: U24::wrapping(self.ce), ect1: U24::wrapping(self.ect1) }
    }

    /// Whether a segment with `payload` bytes of data should carry counters: if they changed, and on the first one with data,
    /// as the ACK that ends the handshake may be lost (RFC 9768, section 3.2.3.2.1).
    pub fn takes_data(&mut self, payload: u32) -> bool {
        self.news || payload > 0 && std::mem::replace(&mut self.no_data, false)
    }

    /// The counters leave.
    pub fn on_told(&mut self) {
        self.news = false;
    }

    /// An acknowledgement left.
    pub fn on_ack_sent(&mut self) {
        self.unreported = 0;
    }
}

/// The ACE field with the low three bits of `count` (RFC 9768, section 3.2.2).
pub(super) fn ace(count: u8) -> Flags {
    [(4, Flags::AE), (2, Flags::CWR), (1, Flags::ECE)]
        .into_iter()
        .filter(|(bit, _)| count & bit != 0)
        .fold(Flags::NONE, |flags, (_, flag)| flags.with(flag))
}

/// The count in the ACE field.
pub(super) fn ace_of(flags: Flags) -> u8 {
    u8::from(flags.has(Flags::AE)) << 2 | u8::from(flags.has(Flags::CWR)) << 1 | u8::from(flags.has(Flags::ECE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(codepoint: Codepoint, flags: Flags) -> Segment {
        Segment { payload: 1000, codepoint, flags, ..Segment::default() }
    }

    fn echo(feedback: EcnFeedback) -> Echo {
        let mut echo = Echo::new(true);
        echo.set_feedback(feedback);
        echo
    }

    #[test]
    fn classic_echo_lasts_until_cwr() {
        let mut echo = echo(EcnFeedback::Classic);
        echo.on_segment(&data(Codepoint::Ce, Flags::ACK));
        echo.on_segment(&data(Codepoint::Ect0, Flags::ACK));
        assert_eq!(echo.flags(), Flags::ECE);
        echo.on_segment(&data(Codepoint::Ect0, Flags::ACK.with(Flags::CWR)));
        assert_eq!(echo.flags(), Flags::NONE);
        echo.on_segment(&data(Codepoint::Ce, Flags::ACK.with(Flags::CWR)));
        assert_eq!(echo.flags(), Flags::ECE, "CWR and a new mark: the mark counts");
    }

    // holds: RFC8257 3.2 #1
    #[test]
    fn dctcp_asks_for_an_ack_of_the_former_state_at_each_change() {
        let mut echo = echo(EcnFeedback::Dctcp);
        assert_eq!(echo.on_segment(&data(Codepoint::Ect0, Flags::ACK)), Ask::Nothing);
        assert_eq!(echo.on_segment(&data(Codepoint::Ce, Flags::ACK)), Ask::FormerAck);
        echo.flip();
        assert_eq!(echo.flags(), Flags::ECE);
        assert_eq!(echo.on_segment(&data(Codepoint::Ce, Flags::ACK)), Ask::Nothing);
        assert_eq!(echo.on_segment(&data(Codepoint::Ect0, Flags::ACK)), Ask::FormerAck);
    }

    // holds: RFC9768 3.2 #1, RFC9768 3.2 #2, RFC9768 3.2.2 #2
    #[test]
    fn accurate_feedback_counts_packets_modulo_eight_and_bytes() {
        let mut echo = echo(EcnFeedback::Accurate);
        for _ in 0..10 {
            echo.on_segment(&data(Codepoint::Ce, Flags::ACK));
        }
        assert_eq!(ace_of(echo.flags()), ((5 + 10) % 8) as u8);
        assert_eq!(echo.counters().ce.get(), 10_000);
    }

    // holds: RFC9768 3.2 #1
    #[test]
    fn marked_acks_count_and_are_answered_once_there_are_three() {
        let mut echo = echo(EcnFeedback::Accurate);
        let ack = Segment { payload: 0, ..data(Codepoint::Ce, Flags::ACK) };
        let asked = [0; 3].map(|_| (echo.on_segment(&ack), echo.deserves_ack_of_ack()));
        assert_eq!(asked, [(Ask::Nothing, false), (Ask::AckOfAck, false), (Ask::AckOfAck, true)]);
        assert_eq!((ace_of(echo.flags()), echo.counters().ce.get()), (5 + 3 - 8, 0));
        echo.on_ack_sent();
        assert_eq!(echo.on_segment(&ack), Ask::Nothing);
    }

    #[test]
    fn the_ace_field_reads_back() {
        for count in 0..8 {
            assert_eq!(ace_of(ace(count)), count);
        }
    }
}
