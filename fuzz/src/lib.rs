//! What must hold whatever comes in: one function a target, which panics where it does not.
//!
//! The programs in `fuzz_targets` hand libFuzzer's inputs to these functions; the tests of the workspace hand them the
//! corpora that are kept, and scenarios of proptest's.

pub mod connection;
pub mod experiment;
pub mod packetdrill;
pub mod path;
pub mod segment;
pub mod settings;

/// Structured input from bytes; what is missing at their end reads as zeros.
fn input<'a, T: arbitrary::Arbitrary<'a>>(data: &'a [u8]) -> Option<T> {
    T::arbitrary_take_rest(arbitrary::Unstructured::new(data)).ok()
}
