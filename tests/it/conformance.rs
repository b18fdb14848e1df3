//! The conformance page says what the tests hold.

use std::process::Command;

#[test]
fn the_conformance_page_is_what_catalogue_and_annotations_make_of_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_conformance")).arg("--check").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
