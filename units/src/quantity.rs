//! Reading and printing a decimal number with a unit behind it.

use std::fmt;

/// A quantity that could not be read: what was written, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not {what}: {reason}; expected a number with its unit, such as {example}")]
pub struct ParseError {
    text: String,
    what: &'static str,
    reason: String,
    example: &'static str,
}

/// A unit's names, the preferred one first, and how many of the smallest unit it is.
pub(crate) struct Unit {
    pub names: &'static [&'static str],
    pub scale: u64,
}

/// A kind of quantity: how to name it in an error, an example of it, and its units in rising order.
pub(crate) struct Kind {
    pub what: &'static str,
    pub example: &'static str,
    pub units: &'static [Unit],
}

impl Kind {
    /// Reads `text` into the smallest unit. Fractions are fine as long as they come out whole (`1.5ms`).
    pub fn parse(&self, text: &str) -> Result<u64, ParseError> {
        let fail =
            |reason: String| ParseError { text: text.to_owned(), what: self.what, reason, example: self.example };
        let trimmed = text.trim();
        let split = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(trimmed.len());
        let (number, name) = (trimmed[..split].replace('_', ""), trimmed[split..].trim());
        if number.is_empty() {
            return Err(fail(if trimmed.starts_with('-') {
                "it is negative".into()
            } else {
                "it does not begin with a number".into()
            }));
        }
        if name.is_empty() {
            return Err(fail("the unit is missing".into()));
        }
        let scale = self.units.iter().find(|u| u.names.contains(&name)).map(|u| u.scale).ok_or_else(|| {
            let known: Vec<_> = self.units.iter().map(|u| u.names[0]).collect();
            fail(format!("unknown unit \"{name}\" (known: {})", known.join(", ")))
        })?;
        scaled(&number, scale).map_err(|reason| fail(reason.into()))
    }

    /// Prints `value` with the largest unit that needs at most three decimals, exactly.
    pub fn format(&self, value: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = |u: &&Unit| u.scale <= value && (value % u.scale).is_multiple_of((u.scale / 1000).max(1));
        let unit = self.units.iter().rev().find(exact).unwrap_or(&self.units[0]);
        let (whole, rest) = (value / unit.scale, value % unit.scale);
        let text = if rest == 0 {
            format!("{whole}{}", unit.names[0])
        } else {
            let decimals = format!("{:03}", rest / (unit.scale / 1000));
            format!("{whole}.{}{}", decimals.trim_end_matches('0'), unit.names[0])
        };
        f.pad(&text)
    }
}

/// `number` (decimal digits, at most one point) times `scale`, if that is whole and fits.
fn scaled(number: &str, scale: u64) -> Result<u64, &'static str> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') {
        return Err("it has two decimal points");
    }
    let too_large = "it is too large";
    let digits = |s: &str| if s.is_empty() { Ok(0u128) } else { s.parse::<u128>().map_err(|_| too_large) };
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 18 {
        return Err("it has too many decimals");
    }
    let power = 10u128.pow(fraction.len() as u32);
    let numerator = digits(fraction)? * u128::from(scale);
    if numerator % power != 0 {
        return Err("it is finer than the smallest unit");
    }
    let value = digits(whole)?.checked_mul(u128::from(scale)).and_then(|v| v.checked_add(numerator / power));
    value.and_then(|v| u64::try_from(v).ok()).ok_or(too_large)
}
