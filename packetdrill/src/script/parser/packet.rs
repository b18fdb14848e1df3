//! Packets: what is around them and TCP.

use burstlab_network::Flags;

use super::Parser;
use crate::script::error::ScriptError;
use crate::script::packet::{Body, Direction, EcnField, Packet, Sequence, TcpOptions, TcpPacket, UdpPacket};
use crate::script::position::Position;
use crate::script::token::Kind;

/// The letters of flags, besides `U` and the digits of ACE. `A` is AE, and ACK is the dot.
const LETTERS: [(char, Flags); 8] = [
    ('F', Flags::FIN),
    ('S', Flags::SYN),
    ('R', Flags::RST),
    ('P', Flags::PSH),
    ('.', Flags::ACK),
    ('E', Flags::ECE),
    ('W', Flags::CWR),
    ('A', Flags::AE),
];

/// The flags of one packet.
#[derive(Default)]
struct Letters {
    flags: Flags,
    urgent: bool,
    ace: Option<u8>,
}

impl Parser<'_> {
    /// Reads a packet, its direction being next.
    pub(super) fn packet(&mut self) -> Result<Packet, ScriptError> {
        let position = self.position();
        let direction = if self.take_symbol('<') {
            Direction::Inbound
        } else {
            self.expect_symbol('>', "or '<' before a packet")?;
            Direction::Outbound
        };
        let mut encapsulation = self.encapsulation()?;
        let ip_position = self.position();
        let ip = self.ip_info()?;
        if ip.ecn == Some(EcnField::Ect0Or1) && direction == Direction::Inbound {
            return Err(
                self.error(ip_position, "expected ect0 or ect1, as ect01 is only for packets that are to be sent")
            );
        }
        encapsulation.extend(self.inner_encapsulation()?);
        let body = if self.take_word("udp") {
            Body::Udp(self.udp()?)
        } else if self.at_word("icmp") {
            Body::Icmp(self.icmp()?)
        } else {
            Body::Tcp(self.tcp(direction)?)
        };
        Ok(Packet { position, direction, encapsulation, ip, body })
    }

    fn udp(&mut self) -> Result<UdpPacket, ScriptError> {
        let ports = self.ports()?;
        Ok(UdpPacket { ports, payload: self.bytes("of UDP's payload")? })
    }

    fn tcp(&mut self, direction: Direction) -> Result<TcpPacket, ScriptError> {
        let position = self.position();
        let ports = self.ports()?;
        let Letters { flags, urgent, ace } = self.flags()?;
        let sequence = self.sequence()?;
        let ack = self.labelled("ack", "an acknowledgement number", u32::MAX)?;
        let window = self.labelled("win", "a window", u16::MAX)?;
        if window.is_none() && direction == Direction::Inbound {
            return Err(self.error(position, "expected \"win\" and a window, which injected packets must have"));
        }
        let urgent_pointer = self.labelled("urg", "an urgent pointer", u16::MAX)?;
        let options_position = self.position();
        let options = self.tcp_options()?;
        if options == TcpOptions::Unchecked && direction == Direction::Inbound {
            let message = "expected options, as \"<...>\" is only for packets that are to be sent";
            return Err(self.error(options_position, message));
        }
        Ok(TcpPacket { ports, flags, urgent, ace, sequence, ack, window, urgent_pointer, options })
    }

    /// Reads `label number`, if that is here.
    pub(super) fn labelled<N: TryFrom<i64> + TryInto<i64> + Copy>(
        &mut self,
        label: &str,
        what: &str,
        most: N,
    ) -> Result<Option<N>, ScriptError> {
        if self.take_word(label) { self.number(what, most).map(Some) } else { Ok(None) }
    }

    /// Reads `8080 > 80`, if ports are here.
    fn ports(&mut self) -> Result<Option<(u16, u16)>, ScriptError> {
        if !matches!((self.peek(), self.peek_behind()), (Kind::Integer(_), Kind::Symbol('>'))) {
            return Ok(None);
        }
        let source = self.number("a source port", u16::MAX)?;
        self.expect_symbol('>', "between ports")?;
        Ok(Some((source, self.number("a destination port", u16::MAX)?)))
    }

    /// Reads flags: letters, digits and the dot without a blank between them, or `-` for none.
    fn flags(&mut self) -> Result<Letters, ScriptError> {
        const WANTED: &str = "flags (letters of \"FSRPEWAU\", a digit for ACE, '.' for ACK), or '-' for none";
        let (position, start) = (self.position(), self.token().start);
        if self.take_symbol('-') {
            return Ok(Letters::default());
        }
        let rest = &self.source[start..];
        let word =
            &rest[..rest.find(|next: char| !(next.is_ascii_alphanumeric() || next == '.')).unwrap_or(rest.len())];
        if word.is_empty() {
            return Err(self.unexpected(WANTED));
        }
        let letters = self.letters(position, word)?;
        let end = start + word.len();
        while self.token().start < end {
            self.advance();
        }
        Ok(letters)
    }

    fn letters(&self, position: Position, word: &str) -> Result<Letters, ScriptError> {
        let mut found = Letters::default();
        for letter in word.chars() {
            let flag = LETTERS.iter().find(|(name, _)| *name == letter).map(|(_, flag)| *flag);
            match (flag, letter.to_digit(8)) {
                (Some(flag), _) => found.flags = found.flags.with(flag),
                (None, Some(digit)) if found.ace.is_none() => found.ace = u8::try_from(digit).ok(),
                (None, Some(_)) => return Err(self.error(position, "expected one digit for ACE at most, found two")),
                (None, None) if letter == 'U' => found.urgent = true,
                (None, None) => {
                    return Err(
                        self.error(position, format!("expected flags of \"FSRPEWAU.-\" and 0 to 7, found {letter:?}"))
                    );
                }
            }
        }
        let Some(ace) = found.ace else { return Ok(found) };
        // ACE is AE, CWR and ECE taken as a number (RFC 9768, section 3.2.2).
        let bits = [(1, Flags::ECE), (2, Flags::CWR), (4, Flags::AE)];
        if bits.iter().any(|(_, flag)| found.flags.has(*flag)) {
            return Err(self.error(position, "expected either a digit for ACE or the letters E, W and A, found both"));
        }
        let set = bits.into_iter().filter(|(bit, _)| ace & bit != 0);
        found.flags = set.fold(found.flags, |flags, (_, flag)| flags.with(flag));
        Ok(found)
    }

    /// Reads `1:1001(1000)`.
    pub(super) fn sequence(&mut self) -> Result<Sequence, ScriptError> {
        let start = self.number("a sequence number", u32::MAX)?;
        self.expect_symbol(':', "behind the first sequence number")?;
        let position = self.position();
        let end = self.number("the sequence number behind the payload", u32::MAX)?;
        let payload = self.bytes("of TCP's payload")?;
        if end != start.wrapping_add(payload) {
            let right = start.wrapping_add(payload);
            let message = format!("expected {right}, which is {start} and {payload} bytes of payload, found {end}");
            return Err(self.error(position, message));
        }
        Ok(Sequence { start, end, payload })
    }

    /// Reads `(1000)`. IP's length field ends at 65,535 bytes.
    pub(super) fn bytes(&mut self, what: &str) -> Result<u32, ScriptError> {
        self.expect_symbol('(', &format!("and the number of bytes {what}"))?;
        let bytes = self.number(&format!("a number of bytes {what}"), u16::MAX)?;
        self.expect_symbol(')', &format!("behind the number of bytes {what}"))?;
        Ok(u32::from(bytes))
    }
}
