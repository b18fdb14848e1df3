//! From a script's text to its tokens.

use std::collections::BTreeMap;

use super::cursor::Cursor;
use super::position::Position;
use super::token::{Kind, Token};

/// What stops the lexer: where, and why.
pub type Fault = (Position, String);

/// Symbols that a script has defined, or somebody for it. Later definitions go before earlier ones, and those from
/// outside before the script's.
struct Defines {
    outside: BTreeMap<String, String>,
    inside: BTreeMap<String, String>,
}

impl Defines {
    /// What `word` stands for.
    fn get(&self, word: &str) -> Option<&str> {
        self.outside.get(word).or_else(|| self.inside.get(word)).map(String::as_str)
    }
}

/// All tokens of `source`, the last one being [`Kind::End`]. Words that are defined are replaced.
///
/// # Errors
/// Where something is opened and not closed, or a definition has no value.
pub fn tokens(source: &str, defines: &[(String, String)]) -> Result<Vec<Token>, Fault> {
    let mut defines = Defines { outside: defines.iter().cloned().collect(), inside: BTreeMap::new() };
    let mut cursor = Cursor::new(source);
    let mut tokens = Vec::new();
    loop {
        skip_blanks(&mut cursor)?;
        let (start, position) = (cursor.offset(), cursor.position());
        let kind = match token(&mut cursor)? {
            Kind::Word(word) => match defines.get(&word) {
                Some(value) => defined(value),
                None => Kind::Word(word),
            },
            other => other,
        };
        if let Kind::Option { name, value: Some(value) } = &kind
            && name == "define"
        {
            let Some((symbol, value)) = value.split_once('=') else {
                return Err((position, "expected --define=SYMBOL=value, found no value".to_owned()));
            };
            defines.inside.insert(symbol.to_owned(), value.to_owned());
        }
        let last = kind == Kind::End;
        tokens.push(Token { kind, position, start, end: cursor.offset() });
        if last {
            return Ok(tokens);
        }
    }
}

/// What a defined symbol is replaced with: it is quoted as it was in the definition.
fn defined(value: &str) -> Kind {
    let quoted = |quote: char| value.strip_prefix(quote).and_then(|inside| inside.strip_suffix(quote));
    if let Some(inside) = quoted('"') {
        return Kind::Text(unescape(inside));
    }
    if let Some(inside) = quoted('`') {
        return Kind::BackQuoted(inside.to_owned());
    }
    let mut cursor = Cursor::new(value);
    match number(&mut cursor) {
        // Zeros before it count in a cookie, and then it is none.
        Kind::Integer(number) if number.to_string() == value => Kind::Integer(number),
        hexadecimal @ Kind::Hexadecimal(_) if cursor.rest().is_empty() => hexadecimal,
        _ => Kind::Word(value.to_owned()),
    }
}

/// Reads blanks and comments.
fn skip_blanks(cursor: &mut Cursor) -> Result<(), Fault> {
    loop {
        cursor.take_while(char::is_whitespace);
        let position = cursor.position();
        if cursor.take("//") || cursor.take("#") {
            cursor.take_while(|next| next != '\n');
        } else if cursor.take("/*") {
            cursor.take_until("*/").ok_or((position, "expected \"*/\" at the end of the comment".to_owned()))?;
        } else {
            return Ok(());
        }
    }
}

fn token(cursor: &mut Cursor) -> Result<Kind, Fault> {
    let position = cursor.position();
    let Some(first) = cursor.peek() else { return Ok(Kind::End) };
    let digit = |next: Option<char>| next.is_some_and(|next| next.is_ascii_digit());
    let fault = |why: &str| (position, why.to_owned());
    match first {
        '-' if cursor.peek_behind(1) == Some('-') && cursor.peek_behind(2).is_some_and(is_word) => option(cursor),
        '-' | '.' if digit(cursor.peek_behind(1)) => Ok(number(cursor)),
        '-' if cursor.peek_behind(1) == Some('.') && digit(cursor.peek_behind(2)) => Ok(number(cursor)),
        '.' if cursor.take("...") => Ok(Kind::Ellipsis),
        '%' if cursor.take("%{") => code(cursor).ok_or_else(|| fault("expected \"}%\" at the end of the code")),
        '"' | '`' => match quoted(cursor) {
            None if first == '"' => Err(fault("expected '\"' at the end of the text")),
            None => Err(fault("expected '`' at the end of the command")),
            Some(inside) if first == '"' => Ok(Kind::Text(unescape(inside))),
            Some(inside) => Ok(Kind::BackQuoted(inside.to_owned())),
        },
        first if is_word(first) => Ok(number(cursor)),
        symbol => {
            cursor.next();
            Ok(Kind::Symbol(symbol))
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// What is between quotes, as it stands; none if they do not close. A backslash keeps a quote from closing.
fn quoted<'a>(cursor: &mut Cursor<'a>) -> Option<&'a str> {
    let quote = cursor.next()?;
    let (inside, from) = (cursor.rest(), cursor.offset());
    loop {
        let length = cursor.offset() - from;
        match cursor.next()? {
            '\\' => {
                cursor.next()?;
            }
            next if next == quote => return Some(&inside[..length]),
            _ => {}
        }
    }
}

/// Resolves the escapes of C. What is none stays as it is.
fn unescape(inside: &str) -> String {
    let mut text = String::with_capacity(inside.len());
    let mut cursor = Cursor::new(inside);
    while let Some(next) = cursor.next() {
        if next != '\\' {
            text.push(next);
            continue;
        }
        match cursor.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('0') => text.push('\0'),
            Some('x') => {
                let digits: String = cursor.rest().chars().take(2).collect();
                match u8::from_str_radix(&digits, 16) {
                    Ok(byte) if cursor.take(&digits) => text.push(char::from(byte)),
                    _ => text.push_str("\\x"),
                }
            }
            Some(plain @ ('\\' | '"' | '\'' | '`')) => text.push(plain),
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}

/// `%{ ... }%`, its opening read: spaces and tabs at its ends do not count, as Python would take them for indentation.
fn code(cursor: &mut Cursor) -> Option<Kind> {
    cursor.take_while(|next| next == ' ' || next == '\t');
    let position = cursor.position();
    let text = cursor.take_until("}%")?;
    Some(Kind::Code(text.trim_end_matches([' ', '\t']).to_owned(), position))
}

/// `--name`, and what is behind `=` up to the next blank that is not quoted.
fn option(cursor: &mut Cursor) -> Result<Kind, Fault> {
    cursor.take("--");
    let name = cursor.take_while(is_word).to_owned();
    if !cursor.take("=") {
        return Ok(Kind::Option { name, value: None });
    }
    let position = cursor.position();
    let mut value = String::new();
    while let Some(next) = cursor.peek().filter(|next| !next.is_whitespace()) {
        if next == '"' || next == '`' {
            let inside = quoted(cursor).ok_or((position, format!("expected {next:?} at the end of the value")))?;
            value.extend([next]);
            value.push_str(inside);
            value.extend([next]);
        } else {
            value.extend(cursor.next());
        }
    }
    if value.is_empty() {
        return Err((position, format!("expected a value behind --{name}=, found none")));
    }
    let inside = value.strip_prefix('"').and_then(|inside| inside.strip_suffix('"'));
    Ok(Kind::Option { name, value: Some(inside.map_or_else(|| value.clone(), unescape)) })
}

/// A number or a word: the longest that can be read, and a word where digits are followed by letters. So is a number of
/// more than 64 bits, which only cookies and digests are.
fn number(cursor: &mut Cursor) -> Kind {
    let sign = if cursor.take("-") { "-" } else { "" };
    let word =
        if sign.is_empty() { cursor.take_while(is_word) } else { cursor.take_while(|next| next.is_ascii_digit()) };
    let as_word = || Kind::Word(format!("{sign}{word}"));
    if !word.chars().all(|next| next.is_ascii_digit()) {
        let digits = word.strip_prefix("0x").filter(|digits| digits.chars().all(|next| next.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        // Masks of 64 bits are written as what C takes them for.
        return number.map_or_else(as_word, |number| Kind::Hexadecimal(number.cast_signed()));
    }
    let mut text = format!("{sign}{word}");
    let mut points = 0;
    while cursor.peek() == Some('.') && cursor.peek_behind(1).is_some_and(|next| next.is_ascii_digit()) && points < 3 {
        text.extend(cursor.next());
        text.push_str(cursor.take_while(|next| next.is_ascii_digit()));
        points += 1;
    }
    match points {
        0 => text.parse().map_or_else(|_| as_word(), Kind::Integer),
        1 => Kind::Decimal(text),
        _ => Kind::Address(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<Kind> {
        tokens(source, &[]).unwrap().into_iter().map(|token| token.kind).collect()
    }

    fn word(text: &str) -> Kind {
        Kind::Word(text.to_owned())
    }

    #[test]
    fn times_of_a_blocking_call_come_apart_at_the_ellipsis() {
        let decimal = |text: &str| Kind::Decimal(text.to_owned());
        assert_eq!(kinds("0...0.2"), [Kind::Integer(0), Kind::Ellipsis, decimal("0.2"), Kind::End]);
        assert_eq!(kinds("+.1...+.3")[1..4], [decimal(".1"), Kind::Ellipsis, Kind::Symbol('+')]);
    }

    #[test]
    fn digits_before_letters_are_a_word_and_not_a_number() {
        assert_eq!(
            kinds("3021b9d889017eeb 0x1f 0xg"),
            [word("3021b9d889017eeb"), Kind::Hexadecimal(31), word("0xg"), Kind::End]
        );
    }

    #[test]
    fn what_no_number_holds_is_a_word() {
        let digits = "12345678901234567890123456789012";
        assert_eq!(kinds(digits), [word(digits), Kind::End]);
        let cookie = [("C".to_owned(), "0012".to_owned())];
        assert_eq!(tokens("C", &cookie).unwrap()[0].kind, word("0012"));
    }

    #[test]
    fn flags_and_numbers_of_a_packet_stay_apart() {
        let packet = kinds("< P. -1:2(3)");
        let symbol = Kind::Symbol;
        assert_eq!(
            packet,
            [
                symbol('<'),
                word("P"),
                symbol('.'),
                Kind::Integer(-1),
                symbol(':'),
                Kind::Integer(2),
                symbol('('),
                Kind::Integer(3),
                symbol(')'),
                Kind::End
            ]
        );
    }

    #[test]
    fn comments_of_every_kind_are_passed_over() {
        assert_eq!(kinds("a // b\n/* c ** / \n d */ e # f"), [word("a"), word("e"), Kind::End]);
    }

    #[test]
    fn a_defined_symbol_is_replaced_as_it_was_quoted_and_definitions_from_outside_win() {
        let source = "--define=CC=\"reno\" --define=N=7 --define=P=A CC N P Q";
        let outside = [("P".to_owned(), "B".to_owned())];
        let found: Vec<Kind> = tokens(source, &outside).unwrap().into_iter().skip(3).map(|token| token.kind).collect();
        assert_eq!(found, [Kind::Text("reno".to_owned()), Kind::Integer(7), word("B"), word("Q"), Kind::End]);
    }

    #[test]
    fn code_keeps_its_lines_and_loses_blanks_at_its_ends() {
        let all = tokens("%{ \t a\n  b \t}%", &[]).unwrap();
        assert_eq!(all[0].kind, Kind::Code("a\n  b".to_owned(), Position { line: 1, column: 6 }));
    }

    #[test]
    fn a_quote_that_is_escaped_does_not_close() {
        assert_eq!(
            kinds(r#""a\"\x41\n" `b\`c`"#),
            [Kind::Text("a\"A\n".to_owned()), Kind::BackQuoted("b\\`c".to_owned()), Kind::End]
        );
    }

    #[test]
    fn what_is_not_closed_is_reported_where_it_opens() {
        for (source, closing) in [("a\n /* b", "*/"), ("a\n \"b", "\""), ("a\n `b", "`"), ("a\n %{ b", "}%")] {
            let (position, why) = tokens(source, &[]).unwrap_err();
            assert_eq!(position, Position { line: 2, column: 2 });
            assert!(why.contains(closing), "{why}");
        }
    }
}
