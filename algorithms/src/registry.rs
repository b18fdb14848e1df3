//! Controllers by name: what there is, what it can be told, and how to make one.

use std::fmt;
use std::sync::Arc;

use crate::{Controller, EcnFeedback, Path, bbr, bbr1, cubic, dctcp, paced, reno};

mod error;
mod parameter;

pub use error::{NameTaken, SpecError};
pub use parameter::{Kind, Parameter, Params, Value};

/// A controller that the lab can run: its name, what it is, and how it is made.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Name in experiments and on the command line.
    pub name: &'static str,
    /// Further names for it.
    pub aliases: &'static [&'static str],
    /// What it is, in a line.
    pub summary: &'static str,
    /// What can be set, `name?parameter=value`.
    pub parameters: &'static [Parameter],
    /// What it needs of the network and the stack.
    pub needs: Needs,
    /// Where its rules come from.
    pub source: &'static str,
    /// Makes one for a connection.
    pub build: fn(&Params, &Path) -> Box<dyn Controller>,
}

impl Entry {
    /// An entry without parameters or needs; what it has more is set on it: `Entry { summary: "...", ..Entry::new(...) }`.
    pub const fn new(name: &'static str, build: fn(&Params, &Path) -> Box<dyn Controller>) -> Entry {
        Entry { name, aliases: &[], summary: "", parameters: &[], needs: Needs::NOTHING, source: "", build }
    }
}

/// What a controller needs of the network and the stack to be itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Queues that mark instead of dropping.
    pub ecn_marking: bool,
    /// The oracle's answer: the flow's fair share of its path.
    pub fair_share: bool,
    /// A stack that paces.
    pub pacing: bool,
    /// In-band telemetry from each hop.
    pub telemetry: bool,
    /// The training job's view of its iteration.
    pub job_view: bool,
}

impl Needs {
    /// Nothing but a network that drops when it is full.
    pub const NOTHING: Needs =
        Needs { ecn_marking: false, fair_share: false, pacing: false, telemetry: false, job_view: false };

    /// Each need in words, in a stable order.
    pub fn words(&self) -> Vec<&'static str> {
        [
            (self.ecn_marking, "ECN marking"),
            (self.fair_share, "fair-share oracle"),
            (self.pacing, "pacing"),
            (self.telemetry, "in-band telemetry"),
            (self.job_view, "job view"),
        ]
        .into_iter()
        .filter_map(|(needed, words)| needed.then_some(words))
        .collect()
    }
}

/// The controllers that an experiment can name.
#[derive(Debug, Clone)]
pub struct Registry {
    entries: Vec<Entry>,
}

impl Default for Registry {
    /// The built-in controllers.
    fn default() -> Registry {
        Registry { entries: vec![reno::ENTRY, cubic::ENTRY, dctcp::ENTRY, bbr::ENTRY, bbr1::ENTRY, paced::ENTRY] }
    }
}

impl Registry {
    /// A registry without any controllers.
    pub const fn empty() -> Registry {
        Registry { entries: Vec::new() }
    }

    /// Adds a controller.
    ///
    /// ```
    /// use burstlab_algorithms::{
    ///     Ack, Bytes, Congestion, Control, Controller, Entry, Explanation, Kind, Parameter, Path, Registry,
    /// };
    ///
    /// struct Fixed { window: Bytes }
    ///
    /// impl Controller for Fixed {
    ///     fn on_ack(&mut self, _: &Ack) {}
    ///     fn on_congestion(&mut self, _: &Congestion) {}
    ///     fn control(&self) -> Control { Control::window(self.window) }
    ///     fn explain(&self) -> Explanation { Explanation::default() }
    /// }
    ///
    /// const PACKETS: Parameter = Parameter {
    ///     name: "packets",
    ///     kind: Kind::Integer { default: 10, min: 1, max: 10_000 },
    ///     about: "window, in packets",
    /// };
    ///
    /// let mut registry = Registry::default();
    /// registry.add(Entry {
    ///     summary: "a window that never changes",
    ///     parameters: &[PACKETS],
    ///     ..Entry::new("fixed", |params, path| {
    ///         Box::new(Fixed { window: Bytes::new(params.integer("packets") * path.mss.get()) })
    ///     })
    /// })?;
    /// let fixed = registry.parse("fixed?packets=4")?.build(&Path::default());
    /// assert_eq!(fixed.control().window, Bytes::new(4 * 1460));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If its name or one of its aliases is taken.
    pub fn add(&mut self, entry: Entry) -> Result<(), NameTaken> {
        for name in names(&entry) {
            if let Some(holder) = self.find(name) {
                return Err(NameTaken { name: name.to_owned(), holder: holder.name.to_owned() });
            }
        }
        self.entries.push(entry);
        Ok(())
    }

    /// The controllers in the order in which they were added.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The controller of that name or alias.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| names(entry).any(|known| known == name))
    }

    /// Reads `name` or `name?parameter=value&parameter=value`.
    ///
    /// # Errors
    /// If the controller or a parameter is unknown, given twice, or its value is not what it takes.
    pub fn parse(&self, spec: &str) -> Result<Builder, SpecError> {
        let (name, settings) = spec.trim().split_once('?').unwrap_or((spec.trim(), ""));
        let entry = *self.find(name).ok_or_else(|| self.unknown(name))?;
        let mut params = Params::defaults(entry.parameters);
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            params.set(setting).map_err(|fault| fault.of(entry.name, entry.parameters))?;
        }
        Ok(Builder { inner: Arc::new((entry, params)) })
    }

    fn unknown(&self, name: &str) -> SpecError {
        let known = || self.entries.iter().flat_map(names);
        SpecError::UnknownController {
            name: name.to_owned(),
            nearest: error::nearest(name, known()),
            known: self.entries.iter().map(|entry| entry.name.to_owned()).collect(),
        }
    }
}

fn names(entry: &Entry) -> impl Iterator<Item = &'static str> + use<> {
    std::iter::once(entry.name).chain(entry.aliases.iter().copied())
}

/// A controller with its parameters set: makes one for each connection. Cheap to clone and to share.
#[derive(Debug, Clone)]
pub struct Builder {
    inner: Arc<(Entry, Params)>,
}

impl Builder {
    /// A controller for a connection.
    pub fn build(&self, path: &Path) -> Box<dyn Controller> {
        (self.entry().build)(self.params(), path)
    }

    /// How congestion marks must be echoed for it.
    pub fn ecn_feedback(&self) -> EcnFeedback {
        self.build(&Path::default()).ecn_feedback()
    }

    /// The registry's entry for it.
    pub fn entry(&self) -> &Entry {
        &self.inner.0
    }

    /// Its parameters.
    pub fn params(&self) -> &Params {
        &self.inner.1
    }
}

impl fmt::Display for Builder {
    /// The name, and the parameters that were set, as [`Registry::parse`] reads them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().name)?;
        for (i, (name, value)) in self.params().settings().enumerate() {
            write!(f, "{}{name}={value}", if i == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(spec: &str) -> String {
        Registry::default().parse(spec).unwrap_err().to_string()
    }

    #[test]
    fn every_built_in_controller_builds_with_its_defaults() {
        let registry = Registry::default();
        let names: Vec<_> = registry.entries().iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["reno", "cubic", "dctcp", "bbr", "bbr1", "paced"]);
        for name in names {
            let builder = registry.parse(name).unwrap();
            assert!(builder.build(&Path::default()).control().window.get() > 0);
            assert_eq!(builder.to_string(), name);
        }
    }

    #[test]
    fn a_spec_sets_parameters_and_prints_them_again() {
        let builder = Registry::default().parse("dctcp?g=0.125&min_window=4").unwrap();
        assert_eq!(builder.params().number("g"), 0.125);
        assert_eq!(builder.params().integer("min_window"), 4);
        assert_eq!(builder.to_string(), "dctcp?g=0.125&min_window=4");
        assert_eq!(builder.ecn_feedback(), EcnFeedback::Dctcp);
    }

    #[test]
    fn aliases_lead_to_the_same_controller() {
        let registry = Registry::default();
        assert_eq!(registry.parse("newreno").unwrap().to_string(), "reno");
        assert_eq!(registry.parse("bbr3").unwrap().to_string(), "bbr");
        assert_eq!(registry.parse("bbrv3").unwrap().to_string(), "bbr");
    }

    #[test]
    fn a_wrong_name_is_told_the_nearest_one() {
        assert_eq!(
            fault("dcpct"),
            "there is no controller \"dcpct\"; did you mean \"dctcp\"? (known: reno, cubic, dctcp, bbr, bbr1, paced)"
        );
        assert_eq!(
            fault("zzzzzzzz"),
            "there is no controller \"zzzzzzzz\" (known: reno, cubic, dctcp, bbr, bbr1, paced)"
        );
        assert!(fault("").contains("known: reno"));
    }

    #[test]
    fn a_wrong_parameter_is_told_the_nearest_one() {
        assert!(fault("dctcp?min_windw=2").contains("did you mean \"min_window\"?"), "{}", fault("dctcp?min_windw=2"));
        assert!(fault("dctcp?g").contains("has no value"), "{}", fault("dctcp?g"));
        assert!(fault("dctcp?g=0.1&g=0.2").contains("twice"), "{}", fault("dctcp?g=0.1&g=0.2"));
    }

    #[test]
    fn a_wrong_value_is_told_what_was_expected() {
        assert_eq!(
            fault("dctcp?g=2"),
            "controller \"dctcp\": parameter \"g\" cannot be \"2\": expected a number from 0.0001 to 1"
        );
        for (spec, part) in [
            ("dctcp?g=NaN", "a number"),
            ("dctcp?g=", "a number"),
            ("dctcp?min_window=1.5", "a whole number from 1"),
            ("reno?ecn=perhaps", "\"true\" or \"false\""),
            ("paced?rate=10", "10Gbit/s"),
            ("paced?rate=0bit/s", "at least"),
        ] {
            assert!(fault(spec).contains(part), "{spec}: {}", fault(spec));
        }
    }

    #[test]
    fn an_outside_controller_takes_a_name_of_its_own() {
        let mut registry = Registry::default();
        let mine = Entry { name: "mine", aliases: &["my"], ..reno::ENTRY };
        registry.add(mine).unwrap();
        assert_eq!(registry.parse("my?ecn=true").unwrap().to_string(), "mine?ecn=true");
        let taken = registry.add(Entry { name: "other", aliases: &["dctcp"], ..reno::ENTRY }).unwrap_err();
        assert_eq!(taken.to_string(), "the name \"dctcp\" is taken by the controller \"dctcp\"");
    }

    #[test]
    fn a_builder_crosses_threads() {
        fn shared<T: Clone + Send + Sync>(_: &T) {}
        shared(&Registry::default().parse("reno").unwrap());
    }

    proptest! {
        #[test]
        fn parsing_never_panics(spec in "(reno|dctcp|paced|bbr|.{0,5})[?]?(g|ecn|rate|.{0,3})=?.{0,8}") {
            let _ = Registry::default().parse(&spec);
        }
    }
}
