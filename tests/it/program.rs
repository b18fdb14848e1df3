//! Runs the program, each time in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use burstlab::results::{Run, Summary};
use serde_json::Value;

/// A file of the repository.
pub fn repository(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join(path).to_str().unwrap().to_owned()
}

/// The bundled recording.
pub fn recording() -> String {
    repository("traces/resnet50-ddp-4w.pcap.zst")
}

/// The program with `arguments`, to be run in `folder`.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_burstlab-under-test"));
    command.current_dir(folder).args(arguments);
    command
}

/// How the program ended, and what it said.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn of(output: Output) -> Ended {
        Ended {
            code: output.status.code().expect("it ends by itself"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts that it went well, and gives what it printed.
    pub fn good(self) -> String {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self.stdout
    }

    /// Asserts that it ended with `code`, no results and one sentence on stderr that holds all of `parts`.
    pub fn told(&self, code: i32, parts: &[&str]) {
        let Ended { stdout, stderr, .. } = self;
        assert_eq!((self.code, stdout.as_str(), stderr.lines().count()), (code, "", 1), "{stderr}");
        assert!(stderr.starts_with("burstlab: ") && !stderr.contains("panicked"), "{stderr}");
        parts.iter().for_each(|part| assert!(stderr.contains(part), "expected \"{part}\" in: {stderr}"));
    }
}

/// A folder to run in.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub fn burstlab(&self, arguments: &[&str]) -> Ended {
        Ended::of(command(self.path(), arguments).output().unwrap())
    }

    /// Runs `experiment` of the repository with further arguments, results in `results`.
    pub fn run(&self, experiment: &str, arguments: &[&str]) -> Vec<Run> {
        let experiment = repository(experiment);
        let all = [&["run", experiment.as_str(), "--json", "--out", "results"], arguments].concat();
        Summary::parse(&self.burstlab(&all).good()).unwrap().runs
    }

    /// A JSON document that a command prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.burstlab(&[arguments, &["--json"]].concat()).good()).unwrap()
    }

    /// Whether a run has left anything behind.
    pub fn has_results(&self) -> bool {
        self.path().join("results").exists()
    }
}

/// summary.json in `results` without the two fields that a clock decides.
pub fn timeless(results: &Path) -> Value {
    let mut summary: Value = serde_json::from_str(&fs::read_to_string(results.join(Summary::FILE)).unwrap()).unwrap();
    for run in summary["runs"].as_array_mut().unwrap() {
        let run = run.as_object_mut().unwrap();
        assert!(run.remove("wall").is_some() && run.remove("setup_wall").is_some());
    }
    summary
}
