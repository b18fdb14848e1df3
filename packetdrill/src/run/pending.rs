//! System calls: begun, tried again while they block, and held against what the script has.

use burstlab_algorithms::{Span, Time};

use super::connecting::Shutdown;
use super::errno::Errno;
use super::execution::{Execution, Stop};
use super::host::START;
use super::reply::{Attempt, Output, Reply};
use super::socket::{Descriptor, SocketId};
use super::sockopt::Refusal;
use super::step::{Call, Operation, Queue, Wanted};
use super::timing::{Due, seconds};
use super::transfer::{Read, Write};

/// How long a call that should have returned is waited for, so that it can be said when it did.
const PATIENCE: Span = Span::from_secs(3 * 3600);

/// A call that has not returned.
#[derive(Debug, Clone)]
pub struct Pending {
    line: usize,
    call: Call,
    progress: Progress,
    /// When it is to return.
    due: Due,
    tolerance: Span,
    /// When a time-out ends it.
    pub wakes: Time,
}

/// How far a call has come.
#[derive(Debug, Clone)]
enum Progress {
    /// It ends when it is tried.
    Once,
    Accept(SocketId, bool),
    Connect(SocketId, bool),
    Read(SocketId, Read),
    Write(SocketId, Write),
    Linger(SocketId, Time),
    Poll(Time),
    EpollWait(Time),
}

/// `EBADF` and its like end a call at once.
type Begun = Result<Progress, Errno>;

impl Execution<'_> {
    /// Begins a call, and ends it if it does not block. `end`: when it is to return.
    pub fn call(&mut self, call: &Call, end: Option<Span>) -> Result<(), Stop> {
        let now = self.now();
        let end = end.unwrap_or(now);
        let due = Due { from: end, until: Some(end) };
        let tolerance = self.tolerance_of(due);
        let attempt = match self.begin(call) {
            Ok(mut progress) => match self.attempt(call, &mut progress)? {
                Attempt::Wait(_) if call.until.is_none() => {
                    return Err(self.failure(format!("{} blocks, and the script does not say until when", call.name)));
                }
                Attempt::Wait(wakes) => {
                    let call = call.clone();
                    self.pending = Some(Pending { line: self.line, call, progress, due, tolerance, wakes });
                    return self.collect();
                }
                Attempt::Done(reply) => reply,
            },
            Err(errno) => errno.into(),
        };
        self.check(call, &attempt)?;
        if !due.holds(now, tolerance) {
            return Err(self.failure(format!("{} is to block until {due}, but it returned at once", call.name)));
        }
        self.collect()
    }

    /// Tries a call again that blocks.
    pub fn retry(&mut self) -> Result<(), Stop> {
        let Some(mut pending) = self.pending.take() else { return Ok(()) };
        let line = std::mem::replace(&mut self.line, pending.line);
        let attempt = self.attempt(&pending.call, &mut pending.progress)?;
        match attempt {
            Attempt::Wait(wakes) => {
                pending.wakes = if wakes <= self.host.now { Time::NEVER } else { wakes };
                self.pending = Some(pending);
            }
            Attempt::Done(reply) => {
                self.check(&pending.call, &reply)?;
                let (now, due) = (self.now(), pending.due);
                if !due.holds(now, pending.tolerance) {
                    let name = &pending.call.name;
                    return Err(self.failure(format!("{name} is to return at {due}, but it did at {}", seconds(now))));
                }
            }
        }
        self.line = line;
        Ok(())
    }

    /// Lets time pass until the call that is under way has returned.
    pub fn finish_pending(&mut self) -> Result<(), Stop> {
        let Some(pending) = &self.pending else { return Ok(()) };
        let (line, name, due) = (pending.line, pending.call.name.clone(), pending.due);
        let last_moment = START + due.until.unwrap_or(due.from) + PATIENCE;
        while let Some(pending) = &self.pending {
            let wake = self.host.next_timer().map_or(Time::NEVER, |(at, _)| at).min(pending.wakes);
            if wake > last_moment {
                self.line = line;
                return Err(self.failure(format!("{name} is to return at {due}, but it blocks without end")));
            }
            self.run_until(wake.max(self.host.now))?;
        }
        Ok(())
    }

    /// What has to be looked up before a call is tried.
    fn begin(&mut self, call: &Call) -> Begun {
        let host = &mut self.host;
        let now = host.now;
        let after = |timeout: Span| if timeout.is_zero() { Time::NEVER } else { now + timeout };
        let until = |timeout: &Option<Span>| timeout.map_or(Time::NEVER, |timeout| now + timeout);
        Ok(match &call.operation {
            Operation::Accept { socket, nonblocking } => Progress::Accept(host.socket(*socket)?, *nonblocking),
            Operation::Connect { socket } => Progress::Connect(host.socket(*socket)?, false),
            Operation::Read { socket, bytes, flags } => {
                let id = host.socket(*socket)?;
                let socket = &host.sockets[id];
                let (nonblocking, deadline) =
                    (flags.nonblocking || socket.nonblocking, after(socket.options.receive_timeout));
                Progress::Read(id, Read { wanted: *bytes, peek: flags.peek, all: flags.all, nonblocking, deadline })
            }
            Operation::Write { socket, bytes, flags } => {
                let id = host.socket(*socket)?;
                let socket = &host.sockets[id];
                let (nonblocking, deadline) =
                    (flags.nonblocking || socket.nonblocking, after(socket.options.send_timeout));
                let (more, record_end) = (flags.more, flags.record_end);
                Progress::Write(id, Write { wanted: *bytes, taken: 0, nonblocking, more, record_end, deadline })
            }
            Operation::Close { descriptor } => match host.close(*descriptor)? {
                Some((id, deadline)) => Progress::Linger(id, deadline),
                None => Progress::Once,
            },
            Operation::Poll { timeout, .. } => Progress::Poll(until(timeout)),
            Operation::EpollWait { timeout, .. } => Progress::EpollWait(until(timeout)),
            _ => Progress::Once,
        })
    }

    fn attempt(&mut self, call: &Call, progress: &mut Progress) -> Result<Attempt, Stop> {
        let host = &mut self.host;
        let now = host.now;
        Ok(match progress {
            Progress::Once => Attempt::Done(self.at_once(call)?),
            Progress::Accept(id, nonblocking) => match host.accept(*id, *nonblocking) {
                Ok(Some(child)) => self.describe(call, Descriptor::Socket(child)).into(),
                Ok(None) => Attempt::Wait(Time::NEVER),
                Err(errno) => errno.into(),
            },
            Progress::Connect(id, begun) => {
                let attempt = host.connect(*id, *begun);
                *begun = true;
                attempt
            }
            Progress::Read(id, read) => host.read(*id, read),
            Progress::Write(id, write) => host.write(*id, write),
            Progress::Linger(id, deadline) => {
                let open = host.sockets[*id].stream().is_some_and(|stream| !stream.has_finished());
                if open && now < *deadline { Attempt::Wait(*deadline) } else { 0.into() }
            }
            Progress::Poll(deadline) => {
                let Operation::Poll { asked, .. } = &call.operation else { return Ok(0.into()) };
                let asked: Vec<(i64, u32)> =
                    asked.iter().map(|(descriptor, events, _)| (*descriptor, *events)).collect();
                let events = host.poll(&asked);
                let ready = events.iter().filter(|events| **events != 0).count() as i64;
                if ready == 0 && now < *deadline {
                    return Ok(Attempt::Wait(*deadline));
                }
                let events = events.into_iter().map(i64::from).collect();
                Attempt::Done(Reply::with(ready, Output::Polled(events)))
            }
            Progress::EpollWait(deadline) => {
                let Operation::EpollWait { epoll, most, .. } = &call.operation else { return Ok(0.into()) };
                match host.epoll_wait(*epoll, *most) {
                    Ok(events) if events.is_empty() && now < *deadline => Attempt::Wait(*deadline),
                    Ok(events) => Attempt::Done(Reply::with(events.len() as i64, Output::Events(events))),
                    Err(errno) => errno.into(),
                }
            }
        })
    }

    /// Calls that never block.
    fn at_once(&mut self, call: &Call) -> Result<Reply, Stop> {
        match self.immediate(call) {
            Ok(reply) => Ok(reply),
            Err(Refusal::Errno(errno)) => Ok(errno.into()),
            Err(Refusal::Unsupported) => {
                let name = match &call.operation {
                    Operation::SetOption { name, .. } | Operation::GetOption { name, .. } => name.as_str(),
                    _ => call.name.as_str(),
                };
                Err(Stop::Skipped(format!("line {}: {name} is not supported", self.line)))
            }
        }
    }

    fn immediate(&mut self, call: &Call) -> Result<Reply, Refusal> {
        let value = match &call.operation {
            Operation::Socket { nonblocking } => {
                let id = self.host.fresh();
                self.host.sockets[id].nonblocking = *nonblocking;
                self.describe(call, Descriptor::Socket(id))
            }
            Operation::Fault => return Err(Errno::Fault.into()),
            Operation::EpollCreate => self.describe(call, Descriptor::Epoll(Default::default())),
            // It went as the call began.
            Operation::Close { .. } => 0,
            Operation::Bind { socket } => self.host.socket(*socket).map(|_| 0)?,
            Operation::Listen { socket, backlog } => {
                let id = self.host.socket(*socket)?;
                self.host.listen(id, *backlog)?
            }
            Operation::Shutdown { socket, how } => {
                let (id, how): (SocketId, Shutdown) = (self.host.socket(*socket)?, *how);
                self.host.shutdown(id, how)?
            }
            Operation::SetOption { socket, name, setting } => {
                let id = self.host.socket(*socket)?;
                self.host.set_option(id, name, setting)?
            }
            Operation::GetOption { socket, name, wanted } => {
                let id = self.host.socket(*socket)?;
                if *wanted == Wanted::Any {
                    return Ok(Reply::value(0));
                }
                return Ok(Reply::with(0, self.host.get_option(id, name)?));
            }
            Operation::GetFlags { descriptor } => self.flags(*descriptor)?,
            Operation::SetFlags { descriptor, nonblocking } => {
                let id = self.host.socket(*descriptor)?;
                self.host.sockets[id].nonblocking = *nonblocking;
                0
            }
            Operation::Queued { socket, what, .. } => {
                let id = self.host.socket(*socket)?;
                let stream = self.host.sockets[id].stream().ok_or(Errno::Invalid)?;
                let bytes = match what {
                    Queue::Readable => stream.connection.readable(),
                    Queue::Unacknowledged => stream.queued(),
                    Queue::Unsent => stream.connection.unsent(),
                };
                return Ok(Reply::with(0, Output::Number(bytes as i64)));
            }
            Operation::EpollControl { epoll, control, descriptor } => {
                self.host.epoll_control(*epoll, *control, *descriptor)?
            }
            _ => return Err(Refusal::Unsupported),
        };
        Ok(Reply::value(value))
    }

    /// `fcntl(F_GETFL)`: `O_RDWR`, and `O_NONBLOCK` if it is set.
    fn flags(&self, descriptor: i64) -> Result<i64, Errno> {
        const READ_WRITE: i64 = 0o2;
        const NONBLOCK: i64 = 0o4000;
        let id = self.host.socket(descriptor)?;
        Ok(READ_WRITE | if self.host.sockets[id].nonblocking { NONBLOCK } else { 0 })
    }

    /// Gives a descriptor the number that the script knows it by, or the least that is free.
    fn describe(&mut self, call: &Call, descriptor: Descriptor) -> i64 {
        let taken = |number: &i64| self.host.descriptors.contains_key(number);
        let free = (3..).find(|number| !taken(number)).unwrap_or(3);
        let number = call.value.filter(|number| *number >= 0 && !taken(number)).unwrap_or(free);
        self.host.descriptors.insert(number, descriptor);
        number
    }

    /// Holds what a call came to against the script.
    fn check(&mut self, call: &Call, reply: &Reply) -> Result<(), Stop> {
        let name = &call.name;
        let shown = |value: Option<i64>, errno: Option<&str>| match (value, errno) {
            (_, Some(errno)) => format!("-1 {errno}"),
            (Some(value), None) => value.to_string(),
            (None, None) => "anything".to_owned(),
        };
        let (value, errno) = match reply.value {
            Ok(value) => (value, None),
            Err(errno) => (-1, Some(errno)),
        };
        let value_good = call.value.is_none_or(|wanted| wanted == value);
        let errno_good = match (&call.errno, errno) {
            (Some(wanted), Some(errno)) => wanted == errno.name() || wanted == "EWOULDBLOCK" && errno == Errno::Again,
            (Some(_), None) => false,
            (None, _) => true,
        };
        if !value_good || !errno_good {
            let wanted = shown(call.value, call.errno.as_deref());
            let came = match errno {
                Some(errno) => format!("-1 {} ({})", errno.name(), errno.text()),
                None => value.to_string(),
            };
            return Err(self.failure(format!("{name} is to return {wanted}, but it returned {came}")));
        }
        match mismatch(&call.operation, &reply.output) {
            Some((wanted, came)) => Err(self.failure(format!("{name} is to give {wanted}, but it gave {came}"))),
            None => Ok(()),
        }
    }
}

/// What a call was to write for its caller and what it wrote, if they differ.
fn mismatch(operation: &Operation, output: &Output) -> Option<(String, String)> {
    match (operation, output) {
        (Operation::GetOption { wanted, .. }, _) => option_mismatch(wanted, output),
        (Operation::Queued { wanted: Some(wanted), .. }, Output::Number(number)) => {
            (wanted != number).then(|| (wanted.to_string(), number.to_string()))
        }
        (Operation::Poll { asked, .. }, Output::Polled(events)) => {
            asked.iter().zip(events).find_map(|((descriptor, _, wanted), events)| {
                let wanted = i64::from((*wanted)?);
                let text = |events: i64| format!("events {events:#x} for descriptor {descriptor}");
                (wanted != *events).then(|| (text(wanted), text(*events)))
            })
        }
        (Operation::EpollWait { wanted, .. }, Output::Events(events)) => {
            wanted.iter().zip(events).find_map(|((wanted, data), (events, live))| {
                let text = |events: u32, data: i64| format!("events {events:#x} with data {data}");
                let good = wanted.is_none_or(|wanted| wanted == *events) && data.is_none_or(|data| data == *live);
                (!good).then(|| (text(wanted.unwrap_or(*events), data.unwrap_or(*live)), text(*events, *live)))
            })
        }
        _ => None,
    }
}

fn option_mismatch(wanted: &Wanted, output: &Output) -> Option<(String, String)> {
    let linger = |on: bool, seconds: i64| format!("{{onoff={}, linger={seconds}}}", i64::from(on));
    let (wanted, came) = match (wanted, output) {
        (Wanted::Any, _) => return None,
        // Options are of 32 bits, and scripts write them with and without sign.
        (Wanted::Number(wanted), Output::Number(number)) if *wanted as u32 == *number as u32 => return None,
        (Wanted::Name(wanted), Output::Name(name)) if wanted == name => return None,
        (Wanted::Linger(on, seconds), Output::Linger(live, live_seconds)) if (on, seconds) == (live, live_seconds) => {
            return None;
        }
        (wanted, output) => (wanted, output),
    };
    let wanted = match wanted {
        Wanted::Any => "anything".to_owned(),
        Wanted::Number(number) => number.to_string(),
        Wanted::Name(name) => format!("\"{name}\""),
        Wanted::Linger(on, seconds) => linger(*on, *seconds),
    };
    let came = match came {
        Output::Number(number) => number.to_string(),
        Output::Name(name) => format!("\"{name}\""),
        Output::Linger(on, seconds) => linger(*on, *seconds),
        other => format!("{other:?}"),
    };
    Some((wanted, came))
}
