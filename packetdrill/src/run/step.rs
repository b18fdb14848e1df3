//! A script as the executor takes it: symbols resolved, values in the units of the host.

use burstlab_algorithms::Span;
use burstlab_network::Segment;
use burstlab_stacks::native::Icmp;

use super::comparison::Expected;
use super::connecting::Shutdown;
use super::readiness::Control;
use super::sockopt::Setting;

/// When an event is to happen. Times count from the script's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Then.
    At(Span),
    /// So long after the event before.
    After(Span),
    /// In between.
    Between(Span, Span),
    /// In between, counted from the event before.
    AfterBetween(Span, Span),
    /// Whenever it does.
    Any,
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its line in the script, from 1.
    pub line: usize,
    /// When.
    pub when: When,
    /// What.
    pub action: Action,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A packet comes in, in the script's numbers.
    Inject(Box<Injection>),
    /// An ICMP message comes in about a segment with this number, still the script's.
    Icmp(Icmp, u32),
    /// A packet is to go out.
    Expect(Box<Expected>),
    /// The application calls.
    Call(Box<Call>),
    /// A shell is to run something.
    Shell(String),
    /// Something is claimed of the connection's state.
    Claim {
        /// The claims.
        text: String,
        /// The line where they begin.
        line: usize,
    },
}

/// A packet to be injected.
#[derive(Debug, Clone, PartialEq)]
pub struct Injection {
    /// The packet, its numbers still the script's.
    pub segment: Segment,
    /// How the script writes it.
    pub text: String,
}

/// A system call and what it is to come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// What it does.
    pub operation: Operation,
    /// When it is to end, if it may block: counted as the event's own time is.
    pub until: Option<Span>,
    /// Its value, if that matters.
    pub value: Option<i64>,
    /// Its error, by name.
    pub errno: Option<String>,
}

/// Flags of reading and writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessageFlags {
    /// `MSG_DONTWAIT`
    pub nonblocking: bool,
    /// `MSG_PEEK`
    pub peek: bool,
    /// `MSG_WAITALL`
    pub all: bool,
    /// `MSG_MORE`
    pub more: bool,
    /// `MSG_EOR`
    pub record_end: bool,
}

/// What a value that a call writes is to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// Anything.
    Any,
    /// This number.
    Number(i64),
    /// This name.
    Name(String),
    /// `SO_LINGER`: on or off, and seconds.
    Linger(bool, i64),
}

/// What a call does.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Operation {
    Socket {
        nonblocking: bool,
    },
    Bind {
        socket: i64,
    },
    Listen {
        socket: i64,
        backlog: i64,
    },
    Accept {
        socket: i64,
        nonblocking: bool,
    },
    Connect {
        socket: i64,
    },
    Read {
        socket: i64,
        bytes: u64,
        flags: MessageFlags,
    },
    Write {
        socket: i64,
        bytes: u64,
        flags: MessageFlags,
    },
    Close {
        descriptor: i64,
    },
    Shutdown {
        socket: i64,
        how: Shutdown,
    },
    SetOption {
        socket: i64,
        name: String,
        setting: Setting,
    },
    GetOption {
        socket: i64,
        name: String,
        wanted: Wanted,
    },
    GetFlags {
        descriptor: i64,
    },
    SetFlags {
        descriptor: i64,
        nonblocking: bool,
    },
    /// `ioctl`: bytes to read, bytes queued, bytes not sent yet.
    Queued {
        socket: i64,
        what: Queue,
        wanted: Option<i64>,
    },
    /// Descriptors with the events asked for and those expected.
    Poll {
        asked: Vec<(i64, u32, Option<u32>)>,
        timeout: Option<Span>,
    },
    /// A buffer that is nowhere.
    Fault,
    EpollCreate,
    EpollControl {
        epoll: i64,
        control: Control,
        descriptor: i64,
    },
    EpollWait {
        epoll: i64,
        wanted: Vec<(Option<u32>, Option<i64>)>,
        most: usize,
        timeout: Option<Span>,
    },
}

/// What `ioctl` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// `SIOCINQ`
    Readable,
    /// `SIOCOUTQ`
    Unacknowledged,
    /// `SIOCOUTQNSD`
    Unsent,
}
