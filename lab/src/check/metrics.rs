//! A run as a flat list of named numbers.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::results::Run;
use crate::table::plain;

/// What names a run, and what differs between two runs of one seed.
const NOT_METRICS: [&str; 10] =
    ["controller", "stack", "on", "copies", "seed", "axes", "wall", "setup_wall", "real_time", "incomplete"];

/// Every metric of `run` by its dotted path: `bottleneck.queue_delay.p99`, `jobs.NAME.iteration.p50`.
pub(crate) fn of(run: &Run) -> BTreeMap<String, Value> {
    let mut metrics = BTreeMap::new();
    if let Ok(Value::Object(fields)) = serde_json::to_value(run) {
        let fields = fields.iter().filter(|(key, _)| !NOT_METRICS.contains(&key.as_str()));
        fields.for_each(|(key, value)| flatten(key, value, &mut metrics));
    }
    metrics
}

fn flatten(path: &str, value: &Value, metrics: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(key, _)| *key != "name");
            fields.for_each(|(key, value)| flatten(&format!("{path}.{key}"), value, metrics));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| {
            // By name where there is one: a list may grow at its front.
            let name = item.get("name").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned);
            flatten(&format!("{path}.{name}"), item, metrics);
        }),
        _ => _ = metrics.insert(path.to_owned(), value.clone()),
    }
}

/// What tells a run from the others of its experiment.
pub(crate) fn run_label(run: &Run) -> String {
    let mut label = format!("{} x {}", run.controller, run.copies);
    run.axes.iter().for_each(|(axis, value)| label += &format!(", {axis} = {}", plain(value)));
    label + &format!(", seed {}, {} on {}", run.seed, run.stack, run.on)
}

/// Unique data packets per second of wall-clock time.
pub(super) fn speed(run: &Run) -> Option<f64> {
    (run.wall > 0).then(|| run.data_packets as f64 / run.wall as f64 * 1e9)
}
