//! What can be wrong with a controller's spec, and what was probably meant.

use thiserror::Error;

use super::Parameter;

/// Why a controller's spec cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpecError {
    /// No controller has that name.
    #[error("there is no controller \"{name}\"{} (known: {})", did_you_mean(nearest), known.join(", "))]
    UnknownController {
        /// The name as it was written.
        name: String,
        /// The known name that is most like it.
        nearest: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// The controller has no such parameter.
    #[error(
        "controller \"{controller}\" has no parameter \"{parameter}\"{} ({})",
        did_you_mean(nearest),
        listed(known)
    )]
    UnknownParameter {
        /// The controller's name.
        controller: String,
        /// The parameter as it was written.
        parameter: String,
        /// The known parameter that is most like it.
        nearest: Option<String>,
        /// All of the controller's parameters.
        known: Vec<String>,
    },
    /// A parameter without `=value`.
    #[error("controller \"{controller}\": parameter \"{parameter}\" has no value: expected {expected}")]
    NoValue {
        /// The controller's name.
        controller: String,
        /// The parameter's name.
        parameter: String,
        /// What it takes.
        expected: String,
    },
    /// The same parameter twice.
    #[error("controller \"{controller}\": parameter \"{parameter}\" is given twice")]
    Repeated {
        /// The controller's name.
        controller: String,
        /// The parameter's name.
        parameter: String,
    },
    /// A value of the wrong form or out of range.
    #[error("controller \"{controller}\": parameter \"{parameter}\" cannot be \"{value}\": expected {expected}")]
    BadValue {
        /// The controller's name.
        controller: String,
        /// The parameter's name.
        parameter: String,
        /// The value as it was written.
        value: String,
        /// What it takes.
        expected: String,
    },
}

/// Two controllers cannot have one name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the name \"{name}\" is taken by the controller \"{holder}\"")]
pub struct NameTaken {
    /// The name.
    pub name: String,
    /// The controller that has it.
    pub holder: String,
}

/// What is wrong with one `parameter=value`, before the controller's name is put to it.
pub(super) enum Fault {
    Unknown(String),
    NoValue(&'static Parameter),
    Repeated(&'static Parameter),
    BadValue(&'static Parameter, String),
}

impl Fault {
    pub(super) fn of(self, controller: &str, known: &[Parameter]) -> SpecError {
        let controller = controller.to_owned();
        match self {
            Fault::Unknown(parameter) => SpecError::UnknownParameter {
                controller,
                nearest: nearest(&parameter, known.iter().map(|known| known.name)),
                known: known.iter().map(|known| known.name.to_owned()).collect(),
                parameter,
            },
            Fault::NoValue(parameter) => SpecError::NoValue {
                controller,
                parameter: parameter.name.to_owned(),
                expected: parameter.kind.to_string(),
            },
            Fault::Repeated(parameter) => SpecError::Repeated { controller, parameter: parameter.name.to_owned() },
            Fault::BadValue(parameter, value) => SpecError::BadValue {
                controller,
                parameter: parameter.name.to_owned(),
                value,
                expected: parameter.kind.to_string(),
            },
        }
    }
}

/// The known name that is most like `name`, unless none is like it at all.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    // Below a third in common a suggestion is more of a riddle than a help.
    const ALIKE: f64 = 0.34;
    known
        .map(|known| (strsim::normalized_damerau_levenshtein(name, known), known))
        .filter(|&(likeness, _)| likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known.to_owned())
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |nearest| format!("; did you mean \"{nearest}\"?"))
}

fn listed(known: &[String]) -> String {
    if known.is_empty() { "it has none".to_owned() } else { format!("known: {}", known.join(", ")) }
}
