//! What the receive side counts: which segments brought something new.

use burstlab_network::Segment;

use super::ecn;
use crate::Counters;
use crate::native::reassembly::Reassembly;
use crate::native::seq::Numbering;

/// The peer's stream as it came in.
#[derive(Debug, Default)]
pub(super) struct Receiver {
    numbering: Numbering,
    /// Whether the peer's SYN was seen.
    known: bool,
    /// What arrived behind a hole.
    held: Reassembly,
    /// Bytes that the application read.
    pub read: u64,
    /// Whether the peer's FIN was taken.
    pub finished: bool,
}

impl Receiver {
    /// The peer's SYN.
    pub fn on_syn(&mut self, segment: &Segment) {
        self.numbering = Numbering::after_syn(segment.seq);
        self.known = true;
    }

    /// Whether smoltcp will look at the acknowledgement of `segment`: RFC 9293, section 3.10.7.4, with a window of
    /// `window` bytes. The application reads all at once, so the window is always whole.
    pub fn is_acceptable(&self, segment: &Segment, window: u64) -> bool {
        let next = self.next() as i64;
        let start = self.numbering.position(segment.seq, self.next());
        let end = start + i64::from(segment.payload);
        let edge = next + window as i64;
        self.known && (next <= start && start < edge || next < end && end <= edge)
    }

    /// A segment that smoltcp takes in.
    pub fn count(&mut self, segment: &Segment, window: u64, counters: &mut Counters) {
        if segment.payload == 0 {
            return;
        }
        counters.marked_segments_received += u64::from(ecn::Device::is_marked(segment));
        let start = self.numbering.position(segment.seq, self.read).max(self.read as i64) as u64;
        let end = self.numbering.position(segment.seq, self.read) + i64::from(segment.payload);
        let end = end.clamp(0, (self.read + window) as i64) as u64;
        if start < end && self.held.insert(start, end).fresh > 0 {
            counters.unique_segments_received += 1;
        } else {
            counters.duplicate_segments_received += 1;
        }
    }

    /// The application read `bytes`.
    pub fn read(&mut self, bytes: u64) {
        self.read += bytes;
        self.held.advance(self.read);
    }

    fn next(&self) -> u64 {
        self.read + u64::from(self.finished)
    }

    /// Next number that is expected of the peer, as on the wire.
    pub fn expected(&self) -> u32 {
        self.numbering.wire(self.next())
    }
}
