//! What burstlab shows as a whole: each module a theme, each test a sentence.

mod agreement;
mod bad_captures;
mod bad_experiments;
mod book;
mod captures;
mod check;
mod compare;
mod conformance;
mod determinism;
#[cfg(target_os = "linux")]
mod hosts;
mod incast;
mod interruption;
mod long_flows;
mod multiplexing;
mod packetdrill;
mod program;
mod recording;
mod report;
mod robustness;
#[cfg(target_os = "linux")]
mod shell;
#[cfg(target_os = "linux")]
mod tun;
#[cfg(target_os = "linux")]
mod tun_agreement;
#[cfg(target_os = "linux")]
mod tun_bad_input;
#[cfg(target_os = "linux")]
mod tun_cleanup;
#[cfg(target_os = "linux")]
mod under_way;
mod validation;
