//! CoDel: a queue that decides as packets leave, by how long they waited (RFC 8289).

use burstlab_units::{Span, Time};

use crate::packets::PacketId;

/// A packet that waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub packet: PacketId,
    pub size: u32,
    pub arrived: Time,
}

/// What CoDel is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodelSettings {
    /// Sojourn time that may stand (section 4.3; 5 ms).
    pub target: Span,
    /// Time in which it has to be undercut (section 4.2; 100 ms).
    pub interval: Span,
    /// Whether ECN-capable packets are marked instead of dropped.
    pub ecn: bool,
    /// ECN-capable packets that waited for longer are marked in any case: what DCTCP and its kin ask of a queue (Linux and
    /// ns-3 call it `ce_threshold`).
    pub ce_threshold: Option<Span>,
}

impl Default for CodelSettings {
    /// RFC 8289, section 4.4.
    fn default() -> CodelSettings {
        CodelSettings { target: Span::from_millis(5), interval: Span::from_millis(100), ecn: false, ce_threshold: None }
    }
}

/// Where packets come from and go to.
pub(crate) trait Line {
    /// The packet that has waited longest leaves the queue.
    fn pop(&mut self) -> Option<Waiting>;

    /// Bytes that wait.
    fn bytes(&self) -> u64;

    /// Whether a packet can be marked.
    fn is_ecn_capable(&self, packet: Waiting) -> bool;

    /// It is dropped.
    fn drop(&mut self, packet: Waiting);
}

/// The state of section 5.3, with its names.
#[derive(Debug)]
pub(crate) struct Codel {
    settings: CodelSettings,
    /// When the sojourn time will have been above the target for an interval.
    first_above: Option<Time>,
    drop_next: Time,
    count: u32,
    last_count: u32,
    dropping: bool,
    /// Largest packet seen: a queue that holds no more than one is not reduced.
    max_packet: u32,
}

/// A drop state that begins again within so many intervals remembers how hard it dropped (section 5.5; Linux and ns-3 as
/// well).
const MEMORY: u64 = 16;

impl Codel {
    pub fn new(settings: CodelSettings) -> Codel {
        Codel {
            settings,
            first_above: None,
            drop_next: Time::ZERO,
            count: 0,
            last_count: 0,
            dropping: false,
            max_packet: 0,
        }
    }

    /// A packet of `size` bytes passed without waiting.
    pub fn pass(&mut self, size: u32) {
        self.max_packet = self.max_packet.max(size);
        (self.first_above, self.dropping) = (None, false);
    }

    /// The packet that leaves at `now`, and whether it gets a mark.
    pub fn dequeue(&mut self, now: Time, line: &mut impl Line) -> Option<(Waiting, bool)> {
        let (mut packet, mut ok_to_drop) = self.look(now, line)?;
        let mut marked = false;
        if self.dropping {
            self.dropping = ok_to_drop;
            while self.dropping && now >= self.drop_next {
                self.count += 1;
                if self.marks(packet, line) {
                    marked = true;
                    self.drop_next = self.control_law(self.drop_next);
                    break;
                }
                line.drop(packet);
                (packet, ok_to_drop) = self.look(now, line)?;
                self.dropping = ok_to_drop;
                if ok_to_drop {
                    self.drop_next = self.control_law(self.drop_next);
                }
            }
        } else if ok_to_drop {
            marked = self.marks(packet, line);
            if !marked {
                line.drop(packet);
                (packet, _) = self.look(now, line)?;
            }
            self.begin_dropping(now);
        }
        let late = self.settings.ce_threshold.is_some_and(|threshold| now.since(packet.arrived) > threshold);
        Some((packet, marked || late && line.is_ecn_capable(packet)))
    }

    fn marks(&self, packet: Waiting, line: &impl Line) -> bool {
        self.settings.ecn && line.is_ecn_capable(packet)
    }

    /// Section 5.5: dodequeue. Takes the next packet, and says whether the queue has stood above the target for an
    /// interval.
    fn look(&mut self, now: Time, line: &mut impl Line) -> Option<(Waiting, bool)> {
        let Some(packet) = line.pop() else {
            self.first_above = None;
            self.dropping = false;
            return None;
        };
        self.max_packet = self.max_packet.max(packet.size);
        let good = now.since(packet.arrived) < self.settings.target || line.bytes() <= u64::from(self.max_packet);
        let ok_to_drop = match self.first_above {
            _ if good => {
                self.first_above = None;
                false
            }
            None => {
                self.first_above = Some(now + self.settings.interval);
                false
            }
            Some(first_above) => now >= first_above,
        };
        Some((packet, ok_to_drop))
    }

    /// The first drop of a state has been made.
    fn begin_dropping(&mut self, now: Time) {
        self.dropping = true;
        let delta = self.count - self.last_count;
        let recent = now.since(self.drop_next) < self.settings.interval * MEMORY;
        self.count = if delta > 1 && recent { delta } else { 1 };
        self.last_count = self.count;
        self.drop_next = self.control_law(now);
    }

    /// Section 5.4: the next drop comes an interval / sqrt(count) later.
    fn control_law(&self, from: Time) -> Time {
        let interval = self.settings.interval.as_nanos() as f64;
        from + Span::from_nanos((interval / libm::sqrt(f64::from(self.count))) as u64)
    }
}

#[cfg(test)]
mod tests;
