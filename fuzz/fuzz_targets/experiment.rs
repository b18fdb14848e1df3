//! The parser of experiments.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| burstlab_fuzz::experiment::run(data));
