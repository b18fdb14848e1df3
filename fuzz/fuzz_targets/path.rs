//! Two native connections over a path that loses, doubles, overtakes and marks.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| burstlab_fuzz::path::run(data));
