//! What the application wrote, and how it is cut into segments: RFC 9293, sections 3.7.4 and 3.8.6.2.1.

use super::sender::Sender;

impl Sender {
    /// The application writes `bytes` more.
    pub fn write(&mut self, bytes: u64) {
        if self.closing {
            return;
        }
        self.written = self.written.saturating_add(bytes);
        self.more = false;
        if self.records.is_empty() {
            self.edge = self.written;
        }
    }

    /// What was written so far ends a record: no segment reaches beyond.
    pub fn end_record(&mut self) {
        if self.unsent() > 0 && self.records.back() != Some(&self.written) {
            self.records.push_back(self.written);
            self.edge = self.records[0];
        }
    }

    /// The last segment of a record left.
    #[cold]
    pub(super) fn pass_record(&mut self) {
        self.records.pop_front();
        self.edge = self.records.front().copied().unwrap_or(self.written);
    }

    /// Bytes written and not sent yet.
    pub fn unsent(&self) -> u64 {
        self.written.saturating_sub(self.board.next())
    }

    /// Bytes that the peer's window still takes.
    pub fn usable(&self) -> u64 {
        (self.board.una() + self.peer_window).saturating_sub(self.board.next())
    }

    fn fin_waits(&self) -> bool {
        self.closing && self.board.next() == self.written
    }

    /// Payload of the next new packet, or `None` if there is none to send or the peer has no room for it: RFC 9293,
    /// section 3.8.6.2.1, against silly windows, and 3.7.4, Nagle.
    #[inline]
    pub fn next_payload(&self) -> Option<u32> {
        let (ready, usable, mss) = (self.edge.saturating_sub(self.board.next()), self.usable(), u64::from(self.mss));
        if ready >= mss && usable >= mss {
            return Some(self.mss);
        }
        if ready == 0 {
            return self.fin_waits().then_some(0);
        }
        let fits = ready.min(usable).min(mss);
        if fits == ready.min(mss) {
            (!self.holds_back_small()).then_some(fits as u32)
        } else {
            (fits > 0 && fits >= self.peer_window_max / 2).then_some(fits as u32)
        }
    }

    /// Whether what does not fill a segment waits for more to be written, or for an acknowledgement.
    fn holds_back_small(&self) -> bool {
        if self.closing || self.edge < self.written {
            return false;
        }
        let unacknowledged = if self.minshall { self.small_end > self.board.una() } else { !self.board.is_empty() };
        self.cork || self.more || self.nagle && unacknowledged
    }

    /// Whether the peer's window, and nothing else, holds back what is unsent.
    pub(super) fn is_held_by_peer(&self) -> bool {
        let ready = self.edge.saturating_sub(self.board.next());
        ready > 0 && self.usable() < ready.min(u64::from(self.mss))
    }
}
