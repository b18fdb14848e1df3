//! A probe with a tap beside it, or without.

use burstlab_network::{Occupancy, PortId, Probe, Segment};
use burstlab_units::{Span, Time};

use super::Tap;

/// Tells `inner` all, and the tap if there is one. Without one it costs a branch a call.
pub struct Tapped<P> {
    /// The probe that is always there.
    pub inner: P,
    /// The tap.
    pub tap: Option<Box<Tap>>,
}

impl<P: Probe> Probe for Tapped<P> {
    #[inline]
    fn on_bytes(&mut self, packet: &[u8]) {
        self.inner.on_bytes(packet);
        if let Some(tap) = &mut self.tap {
            tap.on_bytes(packet);
        }
    }

    #[inline]
    fn on_arrival(&mut self, port: PortId, now: Time, segment: &Segment, wait: Span, ahead: Occupancy) {
        self.inner.on_arrival(port, now, segment, wait, ahead);
        if let Some(tap) = &mut self.tap {
            tap.on_arrival(port, now, segment, wait, ahead);
        }
    }

    #[inline]
    fn on_joining(&mut self, port: PortId, now: Time, segment: &Segment, ahead: Occupancy) {
        self.inner.on_joining(port, now, segment, ahead);
    }

    #[inline]
    fn on_leaving(&mut self, port: PortId, at: Time, segment: &Segment, wait: Span) {
        self.inner.on_leaving(port, at, segment, wait);
        if let Some(tap) = &mut self.tap {
            tap.on_leaving(port, at, segment, wait);
        }
    }

    #[inline]
    fn on_departure(&mut self, port: PortId, at: Time, left: Occupancy) {
        self.inner.on_departure(port, at, left);
    }

    #[inline]
    fn on_drop(&mut self, port: PortId, now: Time, segment: &Segment) {
        self.inner.on_drop(port, now, segment);
        if let Some(tap) = &mut self.tap {
            tap.on_drop(port, now, segment);
        }
    }

    #[inline]
    fn on_mark(&mut self, port: PortId, now: Time, segment: &Segment) {
        self.inner.on_mark(port, now, segment);
        if let Some(tap) = &mut self.tap {
            tap.on_mark(port, now, segment);
        }
    }

    #[inline]
    fn on_loss(&mut self, port: PortId, now: Time, segment: &Segment) {
        self.inner.on_loss(port, now, segment);
        if let Some(tap) = &mut self.tap {
            tap.on_loss(port, now, segment);
        }
    }
}
