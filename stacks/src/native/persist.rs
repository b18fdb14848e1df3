//! Probes of a closed window: RFC 9293, section 3.8.6.1.

use burstlab_algorithms::Time;

/// How far probing has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Persist {
    /// When the window turned out to be closed, or was last probed; `None` while it is open.
    pub since: Option<Time>,
    /// A probe is out that the closed window may have turned away.
    pub probing: bool,
    /// Probes since the window closed: each waits twice as long.
    pub backoff: u32,
    /// Probes since the peer was last heard of.
    pub unanswered: u32,
    /// When the first of these left.
    pub silent_since: Option<Time>,
}

impl Persist {
    /// There is data to send and no room for it.
    pub fn begin(&mut self, now: Time) {
        self.since = self.since.or(Some(now));
    }

    /// A probe is due.
    pub fn on_probe(&mut self, now: Time) {
        self.since = Some(now);
        self.probing = true;
        self.backoff = (self.backoff + 1).min(62);
        self.unanswered += 1;
        self.silent_since = self.silent_since.or(Some(now));
    }

    /// The peer was heard of.
    pub fn on_answer(&mut self) {
        self.unanswered = 0;
        self.silent_since = None;
    }

    /// The window opened. Whether a probe was out, which has to be sent again now.
    pub fn on_open(&mut self) -> bool {
        std::mem::take(self).probing
    }
}
