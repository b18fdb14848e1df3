//! The window that smoltcp is told: the peer's, cut to the controller's.

use burstlab_network::{Flags, Segment};

/// Largest shift of a window (RFC 7323, section 2.3).
const MAX_SHIFT: u8 = 14;

/// What smoltcp knows of the peer's window.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    /// The peer's shift.
    shift: u8,
    /// The controller's window, as it was when smoltcp was last told a new one.
    held: u64,
    /// The window in bytes that smoltcp was told last.
    told: u64,
    /// The field as the peer last wrote it.
    field: u16,
}

impl Window {
    /// The peer's SYN or SYN/ACK.
    pub fn on_syn(&mut self, segment: &Segment) {
        self.shift = segment.syn.window_scale.map_or(0, |shift| shift.min(MAX_SHIFT));
    }

    /// The field that smoltcp is to see in place of the peer's. `wanted` is the controller's window in bytes, at least
    /// a full packet. With `hold`, it is not taken over: a window that changes between duplicate ACKs would keep
    /// smoltcp from counting them.
    pub fn cut(&mut self, segment: &Segment, wanted: u64, hold: bool) -> u16 {
        if !hold {
            self.held = wanted;
        }
        self.field = segment.window;
        let shift = if segment.flags.has(Flags::SYN) { 0 } else { self.shift };
        // Upwards: a few bytes less would be a whole packet less.
        let most = self.held.div_ceil(1 << shift);
        let field = u64::from(segment.window).min(most);
        self.told = field << shift;
        field as u16
    }

    /// Another field than smoltcp saw last, so that it does not count a duplicate: for when it has no data left to
    /// send, and no use for a window.
    pub fn differ(&mut self) -> u16 {
        let field = (self.told >> self.shift) as u16 ^ 1;
        self.told = u64::from(field) << self.shift;
        field
    }

    /// The field of a segment of our own that tells a new window in the peer's name.
    pub fn update(&mut self, wanted: u64) -> u16 {
        self.cut(&Segment { window: self.field, ..Segment::default() }, wanted, false)
    }

    /// The window in bytes that smoltcp was told last.
    pub fn told(&self) -> u64 {
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(shift: u8) -> Window {
        let mut window = Window::default();
        let mut syn = Segment { flags: Flags::SYN, window: u16::MAX, ..Segment::default() };
        syn.syn.window_scale = Some(shift);
        window.on_syn(&syn);
        assert_eq!(window.cut(&syn, 14_600, false), 14_600, "not scaled");
        window
    }

    fn ack(window: u16) -> Segment {
        Segment { flags: Flags::ACK, window, ..Segment::default() }
    }

    #[test]
    fn the_smaller_window_counts_rounded_up() {
        let mut window = opened(7);
        assert_eq!(window.cut(&ack(1000), 14_600, false), 115);
        assert!(window.told() >= 14_600);
        assert_eq!(window.cut(&ack(100), 14_600, false), 100);
        assert_eq!(window.cut(&ack(0), 14_600, false), 0);
        assert_eq!(window.cut(&ack(1000), u64::MAX, false), 1000);
    }

    #[test]
    fn a_held_window_follows_the_peer_s_only() {
        let mut window = opened(7);
        window.cut(&ack(1000), 14_600, false);
        assert_eq!(window.cut(&ack(1000), 2920, true), 115);
        assert_eq!(window.cut(&ack(900), 29_200, true), 115);
        assert_eq!(window.cut(&ack(10), 29_200, true), 10);
        assert_eq!(window.cut(&ack(1000), 2920, false), 23);
        assert_eq!(window.update(1460), 12);
        assert_eq!((window.differ(), window.differ()), (13, 12));
    }
}
