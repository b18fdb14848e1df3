//! A place in a text that moves forward.

use super::position::Position;

/// Reads a text character by character and knows where it is.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    source: &'a str,
    offset: usize,
    position: Position,
}

impl<'a> Cursor<'a> {
    /// At the beginning.
    pub fn new(source: &'a str) -> Cursor<'a> {
        Cursor { source, offset: 0, position: Position { line: 1, column: 1 } }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a str {
        &self.source[self.offset..]
    }

    /// Bytes that have been read.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Where it is.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The next character.
    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The one behind the next so many.
    pub fn peek_behind(&self, characters: usize) -> Option<char> {
        self.rest().chars().nth(characters)
    }

    /// The next character; it is read.
    pub fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.offset += next.len_utf8();
        if next == '\n' {
            self.position = Position { line: self.position.line + 1, column: 1 };
        } else {
            self.position.column += 1;
        }
        Some(next)
    }

    /// Reads `wanted` if it comes next.
    pub fn take(&mut self, wanted: &str) -> bool {
        let comes = self.rest().starts_with(wanted);
        if comes {
            wanted.chars().for_each(|_| {
                self.next();
            });
        }
        comes
    }

    /// Reads as long as characters are `wanted`.
    pub fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let from = self.offset;
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
        &self.source[from..self.offset]
    }

    /// Reads up to and with `closing`, and gives what is before it; none, and nothing read, if it does not come.
    pub fn take_until(&mut self, closing: &str) -> Option<&'a str> {
        let length = self.rest().find(closing)?;
        let inside = &self.rest()[..length];
        let end = self.offset + length + closing.len();
        while self.offset < end {
            self.next();
        }
        Some(inside)
    }
}
