//! Reading typed values out of the tree, with errors that name the place, the field and what was expected.

use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;

use burstlab_units::{Bytes, Rate, Span};

use super::ExperimentError;
use super::tree::{Entry, Origin, Table, Value};

/// One table of the experiment, with the keys that it may hold.
pub(crate) struct Section<'a> {
    file: &'a Path,
    table: &'a Table,
    /// Where the table begins; `None` for the file itself.
    origin: Option<&'a Origin>,
    /// How a person names the table: `[network]`, or nothing for the top of the file.
    heading: String,
    /// What stands before a key of an inner table: `queue.`.
    prefix: String,
    keys: &'static [&'static str],
}

impl<'a> Section<'a> {
    /// The top of the file.
    pub fn top(
        file: &'a Path,
        table: &'a Table,
        keys: &'static [&'static str],
    ) -> Result<Section<'a>, ExperimentError> {
        Section { file, table, origin: None, heading: String::new(), prefix: String::new(), keys }.checked()
    }

    /// The table under `key`, if it is there.
    pub fn table(
        &self,
        key: &'static str,
        keys: &'static [&'static str],
    ) -> Result<Option<Section<'a>>, ExperimentError> {
        let Some(entry) = self.entry(key) else { return Ok(None) };
        let Value::Table(table) = &entry.node.value else {
            return Err(self.error(key, format!("expected a table, found {}", entry.node.value.kind())));
        };
        let (heading, prefix) = if self.heading.is_empty() {
            (format!("[{key}]"), String::new())
        } else {
            (self.heading.clone(), format!("{}{key}.", self.prefix))
        };
        let section = Section { file: self.file, table, origin: Some(&entry.origin), heading, prefix, keys };
        section.checked().map(Some)
    }

    /// The tables under `[[key]]`; none if it is not there.
    pub fn tables(
        &self,
        key: &'static str,
        keys: &'static [&'static str],
    ) -> Result<Vec<Section<'a>>, ExperimentError> {
        let Some(entry) = self.entry(key) else { return Ok(Vec::new()) };
        let Value::List(items) = &entry.node.value else {
            let message = format!("expected [[{key}]], a list of tables, found {}", entry.node.value.kind());
            return Err(self.error(key, message));
        };
        let tables = items.iter().map(|item| {
            let Value::Table(table) = &item.value else {
                let message = format!("expected [[{key}]], a list of tables, found a list of {}", item.value.kind());
                return Err(self.error(key, message));
            };
            let outer = self.heading.trim_matches(['[', ']']);
            let heading = if outer.is_empty() { format!("[[{key}]]") } else { format!("[[{outer}.{key}]]") };
            let prefix = String::new();
            Section { file: self.file, table, origin: Some(&item.origin), heading, prefix, keys }.checked()
        });
        tables.collect()
    }

    /// What stands in the table under `key`, whatever its keys are; nothing if it is not there.
    pub fn fields(&self, key: &str) -> Result<Vec<(&'a str, &'a Value)>, ExperimentError> {
        let Some(entry) = self.entry(key) else { return Ok(Vec::new()) };
        match &entry.node.value {
            Value::Table(table) => {
                Ok(table.entries.iter().map(|entry| (entry.key.as_str(), &entry.node.value)).collect())
            }
            other => Err(self.error(key, format!("expected a table, found {}", other.kind()))),
        }
    }

    /// The value of `key`, if it is there.
    pub fn get<T: FromValue>(&self, key: &str) -> Result<Option<T>, ExperimentError> {
        let Some(entry) = self.entry(key) else { return Ok(None) };
        T::from_value(&entry.node.value).map(Some).map_err(|message| self.error(key, message))
    }

    /// The value of `key`, or `default`.
    pub fn get_or<T: FromValue>(&self, key: &str, default: T) -> Result<T, ExperimentError> {
        Ok(self.get(key)?.unwrap_or(default))
    }

    /// The value of `key`; `example` is how the missing line could read.
    pub fn require<T: FromValue>(&self, key: &str, example: &str) -> Result<T, ExperimentError> {
        self.get(key)?.ok_or_else(|| self.missing(key, example))
    }

    /// A whole number of at least `least`, or `default`.
    pub fn count(&self, key: &str, least: u32, default: u32) -> Result<u32, ExperimentError> {
        self.count_within(key, least..=u32::MAX, default)
    }

    /// A whole number within `range`, or `default`.
    pub fn count_within(&self, key: &str, range: RangeInclusive<u32>, default: u32) -> Result<u32, ExperimentError> {
        let (least, most) = (*range.start(), *range.end());
        match self.get_or(key, u64::from(default))? {
            count if count < u64::from(least) => {
                Err(self.error(key, format!("{count} is too few: it must be at least {least}")))
            }
            count => u32::try_from(count)
                .ok()
                .filter(|count| *count <= most)
                .ok_or_else(|| self.error(key, format!("{count} is too many: it must be at most {most}"))),
        }
    }

    /// A span that is not zero, or `default`.
    pub fn positive_span(&self, key: &str, default: Span) -> Result<Span, ExperimentError> {
        let span = self.get_or(key, default)?;
        if span.is_zero() { Err(self.error(key, "it must be longer than zero")) } else { Ok(span) }
    }

    /// Whether `key` is there.
    pub fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// Where the value of `key` was written.
    pub fn origin_of(&self, key: &str) -> Option<&'a Origin> {
        self.entry(key).map(|entry| &entry.node.origin)
    }

    /// What is wrong with the value of `key`, or with its absence.
    pub fn error(&self, key: &str, message: impl Into<String>) -> ExperimentError {
        let field = if self.heading.is_empty() {
            format!("{}{key}", self.prefix)
        } else {
            format!("{} {}{key}", self.heading, self.prefix)
        };
        self.error_named(key, &field, message)
    }

    /// As [`error`](Self::error), with `field` as its name.
    pub fn error_named(&self, key: &str, field: &str, message: impl Into<String>) -> ExperimentError {
        match self.entry(key) {
            Some(entry) => ExperimentError::at(self.file, &entry.node.origin, field, message),
            None => self.error_of_table(field, message),
        }
    }

    /// That `key` is missing; `example` is how the line could read.
    pub fn missing(&self, key: &str, example: &str) -> ExperimentError {
        let field = match (self.heading.is_empty(), self.prefix.trim_end_matches('.')) {
            (true, _) => String::new(),
            (false, "") => self.heading.clone(),
            (false, inner) => format!("{} {inner}", self.heading),
        };
        self.error_of_table(&field, format!("{key} is missing; expected for example {example}"))
    }

    fn error_of_table(&self, field: &str, message: impl Into<String>) -> ExperimentError {
        match self.origin {
            Some(origin) => ExperimentError::at(self.file, origin, field, message),
            None => ExperimentError::of_file(self.file, message),
        }
    }

    fn entry(&self, key: &str) -> Option<&'a Entry> {
        debug_assert!(self.keys.contains(&key), "{key} is read but not among the known keys");
        self.table.get(key)
    }

    /// `self`, if it holds no key that is unknown.
    fn checked(self) -> Result<Section<'a>, ExperimentError> {
        match self.table.entries.iter().find(|entry| !self.keys.contains(&entry.key.as_str())) {
            Some(entry) => {
                let mut message = format!("unknown key \"{}{}\"; ", self.prefix, entry.key);
                match nearest(&entry.key, self.keys) {
                    Some(near) => message += &format!("the nearest known one is \"{}{near}\"", self.prefix),
                    None => message += &format!("known: {}", self.keys.join(", ")),
                }
                Err(ExperimentError::at(self.file, &entry.origin, &self.heading, message))
            }
            None => Ok(self),
        }
    }
}

/// The one of `known` that was most likely meant by `word`, if any is near.
fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    // Below 0.7, Jaro-Winkler pairs words that a reader would not call alike.
    let scored = known.iter().map(|key| (strsim::jaro_winkler(word, key), *key)).filter(|(score, _)| *score >= 0.7);
    scored.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, key)| key)
}

/// The value that `text` names in `choices`.
pub(crate) fn choose<T: Copy>(text: &str, what: &str, choices: &[(&str, T)]) -> Result<T, String> {
    choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        format!("unknown {what} \"{text}\"; expected one of: {}", names.join(", "))
    })
}

/// What a value of the experiment can be read as.
pub(crate) trait FromValue: Sized {
    /// Reads `value`, or says in a sentence what was expected instead.
    fn from_value(value: &Value) -> Result<Self, String>;
}

impl FromValue for String {
    fn from_value(value: &Value) -> Result<String, String> {
        match value {
            Value::String(text) => Ok(text.clone()),
            other => Err(format!("expected a string, found {}", described(other))),
        }
    }
}

impl FromValue for Vec<String> {
    fn from_value(value: &Value) -> Result<Vec<String>, String> {
        match value {
            Value::List(items) => items.iter().map(|item| String::from_value(&item.value)).collect(),
            other => Err(format!("expected a list of strings, found {}", described(other))),
        }
    }
}

impl FromValue for Vec<f64> {
    fn from_value(value: &Value) -> Result<Vec<f64>, String> {
        match value {
            Value::List(items) => items.iter().map(|item| f64::from_value(&item.value)).collect(),
            other => Err(format!("expected a list of numbers, found {}", described(other))),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Result<bool, String> {
        match value {
            Value::Boolean(b) => Ok(*b),
            other => Err(format!("expected true or false, found {}", described(other))),
        }
    }
}

impl FromValue for u64 {
    fn from_value(value: &Value) -> Result<u64, String> {
        match value {
            Value::Integer(n) => u64::try_from(*n).map_err(|_| format!("{n} is negative; expected a whole number")),
            other => Err(format!("expected a whole number, found {}", described(other))),
        }
    }
}

impl FromValue for u32 {
    fn from_value(value: &Value) -> Result<u32, String> {
        let n = u64::from_value(value)?;
        u32::try_from(n).map_err(|_| format!("{n} is too large: at most {} is possible", u32::MAX))
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Result<f64, String> {
        match value {
            Value::Integer(n) => Ok(*n as f64),
            Value::Float(x) if x.is_finite() => Ok(*x),
            Value::Float(x) => Err(format!("{x} is not a finite number")),
            other => Err(format!("expected a number, found {}", described(other))),
        }
    }
}

/// A probability, from 0 to 1.
pub(crate) struct Probability(pub f64);

impl FromValue for Probability {
    fn from_value(value: &Value) -> Result<Probability, String> {
        match f64::from_value(value)? {
            p if (0.0..=1.0).contains(&p) => Ok(Probability(p)),
            p => Err(format!("{p} is not a probability; expected a number from 0 to 1")),
        }
    }
}

impl FromValue for Span {
    fn from_value(value: &Value) -> Result<Span, String> {
        quantity(value)
    }
}

impl FromValue for Rate {
    fn from_value(value: &Value) -> Result<Rate, String> {
        match quantity(value)? {
            Rate::ZERO => Err("a rate of zero moves nothing; expected for example \"10Gbit/s\"".to_owned()),
            rate => Ok(rate),
        }
    }
}

impl FromValue for Bytes {
    fn from_value(value: &Value) -> Result<Bytes, String> {
        quantity(value)
    }
}

/// A bare number reads as a quantity without its unit, which is what the error then says.
fn quantity<T: FromStr<Err = burstlab_units::ParseError>>(value: &Value) -> Result<T, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Integer(n) => n.to_string(),
        Value::Float(x) => x.to_string(),
        other => return Err(format!("expected a quantity with its unit in quotes, found {}", described(other))),
    };
    text.parse().map_err(|error: burstlab_units::ParseError| error.to_string())
}

/// The value as an error shows it: itself where it is short.
pub(crate) fn described(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the string \"{text}\""),
        Value::Integer(n) => n.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Boolean(b) => b.to_string(),
        other => other.kind().to_owned(),
    }
}
