//! ICMP messages.

use super::Parser;
use crate::script::error::ScriptError;
use crate::script::packet::{Echoed, IcmpPacket, Sequence};

impl Parser<'_> {
    /// Reads a message, the word `icmp` being next.
    pub(super) fn icmp(&mut self) -> Result<IcmpPacket, ScriptError> {
        self.advance();
        let position = self.position();
        let Some(kind) = self.any_word() else { return Err(self.unexpected("a type of ICMP message")) };
        let labelled = self.at_word("mtu") || self.at_word("id");
        let code = if labelled { None } else { self.any_word() };
        let mtu = self.labelled("mtu", "an MTU in bytes", u32::MAX)?;
        let identifier = self.labelled("id", "an identifier of an echo", u16::MAX)?;
        let echoed = self.echoed()?;
        Ok(IcmpPacket { position, kind, code, mtu, identifier, echoed })
    }

    fn echoed(&mut self) -> Result<Echoed, ScriptError> {
        if !self.take_symbol('[') {
            return Ok(Echoed::Tcp(Sequence::default()));
        }
        let echoed = if self.take_word("udp") {
            Echoed::Udp(self.bytes("of the UDP datagram that is echoed")?)
        } else if self.take_word("raw") {
            Echoed::Raw(self.bytes("of the packet that is echoed")?)
        } else {
            Echoed::Tcp(self.sequence()?)
        };
        self.expect_symbol(']', "behind the packet that is echoed")?;
        Ok(echoed)
    }
}
