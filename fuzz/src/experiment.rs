//! The parser of experiments.

use std::path::Path;

use burstlab::experiment::{Experiment, Options};
use burstlab_algorithms::Registry;

/// Any text is an experiment or is refused in a sentence; reading it twice gives the same.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let registry = Registry::default();
    // In small: a file of a few lines can ask for 100 000 cells, which takes time and finds nothing.
    let options = Options { overrides: &[], quick: true, registry: &registry };
    let read = || Experiment::parse(text.to_owned(), Path::new("fuzzed.toml"), &options);
    match read() {
        Ok(experiment) => {
            assert!(!experiment.cells.is_empty(), "an experiment without cells was taken");
            assert_eq!(read().as_ref(), Ok(&experiment), "read twice, it differs");
        }
        Err(error) => {
            let sentence = error.to_string();
            assert!(sentence.contains("fuzzed.toml"), "the file is not named: {sentence}");
            assert_eq!(read().as_ref().err(), Some(&error), "refused twice, for different reasons");
        }
    }
}
