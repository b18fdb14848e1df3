//! Numbers as a person reads them: three significant digits and a unit that fits, which no line break parts from them.

/// A time in ns, as in `78.3 µs`.
pub fn time(ns: f64) -> String {
    scaled(ns, &[(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")])
}

/// A share of one, as in `1.2 %`; below a hundredth of a percent the digits say nothing more.
pub fn percent(share: f64) -> String {
    if share > 0.0 && share < 1e-4 {
        return "less than 0.01\u{a0}%".to_owned();
    }
    format!("{}\u{a0}%", digits(share * 100.0))
}

/// A pure ratio, as in `9.2`.
pub fn ratio(value: f64) -> String {
    digits(value)
}

fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    let (scale, unit) =
        units.iter().find(|(scale, _)| value.abs() >= *scale).or(units.last()).copied().unwrap_or((1.0, ""));
    format!("{}\u{a0}{unit}", digits(value / scale))
}

/// Three significant digits, without trailing zeros behind the point.
fn digits(value: f64) -> String {
    let magnitude = value.abs();
    let places = match magnitude {
        m if m >= 100.0 || m == 0.0 => 0,
        m if m >= 10.0 => 1,
        m if m >= 1.0 => 2,
        m if m >= 0.1 => 3,
        _ => 4,
    };
    let text = format!("{value:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Names as in a sentence: `a`, `a and b`, `a, b and c`.
pub fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_three_digits_and_takes_the_unit_that_fits() {
        let time = |ns| time(ns).replace('\u{a0}', " ");
        let percent = |share| percent(share).replace('\u{a0}', " ");
        assert_eq!(time(0.0), "0 ns");
        assert_eq!(time(78_310.0), "78.3 µs");
        assert_eq!(time(1_500_000.0), "1.5 ms");
        assert_eq!(time(15_000_000_000.0), "15 s");
        assert_eq!(percent(0.012_34), "1.23 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.000_008), "less than 0.01 %");
        assert_eq!(ratio(1234.4), "1234");
        assert_eq!(ratio(100.0), "100");
    }

    #[test]
    fn names_join_as_in_a_sentence() {
        let names = |n: usize| ["reno", "cubic", "bbr"].iter().take(n).map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(list(&names(0)), "");
        assert_eq!(list(&names(1)), "reno");
        assert_eq!(list(&names(2)), "reno and cubic");
        assert_eq!(list(&names(3)), "reno, cubic and bbr");
    }
}
