//! System calls of scripts.

use burstlab_algorithms::Span;

use super::Unsupported;
use super::arguments::{Arguments, number, vector, words};
use crate::run::connecting::Shutdown;
use crate::run::readiness::{Control, Interest};
use crate::run::settings::seconds;
use crate::run::sockopt::Setting;
use crate::run::step::{Call, MessageFlags, Operation, Queue, Wanted};
use crate::script::{Expression, SystemCall, Value};

/// A call and what it is to come to.
pub fn call(call: &SystemCall) -> Result<Call, Unsupported> {
    let operation = operation(call)?;
    let value = match &call.result.value {
        Value::Ellipsis => None,
        Value::Word(word) if word == "?" => None,
        _ => Some(number(&call.result)?),
    };
    let errno = call.errno.as_ref().map(|errno| errno.name.clone());
    Ok(Call { name: call.name.clone(), operation, until: call.until, value, errno })
}

fn operation(call: &SystemCall) -> Result<Operation, Unsupported> {
    let a = Arguments::of(call);
    Ok(match call.name.as_str() {
        "socket" => socket(&a)?,
        "bind" => Operation::Bind { socket: a.number(0)? },
        "listen" => Operation::Listen { socket: a.number(0)?, backlog: a.number(1)? },
        "accept" => Operation::Accept { socket: a.number(0)?, nonblocking: false },
        "accept4" => Operation::Accept { socket: a.number(0)?, nonblocking: a.words(3)?.contains(&"SOCK_NONBLOCK") },
        "connect" => connect(&a)?,
        "read" => read(&a, a.bytes(2)?, MessageFlags::default())?,
        "readv" => read(&a, vector(a.at(1)?)?, MessageFlags::default())?,
        "recv" | "recvfrom" => read(&a, a.bytes(2)?, message_flags(a.words(3)?)?)?,
        "recvmsg" => read(&a, message(a.at(1)?)?, message_flags(a.words(2)?)?)?,
        "write" => write(&a, a.bytes(2)?, MessageFlags::default())?,
        "writev" => write(&a, vector(a.at(1)?)?, MessageFlags::default())?,
        "send" | "sendto" => write(&a, a.bytes(2)?, message_flags(a.words(3)?)?)?,
        "sendmsg" => write(&a, message(a.at(1)?)?, message_flags(a.words(2)?)?)?,
        "close" => Operation::Close { descriptor: a.number(0)? },
        "shutdown" => shutdown(&a)?,
        "setsockopt" => set_option(&a)?,
        "getsockopt" => get_option(&a)?,
        "fcntl" => control_flags(&a)?,
        "ioctl" => queued(&a)?,
        "poll" => poll(&a)?,
        "epoll_create" | "epoll_create1" => Operation::EpollCreate,
        "epoll_ctl" => epoll_control(&a)?,
        "epoll_wait" => epoll_wait(&a)?,
        other => return Err(format!("the call {other} is not supported")),
    })
}

fn socket(a: &Arguments) -> Result<Operation, Unsupported> {
    let kinds = a.words(1)?;
    for kind in &kinds {
        match *kind {
            "SOCK_STREAM" | "SOCK_NONBLOCK" | "SOCK_CLOEXEC" => {}
            other => return Err(format!("sockets of kind {other} are not supported")),
        }
    }
    match a.at(2)?.word() {
        None | Some("IPPROTO_TCP" | "IPPROTO_IP") => {}
        Some(other) => return Err(format!("{other} is not supported")),
    }
    Ok(Operation::Socket { nonblocking: kinds.contains(&"SOCK_NONBLOCK") })
}

fn connect(a: &Arguments) -> Result<Operation, Unsupported> {
    if a.at(1)?.field("sa_family").and_then(|family| family.value.word()) == Some("AF_UNSPEC") {
        return Err("disconnecting (AF_UNSPEC) is not supported".to_owned());
    }
    Ok(Operation::Connect { socket: a.number(0)? })
}

/// Whether the buffer is none.
fn is_null(a: &Arguments) -> bool {
    a.at(1).is_ok_and(|buffer| buffer.word() == Some("NULL"))
}

fn read(a: &Arguments, bytes: u64, flags: MessageFlags) -> Result<Operation, Unsupported> {
    if is_null(a) && bytes > 0 {
        return Ok(Operation::Fault);
    }
    Ok(Operation::Read { socket: a.number(0)?, bytes, flags })
}

fn write(a: &Arguments, bytes: u64, flags: MessageFlags) -> Result<Operation, Unsupported> {
    if is_null(a) && bytes > 0 {
        return Ok(Operation::Fault);
    }
    Ok(Operation::Write { socket: a.number(0)?, bytes, flags })
}

fn message_flags(words: Vec<&str>) -> Result<MessageFlags, Unsupported> {
    let mut flags = MessageFlags::default();
    for word in words {
        match word {
            "MSG_DONTWAIT" => flags.nonblocking = true,
            "MSG_PEEK" => flags.peek = true,
            "MSG_WAITALL" => flags.all = true,
            "MSG_MORE" => flags.more = true,
            "MSG_EOR" => flags.record_end = true,
            // The payload is thrown away when it is read, here as there.
            "MSG_TRUNC" | "MSG_NOSIGNAL" | "MSG_DONTROUTE" => {}
            other => return Err(format!("{other} is not supported")),
        }
    }
    Ok(flags)
}

/// Bytes of a `msghdr`.
fn message(expression: &Expression) -> Result<u64, Unsupported> {
    if let Some(control) = expression.field("msg_control") {
        match &control.value.value {
            Value::Array(items) if items.is_empty() => {}
            Value::Ellipsis | Value::Integer(0) => {}
            _ => return Err("control messages are not supported".to_owned()),
        }
    }
    let vectors = expression.field("msg_iov").ok_or("a message without msg_iov")?;
    vector(&vectors.value)
}

fn shutdown(a: &Arguments) -> Result<Operation, Unsupported> {
    let how = match (a.at(1)?.word(), a.at(1)?.integer()) {
        (Some("SHUT_RD"), _) | (_, Some(0)) => Shutdown::Read,
        (Some("SHUT_WR"), _) | (_, Some(1)) => Shutdown::Write,
        (Some("SHUT_RDWR"), _) | (_, Some(2)) => Shutdown::Both,
        _ => return Err("shutdown takes SHUT_RD, SHUT_WR or SHUT_RDWR".to_owned()),
    };
    Ok(Operation::Shutdown { socket: a.number(0)?, how })
}

fn option_name(a: &Arguments) -> Result<String, Unsupported> {
    a.at(2)?.word().map(str::to_owned).ok_or_else(|| "options are known by name only".to_owned())
}

fn member(expression: &Expression, name: &str) -> Result<i64, Unsupported> {
    number(&expression.field(name).ok_or_else(|| format!("{name} is missing"))?.value)
}

fn linger(expression: &Expression) -> Result<(bool, i64), Unsupported> {
    let on = expression.field("onoff").map_or("l_onoff", |_| "onoff");
    let time = expression.field("linger").map_or("l_linger", |_| "linger");
    Ok((member(expression, on)? != 0, member(expression, time)?))
}

fn set_option(a: &Arguments) -> Result<Operation, Unsupported> {
    let name = option_name(a)?;
    let value = match &a.at(3)?.value {
        Value::Array(items) if items.len() == 1 => &items[0],
        _ => a.at(3)?,
    };
    let setting = match &value.value {
        Value::Text(text) => Setting::Name(text.clone()),
        Value::Structure(_) if name == "SO_LINGER" => {
            let (on, seconds) = linger(value)?;
            Setting::Linger(on, seconds)
        }
        Value::Structure(_) if matches!(name.as_str(), "SO_RCVTIMEO" | "SO_SNDTIMEO") => {
            let count = |name| member(value, name).map(|n| u64::try_from(n).unwrap_or(0));
            Setting::Time(seconds(count("tv_sec")?) + Span::from_micros(count("tv_usec")?.min(1_000_000)))
        }
        Value::Structure(_) | Value::Ellipsis => return Err(format!("{name} is not supported")),
        _ => Setting::Number(number(value)?),
    };
    Ok(Operation::SetOption { socket: a.number(0)?, name, setting })
}

fn get_option(a: &Arguments) -> Result<Operation, Unsupported> {
    let name = option_name(a)?;
    let value = a.at(3)?;
    let wanted = match &value.value {
        Value::Ellipsis => Wanted::Any,
        Value::Array(items) if items.iter().any(|item| matches!(item.value, Value::Ellipsis)) => Wanted::Any,
        Value::Text(text) => Wanted::Name(text.clone()),
        Value::Array(items) => match items.first().map(|item| &item.value) {
            Some(Value::Text(text)) => Wanted::Name(text.clone()),
            _ => Wanted::Number(number(value)?),
        },
        Value::Structure(_) if name == "SO_LINGER" => {
            let (on, seconds) = linger(value)?;
            Wanted::Linger(on, seconds)
        }
        Value::Structure(_) => return Err(format!("reading {name} as a structure is not supported")),
        _ => Wanted::Number(number(value)?),
    };
    Ok(Operation::GetOption { socket: a.number(0)?, name, wanted })
}

fn control_flags(a: &Arguments) -> Result<Operation, Unsupported> {
    let descriptor = a.number(0)?;
    match a.at(1)?.word() {
        Some("F_GETFL") => Ok(Operation::GetFlags { descriptor }),
        Some("F_SETFL") => {
            let nonblocking = words(a.at(2)?)?.contains(&"O_NONBLOCK");
            Ok(Operation::SetFlags { descriptor, nonblocking })
        }
        _ => Err("fcntl knows F_GETFL and F_SETFL only".to_owned()),
    }
}

fn queued(a: &Arguments) -> Result<Operation, Unsupported> {
    let what = match a.at(1)?.word() {
        Some("SIOCINQ" | "FIONREAD") => Queue::Readable,
        Some("SIOCOUTQ" | "TIOCOUTQ") => Queue::Unacknowledged,
        Some("SIOCOUTQNSD") => Queue::Unsent,
        _ => return Err("ioctl knows SIOCINQ, SIOCOUTQ and SIOCOUTQNSD only".to_owned()),
    };
    let wanted = match &a.at(2)?.value {
        Value::Ellipsis => None,
        Value::Array(items) if items.iter().any(|item| matches!(item.value, Value::Ellipsis)) => None,
        _ => Some(a.number(2)?),
    };
    Ok(Operation::Queued { socket: a.number(0)?, what, wanted })
}

/// A day: longer than anything waits.
const MOST_MILLISECONDS: u64 = 86_400_000;

/// A time-out in milliseconds; negative for none.
fn timeout(milliseconds: i64) -> Option<Span> {
    u64::try_from(milliseconds).ok().map(|count| Span::from_millis(count.min(MOST_MILLISECONDS)))
}

fn poll(a: &Arguments) -> Result<Operation, Unsupported> {
    let Value::Array(descriptors) = &a.at(0)?.value else { return Err("poll takes a list".to_owned()) };
    let asked = descriptors.iter().map(|descriptor| {
        let wanted = descriptor.field("revents").map(|events| number(&events.value)).transpose()?;
        Ok((member(descriptor, "fd")?, member(descriptor, "events")? as u32, wanted.map(|events| events as u32)))
    });
    let asked = asked.collect::<Result<Vec<_>, Unsupported>>()?;
    Ok(Operation::Poll { asked, timeout: timeout(a.number(2)?) })
}

/// What an epoll event carries for its application.
fn event_data(event: &Expression) -> Result<Option<i64>, Unsupported> {
    let named = ["fd", "ptr", "u32", "u64"].into_iter().find_map(|name| event.field(name));
    named.map(|field| number(&field.value)).transpose()
}

fn epoll_control(a: &Arguments) -> Result<Operation, Unsupported> {
    let interest = || -> Result<Interest, Unsupported> {
        let event = a.at(3)?;
        Ok(Interest::new(member(event, "events")? as u32, event_data(event)?.unwrap_or(0)))
    };
    let control = match a.at(1)?.word() {
        Some("EPOLL_CTL_ADD") => Control::Add(interest()?),
        Some("EPOLL_CTL_MOD") => Control::Modify(interest()?),
        Some("EPOLL_CTL_DEL") => Control::Delete,
        _ => return Err("epoll_ctl takes EPOLL_CTL_ADD, EPOLL_CTL_MOD or EPOLL_CTL_DEL".to_owned()),
    };
    Ok(Operation::EpollControl { epoll: a.number(0)?, control, descriptor: a.number(2)? })
}

fn epoll_wait(a: &Arguments) -> Result<Operation, Unsupported> {
    let events = a.at(1)?;
    let list = match &events.value {
        Value::Array(items) => items.as_slice(),
        Value::Ellipsis => &[],
        _ => std::slice::from_ref(events),
    };
    let wanted = list.iter().map(|event| {
        let events = event.field("events").map(|events| number(&events.value)).transpose()?;
        Ok((events.map(|events| events as u32), event_data(event)?))
    });
    Ok(Operation::EpollWait {
        epoll: a.number(0)?,
        wanted: wanted.collect::<Result<Vec<_>, Unsupported>>()?,
        most: usize::try_from(a.number(2)?).unwrap_or(0),
        timeout: timeout(a.number(3)?),
    })
}
