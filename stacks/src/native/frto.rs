//! Spurious retransmission timeouts: F-RTO with SACK (RFC 5682, section 3).

/// How far the algorithm has come since the timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Forward {
    /// Not under way.
    #[default]
    Off,
    /// The first unacknowledged packet was sent again; waiting for the ACK that advances (step 2).
    Resent,
    /// It advanced over part of the window: new packets go out instead of retransmissions (step 3).
    Advanced {
        /// New packets that may still leave.
        allowed: u8,
    },
}

/// What an ACK shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing yet.
    Undecided,
    /// The timeout was spurious.
    Spurious,
}

impl Forward {
    /// New packets that step 2b lets out.
    const PROBES: u8 = 2;

    /// An ACK in the course of a timeout's recovery. `advanced`: cumulatively; `complete`: over everything that was out
    /// at the timeout; `original`: over something that was sent once, before the timeout, and not sacked yet; `told`:
    /// it acknowledges anything new at all; `can_send`: new data is there to probe with.
    pub fn on_ack(&mut self, advanced: bool, complete: bool, original: bool, told: bool, can_send: bool) -> Finding {
        match *self {
            Forward::Off => {}
            Forward::Resent if !advanced => {}
            Forward::Resent if complete || !can_send => *self = Forward::Off,
            Forward::Resent => *self = Forward::Advanced { allowed: Forward::PROBES },
            Forward::Advanced { .. } => {
                *self = Forward::Off;
                if original && told {
                    return Finding::Spurious;
                }
            }
        }
        Finding::Undecided
    }

    /// Whether new packets go before retransmissions now.
    pub fn prefers_new(&self) -> bool {
        matches!(self, Forward::Advanced { allowed: 1.. })
    }

    /// Whether retransmissions have to wait for the next ACK.
    pub fn holds_retransmissions(&self) -> bool {
        matches!(self, Forward::Advanced { .. })
    }

    /// A new packet left.
    pub fn on_new_sent(&mut self) {
        if let Forward::Advanced { allowed } = self {
            *allowed = allowed.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_acks_for_what_was_not_sent_again_prove_it_spurious() {
        let mut frto = Forward::Resent;
        assert_eq!(frto.on_ack(true, false, false, true, true), Finding::Undecided);
        assert!(frto.prefers_new());
        frto.on_new_sent();
        frto.on_new_sent();
        assert!(!frto.prefers_new() && frto.holds_retransmissions());
        assert_eq!(frto.on_ack(true, false, true, true, true), Finding::Spurious);
    }

    #[test]
    fn a_duplicate_ack_in_between_means_loss() {
        let mut frto = Forward::Resent;
        frto.on_ack(true, false, false, true, true);
        assert_eq!(frto.on_ack(false, false, false, false, true), Finding::Undecided);
        assert_eq!(frto, Forward::Off);
    }

    #[test]
    fn a_repaired_window_and_a_lack_of_data_end_it() {
        for (complete, can_send) in [(true, true), (false, false)] {
            let mut frto = Forward::Resent;
            frto.on_ack(true, complete, false, true, can_send);
            assert_eq!(frto, Forward::Off);
        }
    }
}
