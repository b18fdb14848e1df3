//! Bad input is a sentence, never a panic.

use crate::support::*;
use burstlab_replay::{Format, ImportOptions, Trace};
use proptest::prelude::*;

fn few() -> Vec<Frame> {
    (0..4).map(|i| frame(u64::from(i) * 10_000, data(1 + i * 10, 10).ethernet())).collect()
}

fn pcapng_of(frames: &[Frame]) -> Vec<u8> {
    let mut file = [section(false), interface(1, 9, false)].concat();
    frames.iter().for_each(|f| file.extend(enhanced(0, f, f.time, false)));
    file
}

#[test]
fn an_empty_file() {
    assert!(complaint(b"").contains("is empty; expected a capture"));
}

#[test]
fn a_file_that_is_no_capture() {
    let text = complaint(b"\x7fELF and so on");
    assert!(text.contains("is not a capture (pcap or pcapng)") && text.contains("7f 45 4c 46"), "{text}");
}

#[test]
fn a_file_that_is_not_there() {
    let error = Trace::open(&["/nowhere/at/all.pcap"], &ImportOptions::default()).err().unwrap().to_string();
    assert!(error.contains("/nowhere/at/all.pcap: cannot be read"), "{error}");
}

#[test]
fn no_file_at_all() {
    let none: [&str; 0] = [];
    assert!(Trace::open(&none, &ImportOptions::default()).err().unwrap().to_string().contains("no file given"));
}

#[test]
fn a_capture_without_tcp() {
    let mut udp = data(1, 10).ethernet();
    udp[23] = 17;
    let text = complaint(&ethernet(&[frame(0, udp.clone()), frame(1, udp)]));
    assert!(text.contains("no TCP payload in 2 packets"), "{text}");
    assert!(complaint(&ethernet(&[])).contains("no TCP payload in 0 packets"));
}

#[test]
fn a_clock_that_steps_back() {
    let mut frames = few();
    frames[2].time -= 3_000_000_000;
    let text = complaint(&ethernet(&frames));
    assert!(text.contains("packet 3: the clock steps backwards by 2999.99ms"), "{text}");
}

#[test]
fn a_link_that_is_not_known() {
    let text = complaint(&pcap(&few(), 105, true, false));
    assert!(text.contains("packet 1: link type 105"), "{text}");
}

#[test]
fn a_record_of_absurd_length() {
    let mut file = ethernet(&few());
    file[24 + 8..24 + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(complaint(&file).contains("packet 1: the capture is damaged"));
}

#[test]
fn a_capture_cut_in_the_middle_keeps_what_was_read_and_says_so() {
    for file in [ethernet(&few()), pcapng_of(&few())] {
        let trace = read(&file[..file.len() - 7]);
        assert_eq!(trace.stats().packets, 3);
        assert!(trace.warnings()[0].contains("in the middle of packet 4"), "{:?}", trace.warnings());
    }
}

#[test]
fn a_compressed_capture_cut_in_the_middle_keeps_what_was_read_and_says_so() {
    // Incompressible payload, so that the cut falls on packets and not on the first of few blocks.
    let mut noise = 1u64;
    let mut next = || {
        noise = noise.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (noise >> 33) as u8
    };
    let mut frames: Vec<_> =
        (0..1000).map(|i| frame(u64::from(i) * 1000, data(1 + i * 1000, 1000).ethernet())).collect();
    frames.iter_mut().for_each(|f| f.kept[60..].iter_mut().for_each(|b| *b = next()));
    let file = zstd::encode_all(&ethernet(&frames)[..], 1).unwrap();
    let trace = read(&file[..file.len() / 2]);
    assert!(trace.stats().packets > 100 && trace.stats().packets < 900, "{}", trace.stats().packets);
    assert!(trace.warnings()[0].contains("in the middle of packet"), "{:?}", trace.warnings());
}

#[test]
fn a_format_that_was_asked_for_and_is_not_there() {
    let files = Files::new();
    let path = files.put("traffic", &ethernet(&few()));
    let options = ImportOptions { format: Some(Format::Csv), ..ImportOptions::default() };
    assert!(Trace::open(&[path], &options).err().unwrap().to_string().contains("is not a csv file"));
    assert!("chakra".parse::<Format>().unwrap_err().to_string().contains("unknown format \"chakra\""));
}

#[test]
fn captures_cut_at_every_byte_never_panic() {
    let files = Files::new();
    for file in [ethernet(&few()), pcapng_of(&few())] {
        for length in 0..file.len() {
            if let Ok(trace) = files.open(&file[..length]) {
                assert!(trace.stats().packets <= 4);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_bytes_never_panic(
        kind in 0usize..6,
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let head: &[u8] = [
            &b""[..], &[0xd4, 0xc3, 0xb2, 0xa1], &[0x0a, 0x0d, 0x0d, 0x0a], b"burstlab-trace 1\n",
            b"job,iteration,phase,src,dst,bytes,start_ns,after\n", &[0x28, 0xb5, 0x2f, 0xfd],
        ][kind];
        let _ = Files::new().open(&[head, &bytes].concat());
    }

    #[test]
    fn damaged_captures_never_panic(
        ng in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut file = if ng { pcapng_of(&few()) } else { ethernet(&few()) };
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let _ = Files::new().open(&file);
    }
}
