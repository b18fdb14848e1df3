//! The parser and the runner of packetdrill scripts.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| burstlab_fuzz::packetdrill::run(data));
