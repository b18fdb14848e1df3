//! The peer: it knows what the connection expects, and keeps to it or not.

use arbitrary::Arbitrary;
use burstlab_network::{
    AccEcnCounters, Codepoint, Direction, Flags, FlowId, SackBlock, SackBlocks, Segment, SynOptions, Timestamps, U24,
};

/// The peer's own initial sequence number: its stream wraps early.
const INITIAL: u32 = u32::MAX - 3000;

/// A number on the wire, told by where an honest peer would be.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Number {
    /// Just there.
    Expected,
    /// Near there.
    Near(i16),
    /// Within a large window.
    Far(i32),
}

impl Number {
    fn of(self, expected: u32) -> u32 {
        match self {
            Number::Expected => expected,
            Number::Near(by) => expected.wrapping_add_signed(i32::from(by)),
            Number::Far(by) => expected.wrapping_add_signed(by),
        }
    }
}

/// What a forged segment carries beside its numbers.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Kind {
    /// ACK is the one flag.
    Ack,
    /// Any flags.
    Flags(u16),
    /// ACK and FIN.
    Fin,
    /// RST.
    Reset,
}

/// A segment of the fuzzer's making.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Forged {
    kind: Kind,
    seq: Number,
    ack: Number,
    payload: u16,
    window: u16,
    codepoint: u8,
    sack: [Option<(Number, Number)>; 3],
    timestamps: Option<(i16, i16)>,
    counters: Option<(u32, u32, u32)>,
    mss: u16,
    window_scale: Option<u8>,
    sack_permitted: bool,
}

/// What the peer heard.
pub struct Peer {
    /// Number that the connection has sent everything below.
    sent: u32,
    /// Number that the connection expects next.
    expected: u32,
    /// The highest timestamps: the connection's, and the last that the peer gave.
    stamps: (u32, u32),
    timestamps: bool,
    greeted: bool,
}

impl Peer {
    /// It knows the initial sequence number, as an attacker on the path does.
    pub fn new(initial_sequence: u32) -> Peer {
        Peer {
            sent: initial_sequence.wrapping_add(1),
            expected: INITIAL,
            stamps: (0, 1000),
            timestamps: false,
            greeted: false,
        }
    }

    /// The connection sent `segment`.
    pub fn hear(&mut self, segment: &Segment) {
        if segment.flags.has(Flags::RST) {
            return;
        }
        let end = segment.seq.wrapping_add(segment.seq_len());
        if end.wrapping_sub(self.sent) as i32 > 0 {
            self.sent = end;
        }
        if segment.flags.has(Flags::ACK) {
            self.expected = segment.ack;
        }
        self.greeted |= segment.flags.has(Flags::SYN);
        if let Some(stamps) = segment.timestamps {
            self.stamps.0 = stamps.value;
            self.timestamps = true;
        }
    }

    fn blank(&self, flags: Flags) -> Segment {
        Segment { flow: FlowId(1), direction: Direction::Backward, flags, window: 40_000, ..Segment::default() }
    }

    fn stamps(&self) -> Option<Timestamps> {
        self.timestamps.then_some(Timestamps { value: self.stamps.1, echo: self.stamps.0 })
    }

    /// The next segment of an honest handshake, whichever side began.
    pub fn handshake(&self) -> Segment {
        let flags = if self.greeted { Flags::SYN.with(Flags::ACK) } else { Flags::SYN };
        Segment {
            seq: INITIAL,
            ack: if self.greeted { self.sent } else { 0 },
            syn: SynOptions { mss: 1460, window_scale: Some(3), sack_permitted: true },
            timestamps: Some(Timestamps { value: self.stamps.1, echo: self.stamps.0 }),
            ..self.blank(flags)
        }
    }

    /// An acknowledgement of everything, with `payload` in order.
    pub fn honest(&mut self, payload: u32) -> Segment {
        self.stamps.1 = self.stamps.1.wrapping_add(1);
        Segment { seq: self.expected, ack: self.sent, payload, timestamps: self.stamps(), ..self.blank(Flags::ACK) }
    }

    /// A segment as forged, its number moved by `further`.
    pub fn forge(&self, forged: &Forged, further: u32) -> Segment {
        let flags = match forged.kind {
            Kind::Ack => Flags::ACK,
            Kind::Flags(bits) => Flags(bits & 0x1df),
            Kind::Fin => Flags::ACK.with(Flags::FIN),
            Kind::Reset => Flags::RST,
        };
        let mut sack = SackBlocks::default();
        for (start, end) in forged.sack.into_iter().flatten() {
            let place = |number: Number| number.of(self.sent).wrapping_add(further);
            sack.push(SackBlock { start: place(start), end: place(end) });
        }
        let codepoint = [Codepoint::NotEct, Codepoint::Ect1, Codepoint::Ect0, Codepoint::Ce];
        let stamps = |(value, echo): (i16, i16)| Timestamps {
            value: self.stamps.1.wrapping_add_signed(i32::from(value)),
            echo: self.stamps.0.wrapping_add_signed(i32::from(echo)),
        };
        let syn =
            SynOptions { mss: forged.mss, window_scale: forged.window_scale, sack_permitted: forged.sack_permitted };
        Segment {
            codepoint: codepoint[usize::from(forged.codepoint % 4)],
            seq: forged.seq.of(self.expected).wrapping_add(further),
            ack: forged.ack.of(self.sent),
            payload: u32::from(forged.payload),
            window: forged.window,
            syn: if flags.has(Flags::SYN) { syn } else { SynOptions::default() },
            sack,
            timestamps: forged.timestamps.map(stamps),
            acc_ecn: forged.counters.map(|(ect0, ce, ect1)| AccEcnCounters {
                ect0: U24::wrapping(u64::from(ect0)),
                ce: U24::wrapping(u64::from(ce)),
                ect1: U24::wrapping(u64::from(ect1)),
            }),
            ..self.blank(flags)
        }
    }
}
