//! `%` on texts.

use super::arithmetic::bounded;
use super::value::{LARGEST, Value};

/// How one value is written: the parts of `%-08.3f`.
#[derive(Default)]
struct Conversion {
    left: bool,
    zeros: bool,
    plus: bool,
    width: usize,
    precision: Option<usize>,
}

/// Fills the values of `arguments`, a tuple's members or one, into `pattern`.
pub fn fill(pattern: &str, arguments: &Value) -> Result<String, String> {
    let mut values = match arguments {
        Value::Tuple(members) => members.iter(),
        one => std::slice::from_ref(one).iter(),
    };
    let mut text = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(next) = rest.next() {
        bounded(text.len())?;
        if next != '%' {
            text.push(next);
            continue;
        }
        let conversion = conversion(&mut rest)?;
        let kind = rest.next().ok_or("expected a letter behind '%' in the text, found its end")?;
        if kind == '%' {
            text.push('%');
            continue;
        }
        let value = values.next().ok_or("expected a value for every '%' of the text, found too few")?;
        text.push_str(&conversion.write(kind, value)?);
    }
    if values.next().is_some() {
        return Err("expected a '%' in the text for every value, found too few".to_owned());
    }
    bounded(text.len())?;
    Ok(text)
}

fn conversion(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Conversion, String> {
    let mut found = Conversion::default();
    while let Some(flag) = rest.next_if(|next| matches!(next, '-' | '0' | '+' | ' ' | '#')) {
        match flag {
            '-' => found.left = true,
            '0' => found.zeros = true,
            '+' => found.plus = true,
            _ => {}
        }
    }
    let mut number = || -> Result<usize, String> {
        let mut number = 0_usize;
        while let Some(digit) = rest.peek().and_then(|next| next.to_digit(10)) {
            rest.next();
            number = number.saturating_mul(10).saturating_add(digit as usize);
        }
        if number > LARGEST {
            Err(format!("expected a width of at most {LARGEST}, found {number}"))
        } else {
            Ok(number)
        }
    };
    found.width = number()?;
    if rest.next_if_eq(&'.').is_some() {
        let mut digits = 0_usize;
        while let Some(digit) = rest.peek().and_then(|next| next.to_digit(10)) {
            rest.next();
            digits = (digits * 10 + digit as usize).min(LARGEST);
        }
        found.precision = Some(digits);
    }
    Ok(found)
}

impl Conversion {
    fn write(&self, kind: char, value: &Value) -> Result<String, String> {
        let wrong = || format!("expected a number for %{kind}, found {}", value.kind());
        let plain = match kind {
            's' => value.to_string(),
            'r' => value.quoted(),
            'd' | 'i' | 'u' => match value {
                Value::Float(number) => format!("{}", libm::trunc(*number)),
                other => other.whole().ok_or_else(wrong)?.to_string(),
            },
            'x' | 'X' | 'o' => {
                let number = value.whole().ok_or_else(wrong)?;
                let sign = if number < 0 { "-" } else { "" };
                let size = number.unsigned_abs();
                match kind {
                    'x' => format!("{sign}{size:x}"),
                    'X' => format!("{sign}{size:X}"),
                    _ => format!("{sign}{size:o}"),
                }
            }
            'f' | 'F' => format!("{:.*}", self.precision.unwrap_or(6).min(100), value.float().ok_or_else(wrong)?),
            'g' | 'e' => format!("{}", value.float().ok_or_else(wrong)?),
            other => {
                return Err(format!("expected one of d, i, u, s, r, x, X, o, f, g and e behind '%', found {other:?}"));
            }
        };
        let numeric = !matches!(kind, 's' | 'r');
        let cut = match self.precision {
            Some(precision) if !numeric => plain.chars().take(precision).collect(),
            _ if numeric && self.plus && !plain.starts_with('-') => format!("+{plain}"),
            _ => plain,
        };
        Ok(self.pad(cut, numeric))
    }

    fn pad(&self, text: String, numeric: bool) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        if self.left {
            return text + &" ".repeat(missing);
        }
        if self.zeros && numeric {
            let digits = usize::from(text.starts_with(['-', '+']));
            return format!("{}{}{}", &text[..digits], "0".repeat(missing), &text[digits..]);
        }
        " ".repeat(missing) + &text
    }
}
