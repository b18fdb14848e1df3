//! A script's events, one after the other, on the host.

use std::collections::VecDeque;

use burstlab_algorithms::{Registry, Span, Time};
use burstlab_network::{Flags, Timestamps};
use burstlab_stacks::native::Icmp;

use super::comparison::{self, Expected, Rules};
use super::host::{Host, START, Sent, TIMESTAMP_TICK};
use super::options::Options;
use super::outcome::{Failure, Outcome, Traced};
use super::packet::{Packet, TcpOption};
use super::pending::Pending;
use super::settings::IpVersion;
use super::shell;
use super::step::{Action, Injection, Step, When};
use super::timing::{Due, Tolerance, seconds};
use crate::expression::Scope;

/// How long a packet that is overdue is waited for, so that it can be said when it came: longer than a keepalive is idle.
const PATIENCE: Span = Span::from_secs(3 * 3600);

/// Bytes that IPv6's header has more than IPv4's (RFC 8200, RFC 791).
const IPV6_EXTRA: u16 = 20;

/// Packets that a failure shows.
const SHOWN: usize = 8;

/// Why a script ends before its end.
#[derive(Debug)]
pub enum Stop {
    /// It failed.
    Failed(Box<Failure>),
    /// It needs what is not there.
    Skipped(String),
}

/// A script being run.
pub struct Execution<'a> {
    /// The host.
    pub host: Host,
    rules: Rules,
    in_order: bool,
    tolerance: Tolerance,
    /// Microseconds of a tick of the script's timestamps; zero: not compared.
    tick: u32,
    scaled_echoes: bool,
    lines: &'a [&'a str],
    /// The line under way.
    pub line: usize,
    /// When the event before happened.
    previous: Span,
    unseen: VecDeque<Sent>,
    /// A call that has not returned.
    pub pending: Option<Pending>,
    /// What was said on the way.
    pub notes: Vec<String>,
    /// What claims have assigned.
    pub scope: Scope,
    /// Every packet so far.
    pub trace: Vec<Traced>,
}

impl<'a> Execution<'a> {
    /// Before the first event.
    pub fn new(registry: &Registry, options: &Options, lines: &'a [&'a str]) -> Execution<'a> {
        let mut host = Host::new(registry, &options.controller, options.initial_sequence);
        host.settings.version = options.version;
        // With IPv6, Linux's runner of scripts makes up for the longer header, so that they see one MSS.
        host.settings.mtu = options.mtu.unwrap_or(1460 + options.version.headers());
        Execution {
            host,
            rules: Rules { strict: options.strict, stamps: None },
            in_order: options.in_order,
            tolerance: options.tolerance,
            tick: options.tick_micros,
            scaled_echoes: options.scaled_echoes,
            lines,
            line: 0,
            previous: Span::ZERO,
            unseen: VecDeque::new(),
            pending: None,
            notes: Vec::new(),
            scope: Scope::default(),
            trace: Vec::new(),
        }
    }

    /// Runs all of `steps`.
    pub fn run(&mut self, steps: &[Step]) -> Outcome {
        let ended = steps
            .iter()
            .try_for_each(|step| self.step(step))
            .and_then(|()| self.finish_pending())
            .and_then(|()| self.all_was_expected());
        match ended {
            Ok(()) => Outcome::Passed,
            Err(Stop::Failed(failure)) => Outcome::Failed(failure),
            Err(Stop::Skipped(reason)) => Outcome::Skipped(reason),
        }
    }

    /// Says so if the host is set to a controller that is not there.
    pub fn unknown_controller(&self) -> Option<String> {
        let name = self.host.default_congestion();
        (!self.host.knows_controller(&name)).then(|| format!("there is no controller {name}"))
    }

    /// Time since the script's start.
    pub fn now(&self) -> Span {
        self.host.now.since(START)
    }

    fn step(&mut self, step: &Step) -> Result<(), Stop> {
        self.line = step.line;
        let base = self.now();
        let due = Due::of(step.when, base);
        match &step.action {
            Action::Expect(expected) => self.expect(due, expected)?,
            Action::Inject(injection) => {
                self.wait(due)?;
                self.inject(injection)?;
            }
            Action::Icmp(message, seq) => {
                self.wait(due)?;
                self.icmp(*message, *seq)?;
            }
            Action::Shell(text) => {
                self.wait(due)?;
                if shell::drops_everything(text) {
                    let reason = format!("line {}: an interface that drops everything is not supported", step.line);
                    return Err(Stop::Skipped(reason));
                }
                self.shell(text);
            }
            Action::Claim { text, line } => {
                self.wait(due)?;
                self.claim(text, *line)?;
            }
            Action::Call(call) => {
                self.finish_pending()?;
                self.line = step.line;
                self.wait(due)?;
                let relative = matches!(step.when, When::After(_) | When::AfterBetween(..) | When::Any);
                let end = call.until.map(|until| if relative { base + until } else { until });
                self.call(call, end)?;
            }
        }
        self.previous = self.now();
        Ok(())
    }

    /// Sets the host up by what shell lines say.
    pub fn shell(&mut self, text: &str) {
        let line = self.line;
        let notes = shell::apply(text, &mut self.host.settings);
        self.notes.extend(notes.into_iter().map(|note| format!("line {line}: {note}")));
    }

    /// Lets time pass until an event is due.
    fn wait(&mut self, due: Due) -> Result<(), Stop> {
        self.run_until(START + due.from)?;
        self.all_was_expected()?;
        let tolerance = self.tolerance_of(due);
        if due.holds(self.now(), tolerance) {
            return Ok(());
        }
        let what = format!("this is due at {due}, but what came before it was not over until {}", seconds(self.now()));
        Err(self.failure(what))
    }

    /// Whether all that was sent so far was expected, if that is to be so before the script goes on.
    fn all_was_expected(&mut self) -> Result<(), Stop> {
        let mine = self.unseen.iter().position(|sent| Some(sent.socket) == self.host.under_test);
        let Some(place) = mine.filter(|_| self.in_order) else { return Ok(()) };
        let sent = &self.unseen[place];
        let stream = self.host.sockets[sent.socket].stream();
        let packet = stream.map(|stream| Packet::sent(&sent.segment, &stream.translation).to_string());
        let at = seconds(sent.at.since(START));
        let passed = self.trace.len() - (self.unseen.len() - place);
        let Stop::Failed(mut failure) = self.failure_before(
            "the script goes on here, or ends, without having expected a packet that was sent".to_owned(),
            passed,
        ) else {
            return Ok(());
        };
        failure.packet = packet.map(|packet| format!("{at} > {packet}"));
        Err(Stop::Failed(failure))
    }

    /// By how much something that is due then may be off.
    pub fn tolerance_of(&self, due: Due) -> Span {
        self.tolerance.after(due.from - self.previous.min(due.from))
    }

    /// Lets time pass.
    pub fn run_until(&mut self, until: Time) -> Result<(), Stop> {
        self.collect()?;
        loop {
            let wake = self.pending.as_ref().map_or(Time::NEVER, |pending| pending.wakes);
            let expired = self.host.step(until.min(wake.max(self.host.now))).map_err(|stuck| {
                let at = seconds(stuck.at.since(START));
                self.failure(format!("timers expire without end at {at}"))
            })?;
            self.collect()?;
            if !expired && self.host.now >= until {
                return Ok(());
            }
        }
    }

    /// After anything happened: what was sent is noted, watchers look, and a call that waits is tried again.
    pub fn collect(&mut self) -> Result<(), Stop> {
        loop {
            while let Some(sent) = self.host.wire.pop_front() {
                if let Some(stream) = self.host.sockets.get(sent.socket).and_then(|socket| socket.stream()) {
                    let packet = Packet::sent(&sent.segment, &stream.translation);
                    self.note(sent.at, false, packet.to_string());
                }
                self.unseen.push_back(sent);
            }
            self.host.watch();
            self.retry()?;
            if self.host.wire.is_empty() {
                return Ok(());
            }
        }
    }

    fn note(&mut self, at: Time, inbound: bool, packet: String) {
        self.trace.push(Traced { micros: at.since(START).as_nanos() / 1000, inbound, packet });
    }

    /// A failure at the line under way.
    pub fn failure(&self, what: String) -> Stop {
        self.failure_before(what, self.trace.len())
    }

    /// The same; only the first `passed` packets had passed by then.
    fn failure_before(&self, what: String, passed: usize) -> Stop {
        let text = self.lines.get(self.line.wrapping_sub(1)).map_or(String::new(), |line| (*line).to_owned());
        let from = passed.saturating_sub(SHOWN);
        Stop::Failed(Box::new(Failure {
            line: self.line,
            text,
            what,
            differences: Vec::new(),
            packet: None,
            before: self.trace[from..passed].to_vec(),
        }))
    }

    fn inject(&mut self, injection: &Injection) -> Result<(), Stop> {
        let mut segment = injection.segment;
        let tick = self.tick_ratio();
        let syn = segment.flags.has(Flags::SYN);
        let stream = self.host.under_test.and_then(|id| self.host.sockets[id].stream_mut());
        if let Some(stream) = stream {
            if syn && !stream.established {
                stream.translation.learn_remote(segment.seq);
            }
            let translation = &stream.translation;
            segment.seq = translation.peer_to_live(segment.seq, syn);
            if segment.flags.has(Flags::ACK) {
                segment.ack = translation.local_to_live(segment.ack, syn);
            }
            segment.sack = super::lowering::map_blocks(segment.sack, |number| translation.local_to_live(number, syn));
            if let Some(stamps) = segment.timestamps.filter(|_| segment.flags.has(Flags::ACK)) {
                let by_distance = || translation.stamp_by_distance(stamps.echo, tick);
                let live =
                    translation.stamp_to_live(stamps.echo).or_else(|| by_distance().filter(|_| self.scaled_echoes));
                let Some(echo) = live else {
                    let what =
                        format!("the echoed timestamp {} was not in any packet that went out before", stamps.echo);
                    return Err(self.failure(what));
                };
                segment.timestamps = Some(Timestamps { echo, ..stamps });
            }
        }
        self.note(self.host.now, true, injection.text.clone());
        self.host.inject(&segment);
        self.collect()
    }

    fn icmp(&mut self, message: Icmp, seq: u32) -> Result<(), Stop> {
        let message = match message {
            // The stack counts IPv4's header off.
            Icmp::FragmentationNeeded { mtu } if self.host.settings.version == IpVersion::V6 => {
                Icmp::FragmentationNeeded { mtu: mtu.saturating_sub(IPV6_EXTRA) }
            }
            other => other,
        };
        let stream = self.host.under_test.and_then(|id| self.host.sockets[id].stream());
        let live = stream.map_or(seq, |stream| stream.translation.local_to_live(seq, false));
        self.note(self.host.now, true, format!("icmp {message:?} [{seq}]"));
        self.host.on_icmp(message, live);
        self.collect()
    }

    /// A tick of the script's timestamps in the stack's; Linux's, where the script does not say.
    fn tick_ratio(&self) -> f64 {
        let ours = TIMESTAMP_TICK.as_nanos() / 1000;
        if self.tick == 0 { 1.0 } else { f64::from(self.tick) / ours as f64 }
    }

    /// The next packet that the socket under test sent, at the latest at `until`.
    fn next_sent(&mut self, until: Time) -> Result<Option<Sent>, Stop> {
        self.collect()?;
        loop {
            while let Some(sent) = self.unseen.pop_front() {
                if Some(sent.socket) == self.host.under_test {
                    return Ok(Some(sent));
                }
            }
            let wake = self.pending.as_ref().map_or(Time::NEVER, |pending| pending.wakes);
            let Some((timer, _)) =
                self.host.next_timer().map(|(at, id)| (at.min(wake), id)).filter(|(at, _)| *at <= until)
            else {
                return Ok(None);
            };
            self.run_until(timer.max(self.host.now))?;
        }
    }

    fn expect(&mut self, due: Due, expected: &Expected) -> Result<(), Stop> {
        let tolerance = self.tolerance_of(due);
        let (mut offset, mut left) = (0, true);
        while left {
            let last_moment = START + due.until.unwrap_or(due.from) + PATIENCE;
            let Some(sent) = self.next_sent(last_moment)? else {
                return Err(self.failure(match offset {
                    0 => format!("a packet is due at {due}, but none was sent"),
                    _ => format!("{} bytes are due at {due}, but only {offset} of them were sent", expected.payload),
                }));
            };
            left = self.compare(expected, &sent, offset, due, tolerance)?;
            offset += sent.segment.payload;
        }
        Ok(())
    }

    /// Holds one packet against what is expected from `offset` on. Whether more of that is to come.
    fn compare(
        &mut self,
        expected: &Expected,
        sent: &Sent,
        offset: u32,
        due: Due,
        tolerance: Span,
    ) -> Result<bool, Stop> {
        let at = sent.at.since(START);
        let packet = self.in_script_numbers(expected, sent, offset);
        // Linux shows segments that leave together as one; the parts of it are as long as segments are.
        let rest = expected.payload - offset;
        let more = packet.payload > 0 && packet.payload < rest && !packet.flags.has(Flags::SYN);
        let ticks = if self.tick == 0 {
            None
        } else {
            Some((self.tolerance.fixed.as_nanos() / 1000 / u64::from(self.tick)) as u32)
        };
        let rules = Rules { stamps: ticks, ..self.rules };
        let differences = comparison::compare(expected, &packet, offset, !more, self.ends_write(sent), rules);
        if differences.is_empty() && due.holds(at, tolerance) {
            return Ok(more);
        }
        let what = match (differences.is_empty(), due.holds(at, tolerance)) {
            (true, _) => {
                format!("the packet is due at {due}, but it came at {} (tolerance {})", seconds(at), seconds(tolerance))
            }
            (false, true) => format!("another packet was expected than came at {}", seconds(at)),
            (false, false) => format!("a packet is due at {due}; another one came at {}", seconds(at)),
        };
        // What is unseen yet came later.
        let passed = self.trace.len() - self.unseen.len() - 1;
        let Stop::Failed(mut failure) = self.failure_before(what, passed) else { return Ok(false) };
        failure.differences = differences;
        failure.packet = Some(format!("{} > {packet}", seconds(at)));
        Err(Stop::Failed(failure))
    }

    /// Whether `sent` carries the last byte of a write, and nothing more had been written when it left.
    fn ends_write(&self, sent: &Sent) -> bool {
        let stream = self.host.sockets[sent.socket].stream();
        sent.end.is_some_and(|end| stream.is_some_and(|stream| stream.boundaries.contains(&end)))
    }

    /// `sent` as the script would write it, after what `expected` teaches of the script's numbers.
    fn in_script_numbers(&mut self, expected: &Expected, sent: &Sent, offset: u32) -> Packet {
        let (compares, tick) = (self.tick > 0, self.tick_ratio());
        let Some(stream) = self.host.sockets[sent.socket].stream_mut() else {
            return Packet::sent(&sent.segment, &Default::default());
        };
        let translation = &mut stream.translation;
        if expected.flags.has(Flags::SYN) && offset == 0 {
            translation.learn_local(expected.seq);
        }
        let wanted = expected.options.iter().flatten().find_map(|option| match option {
            TcpOption::Timestamps(value, _) => Some(*value),
            _ => None,
        });
        let mut packet = Packet::sent(&sent.segment, translation);
        if let (Some(wanted), Some(stamps)) = (wanted, sent.segment.timestamps) {
            translation.learn_stamp(wanted, stamps.value);
            if compares {
                let value = translation.stamp_to_script(stamps.value, tick);
                for option in &mut packet.options {
                    if let TcpOption::Timestamps(shown, _) = option {
                        *shown = value;
                    }
                }
            }
        }
        packet
    }
}
