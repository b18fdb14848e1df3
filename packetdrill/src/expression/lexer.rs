//! From code to its tokens.

use super::error::{ExpressionError, Place};
use super::number;
use super::value::Value;

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A number or text.
    Literal(Value),
    /// A name or keyword.
    Name(String),
    /// An operator or bracket.
    Operator(&'static str),
    /// The end of a statement: a semicolon, or the end of a line outside all brackets.
    Separator,
    /// The end.
    End,
}

/// A token at its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it begins.
    pub place: Place,
    /// Where it begins, in bytes.
    pub start: usize,
    /// Where it ends, in bytes.
    pub end: usize,
    /// Whether it is the first of its line.
    pub first: bool,
}

/// Longest first: the first that fits is read.
const OPERATORS: [&str; 41] = [
    "**=", "//=", "<<=", ">>=", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+=", "-=", "*=", "/=", "%=", "&=",
    "|=", "^=", "+", "-", "*", "/", "%", "&", "|", "^", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ":",
    ".",
];

/// Reads code from its beginning.
struct Lexer<'a> {
    source: &'a str,
    offset: usize,
    place: Place,
    brackets: usize,
    first: bool,
}

/// All tokens of `source`, the last being [`Kind::End`].
///
/// # Errors
/// Where a text is not closed, or a character or number is not in the language.
pub fn tokens(source: &str) -> Result<Vec<Token>, ExpressionError> {
    let start = Place { line: 1, column: 1 };
    let mut lexer = Lexer { source, offset: 0, place: start, brackets: 0, first: true };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let (place, start, first) = (lexer.place, lexer.offset, lexer.first);
        let kind = lexer.token()?;
        lexer.first = matches!(kind, Kind::Separator) && source[start..lexer.offset].contains('\n');
        let last = kind == Kind::End;
        tokens.push(Token { kind, place, start, end: lexer.offset, first });
        if last {
            return Ok(tokens);
        }
    }
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.offset..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.offset += next.len_utf8();
        if next == '\n' {
            self.place = Place { line: self.place.line + 1, column: 1 };
        } else {
            self.place.column += 1;
        }
        Some(next)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let comes = self.rest().starts_with(wanted);
        if comes {
            wanted.chars().for_each(|_| {
                self.next();
            });
        }
        comes
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let from = self.offset;
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
        &self.source[from..self.offset]
    }

    /// Reads blanks, comments, joined lines and, inside brackets, the ends of lines.
    fn skip_blanks(&mut self) {
        loop {
            let inside = self.brackets > 0;
            let blank = self.take_while(|next| next.is_whitespace() && (inside || next != '\n'));
            let comment = if self.peek() == Some('#') { self.take_while(|next| next != '\n') } else { "" };
            if blank.is_empty() && comment.is_empty() && !self.take("\\\n") && !self.take("\\\r\n") {
                return;
            }
        }
    }

    fn token(&mut self) -> Result<Kind, ExpressionError> {
        let place = self.place;
        let Some(next) = self.peek() else { return Ok(Kind::End) };
        let digit_behind = self.rest().chars().nth(1).is_some_and(|next| next.is_ascii_digit());
        if next == '\n' || next == ';' {
            self.next();
            return Ok(Kind::Separator);
        }
        if next == '"' || next == '\'' {
            return self.text(next);
        }
        if next.is_ascii_digit() || (next == '.' && digit_behind) {
            let (value, length) = number::literal(self.rest()).map_err(|why| place.wrong(why))?;
            (0..length).for_each(|_| {
                self.next();
            });
            return Ok(Kind::Literal(value));
        }
        if next.is_ascii_alphabetic() || next == '_' {
            let name = self.take_while(|next| next.is_ascii_alphanumeric() || next == '_');
            if matches!(self.peek(), Some('"' | '\'')) {
                return Err(place.wrong(format!("expected a text without a prefix, found {name:?} before it")));
            }
            return Ok(Kind::Name(name.to_owned()));
        }
        let Some(operator) = OPERATORS.into_iter().find(|operator| self.take(operator)) else {
            return Err(place.wrong(format!("expected a name, number, text or operator, found {next:?}")));
        };
        match operator {
            "(" | "[" | "{" => self.brackets += 1,
            ")" | "]" | "}" => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        Ok(Kind::Operator(operator))
    }

    /// Reads a text in quotes, with the escapes of Python that scripts need.
    fn text(&mut self, quote: char) -> Result<Kind, ExpressionError> {
        let place = self.place;
        let unclosed = || place.wrong(format!("expected {quote} at the end of the text, on the same line"));
        self.next();
        let mut text = String::new();
        loop {
            match self.next().ok_or_else(unclosed)? {
                '\n' => return Err(unclosed()),
                '\\' => match self.next().ok_or_else(unclosed)? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    '\n' => {}
                    plain @ ('\\' | '"' | '\'') => text.push(plain),
                    other => text.extend(['\\', other]),
                },
                next if next == quote => return Ok(Kind::Literal(Value::Text(text))),
                next => text.push(next),
            }
        }
    }
}
