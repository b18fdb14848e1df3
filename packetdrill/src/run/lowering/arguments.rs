//! Arguments of calls: symbols, flags and structures.

use super::Unsupported;
use crate::run::errno::Errno;
use crate::script::{Expression, SystemCall, Value};

/// Symbols that stand for numbers in options and results: Linux's.
const NUMBERS: &[(&str, i64)] = &[
    ("O_RDONLY", 0),
    ("O_WRONLY", 1),
    ("O_RDWR", 2),
    ("O_NONBLOCK", 0o4000),
    ("EPOLLIN", 0x001),
    ("EPOLLPRI", 0x002),
    ("EPOLLOUT", 0x004),
    ("EPOLLERR", 0x008),
    ("EPOLLHUP", 0x010),
    ("EPOLLRDNORM", 0x040),
    ("EPOLLWRNORM", 0x100),
    ("EPOLLRDHUP", 0x2000),
    ("EPOLLONESHOT", 1 << 30),
    ("EPOLLET", 1 << 31),
    ("POLLIN", 0x001),
    ("POLLPRI", 0x002),
    ("POLLOUT", 0x004),
    ("POLLERR", 0x008),
    ("POLLHUP", 0x010),
    ("POLLNVAL", 0x020),
    ("POLLRDNORM", 0x040),
    ("POLLWRNORM", 0x100),
    ("POLLRDHUP", 0x2000),
    ("IP_PMTUDISC_DONT", 0),
    ("IP_PMTUDISC_WANT", 1),
    ("IP_PMTUDISC_DO", 2),
    ("IP_PMTUDISC_PROBE", 3),
];

/// A number: written as one, or a symbol that stands for one, or several joined by `|`.
pub fn number(expression: &Expression) -> Result<i64, Unsupported> {
    match &expression.value {
        Value::Integer(number) => Ok(*number),
        Value::Word(word) => symbol(word).ok_or_else(|| format!("the symbol {word} is unknown here")),
        Value::Or(parts) => parts.iter().try_fold(0, |all, part| Ok(all | number(part)?)),
        Value::Array(items) if items.len() == 1 => number(&items[0]),
        _ => Err("a number was expected".to_owned()),
    }
}

fn symbol(word: &str) -> Option<i64> {
    let known = NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    known.or_else(|| Errno::named(word).map(Errno::number))
}

/// The symbols of a set of flags; a zero stands for none.
pub fn words(expression: &Expression) -> Result<Vec<&str>, Unsupported> {
    match &expression.value {
        Value::Integer(0) | Value::Ellipsis => Ok(Vec::new()),
        Value::Word(word) => Ok(vec![word]),
        Value::Or(parts) => Ok(parts.iter().map(words).collect::<Result<Vec<_>, _>>()?.concat()),
        _ => Err("symbols joined by | were expected".to_owned()),
    }
}

/// Arguments of a call by place.
pub struct Arguments<'a> {
    call: &'a SystemCall,
}

impl<'a> Arguments<'a> {
    /// Those of `call`.
    pub fn of(call: &'a SystemCall) -> Arguments<'a> {
        Arguments { call }
    }

    /// The argument at `place`, from 0.
    pub fn at(&self, place: usize) -> Result<&'a Expression, Unsupported> {
        let missing = || format!("{} has no argument {}", self.call.name, place + 1);
        self.call.arguments.get(place).ok_or_else(missing)
    }

    /// The same as a number.
    pub fn number(&self, place: usize) -> Result<i64, Unsupported> {
        number(self.at(place)?)
    }

    /// The same as a count of bytes.
    pub fn bytes(&self, place: usize) -> Result<u64, Unsupported> {
        let number = self.number(place)?;
        u64::try_from(number).map_err(|_| format!("{number} is no count of bytes"))
    }

    /// The same as flags; none if it is left out.
    pub fn words(&self, place: usize) -> Result<Vec<&'a str>, Unsupported> {
        self.call.arguments.get(place).map_or(Ok(Vec::new()), words)
    }
}

/// Bytes of a list of buffers: `[{..., 1000}, {..., 500}]`.
pub fn vector(expression: &Expression) -> Result<u64, Unsupported> {
    let Value::Array(buffers) = &expression.value else { return Err("a list of buffers was expected".to_owned()) };
    buffers.iter().try_fold(0u64, |sum, buffer| {
        let members = buffer.members().ok_or("a buffer was expected")?;
        let length = members.iter().find(|field| field.name.as_deref() == Some("iov_len")).or(members.get(1));
        let length = number(&length.ok_or("a buffer without its length")?.value)?;
        Ok(sum.saturating_add(u64::try_from(length).map_err(|_| format!("{length} is no count of bytes"))?))
    })
}
