//! IP headers, and headers around the packet.

use super::Parser;
use crate::script::error::ScriptError;
use crate::script::packet::{EcnField, Encapsulation, IpInfo};
use crate::script::token::Kind;

/// The largest flow label (RFC 8200, section 3: 20 bits).
const LARGEST_FLOW_LABEL: u32 = 0xf_ffff;

impl Parser<'_> {
    /// Reads the headers around the packet, which are kept as they stand.
    pub(super) fn encapsulation(&mut self) -> Result<Vec<Encapsulation>, ScriptError> {
        let mut headers = Vec::new();
        while let Kind::Word(word) = self.peek() {
            let protocol = match word.as_str() {
                "ipv4" | "ipv6" | "mpls" | "gre" | "psp" => word.clone(),
                "GREv0" => "gre".to_owned(),
                _ => break,
            };
            let position = self.position();
            self.advance();
            let from = self.at;
            while !self.at_header_end() {
                if matches!(self.peek(), Kind::End) {
                    return Err(self.unexpected(&format!("':' behind the {protocol} header")));
                }
                self.advance();
            }
            let text = self.text_since(from);
            self.advance();
            headers.push(Encapsulation { position, protocol, text });
        }
        Ok(headers)
    }

    /// Reads `encap psp spi 0x1, vc 2`, a header that stands behind what is said about IP, if it is here.
    pub(super) fn inner_encapsulation(&mut self) -> Result<Option<Encapsulation>, ScriptError> {
        let position = self.position();
        if !self.take_word("encap") {
            return Ok(None);
        }
        let Some(protocol) = self.any_word() else { return Err(self.unexpected("the protocol of a header")) };
        let from = self.at;
        while matches!(self.peek(), Kind::Word(name) if ["spi", "vc", "vnid"].contains(&name.as_str())) {
            self.advance();
            if !matches!(self.peek(), Kind::Integer(_) | Kind::Hexadecimal(_)) {
                return Err(self.unexpected("a number"));
            }
            self.advance();
            self.take_symbol(',');
        }
        Ok(Some(Encapsulation { position, protocol, text: self.text_since(from) }))
    }

    /// Whether the next token is the colon behind a header: those of IPv6 addresses have no blank behind them.
    fn at_header_end(&self) -> bool {
        let behind = self.source[self.token().end..].chars().next();
        self.at_symbol(':') && behind.is_none_or(char::is_whitespace)
    }

    /// Reads what is said about the IP header, if anything is.
    pub(super) fn ip_info(&mut self) -> Result<IpInfo, ScriptError> {
        let mut info = IpInfo::default();
        let closing = match self.peek() {
            Kind::Symbol('(') => ')',
            Kind::Symbol('[') => ']',
            _ => return Ok(info),
        };
        self.advance();
        loop {
            self.ip_field(&mut info)?;
            if self.take_symbol(closing) {
                return Ok(info);
            }
            self.expect_symbol(',', &format!("or {closing:?} behind what is said about the IP header"))?;
        }
    }

    fn ip_field(&mut self, info: &mut IpInfo) -> Result<(), ScriptError> {
        let ecn = match self.peek() {
            Kind::Word(word) => match word.as_str() {
                "noecn" => Some(EcnField::NotEct),
                "ect0" => Some(EcnField::Ect0),
                "ect1" => Some(EcnField::Ect1),
                "ect01" => Some(EcnField::Ect0Or1),
                "ce" => Some(EcnField::Ce),
                _ => None,
            },
            _ => None,
        };
        if ecn.is_some() {
            info.ecn = ecn;
            self.advance();
        } else if self.take_word("tos") {
            info.tos = Some(self.hexadecimal("a type of service", u8::MAX)?);
        } else if self.take_word("flowlabel") {
            info.flow_label = Some(self.hexadecimal("a flow label", LARGEST_FLOW_LABEL)?);
        } else if self.take_word("ttl") {
            info.ttl = Some(self.number("a time to live", u8::MAX)?);
        } else {
            return Err(self.unexpected("noecn, ect0, ect1, ect01, ce, tos, flowlabel or ttl"));
        }
        Ok(())
    }
}
