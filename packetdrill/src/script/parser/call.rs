//! System calls and their arguments.

use super::Parser;
use crate::script::call::{Errno, Expression, Field, SystemCall, Value};
use crate::script::error::ScriptError;
use crate::script::token::Kind;

/// How many arrays, structures and functions may be open at once: `msghdr` needs five.
const DEEPEST: usize = 16;

impl Parser<'_> {
    pub(super) fn call(&mut self) -> Result<SystemCall, ScriptError> {
        let until = match self.peek() {
            Kind::Ellipsis => {
                self.advance();
                self.take_symbol('+');
                Some(self.span()?)
            }
            _ => None,
        };
        let position = self.position();
        let Some(name) = self.any_word() else { return Err(self.unexpected("the name of a system call")) };
        self.expect_symbol('(', &format!("before the arguments of {name}()"))?;
        let arguments = self.list(')', "behind the arguments")?;
        self.expect_symbol('=', &format!("and the result of {name}()"))?;
        let result = self.expression()?;
        let errno = self.errno()?;
        let note = if errno.is_none() { self.note()? } else { None };
        Ok(SystemCall { position, name, arguments, until, result, errno, note })
    }

    fn errno(&mut self) -> Result<Option<Errno>, ScriptError> {
        let position = self.position();
        let Some(name) = self.any_word() else { return Ok(None) };
        let note = self.note()?;
        Ok(Some(Errno { position, name, note }))
    }

    /// Reads `(anything but a parenthesis)`.
    fn note(&mut self) -> Result<Option<String>, ScriptError> {
        if !self.take_symbol('(') {
            return Ok(None);
        }
        let from = self.at;
        while !self.at_symbol(')') {
            if matches!(self.peek(), Kind::End) {
                return Err(self.unexpected("')' behind the note"));
            }
            self.advance();
        }
        let note = self.text_since(from);
        self.advance();
        Ok(Some(note))
    }

    /// Reads values with commas between them, and `closing`.
    fn list(&mut self, closing: char, what: &str) -> Result<Vec<Expression>, ScriptError> {
        let mut values = Vec::new();
        if self.take_symbol(closing) {
            return Ok(values);
        }
        loop {
            values.push(self.expression()?);
            if self.take_symbol(closing) {
                return Ok(values);
            }
            self.expect_symbol(',', &format!("or {closing:?} {what}"))?;
        }
    }

    /// Reads a value, or several with `|` between them.
    pub(super) fn expression(&mut self) -> Result<Expression, ScriptError> {
        let position = self.position();
        if self.depth >= DEEPEST {
            return Err(self.error(position, format!("expected values of at most {DEEPEST} levels, found one more")));
        }
        self.depth += 1;
        let value = self.alternatives();
        self.depth -= 1;
        Ok(Expression { position, value: value? })
    }

    fn alternatives(&mut self) -> Result<Value, ScriptError> {
        let position = self.position();
        if let (Kind::Word(name), Kind::Symbol('=')) = (self.peek(), self.peek_behind()) {
            let name = name.clone();
            self.advance();
            self.advance();
            return Ok(Value::Assignment(name, Box::new(self.expression()?)));
        }
        let first = self.value()?;
        if !self.at_symbol('|') {
            return Ok(first);
        }
        let mut parts = vec![Expression { position, value: first }];
        while self.take_symbol('|') {
            let position = self.position();
            parts.push(Expression { position, value: self.value()? });
        }
        Ok(Value::Or(parts))
    }

    fn value(&mut self) -> Result<Value, ScriptError> {
        let value = match self.peek().clone() {
            Kind::Ellipsis => Value::Ellipsis,
            Kind::Integer(number) | Kind::Hexadecimal(number) => Value::Integer(number),
            Kind::Word(name) => {
                self.advance();
                return self.word_or_function(name);
            }
            Kind::Text(_) => return Ok(self.text()),
            Kind::Symbol('[') => {
                self.advance();
                return Ok(Value::Array(self.list(']', "at the end of the array")?));
            }
            Kind::Symbol('{') => {
                self.advance();
                return Ok(Value::Structure(self.fields()?));
            }
            _ => return Err(self.unexpected("a value (a number, a symbol, \"text\", \"...\", [...] or {...})")),
        };
        self.advance();
        Ok(value)
    }

    /// Reads texts that stand side by side, which are one, and the dots that leave its rest open.
    fn text(&mut self) -> Value {
        let mut all = String::new();
        while let Kind::Text(text) = self.peek() {
            all.push_str(text);
            self.advance();
        }
        if *self.peek() == Kind::Ellipsis {
            self.advance();
            return Value::TextPrefix(all);
        }
        Value::Text(all)
    }

    fn word_or_function(&mut self, name: String) -> Result<Value, ScriptError> {
        // A result's errno and note follow without a comma: only these names take arguments.
        let function = matches!(name.as_str(), "htons" | "htonl" | "inet_addr" | "inet6_addr") || self.depth > 1;
        if function && self.take_symbol('(') {
            let arguments = self.list(')', &format!("behind the arguments of {name}()"))?;
            return Ok(Value::Function(name, arguments));
        }
        Ok(Value::Word(name))
    }

    /// Reads members with commas between them, and the brace behind them.
    fn fields(&mut self) -> Result<Vec<Field>, ScriptError> {
        let mut fields = Vec::new();
        if self.take_symbol('}') {
            return Ok(fields);
        }
        loop {
            fields.push(self.field()?);
            if self.take_symbol('}') {
                return Ok(fields);
            }
            self.expect_symbol(',', "or '}' at the end of the structure")?;
        }
    }

    fn field(&mut self) -> Result<Field, ScriptError> {
        let first = self.expression()?;
        let position = first.position;
        match first.value {
            Value::Assignment(name, value) => Ok(Field { position, name: Some(name), count: None, value: *value }),
            Value::Function(name, mut arguments) if self.at_symbol('=') && arguments.len() == 1 => {
                self.advance();
                Ok(Field { position, name: Some(name), count: arguments.pop(), value: self.expression()? })
            }
            value => Ok(Field { position, name: None, count: None, value: Expression { position, value } }),
        }
    }
}
