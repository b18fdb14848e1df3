//! The keys of `[run]` that matter in real time only.

use std::net::Ipv4Addr;

use super::ExperimentError;
use super::reader::Section;

/// How a cell runs in real time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealTime {
    /// A second of the experiment takes so many seconds, default 1: links, delays and computing are slower alike.
    pub time_scale: u32,
    /// Whether the switch never sleeps, default false.
    pub busy_poll: bool,
    /// The hosts' addresses are from this range, default 10.77.0.0/16, private (RFC 1918) and seldom used.
    pub addresses: (Ipv4Addr, u8),
}

/// A day for a minute and a half: whoever wants more has slipped.
const MOST_SCALE: u32 = 1000;
/// The longest prefix that leaves two hosts with two addresses each, and the shortest that is no slip.
const PREFIXES: std::ops::RangeInclusive<u8> = 8..=28;

impl Default for RealTime {
    fn default() -> RealTime {
        RealTime { time_scale: 1, busy_poll: false, addresses: (Ipv4Addr::new(10, 77, 0, 0), 16) }
    }
}

impl RealTime {
    pub(super) fn read(run: Option<&Section<'_>>) -> Result<RealTime, ExperimentError> {
        let default = RealTime::default();
        let Some(run) = run else { return Ok(default) };
        Ok(RealTime {
            time_scale: run.count_within("time_scale", 1..=MOST_SCALE, default.time_scale)?,
            busy_poll: run.get_or("busy_poll", default.busy_poll)?,
            addresses: addresses(run, default.addresses)?,
        })
    }
}

fn addresses(run: &Section<'_>, default: (Ipv4Addr, u8)) -> Result<(Ipv4Addr, u8), ExperimentError> {
    let Some(text) = run.get::<String>("addresses")? else { return Ok(default) };
    let parsed = text.split_once('/').and_then(|(address, prefix)| {
        let (address, prefix) = (address.trim().parse::<Ipv4Addr>().ok()?, prefix.trim().parse::<u8>().ok()?);
        PREFIXES.contains(&prefix).then_some((address, prefix))
    });
    parsed.ok_or_else(|| {
        let (least, most) = (PREFIXES.start(), PREFIXES.end());
        let expected = format!("a range of IPv4 addresses with a prefix of {least} to {most} bits: \"10.77.0.0/16\"");
        run.error("addresses", format!("\"{text}\" is none; expected {expected}"))
    })
}
