//! Socket options, by the rules of Linux's `net/core/sock.c` and `net/ipv4/tcp.c` manuals: socket(7), tcp(7), ip(7).

use burstlab_algorithms::{Bytes, Span};

use burstlab_stacks::Endpoint;

use super::errno::Errno;
use super::host::Host;
use super::reply::Output;
use super::settings;
use super::socket::{Role, Socket, SocketId};

/// The value of an option that a script sets.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// A number.
    Number(i64),
    /// A name.
    Name(String),
    /// `struct linger`: on or off, and seconds.
    Linger(bool, i64),
    /// `struct timeval`.
    Time(Span),
}

/// Why an option was not set or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The call fails.
    Errno(Errno),
    /// The runner has nothing for it.
    Unsupported,
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Refusal {
        Refusal::Errno(errno)
    }
}

/// `SOCK_MIN_SNDBUF` of include/net/sock.h, on 64 bits.
const LEAST_SEND_BUFFER: u64 = 4608;
/// `SOCK_MIN_RCVBUF`.
const LEAST_RECEIVE_BUFFER: u64 = 2304;
/// `TCP_MIN_MSS` and `MAX_TCP_WINDOW`: what `TCP_MAXSEG` takes.
const SEGMENTS: std::ops::RangeInclusive<i64> = 88..=32_767;
/// `MAX_TCP_KEEPIDLE`, and the same of the interval, in seconds.
const KEEPALIVE_SECONDS: std::ops::RangeInclusive<i64> = 1..=32_767;
/// `MAX_TCP_KEEPCNT` and `MAX_TCP_SYNCNT`.
const TRIES: std::ops::RangeInclusive<i64> = 1..=127;

/// Options that are kept and change nothing that a script could see of TCP.
const KEPT: &[&str] = &[
    "SO_REUSEADDR",
    "SO_REUSEPORT",
    "SO_PRIORITY",
    "SO_MARK",
    "SO_BROADCAST",
    "SO_DONTROUTE",
    "SO_OOBINLINE",
    "SO_BUSY_POLL",
    "SO_INCOMING_CPU",
    "SO_BINDTODEVICE",
    "IP_TOS",
    "IP_TTL",
    "IP_RECVERR",
    "IP_MTU_DISCOVER",
    "IPV6_RECVERR",
    "IPV6_TCLASS",
    "IPV6_V6ONLY",
    "IP_BIND_ADDRESS_NO_PORT",
    "IP_LOCAL_PORT_RANGE",
    "IP_FREEBIND",
    "IP_TRANSPARENT",
    "TCP_THIN_LINEAR_TIMEOUTS",
    "TCP_THIN_DUPACK",
    "TCP_LINGER2",
    "TCP_SAVE_SYN",
    "TCP_DEFER_ACCEPT",
    "TCP_WINDOW_CLAMP",
    "SO_SNDLOWAT",
    "TCP_RTO_MAX_MS",
];

fn number(setting: &Setting) -> Result<i64, Errno> {
    match setting {
        Setting::Number(number) => Ok(*number),
        _ => Err(Errno::Invalid),
    }
}

fn within(setting: &Setting, range: std::ops::RangeInclusive<i64>) -> Result<u64, Errno> {
    let number = number(setting)?;
    if range.contains(&number) { Ok(number.unsigned_abs()) } else { Err(Errno::Invalid) }
}

fn time(setting: &Setting) -> Result<Span, Errno> {
    match setting {
        Setting::Time(span) => Ok(*span),
        _ => Err(Errno::Invalid),
    }
}

impl Host {
    /// `setsockopt`
    pub fn set_option(&mut self, id: SocketId, name: &str, setting: &Setting) -> Result<i64, Refusal> {
        let limits = (self.settings.send_memory_limit, self.settings.receive_memory_limit);
        if name == "TCP_CONGESTION" {
            self.set_congestion(id, setting)?;
            return Ok(0);
        }
        let options = &mut self.sockets[id].options;
        let keepalive = &mut options.keepalive_times;
        match name {
            "SO_SNDBUF" | "SO_SNDBUFFORCE" => {
                let asked = number(setting)?.clamp(0, i64::from(i32::MAX / 2)).unsigned_abs();
                let asked = if name == "SO_SNDBUF" { asked.min(limits.0) } else { asked };
                options.send_buffer = (2 * asked).max(LEAST_SEND_BUFFER);
                options.send_buffer_fixed = true;
            }
            "SO_RCVBUF" | "SO_RCVBUFFORCE" => {
                let asked = number(setting)?.clamp(0, i64::from(i32::MAX / 2)).unsigned_abs();
                let asked = if name == "SO_RCVBUF" { asked.min(limits.1) } else { asked };
                options.receive_buffer = Some((2 * asked).max(LEAST_RECEIVE_BUFFER));
            }
            "SO_RCVLOWAT" => options.receive_lowat = number(setting)?.clamp(1, i64::from(i32::MAX)).unsigned_abs(),
            "SO_LINGER" => match setting {
                Setting::Linger(on, seconds) => {
                    options.linger = on.then(|| settings::seconds((*seconds).max(0).unsigned_abs()));
                }
                _ => return Err(Errno::Invalid.into()),
            },
            "SO_RCVTIMEO" => options.receive_timeout = time(setting)?,
            "SO_SNDTIMEO" => options.send_timeout = time(setting)?,
            "SO_KEEPALIVE" => options.keepalive = number(setting)? != 0,
            "SO_MAX_PACING_RATE" => options.max_pacing_rate = pacing_rate(number(setting)?),
            "TCP_NODELAY" => options.no_delay = number(setting)? != 0,
            "TCP_CORK" => options.cork = number(setting)? != 0,
            "TCP_QUICKACK" => options.quick_ack = Some(number(setting)? != 0),
            "TCP_MAXSEG" if number(setting)? == 0 => options.max_segment = None,
            "TCP_MAXSEG" => options.max_segment = Some(within(setting, SEGMENTS)? as u16),
            "TCP_USER_TIMEOUT" => {
                options.user_timeout = Span::from_millis(within(setting, 0..=i64::from(i32::MAX))?);
            }
            "TCP_KEEPIDLE" => keepalive.idle = Span::from_secs(within(setting, KEEPALIVE_SECONDS)?),
            "TCP_KEEPINTVL" => keepalive.interval = Span::from_secs(within(setting, KEEPALIVE_SECONDS)?),
            "TCP_KEEPCNT" => keepalive.probes = within(setting, TRIES)? as u32,
            "TCP_SYNCNT" => options.syn_retries = Some(within(setting, TRIES)? as u32),
            "TCP_NOTSENT_LOWAT" => options.notsent_lowat = lowat(number(setting)?),
            _ if KEPT.contains(&name) => {
                options.kept.insert(name.to_owned(), number(setting).unwrap_or(1));
            }
            _ => return Err(Refusal::Unsupported),
        }
        self.apply_option(id, name);
        Ok(0)
    }

    fn set_congestion(&mut self, id: SocketId, setting: &Setting) -> Result<(), Refusal> {
        let Setting::Name(name) = setting else { return Err(Errno::Invalid.into()) };
        if !self.knows_controller(name) {
            return Err(Errno::NotFound.into());
        }
        let changes = self.sockets[id].options.congestion != *name;
        self.sockets[id].options.congestion.clone_from(name);
        if changes {
            self.replace_controller(id);
        }
        Ok(())
    }

    /// `getsockopt`, but for structures of state.
    pub fn get_option(&mut self, id: SocketId, name: &str) -> Result<Output, Refusal> {
        let pending = if name == "SO_ERROR" { self.sockets[id].take_error() } else { None };
        let socket = &self.sockets[id];
        let options = &socket.options;
        let keepalive = &options.keepalive_times;
        let seconds = |span: Span| (span.as_nanos() / 1_000_000_000) as i64;
        let number = match name {
            "SO_ERROR" => pending.map_or(0, Errno::number),
            "SO_TYPE" => 1,
            "SO_PROTOCOL" => 6,
            "SO_ACCEPTCONN" => i64::from(matches!(socket.role, Role::Listener(_))),
            "SO_SNDBUF" => options.send_buffer as i64,
            "SO_RCVBUF" => options.receive_buffer.unwrap_or(self.settings.receive_memory.first) as i64,
            "SO_RCVLOWAT" => options.receive_lowat as i64,
            "SO_KEEPALIVE" => i64::from(options.keepalive),
            "SO_MAX_PACING_RATE" => options.max_pacing_rate as i64,
            "TCP_NODELAY" => i64::from(options.no_delay),
            "TCP_CORK" => i64::from(options.cork),
            "TCP_QUICKACK" => i64::from(options.quick_ack.unwrap_or(true)),
            "TCP_MAXSEG" => segment_size(socket),
            "TCP_USER_TIMEOUT" => (options.user_timeout.as_nanos() / 1_000_000) as i64,
            "TCP_KEEPIDLE" => seconds(keepalive.idle),
            "TCP_KEEPINTVL" => seconds(keepalive.interval),
            "TCP_KEEPCNT" => i64::from(keepalive.probes),
            "TCP_SYNCNT" => i64::from(options.syn_retries.unwrap_or(self.settings.syn_retries)),
            "TCP_NOTSENT_LOWAT" => options.notsent_lowat as i64,
            "TCP_CONGESTION" => return Ok(Output::Name(options.congestion.clone())),
            "SO_LINGER" => {
                return Ok(Output::Linger(options.linger.is_some(), options.linger.map_or(0, seconds)));
            }
            _ if KEPT.contains(&name) => options.kept.get(name).copied().unwrap_or(0),
            _ => return Err(Refusal::Unsupported),
        };
        Ok(Output::Number(number))
    }

    /// What was set takes effect on the connection, if there is one.
    fn apply_option(&mut self, id: SocketId, name: &str) {
        let now = self.now;
        let Socket { role: Role::Stream(stream), options, .. } = &mut self.sockets[id] else { return };
        let connection = &mut stream.connection;
        match name {
            "TCP_NODELAY" => {
                connection.set_nagle(!options.no_delay);
                if options.no_delay {
                    self.push(id);
                }
            }
            "TCP_CORK" => connection.set_cork(options.cork),
            "TCP_QUICKACK" => connection.set_quick_acks(options.quick_ack == Some(true)),
            "TCP_USER_TIMEOUT" => connection.set_user_timeout(options.user_timeout()),
            "SO_KEEPALIVE" | "TCP_KEEPIDLE" | "TCP_KEEPINTVL" | "TCP_KEEPCNT" => {
                connection.set_keep_alive(now, options.keep_alive());
            }
            "SO_MAX_PACING_RATE" => connection.set_max_pacing_rate(options.pacing_limit()),
            "SO_RCVBUF" | "SO_RCVBUFFORCE" => {
                let buffer = options.receive_buffer.map_or(stream.config.receive_buffer.get(), |doubled| doubled / 2);
                connection.set_receive_buffer(Bytes::new(buffer));
            }
            _ => {}
        }
        self.settle(id);
    }
}

impl Host {
    /// What a cork or the promise of more holds back goes out, once.
    fn push(&mut self, id: SocketId) {
        let now = self.now;
        let corked = self.sockets[id].options.cork;
        if let Some(stream) = self.sockets[id].stream_mut() {
            stream.connection.set_cork(false);
            stream.connection.write(now, Bytes::ZERO);
        }
        self.settle(id);
        if let Some(stream) = self.sockets[id].stream_mut() {
            stream.connection.set_cork(corked);
        }
    }
}

/// The size of a segment: of the connection; before, what was set, or the 536 bytes that every host takes (RFC 9293,
/// section 3.7.1).
fn segment_size(socket: &Socket) -> i64 {
    match (socket.stream(), socket.options.max_segment) {
        (Some(stream), _) => stream.peer.payload as i64,
        (None, Some(set)) => i64::from(set),
        (None, None) => 536,
    }
}

/// Bytes a second; all ones for no limit, as a number of 32 or 64 bits.
fn pacing_rate(number: i64) -> u64 {
    if number == -1 || number == i64::from(u32::MAX) { u64::MAX } else { number.unsigned_abs() }
}

/// Negative numbers are large ones.
fn lowat(number: i64) -> u64 {
    u64::from(number as u32)
}
