//! The script language of packetdrill as a tree.
//!
//! The language is the one of Google's packetdrill (Cardwell et al., "packetdrill: Scriptable Network Stack Testing,
//! from Sockets to Packets", USENIX ATC 2013) as scripts for Linux use it. A script is a list of events, each at a time:
//!
//! | part | form | in the tree |
//! | --- | --- | --- |
//! | options, before the first event | `--name=value` | [`ScriptOption`] |
//! | first and last command | `` `sh` `` | [`Script::init`], [`Script::cleanup`] |
//! | time | `1.5`, `+.1`, `1~2`, `+1~+2`, `*` | [`EventTime`] |
//! | system call | `0...0.2 read(4, ..., 10) = 10` | [`SystemCall`] |
//! | injected, expected packet | `< S 0:0(0) win 100`, `> S. 0:0(0) ack 1` | [`Packet`] |
//! | shell command | `` `sh` `` | [`Action::Command`] |
//! | claims about the state | `%{ assert tcpi_snd_cwnd == 10 }%` | [`Action::Code`] |
//!
//! Comments are `// ...`, `# ...` and `/* ... */`. The tree holds to what is written: symbols stay names, times stay
//! relative, and parts that nobody executes (encapsulation, UDP) are there for whoever refuses them to say where.

mod call;
mod cursor;
mod error;
mod lexer;
mod packet;
mod parser;
mod position;
mod token;
mod tree;

pub use call::{Errno, Expression, Field, SystemCall, Value};
pub use error::ScriptError;
pub use packet::{
    Body, Direction, Echoed, EcnField, Encapsulation, IcmpPacket, IpInfo, Packet, Sequence, TcpOption, TcpOptionKind,
    TcpOptions, TcpPacket, UdpPacket,
};
pub use position::Position;
pub use tree::{Action, Event, EventTime, Script, ScriptOption, ShellCommand};
