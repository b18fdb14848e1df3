//! One native connection against a peer that sends whatever it likes.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| burstlab_fuzz::connection::run(data));
