//! Scripts and their events.

use super::Parser;
use crate::script::error::ScriptError;
use crate::script::packet::Direction;
use crate::script::token::Kind;
use crate::script::tree::{Action, Event, EventTime, Script, ScriptOption, ShellCommand};

impl Parser<'_> {
    pub(super) fn script(&mut self) -> Result<Script, ScriptError> {
        let mut options = self.options();
        let init = self.command();
        options.extend(self.options());
        let mut events = Vec::new();
        while self.at_event() {
            events.push(self.event()?);
        }
        if events.is_empty() {
            return Err(self.unexpected("an event: a time and what happens then"));
        }
        let cleanup = self.command();
        match self.peek() {
            Kind::End => Ok(Script { file: self.file.to_owned(), options, init, events, cleanup }),
            Kind::Option { .. } => Err(self.unexpected("options to stand before the first event")),
            _ => Err(self.unexpected("the time of an event (1.5, +.1, 1~2, +1~+2 or *)")),
        }
    }

    fn options(&mut self) -> Vec<ScriptOption> {
        let mut options = Vec::new();
        while let Kind::Option { name, value } = self.peek() {
            let (name, value) = (name.clone(), value.clone());
            options.push(ScriptOption { position: self.position(), name, value });
            self.advance();
        }
        options
    }

    fn command(&mut self) -> Option<ShellCommand> {
        let Kind::BackQuoted(text) = self.peek() else { return None };
        let command = ShellCommand { position: self.position(), text: text.clone() };
        self.advance();
        Some(command)
    }

    fn at_event(&self) -> bool {
        matches!(self.peek(), Kind::Integer(_) | Kind::Decimal(_) | Kind::Symbol('+' | '*'))
    }

    fn event(&mut self) -> Result<Event, ScriptError> {
        let position = self.position();
        let time = self.time()?;
        let from = self.at;
        let action = self.action()?;
        let expected = matches!(&action, Action::Packet(packet) if packet.direction == Direction::Outbound);
        if !expected && !matches!(time, EventTime::At(_) | EventTime::After(_)) {
            let message =
                "expected one time, as only packets that are to be sent (\">\") may have a range of times or \"*\"";
            return Err(self.error(position, message));
        }
        Ok(Event { position, time, action, text: self.text_since(from) })
    }

    fn time(&mut self) -> Result<EventTime, ScriptError> {
        if self.take_symbol('*') {
            return Ok(EventTime::Any);
        }
        let relative = self.take_symbol('+');
        let from = self.span()?;
        if !self.take_symbol('~') {
            return Ok(if relative { EventTime::After(from) } else { EventTime::At(from) });
        }
        let position = self.position();
        if relative {
            self.expect_symbol('+', "before the end of a range of times that begins with '+'")?;
        }
        let until = self.span()?;
        if until < from {
            return Err(self.error(position, "expected a range of times whose end is not before its beginning"));
        }
        Ok(if relative { EventTime::AfterBetween(from, until) } else { EventTime::Between(from, until) })
    }

    fn action(&mut self) -> Result<Action, ScriptError> {
        match self.peek() {
            Kind::Symbol('<' | '>') => Ok(Action::Packet(Box::new(self.packet()?))),
            Kind::Word(_) | Kind::Ellipsis => Ok(Action::Call(Box::new(self.call()?))),
            Kind::BackQuoted(text) => {
                let text = text.clone();
                self.advance();
                Ok(Action::Command(text))
            }
            Kind::Code(text, position) => {
                let (text, position) = (text.clone(), *position);
                self.advance();
                Ok(Action::Code { position, text })
            }
            _ => Err(self.unexpected("a packet (\"<\" or \">\"), a system call, a `command` or %{ code }%")),
        }
    }
}
