//! The experiment file as an owned tree in which every value knows where it was written.
//!
//! Axes and `--set` work on this tree, before anything is read as a quantity, so that an error found later can still
//! name the line or the option that the offending value came from.

use toml::de::{DeTable, DeValue};

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// In the file: its line, counted from 1, and the byte at which it begins.
    File { line: usize, offset: usize },
    /// On the command line: the option as a person would write it, such as `--set network.rate`.
    Option(String),
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub value: Value,
    pub origin: Origin,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    String(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// Dates have no use in an experiment; kept as text to say so.
    Date(String),
    List(Vec<Node>),
    Table(Table),
}

/// A table, its keys in the order of the file.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Table {
    pub entries: Vec<Entry>,
}

/// One key of a table; `origin` is the key's own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub key: String,
    pub origin: Origin,
    pub node: Node,
}

impl Value {
    /// What this is, with its article, as an error says it.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::String(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number with a fraction",
            Value::Boolean(_) => "true or false",
            Value::Date(_) => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// The value as a person wrote it, short enough for an error or an axis label.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::String(text) | Value::Date(text) => text.clone().into(),
            Value::Integer(n) => (*n).into(),
            Value::Float(x) => (*x).into(),
            Value::Boolean(b) => (*b).into(),
            Value::List(items) => items.iter().map(|item| item.value.to_json()).collect(),
            Value::Table(table) => {
                table.entries.iter().map(|entry| (entry.key.clone(), entry.node.value.to_json())).collect()
            }
        }
    }
}

impl Table {
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }

    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(index))
    }

    /// Sets `key`, in its place if it is there, at the end if not.
    pub fn set(&mut self, key: &str, node: Node) {
        match self.get_mut(key) {
            Some(entry) => (entry.origin, entry.node) = (node.origin.clone(), node),
            None => self.entries.push(Entry { key: key.to_owned(), origin: node.origin.clone(), node }),
        }
    }
}

/// Why a text is not TOML, and in which line.
pub(crate) struct SyntaxError {
    pub line: usize,
    pub message: String,
}

/// Reads a whole file.
pub(crate) fn parse(text: &str) -> Result<Table, SyntaxError> {
    let parsed = DeTable::parse(text).map_err(|error| SyntaxError {
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        message: error.message().trim().replace('\n', ", "),
    })?;
    Ok(table(parsed.into_inner(), &|offset| Origin::File { line: line_of(text, offset), offset }))
}

/// Reads the value of a command-line option: as TOML if it is that, as a string if it is not (`10Gbit/s`).
pub(crate) fn parse_option(text: &str, option: &str) -> Node {
    let origin = Origin::Option(option.to_owned());
    match DeValue::parse(text) {
        Ok(value) => Node { value: self::value(value.into_inner(), &|_| origin.clone()), origin },
        Err(_) => Node { value: Value::String(text.to_owned()), origin },
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn table(parsed: DeTable<'_>, origin: &dyn Fn(usize) -> Origin) -> Table {
    // The parser sorts by name; people and axes go by the order of the file.
    let mut in_order: Vec<_> = parsed.into_iter().collect();
    in_order.sort_by_key(|(key, _)| key.span().start);
    let entries = in_order
        .into_iter()
        .map(|(key, item)| {
            let (key_at, value_at) = (origin(key.span().start), origin(item.span().start));
            let node = Node { value: value(item.into_inner(), origin), origin: value_at };
            Entry { key: key.into_inner().into_owned(), origin: key_at, node }
        })
        .collect();
    Table { entries }
}

fn value(parsed: DeValue<'_>, origin: &dyn Fn(usize) -> Origin) -> Value {
    match parsed {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Integer(n) => match i64::from_str_radix(n.as_str(), n.radix()) {
            Ok(n) => Value::Integer(n),
            // Larger than any count: the reader then says what it expected instead.
            Err(_) => Value::Float(n.as_str().parse().unwrap_or(f64::INFINITY)),
        },
        DeValue::Float(x) => Value::Float(x.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => Value::Boolean(b),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(items) => Value::List(
            items
                .into_iter()
                .map(|item| {
                    let at = origin(item.span().start);
                    Node { value: value(item.into_inner(), origin), origin: at }
                })
                .collect(),
        ),
        DeValue::Table(inner) => Value::Table(table(inner, origin)),
    }
}
