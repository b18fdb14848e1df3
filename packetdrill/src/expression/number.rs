//! Numbers as Python writes them.

use super::value::Value;

/// The number at the beginning of `text`, and its length: whole in base 10, 16, 8 or 2, or a float. Digits may be grouped
/// with `_`.
pub fn literal(text: &str) -> Result<(Value, usize), String> {
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let length = run(digits, |next| next.is_ascii_alphanumeric());
            let number = i128::from_str_radix(&digits[..length].replace('_', ""), radix);
            let found = &text[..prefix.len() + length];
            let number = number.map_err(|_| format!("expected a number of base {radix}, found {found}"))?;
            return Ok((Value::Integer(number), prefix.len() + length));
        }
    }
    let mut length = digits(text);
    let mut float = false;
    if text[length..].starts_with('.') {
        float = true;
        length += 1 + digits(&text[length + 1..]);
    }
    if let Some(exponent) = text[length..].strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['+', '-']));
        let behind = digits(&exponent[sign..]);
        if behind > 0 {
            float = true;
            length += 1 + sign + behind;
        }
    }
    if run(&text[length..], |next| next.is_ascii_alphanumeric()) > 0 {
        return Err(format!("expected a number, found letters behind {}", &text[..length]));
    }
    let written = text[..length].replace('_', "");
    let value = if float {
        written.parse().map(Value::Float).map_err(|_| format!("expected a float, found {written}"))
    } else {
        written.parse().map(Value::Integer).map_err(|_| "expected a number of at most 127 bits, found more".to_owned())
    };
    value.map(|value| (value, length))
}

fn digits(text: &str) -> usize {
    run(text, |next| next.is_ascii_digit())
}

/// Bytes at the beginning that are `wanted` or `_`; they are ASCII.
fn run(text: &str, wanted: impl Fn(char) -> bool) -> usize {
    text.chars().take_while(|&next| next == '_' || wanted(next)).count()
}
