//! What results were made with and from.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::experiment::{Experiment, TraceSource};

/// What results were made with and from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this program.
    pub burstlab: String,
    /// Commit that it was built from, or `unknown`.
    pub commit: String,
    /// SHA-256 of the experiment's text, before options were laid over it.
    pub experiment_sha256: String,
    /// The recordings.
    pub inputs: Vec<Input>,
    /// Seed of the first cell.
    pub seed: u64,
    /// The command line.
    pub command: String,
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Input {
    /// Where it was read from.
    pub path: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

impl Provenance {
    /// Of `experiment`, run by the command line `command`.
    ///
    /// # Errors
    /// A sentence, if a recording cannot be read.
    pub fn of(experiment: &Experiment, command: &str) -> Result<Provenance, String> {
        let inputs = experiment.traces().into_iter().map(input).collect::<Result<_, _>>()?;
        Ok(Provenance {
            burstlab: env!("CARGO_PKG_VERSION").to_owned(),
            commit: env!("BURSTLAB_COMMIT").to_owned(),
            experiment_sha256: hex(Sha256::digest(experiment.text.as_bytes()).as_slice()),
            inputs,
            seed: experiment.cells.first().map_or(0, |cell| cell.seed),
            command: command.to_owned(),
        })
    }
}

fn input(trace: &TraceSource) -> Result<Input, String> {
    let sha256 = match trace {
        TraceSource::Bundled(_) => hex(Sha256::digest(crate::bundled::RESNET50).as_slice()),
        TraceSource::File(path) => sha256(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?,
    };
    Ok(Input { path: trace.to_string(), sha256 })
}

/// In pieces, as a capture may be larger than memory.
fn sha256(path: &Path) -> std::io::Result<String> {
    let (mut file, mut sha, mut piece) = (std::fs::File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex(sha.finalize().as_slice())),
            n => sha.update(&piece[..n]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
