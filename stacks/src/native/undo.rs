//! Telling a spurious episode from a true one afterwards: Eifel detection (RFC 3522) and D-SACK (RFC 3708).

use super::seq::earlier;

/// What the last episode sent again, and what came of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Undo {
    /// First unacknowledged position as the episode began; `None`: nothing to take back.
    since: Option<u64>,
    /// Retransmissions of the episode that no D-SACK has answered yet.
    unanswered: u32,
    /// Whether anything was sent again at all.
    resent: bool,
    /// Position behind the first retransmission, and its timestamp.
    first: Option<(u64, u32)>,
}

impl Undo {
    /// A reduction begins that may turn out to be spurious.
    pub fn arm(&mut self, una: u64) {
        *self = Undo { since: Some(una), ..Undo::default() };
    }

    /// The timer expired again in the same episode: what was sent so far still counts.
    pub fn rearm(&mut self, una: u64) {
        if self.since.is_none() {
            self.arm(una);
        }
    }

    /// The last reduction stands.
    pub fn disarm(&mut self) {
        self.since = None;
    }

    /// What ends before `end` was sent again, with timestamp `stamp` if timestamps are on.
    pub fn on_resent(&mut self, end: u64, stamp: Option<u32>) {
        if self.since.is_some() {
            self.unanswered += 1;
            self.resent = true;
            self.first = self.first.or(stamp.map(|stamp| (end, stamp)));
        }
    }

    /// The receiver reported `packets` from `start` on as duplicates.
    pub fn on_duplicate(&mut self, start: u64, packets: u32) {
        if self.since.is_some_and(|since| start >= since) {
            self.unanswered = self.unanswered.saturating_sub(packets);
        }
    }

    /// Whether each retransmission was answered by a D-SACK: all originals had arrived.
    pub fn all_were_duplicates(&self) -> bool {
        self.since.is_some() && self.resent && self.unanswered == 0
    }

    /// Whether an ACK of everything below `ack`, which advanced, covers the first retransmission and echoes a timestamp from
    /// before it (RFC 3522, section 3.2). One that does not cover it answers what an earlier episode sent again.
    pub fn original_arrived(&self, ack: u64, echo: Option<u32>) -> bool {
        let before = |echo| self.first.is_some_and(|(end, stamp)| ack >= end && earlier(echo, stamp));
        self.since.is_some() && echo.is_some_and(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_sacks_for_all_retransmissions_undo_and_for_some_do_not() {
        let mut undo = Undo::default();
        undo.arm(100);
        assert!(!undo.all_were_duplicates(), "nothing was sent again");
        undo.on_resent(200, None);
        undo.on_resent(200, None);
        undo.on_duplicate(100, 1);
        assert!(!undo.all_were_duplicates());
        undo.on_duplicate(50, 1);
        assert!(!undo.all_were_duplicates(), "older than the episode");
        undo.on_duplicate(200, 1);
        assert!(undo.all_were_duplicates());
        undo.disarm();
        assert!(!undo.all_were_duplicates());
    }

    #[test]
    fn an_echo_from_before_the_retransmission_is_the_originals() {
        let mut undo = Undo::default();
        undo.arm(0);
        undo.on_resent(100, Some(1000));
        undo.on_resent(200, Some(2000));
        assert!(undo.original_arrived(100, Some(999)));
        assert!(!undo.original_arrived(100, Some(1000)));
        assert!(!undo.original_arrived(100, None));
    }

    #[test]
    fn an_ack_of_what_an_earlier_episode_sent_again_tells_nothing_of_this_one() {
        let mut undo = Undo::default();
        undo.arm(0);
        undo.on_resent(5000, Some(1000));
        assert!(!undo.original_arrived(3000, Some(900)));
        assert!(undo.original_arrived(5000, Some(900)));
    }
}
