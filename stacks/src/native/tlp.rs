//! Tail loss probes: RFC 8985, section 7.

use burstlab_algorithms::{Span, Time};

use super::Config;
use super::rto::RoundTrip;

/// The probe that is out, if any.
#[derive(Debug, Clone, Copy)]
pub(super) struct TailProbe {
    enabled: bool,
    floor: Span,
    ack_delay: Span,
    /// When the probe timeout was last restarted: with each new packet and each ACK that advances.
    pub restarted: Time,
    out: Option<Out>,
}

#[derive(Debug, Clone, Copy)]
struct Out {
    /// TLP.end_seq.
    end: u64,
    /// TLP.is_retrans.
    retransmission: bool,
}

/// What an ACK says of the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing, or nothing was lost.
    Fine,
    /// The probe repaired a loss that nothing else would have told of.
    Repaired,
}

impl TailProbe {
    /// No probe is out.
    pub fn new(config: &Config) -> TailProbe {
        TailProbe {
            enabled: config.tail_loss_probe,
            floor: config.min_probe_timeout,
            ack_delay: config.peer_ack_delay.or(config.delayed_ack).unwrap_or(Span::ZERO),
            restarted: Time::ZERO,
            out: None,
        }
    }

    /// Whether a probe may be scheduled, as far as probes go: one at a time (section 7.3). That a round trip was measured
    /// since the last one is for [`RoundTrip::is_fresh`] to say.
    pub fn may_probe(&self) -> bool {
        self.enabled && self.out.is_none() && !self.restarted.is_never()
    }

    /// When the probe timeout expires: two round trips, and the peer's ACK delay if it has one packet only.
    pub fn deadline(&self, rtt: &RoundTrip, one_packet: bool) -> Time {
        let delay = if one_packet { self.ack_delay } else { Span::ZERO };
        self.restarted + (rtt.smoothed() * 2 + delay).max(self.floor)
    }

    /// Whether a probe left whose fate is not known yet.
    #[inline]
    pub fn is_out(&self) -> bool {
        self.out.is_some()
    }

    /// A probe leaves; `end` is the position behind the last one sent.
    pub fn on_probe(&mut self, end: u64, retransmission: bool) {
        self.out = Some(Out { end, retransmission });
    }

    /// Section 7.4.2. `duplicate`: the ACK's D-SACK block is the probe; `bare`: it neither advances nor carries SACK.
    pub fn on_ack(&mut self, ack: u64, duplicate: impl FnOnce(u64) -> bool, bare: bool) -> Verdict {
        let Some(out) = self.out.filter(|out| ack >= out.end) else { return Verdict::Fine };
        if !out.retransmission || duplicate(out.end) {
            self.out = None;
        } else if ack > out.end {
            self.out = None;
            return Verdict::Repaired;
        } else if bare {
            self.out = None;
        }
        Verdict::Fine
    }

    /// A recovery or timeout overtook the probe.
    pub fn forget(&mut self) {
        self.out = None;
    }
}
