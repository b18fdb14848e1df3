//! The parser of segments: bytes in, checked against another parser.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| burstlab_fuzz::segment::run(data));
