//! What can be told of smoltcp's sender from its packets, and what the controller is told of it.
//!
//! Two moments count for each data packet. When smoltcp *emits* it, its place in the stream tells what smoltcp is at:
//! new data, a fast retransmission, or all again after a timeout. When it *leaves* the line, the path begins, and with
//! it round trips and rates.

use burstlab_algorithms::{
    Ack, Bytes, Cause, Congestion, Controller, Ecn, EcnFeedback, JobView, Phase, Rate, RateSample, Sent, Span, Time,
};
use burstlab_network::{Flags, Segment};

use super::config::MIN_MSS;
use super::ecn;
use crate::Counters;
use crate::native::acks::lose;
use crate::native::marks::Told;
use crate::native::rate::Delivery;
use crate::native::rto::RoundTrip;
use crate::native::scoreboard::{Record, Scoreboard, State};
use crate::native::seq::Numbering;

/// MSS of a peer that gives none (RFC 9293, section 3.7.1).
const DEFAULT_MSS: u32 = 536;
/// Duplicate ACKs that make smoltcp retransmit (RFC 5681, section 3.2).
const DUP_THRESHOLD: u32 = 3;

/// What a packet that smoltcp emitted is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Emission {
    /// Not data, or a probe of a closed window.
    Control,
    /// Data in its turn.
    Data,
    /// A fast retransmission.
    Repair,
    /// The first of all data again: the retransmission timer expired.
    Timeout,
}

/// The send side as seen from the device.
pub(super) struct Observer {
    pub controller: Box<dyn Controller>,
    /// What the controller wants: its window in bytes,
    wanted: u64,
    /// the codepoint of its packets,
    pub codepoint: Ecn,
    /// and its timer.
    pub alarm: Time,
    pub ecn: ecn::Device,
    numbering: Numbering,
    /// SYNs sent, and when the last one was.
    syns: (u32, Time),
    board: Scoreboard,
    rtt: RoundTrip,
    rate: Delivery,
    /// Where smoltcp goes on sending: its `remote_last_seq`.
    pub pointer: u64,
    /// Position behind all that it ever sent.
    emitted: u64,
    /// Payload of a full packet.
    pub mss: u32,
    duplicates: u32,
    /// smoltcp was given its third duplicate ACK.
    repair_due: bool,
    phase: Phase,
    /// The episode lasts until this position is acknowledged.
    high: u64,
    /// Up to here, the window was the limit when packets were sent.
    limited_until: u64,
    /// Timeouts in a row.
    pub retries: u32,
    pub counters: Counters,
    pub job: JobView,
    /// Position at which the job's iteration began.
    pub job_base: u64,
    pub fair_share: Option<Rate>,
}

/// What one ACK newly delivered.
#[derive(Default)]
struct Tally {
    /// The packet sent last.
    newest: Option<Record>,
    /// When the newest packet sent only once was sent.
    unambiguous: Option<Time>,
}

impl Tally {
    fn take(&mut self, record: &Record) {
        if record.state == State::Sacked {
            return;
        }
        if !record.is_retransmitted() {
            self.unambiguous = self.unambiguous.max(Some(record.sent_at));
        }
        if self.newest.is_none_or(|newest| record.sent_after(newest.order)) {
            self.newest = Some(*record);
        }
    }
}

impl Observer {
    pub fn new(config: &super::Config, controller: Box<dyn Controller>, ecn: ecn::Device) -> Observer {
        let mut observer = Observer {
            controller,
            wanted: 0,
            codepoint: Ecn::NotEct,
            alarm: Time::NEVER,
            ecn,
            numbering: Numbering::default(),
            syns: (0, Time::ZERO),
            board: Scoreboard::default(),
            rtt: RoundTrip::new(&config.tcp),
            rate: Delivery::default(),
            pointer: 0,
            emitted: 0,
            mss: u32::from(config.mss()),
            duplicates: 0,
            repair_due: false,
            phase: Phase::Open,
            high: 0,
            limited_until: 0,
            retries: 0,
            counters: Counters::default(),
            job: JobView::default(),
            job_base: 0,
            fair_share: None,
        };
        observer.refresh();
        observer
    }

    /// Asks the controller anew: after each of its callbacks.
    pub fn refresh(&mut self) {
        let control = self.controller.control();
        self.wanted = control.window.get();
        self.codepoint = control.ecn;
        self.alarm = control.timer;
    }

    /// First unacknowledged position.
    pub fn una(&self) -> u64 {
        self.board.una()
    }

    /// Bytes in flight: left, and neither delivered nor lost.
    pub fn in_flight(&self) -> u64 {
        self.board.in_flight()
    }

    /// The window in bytes that smoltcp is to be told: at least a packet, or it would never send again.
    pub fn window(&self) -> u64 {
        self.wanted.max(u64::from(self.mss))
    }

    /// The controller's window in bytes, if it has one.
    pub fn controlled_window(&self) -> Option<u64> {
        (self.wanted != Bytes::MAX.get()).then_some(self.wanted)
    }

    pub fn smoothed_rtt(&self) -> Span {
        self.rtt.smoothed()
    }

    /// Bytes delivered to the peer.
    pub fn delivered(&self) -> u64 {
        self.rate.delivered
    }

    /// What the next new byte is called on the wire (SND.NXT).
    pub fn next_on_wire(&self) -> u32 {
        self.numbering.wire(self.board.next())
    }

    /// The first unacknowledged byte, as on the wire.
    pub fn una_on_wire(&self) -> u32 {
        self.numbering.wire(self.board.una())
    }

    /// Whether `segment` acknowledges nothing, or what was sent and not more.
    pub fn is_acceptable(&self, segment: &Segment) -> bool {
        !segment.flags.has(Flags::ACK)
            || self.syns.0 == 0
            || self.numbering.position(segment.ack, self.una()) <= self.emitted as i64
    }

    /// The peer's SYN or SYN/ACK.
    pub fn on_syn(&mut self, segment: &Segment) {
        self.ecn.on_syn(segment);
        // Less than smoltcp takes for true, see `MIN_MSS`.
        let mss = u32::from(segment.syn.mss.max(MIN_MSS));
        self.mss = if segment.syn.mss == 0 { DEFAULT_MSS } else { mss }.min(self.mss);
    }

    /// The handshake is over.
    pub fn establish(&mut self, now: Time) {
        if self.syns.0 == 1 {
            self.rtt.sample(now.since(self.syns.1));
        }
        self.retries = 0;
    }

    /// Whether `segment` acknowledges our SYN and nothing else.
    pub fn acknowledges_syn(&self, segment: &Segment) -> bool {
        self.numbering.wire(0) == segment.ack
    }

    /// smoltcp emitted a packet, having been told a window of `told` bytes.
    pub fn on_emitted(&mut self, now: Time, segment: &Segment, told: u64) -> Emission {
        if segment.flags.has(Flags::SYN) {
            self.numbering = Numbering::after_syn(segment.seq);
            self.syns = (self.syns.0 + 1, now);
            self.retries += u32::from(self.syns.0 > 1);
            return Emission::Control;
        }
        if segment.seq_len() == 0 || segment.flags.has(Flags::RST) {
            return Emission::Control;
        }
        let start = self.numbering.position(segment.seq, self.pointer).max(0) as u64;
        let end = start + u64::from(segment.seq_len());
        self.emitted = self.emitted.max(end);
        if told == 0 && segment.payload == 1 {
            return Emission::Control;
        }
        if start >= self.pointer {
            self.pointer = end;
            return Emission::Data;
        }
        if std::mem::take(&mut self.repair_due) && start == self.una() {
            self.on_repair(now);
            return Emission::Repair;
        }
        self.pointer = end;
        self.on_timeout(now);
        Emission::Timeout
    }

    /// smoltcp has had its turn: a repair that it did not emit will not come.
    pub fn settle(&mut self) {
        self.repair_due = false;
    }

    fn on_repair(&mut self, now: Time) {
        let in_flight = self.board.in_flight();
        self.lose(self.board.first(), now);
        if matches!(self.phase, Phase::Open | Phase::Reducing) {
            self.counters.recoveries += 1;
            // A classic echo has already reduced the window in this round trip (RFC 3168, section 6.1.2).
            let reduced = self.phase == Phase::Reducing && self.ecn.feedback() == EcnFeedback::Classic;
            self.phase = Phase::Recovery;
            self.high = self.board.next();
            if !reduced {
                self.congested(Cause::Loss, now, in_flight);
            }
        }
    }

    fn on_timeout(&mut self, now: Time) {
        self.counters.timeouts += 1;
        self.retries += 1;
        let in_flight = self.board.in_flight();
        self.board.renege();
        for number in self.board.first()..self.board.end() {
            self.lose(number, now);
        }
        self.phase = Phase::Loss;
        self.high = self.board.next();
        self.congested(Cause::Timeout, now, in_flight);
    }

    fn lose(&mut self, number: u64, now: Time) {
        if let Some(lost) = lose(&mut self.board, &mut self.rate, number, now) {
            self.controller.on_lost(&lost);
        }
    }

    fn congested(&mut self, cause: Cause, now: Time, in_flight: u64) {
        self.ecn.reduced();
        self.controller.on_congestion(&Congestion {
            now,
            cause,
            in_flight: Bytes::new(in_flight),
            mss: Bytes::new(u64::from(self.mss)),
            next: self.board.next(),
        });
        self.refresh();
    }

    /// A data packet leaves. Whether it carries data for the first time.
    pub fn on_left(&mut self, now: Time, segment: &Segment) -> bool {
        let next = self.board.next();
        let start = self.numbering.position(segment.seq, next).max(0) as u64;
        let end = start + u64::from(segment.seq_len());
        let restart = self.board.in_flight() == 0;
        self.counters.data_segments_sent += 1;
        if start < next {
            self.counters.retransmitted_segments += 1;
            self.counters.retransmitted_bytes += u64::from(segment.payload);
            self.leave_again(now, start, end, restart);
        }
        if end > next {
            // Less than the segment, if it also repeats something.
            let fin = segment.flags.has(Flags::FIN);
            self.leave_first(now, end - next, fin, restart);
        }
        self.controller.on_sent(&Sent {
            now,
            bytes: Bytes::new(u64::from(segment.payload)),
            in_flight: Bytes::new(self.board.in_flight()),
            retransmission: start < next,
            restart,
            app_limited: self.rate.was_app_limited(),
        });
        self.refresh();
        start >= next
    }

    fn leave_first(&mut self, now: Time, len: u64, fin: bool, restart: bool) {
        let mut record = Record::new(self.board.next(), len as u32 - u32::from(fin), fin);
        record.sent_at = now;
        self.rate.stamp(&mut record, now, restart);
        record.tx_in_flight = u32::try_from(self.board.in_flight() + len).unwrap_or(u32::MAX);
        self.board.push(record);
    }

    fn leave_again(&mut self, now: Time, start: u64, end: u64, restart: bool) {
        for number in self.board.number_at(start)..self.board.end() {
            if self.board.get(number).is_none_or(|record| record.start >= end) {
                break;
            }
            self.board.resend(number, now);
            let in_flight = self.board.in_flight();
            if let Some(record) = self.board.get_mut(number) {
                self.rate.stamp(record, now, restart);
                record.tx_in_flight = u32::try_from(in_flight).unwrap_or(u32::MAX);
            }
        }
        // Forgets retransmissions that have arrived.
        self.board.oldest_resent();
    }

    /// An acceptable acknowledgement, before smoltcp sees it. Whether smoltcp may take it for a duplicate; `None` if
    /// it was overtaken by a later one, and smoltcp will drop it.
    pub fn on_ack(&mut self, now: Time, segment: &Segment, written: u64) -> Option<bool> {
        let prior_una = self.board.una();
        let position = self.numbering.position(segment.ack, prior_una);
        let ack = u64::try_from(position).ok().filter(|ack| *ack >= prior_una)?;
        let advanced = ack > prior_una;
        // What waits in the line counts: smoltcp takes it for sent.
        let duplicate = !advanced && segment.payload == 0 && self.pointer > prior_una;
        if !advanced && self.board.is_empty() {
            return Some(duplicate);
        }
        if ack > self.board.next() {
            // A probe of a closed window was taken: it left without a record.
            self.leave_first(now, ack - self.board.next(), false, self.board.in_flight() == 0);
        }
        let prior_in_flight = self.board.in_flight();
        let prior_out = prior_in_flight + self.board.lost();
        let limited = prior_una < self.limited_until;
        let mut tally = Tally::default();
        if advanced {
            self.board.acknowledge(ack, |record| tally.take(record));
            self.pointer = self.pointer.max(ack);
            self.retries = 0;
        }
        let unsacked = self.board.sacked();
        self.take_sack(segment, ack, &mut tally);
        let sacked = self.board.sacked() - unsacked;
        let delivered = prior_out - (self.board.in_flight() + self.board.lost());
        let rtt = tally.unambiguous.map(|sent| now.since(sent));
        if let Some(rtt) = rtt {
            self.rtt.sample(rtt);
        }
        let told = self.ecn.on_ack(segment, delivered, u64::from(self.mss));
        self.rate.marked += told.bytes;
        let rate = self.take_delivery(now, delivered, &tally);
        self.follow(now, told, prior_in_flight);
        self.job.sent = Bytes::new(ack.min(written).saturating_sub(self.job_base));
        self.controller.on_ack(&Ack {
            now,
            acked: Bytes::new(ack - prior_una),
            sacked: Bytes::new(sacked),
            delivered: Bytes::new(delivered),
            lost: Bytes::ZERO,
            ce_marked: Bytes::new(told.bytes),
            ece: told.ece,
            rtt,
            smoothed_rtt: self.rtt.smoothed(),
            min_rtt: self.rtt.least(),
            rate,
            prior_in_flight: Bytes::new(prior_in_flight),
            in_flight: Bytes::new(self.board.in_flight()),
            window_limited: limited,
            phase: self.phase,
            mss: Bytes::new(u64::from(self.mss)),
            una: ack,
            next: self.board.next(),
            hops: &[],
            job: self.job,
            fair_share: self.fair_share,
        });
        self.refresh();
        Some(duplicate)
    }

    fn take_sack(&mut self, segment: &Segment, ack: u64, tally: &mut Tally) {
        for block in segment.sack.as_slice() {
            let place = |wire| u64::try_from(self.numbering.position(wire, ack)).ok();
            let (Some(start), Some(end)) = (place(block.start), place(block.end)) else { continue };
            if ack <= start && start < end && end <= self.board.next() {
                self.board.acknowledge_selectively(start, end, |record| tally.take(record));
            }
        }
    }

    fn take_delivery(&mut self, now: Time, delivered: u64, tally: &Tally) -> Option<RateSample> {
        if delivered == 0 {
            return None;
        }
        self.rate.deliver(delivered, now);
        tally.newest.as_ref().map(|newest| self.rate.sample(newest, self.rtt.least()))
    }

    /// Moves between phases after an ACK.
    fn follow(&mut self, now: Time, told: Told, in_flight: u64) {
        let una = self.board.una();
        if told.congested && self.phase == Phase::Open {
            self.phase = Phase::Reducing;
            self.high = self.board.next();
            self.congested(Cause::Ecn, now, in_flight);
            return;
        }
        let over = match self.phase {
            Phase::Open => false,
            // Beyond: CWR travels with the first packet behind the episode.
            Phase::Reducing => una > self.high || self.board.is_empty(),
            Phase::Recovery | Phase::Loss => una >= self.high,
        };
        if over {
            self.phase = Phase::Open;
            self.controller.on_recovered(now);
            self.refresh();
        }
    }

    /// Counts as smoltcp does: `duplicate` is whether an ACK may be one, `updated` whether smoltcp is told another
    /// window.
    pub fn count_duplicate(&mut self, duplicate: bool, updated: bool) {
        if !duplicate || updated {
            self.duplicates = 0;
            return;
        }
        self.duplicates += 1;
        self.repair_due = self.duplicates == DUP_THRESHOLD;
    }

    /// Nothing waits in the line: notes what holds the sender back. `unsent`: bytes written that smoltcp has not
    /// emitted.
    pub fn note_silence(&mut self, unsent: u64) {
        let in_flight = self.board.in_flight();
        if in_flight + u64::from(self.mss) > self.wanted {
            self.limited_until = self.board.next();
        } else if unsent < u64::from(self.mss) {
            self.rate.limited_by_application(in_flight);
        }
    }

    /// The host's interface is full: what leaves now is limited by it.
    pub fn host_limited(&mut self) {
        if self.board.in_flight() + u64::from(self.mss) <= self.wanted {
            self.limited_until = self.board.una();
        }
    }
}
