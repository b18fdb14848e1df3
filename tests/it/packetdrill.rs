//! Scripts in packetdrill's language, run by the program.

use std::fs;

use serde_json::Value;

use crate::program::{Ended, Folder, repository};

/// A connection that is open at 0.1 s: the peer takes segments of 1000 bytes.
const OPEN: &str = "\
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
";

fn packetdrill(arguments: &[&str]) -> Ended {
    let folder = Folder::new();
    folder.burstlab(&[&["packetdrill"], arguments].concat())
}

/// Runs `OPEN` and what follows upon it.
fn ends(rest: &str, arguments: &[&str]) -> Ended {
    let folder = Folder::new();
    fs::write(folder.path().join("script.pkt"), format!("{OPEN}{rest}")).unwrap();
    folder.burstlab(&[&["packetdrill", "script.pkt"], arguments].concat())
}

/// What the program says of a script that fails, without the time that it took.
fn failure(rest: &str) -> String {
    let ended = ends(rest, &[]);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    let lines = ended.stdout.lines().skip(1).filter(|line| !line.contains(" ok, ") && !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_script_of_the_repository_passes() {
    let ended = packetdrill(&["--in-order", &repository("tests/packetdrill")]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert!(!ended.stdout.contains("skipped  "), "{}", ended.stdout);
}

#[test]
fn the_number_that_the_stack_begins_with_makes_no_difference() {
    // The stack's numbers wrap within the first kilobyte.
    let ended = packetdrill(&["--initial-sequence", "4294967000", &repository("tests/packetdrill")]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}

#[test]
fn a_wrong_number_is_shown_beside_the_right_one() {
    let said = failure("+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 2\n");
    let lines = [
        "script.pkt:9: another packet was expected than came at 0.100000 s",
        "  script: +0 > P. 1:1001(1000) ack 2",
        "  came:   0.100000 s > P. 1:1001(1000) ack 1 win 65535",
        "  acknowledgement: expected 2, came 1",
        "  packets before:",
        "       0.000000 < S 0:0(0) win 65535 <mss 1000>",
        "       0.000000 > S. 0:0(0) ack 1 win 65535 <mss 1460>",
        "       0.100000 < . 1:1(0) ack 1 win 65535",
    ];
    assert_eq!(said, lines.join("\n"));
}

#[test]
fn a_packet_too_many_fails_at_the_next_that_is_expected() {
    let said = failure(
        "+0 write(4, ..., 2000) = 2000\n+0 > . 1:1001(1000) ack 1\n+.1 < . 1:1(0) ack 2001 win 65535\n+0 close(4) = 0\n+0 > F. 2001:2001(0) ack 1\n",
    );
    assert!(said.contains("script.pkt:12: a"), "{said}");
    assert!(said.contains("flags: expected F., came P."), "{said}");
    assert!(said.contains("sequence numbers: expected 2001:2001(0), came 1001:2001(1000)"), "{said}");
}

#[test]
fn a_packet_too_many_fails_where_the_script_goes_on_if_it_is_asked_to() {
    let last = "+0 write(4, ..., 1000) = 1000\n";
    assert_eq!(ends(last, &[]).code, 0);
    let ended = ends(last, &["--in-order"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("came:   0.100000 s > P. 1:1001(1000) ack 1"), "{}", ended.stdout);
    let ended =
        ends(&format!("{last}+.1 < . 1:1(0) ack 1001 win 65535\n+0 > P. 1:1001(1000) ack 1\n"), &["--in-order"]);
    assert!(ended.stdout.contains("script.pkt:9: the script goes on here"), "{}", ended.stdout);
}

#[test]
fn a_packet_that_does_not_come_is_missed() {
    let said = failure("+0 > P. 1:1001(1000) ack 1\n");
    assert!(said.starts_with("script.pkt:8: a packet is due at 0.100000 s, but none was sent"), "{said}");
}

#[test]
fn a_packet_at_the_wrong_time_fails_beyond_the_tolerance_and_not_within() {
    let late = "+0 write(4, ..., 1000) = 1000\n+.2 > P. 1:1001(1000) ack 1\n";
    let said = failure(late);
    assert!(
        said.contains("the packet is due at 0.300000 s, but it came at 0.100000 s (tolerance 0.025000 s)"),
        "{said}"
    );
    assert_eq!(ends(late, &["--tolerance-usecs", "200000"]).code, 0);
}

#[test]
fn what_a_call_returns_is_compared() {
    let said = failure("+0 write(4, ..., 1000) = 500\n");
    assert!(said.starts_with("script.pkt:8: write is to return 500, but it returned 1000"), "{said}");
    let said = failure("+0 read(4, ..., 1000) = 500\n");
    assert!(said.starts_with("script.pkt:8: read blocks, and the script does not say until when"), "{said}");
    let said = failure("+0 getsockopt(4, SOL_TCP, TCP_NODELAY, [1], [4]) = 0\n");
    assert!(said.starts_with("script.pkt:8: getsockopt is to give 1, but it gave 0"), "{said}");
    let said = failure("+0 read(5, ..., 1000) = 500\n");
    assert!(
        said.starts_with("script.pkt:8: read is to return 500, but it returned -1 EBADF (Bad file descriptor)"),
        "{said}"
    );
}

#[test]
fn padding_and_order_of_options_count_only_strictly() {
    let script = OPEN.replace("> S. 0:0(0) ack 1 <mss 1460>", "> S. 0:0(0) ack 1 <nop,nop,nop,nop,mss 1460>");
    let folder = Folder::new();
    fs::write(folder.path().join("script.pkt"), script).unwrap();
    folder.burstlab(&["packetdrill", "script.pkt"]).good();
    let strict = folder.burstlab(&["packetdrill", "--strict", "script.pkt"]);
    assert_eq!(strict.code, 1);
    assert!(
        strict.stdout.contains("options: expected <nop,nop,nop,nop,mss 1460>, came <mss 1460>"),
        "{}",
        strict.stdout
    );
}

#[test]
fn what_is_not_supported_is_skipped_with_its_reason_and_never_passed() {
    let ended = ends("+0 setsockopt(4, SOL_SOCKET, SO_ZEROCOPY, [1], 4) = 0\n", &[]);
    assert_eq!(ended.code, 0);
    assert!(ended.stdout.contains("skipped  script.pkt: line 8: SO_ZEROCOPY is not supported"), "{}", ended.stdout);
    assert!(ended.stdout.contains("0 ok, 0 failed, 1 skipped"), "{}", ended.stdout);
}

#[test]
fn a_file_that_is_no_script_ends_with_code_2_and_its_place() {
    let ended = ends("+0 write(4, ..., = 1000\n", &[]);
    assert_eq!(ended.code, 2);
    assert!(ended.stdout.contains("FAILED   script.pkt:8:"), "{}", ended.stdout);
    assert_eq!(packetdrill(&["no-such-file.pkt"]).code, 2);
}

#[test]
fn json_holds_what_the_lines_say() {
    let ended = ends("+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 2\n", &["--json"]);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &document["failed"], &document["passed"]), (1, &Value::from(1), &Value::from(0)));
    assert_eq!(document["scripts"][0]["line"], 9);
    assert_eq!(document["scripts"][0]["outcome"], "failed");
}

#[test]
fn verbose_prints_every_packet_and_what_no_shell_ran() {
    let ended = ends("+0 `nstat -n`\n", &["--verbose"]);
    let said = ended.good();
    assert!(said.contains("note: line 8: not run: nstat -n"), "{said}");
    assert!(said.contains("   0.000000 < S 0:0(0) win 65535 <mss 1000>"), "{said}");
}
