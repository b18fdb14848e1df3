//! What tests need that make hosts: a machine that lets them, and quiet.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::program::command;

/// One test in real time at a time: two would make each other late, and each other's names look like left behind.
static QUIET: Mutex<()> = Mutex::new(());

/// The machine for `test` alone; `None` if it cannot make hosts, which is then said where it can be read.
pub fn hosts(test: &str) -> Option<MutexGuard<'static, ()>> {
    static REASON: OnceLock<Option<String>> = OnceLock::new();
    if let Some(reason) = REASON.get_or_init(why_not) {
        skipped(test, reason);
        return None;
    }
    Some(QUIET.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Says that `test` was not run. The test harness keeps what passing tests print by `println!`, and not what is written;
/// in one piece, since other tests write at the same time.
pub fn skipped(test: &str, reason: &str) {
    std::io::stderr().write_all(format!("\nskipped: {test}: {reason}\n").as_bytes()).unwrap();
}

/// What the program's doctor says is missing, if anything is.
fn why_not() -> Option<String> {
    let output = command(Path::new("."), &["doctor"]).output().unwrap();
    match output.status.code() {
        Some(0) => None,
        Some(3) => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let missing = said.lines().filter_map(|line| line.strip_prefix("MISSING"));
            let missing = missing.map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "));
            Some(missing.collect::<Vec<_>>().join("; "))
        }
        code => panic!("burstlab doctor ended with {code:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// Whether hosts have names that other programs can use, as they have for root.
pub fn named() -> bool {
    burstlab_engine::hosts::Hosts::names_available()
}
