use clap::CommandFactory;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn run_is_what_happens_without_a_command() {
    let line = CommandLine::try_parse_from(["burstlab", "--quick", "--controller", "reno,dctcp"]).unwrap();
    assert!(line.command.is_none());
    assert!(CommandLine::try_parse_from(["burstlab", "run", "x.toml", "--jobs", "1,2"]).is_ok());
}

#[test]
fn a_wrong_command_line_is_refused() {
    for line in [
        &["burstlab", "rnu"][..],
        &["burstlab", "run", "--jobs", "many"],
        &["burstlab", "run", "--set", "network.rate"],
        &["burstlab", "run", "--seed", "-1"],
        &["burstlab", "check", "results"],
        &["burstlab", "check", "results", "--baseline", "x", "--speed", "fast"],
        &["burstlab", "report"],
        &["burstlab", "trace", "stats", "x", "--tau", "5"],
        &["burstlab", "trace", "stats", "x", "--tau", "0s"],
        &["burstlab", "trace", "stats", "x", "--rate", "0bit/s"],
        &["burstlab", "trace", "import", "x"],
    ] {
        let error = CommandLine::try_parse_from(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line:?}");
    }
}
