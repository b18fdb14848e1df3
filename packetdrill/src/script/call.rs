//! A system call and what it is to come to.

use burstlab_algorithms::Span;

use super::position::Position;

/// `...0.2 read(4, ..., 100) = -1 EAGAIN (Resource temporarily unavailable)`
#[derive(Debug, Clone, PartialEq)]
pub struct SystemCall {
    /// Where its name stands.
    pub position: Position,
    /// Its name.
    pub name: String,
    /// What it is called with.
    pub arguments: Vec<Expression>,
    /// When it ends, if it is to block: counted as the event's own time is, from the script's start or from the event
    /// before.
    pub until: Option<Span>,
    /// What it returns.
    pub result: Expression,
    /// The error that it sets.
    pub errno: Option<Errno>,
    /// A note behind a result without an error, such as `(flags O_RDWR|O_NONBLOCK)`. It means nothing.
    pub note: Option<String>,
}

/// `EAGAIN (Resource temporarily unavailable)`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errno {
    /// Where it stands.
    pub position: Position,
    /// The symbol, `EAGAIN`.
    pub name: String,
    /// The note behind it, without parentheses. It means nothing.
    pub note: Option<String>,
}

/// A value at its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// Where it begins.
    pub position: Position,
    /// What it is.
    pub value: Value,
}

/// What an argument or a result is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `...`: anything, or an address that does not matter.
    Ellipsis,
    /// `-1`, `0x10`
    Integer(i64),
    /// `SOCK_STREAM`: a symbol, whose meaning is the platform's.
    Word(String),
    /// `"reno"`, its escapes resolved; `"re" "no"` is the same.
    Text(String),
    /// `"reno"...`: a text that begins so.
    TextPrefix(String),
    /// `POLLIN|POLLOUT`: two parts or more.
    Or(Vec<Expression>),
    /// `name = value` among arguments.
    Assignment(String, Box<Expression>),
    /// `[1, 2]`: values behind a pointer.
    Array(Vec<Expression>),
    /// `{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}`, and any other structure:
    /// `sockaddr`, `msghdr`, `iovec`, `cmsghdr`, `pollfd`, `epoll_event`, `linger`, `sock_extended_err`.
    Structure(Vec<Field>),
    /// `htons(8080)`, `inet_addr("192.0.2.1")`, `inet6_addr("2001:db8::1")`
    Function(String, Vec<Expression>),
}

/// A member of a structure.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Where it begins.
    pub position: Position,
    /// Its name; none where position says it, as in `{..., 1000}`.
    pub name: Option<String>,
    /// How many there are: the `2` of `msg_iov(2) = [...]`.
    pub count: Option<Expression>,
    /// Its value.
    pub value: Expression,
}

impl Expression {
    /// The member of that name, if this is a structure that has it.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.members()?.iter().find(|field| field.name.as_deref() == Some(name))
    }

    /// The members, if this is a structure.
    pub fn members(&self) -> Option<&[Field]> {
        match &self.value {
            Value::Structure(fields) => Some(fields),
            _ => None,
        }
    }

    /// The number, if this is written as one.
    pub fn integer(&self) -> Option<i64> {
        match self.value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// The symbol, if this is one.
    pub fn word(&self) -> Option<&str> {
        match &self.value {
            Value::Word(word) => Some(word),
            _ => None,
        }
    }
}
