//! What the network says by ICMP: RFC 9293, section 3.9.2.2; RFC 5461; RFC 5927; RFC 1191.

use burstlab_algorithms::{Phase, Time};

use super::connection::{Connection, State};
use super::failure::{Failure, Unreachable};
use super::frto::Forward;
use super::sender::Sender;

/// IPv4 and TCP headers without options (RFC 791, RFC 9293).
const HEADERS: u16 = 40;
/// Least MTU that is believed: Linux's `min_pmtu`, so that a forged message cannot cut segments to crumbs (RFC 5927,
/// section 7.2 asks for such a bound).
const LEAST_MTU: u16 = 552;

/// An ICMP message about a segment of this connection: RFC 792, with the codes of RFC 1122, section 3.2.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icmp {
    /// The destination cannot be reached.
    Unreachable(Unreachable),
    /// A packet was too large for a link and must not be split; its router gives the link's MTU in bytes, or zero if it
    /// is too old to (RFC 1191, section 4).
    FragmentationNeeded {
        /// MTU of the next hop.
        mtu: u16,
    },
    /// A packet lived too long.
    TimeExceeded,
    /// A header was faulty.
    ParameterProblem,
    /// Asks to send less.
    SourceQuench,
}

impl Icmp {
    /// What it says of the destination, and whether that is for good (RFC 9293, section 3.9.2.2).
    fn verdict(self) -> Option<(Unreachable, bool)> {
        match self {
            Icmp::Unreachable(why @ (Unreachable::Protocol | Unreachable::Port)) => Some((why, true)),
            Icmp::Unreachable(why) => Some((why, false)),
            Icmp::TimeExceeded | Icmp::ParameterProblem => Some((Unreachable::Host, false)),
            // RFC 9293, MUST-55: source quench is discarded in silence.
            Icmp::FragmentationNeeded { .. } | Icmp::SourceQuench => None,
        }
    }
}

impl Connection {
    /// An ICMP message came in that quotes a segment of this side with the sequence number `seq`.
    ///
    /// It is believed only if that segment can be on its way (RFC 5927, section 4.1). A connection that is being opened
    /// ends by an error that is for good (SHLD-26), and by any if
    /// [`soft_errors_end_opening`](super::Config::soft_errors_end_opening). An open one ends by none of them: it is kept
    /// as [`soft_error`](Connection::soft_error) and told if the connection times out (RFC 5927, section 5.2).
    pub fn on_icmp(&mut self, now: Time, message: Icmp, seq: u32) {
        let opening = matches!(self.state, State::SynSent | State::SynReceived);
        if !(opening || self.is_synchronized()) || !self.is_on_its_way(seq, opening) {
            return;
        }
        if let Icmp::FragmentationNeeded { mtu } = message {
            self.lower_mtu(mtu, opening);
            return;
        }
        let Some((why, for_good)) = message.verdict() else { return };
        if opening && (for_good || self.config.soft_errors_end_opening) {
            self.fail(Failure::Unreachable(why));
        } else {
            self.life.soft_error = Some((why, now));
        }
    }

    fn is_on_its_way(&self, seq: u32, opening: bool) -> bool {
        if opening {
            return seq == self.config.initial_sequence;
        }
        let (una, next) = (self.sender.board.una(), self.sender.board.next());
        let position = self.numbering.position(seq, una);
        una as i64 <= position && position < next as i64
    }

    /// RFC 1191, section 6.3: smaller segments from now on, and what was too large is sent again at once.
    fn lower_mtu(&mut self, mtu: u16, opening: bool) {
        // A router that gives none is taken to have the least MTU that is believed (RFC 1191, section 5 has a table).
        let mss = mtu.max(LEAST_MTU) - HEADERS;
        if mss >= self.config.mss {
            return;
        }
        self.set_max_segment(mss);
        if !opening {
            self.sender.resend_in_pieces();
        }
    }
}

impl Sender {
    /// Cuts what is out into packets that fit, and sends again those that did not. The window stays as it is: nothing was
    /// lost to congestion (RFC 1191, section 6.5).
    fn resend_in_pieces(&mut self) {
        let pieces = self.board.split(self.mss);
        if pieces.is_empty() {
            return;
        }
        for piece in pieces {
            self.board.mark_lost(piece);
        }
        self.phase = Phase::Loss;
        self.high = self.board.next();
        self.prr.end();
        self.frto = Forward::Off;
        self.undo.disarm();
        self.tlp.forget();
    }
}
