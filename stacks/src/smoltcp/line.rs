//! What smoltcp sent and has not left yet: data waits for the controller's rate.

use std::collections::VecDeque;

use burstlab_algorithms::{Bytes, Rate, Time};

use super::device::Packet;
use crate::native::pacing::Pacing;

/// The packets that wait.
#[derive(Debug)]
pub(super) struct Line {
    /// SYNs, resets, acknowledgements, probes: never held back, as no controller of ours would hold back the peer's
    /// data.
    control: VecDeque<Packet>,
    data: VecDeque<Packet>,
    pacing: Pacing,
    /// When the first data packet may leave, once that was found to be later than now.
    pub paced_until: Time,
}

impl Line {
    /// Nothing waits, and no rate holds.
    pub fn new() -> Line {
        let (control, data) = (VecDeque::new(), VecDeque::new());
        Line { control, data, pacing: Pacing::default(), paced_until: Time::NEVER }
    }

    /// Takes over the controller's rate and burst.
    pub fn pace(&mut self, rate: Option<Rate>, burst: Bytes, mss: u32) {
        self.pacing.set(rate, burst, mss);
    }

    /// The pacing rate.
    pub fn rate(&self) -> Option<Rate> {
        self.pacing.rate()
    }

    /// A packet that waits for nothing.
    pub fn push_control(&mut self, packet: Packet) {
        self.control.push_back(packet);
    }

    /// Data that waits for its turn.
    pub fn push(&mut self, packet: Packet) {
        self.data.push_back(packet);
    }

    /// Data that goes before all other.
    pub fn push_first(&mut self, packet: Packet) {
        self.data.push_front(packet);
    }

    /// Whether no data waits.
    pub fn has_no_data(&self) -> bool {
        self.data.is_empty()
    }

    /// Takes one packet of data out that will not leave, as smoltcp sends all of them again.
    pub fn discard(&mut self) -> Option<Packet> {
        self.data.pop_back()
    }

    /// The next packet to leave at `now`, and whether it is data.
    pub fn next(&mut self, now: Time) -> Option<(Packet, bool)> {
        if let Some(packet) = self.control.pop_front() {
            return Some((packet, false));
        }
        self.paced_until = Time::NEVER;
        if self.data.is_empty() {
            return None;
        }
        let release = self.pacing.release();
        if release > now {
            self.paced_until = release;
            return None;
        }
        let packet = self.data.pop_front()?;
        self.pacing.on_sent(now, packet.segment.payload);
        Some((packet, true))
    }
}
