//! The send side's timer, and what its expiry does.
//!
//! There is one deadline: the earliest of several causes. It is worked out when it is asked for, since sending and
//! acknowledging move it far more often than anybody looks.

use burstlab_algorithms::{Cause, Phase, Time};

use super::frto::Forward;
use super::persist::Persist;
use super::scoreboard::State;
use super::sender::{Sender, Urgent};

/// What the timer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Nothing.
    Idle,
    /// The retransmission timeout.
    Retransmission,
    /// The probe timeout (RFC 8985, section 7.2).
    TailProbe,
    /// The reordering window of a packet (RFC 8985, section 6.2).
    Reordering,
    /// A closed window to open (RFC 9293, section 3.8.6.1).
    Persist,
}

impl Sender {
    /// The earliest of the causes, and when it is due.
    #[inline]
    pub fn next_timer(&self) -> (Time, Waiting) {
        if self.board.is_empty() || self.persist.probing {
            return match self.persist.since {
                Some(since) => (since + self.rtt.backed_off(self.persist.backoff), Waiting::Persist),
                None => (Time::NEVER, Waiting::Idle),
            };
        }
        let mut retransmission = (self.rto_restarted + self.rtt.timeout(), Waiting::Retransmission);
        if let Some(limit) = self.user_timeout {
            retransmission.0 = retransmission.0.min(self.waiting_since() + limit);
        }
        if self.reordering_ends < retransmission.0 {
            return (self.reordering_ends, Waiting::Reordering);
        }
        if matches!(self.phase, Phase::Open | Phase::Reducing)
            && self.sack
            && self.tlp.may_probe()
            && self.board.sacked() == 0
            && self.rtt.is_fresh()
        {
            let one = self.board.in_flight() <= u64::from(self.mss);
            let probe = self.tlp.deadline(&self.rtt, one);
            // RFC 8985, section 7.2: the timeout's instant is the probe's, if it is earlier.
            return (probe.min(retransmission.0), Waiting::TailProbe);
        }
        retransmission
    }

    /// Since when the first packet waits for its acknowledgement, as far as that is known.
    #[cold]
    fn waiting_since(&self) -> Time {
        let sent = self.board.get(self.board.first()).map_or(self.rto_restarted, |first| first.sent_at);
        self.overdue_since.unwrap_or(sent)
    }

    /// The clock says `now`.
    pub fn on_timer(&mut self, now: Time) {
        let (at, waiting) = self.next_timer();
        if at > now {
            return;
        }
        match waiting {
            Waiting::Idle => {}
            Waiting::Retransmission => self.on_retransmission_timeout(now),
            Waiting::TailProbe => {
                self.urgent = Some(Urgent::TailProbe);
                // Should the interface stay full, the retransmission timeout takes over.
                self.tlp.restarted = Time::NEVER;
            }
            Waiting::Reordering => {
                let flight = self.flight(self.board.una());
                self.detect_by_time(now);
                if self.board.lost() > 0 && matches!(self.phase, Phase::Open | Phase::Reducing) {
                    self.recover(now, flight, 0);
                    self.reduce(0, false);
                } else if self.lost_again {
                    self.reduce_again(now, flight, 0);
                    self.reduce(0, false);
                }
            }
            Waiting::Persist => self.on_persist_timeout(now),
        }
    }

    fn on_persist_timeout(&mut self, now: Time) {
        if self.board.is_empty() && self.unsent() == 0 {
            self.persist = Persist::default();
            return;
        }
        let silent = self.persist.silent_since.map(|since| now.since(since));
        let given_up = match (self.user_timeout, silent) {
            (Some(limit), Some(silent)) => silent >= limit,
            _ => self.persist.unanswered >= self.max_retries,
        };
        if given_up {
            self.failed = true;
            return;
        }
        self.urgent = Some(if self.board.is_empty() { Urgent::WindowProbe } else { Urgent::First });
        self.persist.on_probe(now);
    }

    /// RFC 6298, section 5.
    fn on_retransmission_timeout(&mut self, now: Time) {
        if self.gives_up(now) {
            self.failed = true;
            return;
        }
        self.lose_all(now);
    }

    /// Counts one more timeout; whether it was one too many (RFC 9293, section 3.8.3: R2).
    fn gives_up(&mut self, now: Time) -> bool {
        let since = *self.overdue_since.insert(self.waiting_since());
        // RFC 9293, section 3.8.6.1 (MUST-37): a peer that took its window back and answers is not gone.
        let window_taken_back = self.board.una() + self.peer_window < self.board.next();
        if window_taken_back && self.account.heard >= self.rto_restarted {
            self.retries = 0;
        }
        self.retries += 1;
        match self.user_timeout {
            Some(limit) => now.since(since) >= limit,
            None => self.retries > self.max_retries,
        }
    }

    /// Everything is to be sent again, with F-RTO where the timeout does not follow upon another.
    fn lose_all(&mut self, now: Time) {
        self.counters.timeouts += 1;
        let flight = self.flight(self.board.una());
        self.board.take_vouched();
        if self.board.get(self.board.first()).is_some_and(|first| first.state == State::Sacked) {
            self.board.renege();
        }
        for number in self.board.first()..self.board.end() {
            self.lose(number, now);
        }
        if self.phase == Phase::Loss {
            self.undo.rearm(self.board.una());
            self.frto = Forward::Off;
        } else {
            self.undo.arm(self.board.una());
            self.frto = Forward::Resent;
        }
        self.phase = Phase::Loss;
        self.high = self.board.next();
        self.prr.end();
        self.tlp.forget();
        self.duplicates = 0;
        self.rtt.back_off();
        self.reordering_ends = Time::NEVER;
        self.rto_restarted = now;
        self.congested(Cause::Timeout, now, flight);
    }
}
