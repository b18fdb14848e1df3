//! What a script expects of a packet, held against what was sent.
//!
//! What a script does not say is not compared, and neither, unless strictly, is what RFC 9293 gives no meaning: the order
//! of options and their padding (section 3.1), and PSH on any segment but the one that ends what the application wrote
//! (section 3.9.1).

use burstlab_network::{Codepoint, Flags};

use super::packet::{self, Packet, TcpOption};

/// The three bits of accurate ECN feedback (RFC 9768).
const ACE: Flags = Flags(Flags::AE.0 | Flags::CWR.0 | Flags::ECE.0);

/// What is expected of the ECN field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Marks {
    /// Anything.
    #[default]
    Any,
    /// ECT(0) or ECT(1).
    Capable,
    /// This one.
    Exactly(Codepoint),
}

/// A packet as a script expects it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The ECN field.
    pub marks: Marks,
    /// The flags, ACE's bits among them if they are written as letters.
    pub flags: Flags,
    /// ACE as a number.
    pub ace: Option<u8>,
    /// First sequence number.
    pub seq: u32,
    /// Bytes of payload.
    pub payload: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Window field, if it matters.
    pub window: Option<u16>,
    /// Options, if they matter.
    pub options: Option<Vec<TcpOption>>,
}

/// How strictly packets are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// Order and padding of options, and PSH anywhere.
    pub strict: bool,
    /// By how many ticks timestamps may be off, if their values are to be compared.
    pub stamps: Option<u32>,
}

/// A field that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field.
    pub field: &'static str,
    /// What the script has.
    pub expected: String,
    /// What came.
    pub actual: String,
}

impl Difference {
    fn new(field: &'static str, expected: impl ToString, actual: impl ToString) -> Difference {
        Difference { field, expected: expected.to_string(), actual: actual.to_string() }
    }
}

/// Compares `actual`, which carries the part of the expected payload from `offset` on. `last`: it is the end of that
/// payload. `ends_written`: nothing more had been written when it was sent.
pub fn compare(
    expected: &Expected,
    actual: &Packet,
    offset: u32,
    last: bool,
    ends_written: bool,
    rules: Rules,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    compare_flags(expected, actual, last, ends_written || rules.strict, &mut differences);
    let (seq, payload) = (expected.seq.wrapping_add(offset), expected.payload - offset);
    if seq != actual.seq || last && payload != actual.payload {
        let range = |seq: u32, payload: u32| format!("{seq}:{}({payload})", seq.wrapping_add(payload));
        differences.push(Difference::new("sequence numbers", range(seq, payload), range(actual.seq, actual.payload)));
    }
    if expected.flags.has(Flags::ACK) && actual.flags.has(Flags::ACK) && expected.ack != actual.ack {
        differences.push(Difference::new("acknowledgement", expected.ack, actual.ack));
    }
    if let Some(window) = expected.window.filter(|window| *window != actual.window) {
        differences.push(Difference::new("window", window, actual.window));
    }
    compare_marks(expected.marks, actual.codepoint, &mut differences);
    if let Some(options) = &expected.options {
        compare_options(options, &actual.options, rules, &mut differences);
    }
    differences
}

fn compare_flags(expected: &Expected, actual: &Packet, last: bool, push: bool, differences: &mut Vec<Difference>) {
    let mut ignored = Flags::NONE;
    if !last {
        ignored = ignored.with(Flags::FIN).with(Flags::PSH);
    } else if !push || actual.payload == 0 {
        ignored = Flags::PSH;
    }
    if expected.ace.is_some() {
        ignored = ignored.with(ACE);
    }
    if expected.flags.without(ignored) != actual.flags.without(ignored) {
        let difference = Difference::new("flags", packet::flags(expected.flags), packet::flags(actual.flags));
        differences.push(difference);
    }
    if let Some(ace) = expected.ace {
        let bit = |flag, value| if actual.flags.has(flag) { value } else { 0u8 };
        let counted = bit(Flags::AE, 4) | bit(Flags::CWR, 2) | bit(Flags::ECE, 1);
        if ace != counted {
            differences.push(Difference::new("ACE field", ace, counted));
        }
    }
}

fn compare_marks(expected: Marks, actual: Codepoint, differences: &mut Vec<Difference>) {
    let (good, text) = match expected {
        Marks::Any => return,
        Marks::Capable => (matches!(actual, Codepoint::Ect0 | Codepoint::Ect1), "ect01"),
        Marks::Exactly(codepoint) => (codepoint == actual, packet::codepoint(codepoint)),
    };
    if !good {
        differences.push(Difference::new("ECN field", text, packet::codepoint(actual)));
    }
}

fn compare_options(expected: &[TcpOption], actual: &[TcpOption], rules: Rules, differences: &mut Vec<Difference>) {
    let list = |options: &[TcpOption]| {
        let words: Vec<String> = options.iter().map(TcpOption::to_string).collect();
        format!("<{}>", words.join(","))
    };
    let plain = |options: &[TcpOption]| -> Vec<TcpOption> {
        let mut kept: Vec<TcpOption> =
            options.iter().filter(|option| rules.strict || !option.is_padding()).cloned().collect();
        if !rules.strict {
            kept.sort_by(|a, b| a.kind().cmp(b.kind()));
        }
        kept
    };
    let (left, right) = (plain(expected), plain(actual));
    let same = left.len() == right.len() && left.iter().zip(&right).all(|(a, b)| is_same(a, b, rules));
    if !same {
        differences.push(Difference::new("options", list(expected), list(actual)));
    }
}

/// Whether an option is as expected. `TSval` is the stack's clock: its value is compared only if the tick is known.
fn is_same(expected: &TcpOption, actual: &TcpOption, rules: Rules) -> bool {
    match (expected, actual) {
        (TcpOption::Timestamps(value, echo), TcpOption::Timestamps(live, live_echo)) => {
            let value_good = rules.stamps.is_none_or(|tolerance| live.abs_diff(*value) <= tolerance);
            echo == live_echo && value_good
        }
        (TcpOption::WindowScale(None), TcpOption::WindowScale(_)) => true,
        (TcpOption::AccEcn { .. }, TcpOption::AccEcn { .. }) => is_same_counters(expected, actual, rules.strict),
        _ => expected == actual,
    }
}

/// The two orders of the AccECN option say the same, and trailing fields may be left out (RFC 9768, section 3.2.3).
fn is_same_counters(expected: &TcpOption, actual: &TcpOption, strict: bool) -> bool {
    let (
        TcpOption::AccEcn { ect0, ce, ect1, one_first },
        TcpOption::AccEcn { ect0: live0, ce: live_ce, ect1: live1, one_first: live_first },
    ) = (expected, actual)
    else {
        return false;
    };
    if strict {
        return (ect0, ce, ect1, one_first) == (live0, live_ce, live1, live_first);
    }
    let agree = |a: &Option<u32>, b: &Option<u32>| a.is_none() || a == b;
    agree(ect0, live0) && agree(ce, live_ce) && agree(ect1, live1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Expected {
        Expected {
            marks: Marks::Any,
            flags: Flags::PSH.with(Flags::ACK),
            ace: None,
            seq: 1,
            payload: 2000,
            ack: 1,
            window: None,
            options: Some(vec![TcpOption::NoOperation, TcpOption::Timestamps(100, 7)]),
        }
    }

    fn actual() -> Packet {
        Packet {
            codepoint: Codepoint::NotEct,
            flags: Flags::ACK,
            seq: 1,
            payload: 1000,
            ack: 1,
            window: 256,
            options: vec![TcpOption::Timestamps(55, 7)],
        }
    }

    fn fields(differences: &[Difference]) -> Vec<&str> {
        differences.iter().map(|difference| difference.field).collect()
    }

    #[test]
    fn a_run_of_segments_is_compared_part_by_part() {
        assert_eq!(compare(&expected(), &actual(), 0, false, false, Rules::default()), []);
        let second = Packet { seq: 1001, flags: Flags::PSH.with(Flags::ACK), ..actual() };
        assert_eq!(compare(&expected(), &second, 1000, true, true, Rules::default()), []);
        let off = Packet { seq: 1002, ..second };
        assert_eq!(fields(&compare(&expected(), &off, 1000, true, true, Rules::default())), ["sequence numbers"]);
    }

    #[test]
    fn push_counts_where_it_ends_what_was_written_and_strictly_anywhere() {
        let last = Packet { payload: 2000, ..actual() };
        let strict = Rules { strict: true, ..Rules::default() };
        assert_eq!(compare(&expected(), &last, 0, true, false, Rules::default()), []);
        assert_eq!(fields(&compare(&expected(), &last, 0, true, true, Rules::default())), ["flags"]);
        assert_eq!(fields(&compare(&expected(), &last, 0, true, false, strict)), ["flags", "options"]);
    }

    #[test]
    fn an_echo_is_compared_and_the_clock_only_by_its_tick() {
        let echo = Packet { payload: 2000, options: vec![TcpOption::Timestamps(55, 8)], ..actual() };
        assert_eq!(fields(&compare(&expected(), &echo, 0, true, false, Rules::default())), ["options"]);
        let clocked = Rules { strict: false, stamps: Some(40) };
        let late = Packet { payload: 2000, ..actual() };
        assert_eq!(fields(&compare(&expected(), &late, 0, true, false, clocked)), ["options"]);
    }

    #[test]
    fn fin_and_reset_are_never_overlooked() {
        let fin = Packet { payload: 2000, flags: Flags::ACK.with(Flags::FIN), ..actual() };
        assert_eq!(fields(&compare(&expected(), &fin, 0, true, false, Rules::default())), ["flags"]);
        let reset = Packet { flags: Flags::ACK.with(Flags::RST), ..actual() };
        assert_eq!(fields(&compare(&expected(), &reset, 0, false, false, Rules::default())), ["flags"]);
    }
}
