//! Congestion episodes: how they begin, end, and are taken back.

use burstlab_algorithms::{Bytes, Cause, Congestion, EcnFeedback, Phase, Time};

use super::acks::Summary;
use super::frto::{Finding, Forward};
use super::rto::Waiting;
use super::scoreboard::State;
use super::sender::{Sender, Urgent};

impl Sender {
    /// Moves between phases after an ACK.
    pub fn follow(&mut self, ack: &Summary) {
        let una = self.board.una();
        // The common case, first: nothing is wrong.
        if self.phase == Phase::Open && !ack.congested && self.board.lost() == 0 && !ack.repaired {
            if self.undo.all_were_duplicates() {
                self.take_back(ack.now);
            }
            return;
        }
        if self.frto != Forward::Off && self.finds_timeout_spurious(ack)
            || self.undo.all_were_duplicates()
            || ack.advanced && self.undo.original_arrived(ack.echo)
        {
            self.take_back(ack.now);
        }
        if ack.congested && self.phase == Phase::Open {
            self.reduce_for_marks(ack);
        } else {
            let over = match self.phase {
                Phase::Open => false,
                // Beyond: the CWR flag travels with the first packet behind the episode.
                Phase::Reducing => una > self.high || self.board.is_empty(),
                Phase::Recovery | Phase::Loss => una >= self.high,
            };
            if over {
                self.end_episode(ack.now);
            }
        }
        if self.board.lost() > 0 && matches!(self.phase, Phase::Open | Phase::Reducing) {
            self.recover(ack.now, ack.in_flight, ack.delivered);
        } else if ack.repaired && self.phase == Phase::Open {
            // The probe itself was the retransmission; what remains is to reduce (RFC 8985, section 7.4.2).
            self.begin(Phase::Reducing, Cause::Loss, ack.now, ack.in_flight, ack.delivered);
        }
    }

    fn finds_timeout_spurious(&mut self, ack: &Summary) -> bool {
        let complete = self.board.una() >= self.high;
        let can_send = self.next_payload().is_some();
        let told = ack.delivered > 0;
        self.frto.on_ack(ack.advanced, complete, ack.original, told, can_send) == Finding::Spurious
    }

    fn reduce_for_marks(&mut self, ack: &Summary) {
        self.undo.disarm();
        self.begin(Phase::Reducing, Cause::Ecn, ack.now, ack.in_flight, ack.delivered);
    }

    /// Fast recovery begins: something was marked lost.
    pub fn recover(&mut self, now: Time, in_flight: u64, delivered: u64) {
        // A classic ECN echo in the same round trip has already halved the window (RFC 3168, section 6.1.2).
        let reduced = self.phase == Phase::Reducing && self.marks.feedback() == EcnFeedback::Classic;
        self.counters.recoveries += 1;
        self.tlp.forget();
        if reduced {
            self.phase = Phase::Recovery;
            self.high = self.board.next();
            return;
        }
        self.undo.arm(self.board.una());
        self.begin(Phase::Recovery, Cause::Loss, now, in_flight, delivered);
    }

    fn begin(&mut self, phase: Phase, cause: Cause, now: Time, in_flight: u64, delivered: u64) {
        self.phase = phase;
        self.high = self.board.next();
        self.prr.begin(self.board.in_flight() + self.board.lost() + delivered);
        self.congested(cause, now, in_flight);
    }

    fn congested(&mut self, cause: Cause, now: Time, in_flight: u64) {
        self.marks.reduced();
        self.controller.on_congestion(&Congestion {
            now,
            cause,
            in_flight: Bytes::new(in_flight),
            mss: Bytes::new(u64::from(self.mss)),
            next: self.board.next(),
        });
        self.refresh();
    }

    fn end_episode(&mut self, now: Time) {
        if self.phase == Phase::Recovery {
            self.rack.on_recovered();
        }
        self.phase = Phase::Open;
        self.prr.end();
        self.frto = Forward::Off;
        self.controller.on_recovered(now);
        self.refresh();
    }

    /// The last episode was spurious.
    fn take_back(&mut self, now: Time) {
        self.counters.spurious += 1;
        self.rack.on_spurious(self.undo.all_were_duplicates());
        self.undo.disarm();
        self.board.unmark_lost();
        if matches!(self.phase, Phase::Recovery | Phase::Loss) {
            self.phase = Phase::Open;
            self.prr.end();
            self.frto = Forward::Off;
        }
        self.controller.on_undo(now);
        self.refresh();
    }

    /// The share of the reduction that this ACK allows.
    pub fn reduce(&mut self, delivered: u64, safe: bool) {
        if matches!(self.phase, Phase::Recovery | Phase::Reducing) {
            let target = self.target();
            self.prr.on_ack(delivered, self.board.in_flight(), target, safe, u64::from(self.mss));
        }
    }

    /// Arms the timer for the earliest of its causes.
    pub fn arm_timer(&mut self) {
        let (at, waiting) = self.next_cause();
        self.timer.at = at;
        self.timer.waiting = waiting;
    }

    fn next_cause(&self) -> (Time, Waiting) {
        if self.board.is_empty() || self.persist.probing {
            let stuck = self.unsent() > 0 && self.next_payload().is_none() || !self.board.is_empty();
            let wait = self.rtt.backed_off(self.persist.backoff);
            return if stuck { (self.timer.restarted + wait, Waiting::Persist) } else { (Time::NEVER, Waiting::Idle) };
        }
        let retransmission = (self.timer.restarted + self.rtt.timeout(), Waiting::Retransmission);
        if self.reordering_ends < retransmission.0 {
            return (self.reordering_ends, Waiting::Reordering);
        }
        if self.phase == Phase::Open
            && self.sack
            && self.tlp.may_probe()
            && self.board.sacked() == 0
            && self.rtt.known()
        {
            let one = self.board.in_flight() <= u64::from(self.mss);
            let probe = self.tlp.deadline(&self.rtt, one);
            if probe < retransmission.0 {
                return (probe, Waiting::TailProbe);
            }
        }
        retransmission
    }

    /// The timer expired.
    pub fn on_timer(&mut self, now: Time) {
        match self.timer.waiting {
            Waiting::Idle => {}
            Waiting::Retransmission => self.on_retransmission_timeout(now),
            Waiting::TailProbe => {
                self.urgent = Some(Urgent::TailProbe);
                // Should the interface stay full, the retransmission timeout takes over.
                self.tlp.restarted = Time::NEVER;
            }
            Waiting::Reordering => {
                let in_flight = self.board.in_flight();
                self.detect_by_time(now);
                if self.board.lost() > 0 && matches!(self.phase, Phase::Open | Phase::Reducing) {
                    self.recover(now, in_flight, 0);
                    self.reduce(0, false);
                }
            }
            Waiting::Persist => self.on_persist_timeout(now),
        }
        self.arm_timer();
    }

    fn on_persist_timeout(&mut self, now: Time) {
        if self.persist.unanswered >= self.max_retries {
            self.failed = true;
            return;
        }
        self.urgent = Some(if self.board.is_empty() { Urgent::WindowProbe } else { Urgent::First });
        self.persist.on_probe();
        self.timer.restarted = now;
    }

    /// RFC 6298, section 5, with F-RTO where the timeout does not follow upon another.
    fn on_retransmission_timeout(&mut self, now: Time) {
        self.retries += 1;
        if self.retries > self.max_retries {
            self.failed = true;
            return;
        }
        self.counters.timeouts += 1;
        let in_flight = self.board.in_flight();
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
            self.frto = if self.sack { Forward::Resent } else { Forward::Off };
        }
        self.phase = Phase::Loss;
        self.high = self.board.next();
        self.prr.end();
        self.tlp.forget();
        self.duplicates = 0;
        self.rtt.back_off();
        self.reordering_ends = Time::NEVER;
        self.timer.restarted = now;
        self.congested(Cause::Timeout, now, in_flight);
    }
}
