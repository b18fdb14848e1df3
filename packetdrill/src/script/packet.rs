//! A packet as a script writes it.

use burstlab_network::Flags;

use super::position::Position;

/// A packet that is injected or expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    /// Where its direction stands.
    pub position: Position,
    /// Which way it goes.
    pub direction: Direction,
    /// Headers around it, outermost first: empty for a plain packet.
    pub encapsulation: Vec<Encapsulation>,
    /// What is said about its IP header.
    pub ip: IpInfo,
    /// What is in it.
    pub body: Body,
}

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `<`: it is injected.
    Inbound,
    /// `>`: the stack is to send it.
    Outbound,
}

/// A header around the packet: `ipv4 192.0.2.1 > 192.0.2.2:`, `gre:`, `mpls (label 1, tc 0, ttl 64):`, `psp spi 0x1:`,
/// `encap psp spi 0x1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encapsulation {
    /// Where it stands.
    pub position: Position,
    /// `ipv4`, `ipv6`, `gre`, `mpls` or `psp`
    pub protocol: String,
    /// What stands behind that.
    pub text: String,
}

/// `[ect0]`, `(tos 0x2)`, `(ttl 64)`, `[ce, flowlabel 0x1]`: what is not there does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IpInfo {
    /// ECN field.
    pub ecn: Option<EcnField>,
    /// The whole type-of-service byte.
    pub tos: Option<u8>,
    /// IPv6's flow label, 20 bits.
    pub flow_label: Option<u32>,
    /// Time to live, or hop limit.
    pub ttl: Option<u8>,
}

/// ECN field of the IP header (RFC 3168, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EcnField {
    /// `noecn`
    NotEct,
    /// `ect0`
    Ect0,
    /// `ect1`
    Ect1,
    /// `ect01`: either of the two; for expected packets only.
    Ect0Or1,
    /// `ce`
    Ce,
}

/// What is in a packet.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// TCP.
    Tcp(TcpPacket),
    /// `udp (100)`
    Udp(UdpPacket),
    /// `icmp unreachable frag_needed mtu 1400 [1:1461(1460)]`
    Icmp(IcmpPacket),
}

/// A TCP segment: `8080 > 80 P. 1:1001(1000) ack 1 win 256 urg 1 <nop,nop,TS val 1 ecr 2>`.
#[derive(Debug, Clone, PartialEq)]
pub struct TcpPacket {
    /// Source and destination port, if they are given.
    pub ports: Option<(u16, u16)>,
    /// Flags, those of an ACE digit among them. URG is apart.
    pub flags: Flags,
    /// `U`: the URG flag.
    pub urgent: bool,
    /// The digit of the ACE counter (RFC 9768, section 3.2.2), if the flags are written so.
    pub ace: Option<u8>,
    /// Sequence numbers and payload.
    pub sequence: Sequence,
    /// `ack 1`: zero on the wire where it is missing.
    pub ack: Option<u32>,
    /// `win 256`: the field as it is on the wire. Injected packets have it; where an expected one has not, it does not
    /// matter.
    pub window: Option<u16>,
    /// `urg 1`: the urgent pointer, zero where it is missing.
    pub urgent_pointer: Option<u16>,
    /// Options.
    pub options: TcpOptions,
}

/// `1:1001(1000)`. `end` is `start` and `payload` together, and SYN and FIN take none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sequence {
    /// First sequence number.
    pub start: u32,
    /// The one behind the payload.
    pub end: u32,
    /// Bytes of payload.
    pub payload: u32,
}

/// The options of a TCP segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TcpOptions {
    /// `<...>`: they do not matter. For expected packets only.
    Unchecked,
    /// These, and no others: none where nothing is written.
    List(Vec<TcpOption>),
}

/// An option at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpOption {
    /// Where it stands.
    pub position: Position,
    /// What it is.
    pub kind: TcpOptionKind,
}

/// A TCP option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TcpOptionKind {
    /// `nop`
    NoOperation,
    /// `eol`
    End,
    /// `mss 1460`
    MaxSegment(u16),
    /// `wscale 8`; none for `wscale *`, any shift.
    WindowScale(Option<u8>),
    /// `sackOK`
    SackPermitted,
    /// `sack 1001:2001 3001:4001`: first number, and the one behind the last.
    Sack(Vec<(u32, u32)>),
    /// `TS val 100 ecr 700`
    Timestamps {
        /// TSval.
        value: u32,
        /// TSecr.
        echo: u32,
    },
    /// `ECN e0b 1 ceb 0 e1b 1` (RFC 9768, section 3.2.3): as many counters as are there.
    AccEcn {
        /// r.e0b
        ect0: Option<u32>,
        /// r.ceb
        ce: Option<u32>,
        /// r.e1b
        ect1: Option<u32>,
        /// Whether `e1b` comes first (kind 174), else `e0b` does (kind 172).
        one_first: bool,
    },
    /// `md5 00112233445566778899aabbccddeeff` (RFC 2385).
    Md5(Vec<u8>),
    /// `FO 3021b9d889017eeb` (RFC 7413), and with `experimental` the older `FOEXP`. Without a cookie it asks for one.
    FastOpen {
        /// The cookie.
        cookie: Vec<u8>,
        /// Whether it is the option of experiments (kind 254).
        experimental: bool,
    },
}

/// A UDP datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UdpPacket {
    /// Source and destination port, if they are given.
    pub ports: Option<(u16, u16)>,
    /// Bytes of payload.
    pub payload: u32,
}

/// An ICMP message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IcmpPacket {
    /// Where its type stands.
    pub position: Position,
    /// Its type: `unreachable`, `packet_too_big`, `echo_request`.
    pub kind: String,
    /// Its code: `frag_needed`.
    pub code: Option<String>,
    /// `mtu 1400`: MTU of the next hop in bytes.
    pub mtu: Option<u32>,
    /// `id 7`: identifier of an echo.
    pub identifier: Option<u16>,
    /// The packet that it is about; a TCP segment without payload at number 0 if nothing is written.
    pub echoed: Echoed,
}

/// The packet that an ICMP message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echoed {
    /// `[1:1461(1460)]`
    Tcp(Sequence),
    /// `[udp (100)]`
    Udp(u32),
    /// `[raw (100)]`
    Raw(u32),
}
