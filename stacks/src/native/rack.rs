//! Loss detection by time: RACK (RFC 8985, section 6).

use burstlab_algorithms::{Span, Time};

use super::rto::RoundTrip;
use super::scoreboard::{Record, Scoreboard};

/// Duplicate acknowledgements that mean loss where reordering was never seen (RFC 5681, section 3.2).
pub(super) const DUP_THRESHOLD: u64 = 3;
/// Recoveries for which a window widened by D-SACK is kept (RFC 8985, section 6.2, step 4).
const PERSIST: u8 = 16;

/// The newest packet known to have arrived, and how much reordering is tolerated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rack {
    /// Place in the order of transmissions of the newest packet that arrived (instead of RACK.xmit_ts and
    /// RACK.end_seq).
    newest: u32,
    /// RACK.rtt.
    rtt: Span,
    /// The same two of the newest packet that was sent once only.
    certain: (u32, Span),
    /// RACK.fack: the highest position known to have arrived.
    highest: u64,
    reordering_seen: bool,
    /// How often, and how many bytes it reached at most.
    seen: u32,
    reach: u64,
    /// RACK.reo_wnd_mult.
    quarters: u8,
    persist: u8,
    /// RACK.dsack_round: the window was widened in this round already.
    round: Option<u64>,
}

impl Default for Rack {
    fn default() -> Rack {
        Rack {
            newest: 0,
            rtt: Span::ZERO,
            certain: (0, Span::ZERO),
            highest: 0,
            reordering_seen: false,
            seen: 0,
            reach: 0,
            quarters: 1,
            persist: 0,
            round: None,
        }
    }
}

impl Rack {
    /// Steps 1 to 3: `record` was delivered for the first time. `original_for_sure`: the timestamp's echo is older than
    /// the retransmission.
    pub fn on_delivered(&mut self, record: &Record, now: Time, min_rtt: Span, original_for_sure: bool) {
        let end = record.end();
        let rtt = now.since(record.sent_at);
        if record.is_retransmitted() {
            // Faster than any round trip: it was the original that arrived.
            if original_for_sure || rtt < min_rtt {
                self.highest = self.highest.max(end);
                return;
            }
        } else if end < self.highest {
            self.reordering_seen = true;
            self.seen += 1;
            self.reach = self.reach.max(self.highest - record.start);
        }
        self.highest = self.highest.max(end);
        if record.sent_after(self.newest) {
            self.newest = record.order;
            self.rtt = rtt;
            if !record.is_retransmitted() {
                self.certain = (record.order, rtt);
            }
        }
    }

    /// How often a packet arrived behind one that had left after it.
    pub fn times_seen(&self) -> u32 {
        self.seen
    }

    /// Bytes by which reordering reached at most.
    pub fn reach(&self) -> u64 {
        self.reach
    }

    /// Step 4: a D-SACK says that a retransmission was for nothing, so reordering goes further than was tolerated.
    pub fn on_duplicate(&mut self, una: u64, next: u64) {
        if self.round.is_none_or(|round| una >= round) {
            self.round = Some(next);
            self.quarters = self.quarters.saturating_add(1);
            self.persist = PERSIST;
        }
    }

    /// The last episode was spurious: what seemed to be the arrival of a retransmission was that of its original.
    /// `overtaken`: D-SACKs proved it, so the originals had been overtaken, which step 3 cannot see, since it leaves
    /// out what was sent twice.
    pub fn on_spurious(&mut self, overtaken: bool) {
        (self.newest, self.rtt) = self.certain;
        self.reordering_seen |= overtaken;
    }

    /// Step 4: a recovery ended.
    pub fn on_recovered(&mut self) {
        self.persist = self.persist.saturating_sub(1);
        if self.persist == 0 {
            self.quarters = 1;
        }
    }

    /// RACK.reo_wnd.
    fn window(&self, rtt: &RoundTrip, impatient: bool) -> Span {
        if !self.reordering_seen && impatient || !rtt.known() {
            return Span::ZERO;
        }
        (rtt.least() * u64::from(self.quarters) / 4).min(rtt.smoothed())
    }

    /// Whether step 5 would plainly find nothing.
    #[inline]
    pub fn is_content_with(&self, board: &Scoreboard) -> bool {
        board.nothing_sent_by(self.newest)
    }

    /// Step 5: marks lost what was sent before the newest arrival by more than the reordering window, and says when to
    /// look again. `impatient`: in recovery, or as many packets are sacked as mean loss. `lost` must mark each packet
    /// lost.
    ///
    /// Where the RFC waits for the last of the packets in doubt, this looks again at the first: sooner, and at no cost.
    pub fn detect(
        &self,
        board: &mut Scoreboard,
        now: Time,
        rtt: &RoundTrip,
        impatient: bool,
        mut lost: impl FnMut(&mut Scoreboard, u64),
    ) -> Time {
        let patience = self.rtt + self.window(rtt, impatient);
        let mut look_again = Time::NEVER;
        for resent in [false, true] {
            loop {
                let oldest = if resent { board.oldest_resent() } else { board.oldest_original() };
                let Some((number, record)) = oldest.filter(|(_, r)| !r.sent_after(self.newest)) else { break };
                let due = record.sent_at + patience;
                if due > now {
                    look_again = look_again.min(due);
                    break;
                }
                lost(board, number);
            }
        }
        look_again
    }
}
