//! A connection as whoever drives it sees it: an [`Endpoint`].

use burstlab_algorithms::{Bytes, Explanation, JobView, Rate, Time};
use burstlab_network::Segment;

use super::connection::{Connection, State};
use crate::{Counters, Endpoint, Snapshot, Status};

impl Endpoint for Connection {
    fn connect(&mut self, _now: Time) {
        if self.state == State::Listen {
            self.state = State::SynSent;
            self.opening.ask();
        }
    }

    fn write(&mut self, now: Time, bytes: Bytes) {
        self.sender.account.busy.begin(now);
        self.sender.write(bytes.get());
    }

    fn close(&mut self, _now: Time) {
        self.start_closing();
    }

    fn abort(&mut self, now: Time) {
        self.reset_peer(now);
    }

    // Always: whoever drives connections of this type alone saves a call for each packet.
    #[inline(always)]
    fn on_segment(&mut self, now: Time, segment: &Segment) {
        self.sender.account.segments_in += 1;
        match self.state {
            State::Listen | State::SynSent | State::SynReceived => self.on_opening_segment(now, segment),
            State::Closed | State::Failed => self.refuse(now, segment),
            _ => self.on_synchronized(now, segment),
        }
    }

    fn on_wake(&mut self, now: Time) {
        if self.sends() {
            self.sender.on_timer(now);
            if self.sender.failed {
                self.fail(self.timeout_failure());
            }
        }
        if self.sender.alarm <= now {
            self.sender.controller.on_timer(now);
            self.sender.refresh();
            if self.sender.alarm <= now {
                // A controller that leaves its timer in the past is not to be called without end.
                self.sender.alarm = Time::NEVER;
            }
        }
        if self.sender.paced_until <= now {
            self.sender.paced_until = Time::NEVER;
        }
        self.receiver.ack.on_wake(now);
        if self.opening.at <= now {
            self.on_opening_timeout();
        }
        if self.expires <= now {
            self.on_expiry(now);
        }
    }

    #[inline(always)]
    fn transmit(&mut self, now: Time, segment: &mut Segment) -> bool {
        if self.reply.is_some() {
            return self.write_reply(segment);
        }
        if self.receiver.ack.is_due() {
            if self.receiver.former.is_some() {
                return self.write_former_ack(segment, now);
            }
            if self.is_synchronized() {
                self.write_pure_ack(segment, now);
                return true;
            }
        }
        if self.sends() {
            let Some(packet) = self.sender.next_packet(now) else { return false };
            self.write_data(segment, now, packet);
            return true;
        }
        self.write_syn(segment, now)
    }

    #[inline(always)]
    fn next_wake(&self) -> Time {
        let sender = &self.sender;
        let timer = if self.sends() { sender.next_timer().0 } else { Time::NEVER };
        timer
            .min(sender.alarm)
            .min(sender.paced_until)
            .min(self.receiver.ack.deadline)
            .min(self.opening.at)
            .min(self.expires)
    }

    fn host_limited(&mut self, _now: Time) {
        let sender = &mut self.sender;
        if sender.board.in_flight() + u64::from(sender.mss) <= sender.window() {
            sender.limited_until = sender.board.una();
        }
    }

    fn received(&self) -> u64 {
        self.receiver.delivered()
    }

    fn acknowledged(&self) -> u64 {
        self.sender.board.una().min(self.sender.written)
    }

    fn written(&self) -> u64 {
        self.sender.written
    }

    fn status(&self) -> Status {
        match self.state {
            State::Listen | State::SynSent | State::SynReceived => Status::Opening,
            State::TimeWait | State::Closed => Status::Closed,
            State::Failed => Status::Failed,
            _ => Status::Open,
        }
    }

    fn begin_iteration(&mut self, expected: Bytes) {
        self.sender.job_base = self.sender.written;
        self.sender.job = JobView { sent: Bytes::ZERO, expected };
    }

    fn set_fair_share(&mut self, share: Rate) {
        self.sender.fair_share = Some(share);
    }

    fn counters(&self) -> Counters {
        self.sender.counters
    }

    fn snapshot(&self) -> Snapshot {
        let sender = &self.sender;
        Snapshot {
            window: Bytes::new(sender.window()),
            in_flight: Bytes::new(sender.board.in_flight()),
            pacing_rate: sender.pacing.rate(),
            smoothed_rtt: sender.rtt.smoothed(),
            delivered: sender.rate.delivered,
        }
    }

    fn explain(&self) -> Explanation {
        self.sender.controller.explain()
    }
}
