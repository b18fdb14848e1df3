//! Networks driven by hand, tapped, and their captures read back.

use std::io::Write;

use burstlab_network::{Arrival, Discipline, FlowId, Impairment, LinkSpec, Network, Topology};
use burstlab_replay::{ImportOptions, Trace};
use pcap_parser::pcapng::{Block, OptionCode, parse_block_le};

use super::*;

/// Counts what happened, as the tap's neighbour.
#[derive(Default)]
struct Count {
    arrivals: usize,
    drops: usize,
    marks: usize,
    losses: usize,
}

impl Probe for Count {
    fn on_arrival(&mut self, _: PortId, _: Time, _: &Segment, _: Span, _: Occupancy) {
        self.arrivals += 1;
    }
    fn on_drop(&mut self, _: PortId, _: Time, _: &Segment) {
        self.drops += 1;
    }
    fn on_mark(&mut self, _: PortId, _: Time, _: &Segment) {
        self.marks += 1;
    }
    fn on_loss(&mut self, _: PortId, _: Time, _: &Segment) {
        self.losses += 1;
    }
}

/// A record as it was read back.
#[derive(Debug)]
struct Read {
    port: String,
    at: u64,
    original: u32,
    bytes: Vec<u8>,
    comments: Vec<String>,
}

impl Read {
    fn has(&self, comment: &str) -> bool {
        self.comments.iter().any(|c| c.starts_with(comment))
    }
}

fn read(path: &Path) -> Vec<Read> {
    let file = std::fs::read(path).unwrap();
    let (mut rest, mut ports, mut records) = (&file[..], Vec::new(), Vec::new());
    while !rest.is_empty() {
        let (behind, block) = parse_block_le(rest).expect("a block");
        rest = behind;
        match block {
            Block::InterfaceDescription(b) => ports.push(b.if_name().unwrap().unwrap().to_owned()),
            Block::EnhancedPacket(b) => records.push(Read {
                port: ports[b.if_id as usize].clone(),
                at: u64::from(b.ts_high) << 32 | u64::from(b.ts_low),
                original: b.origlen,
                bytes: b.data[..b.caplen as usize].to_vec(),
                comments: {
                    let comments = b.options.iter().filter(|option| option.code == OptionCode::Comment);
                    comments.map(|option| option.as_str().unwrap().to_owned()).collect()
                },
            }),
            _ => {}
        }
    }
    records
}

/// Twenty hosts around a switch that send to one.
struct Incast {
    network: Network,
    flows: Vec<FlowId>,
}

impl Incast {
    /// Queues of eight packets that mark above four, and links that lose this share.
    fn new(loss: f64) -> Incast {
        let queue = Discipline::EcnStep { limit: Limit::Packets(8), mark_at: Limit::Packets(4) };
        let impairment = Impairment { loss, ..Impairment::default() };
        let rate = "10Gbit/s".parse().unwrap();
        let link = LinkSpec { rate, delay: Span::from_micros(5), queue, impairment };
        let mut network = Network::new(&Topology::star(21, link), &[], 1);
        let interface = |network: &Network, host| network.interface(host, 0).unwrap();
        let to = interface(&network, 0);
        let flows = (1..21).map(|host| {
            let from = interface(&network, host);
            network.add_flow(from, to).unwrap()
        });
        let flows = flows.collect();
        Incast { network, flows }
    }

    fn tapped(&self, path: &Path, only: Option<PortKind>) -> Tapped<Count> {
        let addresses = addresses(&(1..21).map(|host| [host, 0]).collect::<Vec<_>>());
        let options = TapOptions { only, epoch: 1_000_000, ..TapOptions::default() };
        let tap = Tap::create(path, self.network.ports(), addresses, options).unwrap();
        Tapped { inner: Count::default(), tap: Some(Box::new(tap)) }
    }

    /// Every host sends a full packet at each of these instants.
    fn send(&mut self, instants: &[u64], probe: &mut Tapped<Count>) {
        let mut sends = Vec::new();
        for (i, at) in (0..).zip(instants) {
            sends.extend(self.flows.iter().map(|flow| (Time::from_nanos(*at), *flow, i * 1460)));
        }
        let (mut sends, mut heads) = (sends.into_iter().peekable(), Vec::new());
        loop {
            heads.sort();
            let due: Option<(Time, PortId)> = heads.first().copied();
            match (due, sends.peek().copied()) {
                (None, None) => return,
                (Some((at, port)), send) if send.is_none_or(|(sent, ..)| at <= sent) => {
                    heads.remove(0);
                    let (arriving, next) = self.network.take(port, at, probe);
                    heads.extend((!next.is_never()).then_some((next, port)));
                    match arriving.map(|arriving| self.network.pass_on(arriving, at, probe)) {
                        Some(Arrival::Delivered(packet)) => self.network.remove(packet),
                        Some(Arrival::Forwarded(next)) => heads.extend(next.map(|(port, at)| (at, port))),
                        None => {}
                    }
                }
                (_, Some((now, flow, seq))) => {
                    sends.next();
                    let segment =
                        Segment { flow, seq, payload: 1460, codepoint: Codepoint::Ect0, ..Segment::default() };
                    *self.network.blank() = segment;
                    heads.extend(self.network.send(now, probe).news.map(|(port, at)| (at, port)));
                }
                (Some(_), None) => unreachable!("what is due and nothing to send is the second case"),
            }
        }
    }
}

/// Sends through a tapped incast, and gives what was counted and what was recorded.
fn capture(loss: f64, instants: &[u64], only: Option<PortKind>) -> (Count, Vec<Read>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("incast.pcapng");
    let mut incast = Incast::new(loss);
    let mut probe = incast.tapped(&path, only);
    incast.send(instants, &mut probe);
    let written = probe.tap.unwrap().finish().unwrap();
    let records = read(&path);
    assert_eq!(written, records.len() as u64);
    (probe.inner, records)
}

#[test]
fn each_packet_at_each_queue_is_a_record_that_says_what_happened() {
    let (count, records) = capture(0.0, &[0], None);
    assert_eq!((count.arrivals, count.drops, count.marks), (20 + 9, 11, 4));
    assert_eq!(records.len(), 40, "twenty interfaces, and the queue where all meet");
    let queue: Vec<_> = records.iter().filter(|r| r.port == "switch>host0").collect();
    assert_eq!(queue.len(), 20);
    // One is in transmission and eight wait, of which those above four are marked.
    let comments: Vec<_> = queue.iter().map(|r| r.comments.join("; ")).collect();
    assert_eq!(comments[0], "");
    assert_eq!(comments[1], "waited 1.200 us behind the packet in transmission");
    assert_eq!(comments[2], "waited 2.400 us behind 1 packet");
    assert_eq!(comments[8], "CE mark set here, 7 packets waiting; waited 9.600 us behind 7 packets");
    assert_eq!(comments[9], "dropped: the queue of 8p was full");
    for record in &records {
        let expected = if record.has("CE mark") { Codepoint::Ce } else { Codepoint::Ect0 };
        assert_eq!(record.bytes[1] & 3, expected as u8, "the mark is in the header");
        assert_eq!((record.bytes.len(), record.original), (40, 1500), "headers only");
    }
    // The run begins at 1 ms; the first packets take 1.2 us to send and 5 us to cross.
    assert_eq!((records[0].at, queue[0].at), (1_000_000, 1_006_200));
    assert_eq!(queue[0].bytes[12..20], [10, 77, 0, 2, 10, 77, 0, 1]);
}

#[test]
fn ports_of_the_other_kind_can_be_left_out() {
    let (count, records) = capture(0.3, &[0, 100_000], Some(PortKind::Queue));
    assert_eq!(records.len() + 40, count.arrivals + count.drops);
    assert!(records.iter().all(|r| r.port == "switch>host0"));
}

#[test]
fn a_loss_on_the_link_is_told_where_the_packet_left_in_the_order_of_time() {
    let instants: Vec<_> = (0..50).map(|i| i * 7_000).collect();
    let (count, records) = capture(0.2, &instants, None);
    assert!(count.losses > 100);
    assert_eq!(records.iter().filter(|r| r.has("lost on the link")).count(), count.losses);
    assert_eq!(records.len(), count.arrivals + count.drops, "no record of their own");
    assert!(records.is_sorted_by_key(|r| r.at));
    let told_twice = records.iter().filter(|r| r.comments.iter().filter(|c| c.starts_with("lost")).count() > 1);
    assert_eq!(told_twice.count(), 0);
}

#[test]
fn our_importer_reads_what_was_tapped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tapped.pcapng.zst");
    let mut incast = Incast::new(0.0);
    let mut probe = incast.tapped(&path, None);
    incast.send(&[0, 100_000], &mut probe);
    probe.tap.unwrap().finish().unwrap();
    let trace = Trace::open(&[&path], &ImportOptions::default()).unwrap();
    assert_eq!(trace.stats().packets, 80);
    assert_eq!(trace.stats().application_bytes, 40 * 1460, "a packet that is seen twice is one");
}

#[test]
fn real_bytes_are_kept_with_the_mark_that_the_queue_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bytes.pcapng");
    let network = Incast::new(0.0).network;
    let options = TapOptions { keep: Keep::Bytes(100), ..TapOptions::default() };
    let mut tap = Tap::create(&path, network.ports(), Vec::new(), options).unwrap();
    let end = |host, port| SocketAddrV4::new(Ipv4Addr::new(10, 77, 1, host), port);
    let sent = Segment { payload: 1000, codepoint: Codepoint::Ect0, ..Segment::default() };
    let packet = wire::to_bytes(&sent, end(1, 7), end(2, 8), &[0xab; 1000]);
    let (port, waiting) = (PortId(3), Occupancy { packets: 5, bytes: 0 });
    let marked = Segment { codepoint: Codepoint::Ce, ..sent };
    tap.on_bytes(&packet);
    tap.on_arrival(port, Time::ZERO, &sent, Span::ZERO, Occupancy::default());
    tap.on_bytes(&packet);
    tap.on_mark(port, Time::from_nanos(1), &marked);
    tap.on_arrival(port, Time::from_nanos(1), &marked, Span::from_nanos(9), waiting);
    assert_eq!(tap.finish().unwrap(), 2);
    let records = read(&path);
    assert_eq!(records[0].bytes, packet[..100]);
    let expected = wire::to_bytes(&marked, end(1, 7), end(2, 8), &[0xab; 1000]);
    assert_eq!((&records[1].bytes[..], records[1].original), (&expected[..100], 1040));
    assert!(records[1].has("CE mark set here, 5 packets waiting"));
}

#[test]
fn a_loss_whose_arrival_was_not_seen_is_a_record_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("late.pcapng");
    let network = Incast::new(0.5).network;
    let mut tap = Tap::create(&path, network.ports(), Vec::new(), TapOptions::default()).unwrap();
    tap.on_loss(PortId(0), Time::from_nanos(5), &Segment::default());
    assert_eq!(tap.finish().unwrap(), 1);
    assert!(read(&path)[0].has("lost on the link"));
}

/// A disk that is full after so many bytes.
struct Disk(usize);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_at_the_end_and_does_not_end_the_run() {
    let mut incast = Incast::new(0.1);
    let writer = Writer::new(Disk(10_000), "burstlab").unwrap();
    let tap = Tap::new(writer, incast.network.ports(), Vec::new(), TapOptions::default()).unwrap();
    let mut probe = Tapped { inner: Count::default(), tap: Some(Box::new(tap)) };
    incast.send(&[0, 20_000, 40_000, 60_000, 80_000], &mut probe);
    assert!(probe.inner.arrivals > 100);
    assert_eq!(probe.tap.unwrap().finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn no_two_flows_have_the_same_addresses() {
    let all = addresses(&vec![[3, 300]; 60_000]);
    assert_eq!(all[0][0].to_string(), "10.77.0.4:32768");
    assert_eq!(all[0][1].to_string(), "10.77.1.45:29500");
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
}
