//! The parser of packetdrill scripts, and the runner.

use burstlab_algorithms::Registry;
use burstlab_packetdrill::run::{Options, run as play};
use burstlab_packetdrill::script::Script;

/// Any text is a script or is refused in a sentence; a script runs to some end.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Script::parse("fuzzed.pkt", text, &[]) {
        Ok(script) => {
            assert_eq!(Script::parse("fuzzed.pkt", text, &[]).as_ref(), Ok(&script), "read twice, it differs");
            play("fuzzed.pkt", text, &Registry::default(), &Options::default());
        }
        Err(error) => assert!(error.to_string().contains("fuzzed.pkt"), "the file is not named: {error}"),
    }
}
