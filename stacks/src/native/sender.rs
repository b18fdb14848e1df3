//! The send side: what may leave now, and what is noted as it leaves.

use std::collections::VecDeque;

use burstlab_algorithms::{Bytes, Controller, Ecn, JobView, Phase, Rate, Sent, Span, Time};
use burstlab_network::{Codepoint, Flags};

use super::Config;
use super::account::Account;
use super::frto::Forward;
use super::marks::Marks;
use super::pacing::Pacing;
use super::persist::Persist;
use super::prr::Reduction;
use super::rack::Rack;
use super::rate::Delivery;
use super::rto::RoundTrip;
use super::scoreboard::{Record, Scoreboard};
use super::stamps::StampClock;
use super::tlp::TailProbe;
use super::undo::Undo;
use crate::Counters;

/// A packet that leaves out of its turn, whatever window and pacing say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgent {
    /// The first unacknowledged packet.
    First,
    /// A tail loss probe.
    TailProbe,
    /// A probe of a window that is closed, or too small for a full packet; or what was held back for long enough.
    WindowProbe,
}

/// What leaves: a place in the stream and what the headers need to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet {
    pub start: u64,
    pub payload: u32,
    pub fin: bool,
    pub codepoint: Codepoint,
    pub flags: Flags,
}

/// Everything that the send side knows.
pub(super) struct Sender {
    pub board: Scoreboard,
    /// Bytes that the application wrote.
    pub written: u64,
    /// No segment reaches beyond: the end of a record, or of what was written.
    pub edge: u64,
    /// Ends of records that are still to be sent, the next one left out.
    pub records: VecDeque<u64>,
    /// Whether a FIN follows the last byte.
    pub closing: bool,
    /// Payload of a full packet.
    pub mss: u32,
    /// The peer's window in bytes.
    pub peer_window: u64,
    /// The largest that it ever was.
    pub peer_window_max: u64,
    pub controller: Box<dyn Controller>,
    /// What the controller wants: its window in bytes,
    pub wanted: u64,
    /// the codepoint of its packets,
    pub ecn: Ecn,
    /// its timer,
    pub alarm: Time,
    /// and to be left alone in recoveries.
    pub own_recovery: bool,
    /// Whether reductions for marks are spread over a round trip.
    pub spread_mark_reduction: bool,
    pub rtt: RoundTrip,
    /// When the retransmission timeout was last restarted.
    pub rto_restarted: Time,
    pub rack: Rack,
    /// When a packet's reordering window ends; [`Time::NEVER`] if none is in doubt.
    pub reordering_ends: Time,
    pub tlp: TailProbe,
    pub prr: Reduction,
    pub frto: Forward,
    pub undo: Undo,
    pub rate: Delivery,
    pub pacing: Pacing,
    pub paced_until: Time,
    pub persist: Persist,
    pub marks: Marks,
    pub phase: Phase,
    /// The episode lasts until this position is acknowledged.
    pub high: u64,
    pub urgent: Option<Urgent>,
    /// Up to here, the window was the limit when packets were sent.
    pub limited_until: u64,
    /// Duplicate ACKs in a row; counts only where the peer has no SACK.
    pub duplicates: u32,
    /// Bytes that duplicate ACKs were taken to tell of though they are still out.
    pub told_too_much: u64,
    /// Whether the peer acknowledges selectively.
    pub sack: bool,
    pub timestamps: bool,
    pub nagle: bool,
    /// Nagle's rule looks at small segments only.
    pub minshall: bool,
    /// Position behind the last small segment that left.
    pub small_end: u64,
    /// A small segment waits for more.
    pub cork: bool,
    /// The last write said that more follows at once.
    pub more: bool,
    /// Retransmission timeouts in a row.
    pub retries: u32,
    pub max_retries: u32,
    /// How long what was sent may stay unacknowledged.
    pub user_timeout: Option<Span>,
    /// When what is unacknowledged was first found to be overdue.
    pub overdue_since: Option<Time>,
    /// The connection was given up.
    pub failed: bool,
    /// The window after idleness, in packets.
    restart_window: Option<u64>,
    /// Bound on the window after idleness.
    pub restart_cap: u64,
    pub last_sent: Time,
    /// When the window was last reduced.
    pub reduced_at: Time,
    /// A retransmission that left after that was lost.
    pub lost_again: bool,
    pub clock: StampClock,
    pub empty_probes: bool,
    pub account: Account,
    pub job: JobView,
    /// Position at which the job's iteration began.
    pub job_base: u64,
    pub fair_share: Option<Rate>,
    pub counters: Counters,
}

impl Sender {
    pub fn new(config: &Config, controller: Box<dyn Controller>) -> Sender {
        let mss = config.payload().get() as u32;
        let mut sender = Sender {
            board: Scoreboard::default(),
            written: 0,
            edge: 0,
            records: VecDeque::new(),
            closing: false,
            mss,
            peer_window: 0,
            peer_window_max: 0,
            controller,
            wanted: 0,
            ecn: Ecn::NotEct,
            alarm: Time::NEVER,
            own_recovery: false,
            spread_mark_reduction: config.spread_mark_reduction,
            rtt: RoundTrip::new(config),
            rto_restarted: Time::ZERO,
            rack: Rack::default(),
            reordering_ends: Time::NEVER,
            tlp: TailProbe::new(config),
            prr: Reduction::default(),
            frto: Forward::Off,
            undo: Undo::default(),
            rate: Delivery::default(),
            pacing: Pacing::default(),
            paced_until: Time::NEVER,
            persist: Persist::default(),
            marks: Marks::new(config.generalized_ecn),
            phase: Phase::Open,
            high: 0,
            urgent: None,
            limited_until: 0,
            duplicates: 0,
            told_too_much: 0,
            sack: false,
            timestamps: false,
            nagle: config.nagle,
            minshall: config.minshall,
            small_end: 0,
            cork: false,
            more: false,
            retries: 0,
            max_retries: config.max_retransmissions,
            user_timeout: config.user_timeout,
            overdue_since: None,
            failed: false,
            restart_window: config.slow_start_after_idle.then(|| u64::from(config.initial_window)),
            restart_cap: u64::MAX,
            last_sent: Time::ZERO,
            reduced_at: Time::ZERO,
            lost_again: false,
            clock: StampClock::new(config.timestamp_tick),
            empty_probes: config.empty_window_probes,
            account: Account::default(),
            job: JobView::default(),
            job_base: 0,
            fair_share: None,
            counters: Counters::default(),
        };
        sender.refresh();
        sender
    }

    /// Asks the controller anew: to be called after each of its callbacks.
    #[inline]
    pub fn refresh(&mut self) {
        // Field by field: copying the whole would wait for the controller's stores to settle.
        let control = self.controller.control();
        self.wanted = control.window.get();
        self.ecn = control.ecn;
        self.alarm = control.timer;
        self.own_recovery = control.own_recovery;
        self.pacing.set(control.pacing_rate, control.burst, self.mss);
    }

    /// Bytes that may be in flight.
    pub fn window(&self) -> u64 {
        let target = self.target();
        if self.own_recovery { target } else { self.prr.window(target) }
    }

    /// The controller's window.
    pub fn target(&self) -> u64 {
        self.wanted.min(self.restart_cap)
    }

    /// Whether `len` bytes more fit into the window. One packet always does: a window below a packet is up to pacing.
    fn has_room(&self, len: u64) -> bool {
        let in_flight = self.board.in_flight();
        in_flight == 0 || in_flight + len <= self.window()
    }

    /// The next packet to leave at `now`.
    #[inline(always)]
    pub fn next_packet(&mut self, now: Time) -> Option<Packet> {
        self.paced_until = Time::NEVER;
        if self.urgent.is_some()
            && let Some(packet) = self.send_urgent(now)
        {
            return Some(packet);
        }
        if self.board.lost() > 0 && !self.frto.holds_retransmissions() {
            let number = self.board.next_lost()?;
            let len = self.board.get(number)?.len;
            return self.may_leave(u64::from(len), now).then(|| self.retransmit(number, now));
        }
        if self.frto.holds_retransmissions() && !self.frto.prefers_new() {
            return None;
        }
        let Some(payload) = self.next_payload() else {
            self.note_lack_of_data(now);
            return None;
        };
        self.may_leave(u64::from(payload), now).then(|| self.send_new(payload, now))
    }

    /// Whether window and pacing let `len` bytes go; if not, notes what held them.
    fn may_leave(&mut self, len: u64, now: Time) -> bool {
        if !self.has_room(len) {
            self.limited_until = self.board.next();
            return false;
        }
        let release = self.pacing.release();
        if release > now {
            self.paced_until = release;
            return false;
        }
        true
    }

    /// Nothing to send: the peer's window is closed, or ours is full all the same, or the application is the limit.
    #[inline]
    fn note_lack_of_data(&mut self, now: Time) {
        let (in_flight, unsent) = (self.board.in_flight(), self.unsent());
        if unsent > 0 && self.is_held_by_peer() && in_flight + u64::from(self.mss) <= self.window() {
            self.account.window_closed.begin(now);
        }
        if unsent > 0 && self.board.is_empty() {
            self.persist.begin(now);
        } else if in_flight + u64::from(self.mss) > self.window() {
            self.limited_until = self.board.next();
        } else if unsent < u64::from(self.mss) {
            self.rate.limited_by_application(in_flight);
        }
    }

    #[cold]
    fn send_urgent(&mut self, now: Time) -> Option<Packet> {
        let first = self.board.first();
        match self.urgent.take()? {
            Urgent::First => (!self.board.is_empty()).then(|| self.retransmit(first, now)),
            Urgent::WindowProbe if self.empty_probes && self.usable() == 0 => Some(self.empty_probe()),
            Urgent::WindowProbe => {
                let ready = self.edge.saturating_sub(self.board.next());
                let payload = ready.min(self.usable().max(1)).min(u64::from(self.mss)) as u32;
                (payload > 0).then(|| self.send_new(payload, now))
            }
            Urgent::TailProbe => self.send_tail_probe(now),
        }
    }

    /// A segment of a sequence number that the peer has had, which it answers by an ACK.
    fn empty_probe(&self) -> Packet {
        let start = self.board.una().wrapping_sub(1);
        Packet { start, payload: 0, fin: false, codepoint: Codepoint::NotEct, flags: Flags::NONE }
    }

    /// RFC 8985, section 7.3: new data if there is any and the peer takes it, else the last packet again.
    fn send_tail_probe(&mut self, now: Time) -> Option<Packet> {
        let fresh = self.next_payload();
        if fresh.is_none() && self.board.is_empty() {
            return None;
        }
        self.counters.probes += 1;
        let packet = match fresh {
            Some(payload) => self.send_new(payload, now),
            None => self.retransmit(self.board.end() - 1, now),
        };
        self.tlp.on_probe(self.board.next(), fresh.is_none());
        self.rtt.on_probe();
        self.rto_restarted = now;
        Some(packet)
    }

    #[inline]
    fn send_new(&mut self, payload: u32, now: Time) -> Packet {
        let start = self.board.next();
        let restart = self.board.in_flight() == 0;
        if self.board.is_empty() {
            self.restart_after_idle(now);
            self.rto_restarted = now;
            self.account.busy.begin(now);
        }
        if self.account.window_closed.runs() {
            self.account.window_closed.end(now);
        }
        self.tlp.restarted = now;
        let end = start + u64::from(payload);
        let fin = self.closing && end == self.written;
        let mut record = Record::new(start, payload, fin);
        let mut flags = self.marks.take_flags();
        if end == self.edge && payload > 0 {
            // RFC 9293, section 3.9.1.2 (MUST-61): the last of what there is asks to be handed on.
            record.set_pushed();
            flags = flags.with(Flags::PSH);
            if !self.records.is_empty() {
                self.pass_record();
            }
        }
        record.sent_at = now;
        self.rate.stamp(&mut record, now, restart);
        let in_flight = self.board.in_flight() + u64::from(record.len);
        record.tx_in_flight = u32::try_from(in_flight).unwrap_or(u32::MAX);
        self.board.push(record);
        self.frto.on_new_sent();
        if payload < self.mss {
            self.small_end = end;
        }
        self.note_sent(now, &record, false, restart);
        Packet { start, payload, fin, codepoint: self.marks.codepoint(self.ecn, !self.persist.probing), flags }
    }

    #[inline(never)]
    fn retransmit(&mut self, number: u64, now: Time) -> Packet {
        let restart = self.board.in_flight() == 0;
        self.board.resend(number, now);
        let in_flight = self.board.in_flight();
        let mut record = Record::default();
        if let Some(place) = self.board.get_mut(number) {
            self.rate.stamp(place, now, restart);
            place.tx_in_flight = u32::try_from(in_flight).unwrap_or(u32::MAX);
            record = *place;
        }
        self.counters.retransmitted_segments += 1;
        self.counters.retransmitted_bytes += u64::from(record.payload());
        if number == self.board.first() {
            // RFC 6298, section 5: no segment times out before it had its whole timeout.
            self.rto_restarted = now;
        }
        self.undo.on_resent(record.end(), self.timestamps.then(|| self.clock.at(now)));
        self.note_sent(now, &record, true, restart);
        Packet {
            start: record.start,
            payload: record.payload(),
            fin: record.is_fin(),
            codepoint: self.marks.codepoint(self.ecn, false),
            flags: if record.is_pushed() { Flags::PSH } else { Flags::NONE },
        }
    }

    #[inline]
    fn note_sent(&mut self, now: Time, record: &Record, retransmission: bool, restart: bool) {
        self.last_sent = now;
        self.counters.data_segments_sent += 1;
        self.prr.on_sent(u64::from(record.len));
        self.pacing.on_sent(now, record.payload());
        self.controller.on_sent(&Sent {
            now,
            bytes: Bytes::new(u64::from(record.payload())),
            in_flight: Bytes::new(self.board.in_flight()),
            retransmission,
            restart,
            app_limited: self.rate.was_app_limited(),
        });
        self.refresh();
    }

    /// RFC 5681, section 4.1: after a retransmission timeout's idleness, the window grows up again from the first one. A
    /// controller with a model of the path of its own restarts by that (as Linux has it).
    fn restart_after_idle(&mut self, now: Time) {
        if let Some(window) = self.restart_window
            && !self.own_recovery
            && self.board.next() > 0
            && now.since(self.last_sent) > self.rtt.timeout()
        {
            self.restart_cap = window * u64::from(self.mss);
        }
    }
}
