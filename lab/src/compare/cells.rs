//! Which runs are of the same thing: grouping by what an experiment varies.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::experiment::REPEAT_AXIS;
use crate::results::Run;
use crate::table::plain;

/// Axes along which the same thing runs again, or in the other time. What differs along them is noise, or what is asked.
const REPETITIONS: [&str; 3] = ["seed", REPEAT_AXIS, "run.on"];

/// What an experiment varies and a comparison holds still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// The controller with its parameters.
    pub controller: String,
    /// Copies of each job.
    pub copies: u32,
    /// The values of the other axes, by dotted key.
    pub axes: BTreeMap<String, Value>,
    /// The stack.
    pub stack: String,
}

impl Key {
    fn of(run: &Run) -> Key {
        let axes = run.axes.iter().filter(|(axis, _)| !REPETITIONS.contains(&axis.as_str()));
        Key {
            controller: run.controller.clone(),
            copies: run.copies,
            axes: axes.map(|(axis, value)| (axis.clone(), value.clone())).collect(),
            stack: run.stack.clone(),
        }
    }

    /// The cell in one line: `dctcp x 4, flow.count = 64, native`.
    pub fn label(&self) -> String {
        let axes: String = self.axes.iter().map(|(axis, value)| format!(", {axis} = {}", plain(value))).collect();
        format!("{} x {}{axes}, {}", self.controller, self.copies, self.stack)
    }
}

/// The runs of one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<'a> {
    /// What they have in common.
    pub key: Key,
    /// The runs.
    pub runs: Vec<&'a Run>,
}

/// The runs by cell, in the order in which cells first appear: the experiment's.
pub fn group<'a>(runs: &[&'a Run]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for run in runs {
        let key = Key::of(run);
        match groups.iter_mut().find(|group| group.key == key) {
            Some(group) => group.runs.push(run),
            None => groups.push(Group { key, runs: vec![run] }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(controller: &str, seed: u64, axes: &[(&str, Value)]) -> Run {
        let axes = axes.iter().map(|(axis, value)| ((*axis).to_owned(), value.clone())).collect();
        Run { controller: controller.to_owned(), stack: "native".to_owned(), seed, axes, ..Run::default() }
    }

    #[test]
    fn seeds_and_repetitions_are_of_one_cell_and_other_axes_are_not() {
        let runs = [
            run("dctcp", 1, &[("run.repeat", 1.into())]),
            run("reno", 1, &[("run.repeat", 1.into())]),
            run("dctcp", 2, &[("run.repeat", 2.into()), ("run.on", "tun".into())]),
            run("dctcp", 1, &[("run.repeat", 1.into()), ("flow.count", 8.into())]),
            run("dctcp", 1, &[("seed", 9.into())]),
        ];
        let groups = group(&runs.iter().collect::<Vec<_>>());
        let found: Vec<(String, usize)> = groups.iter().map(|group| (group.key.label(), group.runs.len())).collect();
        let expected = [("dctcp x 0, native", 3), ("reno x 0, native", 1), ("dctcp x 0, flow.count = 8, native", 1)];
        assert_eq!(found, expected.map(|(label, runs)| (label.to_owned(), runs)));
    }
}
