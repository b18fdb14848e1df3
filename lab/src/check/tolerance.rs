//! How far a metric may be from its baseline.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// How far a metric may be from its baseline, in either direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// As a part of the baseline: `5%` is 0.05.
    Part(f64),
    /// In the metric's own unit.
    Absolute(f64),
}

impl Tolerance {
    /// Not at all.
    pub const EXACT: Tolerance = Tolerance::Absolute(0.0);

    /// Whether `found` is near enough to `baseline`; what is no number must be the same.
    pub fn accepts(self, baseline: &Value, found: &Value) -> bool {
        if baseline == found {
            return true;
        }
        let Some((baseline, found)) = baseline.as_f64().zip(found.as_f64()) else { return false };
        let allowed = match self {
            Tolerance::Part(part) => part * baseline.abs(),
            Tolerance::Absolute(value) => value,
        };
        (found - baseline).abs() <= allowed
    }
}

impl FromStr for Tolerance {
    type Err = String;
    fn from_str(text: &str) -> Result<Tolerance, String> {
        let number = |text: &str| text.trim().parse().ok().filter(|x: &f64| x.is_finite() && *x >= 0.0);
        let read = match text.trim().strip_suffix('%') {
            Some(percent) => number(percent).map(|percent| Tolerance::Part(percent / 100.0)),
            None => number(text).map(Tolerance::Absolute),
        };
        read.ok_or_else(|| {
            format!("\"{text}\" is not a tolerance; expected a part such as 5%, or a value in the metric's unit")
        })
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Percent of a rounded part: 0.07 x 100 is not 7 in binary.
            Tolerance::Part(part) => write!(f, "{}%", (part * 1e8).round() / 1e6),
            Tolerance::Absolute(value) => write!(f, "{value}"),
        }
    }
}

/// Tolerances by the name of the metric, in which `*` stands for anything.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tolerances {
    by_pattern: BTreeMap<String, Tolerance>,
}

impl Tolerances {
    /// From a baseline file's patterns and values.
    ///
    /// # Errors
    /// A sentence, if a value is not a tolerance.
    pub fn read(written: &BTreeMap<String, String>) -> Result<Tolerances, String> {
        let read = written.iter().map(|(pattern, value)| Ok((pattern.clone(), value.parse()?)));
        Ok(Tolerances { by_pattern: read.collect::<Result<_, String>>()? })
    }

    /// The patterns and values as a baseline file holds them.
    pub fn written(&self) -> BTreeMap<String, String> {
        self.by_pattern.iter().map(|(pattern, tolerance)| (pattern.clone(), tolerance.to_string())).collect()
    }

    /// Sets what `METRIC=TOLERANCE` says, over what was said of the same pattern before.
    ///
    /// # Errors
    /// A sentence, if it is not of that form.
    pub fn set(&mut self, setting: &str) -> Result<(), String> {
        match setting.split_once('=') {
            Some((pattern, value)) if !pattern.trim().is_empty() => {
                self.by_pattern.insert(pattern.trim().to_owned(), value.parse()?);
                Ok(())
            }
            _ => Err(format!("\"{setting}\" is not METRIC=TOLERANCE, such as bottleneck.queue_delay.*=5%")),
        }
    }

    /// The tolerance of `metric`: that of the longest pattern that fits it, as the most particular, and none without one.
    pub fn of(&self, metric: &str) -> Tolerance {
        let fitting = self.by_pattern.iter().filter(|(pattern, _)| fits(pattern, metric));
        fitting.max_by_key(|(pattern, _)| pattern.len()).map_or(Tolerance::EXACT, |(_, tolerance)| *tolerance)
    }
}

/// Whether `pattern`, in which `*` stands for any characters, is the whole of `name`.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a.bc", false),
            ("a.*", "a.b.c", true),
            ("*.p99", "bottleneck.queue_delay.p99", true),
            ("*.p99", "bottleneck.queue_delay.p999", false),
            ("jobs.*.iteration.*", "jobs.x.iteration.p50", true),
            ("a*a", "a", false),
            ("*", "anything", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn the_longest_pattern_wins() {
        let mut tolerances = Tolerances::default();
        ["*=50%", "flows.*=5%", "flows.timeouts=2"].iter().for_each(|setting| tolerances.set(setting).unwrap());
        assert_eq!(tolerances.of("simulated"), Tolerance::Part(0.5));
        assert_eq!(tolerances.of("flows.goodput"), Tolerance::Part(0.05));
        assert_eq!(tolerances.of("flows.timeouts"), Tolerance::Absolute(2.0));
        assert_eq!(Tolerances::read(&tolerances.written()), Ok(tolerances));
    }

    #[test]
    fn what_is_not_a_tolerance_is_told_so() {
        let mut tolerances = Tolerances::default();
        for setting in ["flows", "=5%", "flows=", "flows=-1%", "flows=five", "flows=NaN"] {
            assert!(tolerances.set(setting).is_err(), "{setting}");
        }
    }
}
