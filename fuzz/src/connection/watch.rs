//! What holds for a connection whoever its peer is.

use burstlab_network::{Direction, Flags, FlowId, Segment};
use burstlab_stacks::native::Connection;
use burstlab_stacks::{Counters, Endpoint, Status};

use crate::settings::Settings;

/// Segments without data that one segment may be answered with: an acknowledgement of what came before a change of
/// marks and one of what came after it.
const MOST_ANSWERS: usize = 2;
/// Segments that leave at one instant at most: the peer's smallest MSS makes a packet of each byte written, and each may
/// be sent anew.
const MOST_AT_ONCE: usize = 300_000;

/// What was seen so far.
pub struct Watch {
    mss: u32,
    /// Number of the first byte.
    first: u32,
    /// Position behind the highest byte sent, the FIN included.
    sent: u64,
    /// Payload bytes that came in, wherever they belong.
    offered: u64,
    /// Segments that left since [`Watch::begin_transmissions`]: all, and those without data.
    left: (usize, usize),
    last: Option<Seen>,
}

/// What may only grow, or only change in one way.
struct Seen {
    received: u64,
    acknowledged: u64,
    written: u64,
    counters: Counters,
    status: Status,
}

impl Watch {
    /// Nothing was seen yet.
    pub fn new(settings: &Settings) -> Watch {
        Watch {
            mss: u32::from(settings.config(0).mss),
            first: settings.initial_sequence.wrapping_add(1),
            sent: 0,
            offered: 0,
            left: (0, 0),
            last: None,
        }
    }

    /// A segment is about to come in.
    pub fn before_segment(&mut self, segment: &Segment) {
        self.offered += u64::from(segment.payload);
    }

    /// The connection is asked for all that it has.
    pub fn begin_transmissions(&mut self) {
        self.left = (0, 0);
    }

    /// `segment` left.
    pub fn on_transmit(&mut self, connection: &Connection, segment: &Segment) {
        self.left.0 += 1;
        assert!(self.left.0 < MOST_AT_ONCE, "it sends without end");
        assert_eq!((segment.flow, segment.direction), (FlowId(1), Direction::Forward));
        assert!(segment.options_len() <= 40, "{} bytes of options", segment.options_len());
        if segment.flags.has(Flags::SYN) {
            assert_eq!(segment.seq.wrapping_add(1), self.first, "a SYN with another number");
            assert_eq!(segment.payload, 0);
        } else if segment.flags.has(Flags::RST) {
            assert_eq!(segment.payload, 0);
        } else {
            self.on_stream(connection, segment);
        }
        self.left.1 += usize::from(segment.seq_len() == 0);
    }

    fn on_stream(&mut self, connection: &Connection, segment: &Segment) {
        assert!(segment.flags.has(Flags::ACK));
        assert!(segment.payload <= self.mss, "{} bytes, the MSS is {}", segment.payload, self.mss);
        let near = self.first.wrapping_add(self.sent as u32);
        let start = self.sent as i64 + i64::from(segment.seq.wrapping_sub(near) as i32);
        let end = start + i64::from(segment.seq_len());
        assert!(start >= 0, "before the stream's begin");
        let most = connection.written() + u64::from(segment.flags.has(Flags::FIN));
        // A bare acknowledgement behind the FIN has the number behind it.
        let most = if segment.seq_len() == 0 { most.max(self.sent) } else { most };
        assert!(end as u64 <= most, "it sends up to {end} of {} written", connection.written());
        self.sent = self.sent.max(end as u64);
    }

    /// The connection has no more to send. `cause`: the segment that came in before.
    pub fn end_transmissions(&mut self, cause: Option<&Segment>) {
        if let Some(cause) = cause {
            assert!(self.left.1 <= MOST_ANSWERS, "{} answers without data to {cause:?}", self.left.1);
        }
    }

    /// What can be seen of the connection from outside.
    pub fn look(&mut self, connection: &Connection) {
        let now = Seen {
            received: connection.received(),
            acknowledged: connection.acknowledged(),
            written: connection.written(),
            counters: connection.counters(),
            status: connection.status(),
        };
        assert!(now.acknowledged <= now.written, "more is acknowledged than was written");
        assert!(now.acknowledged <= self.sent, "more is acknowledged than was sent");
        assert!(now.received + connection.readable() <= self.offered, "more is received than was ever offered");
        let snapshot = connection.snapshot();
        assert!(snapshot.in_flight.get() <= self.sent - now.acknowledged, "more is in flight than was sent");
        let counters = now.counters;
        // A timeout forgets what was selectively acknowledged (RFC 2018, section 8), and that is delivered once more.
        assert!(snapshot.delivered <= self.sent * (1 + counters.timeouts), "more is delivered than was sent");
        assert!(counters.retransmitted_segments <= counters.data_segments_sent);
        if matches!(now.status, Status::Failed) {
            assert!(connection.next_wake().is_never(), "a failed connection asks to be woken");
        }
        if let Some(last) = self.last.take() {
            assert!(last.received <= now.received, "bytes received were taken back");
            assert!(last.acknowledged <= now.acknowledged, "acknowledgements were taken back");
            assert!(last.written <= now.written, "bytes written were taken back");
            assert!(last.counters.data_segments_sent <= counters.data_segments_sent);
            assert!(last.counters.unique_segments_received <= counters.unique_segments_received);
            let ended = matches!(last.status, Status::Failed | Status::Closed);
            assert!(!ended || last.status == now.status, "{:?} became {:?}", last.status, now.status);
        }
        self.last = Some(now);
        let _ = connection.explain();
    }
}
