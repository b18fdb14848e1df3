//! What an acknowledgement says, taken apart in one pass: delivery, round trip, loss, marks; then the controller hears.

use burstlab_algorithms::{Ack, Bytes, LostPacket, Phase, RateSample, Span, Time};
use burstlab_network::Segment;

use super::rack::{DUP_THRESHOLD, Rack};
use super::rate::Delivery;
use super::scoreboard::{Record, Scoreboard, State};
use super::sender::{Sender, Urgent};
use super::seq::{Numbering, earlier};
use super::stamps::StampClock;
use super::tlp::Verdict;

/// Packets by which one ACK opens the window again after idleness: RFC 3465, section 2.3, allows L = 2 in slow start.
const RESTART_LIMIT: u64 = 2;

/// What one ACK newly delivered.
#[derive(Default)]
struct Tally {
    /// The packet sent last.
    newest: Option<Record>,
    /// When the newest packet sent only once was sent.
    unambiguous: Option<Time>,
    /// Whether a packet of before the episode was among them that was sent only once.
    original: bool,
}

impl Tally {
    fn take(&mut self, record: &Record, rack: &mut Rack, now: Time, min_rtt: Span, high: u64, echo: Echoed) {
        if record.state == State::Sacked {
            return;
        }
        let mut original_for_sure = false;
        if record.is_retransmitted() {
            original_for_sure = echo.is_older_than(record.sent_at);
        } else {
            self.unambiguous = self.unambiguous.max(Some(record.sent_at));
            self.original |= record.end() <= high;
        }
        rack.on_delivered(record, now, min_rtt, original_for_sure);
        if self.newest.is_none_or(|newest| record.sent_after(newest.order)) {
            self.newest = Some(*record);
        }
    }
}

/// The timestamp that an ACK echoes, and the clock that it came from.
#[derive(Clone, Copy)]
struct Echoed {
    stamp: Option<u32>,
    clock: StampClock,
}

impl Echoed {
    fn is_older_than(self, sent: Time) -> bool {
        self.stamp.is_some_and(|stamp| earlier(stamp, self.clock.at(sent)))
    }
}

/// What recovery needs to know of an ACK.
pub(super) struct Summary {
    pub now: Time,
    /// Bytes newly delivered.
    pub delivered: u64,
    /// Whether the cumulative acknowledgement advanced.
    pub advanced: bool,
    /// Whether the ACK acknowledged a packet of before the episode that was sent only once.
    pub original: bool,
    /// First unacknowledged position before it.
    pub prior_una: u64,
    pub echo: Option<u32>,
    /// Whether marks were reported.
    pub congested: bool,
    /// Whether a tail loss probe turned out to have repaired a loss.
    pub repaired: bool,
}

impl Sender {
    /// An acceptable acknowledgement of everything below `ack`. `updated`: it changed the peer's window.
    pub fn on_ack(&mut self, now: Time, ack: u64, segment: &Segment, numbering: Numbering, updated: bool) {
        let (prior_una, prior_phase) = (self.board.una(), self.phase);
        let prior_in_flight = self.board.in_flight();
        let (prior_out, prior_lost) = (prior_in_flight + self.board.lost(), self.rate.lost);
        let stamp = if self.timestamps { segment.timestamps.map(|t| t.echo) } else { None };
        let echo = Echoed { stamp, clock: self.clock };
        let advanced = ack > prior_una;
        // A window that a restart holds below the controller's says nothing of the controller's.
        let limited = prior_una < self.limited_until && self.restart_cap >= self.wanted;
        let mut tally = Tally::default();
        let (min_rtt, high) = (self.rtt.least(), self.high);
        let vouched = if self.sack { 0 } else { self.board.take_vouched() };
        if advanced {
            let rack = &mut self.rack;
            self.board.acknowledge(ack, |r| tally.take(r, rack, now, min_rtt, high, echo));
        }
        let unsacked = self.board.sacked();
        let duplicate = if self.sack && !segment.sack.is_empty() {
            self.take_sack(now, ack, segment, numbering, &mut tally, echo)
        } else {
            None
        };
        let sacked = self.board.sacked() - unsacked;
        let bare = !advanced && segment.sack.is_empty() && !updated && segment.payload == 0;
        if !self.sack {
            self.vouch(vouched, ack - prior_una, bare);
        }
        let out = self.board.in_flight() + self.board.lost();
        let delivered = if self.sack { prior_out.saturating_sub(out) } else { self.deliver_once(prior_out, out) };
        let rtt = self.take_round_trip(now, &tally, advanced, stamp);
        let told = self.marks.on_ack(segment, delivered, u64::from(self.mss));
        self.rate.marked += told.bytes;
        let sample = self.take_delivery(now, delivered, &tally);
        self.detect_losses(now, advanced, bare);
        let verdict = self.tlp.on_ack(ack, |end| duplicate.is_some_and(|(_, e)| e == end), bare);
        let lost = self.rate.lost - prior_lost;
        self.follow(&Summary {
            now,
            delivered,
            advanced,
            original: tally.original,
            prior_una,
            echo: stamp,
            congested: told.congested,
            repaired: verdict == Verdict::Repaired,
        });
        if self.restart_cap != u64::MAX {
            self.restart_cap += delivered.min(RESTART_LIMIT * u64::from(self.mss));
            if self.restart_cap >= self.wanted {
                self.restart_cap = u64::MAX;
            }
        }
        self.job.sent = Bytes::new(ack.min(self.written).saturating_sub(self.job_base));
        self.controller.on_ack(&Ack {
            now,
            acked: Bytes::new(ack - prior_una),
            sacked: Bytes::new(sacked),
            delivered: Bytes::new(delivered),
            lost: Bytes::new(lost),
            ce_marked: Bytes::new(told.bytes),
            ece: told.ece,
            rtt,
            smoothed_rtt: self.rtt.smoothed(),
            min_rtt: self.rtt.least(),
            rate: sample,
            prior_in_flight: Bytes::new(prior_in_flight),
            in_flight: Bytes::new(self.board.in_flight()),
            window_limited: limited,
            phase: self.phase_of_ack(prior_phase),
            mss: Bytes::new(u64::from(self.mss)),
            una: ack,
            next: self.board.next(),
            hops: &[],
            job: self.job,
            fair_share: self.fair_share,
        });
        self.refresh();
        self.reduce(delivered, advanced && lost == 0);
        if advanced {
            if self.retries > 0 {
                self.retries = 0;
                self.overdue_since = None;
            }
            self.rto_restarted = now;
            self.tlp.restarted = now;
            if self.board.is_empty() {
                self.note_all_acknowledged(now);
            }
        }
        if self.persist.since.is_some() {
            self.hear_of_window(now);
        }
        #[cfg(test)]
        self.board.check();
    }

    /// The phase that an ACK belongs to: that which it ended, as the window it leaves is the threshold (RFC 5681, section
    /// 3.2, step 6) or grows as after a timeout (RFC 5682, section 2.1). A controller with a model of its own goes by where
    /// the connection is now.
    #[inline]
    fn phase_of_ack(&self, prior: Phase) -> Phase {
        let ended = self.phase == Phase::Open && matches!(prior, Phase::Recovery | Phase::Loss);
        if ended && !self.own_recovery { prior } else { self.phase }
    }

    /// Marks what the SACK blocks name; gives the D-SACK block, if there is one (RFC 2883, section 4).
    #[inline(never)]
    fn take_sack(
        &mut self,
        now: Time,
        ack: u64,
        segment: &Segment,
        numbering: Numbering,
        tally: &mut Tally,
        echo: Echoed,
    ) -> Option<(u64, u64)> {
        let blocks = segment.sack.as_slice();
        let place = |n: usize| {
            let block = blocks.get(n)?;
            let start = u64::try_from(numbering.position(block.start, ack)).ok()?;
            let end = u64::try_from(numbering.position(block.end, ack)).ok()?;
            (start < end && end <= self.board.next()).then_some((start, end))
        };
        let places = [place(0), place(1), place(2)];
        let duplicate = places[0].filter(|first| {
            first.1 <= ack || places[1].is_some_and(|second| second.0 <= first.0 && first.1 <= second.1)
        });
        if let Some((start, end)) = duplicate {
            self.account.duplicates += 1;
            self.rack.on_duplicate(ack, self.board.next());
            self.undo.on_duplicate(start, (end - start).div_ceil(u64::from(self.mss)) as u32);
        }
        let (min_rtt, high, rack) = (self.rtt.least(), self.high, &mut self.rack);
        for (start, end) in places.into_iter().flatten().filter(|place| place.1 > ack) {
            self.board.acknowledge_selectively(start, end, |r| tally.take(r, rack, now, min_rtt, high, echo));
        }
        duplicate
    }

    /// RFC 6298 with Karn's rule; with timestamps, packets sent twice give samples as well (RFC 7323, section 4.1),
    /// which only the timeout sees.
    fn take_round_trip(&mut self, now: Time, tally: &Tally, advanced: bool, echo: Option<u32>) -> Option<Span> {
        let rtt = tally.unambiguous.map(|sent| now.since(sent));
        if let Some(rtt) = rtt {
            self.rtt.sample(rtt);
        } else if let Some(echo) = echo.filter(|_| advanced && tally.newest.is_some())
            && let Some(rtt) = self.clock.since(echo, now)
        {
            self.rtt.sample_coarse(rtt);
        }
        rtt
    }

    fn take_delivery(&mut self, now: Time, delivered: u64, tally: &Tally) -> Option<RateSample> {
        if delivered == 0 {
            return None;
        }
        self.rate.deliver(delivered, now);
        tally.newest.as_ref().map(|newest| self.rate.sample(newest, self.rtt.least()))
    }

    fn detect_losses(&mut self, now: Time, advanced: bool, bare: bool) {
        if self.sack {
            self.detect_by_time(now);
        } else {
            self.count_duplicates(now, advanced, bare);
        }
    }

    /// Nothing is out any more.
    fn note_all_acknowledged(&mut self, now: Time) {
        if self.unsent() == 0 {
            self.account.busy.end(now);
        }
    }

    /// RACK, on an ACK or as a reordering window ends.
    #[inline]
    pub fn detect_by_time(&mut self, now: Time) {
        // All that is on its way left after what arrived: the common case.
        if self.rack.is_content_with(&self.board) {
            self.reordering_ends = Time::NEVER;
        } else {
            self.search_by_time(now);
        }
    }

    #[cold]
    fn search_by_time(&mut self, now: Time) {
        let impatient =
            matches!(self.phase, Phase::Recovery | Phase::Loss) || self.board.sacked_packets() >= DUP_THRESHOLD;
        let Sender { rack, board, rtt, rate, controller, reduced_at, lost_again, .. } = self;
        self.reordering_ends = rack.detect(board, now, rtt, impatient, |board, number| {
            *lost_again |= board.get(number).is_some_and(|r| r.is_retransmitted() && r.sent_at >= *reduced_at);
            if let Some(lost) = lose(board, rate, number, now) {
                controller.on_lost(&lost);
            }
        });
    }

    /// Marks a packet lost and tells the controller.
    pub fn lose(&mut self, number: u64, now: Time) {
        if let Some(lost) = lose(&mut self.board, &mut self.rate, number, now) {
            self.controller.on_lost(&lost);
        }
    }

    /// The peer answered a probe, or its window opened.
    pub fn hear_of_window(&mut self, now: Time) {
        self.persist.on_answer();
        if self.peer_window > 0 && self.persist.on_open() && !self.board.is_empty() {
            self.urgent = Some(Urgent::First);
            // The timeout stood still while the window was closed.
            self.rto_restarted = now;
        }
    }
}

pub(crate) fn lose(board: &mut Scoreboard, rate: &mut Delivery, number: u64, now: Time) -> Option<LostPacket> {
    let record = *board.get(number)?;
    if !board.mark_lost(number) {
        return None;
    }
    rate.lost += u64::from(record.len);
    Some(LostPacket {
        now,
        bytes: Bytes::new(u64::from(record.payload())),
        tx_in_flight: Bytes::new(u64::from(record.tx_in_flight)),
        lost_since_sent: Bytes::new(u64::from((rate.lost as u32).wrapping_sub(record.lost))),
        prior_delivered: record.delivered,
        app_limited: record.is_app_limited(),
    })
}
