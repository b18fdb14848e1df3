//! The words of the language.

use super::position::Position;

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `--name=value`
    Option { name: String, value: Option<String> },
    /// `-1`
    Integer(i64),
    /// `0x10`
    Hexadecimal(i64),
    /// `+.002` without its sign: digits before and behind the point.
    Decimal(String),
    /// `192.0.2.1`
    Address(String),
    /// `socket`, `3021b9d889017eeb`
    Word(String),
    /// `"reno"`, escapes resolved.
    Text(String),
    /// `` `sysctl -q net.ipv4.tcp_ecn=1` ``
    BackQuoted(String),
    /// `%{ assert True }%`, and where its text begins.
    Code(String, Position),
    /// `...`
    Ellipsis,
    /// Any other character.
    Symbol(char),
    /// The end of the script.
    End,
}

impl Kind {
    /// What it is, for a message.
    pub fn describe(&self) -> String {
        match self {
            Kind::Option { name, .. } => format!("the option \"--{name}\""),
            Kind::Integer(number) => format!("{number}"),
            Kind::Hexadecimal(number) => format!("{number:#x}"),
            Kind::Decimal(text) | Kind::Address(text) => text.clone(),
            Kind::Word(word) => format!("\"{word}\""),
            Kind::Text(_) => "a quoted text".to_owned(),
            Kind::BackQuoted(_) => "a shell command".to_owned(),
            Kind::Code(..) => "a block of code".to_owned(),
            Kind::Ellipsis => "\"...\"".to_owned(),
            Kind::Symbol(symbol) => format!("{symbol:?}"),
            Kind::End => "the end of the script".to_owned(),
        }
    }
}

/// A token at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it begins, for people.
    pub position: Position,
    /// Where it begins, in bytes.
    pub start: usize,
    /// Where it ends, in bytes.
    pub end: usize,
}
