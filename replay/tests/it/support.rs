//! Makes captures to read.

use std::path::{Path, PathBuf};

use burstlab_replay::{Error, ImportOptions, Trace};
use etherparse::{IpNumber, Ipv4Header, PacketBuilder, TcpHeader};

pub const START: u64 = 1_700_000_000_000_000_000;
pub const ETHERNET: u32 = 1;

/// A TCP segment between 10.0.0.`from` and 10.0.0.`to`.
#[derive(Clone, Copy, Default)]
pub struct Seg {
    pub from: u8,
    pub to: u8,
    pub sequence: u32,
    pub acknowledgement: Option<u32>,
    pub syn: bool,
    pub payload: usize,
    pub id: u16,
}

/// A segment of data from worker 1 to worker 2.
pub fn data(sequence: u32, payload: usize) -> Seg {
    Seg { from: 1, to: 2, sequence, payload, id: sequence as u16 | 1, ..Seg::default() }
}

/// Worker 2's acknowledgement.
pub fn ack(acknowledgement: u32) -> Seg {
    let id = acknowledgement as u16 | 1;
    Seg { from: 2, to: 1, sequence: 1, acknowledgement: Some(acknowledgement), id, ..Seg::default() }
}

impl Seg {
    pub fn tcp(&self) -> TcpHeader {
        let port = |worker: u8| if worker == 1 { 29_500 } else { 40_000 + u16::from(worker) };
        let mut tcp = TcpHeader::new(port(self.from), port(self.to), self.sequence, 1000);
        tcp.syn = self.syn;
        tcp.ack = self.acknowledgement.is_some();
        tcp.acknowledgment_number = self.acknowledgement.unwrap_or(0);
        tcp
    }

    pub fn ipv4(&self) -> Vec<u8> {
        let tcp = self.tcp();
        let length = (tcp.header_len() + self.payload) as u16;
        let mut ip = Ipv4Header::new(length, 64, IpNumber::TCP, [10, 0, 0, self.from], [10, 0, 0, self.to]).unwrap();
        ip.identification = self.id;
        let mut packet = Vec::new();
        ip.write(&mut packet).unwrap();
        tcp.write(&mut packet).unwrap();
        packet.resize(packet.len() + self.payload, 0);
        packet
    }

    pub fn ethernet(&self) -> Vec<u8> {
        let mut frame = vec![2, 0, 0, 0, 0, self.to, 2, 0, 0, 0, 0, self.from, 0x08, 0x00];
        frame.extend(self.ipv4());
        frame
    }

    /// As [`Seg::ethernet`], with IPv6.
    pub fn ethernet_ipv6(&self) -> Vec<u8> {
        let address = |worker: u8| [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, worker];
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv6(address(self.from), address(self.to), 64);
        let mut frame = Vec::new();
        builder.tcp_header(self.tcp()).write(&mut frame, &vec![0; self.payload]).unwrap();
        frame
    }
}

/// A frame as a capture has it.
#[derive(Clone)]
pub struct Frame {
    pub time: u64,
    pub kept: Vec<u8>,
    pub original: usize,
}

pub fn frame(time: u64, bytes: Vec<u8>) -> Frame {
    Frame { time: START + time, original: bytes.len(), kept: bytes }
}

/// As [`frame`], with only the first `snaplen` bytes kept.
pub fn cut(time: u64, bytes: Vec<u8>, snaplen: usize) -> Frame {
    let mut frame = frame(time, bytes);
    frame.kept.truncate(snaplen);
    frame
}

fn word(n: u32, big: bool) -> [u8; 4] {
    if big { n.to_be_bytes() } else { n.to_le_bytes() }
}

pub fn pcap(frames: &[Frame], link: u32, nanos: bool, big: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let half = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    out.extend(word(if nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 }, big));
    out.extend([half(2), half(4)].concat());
    out.extend([0, 0, 262_144, link].map(|n| word(n, big)).concat());
    for f in frames {
        let fraction = f.time % 1_000_000_000 / if nanos { 1 } else { 1000 };
        let fields = [f.time / 1_000_000_000, fraction, f.kept.len() as u64, f.original as u64];
        out.extend(fields.map(|n| word(n as u32, big)).concat());
        out.extend(&f.kept);
    }
    out
}

/// A capture of Ethernet with nanosecond stamps.
pub fn ethernet(frames: &[Frame]) -> Vec<u8> {
    pcap(frames, ETHERNET, true, false)
}

pub fn block(kind: u32, body: &[u8], big: bool) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = word(body.len() as u32 + 12, big);
    [&word(kind, big)[..], &length, &body, &length].concat()
}

pub fn section(big: bool) -> Vec<u8> {
    let version = if big { [0, 1, 0, 0] } else { [1, 0, 0, 0] };
    block(0x0a0d_0d0a, &[&word(0x1a2b_3c4d, big)[..], &version, &[0xff; 8]].concat(), big)
}

pub fn interface(link: u16, tsresol: u8, big: bool) -> Vec<u8> {
    let half = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let options = [&half(9)[..], &half(1), &[tsresol, 0, 0, 0], &[0; 4]].concat();
    block(1, &[&half(link)[..], &[0; 2], &word(0, big), &options].concat(), big)
}

pub fn enhanced(interface: u32, f: &Frame, ticks: u64, big: bool) -> Vec<u8> {
    let fields = [interface, (ticks >> 32) as u32, ticks as u32, f.kept.len() as u32, f.original as u32];
    block(6, &[&fields.map(|n| word(n, big)).concat()[..], &f.kept].concat(), big)
}

/// A directory that files can be put in.
pub struct Files(tempfile::TempDir);

impl Files {
    pub fn new() -> Files {
        Files(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn open(&self, content: &[u8]) -> Result<Trace, Error> {
        Trace::open(&[self.put("traffic", content)], &ImportOptions::default())
    }
}

/// Reads a capture that must be good.
pub fn read(content: &[u8]) -> Trace {
    Files::new().open(content).unwrap()
}

/// The sentence about a file that must be bad.
pub fn complaint(content: &[u8]) -> String {
    match Files::new().open(content) {
        Ok(_) => panic!("it was read"),
        Err(error) => error.to_string(),
    }
}
