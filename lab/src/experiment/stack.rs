//! `[stack]`: the TCP of every host.

use burstlab_units::{Bytes, Span};

use super::ExperimentError;
use super::reader::{FromValue, Section, choose, described};
use super::tree::Value;

/// The TCP of every host.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// Which TCP.
    pub kind: StackKind,
    /// Packets that may leave before the first ACK, default 10 (RFC 6928).
    pub initial_window: u32,
    /// Retransmission timeout before the first round trip was measured, default 1 s (RFC 6298, rule 2.1); SYNs wait it out.
    pub initial_rto: Span,
    /// Least retransmission timeout, default 10 ms: RFC 6298's second is a thousand round trips of a data centre, and
    /// 10 ms is what the DCTCP paper sets (SIGCOMM 2010, section 4).
    pub min_rto: Span,
    /// Longest retransmission timeout, default 60 s (RFC 6298, rule 2.5).
    pub max_rto: Span,
    /// How long an ACK waits for a second packet; `None`, the default, acknowledges each packet at once.
    pub delayed_ack: Option<Span>,
    /// What a receiver buffers and so its largest window, default 6 MiB (Linux's `tcp_rmem`).
    pub receive_buffer: Bytes,
    /// The timestamps option (RFC 7323), default on.
    pub timestamps: bool,
    /// Selective acknowledgements (RFC 2018), default on.
    pub sack: bool,
    /// Small writes wait for the ACK of those before (RFC 896), default off, as training programs set TCP_NODELAY.
    pub nagle: bool,
    /// The window returns to its initial size after an idle time of one RTO (RFC 5681, section 4.1), default on.
    pub slow_start_after_idle: bool,
    /// What a host's interface holds before it pushes back on the sockets, default 64 kB.
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
    "host_queue",
];

/// How long an ACK waits when `delayed_ack` is just `true`: Linux's least delay; RFC 9293, section 3.8.6.3 allows 500 ms.
const ACK_DELAY: Span = Span::from_millis(40);

impl Stack {
    pub(super) fn read(section: &Section<'_>, mtu: Bytes) -> Result<Stack, ExperimentError> {
        let kind = section.get_or("kind", "native".to_owned())?;
        let kind = choose(&kind, "stack", &StackKind::NAMES).map_err(|message| section.error("kind", message))?;
        let min_rto = section.positive_span("min_rto", Span::from_millis(10))?;
        let max_rto = section.get_or("max_rto", Span::from_secs(60).max(min_rto))?;
        if max_rto < min_rto {
            return Err(section.error("max_rto", format!("{max_rto} is below min_rto, {min_rto}")));
        }
        let receive_buffer = section.get_or("receive_buffer", Bytes::new(6 << 20))?;
        if receive_buffer < mtu {
            return Err(section
                .error("receive_buffer", format!("{receive_buffer} hold no packet of {} bytes, the mtu", mtu.get())));
        }
        let host_queue = section.get_or("host_queue", Bytes::new(64_000).max(mtu))?;
        if host_queue < mtu {
            return Err(
                section.error("host_queue", format!("{host_queue} hold no packet of {} bytes, the mtu", mtu.get()))
            );
        }
        Ok(Stack {
            kind,
            initial_window: section.count("initial_window", 1, 10)?,
            initial_rto: section.positive_span("initial_rto", Span::from_secs(1))?,
            min_rto,
            max_rto,
            delayed_ack: section.get_or("delayed_ack", DelayedAck(None))?.0,
            receive_buffer,
            timestamps: section.get_or("timestamps", true)?,
            sack: section.get_or("sack", true)?,
            nagle: section.get_or("nagle", false)?,
            slow_start_after_idle: section.get_or("slow_start_after_idle", true)?,
            host_queue,
        })
    }
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
