//! Packets out of pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng) files.

use pcap_parser::pcapng::{Block, parse_block_be, parse_block_le};
use pcap_parser::{LegacyPcapBlock, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};

use super::clock::Resolution;
use crate::input::Input;
use crate::{Error, Format};

const PCAP_HEADER: usize = 24;
const PCAP_RECORD: usize = 16;
/// The largest packet kept is 256 KiB in every capture program; a block may carry comments beside it. A length beyond
/// this is damage, and would otherwise have us allocate whatever a broken file asks for.
const LONGEST: usize = 16 << 20;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const BYTE_ORDER_MAGIC: [u8; 4] = [0x1a, 0x2b, 0x3c, 0x4d];
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// A packet as the capture has it.
pub(crate) struct Packet<'a> {
    /// Unix time in nanoseconds.
    pub time: u64,
    /// Its length on the wire.
    pub original: usize,
    /// What was kept of it.
    pub data: &'a [u8],
    /// The link's type.
    pub link: u32,
}

struct Interface {
    link: u32,
    resolution: Resolution,
}

/// How the file is laid out.
#[derive(Clone, Copy)]
enum Layout {
    Pcap { link: u32, nanos: bool },
    Pcapng,
}

/// Reads a capture's packets one by one.
pub(crate) struct Records {
    input: Input,
    layout: Layout,
    big_endian: bool,
    /// Those of the section at hand, in pcapng.
    interfaces: Vec<Interface>,
    packet: u64,
    time: u64,
    /// The packet in whose middle the file ends.
    pub cut_at: Option<u64>,
    /// Packets that carry no time stamp of their own.
    pub unstamped: u64,
}

fn number(bytes: &[u8], big_endian: bool) -> u32 {
    let b = [bytes[0], bytes[1], bytes[2], bytes[3]];
    if big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
}

impl Records {
    /// Reads the file's header, if it needs one.
    pub fn new(mut input: Input, format: Format) -> Result<Records, Error> {
        let (mut layout, mut big_endian, mut cut_at) = (Layout::Pcapng, false, None);
        if format == Format::Pcap {
            layout = Layout::Pcap { link: 0, nanos: false };
            if input.has(PCAP_HEADER)? {
                let (_, header) = parse_pcap_header(input.data()).map_err(|_| damaged(&input, 1, "its file header"))?;
                // The upper bits of the field say how long the frame check sequence is, not what the link is.
                let link = header.network.0 as u32 & 0x03ff_ffff;
                layout = Layout::Pcap { link, nanos: header.is_nanosecond_precision() };
                big_endian = header.is_bigendian();
                input.consume(PCAP_HEADER);
            } else {
                cut_at = Some(1);
                input.consume(input.data().len());
            }
        }
        Ok(Records { input, layout, big_endian, interfaces: Vec::new(), packet: 0, time: 0, cut_at, unstamped: 0 })
    }

    /// The number of the packet that was read last, counted from one.
    pub fn number(&self) -> u64 {
        self.packet
    }

    pub fn path(&self) -> &std::path::Path {
        self.input.path()
    }

    /// The next packet, or nothing at the end. Its bytes stay valid until the next call.
    pub fn next(&mut self) -> Result<Option<Packet<'_>>, Error> {
        match self.layout {
            Layout::Pcap { link, nanos } => self.next_pcap(link, nanos),
            Layout::Pcapng => self.next_pcapng(),
        }
    }

    /// Whether `length` more bytes are there; if the file ends before them, remembers where it was cut.
    fn whole(&mut self, length: usize) -> Result<bool, Error> {
        if self.input.has(length)? {
            return Ok(true);
        }
        let rest = self.input.data().len();
        if rest > 0 || self.input.is_cut() {
            self.cut_at.get_or_insert(self.packet + 1);
        }
        self.input.consume(rest);
        Ok(false)
    }

    fn next_pcap(&mut self, link: u32, nanos: bool) -> Result<Option<Packet<'_>>, Error> {
        if !self.whole(PCAP_RECORD)? {
            return Ok(None);
        }
        let kept = number(&self.input.data()[8..], self.big_endian) as usize;
        if kept > LONGEST {
            return Err(damaged(&self.input, self.packet + 1, &format!("a packet of {kept} bytes")));
        }
        let length = PCAP_RECORD + kept;
        if !self.whole(length)? {
            return Ok(None);
        }
        self.packet += 1;
        self.input.consume(length);
        let parse = if self.big_endian { parse_pcap_frame_be } else { parse_pcap_frame };
        let record = self.input.behind(length);
        let Ok((_, LegacyPcapBlock { ts_sec, ts_usec, origlen, data, .. })) = parse(record) else {
            return Err(damaged(&self.input, self.packet, "its record header"));
        };
        let fraction = u64::from(ts_usec) * if nanos { 1 } else { 1_000 };
        let time = u64::from(ts_sec) * 1_000_000_000 + fraction;
        Ok(Some(Packet { time, original: origlen as usize, data, link }))
    }

    fn next_pcapng(&mut self) -> Result<Option<Packet<'_>>, Error> {
        let Some(length) = self.skip_to_packet()? else { return Ok(None) };
        let raw = self.input.behind(length);
        let parse = if self.big_endian { parse_block_be } else { parse_block_le };
        let (interface, stamp, original, data) = match parse(raw) {
            Ok((_, Block::EnhancedPacket(b))) => {
                (b.if_id, Some((b.ts_high, b.ts_low)), b.origlen as usize, kept(b.data, b.caplen))
            }
            // A simple packet belongs to the first interface and is cut to that one's snaplen (section 4.4).
            Ok((_, Block::SimplePacket(b))) => (0, None, b.origlen as usize, kept(b.data, b.origlen)),
            _ => match obsolete(raw, self.big_endian) {
                Some(packet) => packet,
                None => return Err(damaged(&self.input, self.packet, "a packet block's content")),
            },
        };
        let Some(known) = self.interfaces.get(interface as usize) else {
            let what = format!("interface {interface}, which was not described,");
            return Err(damaged(&self.input, self.packet, &what));
        };
        match stamp {
            Some((high, low)) => self.time = known.resolution.nanos(u64::from(high) << 32 | u64::from(low)),
            None => self.unstamped += 1,
        }
        Ok(Some(Packet { time: self.time, original, data, link: known.link }))
    }

    /// Consumes blocks up to and including the next one with a packet, and gives that one's length.
    fn skip_to_packet(&mut self) -> Result<Option<usize>, Error> {
        loop {
            if !self.whole(12)? {
                return Ok(None);
            }
            let length = self.block_length()?;
            if !self.whole(length)? {
                return Ok(None);
            }
            self.input.consume(length);
            let raw = self.input.behind(length);
            match number(raw, self.big_endian) {
                ENHANCED_PACKET | SIMPLE_PACKET | OBSOLETE_PACKET => {
                    self.packet += 1;
                    return Ok(Some(length));
                }
                // Interfaces are numbered anew in each section (section 4.1).
                SECTION_HEADER => self.interfaces.clear(),
                INTERFACE => {
                    let parse = if self.big_endian { parse_block_be } else { parse_block_le };
                    let Ok((_, Block::InterfaceDescription(b))) = parse(raw) else {
                        return Err(damaged(&self.input, self.packet + 1, "an interface's description"));
                    };
                    let resolution = Resolution::new(b.if_tsresol, b.if_tsoffset);
                    self.interfaces.push(Interface { link: b.linktype.0 as u32, resolution });
                }
                _ => {}
            }
        }
    }

    /// The length of the block at hand; a section header also sets the byte order for what follows.
    fn block_length(&mut self) -> Result<usize, Error> {
        let head = self.input.data();
        if number(head, false) == SECTION_HEADER {
            self.big_endian = head[8..12] == BYTE_ORDER_MAGIC;
            let mut swapped = BYTE_ORDER_MAGIC;
            swapped.reverse();
            if !self.big_endian && head[8..12] != swapped {
                return Err(damaged(&self.input, self.packet + 1, "a section's byte order"));
            }
        }
        let length = number(&head[4..], self.big_endian) as usize;
        if length < 12 || !length.is_multiple_of(4) || length > LONGEST {
            return Err(damaged(&self.input, self.packet + 1, &format!("a block of {length} bytes")));
        }
        Ok(length)
    }
}

/// What was kept, without the padding to 32 bits.
fn kept(data: &[u8], length: u32) -> &[u8] {
    &data[..data.len().min(length as usize)]
}

type Captured<'a> = (u32, Option<(u32, u32)>, usize, &'a [u8]);

/// The packet block of old (draft-ietf-opsawg-pcapng, appendix A): still written by captures of before 2010.
fn obsolete(raw: &[u8], big_endian: bool) -> Option<Captured<'_>> {
    let body = raw.get(8..raw.len() - 4)?;
    let field = |at: usize| body.get(at..at + 4).map(|b| number(b, big_endian));
    let id = body.get(..2)?;
    let interface = if big_endian { u16::from_be_bytes([id[0], id[1]]) } else { u16::from_le_bytes([id[0], id[1]]) };
    let (high, low, length, original) = (field(4)?, field(8)?, field(12)?, field(16)?);
    let data = body.get(20..20usize.checked_add(length as usize)?)?;
    Some((u32::from(interface), Some((high, low)), original as usize, data))
}

fn damaged(input: &Input, packet: u64, what: &str) -> Error {
    Error::Damaged { path: input.path().to_owned(), packet, reason: format!("{what} makes no sense there") }
}
