//! What is written reads back the same.

use burstlab_replay::{Format, ImportOptions, RingAllReduce, Trace, write_transfer_list};

use crate::support::*;

/// Three iterations of a transfer in each direction, with acknowledgements and a retransmission.
pub fn training() -> Vec<u8> {
    let mut frames = Vec::new();
    for k in 0..3u32 {
        let start = u64::from(k) * 50_000_000;
        for i in 0..20u32 {
            let sequence = 1 + k * 20_000 + i * 1000;
            frames.push(frame(start + u64::from(i) * 12_000, data(sequence, 1000).ethernet()));
        }
        let again = Seg { id: 7, ..data(1 + k * 20_000, 1000) };
        frames.push(frame(start + 250_000, again.ethernet()));
        frames.push(frame(start + 260_000, ack(1 + (k + 1) * 20_000).ethernet()));
        for i in 0..5u32 {
            let back = Seg {
                sequence: 1 + k * 5000 + i * 1000,
                payload: 1000,
                id: (k * 5 + i) as u16 + 500,
                ..ack(1 + (k + 1) * 20_000)
            };
            frames.push(frame(start + 5_000_000 + u64::from(i) * 12_000, back.ethernet()));
        }
    }
    ethernet(&frames)
}

#[test]
fn a_trace_file_tells_the_same_as_its_capture() {
    let files = Files::new();
    let capture = files.put("capture", &training());
    let options = ImportOptions { curve: true, flows: true, ..ImportOptions::default() };
    for name in ["kept.trace", "kept.trace.zst"] {
        let out = files.path().join(name);
        let first = Trace::import(&[&capture], &out, &options).unwrap();
        let again = Trace::open(&[&out], &options).unwrap();
        assert_eq!(first.jobs()[0].iterations.len(), 3);
        assert_eq!(first.jobs(), again.jobs());
        assert_eq!(first.details(), again.details());
        assert_eq!(first.warnings(), again.warnings());
        // And a trace of a trace is the same trace.
        let copy = files.path().join("copy.trace");
        Trace::import(&[&out], &copy, &options).unwrap();
        assert_eq!(Trace::open(&[&copy], &options).unwrap().details(), first.details());
    }
}

#[test]
fn a_failed_import_leaves_nothing_behind() {
    let files = Files::new();
    let capture = files.put("capture", &ethernet(&[]));
    let out = files.path().join("kept.trace.zst");
    assert!(Trace::import(&[&capture], &out, &ImportOptions::default()).is_err());
    let left: Vec<_> = std::fs::read_dir(files.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(left, ["capture"]);
}

#[test]
fn a_trace_that_was_cut_is_told_by_its_missing_end() {
    let files = Files::new();
    let out = files.path().join("kept.trace");
    Trace::import(&[files.put("capture", &training())], &out, &ImportOptions::default()).unwrap();
    let text = std::fs::read(&out).unwrap();
    let error = complaint(&text[..text.len() - 4]);
    assert!(error.contains("expected the line \"end\""), "{error}");
    let error = complaint(b"burstlab-trace 1\nx y\n");
    assert!(error.contains("line 2: \"x y\" is not a line of a trace"), "{error}");
    let error = complaint(b"burstlab-trace 9\n");
    assert!(error.contains("line 1: ") && error.contains("expected \"burstlab-trace 1\""), "{error}");
}

#[test]
fn a_transfer_list_holds_the_same_job() {
    let files = Files::new();
    let job = RingAllReduce { iterations: 2, ..RingAllReduce::default() }.job().unwrap();
    let path = files.path().join("ring.csv.zst");
    write_transfer_list(std::slice::from_ref(&job), &path).unwrap();
    let trace = Trace::open(&[&path], &ImportOptions::default()).unwrap();
    assert_eq!(trace.stats().format, Format::Csv.to_string());
    let read = &trace.jobs()[0];
    assert_eq!(read.workers, job.workers);
    assert_eq!(read.transfers.len(), job.transfers.len());
    for (a, b) in read.transfers.iter().zip(&job.transfers) {
        assert_eq!((a.bytes, a.iteration, &a.after, a.compute), (b.bytes, b.iteration, &b.after, b.compute));
        assert_eq!(read.ends(a), job.ends(b));
    }
    let copy = files.path().join("copy.csv");
    Trace::import(&[&path], &copy, &ImportOptions::default()).unwrap();
    assert_eq!(Trace::open(&[&copy], &ImportOptions::default()).unwrap().jobs(), trace.jobs());
}

#[test]
fn a_transfer_list_that_is_wrong_is_told_by_line() {
    let header = "job,iteration,phase,src,dst,bytes,start_ns,after\n";
    let good = "j,0,communication,10.0.0.1,10.0.0.2,1000,5,\n";
    for (row, part) in [
        ("j,0,c,10.0.0.1,10.0.0.2,1000", "line 3: there are 6 fields; expected 8"),
        ("j,0,c,10.0.0.1,10.0.0.2,many,5,", "line 3: bytes is \"many\"; expected a whole number"),
        ("j,0,c,worker,10.0.0.2,1,5,", "line 3: src is \"worker\"; expected an IP address"),
        ("j,0,c,10.0.0.2,10.0.0.1,1,9,1", "line 3: after names \"1\""),
        ("j,0,c,10.0.0.2,10.0.0.1,1,4,0", "line 3: it starts before transfer 0"),
        ("j,0,c,10.0.0.2,10.0.0.2,1,9,0", "line 3: src and dst are both 10.0.0.2"),
        ("j,9,c,10.0.0.2,10.0.0.1,1,9,0", "line 3: iteration is 9"),
        ("j,0,c,10.0.0.2,10.0.0.1,0,9,0", "line 3: bytes is 0"),
    ] {
        let error = complaint(format!("{header}{good}{row}\n").as_bytes());
        assert!(error.contains(part), "{error}");
    }
    assert!(complaint(header.as_bytes()).contains("there is no transfer"));
    assert!(complaint(b"job,src\n").contains("expected \"job,iteration"));
}

#[test]
fn only_captures_are_merged() {
    let files = Files::new();
    let out = files.path().join("kept.trace");
    let capture = files.put("capture", &training());
    Trace::import(&[&capture], &out, &ImportOptions::default()).unwrap();
    let error = Trace::open(&[&capture, &out], &ImportOptions::default()).err().unwrap().to_string();
    assert!(error.contains("is a trace file; only captures"), "{error}");
}

#[test]
fn the_documents_have_the_shape_that_users_depend_on() {
    let document = serde_json::to_value(read(&training()).details()).unwrap();
    assert_eq!(document["schema"], 1);
    assert_eq!(document["format"], "pcap");
    assert_eq!(document["application_bytes"], 75_000);
    assert_eq!(document["payload_bytes"], 78_000);
    assert_eq!(document["nodes"][0]["node"], "10.0.0.1");
    assert_eq!(document["nodes"][0]["sent_bytes"], 63_000);
    assert_eq!(document["nodes"][0]["e"]["5000000"], 21_000);
    assert!(document["all"]["ptm"]["5000000"].is_f64());
    assert!(document["all"]["bmax"]["10000000000"].is_u64());
    assert_eq!(document["flows"][0]["bursts"], 3);
    assert_eq!(document["bursts"][0]["count"], 6);
    assert_eq!(document["iterations"][1]["communication_start"], 50_000_000);
}
