//! Values and how they compare.

use std::cmp::Ordering;
use std::fmt;

/// Most members of a list or tuple with those of its members, and most bytes of a text: what code is for does with a
/// handful, and what doubles itself line by line would end the machine's memory.
pub const LARGEST: usize = 1024;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number. Python's have no end, these end at 127 bits and say so.
    Integer(i128),
    /// A float of 64 bits.
    Float(f64),
    /// `True`, `False`
    Bool(bool),
    /// A text.
    Text(String),
    /// `[1, 2]`
    List(Vec<Value>),
    /// `(1, 2)`
    Tuple(Vec<Value>),
    /// `None`
    None,
}

impl Value {
    /// Whether it counts as true: not zero, and not empty.
    pub fn truth(&self) -> bool {
        match self {
            Value::Integer(number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Bool(truth) => *truth,
            Value::Text(text) => !text.is_empty(),
            Value::List(members) | Value::Tuple(members) => !members.is_empty(),
            Value::None => false,
        }
    }

    /// What it is called in messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a float",
            Value::Bool(_) => "a truth value",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Tuple(_) => "a tuple",
            Value::None => "None",
        }
    }

    /// As a whole number, if it is one: truth values are 0 and 1.
    pub fn whole(&self) -> Option<i128> {
        match self {
            Value::Integer(number) => Some(*number),
            Value::Bool(truth) => Some(i128::from(*truth)),
            _ => None,
        }
    }

    /// As a float, if it is a number.
    #[allow(clippy::cast_precision_loss)]
    pub fn float(&self) -> Option<f64> {
        match self {
            Value::Float(number) => Some(*number),
            other => other.whole().map(|number| number as f64),
        }
    }

    /// Itself, and its members with theirs.
    pub fn size(&self) -> usize {
        match self {
            Value::List(members) | Value::Tuple(members) => 1 + members.iter().map(Value::size).sum::<usize>(),
            _ => 1,
        }
    }

    /// Whether `==` holds. Values of different kinds differ, but numbers are numbers.
    pub fn equals(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Text(left), Value::Text(right)) => left == right,
            (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.equals(right))
            }
            (Value::None, Value::None) => true,
            _ => self.order_of_numbers(other) == Some(Ordering::Equal),
        }
    }

    /// How it stands to another, if the two can be ordered. A float that is no number stands in no order: the inner
    /// value is none.
    pub fn order(&self, other: &Value) -> Option<Option<Ordering>> {
        match (self, other) {
            (Value::Text(left), Value::Text(right)) => Some(Some(left.cmp(right))),
            (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
                match left.iter().zip(right).find(|(left, right)| !left.equals(right)) {
                    Some((left, right)) => left.order(right),
                    None => Some(Some(left.len().cmp(&right.len()))),
                }
            }
            _ => {
                self.float()?;
                other.float()?;
                Some(self.order_of_numbers(other))
            }
        }
    }

    fn order_of_numbers(&self, other: &Value) -> Option<Ordering> {
        match (self.whole(), other.whole()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => self.float()?.partial_cmp(&other.float()?),
        }
    }

    /// As `repr()` writes it: texts in quotes.
    pub fn quoted(&self) -> String {
        match self {
            Value::Text(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n")),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Value {
    /// As `str()` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |members: &[Value]| members.iter().map(Value::quoted).collect::<Vec<_>>().join(", ");
        match self {
            Value::Integer(number) => write!(f, "{number}"),
            Value::Float(number) => write!(f, "{number:?}"),
            Value::Bool(true) => f.write_str("True"),
            Value::Bool(false) => f.write_str("False"),
            Value::Text(text) => f.write_str(text),
            Value::List(members) => write!(f, "[{}]", joined(members)),
            Value::Tuple(members) if members.len() == 1 => write!(f, "({},)", joined(members)),
            Value::Tuple(members) => write!(f, "({})", joined(members)),
            Value::None => f.write_str("None"),
        }
    }
}
