//! From the language's tree to steps: symbols are resolved, and what cannot be run is found before anything is.

mod arguments;
mod calls;
mod icmp;
mod packets;
mod settings;

use super::step::{self, Step, When};
use crate::script::{Action, Direction, Event, EventTime, Script};

pub use packets::map_blocks;
pub use settings::configure;

/// Why a script is not run: what it needs that is not there, and where.
pub type Unsupported = String;

/// All events of `script`.
///
/// # Errors
/// If it needs something that is not there.
pub fn steps(script: &Script) -> Result<Vec<Step>, Unsupported> {
    script.events.iter().map(step).collect()
}

fn step(event: &Event) -> Result<Step, Unsupported> {
    let line = event.position.line;
    let action = match &event.action {
        Action::Packet(packet) => match packet.direction {
            Direction::Inbound => packets::injection(packet),
            Direction::Outbound => packets::expectation(packet),
        },
        Action::Call(call) => calls::call(call).map(|call| step::Action::Call(Box::new(call))),
        Action::Command(text) => Ok(step::Action::Shell(text.clone())),
        Action::Code { position, text } => Ok(step::Action::Claim { text: text.clone(), line: position.line }),
    };
    let action = action.map_err(|what| format!("line {line}: {what}"))?;
    Ok(Step { line, when: when(event.time), action })
}

fn when(time: EventTime) -> When {
    match time {
        EventTime::At(at) => When::At(at),
        EventTime::After(delay) => When::After(delay),
        EventTime::Between(from, until) => When::Between(from, until),
        EventTime::AfterBetween(from, until) => When::AfterBetween(from, until),
        EventTime::Any => When::Any,
    }
}
