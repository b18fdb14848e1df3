//! Ctrl-C keeps what has ended.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use burstlab::results::Summary;

use crate::program::{Ended, Folder, command};

/// The first run ends at once, the second not in hours.
const ENDLESS: &str = r#"
name = "endless"

[network]
rate = "10Gbit/s"
delay = "5us"
queue = { kind = "drop-tail", limit = "100p" }

[[flow]]
count = 2
bytes = ["10kB", "100TB"]

[run]
threads = 1
"#;

/// Far more than any machine needs; only a fault takes as long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Polls until `done` gives something; ends the program if it never does.
fn await_or_kill<T>(child: &mut Child, what: &str, mut done: impl FnMut(&mut Child) -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = done(child) {
            return value;
        }
        if begin.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("{what}: not in {} s", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_keeps_the_cells_that_have_ended() {
    let folder = Folder::new();
    folder.put("endless.toml", ENDLESS);
    let results = folder.path().join("results/endless");
    let mut child = command(folder.path(), &["run", "endless.toml"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    await_or_kill(&mut child, "the first cell is written", |child| {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it was interrupted");
        Summary::read(&results).ok()
    });
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    await_or_kill(&mut child, "the program ends", |child| child.try_wait().unwrap());
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.stderr.lines().count()), (130, 1), "{}", ended.stderr);
    for part in ["interrupted; 1 run", "kept in results/endless"] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    let summary = Summary::read(&results).unwrap();
    assert_eq!((summary.complete, summary.runs.len()), (false, 1));
    assert_eq!(summary.runs[0].axes["flow.bytes"], "10kB");
    assert!(fs::read_to_string(results.join("report.html")).unwrap().trim_end().ends_with("</html>"));
}
