//! What a system call comes to.

use burstlab_algorithms::Time;

use super::errno::Errno;

/// What a call gives back beside its value.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Nothing.
    None,
    /// An option's number, or a count that `ioctl` asks for.
    Number(i64),
    /// An option that is a name.
    Name(String),
    /// `SO_LINGER`: on or off, and seconds.
    Linger(bool, i64),
    /// The events of each descriptor that was asked for.
    Polled(Vec<i64>),
    /// Events, and what they were registered with.
    Events(Vec<(u32, i64)>),
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Its value or error.
    pub value: Result<i64, Errno>,
    /// What it wrote for its caller.
    pub output: Output,
}

impl Reply {
    /// Success with a value and nothing else.
    pub fn value(value: i64) -> Reply {
        Reply { value: Ok(value), output: Output::None }
    }

    /// Success with an output.
    pub fn with(value: i64, output: Output) -> Reply {
        Reply { value: Ok(value), output }
    }
}

impl From<Errno> for Reply {
    fn from(errno: Errno) -> Reply {
        Reply { value: Err(errno), output: Output::None }
    }
}

/// A call that was tried.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt {
    /// It ended.
    Done(Reply),
    /// It waits, at most until then.
    Wait(Time),
}

impl From<Errno> for Attempt {
    fn from(errno: Errno) -> Attempt {
        Attempt::Done(errno.into())
    }
}

impl From<i64> for Attempt {
    fn from(value: i64) -> Attempt {
        Attempt::Done(Reply::value(value))
    }
}
