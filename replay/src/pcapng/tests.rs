//! What is written is read back, by pcap-parser and by our own importer.

use std::sync::{Arc, Mutex};

use pcap_parser::pcapng::{Block as Parsed, OptionCode, parse_block_le};
use proptest::prelude::*;

use super::*;
use crate::{ImportOptions, Trace};

/// A stream whose bytes can be looked at behind the writer's back.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream that fails beyond so many bytes, as a full disk does.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A packet with all that it is written with.
#[derive(Debug, Clone)]
struct Owned {
    interface: usize,
    at: u64,
    original: u32,
    bytes: Vec<u8>,
    comments: Vec<String>,
}

prop_compose! {
    fn any_packet(interfaces: usize)(
        interface in 0..interfaces, at: u64, beyond in 0u32..2000,
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        comments in proptest::collection::vec(any::<String>(), 0..4),
    ) -> Owned {
        Owned { interface, at, original: bytes.len() as u32 + beyond, bytes, comments }
    }
}

/// Name, description, capacity in bit/s, snap length.
type AnyInterface = (String, String, Option<u64>, Option<u32>);

fn any_capture() -> impl Strategy<Value = (Vec<AnyInterface>, Vec<Owned>)> {
    let interface = (any::<String>(), any::<String>(), any::<Option<u64>>(), proptest::option::of(1u32..200));
    proptest::collection::vec(interface, 1..5).prop_flat_map(|interfaces| {
        let packets = proptest::collection::vec(any_packet(interfaces.len()), 0..20);
        (Just(interfaces), packets)
    })
}

fn blocks(mut bytes: &[u8]) -> Vec<Parsed<'_>> {
    let mut blocks = Vec::new();
    while !bytes.is_empty() {
        let (rest, block) = parse_block_le(bytes).expect("a block");
        assert_eq!((bytes.len() - rest.len()) % 4, 0, "blocks are whole words");
        blocks.push(block);
        bytes = rest;
    }
    blocks
}

fn comments(options: &[pcap_parser::PcapNGOption<'_>]) -> Vec<String> {
    let comments = options.iter().filter(|option| option.code == OptionCode::Comment);
    comments.map(|option| option.as_str().unwrap().to_owned()).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_back((interfaces, packets) in any_capture()) {
        let stream = Shared::default();
        let mut writer = Writer::new(stream.clone(), "the lab").unwrap();
        let mut numbers = Vec::new();
        for (name, description, rate, snap) in &interfaces {
            let rate = rate.map(Rate::from_bits_per_sec);
            numbers.push(writer.interface(&Interface { name, description, rate, snap: *snap }).unwrap());
        }
        for packet in &packets {
            let comments: Vec<_> = packet.comments.iter().map(String::as_str).collect();
            let Owned { interface, at, original, bytes, .. } = packet;
            let packet = Packet { at: *at, original: *original, bytes, comments: &comments };
            writer.packet(numbers[*interface], &packet).unwrap();
        }
        writer.finish().unwrap();

        let bytes = stream.bytes();
        let mut blocks = blocks(&bytes).into_iter();
        let Some(Parsed::SectionHeader(section)) = blocks.next() else { panic!("a section first") };
        prop_assert_eq!((section.major_version, section.minor_version, section.section_len), (1, 0, -1));
        prop_assert_eq!(section.shb_userappl().unwrap().unwrap(), "the lab");
        for (name, description, rate, snap) in &interfaces {
            let Some(Parsed::InterfaceDescription(read)) = blocks.next() else { panic!("an interface") };
            prop_assert_eq!((read.linktype.0, read.snaplen, read.if_tsresol), (101, snap.unwrap_or(0), 9));
            prop_assert_eq!(read.if_name().unwrap().unwrap(), name);
            prop_assert_eq!(read.if_description().map_or("", Result::unwrap), description);
            prop_assert_eq!(read.if_speed().map(Result::unwrap), *rate);
        }
        for packet in &packets {
            let Some(Parsed::EnhancedPacket(read)) = blocks.next() else { panic!("a packet") };
            let snap = interfaces[packet.interface].3.map_or(usize::MAX, |snap| snap as usize);
            let kept = packet.bytes.len().min(snap);
            prop_assert_eq!(read.if_id as usize, packet.interface);
            prop_assert_eq!(u64::from(read.ts_high) << 32 | u64::from(read.ts_low), packet.at);
            prop_assert_eq!((read.caplen as usize, read.origlen), (kept, packet.original));
            prop_assert_eq!(&read.data[..kept], &packet.bytes[..kept]);
            prop_assert_eq!(comments(&read.options), packet.comments.clone());
        }
        prop_assert!(blocks.next().is_none());
    }
}

/// An IPv4 packet with a TCP segment of `payload` bytes, from 10.77.0.1 to 10.77.0.2, cut behind its headers.
fn headers(sequence: u32, payload: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    etherparse::PacketBuilder::ipv4([10, 77, 0, 1], [10, 77, 0, 2], 64)
        .tcp(40000, 29500, sequence, 1000)
        .write(&mut bytes, &vec![0; usize::from(payload)])
        .unwrap();
    bytes.truncate(40);
    bytes
}

#[test]
fn our_importer_reads_a_capture_of_headers_plain_and_compressed() {
    for name in ["taken.pcapng", "taken.pcapng.zst"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut writer = Writer::create(&path, "the lab").unwrap();
        let queue = writer.interface(&Interface { name: "switch>host1", ..Interface::default() }).unwrap();
        for i in 0..100 {
            let (at, bytes) = (u64::from(i) * 1_001, headers(1 + i * 1000, 1000));
            writer.packet(queue, &Packet { at, original: 1040, bytes: &bytes, comments: &["kept"] }).unwrap();
        }
        writer.finish().unwrap();
        let trace = Trace::open(&[&path], &ImportOptions::default()).unwrap();
        let stats = trace.stats();
        assert_eq!((stats.packets, stats.application_bytes, stats.duration), (100, 100_000, 99 * 1_001), "{name}");
    }
}

#[test]
fn what_is_longer_than_the_format_takes_is_cut_at_a_character() {
    let stream = Shared::default();
    let mut writer = Writer::new(stream.clone(), "the lab").unwrap();
    let queue = writer.interface(&Interface::default()).unwrap();
    let (comment, bytes) = ("é".repeat(40_000), vec![0; 300 << 10]);
    writer.packet(queue, &Packet { bytes: &bytes, comments: &[&comment], ..Packet::default() }).unwrap();
    let bytes = stream.bytes();
    let Some(Parsed::EnhancedPacket(read)) = blocks(&bytes).pop() else { panic!("a packet") };
    assert_eq!((read.caplen, read.origlen), (256 << 10, 300 << 10));
    assert_eq!(comments(&read.options), ["é".repeat(32_767)]);
}

#[test]
fn an_interface_of_another_capture_and_endless_comments_are_errors() {
    let mut small = Writer::new(io::sink(), "the lab").unwrap();
    let mut large = Writer::new(io::sink(), "the lab").unwrap();
    let foreign = large.interface(&Interface::default()).unwrap();
    let error = small.packet(foreign, &Packet::default()).unwrap_err();
    assert_eq!(error.to_string(), "a capture cannot take an interface of another capture");
    let comment = "x".repeat(60_000);
    let comments = vec![comment.as_str(); 300];
    let error = large.packet(foreign, &Packet { comments: &comments, ..Packet::default() }).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    large.packet(foreign, &Packet::default()).expect("the writer goes on");
}

#[test]
fn a_full_disk_is_an_error() {
    let mut writer = Writer::new(Full(100), "the lab").unwrap();
    let queue = writer.interface(&Interface::default()).unwrap();
    let mut written = (0..10).map(|_| writer.packet(queue, &Packet { bytes: &[0; 20], ..Packet::default() }));
    assert_eq!(written.find_map(Result::err).unwrap().kind(), io::ErrorKind::StorageFull);
}
