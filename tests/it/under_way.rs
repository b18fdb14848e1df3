//! A run in real time, while it is under way and after.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::hosts;
use crate::program::{Ended, Folder, command};

/// Both stacks that there are between a wire and an application: ours, and Linux's.
const EXPERIMENT: &str = r#"
name = "short"

[network]
rate = "500Mbit/s"
delay = "50us"
queue = { kind = "drop-tail", limit = "100p" }

[stack]
receiver = "kernel"

[[flow]]
bytes = "20MB"

[run]
on = "tun"
"#;

/// What makes the run one of hours.
pub const ENDLESS: [&str; 2] = ["--set", "flow.bytes=100TB"];
/// Far more than any machine needs; only a fault takes as long.
const PATIENCE: Duration = Duration::from_secs(60);
/// In the environment of what is started, and so of all that it starts.
const MARK: &str = "BURSTLAB_TEST_RUN";

/// A folder with the experiment.
pub fn folder() -> Folder {
    let folder = Folder::new();
    folder.put("short.toml", EXPERIMENT);
    folder
}

/// A run on its own, known by its mark wherever a part of it is.
pub struct Run {
    pub child: Child,
    mark: String,
}

impl Run {
    /// Starts it.
    pub fn start(folder: &Folder, test: &str, arguments: &[&str]) -> Run {
        let mark = format!("{test}-{}", std::process::id());
        let child = command(folder.path(), &[&["run", "short.toml"], arguments].concat())
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Run { child, mark }
    }

    /// The names of its namespaces.
    pub fn names(&self) -> Vec<String> {
        let own = format!("burstlab-{}-", self.child.id());
        let names = fs::read_dir("/run/netns").into_iter().flatten().flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(&own)).collect()
    }

    /// Waits until its hosts are there and the traffic has begun.
    pub fn await_traffic(&mut self) {
        let begin = Instant::now();
        // A thread of each host waits in its namespace, whether it has a name or not.
        while self.namespaces() < 2 {
            assert_eq!(self.child.try_wait().unwrap(), None, "it ended before");
            assert!(begin.elapsed() < PATIENCE, "it makes no hosts");
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(200));
    }

    /// How many namespaces other than the machine's its threads are in.
    fn namespaces(&self) -> usize {
        let own = fs::read_link("/proc/self/ns/net").unwrap();
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).into_iter().flatten().flatten();
        let mut all: Vec<_> = tasks.flat_map(|task| fs::read_link(task.path().join("ns/net"))).collect();
        all.retain(|namespace| *namespace != own);
        all.sort();
        all.dedup();
        all.len()
    }

    /// `words` as a command line in a host's namespace.
    pub fn on_host(&self, host: &str, words: &[&str]) -> Command {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        let tasks = fs::read_dir(process.join("task")).unwrap().flatten().map(|task| task.path());
        let named = |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == host);
        let task = { tasks }.find(named).expect("each host has a thread of its name");
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", task.join("ns/net").display()));
        if !hosts::named() {
            command.arg("--preserve-credentials").arg(format!("--user={}", process.join("ns/user").display()));
        }
        command.args(words);
        command
    }

    /// Sends it a signal, by its name for kill(1).
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Asserts that nothing of it is there any more.
    pub fn assert_gone(&self) {
        assert_eq!(self.names(), Vec::<String>::new());
        assert!(!Path::new("/run/burstlab").join(format!("burstlab-{}", self.child.id())).exists());
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        assert!(!mounts.contains(&format!("burstlab-{}-", self.child.id())), "{mounts}");
        self.assert_no_process();
    }

    /// Asserts that no process of it is there any more.
    pub fn assert_no_process(&self) {
        let line = format!("{MARK}={}", self.mark);
        let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        let left: Vec<_> = processes
            .filter(|process| {
                let environment = fs::read(process.join("environ")).unwrap_or_default();
                environment.split(|byte| *byte == 0).any(|word| word == line.as_bytes())
            })
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// Waits for its end.
    pub fn end(&mut self) -> Ended {
        let begin = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if begin.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                panic!("it does not end");
            }
            thread::sleep(Duration::from_millis(5));
        }
        let read = |pipe: &mut dyn std::io::Read| {
            let mut text = String::new();
            pipe.read_to_string(&mut text).unwrap();
            text
        };
        Ended {
            code: self.child.wait().unwrap().code().unwrap_or(-1),
            stdout: read(self.child.stdout.as_mut().unwrap()),
            stderr: read(self.child.stderr.as_mut().unwrap()),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Of a test that failed before its end; else it has ended and there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
