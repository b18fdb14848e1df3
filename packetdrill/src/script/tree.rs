//! A script: options, commands and events.

use burstlab_algorithms::Span;

use super::call::SystemCall;
use super::packet::Packet;
use super::position::Position;

/// A whole script.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Its name, for messages.
    pub file: String,
    /// Its options, in its order. `--define` is among them, though the parser has replaced the symbols already.
    pub options: Vec<ScriptOption>,
    /// The command before the first event.
    pub init: Option<ShellCommand>,
    /// What happens. There is at least one event.
    pub events: Vec<Event>,
    /// The command behind the last event.
    pub cleanup: Option<ShellCommand>,
}

/// `--name=value`, or `--name` alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptOption {
    /// Where it stands.
    pub position: Position,
    /// Its name without the dashes.
    pub name: String,
    /// What is behind `=`, without the quotes if all of it is quoted.
    pub value: Option<String>,
}

/// A command for the shell, maybe of several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellCommand {
    /// Where it opens.
    pub position: Position,
    /// What is between the back quotes, as it stands there.
    pub text: String,
}

/// Something that happens at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Where its time stands.
    pub position: Position,
    /// When.
    pub time: EventTime,
    /// What.
    pub action: Action,
    /// What, as the script has it: without the time and comments, on one line.
    pub text: String,
}

/// When an event is to happen. Ranges and [`EventTime::Any`] are for expected packets only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventTime {
    /// `1.5`: so long after the script's start.
    At(Span),
    /// `+1.5`: so long after the event before.
    After(Span),
    /// `1~2`: in between, counted from the script's start.
    Between(Span, Span),
    /// `+1~+2`: in between, both counted from the event before.
    AfterBetween(Span, Span),
    /// `*`: whenever it does.
    Any,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A packet comes in, or is to go out.
    Packet(Box<Packet>),
    /// The application calls the system.
    Call(Box<SystemCall>),
    /// A shell runs this, what is between the back quotes.
    Command(String),
    /// Claims about the connection's state.
    Code {
        /// Where the code's own text begins: errors in it count lines from here.
        position: Position,
        /// What is between `%{` and `}%`, without spaces and tabs at its ends.
        text: String,
    },
}
