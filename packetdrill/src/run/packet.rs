//! A TCP packet in the script's numbers, and how it is written.

use std::fmt;

use burstlab_network::{AccEcnCounters, Codepoint, Flags, Segment};

use super::translation::Translation;

/// A TCP option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TcpOption {
    /// Padding between options.
    NoOperation,
    /// Padding behind the last.
    End,
    /// The largest segment that the sender takes (RFC 9293, section 3.7.1).
    MaxSegment(u16),
    /// The shift of the window field (RFC 7323, section 2); none where any will do.
    WindowScale(Option<u8>),
    /// SACK may be sent (RFC 2018, section 2).
    SackPermitted,
    /// What arrived behind a hole (RFC 2018, section 3).
    Sack(Vec<(u32, u32)>),
    /// TSval and TSecr (RFC 7323, section 3).
    Timestamps(u32, u32),
    /// ECT(0), CE and ECT(1) bytes (RFC 9768, section 3.2.3), as many as are there.
    AccEcn {
        /// r.e0b
        ect0: Option<u32>,
        /// r.ceb
        ce: Option<u32>,
        /// r.e1b
        ect1: Option<u32>,
        /// Whether ECT(1) comes first (kind 174), else ECT(0) does (kind 172).
        one_first: bool,
    },
}

impl TcpOption {
    /// What is the same for options of one kind.
    pub fn kind(&self) -> &'static str {
        match self {
            TcpOption::NoOperation => "nop",
            TcpOption::End => "eol",
            TcpOption::MaxSegment(_) => "mss",
            TcpOption::WindowScale(_) => "wscale",
            TcpOption::SackPermitted => "sackOK",
            TcpOption::Sack(_) => "sack",
            TcpOption::Timestamps(..) => "TS",
            TcpOption::AccEcn { .. } => "ECN",
        }
    }

    /// Whether it only fills up space.
    pub fn is_padding(&self) -> bool {
        matches!(self, TcpOption::NoOperation | TcpOption::End)
    }
}

impl fmt::Display for TcpOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TcpOption::MaxSegment(size) => write!(f, "mss {size}"),
            TcpOption::WindowScale(Some(shift)) => write!(f, "wscale {shift}"),
            TcpOption::WindowScale(None) => f.write_str("wscale *"),
            TcpOption::Timestamps(value, echo) => write!(f, "TS val {value} ecr {echo}"),
            TcpOption::Sack(blocks) => {
                f.write_str("sack")?;
                blocks.iter().try_for_each(|(start, end)| write!(f, " {start}:{end}"))
            }
            TcpOption::AccEcn { ect0, ce, ect1, one_first } => {
                f.write_str("ECN")?;
                let mut fields = [("e0b", ect0), ("ceb", ce), ("e1b", ect1)];
                if *one_first {
                    fields.reverse();
                }
                fields.iter().try_for_each(|(name, count)| match count {
                    Some(count) => write!(f, " {name} {count}"),
                    None => Ok(()),
                })
            }
            plain => f.write_str(plain.kind()),
        }
    }
}

/// A packet that was sent or injected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// ECN field of the IP header.
    pub codepoint: Codepoint,
    /// TCP's flags.
    pub flags: Flags,
    /// First sequence number.
    pub seq: u32,
    /// Bytes of payload.
    pub payload: u32,
    /// Acknowledgement number; it means something only with the ACK flag.
    pub ack: u32,
    /// Window field.
    pub window: u16,
    /// Options, in the order of the wire.
    pub options: Vec<TcpOption>,
}

impl Packet {
    /// What the stack sent, in the script's numbers.
    pub fn sent(segment: &Segment, translation: &Translation) -> Packet {
        let syn = segment.flags.has(Flags::SYN);
        let sack = segment.sack.as_slice().iter();
        let blocks = sack
            .map(|block| (translation.peer_to_script(block.start, syn), translation.peer_to_script(block.end, syn)));
        Packet {
            codepoint: segment.codepoint,
            flags: segment.flags,
            seq: translation.local_to_script(segment.seq, syn),
            payload: segment.payload,
            ack: if segment.flags.has(Flags::ACK) { translation.peer_to_script(segment.ack, syn) } else { 0 },
            window: segment.window,
            options: options(segment, blocks.collect()),
        }
    }

    /// Sequence number behind the payload, as scripts write it: SYN and FIN take none.
    pub fn end(&self) -> u32 {
        self.seq.wrapping_add(self.payload)
    }
}

/// The options of a segment, in Linux's order, without padding.
fn options(segment: &Segment, blocks: Vec<(u32, u32)>) -> Vec<TcpOption> {
    let syn = segment.flags.has(Flags::SYN).then_some(segment.syn);
    let mss = syn.filter(|syn| syn.mss > 0).map(|syn| TcpOption::MaxSegment(syn.mss));
    let sack_permitted = syn.filter(|syn| syn.sack_permitted).map(|_| TcpOption::SackPermitted);
    let timestamps = segment.timestamps.map(|stamps| TcpOption::Timestamps(stamps.value, stamps.echo));
    let scale = syn.and_then(|syn| syn.window_scale).map(|shift| TcpOption::WindowScale(Some(shift)));
    let counters = segment.acc_ecn.map(accurate);
    let sack = (!blocks.is_empty()).then_some(TcpOption::Sack(blocks));
    [mss, sack_permitted, timestamps, scale, counters, sack].into_iter().flatten().collect()
}

fn accurate(counters: AccEcnCounters) -> TcpOption {
    TcpOption::AccEcn {
        ect0: Some(counters.ect0.get()),
        ce: Some(counters.ce.get()),
        ect1: Some(counters.ect1.get()),
        one_first: false,
    }
}

/// The flags as scripts write them.
pub fn flags(flags: Flags) -> String {
    const LETTERS: [(Flags, char); 8] = [
        (Flags::FIN, 'F'),
        (Flags::SYN, 'S'),
        (Flags::RST, 'R'),
        (Flags::PSH, 'P'),
        (Flags::ACK, '.'),
        (Flags::ECE, 'E'),
        (Flags::CWR, 'W'),
        (Flags::AE, 'A'),
    ];
    LETTERS.into_iter().filter(|(flag, _)| flags.has(*flag)).map(|(_, letter)| letter).collect()
}

/// The codepoint as scripts write it.
pub fn codepoint(codepoint: Codepoint) -> &'static str {
    match codepoint {
        Codepoint::NotEct => "noecn",
        Codepoint::Ect0 => "ect0",
        Codepoint::Ect1 => "ect1",
        Codepoint::Ce => "ce",
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.codepoint != Codepoint::NotEct {
            write!(f, "[{}] ", codepoint(self.codepoint))?;
        }
        let letters = flags(self.flags);
        write!(f, "{} {}:{}({})", if letters.is_empty() { "-" } else { &letters }, self.seq, self.end(), self.payload)?;
        if self.flags.has(Flags::ACK) {
            write!(f, " ack {}", self.ack)?;
        }
        write!(f, " win {}", self.window)?;
        if !self.options.is_empty() {
            let options: Vec<String> = self.options.iter().map(TcpOption::to_string).collect();
            write!(f, " <{}>", options.join(","))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use burstlab_network::{SynOptions, Timestamps};

    use super::*;

    #[test]
    fn a_packet_reads_as_a_script_would_have_it() {
        let syn = Segment {
            flags: Flags::SYN.with(Flags::ECE).with(Flags::CWR),
            seq: 77,
            window: 65_535,
            syn: SynOptions { mss: 1460, window_scale: Some(8), sack_permitted: true },
            timestamps: Some(Timestamps { value: 100, echo: 0 }),
            ..Segment::default()
        };
        let text = Packet::sent(&syn, &Translation::new(77)).to_string();
        assert_eq!(text, "SEW 0:0(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 0,wscale 8>");
        let data = Segment {
            flags: Flags::PSH.with(Flags::ACK),
            codepoint: Codepoint::Ect0,
            seq: 78,
            ack: 10,
            payload: 1000,
            window: 256,
            ..Segment::default()
        };
        let mut translation = Translation::new(77);
        translation.learn_remote(9);
        assert_eq!(Packet::sent(&data, &translation).to_string(), "[ect0] P. 1:1001(1000) ack 1 win 256");
    }
}
