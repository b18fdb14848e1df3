//! `[stack]`: the TCP of every host.

use burstlab_stacks::native;
use burstlab_units::{Bytes, Span};

use super::ExperimentError;
use super::reader::{FromValue, Section, choose, described};
use super::tree::Value;

/// The TCP of every host.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// Which TCP; of the side that opens a connection, where `receiver` is another.
    pub kind: StackKind,
    /// Which TCP the side has that a connection is opened to, default `kind`.
    pub receiver: StackKind,
    /// Its settings; the keys of `[stack]` are its fields, and its defaults are theirs. The MSS follows from the MTU.
    pub tcp: native::Config,
    /// Whether smoltcp's connections get our `reno` and `cubic`, enforced at the device as every other controller is, in the
    /// place of its own. Default: no.
    pub enforce: bool,
    /// What a host's interface holds before it makes its sockets wait, default 64 kB: what one offloaded send of Linux
    /// holds at most, and so about the least that its queue limits let through.
    pub host_queue: Bytes,
}

/// Which TCP runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackKind {
    /// Our own.
    Native,
    /// The smoltcp crate.
    Smoltcp,
    /// The operating system's.
    Kernel,
}

impl StackKind {
    const NAMES: [(&str, StackKind); 3] =
        [("native", StackKind::Native), ("smoltcp", StackKind::Smoltcp), ("kernel", StackKind::Kernel)];

    /// The name in the experiment file and in the results.
    pub fn name(self) -> &'static str {
        match self {
            StackKind::Native => "native",
            StackKind::Smoltcp => "smoltcp",
            StackKind::Kernel => "kernel",
        }
    }
}

pub(super) const KEYS: &[&str] = &[
    "kind",
    "receiver",
    "enforce",
    "controller",
    "initial_window",
    "initial_rto",
    "min_rto",
    "max_rto",
    "delayed_ack",
    "receive_buffer",
    "timestamps",
    "sack",
    "nagle",
    "slow_start_after_idle",
    "spread_mark_reduction",
    "host_queue",
];

/// How long an ACK waits when `delayed_ack` is just `true`: Linux's least delay; RFC 9293, section 3.8.6.3 allows 500 ms.
const ACK_DELAY: Span = Span::from_millis(40);

impl Stack {
    pub(super) fn read(section: &Section<'_>, mtu: Bytes) -> Result<Stack, ExperimentError> {
        let kind = kind(section, "kind", StackKind::Native)?;
        let receiver = self::kind(section, "receiver", kind)?;
        let tcp = tcp(section, mtu)?;
        let host_queue = section.get_or("host_queue", Bytes::new(64_000).max(mtu))?;
        if host_queue < mtu {
            return Err(
                section.error("host_queue", format!("{host_queue} hold no packet of {} bytes, the mtu", mtu.get()))
            );
        }
        Ok(Stack { kind, receiver, tcp, enforce: section.get_or("enforce", false)?, host_queue })
    }
}

fn kind(section: &Section<'_>, key: &'static str, default: StackKind) -> Result<StackKind, ExperimentError> {
    let name = section.get_or(key, default.name().to_owned())?;
    choose(&name, "stack", &StackKind::NAMES).map_err(|message| section.error(key, message))
}

fn tcp(section: &Section<'_>, mtu: Bytes) -> Result<native::Config, ExperimentError> {
    let default = native::Config::default();
    let min_rto = section.positive_span("min_rto", default.min_rto)?;
    let max_rto = section.get_or("max_rto", default.max_rto.max(min_rto))?;
    if max_rto < min_rto {
        return Err(section.error("max_rto", format!("{max_rto} is below min_rto, {min_rto}")));
    }
    let receive_buffer = section.get_or("receive_buffer", default.receive_buffer)?;
    if receive_buffer < mtu {
        return Err(
            section.error("receive_buffer", format!("{receive_buffer} hold no packet of {} bytes, the mtu", mtu.get()))
        );
    }
    Ok(native::Config {
        mss: mss(mtu),
        initial_window: section.count("initial_window", 1, default.initial_window)?,
        initial_rto: section.positive_span("initial_rto", default.initial_rto)?,
        min_rto,
        max_rto,
        delayed_ack: section.get_or("delayed_ack", DelayedAck(default.delayed_ack))?.0,
        receive_buffer,
        timestamps: section.get_or("timestamps", default.timestamps)?,
        sack: section.get_or("sack", default.sack)?,
        nagle: section.get_or("nagle", default.nagle)?,
        slow_start_after_idle: section.get_or("slow_start_after_idle", default.slow_start_after_idle)?,
        spread_mark_reduction: section.get_or("spread_mark_reduction", default.spread_mark_reduction)?,
        ..default
    })
}

/// Largest payload under an MTU: what IPv4 and TCP headers without options leave (RFC 9293, section 3.7.1).
fn mss(mtu: Bytes) -> u16 {
    u16::try_from(mtu.get().saturating_sub(40)).unwrap_or(u16::MAX)
}

struct DelayedAck(Option<Span>);

impl FromValue for DelayedAck {
    fn from_value(value: &Value) -> Result<DelayedAck, String> {
        match value {
            Value::Boolean(delayed) => Ok(DelayedAck(delayed.then_some(ACK_DELAY))),
            Value::String(_) => Span::from_value(value).map(|span| DelayedAck((!span.is_zero()).then_some(span))),
            other => Err(format!("expected true, false or a span such as \"1ms\", found {}", described(other))),
        }
    }
}
