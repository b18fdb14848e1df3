//! One packet that is out.

use burstlab_algorithms::Time;

/// What is known of a packet's latest transmission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// On its way.
    #[default]
    InFlight,
    /// Marked lost, and not sent again yet.
    Lost,
    /// Selectively acknowledged.
    Sacked,
}

/// One packet: its place in the stream and what was known when it was last sent (the draft's `P.` variables). It fills
/// a cache line.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Record {
    /// Stream position of its first byte.
    pub start: u64,
    /// When it was last sent.
    pub sent_at: Time,
    /// P.first_sent_time.
    pub first_sent: Time,
    /// P.delivered.
    pub delivered: u64,
    /// P.delivered_time.
    pub delivered_at: Time,
    /// Sequence numbers that it takes: payload, and one for a FIN.
    pub len: u32,
    /// P.tx_in_flight.
    pub tx_in_flight: u32,
    /// P.lost, modulo 2^32.
    pub lost: u32,
    /// CE-marked bytes at transmission, modulo 2^32.
    pub marked: u32,
    /// Place of its latest transmission in the order of all transmissions, modulo 2^32: a clock that ticks once a
    /// nanosecond does not tell packets apart that left at one instant.
    pub order: u32,
    /// Where its latest transmission is.
    pub state: State,
    flags: u8,
}

impl Record {
    const RETRANSMITTED: u8 = 1;
    const APP_LIMITED: u8 = 2;
    const FIN: u8 = 4;
    const PUSHED: u8 = 8;

    /// A packet that was not sent before.
    pub fn new(start: u64, payload: u32, fin: bool) -> Record {
        let flags = if fin { Record::FIN } else { 0 };
        Record { start, len: payload + u32::from(fin), flags, ..Record::default() }
    }

    /// Stream position behind its last byte.
    pub fn end(&self) -> u64 {
        self.start + u64::from(self.len)
    }

    /// Bytes of payload.
    pub fn payload(&self) -> u32 {
        self.len - u32::from(self.is_fin())
    }

    /// Whether it carries the FIN.
    pub fn is_fin(&self) -> bool {
        self.flags & Record::FIN != 0
    }

    /// Whether it carries the PSH flag.
    pub fn is_pushed(&self) -> bool {
        self.flags & Record::PUSHED != 0
    }

    /// It carries the PSH flag.
    pub fn set_pushed(&mut self) {
        self.flags |= Record::PUSHED;
    }

    /// It is cut, and this is not its last piece.
    pub fn is_not_the_last(&mut self) {
        self.flags &= !(Record::FIN | Record::PUSHED);
    }

    /// Whether it was sent more than once.
    pub fn is_retransmitted(&self) -> bool {
        self.flags & Record::RETRANSMITTED != 0
    }

    /// From now on, its acknowledgement is ambiguous.
    pub fn set_retransmitted(&mut self) {
        self.flags |= Record::RETRANSMITTED;
    }

    /// Whether the application was the limit when it was sent.
    pub fn is_app_limited(&self) -> bool {
        self.flags & Record::APP_LIMITED != 0
    }

    /// Says whether the application is the limit as it is sent.
    pub fn set_app_limited(&mut self, limited: bool) {
        self.flags = self.flags & !Record::APP_LIMITED | if limited { Record::APP_LIMITED } else { 0 };
    }

    /// Whether its latest transmission was after the one with the place `order` (RFC 8985, section 6.2:
    /// RACK_sent_after).
    pub fn sent_after(&self, order: u32) -> bool {
        self.order.wrapping_sub(order) as i32 > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_fits_into_a_cache_line() {
        assert!(size_of::<Record>() <= 64, "{}", size_of::<Record>());
    }
}
