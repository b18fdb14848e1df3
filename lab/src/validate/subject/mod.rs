//! What is measured: experiments with TCP, servers without it, and recordings.

pub(super) mod queueing;
pub(super) mod recording;
mod stations;

use std::collections::BTreeMap;

use super::band::Precision;

/// A figure and how sure it is, in the results' unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figure {
    pub value: f64,
    pub precision: Option<Precision>,
}

/// What was measured where there is no summary.json, by name.
pub(crate) type Figures = BTreeMap<String, Figure>;

impl Figure {
    pub(super) fn exact(value: f64) -> Figure {
        Figure { value, precision: None }
    }
}
