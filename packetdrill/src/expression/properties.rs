//! Whatever code is given, it has a value or a place where it is wrong, and in time.

use proptest::prelude::*;

use super::{Program, Scope, Value};

const VALID: &str = "assert 1 <= tcpi_snd_cwnd < 12 and (tcpi_options & TCPI_OPT_ECN) != 0, 'cwnd %d' % tcpi_snd_cwnd
x = abs(-5) // 2 ** 3 % 7; print(x, [1, 2.5e3][0], (1,), not True)
if x in (1, 2): y = max(x, 3) if x else 'none' # so
assert round(0.5) == 0 or None is None, \"a\"
";

const PIECES: &str = "( |\n|;|[()\\[\\],:.%&|^~<>=!+*/-]|\\*\\*|//|<<|==|[0-9]{1,40}|0x[0-9a-f]{0,34}|[0-9]e[0-9]{1,4}|'|\"|\
                      and |or |not |in |is |if |else |assert |print\\(|x|y|[a-z]{1,6}\\(|TCP_CA_Loss|#|\\\\)";

/// It ends, and an error lies in the text.
fn ends(text: &str) {
    let state = |name: &str| (name == "x").then_some(Value::Integer(7));
    let result = Program::parse(text).and_then(|program| program.run(&mut Scope::default(), &state));
    if let Err(error) = result {
        assert!(error.line <= text.split('\n').count());
        assert!(error.to_string().ends_with('.'));
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_or_run(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        ends(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn words_of_the_language_in_any_order_are_refused_or_run(pieces in proptest::collection::vec(PIECES, 0..60)) {
        ends(&pieces.concat());
        ends(&format!("assert {}", pieces.concat()));
    }

    #[test]
    fn code_with_pieces_cut_out_and_put_in_is_refused_or_run(
        cuts in proptest::collection::vec((0..VALID.len(), 0..10_usize, PIECES), 1..6)
    ) {
        let mut text = VALID.to_owned();
        for (at, length, piece) in cuts {
            let from = at.min(text.len());
            let to = (from + length).min(text.len());
            text.replace_range(from..to, &piece);
        }
        ends(&text);
    }

    #[test]
    fn whole_numbers_divide_as_python_has_it(left in any::<i64>(), right in any::<i64>().prop_filter("zero", |n| *n != 0)) {
        let code = format!("q = {left} // {right}; r = {left} % {right}\nassert q * {right} + r == {left}\n\
                            assert 0 <= r < {right} or {right} < r <= 0");
        let result = Program::parse(&code).and_then(|program| program.run(&mut Scope::default(), &|_| None));
        prop_assert!(result.is_ok(), "{result:?}");
    }
}
