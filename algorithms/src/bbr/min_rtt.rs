//! The least round-trip time of late, and when to look for a lesser one (sections 2.16 and 5.3.4.3).

use crate::{Span, Time};

/// Length of the window for the estimate (section 2.16.1: BBR.MinRTTFilterLen).
const FILTER_LEN: Span = Span::from_secs(10);
/// Least time between two looks (section 2.16.2: BBR.ProbeRTTInterval).
const PROBE_INTERVAL: Span = Span::from_secs(5);

/// The estimate, and the least sample of the last interval, which schedules ProbeRTT.
#[derive(Debug, Clone)]
pub(super) struct MinRtt {
    min: Span,
    stamp: Time,
    probe_min: Span,
    probe_stamp: Time,
    /// Whether no lesser sample came for an interval.
    pub(super) expired: bool,
}

impl MinRtt {
    pub(super) const fn new(now: Time) -> MinRtt {
        MinRtt { min: Span::MAX, stamp: now, probe_min: Span::MAX, probe_stamp: now, expired: false }
    }

    /// [`Span::MAX`] before the first sample.
    pub(super) const fn get(&self) -> Span {
        self.min
    }

    pub(super) fn update(&mut self, rtt: Option<Span>, now: Time) {
        self.expired = now > self.probe_stamp + PROBE_INTERVAL;
        if let Some(rtt) = rtt
            && (rtt < self.probe_min || self.expired)
        {
            self.probe_min = rtt;
            self.probe_stamp = now;
        }
        if self.probe_min < self.min || now > self.stamp + FILTER_LEN {
            self.min = self.probe_min;
            self.stamp = self.probe_stamp;
        }
    }

    /// The queue has just been drained: the next look is an interval away.
    pub(super) fn looked(&mut self, now: Time) {
        self.probe_stamp = now;
    }
}
