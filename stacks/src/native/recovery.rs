//! Congestion episodes: how they begin, end, and are taken back.

use burstlab_algorithms::{Bytes, Cause, Congestion, EcnFeedback, Phase, Time};

use super::acks::Summary;
use super::frto::{Finding, Forward};
use super::sender::Sender;

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
            || ack.advanced && self.undo.original_arrived(una, ack.echo)
        {
            self.take_back(ack.now);
        }
        let over = match self.phase {
            Phase::Open => false,
            // Beyond: the CWR flag travels with the first packet behind the episode.
            Phase::Reducing => una > self.high || self.board.is_empty(),
            Phase::Recovery | Phase::Loss => self.is_beyond_episode(),
        };
        // A mark on what left behind the episode is news; one on its last packet is what it answered.
        let news = ack.congested && (self.phase == Phase::Open || una > self.high);
        if over {
            self.end_episode(ack.now);
        }
        if news && self.phase == Phase::Open {
            self.reduce_for_marks(ack);
        }
        if self.board.lost() > 0 && matches!(self.phase, Phase::Open | Phase::Reducing) {
            self.recover(ack.now, self.flight(ack.prior_una), ack.delivered);
        } else if self.lost_again {
            self.reduce_again(ack.now, self.flight(ack.prior_una), ack.delivered);
        } else if ack.repaired && self.phase == Phase::Open {
            // The probe itself was the retransmission; what remains is to reduce (RFC 8985, section 7.4.2).
            self.begin(Phase::Reducing, Cause::Loss, ack.now, self.flight(ack.prior_una), ack.delivered);
        }
    }

    fn finds_timeout_spurious(&mut self, ack: &Summary) -> bool {
        if !self.sack && !ack.advanced && self.frto == Forward::Resent {
            // RFC 5682, section 2.1, step 2a: a duplicate ACK tells of loss.
            self.frto = Forward::Off;
            return false;
        }
        let complete = self.board.una() >= self.high;
        let can_send = self.next_payload().is_some();
        let told = ack.delivered > 0;
        self.frto.on_ack(ack.advanced, complete, ack.original, told, can_send) == Finding::Spurious
    }

    fn reduce_for_marks(&mut self, ack: &Summary) {
        self.undo.disarm();
        self.begin(Phase::Reducing, Cause::Ecn, ack.now, self.flight(ack.prior_una), ack.delivered);
    }

    /// Fast recovery begins: something was marked lost.
    pub fn recover(&mut self, now: Time, flight: u64, delivered: u64) {
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
        self.begin(Phase::Recovery, Cause::Loss, now, flight, delivered);
    }

    /// A retransmission of this recovery was lost: the path is more congested than the last reduction took it to be, and
    /// the window comes down once more (RFC 5681, section 4.3). Not that of a controller that goes by a model of its own.
    pub fn reduce_again(&mut self, now: Time, flight: u64, delivered: u64) {
        self.lost_again = false;
        if self.phase == Phase::Recovery && !self.own_recovery && self.board.lost() > 0 {
            self.undo.disarm();
            self.begin(Phase::Recovery, Cause::Loss, now, flight, delivered);
        }
    }

    fn begin(&mut self, phase: Phase, cause: Cause, now: Time, flight: u64, delivered: u64) {
        self.phase = phase;
        self.high = self.board.next();
        if cause != Cause::Ecn || self.spread_mark_reduction {
            self.prr.begin(self.board.in_flight() + self.board.lost() + delivered, phase == Phase::Recovery);
        }
        self.congested(cause, now, flight);
    }

    /// FlightSize (RFC 5681, section 2): what was sent and not acknowledged cumulatively, where `una` had been. What limited
    /// transmit let out beyond the window does not count (section 3.2, step 2).
    pub fn flight(&self, una: u64) -> u64 {
        (self.board.next() - una).min(self.target().max(self.board.in_flight()))
    }

    /// Tells the controller, and the peer by CWR.
    pub fn congested(&mut self, cause: Cause, now: Time, flight: u64) {
        self.marks.reduced();
        self.reduced_at = now;
        self.lost_again = false;
        self.controller.on_congestion(&Congestion {
            now,
            cause,
            in_flight: Bytes::new(flight),
            mss: Bytes::new(u64::from(self.mss)),
            next: self.board.next(),
        });
        self.refresh();
    }

    fn end_episode(&mut self, now: Time) {
        if matches!(self.phase, Phase::Recovery | Phase::Loss) {
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
}
