//! What a controller can be told.

use std::fmt;

use super::error::Fault;
use crate::{Bytes, Rate, Span};

/// A parameter of a controller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Its name in a spec.
    pub name: &'static str,
    /// The values that it takes, and its default.
    pub kind: Kind,
    /// What it does, and its unit where the value carries none.
    pub about: &'static str,
}

/// The values that a parameter takes. Printed, it is what an error says was expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Switch {
        /// Value if none is given.
        default: bool,
    },
    /// A number without a unit.
    Number {
        /// Value if none is given.
        default: f64,
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// A whole number.
    Integer {
        /// Value if none is given.
        default: u64,
        /// Least value.
        min: u64,
        /// Greatest value.
        max: u64,
    },
    /// A rate with its unit. May be left out where there is no default.
    Rate {
        /// Value if none is given.
        default: Option<Rate>,
        /// Least value.
        min: Rate,
    },
    /// A length of time with its unit. May be left out where there is no default.
    Span {
        /// Value if none is given.
        default: Option<Span>,
        /// Least value.
        min: Span,
    },
    /// A size with its unit. May be left out where there is no default.
    Size {
        /// Value if none is given.
        default: Option<Bytes>,
        /// Least value.
        min: Bytes,
    },
}

/// A parameter's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// Of a [`Kind::Switch`].
    Switch(bool),
    /// Of a [`Kind::Number`].
    Number(f64),
    /// Of a [`Kind::Integer`].
    Integer(u64),
    /// Of a [`Kind::Rate`].
    Rate(Option<Rate>),
    /// Of a [`Kind::Span`].
    Span(Option<Span>),
    /// Of a [`Kind::Size`].
    Size(Option<Bytes>),
}

impl Kind {
    /// The value if none is given.
    pub const fn default(&self) -> Value {
        match *self {
            Kind::Switch { default } => Value::Switch(default),
            Kind::Number { default, .. } => Value::Number(default),
            Kind::Integer { default, .. } => Value::Integer(default),
            Kind::Rate { default, .. } => Value::Rate(default),
            Kind::Span { default, .. } => Value::Span(default),
            Kind::Size { default, .. } => Value::Size(default),
        }
    }

    fn parse(&self, text: &str) -> Option<Value> {
        let text = text.trim();
        match *self {
            Kind::Switch { .. } => text.parse().ok().map(Value::Switch),
            Kind::Number { min, max, .. } => text.parse().ok().filter(|n| (min..=max).contains(n)).map(Value::Number),
            Kind::Integer { min, max, .. } => text.parse().ok().filter(|n| (min..=max).contains(n)).map(Value::Integer),
            Kind::Rate { min, .. } => text.parse().ok().filter(|&r| r >= min).map(|r| Value::Rate(Some(r))),
            Kind::Span { min, .. } => text.parse().ok().filter(|&s| s >= min).map(|s| Value::Span(Some(s))),
            Kind::Size { min, .. } => text.parse().ok().filter(|&b| b >= min).map(|b| Value::Size(Some(b))),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Switch { .. } => write!(f, "\"true\" or \"false\""),
            Kind::Number { min, max, .. } => write!(f, "a number from {min} to {max}"),
            Kind::Integer { min, max, .. } => write!(f, "a whole number from {min} to {max}"),
            Kind::Rate { min, .. } => write!(f, "a rate such as \"10Gbit/s\", at least {min}"),
            Kind::Span { min, .. } => write!(f, "a length of time such as \"5us\", at least {min}"),
            Kind::Size { min, .. } => write!(f, "a size such as \"64KiB\", at least {min}"),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Switch(on) => on.fmt(f),
            Value::Number(number) => number.fmt(f),
            Value::Integer(number) => number.fmt(f),
            Value::Rate(Some(rate)) => rate.fmt(f),
            Value::Span(Some(span)) => span.fmt(f),
            Value::Size(Some(size)) => size.fmt(f),
            Value::Rate(None) | Value::Span(None) | Value::Size(None) => f.write_str("none"),
        }
    }
}

/// The parameters of one controller, each with its value.
///
/// # Panics
/// The getters panic if the controller's [`Entry`](super::Entry) declares no parameter of that name and kind: that is a
/// mistake in the controller, which its first test finds, and never one of the experiment's author.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    declared: &'static [Parameter],
    /// As `declared`; the flag tells whether the spec set it.
    values: Vec<(Value, bool)>,
}

impl Params {
    /// Every parameter at its default.
    pub fn defaults(declared: &'static [Parameter]) -> Params {
        Params { declared, values: declared.iter().map(|parameter| (parameter.kind.default(), false)).collect() }
    }

    /// Takes `name=value` in.
    pub(super) fn set(&mut self, setting: &str) -> Result<(), Fault> {
        let (name, value) = match setting.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value)),
            None => (setting.trim(), None),
        };
        let unknown = || Fault::Unknown(name.to_owned());
        let index = self.declared.iter().position(|parameter| parameter.name == name).ok_or_else(unknown)?;
        let parameter = &self.declared[index];
        let text = value.ok_or(Fault::NoValue(parameter))?;
        if self.values[index].1 {
            return Err(Fault::Repeated(parameter));
        }
        let value = parameter.kind.parse(text).ok_or_else(|| Fault::BadValue(parameter, text.to_owned()))?;
        self.values[index] = (value, true);
        Ok(())
    }

    /// Every parameter with its value, in the order of declaration.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> + '_ {
        self.declared.iter().zip(&self.values).map(|(parameter, &(value, _))| (parameter.name, value))
    }

    /// The parameters that the spec set, in the order of declaration.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, Value)> + '_ {
        self.iter().zip(&self.values).filter_map(|(setting, &(_, set))| set.then_some(setting))
    }

    /// Value of a [`Kind::Switch`].
    pub fn switch(&self, name: &str) -> bool {
        match self.get(name) {
            Value::Switch(on) => on,
            other => wrong_kind(name, other),
        }
    }

    /// Value of a [`Kind::Number`].
    pub fn number(&self, name: &str) -> f64 {
        match self.get(name) {
            Value::Number(number) => number,
            other => wrong_kind(name, other),
        }
    }

    /// Value of a [`Kind::Integer`].
    pub fn integer(&self, name: &str) -> u64 {
        match self.get(name) {
            Value::Integer(number) => number,
            other => wrong_kind(name, other),
        }
    }

    /// Value of a [`Kind::Rate`].
    pub fn rate(&self, name: &str) -> Option<Rate> {
        match self.get(name) {
            Value::Rate(rate) => rate,
            other => wrong_kind(name, other),
        }
    }

    /// Value of a [`Kind::Span`].
    pub fn span(&self, name: &str) -> Option<Span> {
        match self.get(name) {
            Value::Span(span) => span,
            other => wrong_kind(name, other),
        }
    }

    /// Value of a [`Kind::Size`].
    pub fn size(&self, name: &str) -> Option<Bytes> {
        match self.get(name) {
            Value::Size(size) => size,
            other => wrong_kind(name, other),
        }
    }

    fn get(&self, name: &str) -> Value {
        match self.iter().find(|&(known, _)| known == name) {
            Some((_, value)) => value,
            None => panic!("the controller declares no parameter {name:?}"),
        }
    }
}

fn wrong_kind(name: &str, value: Value) -> ! {
    panic!("the controller declares parameter {name:?} of another kind: {value:?}")
}
