//! Trace files and transfer lists that somebody edited: read, or told by line; never a panic.

use burstlab_replay::{Error, ImportOptions, RingAllReduce, Trace, write_transfer_list};
use proptest::prelude::*;

use crate::round_trip::training;
use crate::support::*;

/// A change of a text of lines.
#[derive(Debug, Clone)]
enum Edit {
    /// A word of a line becomes this number.
    Number(prop::sample::Index, prop::sample::Index, u64),
    Remove(prop::sample::Index),
    Repeat(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
}

/// Numbers of every magnitude, as sums go wrong near the largest and differences near each other.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![(any::<u64>(), 0u32..64).prop_map(|(n, shift)| n >> shift), Just(0), Just(u64::MAX), Just(1 << 62)]
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        6 => (index(), index(), number()).prop_map(|(line, word, n)| Edit::Number(line, word, n)),
        1 => index().prop_map(Edit::Remove),
        1 => index().prop_map(Edit::Repeat),
        1 => (index(), index()).prop_map(|(a, b)| Edit::Swap(a, b)),
    ]
}

fn edited(text: &str, separator: char, edits: &[Edit]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for edit in edits {
        // The first line tells the format, and stays.
        let count = lines.len() - 1;
        let at = |index: &prop::sample::Index| 1 + index.index(count);
        match edit {
            Edit::Number(line, word, n) => {
                let line = &mut lines[at(line)];
                let mut words: Vec<String> = line.split(separator).map(str::to_owned).collect();
                let word = word.index(words.len());
                words[word] = n.to_string();
                *line = words.join(&separator.to_string());
            }
            Edit::Remove(line) => drop(lines.remove(at(line))),
            Edit::Repeat(line) => {
                let line = at(line);
                lines.insert(line, lines[line].clone());
            }
            Edit::Swap(a, b) => lines.swap(at(a), at(b)),
        }
    }
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// Reads a text and does with it all that a run does.
fn use_all(text: &str) -> Result<(), Error> {
    let options = ImportOptions { curve: true, flows: true, setup: true, ..ImportOptions::default() };
    let files = Files::new();
    let trace = Trace::import(&[files.put("traffic", text.as_bytes())], &files.path().join("out"), &options)?;
    Trace::open(&[files.path().join("out")], &options)?;
    trace.details();
    for mut job in trace.into_jobs() {
        job.take_iterations(2);
        assert!(job.transfers.iter().all(|transfer| transfer.iteration < job.iterations.len()));
        job.scale_compute(3.0);
        job.period();
    }
    Ok(())
}

fn trace_text() -> String {
    let files = Files::new();
    let out = files.path().join("kept.trace");
    Trace::import(&[files.put("capture", &training())], &out, &ImportOptions::default()).unwrap();
    std::fs::read_to_string(out).unwrap()
}

fn list_text() -> String {
    let files = Files::new();
    let out = files.path().join("ring.csv");
    let job = RingAllReduce { iterations: 3, ..RingAllReduce::default() }.job().unwrap();
    write_transfer_list(&[job], &out).unwrap();
    std::fs::read_to_string(out).unwrap()
}

/// Two directions: the second stretch of the first begins 9 us after its first one has ended.
fn with_stretches(stretches: &str) -> String {
    let pauses = vec!["0"; 128].join(" ");
    format!(
        "burstlab-trace 1\nc 10.0.0.1 1 10.0.0.2 2\np 0 0 1000\np 10000 0 1000\n{stretches}v {pauses}\n\
         h pcap 2 0 2000 0 20000\nend\n"
    )
}

#[test]
fn stretches_that_cannot_be_are_told_by_line() {
    assert!(use_all(&with_stretches("s 0 0 1000 1000 0 0 0\ns 0 10000 1000 1000 0 9000 0\n")).is_ok());
    for (second, part) in [
        (
            "s 0 10000 1000 1000 0 9001 0",
            "line 6: \"s 0 10000 1000 1000 0 9001 0\": 9001 ns quiet do not fit into the pause of 9000 ns",
        ),
        ("s 1 10000 1000 1000 0 1 0", "1 ns quiet do not fit into the pause of 0 ns"),
        ("s 0 999 1000 1000 0 0 0", "it starts at 999 ns, but the stretch before in its direction ends at 1000 ns"),
        ("s 0 10000 1000 1000 1001 0 0", "1001 ns idle do not fit into a stretch of 1000 ns"),
        ("s 0 18446744073709551615 0 1 0 0 0", "it lies more than 4611686018427387904 ns after the first packet"),
        ("s 0 10000 4611686018427387904 1 0 0 0", "it lies more than"),
        ("s 0 10000 1000 18446744073709551615 0 0 0", "stretches hold more than"),
        ("s 2 10000 1000 1000 0 0 0", "expected \"s\", a direction"),
        ("p 18446744073709551615 0 1", "it lies more than"),
    ] {
        let error = complaint(with_stretches(&format!("s 0 0 1000 1000 0 0 0\n{second}\n")).as_bytes());
        assert!(error.contains("line 6: ") && error.contains(part), "{error}");
    }
}

#[test]
fn a_transfer_list_with_absurd_numbers_is_told_by_line() {
    let header = "job,iteration,phase,src,dst,bytes,start_ns,after\n";
    let late = complaint(format!("{header}j,0,c,10.0.0.1,10.0.0.2,1,18446744073709551615,\n").as_bytes());
    assert!(late.contains("line 2: start_ns is 18446744073709551615; expected at most"), "{late}");
    let many = "j,0,c,10.0.0.1,10.0.0.2,1000000000000000,5,\n".repeat(1200);
    let many = complaint(format!("{header}{many}").as_bytes());
    assert!(many.contains("line 1154: transfers hold more than 1152921504606846976 bytes"), "{many}");
}

#[test]
fn edited_files_never_panic() {
    let (trace, list) = (trace_text(), list_text());
    assert!(use_all(&trace).is_ok() && use_all(&list).is_ok());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(300));
    let edits = prop::collection::vec(edit(), 1..6);
    let outcome = runner.run(&(any::<bool>(), edits), |(of_list, edits)| {
        let text = if of_list { edited(&list, ',', &edits) } else { edited(&trace, ' ', &edits) };
        let _ = use_all(&text);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
