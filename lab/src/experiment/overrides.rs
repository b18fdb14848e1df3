//! What the command line and `[compare]` lay over an experiment file.

use std::path::Path;

use super::ExperimentError;
use super::tree::{self, Entry, Node, Origin, Table, Value};

/// A value for a key, by the key's dotted path: `network.rate`, `job.copies` (all jobs), `flow.0.count` (the first flow).
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    path: String,
    node: Node,
}

impl Override {
    /// From `KEY=VALUE`, as `--set` takes it. The value is TOML if it reads as TOML, and a string if not.
    ///
    /// # Errors
    /// A sentence, if there is no `=` or no key before it.
    pub fn parse(text: &str) -> Result<Override, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                let key = key.trim();
                Ok(Override { path: key.to_owned(), node: tree::parse_option(value.trim(), &format!("--set {key}")) })
            }
            _ => Err(format!("\"{text}\" is not KEY=VALUE, such as network.rate=1Gbit/s")),
        }
    }

    /// `value` for the key at `path`, as the option `option` asks for it; TOML if it reads as TOML, and a string if not.
    pub fn value(path: &str, value: &str, option: &str) -> Override {
        Override { path: path.to_owned(), node: tree::parse_option(value, option) }
    }

    /// A list of values, which makes the key an axis; each is TOML if it reads as TOML, and a string if not.
    pub fn list(path: &str, values: impl IntoIterator<Item = impl AsRef<str>>, option: &str) -> Override {
        let items = values.into_iter().map(|value| tree::parse_option(value.as_ref(), option)).collect();
        let node = Node { value: Value::List(items), origin: Origin::Option(option.to_owned()) };
        Override { path: path.to_owned(), node }
    }

    /// Lays this over `root`.
    pub(crate) fn apply(&self, root: &mut Table, file: &Path) -> Result<(), ExperimentError> {
        let path = self.path.strip_prefix("compare.").unwrap_or(&self.path);
        set(root, compared_key(path), &self.node, file)
    }
}

/// Moves what `[compare]` lists to the keys that it names, so that there is one place to look for an axis.
pub(super) fn spread_compare(root: &mut Table, file: &Path) -> Result<(), ExperimentError> {
    let Some(Entry { node, .. }) = root.remove("compare") else { return Ok(()) };
    match node.value {
        Value::Table(table) => spread(root, "", table, file),
        other => {
            let message = format!("expected a table, found {}", other.kind());
            Err(ExperimentError::at(file, &node.origin, "[compare]", message))
        }
    }
}

fn spread(root: &mut Table, prefix: &str, table: Table, file: &Path) -> Result<(), ExperimentError> {
    for entry in table.entries {
        let path = format!("{prefix}{}", entry.key);
        match entry.node.value {
            Value::Table(inner) => spread(root, &format!("{path}."), inner, file)?,
            _ => set(root, compared_key(&path), &entry.node, file)?,
        }
    }
    Ok(())
}

/// What is compared most has a short name.
fn compared_key(path: &str) -> &str {
    match path {
        "controller" => "stack.controller",
        "stack" => "stack.kind",
        other => other,
    }
}

fn set(root: &mut Table, path: &str, node: &Node, file: &Path) -> Result<(), ExperimentError> {
    let segments: Vec<&str> = path.split('.').collect();
    if segments.iter().any(|segment| segment.is_empty()) {
        return Err(ExperimentError::at(file, &node.origin, path, "the key has an empty part between its dots"));
    }
    if let ["job" | "flow", ..] = segments[..]
        && root.get(segments[0]).is_none()
    {
        let message = format!("the experiment has no [[{}]]", segments[0]);
        return Err(ExperimentError::at(file, &node.origin, "[compare]", message));
    }
    set_in_table(root, &segments, node).map_err(|message| ExperimentError::at(file, &node.origin, "[compare]", message))
}

fn set_in_table(table: &mut Table, segments: &[&str], node: &Node) -> Result<(), String> {
    let [key, rest @ ..] = segments else { return Ok(()) };
    if rest.is_empty() {
        table.set(key, node.clone());
        return Ok(());
    }
    if table.get(key).is_none() {
        table.set(key, Node { value: Value::Table(Table::default()), origin: node.origin.clone() });
    }
    let entry = table.get_mut(key).expect("it was just put there");
    set_in_value(&mut entry.node.value, key, rest, node)
}

fn set_in_value(value: &mut Value, key: &str, rest: &[&str], node: &Node) -> Result<(), String> {
    match value {
        Value::Table(inner) => set_in_table(inner, rest, node),
        Value::List(items) => match rest[0].parse::<usize>() {
            Ok(index) => {
                let count = items.len();
                let item = items
                    .get_mut(index)
                    .ok_or_else(|| format!("there is no {key}.{index}: the experiment has {count}, counted from 0"))?;
                match rest {
                    [_] => Err(format!("{key}.{index} is a whole table: name one of its keys")),
                    _ => set_in_value(&mut item.value, key, &rest[1..], node),
                }
            }
            Err(_) => items.iter_mut().try_for_each(|item| set_in_value(&mut item.value, key, rest, node)),
        },
        other => Err(format!("{key} is {}, so it has no key {}", other.kind(), rest.join("."))),
    }
}
