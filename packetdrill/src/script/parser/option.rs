//! TCP options.

use super::Parser;
use crate::script::error::ScriptError;
use crate::script::packet::{TcpOption, TcpOptionKind, TcpOptions};
use crate::script::token::Kind;

/// Room for options: the data offset counts to 60 bytes of header, 20 of which are not options (RFC 9293, section 3.1).
const ROOM: usize = 40;

impl TcpOptionKind {
    /// Bytes on the wire, with kind and length.
    fn length(&self) -> usize {
        match self {
            TcpOptionKind::NoOperation | TcpOptionKind::End => 1,
            TcpOptionKind::MaxSegment(_) => 4,
            TcpOptionKind::WindowScale(_) => 3,
            TcpOptionKind::SackPermitted => 2,
            TcpOptionKind::Sack(blocks) => 2 + 8 * blocks.len(),
            TcpOptionKind::Timestamps { .. } => 10,
            TcpOptionKind::AccEcn { ect0, ce, ect1, .. } => 2 + 3 * [ect0, ce, ect1].into_iter().flatten().count(),
            TcpOptionKind::Md5(digest) => 2 + digest.len(),
            TcpOptionKind::FastOpen { cookie, experimental } => {
                if *experimental {
                    4 + cookie.len()
                } else {
                    2 + cookie.len()
                }
            }
        }
    }
}

impl Parser<'_> {
    /// Reads `<option,option>`, if that is here.
    pub(super) fn tcp_options(&mut self) -> Result<TcpOptions, ScriptError> {
        let position = self.position();
        if !self.take_symbol('<') {
            return Ok(TcpOptions::List(Vec::new()));
        }
        if *self.peek() == Kind::Ellipsis {
            self.advance();
            self.expect_symbol('>', "behind the options")?;
            return Ok(TcpOptions::Unchecked);
        }
        let mut options = Vec::new();
        loop {
            options.push(TcpOption { position: self.position(), kind: self.tcp_option()? });
            if self.take_symbol('>') {
                break;
            }
            self.expect_symbol(',', "or '>' behind an option")?;
        }
        let length: usize = options.iter().map(|option| option.kind.length()).sum();
        if length > ROOM {
            return Err(self.error(position, format!("expected options of at most {ROOM} bytes, found {length}")));
        }
        if !length.is_multiple_of(4) {
            let message = format!("expected options padded with nop to a multiple of 4 bytes, found {length} bytes");
            return Err(self.error(position, message));
        }
        Ok(TcpOptions::List(options))
    }

    fn tcp_option(&mut self) -> Result<TcpOptionKind, ScriptError> {
        const WANTED: &str = "an option (mss, nop, wscale, sackOK, sack, TS, ECN, eol, md5, FO or FOEXP)";
        let Kind::Word(name) = self.peek() else { return Err(self.unexpected(WANTED)) };
        let name = name.clone();
        if !["nop", "eol", "mss", "wscale", "sackOK", "sack", "TS", "ECN", "md5", "FO", "FOEXP"]
            .contains(&name.as_str())
        {
            return Err(self.unexpected(WANTED));
        }
        self.advance();
        match name.as_str() {
            "nop" => Ok(TcpOptionKind::NoOperation),
            "eol" => Ok(TcpOptionKind::End),
            "mss" => Ok(TcpOptionKind::MaxSegment(self.number("an MSS in bytes", u16::MAX)?)),
            "wscale" if self.take_symbol('*') => Ok(TcpOptionKind::WindowScale(None)),
            "wscale" => Ok(TcpOptionKind::WindowScale(Some(self.number("a shift of the window", u8::MAX)?))),
            "sackOK" => Ok(TcpOptionKind::SackPermitted),
            "sack" => self.sack(),
            "TS" => self.timestamps(),
            "ECN" => self.acc_ecn(),
            "md5" => Ok(TcpOptionKind::Md5(self.bytes_in_hexadecimal("an MD5 digest")?)),
            experimental => {
                let experimental = experimental == "FOEXP";
                let asks = self.at_symbol(',') || self.at_symbol('>');
                let cookie = if asks { Vec::new() } else { self.bytes_in_hexadecimal("a cookie")? };
                Ok(TcpOptionKind::FastOpen { cookie, experimental })
            }
        }
    }

    fn sack(&mut self) -> Result<TcpOptionKind, ScriptError> {
        let mut blocks = Vec::new();
        while matches!(self.peek(), Kind::Integer(_)) || blocks.is_empty() {
            let start = self.number("the first sequence number of a SACK block", u32::MAX)?;
            self.expect_symbol(':', "between the numbers of a SACK block")?;
            blocks.push((start, self.number("the sequence number behind a SACK block", u32::MAX)?));
        }
        Ok(TcpOptionKind::Sack(blocks))
    }

    fn timestamps(&mut self) -> Result<TcpOptionKind, ScriptError> {
        let value = self.labelled("val", "a TSval", u32::MAX)?;
        let Some(value) = value else { return Err(self.unexpected("\"val\" and a TSval")) };
        let echo = self.labelled("ecr", "a TSecr", u32::MAX)?;
        let Some(echo) = echo else { return Err(self.unexpected("\"ecr\" and a TSecr")) };
        Ok(TcpOptionKind::Timestamps { value, echo })
    }

    /// Reads the counters, which come in either order and of which the last ones may be missing.
    fn acc_ecn(&mut self) -> Result<TcpOptionKind, ScriptError> {
        // The fields have 24 bits (RFC 9768, section 3.2.3).
        const LARGEST: u32 = 0xff_ffff;
        let one_first = self.at_word("e1b");
        let names = if one_first { ["e1b", "ceb", "e0b"] } else { ["e0b", "ceb", "e1b"] };
        let mut counters = [None; 3];
        for (counter, name) in counters.iter_mut().zip(names) {
            *counter = self.labelled(name, "a counter of 24 bits", LARGEST)?;
            if counter.is_none() {
                break;
            }
        }
        if !self.at_symbol(',') && !self.at_symbol('>') {
            return Err(self.unexpected("e0b, ceb and e1b, or e1b, ceb and e0b, with a number each"));
        }
        let [first, ce, last] = counters;
        let (ect0, ect1) = if one_first { (last, first) } else { (first, last) };
        Ok(TcpOptionKind::AccEcn { ect0, ce, ect1, one_first })
    }

    /// Reads bytes of two digits each, which the lexer takes for a word or a number.
    fn bytes_in_hexadecimal(&mut self, what: &str) -> Result<Vec<u8>, ScriptError> {
        let token = self.token();
        let written = &self.source[token.start..token.end];
        let defined;
        let text = match &token.kind {
            Kind::Word(word) => word.as_str(),
            // As it is written, zeros before it and all, unless it stands for a symbol.
            Kind::Integer(_) if written.starts_with(|next: char| next.is_ascii_digit()) => written,
            Kind::Integer(number) => {
                defined = number.to_string();
                &defined
            }
            _ => return Err(self.unexpected(what)),
        };
        let digits: Option<Vec<u8>> = text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
        let bytes = match digits {
            Some(digits) if digits.len().is_multiple_of(2) => {
                digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
            }
            _ => return Err(self.unexpected(&format!("{what} as two hexadecimal digits for each byte"))),
        };
        self.advance();
        Ok(bytes)
    }
}
