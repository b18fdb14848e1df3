//! Loss recovery without SACK: RFC 5681, section 3.2, RFC 3042 and RFC 6582.
//!
//! A duplicate ACK says that some packet arrived, but not which. As long as the hole is not closed, each is taken for one
//! full packet that left the network ("vouched" for). So the window lets new packets out for the first two of them
//! (limited transmit), and in the recovery what is delivered is known as it is with SACK (RFC 9937, section 6.1), instead
//! of by inflating the window.

use burstlab_algorithms::{Phase, Time};

use super::rack::DUP_THRESHOLD;
use super::sender::Sender;

impl Sender {
    /// Vouches anew: for `before` and one packet more on a duplicate ACK; when the ACK advanced by `acked`, for what
    /// behind the closed hole was vouched for and is not acknowledged yet.
    #[inline(never)]
    pub(super) fn vouch(&mut self, before: u64, acked: u64, duplicate: bool) {
        let mss = u64::from(self.mss);
        if acked > 0 {
            // The first packet acknowledged is the one that was missing; the others had been vouched for.
            let recovering = self.phase == Phase::Recovery && self.board.una() < self.high;
            if recovering {
                self.board.vouch(before.saturating_sub(acked.saturating_sub(mss)));
            }
        } else {
            // After a timeout, duplicates may be answers to what was out before it, but for one that comes behind F-RTO's
            // two new packets: one of these has arrived, which lets a retransmission out (RFC 5682, section 2.1, step 3a).
            let tells = duplicate && (self.phase != Phase::Loss || self.frto.holds_retransmissions());
            self.board.vouch(before + if tells { mss } else { 0 });
        }
    }

    /// What an ACK delivered that left `after` of `before` bytes out.
    ///
    /// What duplicate ACKs told of may turn out to be out still, as when the network had doubled a packet. It counted when
    /// they came, and does not once more when it arrives.
    pub(super) fn deliver_once(&mut self, before: u64, after: u64) -> u64 {
        self.told_too_much += after.saturating_sub(before);
        let gone = before.saturating_sub(after);
        let again = gone.min(self.told_too_much);
        self.told_too_much -= again;
        gone - again
    }

    /// Fast retransmit by counting (RFC 5681, section 3.2), and the next hole on a partial ACK (RFC 6582, section 3.2).
    pub(super) fn count_duplicates(&mut self, now: Time, advanced: bool, bare: bool) {
        if advanced {
            self.duplicates = 0;
            if self.phase == Phase::Recovery && self.board.una() < self.high {
                self.lose(self.board.first(), now);
            }
        } else if bare && !self.board.is_empty() {
            self.duplicates += 1;
            // RFC 6582, section 3.2, step 2: duplicates of what was out in the last recovery, or at the last timeout, may
            // stem from needless retransmissions.
            let fresh = matches!(self.phase, Phase::Open | Phase::Reducing);
            if self.duplicates == DUP_THRESHOLD as u32 && fresh {
                self.lose(self.board.first(), now);
            }
        }
    }

    /// Whether an episode that lasts until `high` is over. Without SACK, it takes an ACK of something beyond: see
    /// [`count_duplicates`](Self::count_duplicates).
    pub(super) fn is_beyond_episode(&self) -> bool {
        let una = self.board.una();
        una > self.high || una == self.high && (self.sack || self.board.is_empty())
    }
}
