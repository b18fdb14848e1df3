//! From tokens to the tree, by recursive descent.

mod call;
mod event;
mod header;
mod icmp;
mod option;
mod packet;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use burstlab_algorithms::Span;

use super::error::ScriptError;
use super::lexer;
use super::position::Position;
use super::token::{Kind, Token};
use super::tree::Script;

impl Script {
    /// Reads a script. `file` is its name in messages. Words that `defines` names are replaced with what it says, as
    /// packetdrill's `-D name=value` does; the script's own `--define=name=value` count less.
    ///
    /// # Errors
    /// At the first place that is not in the language.
    pub fn parse(file: &str, text: &str, defines: &[(String, String)]) -> Result<Script, ScriptError> {
        let fault = |(position, message)| ScriptError { file: file.to_owned(), position, message };
        let tokens = lexer::tokens(text, defines).map_err(fault)?;
        let mut parser = Parser { file, source: text, tokens, at: 0, depth: 0 };
        parser.script()
    }
}

/// Reads tokens.
struct Parser<'a> {
    file: &'a str,
    source: &'a str,
    /// There is always one that has not been read: the last is the end of the script, which stays.
    tokens: Vec<Token>,
    at: usize,
    /// How many arrays, structures and functions are open.
    depth: usize,
}

impl Parser<'_> {
    fn token(&self) -> &Token {
        &self.tokens[self.at]
    }

    fn peek(&self) -> &Kind {
        &self.token().kind
    }

    /// The token behind the next one; the end stays the end.
    fn peek_behind(&self) -> &Kind {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].kind
    }

    fn position(&self) -> Position {
        self.token().position
    }

    /// Reads a token. The end of the script is never passed.
    fn advance(&mut self) -> Token {
        let token = self.token().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn error(&self, position: Position, message: impl Into<String>) -> ScriptError {
        ScriptError { file: self.file.to_owned(), position, message: message.into() }
    }

    /// That something else is here than `wanted`.
    fn unexpected(&self, wanted: &str) -> ScriptError {
        self.error(self.position(), format!("expected {wanted}, found {}", self.peek().describe()))
    }

    fn at_symbol(&self, symbol: char) -> bool {
        *self.peek() == Kind::Symbol(symbol)
    }

    fn take_symbol(&mut self, symbol: char) -> bool {
        let comes = self.at_symbol(symbol);
        if comes {
            self.advance();
        }
        comes
    }

    /// Reads `symbol`, which is there for `what`.
    fn expect_symbol(&mut self, symbol: char, what: &str) -> Result<(), ScriptError> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected(&format!("{symbol:?} {what}"))) }
    }

    fn at_word(&self, word: &str) -> bool {
        matches!(self.peek(), Kind::Word(next) if next == word)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let comes = self.at_word(word);
        if comes {
            self.advance();
        }
        comes
    }

    /// Reads any word.
    fn any_word(&mut self) -> Option<String> {
        let Kind::Word(word) = self.peek() else { return None };
        let word = word.clone();
        self.advance();
        Some(word)
    }

    /// Reads a decimal number from 0 to `most`.
    fn number<N: TryFrom<i64> + TryInto<i64> + Copy>(&mut self, what: &str, most: N) -> Result<N, ScriptError> {
        let Kind::Integer(number) = *self.peek() else { return Err(self.unexpected(what)) };
        self.in_range(number, what, most)
    }

    /// Reads a hexadecimal number from 0 to `most`.
    fn hexadecimal<N: TryFrom<i64> + TryInto<i64> + Copy>(&mut self, what: &str, most: N) -> Result<N, ScriptError> {
        let Kind::Hexadecimal(number) = *self.peek() else { return Err(self.unexpected(&format!("{what} as 0x..."))) };
        self.in_range(number, what, most)
    }

    fn in_range<N: TryFrom<i64> + TryInto<i64> + Copy>(
        &mut self,
        number: i64,
        what: &str,
        most: N,
    ) -> Result<N, ScriptError> {
        let limit = most.try_into().unwrap_or(i64::MAX);
        match N::try_from(number) {
            Ok(fits) if (0..=limit).contains(&number) => {
                self.advance();
                Ok(fits)
            }
            _ => Err(self.error(self.position(), format!("expected {what} from 0 to {limit}, found {number}"))),
        }
    }

    /// Reads a time in seconds, to the nanosecond.
    fn span(&mut self) -> Result<Span, ScriptError> {
        let text = match self.peek() {
            Kind::Integer(seconds) => seconds.to_string(),
            Kind::Decimal(text) => text.clone(),
            _ => return Err(self.unexpected("a time in seconds")),
        };
        let Some(span) = seconds(&text) else {
            return Err(self.error(self.position(), format!("expected a time of 0 to 10^9 seconds, found {text}")));
        };
        self.advance();
        Ok(span)
    }

    /// What the script has from token number `from` to here, on one line and without comments.
    fn text_since(&self, from: usize) -> String {
        let mut text = String::new();
        let mut end = self.tokens[from].start;
        for token in &self.tokens[from..self.at] {
            if token.start > end {
                text.push(' ');
            }
            let words = self.source[token.start..token.end].split_whitespace();
            text.push_str(&words.collect::<Vec<_>>().join(" "));
            end = token.end;
        }
        text
    }
}

/// Seconds as digits with a point, without the rounding that a float would bring; none if they are negative or more than
/// any script takes.
fn seconds(text: &str) -> Option<Span> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let digits = fraction.chars().chain(std::iter::repeat('0')).take(9);
    let nanos = digits.fold(0, |nanos, digit| nanos * 10 + u64::from(digit.to_digit(10).unwrap_or(0)));
    (whole <= 1_000_000_000).then(|| Span::from_nanos(whole * 1_000_000_000 + nanos))
}
