//! Captures of every kind are read alike.

use crate::support::*;
use burstlab_replay::{ImportOptions, Trace};

/// Ten segments of 1000 bytes, 10 us apart.
fn ten() -> Vec<Frame> {
    (0..10).map(|i| frame(u64::from(i) * 10_000, data(1 + i * 1000, 1000).ethernet())).collect()
}

fn is_ten(trace: &Trace) {
    let stats = trace.stats();
    assert_eq!(stats.packets, 10);
    assert_eq!(stats.payload_bytes, 10_000);
    assert_eq!(stats.application_bytes, 10_000);
    assert_eq!(stats.start, START);
    assert_eq!(stats.duration, 90_000);
    assert_eq!(stats.all.e[&5_000_000], 10_000);
    assert_eq!(trace.warnings(), [""; 0]);
}

#[test]
fn pcap_in_both_byte_orders_and_both_resolutions() {
    for (nanos, big) in [(false, false), (false, true), (true, false), (true, true)] {
        let trace = read(&pcap(&ten(), ETHERNET, nanos, big));
        is_ten(&trace);
        assert_eq!(trace.stats().format, "pcap");
    }
}

#[test]
fn pcapng_in_both_byte_orders() {
    for big in [false, true] {
        let mut file = [section(big), interface(1, 9, big)].concat();
        ten().iter().for_each(|f| file.extend(enhanced(0, f, f.time, big)));
        let trace = read(&file);
        is_ten(&trace);
        assert_eq!(trace.stats().format, "pcapng");
    }
}

#[test]
fn pcapng_of_several_sections_interfaces_and_resolutions() {
    let mut file = [section(false), interface(1, 6, false), interface(101, 9, false)].concat();
    let frames = ten();
    for (i, f) in frames.iter().enumerate().take(5) {
        let raw = Frame { kept: f.kept[14..].to_vec(), original: f.original - 14, time: f.time };
        file.extend(if i % 2 == 0 { enhanced(0, f, f.time / 1000, false) } else { enhanced(1, &raw, f.time, false) });
        file.extend(block(0x0bad, b"of no known kind", false));
    }
    file.extend([section(true), interface(1, 9, true)].concat());
    frames[5..].iter().for_each(|f| file.extend(enhanced(0, f, f.time, true)));
    is_ten(&read(&file));
}

#[test]
fn pcapng_packets_of_old_and_without_time_stamps() {
    let mut file = [section(false), interface(1, 9, false)].concat();
    let f = &ten()[0];
    let mut old = vec![0; 4];
    for n in [(f.time >> 32) as u32, f.time as u32, f.kept.len() as u32, f.original as u32] {
        old.extend(n.to_le_bytes());
    }
    old.extend(&f.kept);
    file.extend(block(2, &old, false));
    let next = data(1001, 1000).ethernet();
    file.extend(block(3, &[&(next.len() as u32).to_le_bytes()[..], &next].concat(), false));
    let trace = read(&file);
    assert_eq!(trace.stats().application_bytes, 2000);
    assert_eq!(trace.stats().duration, 0);
    assert!(trace.warnings()[0].contains("no time stamp"), "{:?}", trace.warnings());
}

#[test]
fn compressed_captures_are_told_by_their_content() {
    use std::io::Write;
    let plain = ethernet(&ten());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&plain).unwrap();
    is_ten(&read(&gzip.finish().unwrap()));
    is_ten(&read(&zstd::encode_all(&plain[..], 1).unwrap()));
}

#[test]
fn links_of_every_kind() {
    let with = |link: u32, front: &[u8]| {
        let wrap = |i: u32| [front, &data(1 + i * 1000, 1000).ipv4()].concat();
        let frames: Vec<_> = (0..10).map(|i| frame(u64::from(i) * 10_000, wrap(i))).collect();
        is_ten(&read(&pcap(&frames, link, true, false)));
    };
    with(101, &[]);
    with(228, &[]);
    with(0, &2u32.to_le_bytes());
    with(108, &2u32.to_be_bytes());
    with(113, &[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x08, 0x00]);
    with(276, &[0x08, 0x00, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
    let mac = [2u8; 12];
    with(1, &[&mac[..], &[0x81, 0x00, 0, 5, 0x08, 0x00]].concat());
    with(1, &[&mac[..], &[0x88, 0xa8, 0, 5, 0x81, 0x00, 0, 7, 0x08, 0x00]].concat());
}

#[test]
fn ipv6() {
    let frames: Vec<_> =
        (0..10).map(|i| frame(u64::from(i) * 10_000, data(1 + i * 1000, 1000).ethernet_ipv6())).collect();
    let trace = read(&ethernet(&frames));
    is_ten(&trace);
    assert_eq!(trace.stats().nodes[0].node, "fd00::1");
}

#[test]
fn cut_packets_count_what_they_were_on_the_wire() {
    let frames: Vec<_> = ten().into_iter().map(|f| cut(f.time - START, f.kept, 54)).collect();
    is_ten(&read(&ethernet(&frames)));
}

#[test]
fn a_packet_cut_within_its_tcp_header_is_left_out_and_said() {
    let mut frames = ten();
    frames.push(cut(100_000, data(10_001, 1000).ethernet(), 40));
    let trace = read(&ethernet(&frames));
    assert_eq!(trace.stats().application_bytes, 10_000);
    assert!(trace.warnings()[0].contains("cut within their TCP header and left out: 1"), "{:?}", trace.warnings());
}

#[test]
fn super_packets_beyond_the_length_field() {
    let mut v4 = data(1, 1000).ethernet();
    v4[16..18].copy_from_slice(&[0, 0]);
    let mut v6 = data(200_001, 1000).ethernet_ipv6();
    v6[18..20].copy_from_slice(&[0, 0]);
    let whole = 180_000;
    let frames = [
        Frame { original: 14 + 20 + 20 + whole, ..cut(0, v4, 80) },
        Frame { original: 14 + 40 + 20 + whole, ..cut(10, v6, 80) },
    ];
    assert_eq!(read(&ethernet(&frames)).stats().application_bytes, 2 * whole as u64);
}

#[test]
fn ethernet_padding_is_not_payload() {
    let mut short = data(1, 1).ethernet();
    short.resize(60, 0);
    assert_eq!(read(&ethernet(&[frame(0, short)])).stats().payload_bytes, 1);
}

#[test]
fn fragments_count_once_each() {
    let whole = data(1, 2000).ipv4();
    let piece = |from: usize, to: usize, more: bool| {
        let mut packet = whole[..20].to_vec();
        packet[2..4].copy_from_slice(&((20 + to - from) as u16).to_be_bytes());
        packet[6..8].copy_from_slice(&((from / 8) as u16 | if more { 0x2000 } else { 0 }).to_be_bytes());
        packet.extend(&whole[20 + from..20 + to]);
        packet
    };
    let frames =
        [frame(0, piece(0, 1000, true)), frame(1, piece(1000, 2000, true)), frame(2, piece(2000, 2020, false))];
    let stats = read(&pcap(&frames, 101, true, false)).stats();
    assert_eq!((stats.payload_bytes, stats.application_bytes), (2000, 2000));
}

#[test]
fn a_packet_seen_twice_counts_once_and_a_retransmission_as_traffic() {
    let mut frames = ten();
    let mut again = frames[3].clone();
    again.time += 2_000;
    // Another hop: the time to live and the checksum differ.
    again.kept[22] -= 1;
    frames.insert(4, again);
    let retransmission = Seg { id: 9999, ..data(1 + 5000, 1000) };
    frames.push(frame(95_000, retransmission.ethernet()));
    let trace = read(&ethernet(&frames));
    assert_eq!(trace.duplicates(), 1);
    assert_eq!(trace.stats().packets, 12);
    assert_eq!(trace.stats().payload_bytes, 11_000);
    assert_eq!(trace.stats().application_bytes, 10_000);
}

#[test]
fn sequence_numbers_wrap_around() {
    let frames: Vec<_> = (0..10)
        .map(|i| frame(u64::from(i) * 10_000, data((u32::MAX - 4500).wrapping_add(i * 1000), 1000).ethernet()))
        .collect();
    is_ten(&read(&ethernet(&frames)));
}

#[test]
fn a_port_that_is_used_again_is_a_new_connection() {
    let syn = |sequence| Seg { syn: true, ..data(sequence, 0) };
    let frames = [
        frame(0, syn(100).ethernet()),
        frame(1_000, data(101, 500).ethernet()),
        frame(2_000, syn(1_000_000).ethernet()),
        frame(3_000, data(1_000_001, 500).ethernet()),
    ];
    let trace = read(&ethernet(&frames));
    assert_eq!(trace.stats().application_bytes, 1000);
    assert_eq!(trace.details().flows.len(), 2);
}

#[test]
fn several_files_are_merged_by_time() {
    let files = Files::new();
    let frames = ten();
    let part = |name, skip| {
        let own: Vec<_> = frames.iter().skip(skip).step_by(2).cloned().collect();
        files.put(name, &ethernet(&own))
    };
    let paths = [part("a", 0), part("b", 1)];
    is_ten(&Trace::open(&paths, &ImportOptions::default()).unwrap());
}

#[test]
fn packets_a_little_out_of_order_are_put_in_order() {
    let mut frames = ten();
    frames.swap(3, 4);
    is_ten(&read(&ethernet(&frames)));
}

#[test]
fn progress_is_told_and_reading_can_be_stopped() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    let files = Files::new();
    let path = files.put("traffic", &ethernet(&ten()));
    let seen = Arc::new(AtomicU64::new(0));
    let told = seen.clone();
    let progress = move |read, total| {
        assert!(read <= total);
        told.store(read, Ordering::Relaxed);
    };
    let options = ImportOptions { progress: Some(Arc::new(progress)), ..ImportOptions::default() };
    Trace::open(&[&path], &options).unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), path.metadata().unwrap().len());
    let options = ImportOptions { cancel: Some(Arc::new(AtomicBool::new(true))), ..ImportOptions::default() };
    assert!(matches!(Trace::open(&[&path], &options), Err(burstlab_replay::Error::Cancelled)));
}
