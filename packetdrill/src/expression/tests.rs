//! What code may say, and what it then means.

use super::{ErrorKind, ExpressionError, Program, Scope, Value};

fn state(name: &str) -> Option<Value> {
    match name {
        "tcpi_snd_cwnd" => Some(Value::Integer(10)),
        "tcpi_rtt" => Some(Value::Integer(100_500)),
        "tcpi_ca_state" => Some(Value::Integer(3)),
        _ => None,
    }
}

fn run(code: &str) -> Result<Vec<String>, ExpressionError> {
    Program::parse(code)?.run(&mut Scope::default(), &state)
}

/// What `print()` shows of a value.
fn shown(value: &str) -> String {
    run(&format!("print({value})")).unwrap_or_else(|error| panic!("{value}: {error}")).remove(0)
}

fn refused(code: &str) -> String {
    let error = run(code).expect_err(code);
    assert_eq!(error.kind, ErrorKind::Wrong, "{error}");
    error.to_string()
}

#[test]
fn assertions_hold_or_say_what_their_names_stand_for() {
    assert_eq!(run("assert tcpi_snd_cwnd == 10; assert tcpi_ca_state == TCP_CA_Recovery"), Ok(vec![]));
    let failed = run("x = 1\nassert tcpi_snd_cwnd  ==\t11, 'cwnd %d' % tcpi_snd_cwnd").unwrap_err();
    assert_eq!(failed.kind, ErrorKind::Failed);
    assert_eq!(
        failed.to_string(),
        "line 2, column 1 of the code: expected tcpi_snd_cwnd == 11, but tcpi_snd_cwnd is 10 (cwnd 10)."
    );
    let constant = run("assert tcpi_ca_state == TCP_CA_Open").unwrap_err();
    let long = run(&format!("assert 0{}", " + tcpi_rtt * 0".repeat(100))).unwrap_err().to_string();
    assert!(long.ends_with("..., but tcpi_rtt is 100500.") && long.len() < 300, "{long}");
    assert!(constant.to_string().ends_with("expected tcpi_ca_state == TCP_CA_Open, but tcpi_ca_state is 3."));
}

#[test]
fn statements_go_over_lines_inside_brackets_and_behind_backslashes() {
    let code =
        "# how it stands\nassert (tcpi_snd_cwnd ==\n  10), 'a' # so\nassert abs(tcpi_rtt - 100000) \\\n  < 1000\n\n";
    assert_eq!(run(code), Ok(vec![]));
}

#[test]
fn values_are_those_of_python() {
    for (value, text) in [
        ("7 // 2, -7 // 2, 7 // -2", "3 -4 -4"),
        ("7 % 3, -7 % 3, 7 % -3", "1 2 -2"),
        ("7 / 2, 1e3, .5, 0x1f, 0b11, 1_000", "3.5 1000.0 0.5 31 3 1000"),
        ("2 ** 3 ** 2, -2 ** 2, 2 ** -1", "512 -4 0.5"),
        ("1 + 2 * 3 - 4 | 8 & 12 ^ 1", "11"),
        ("1 << 4 >> 2, ~5, not 0", "4 -6 True"),
        ("1 < 2 < 3, 1 < 3 < 2, 1 == 1.0, True + 1", "True False True 2"),
        ("1 or 2, 0 or '', 0 and 1, 1 and 2", "1  0 2"),
        ("2 in [1, 2], 2 not in (1, 2), 'b' in 'abc', None is None, 1 is not 1.0", "True False True True True"),
        ("5 if 0 else 6, [1, [2, 'x']], (1,), ()", "6 [1, [2, 'x']] (1,) ()"),
        ("[1, 2, 3][-1], 'abc'[0], ((1, 2), 3)[0][1]", "3 a 2"),
        ("'a' 'b' + \"c\", '%s=%05.1f %x %-3d|%+d %%' % ('v', 2.25, 255, 7, 3)", "abc v=002.2 ff 7  |+3 %"),
        (
            "min(3, 1, 2), max([1, 5.5]), len('abc'), round(2.5), round(2.345, 1), int(-2.7), int('12')",
            "1 5.5 3 2 2.3 -2 12",
        ),
        ("abs(-3), abs(2.5), float(3), str(4), bool([]), sum([1, 2])", "3 2.5 3.0 4 False 3"),
    ] {
        assert_eq!(shown(value), text, "{value}");
    }
}

#[test]
fn evaluation_stops_where_the_answer_is_known() {
    assert_eq!(shown("1 or unknown, 0 and unknown, 2 < 1 < unknown, 1 if 1 else unknown"), "1 0 False 1");
}

#[test]
fn names_stay_for_later_blocks_and_the_state_goes_before_them() {
    let mut scope = Scope::default();
    let first = Program::parse("seen = tcpi_snd_cwnd; seen += 1; tcpi_snd_cwnd = 5; print(tcpi_snd_cwnd)").unwrap();
    assert_eq!(first.run(&mut scope, &state).unwrap(), ["5"]);
    let second = Program::parse("print(seen, tcpi_snd_cwnd)").unwrap();
    assert_eq!(second.run(&mut scope, &state).unwrap(), ["11 10"]);
    assert_eq!(scope.get("seen"), Some(&Value::Integer(11)));
}

#[test]
fn a_condition_governs_its_line_and_no_other() {
    assert_eq!(
        run("if 0: print(1); print(2)\nprint(3)\nif 1: print(4); print(5);\nprint(6)").unwrap(),
        ["3", "4", "5", "6"]
    );
    assert!(refused("if 1:\n  print(1)").contains("on the line of its condition"));
}

#[test]
fn what_is_not_in_the_language_is_refused_at_its_place() {
    for (code, wanted) in [
        ("assert", "line 1, column 7 of the code: expected a value, found the end of the code."),
        ("assert 1 2", "expected the end of the statement, found 2"),
        ("import os", "line 1, column 1 of the code: expected a value, found \"import\"."),
        ("for x in y: pass", "expected a value, found \"for\""),
        ("x = f'{1}'", "expected a text without a prefix, found \"f\""),
        ("x = 'a\n'", "line 1, column 5 of the code: expected ' at the end"),
        ("True = 1", "a name that can be assigned"),
        ("x = 1 $ 2", "found '$'"),
        ("print(1 2)", "expected \",\" or \")\", found 2"),
        ("x = [1", "expected \",\" or \"]\", found the end of the code"),
    ] {
        let error = refused(code);
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn what_has_no_value_is_refused() {
    for (code, wanted) in [
        ("x = unknown", "expected a known name, found \"unknown\""),
        ("x = 1 / 0", "other than zero"),
        ("x = 1 % 0.0", "other than zero"),
        ("x = 1 + 'a'", "expected two numbers, found a whole number and a text"),
        ("x = 1 < 'a'", "that have an order"),
        ("x = 1.5 & 1", "operator on bits"),
        ("x = [1][1]", "expected an index below 1, found 1"),
        ("x = open('a')", "found the function \"open\""),
        ("x = '%d' % 'a'", "expected a number for %d, found a text"),
        ("x = '%d' % (1, 2)", "found too few"),
    ] {
        let error = refused(code);
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn numbers_end_at_127_bits_and_say_so() {
    for code in ["x = 2 ** 127", "x = 9 ** 999999999", "x = 1 << 200", "x = (1 << 126) * 2", "x = -(-2 ** 126 * 2)"] {
        assert!(refused(code).contains("127 bits"), "{code}");
    }
    assert_eq!(shown("1 ** 10 ** 20, (-1) ** 3, 0 ** 0, -(1 << 127 - 1) >> 1000"), "1 -1 1 -1");
}

#[test]
fn nothing_grows_or_nests_without_end() {
    let doubling = |line: &str| format!("x = 'aa'; y = [1]\n{}", line.repeat(60));
    assert!(refused(&doubling("x = x + x\n")).contains("at most 1024"));
    assert!(refused(&doubling("x = '%s%s' % (x, x)\n")).contains("at most 1024"));
    assert!(refused(&doubling("y = [y, y]\n")).contains("at most 1024"));
    for (opening, closing) in [("(", ")"), ("[", "]"), ("-", ""), ("not ", ""), ("2 ** ", ""), ("1 if 1 else ", "")] {
        let deep = format!("x = {}1{}", opening.repeat(50_000), closing.repeat(50_000));
        assert!(refused(&deep).contains("at most 40 levels"), "{opening}");
    }
    assert!(refused(&"if 1: ".repeat(50_000)).contains("at most 40 levels"));
    assert_eq!(run(&format!("assert {}1 == 50001", "1 + ".repeat(50_000))), Ok(vec![]));
    assert_eq!(run(&format!("assert {}1", "1 and ".repeat(50_000))), Ok(vec![]));
}
