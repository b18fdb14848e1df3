//! What the application and the clock decide over an open connection: RFC 9293, sections 3.6, 3.8.3 and 3.8.4.

use burstlab_algorithms::Time;
use burstlab_network::{Flags, Segment, SynOptions};

use super::config::KeepAlive;
use super::connection::{Connection, State};
use super::failure::{Failure, Unreachable};

/// What is rarely asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Life {
    pub failure: Option<Failure>,
    /// The last error that may pass, and when it was told.
    pub soft_error: Option<(Unreachable, Time)>,
    /// Nobody will read what comes.
    pub deaf: bool,
    /// The application closed both directions.
    pub orphan: bool,
    pub keep_alive: Option<KeepAlive>,
    /// Keep-alive probes since the peer was last heard of.
    probes: u32,
    probed: Time,
}

impl Life {
    /// Nothing happened yet.
    pub fn new(keep_alive: Option<KeepAlive>) -> Life {
        Life { keep_alive, ..Life::default() }
    }

    /// Unanswered keep-alive probes.
    pub fn probes(&self) -> u32 {
        self.probes
    }
}

impl Connection {
    /// The application closes the connection for both directions, as Linux's `close` does, where
    /// [`close`](crate::Endpoint::close) only ends what this side writes.
    ///
    /// With data unread, the peer is told by a reset that it was for nothing (RFC 9293, section 3.6.1; RFC 2525,
    /// section 2.17). Else data that comes from now on is answered so, and FIN-WAIT-2 ends by itself
    /// ([`Config::fin_timeout`](super::Config::fin_timeout)).
    pub fn close_both(&mut self, now: Time) {
        if self.readable() > 0 {
            self.reset_peer(now);
            return;
        }
        self.shut_reading();
        self.life.orphan = true;
        self.start_closing();
        if self.state == State::FinWait2 {
            self.limit_fin_wait(now);
        }
    }

    /// The application will read nothing more: what comes is dropped, and once this side has sent its FIN it is answered
    /// by a reset.
    pub fn shut_reading(&mut self) {
        self.life.deaf = true;
        self.receiver.set_reading(true);
    }

    /// An orphan's FIN was acknowledged: it does not wait for ever.
    pub(super) fn limit_fin_wait(&mut self, now: Time) {
        if let Some(limit) = self.config.fin_timeout.filter(|_| self.life.orphan) {
            self.expires = now + limit;
        }
    }

    /// Data in FIN-WAIT-1 or FIN-WAIT-2. Whether it may be taken; else the connection is reset.
    #[inline]
    pub(super) fn may_take_late_data(&mut self, now: Time, segment: &Segment) -> bool {
        !self.life.deaf || segment.payload == 0 || self.answer_late_data(now, segment)
    }

    #[cold]
    fn answer_late_data(&mut self, now: Time, segment: &Segment) -> bool {
        let end = self.receiver.numbering.position(segment.seq, self.receiver.next) + i64::from(segment.payload);
        let fresh = end > self.receiver.next as i64;
        if fresh {
            // There is no application any more that the segment could be for: RFC 9293, section 3.10.7.1.
            self.refuse(now, segment);
            self.fail(Failure::Aborted);
        }
        !fresh
    }

    /// Switches the probing of a silent peer on or off.
    pub fn set_keep_alive(&mut self, now: Time, keep_alive: Option<KeepAlive>) {
        self.life.keep_alive = keep_alive;
        self.life.probes = 0;
        self.watch(now);
    }

    /// Arms the keep-alive timer, where it is in use.
    pub(super) fn watch(&mut self, now: Time) {
        if !self.is_synchronized() || self.expires_by_state() {
            return;
        }
        let heard = if self.sender.account.heard == Time::ZERO { now } else { self.sender.account.heard };
        self.expires = self.life.keep_alive.map_or(Time::NEVER, |watch| (heard + watch.idle).max(now));
    }

    /// Whether the timer of this state is another.
    fn expires_by_state(&self) -> bool {
        self.state == State::TimeWait
            || self.state == State::FinWait2 && self.life.orphan && self.config.fin_timeout.is_some()
    }

    /// TIME-WAIT or an orphan's FIN-WAIT-2 is over, or the peer was silent.
    #[cold]
    pub(super) fn on_expiry(&mut self, now: Time) {
        self.expires = Time::NEVER;
        if self.expires_by_state() {
            self.end(State::Closed);
            return;
        }
        let Some(watch) = self.life.keep_alive.filter(|_| self.is_synchronized()) else { return };
        let heard = self.sender.account.heard;
        if heard >= self.life.probed {
            self.life.probes = 0;
        }
        // RFC 9293, section 3.8.4 (MUST-26): only if nothing is out; the retransmission timer sees to that.
        if !self.sender.board.is_empty() || self.sender.unsent() > 0 {
            self.expires = now + watch.idle;
        } else if self.life.probes == 0 && now.since(heard) < watch.idle {
            self.expires = heard + watch.idle;
        } else if self.life.probes >= watch.probes || self.exceeds_user_timeout(now) {
            self.reset_peer(now);
            self.life.failure = Some(self.timeout_failure());
        } else {
            self.life.probes += 1;
            self.life.probed = now;
            self.probe_peer(now);
            self.expires = now + watch.interval;
        }
    }

    fn exceeds_user_timeout(&self, now: Time) -> bool {
        let heard = self.sender.account.heard;
        self.life.probes > 0 && self.sender.user_timeout.is_some_and(|limit| now.since(heard) >= limit)
    }

    /// What a connection failed of that timed out: the last thing that the network said, if it said anything.
    pub(super) fn timeout_failure(&self) -> Failure {
        self.soft_error().map_or(Failure::TimedOut, Failure::Unreachable)
    }

    /// An empty segment of a sequence number that the peer has had: it must answer by an ACK (RFC 9293, section 3.8.4,
    /// SHLD-12).
    pub(super) fn probe_peer(&mut self, now: Time) {
        let seq = self.numbering.wire(self.sender.board.una()).wrapping_sub(1);
        let ack = self.receiver.numbering.wire(self.receiver.next);
        let mut probe = self.skeleton(Flags::ACK.with(self.receiver.echo.flags()), seq, ack, SynOptions::default());
        probe.window = self.receiver.advertise();
        probe.timestamps = self.timestamps_now(now);
        self.reply = Some(Box::new(probe));
    }
}
