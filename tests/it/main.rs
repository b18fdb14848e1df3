//! What burstlab shows as a whole: each module a theme, each test a sentence.

mod bad_captures;
mod bad_experiments;
mod book;
mod captures;
mod check;
mod compare;
mod determinism;
mod incast;
mod interruption;
mod long_flows;
mod multiplexing;
mod program;
mod recording;
mod report;
#[cfg(target_os = "linux")]
mod shell;
