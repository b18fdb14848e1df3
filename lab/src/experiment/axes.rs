//! Every key that holds a list where it takes one value is an axis; every combination of values is a cell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::ExperimentError;
use super::tree::{Node, Origin, Table, Value};

/// More cells than this are a slip of the keyboard, not an experiment.
const MOST_CELLS: usize = 100_000;

/// One combination: the tree with one value at each key, and the values that tell it from its neighbours.
pub(crate) struct Combination {
    pub tree: Table,
    pub axes: BTreeMap<String, serde_json::Value>,
}

/// A key, or the same key of several tables, and the values that it takes in turn.
struct Axis {
    label: String,
    targets: Vec<Vec<Step>>,
    values: Vec<Node>,
    origin: Origin,
}

#[derive(Clone, PartialEq)]
enum Step {
    Key(String),
    Index { index: usize, of: usize },
}

/// All combinations: the controller turns slowest, then the stack, then the keys in the order of the file, and the seed
/// fastest. With `extremes`, an axis other than the controller and the stack keeps its first and last value alone.
pub(crate) fn expand(root: &Table, extremes: bool, file: &Path) -> Result<Vec<Combination>, ExperimentError> {
    let mut axes = Vec::new();
    find_in_table(root, &mut Vec::new(), &mut axes);
    axes.sort_by_key(|axis| match axis.label.as_str() {
        "stack.controller" => 0,
        "stack.kind" => 1,
        "seed" => 3,
        _ => 2,
    });
    for axis in &mut axes {
        if axis.values.is_empty() {
            return Err(ExperimentError::at(
                file,
                &axis.origin,
                &axis.label,
                "the list is empty, so nothing would run",
            ));
        }
        if let Some(twice) = repeated(&axis.values) {
            let message = format!("{twice} is listed twice, so two runs would be the same");
            return Err(ExperimentError::at(file, &axis.origin, &axis.label, message));
        }
        if extremes && !matches!(axis.label.as_str(), "stack.controller" | "stack.kind") && axis.values.len() > 2 {
            axis.values.drain(1..axis.values.len() - 1);
        }
    }
    let count = axes.iter().try_fold(1usize, |count, axis| count.checked_mul(axis.values.len()));
    match count {
        Some(count) if count <= MOST_CELLS => Ok(combine(root, &axes, count)),
        _ => {
            let keys: Vec<_> = axes.iter().map(|axis| format!("{} x {}", axis.values.len(), axis.label)).collect();
            let message = format!("more than {MOST_CELLS} combinations ({})", keys.join(", "));
            Err(ExperimentError::of_file(file, message))
        }
    }
}

/// The first value that stands in a list twice, as JSON.
fn repeated(values: &[Node]) -> Option<String> {
    let mut seen = BTreeSet::new();
    values.iter().map(|node| node.value.to_json().to_string()).find(|value| !seen.insert(value.clone()))
}

fn combine(root: &Table, axes: &[Axis], count: usize) -> Vec<Combination> {
    (0..count)
        .map(|index| {
            let (mut tree, mut labels, mut rest) = (root.clone(), BTreeMap::new(), index);
            for axis in axes.iter().rev() {
                let value = &axis.values[rest % axis.values.len()];
                rest /= axis.values.len();
                axis.targets.iter().for_each(|target| put(&mut tree, target, value));
                labels.insert(axis.label.clone(), value.value.to_json());
            }
            Combination { tree, axes: labels }
        })
        .collect()
}

fn find_in_table(table: &Table, path: &mut Vec<Step>, axes: &mut Vec<Axis>) {
    for entry in &table.entries {
        path.push(Step::Key(entry.key.clone()));
        match &entry.node.value {
            Value::Table(inner) => find_in_table(inner, path, axes),
            Value::List(items) if is_tables(path) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(Step::Index { index, of: items.len() });
                    if let Value::Table(inner) = &item.value {
                        find_in_table(inner, path, axes);
                    }
                    path.pop();
                }
            }
            Value::List(items) if !is_list_by_nature(path, items) => add(axes, path, items, &entry.node.origin),
            _ => {}
        }
        path.pop();
    }
}

/// `[[job]]`, `[[flow]]`, `[[network.group]]` and `[[network.link]]` are lists of tables that all take part.
fn is_tables(path: &[Step]) -> bool {
    match path {
        [Step::Key(key)] => key == "job" || key == "flow",
        [Step::Key(outer), Step::Key(key)] => outer == "network" && (key == "group" || key == "link"),
        _ => false,
    }
}

/// Keys whose value is a list, or which are the same for all cells.
fn is_list_by_nature(path: &[Step], items: &[Node]) -> bool {
    let keys: Vec<&str> = path
        .iter()
        .filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index { .. } => None,
        })
        .collect();
    match keys[..] {
        // A list of spans is one phase for each copy; a list of words or of lists is an axis of phases.
        ["job", "phase"] => !items.iter().any(|item| match &item.value {
            Value::String(text) => matches!(text.as_str(), "uniform" | "aligned"),
            Value::List(_) => true,
            _ => false,
        }),
        ["name" | "description"] | ["run", "threads"] | ["record", ..] | ["network", "link", "between"] => true,
        _ => false,
    }
}

/// A list laid over several tables by one option is one axis: its values turn together.
fn add(axes: &mut Vec<Axis>, path: &[Step], items: &[Node], origin: &Origin) {
    match axes.iter_mut().find(|axis| &axis.origin == origin && label(&axis.targets[0], false) == label(path, false)) {
        Some(axis) => {
            axis.targets.push(path.to_vec());
            axis.label = label(path, false);
        }
        None => axes.push(Axis {
            label: label(path, true),
            targets: vec![path.to_vec()],
            values: items.to_vec(),
            origin: origin.clone(),
        }),
    }
}

/// The dotted path; the index of a table is named only where there are several.
fn label(path: &[Step], with_index: bool) -> String {
    let parts: Vec<String> = path
        .iter()
        .filter_map(|step| match step {
            Step::Key(key) => Some(key.clone()),
            Step::Index { index, of } if with_index && *of > 1 => Some(index.to_string()),
            Step::Index { .. } => None,
        })
        .collect();
    parts.join(".")
}

fn put(table: &mut Table, path: &[Step], node: &Node) {
    let [Step::Key(key), rest @ ..] = path else { return };
    let Some(entry) = table.get_mut(key) else { return };
    match (rest, &mut entry.node.value) {
        ([], _) => entry.node = node.clone(),
        ([Step::Index { index, .. }, rest @ ..], Value::List(items)) => {
            if let Some(Node { value: Value::Table(inner), .. }) = items.get_mut(*index) {
                put(inner, rest, node);
            }
        }
        (rest, Value::Table(inner)) => put(inner, rest, node),
        _ => {}
    }
}
