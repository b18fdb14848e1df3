//! Send quantum and congestion window (sections 4.2.2 and 4.2.3).

use crate::Ack;

/// Below this rate a quantum is one packet (section 4.2.2): 1.2 Mbit/s, in bytes per second.
const ONE_PACKET_BELOW: f64 = 1.2e6 / 8.0;
/// Below this, two (section 4.2.2): 24 Mbit/s, in bytes per second.
const TWO_PACKETS_BELOW: f64 = 24e6 / 8.0;
/// Above, what leaves in this time, in seconds (section 4.2.2).
const QUANTUM_TIME: f64 = 1e-3;
/// Quanta that the hosts hold (section 4.2.3.2).
const OFFLOAD_QUANTA: u64 = 3;
/// Least window, in packets (section 4.2.3.3: BBRMinPipeCwnd).
const MIN_PIPE_CWND: u64 = 4;

/// Where a recovery stands (section 4.2.3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recovery {
    None,
    /// It has begun, and the ACK that began it is still to be taken.
    Entering,
    /// Its first round: what is delivered is what may leave.
    Conserving,
    /// The rounds after it.
    Later,
}

/// What may be in flight, and what may leave in one go.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) cwnd: u64,
    pub(super) quantum: u64,
    /// The last window that neither recovery nor ProbeRTT had lowered.
    prior: u64,
    max_quantum: u64,
    recovery: Recovery,
}

impl Window {
    pub(super) fn new(initial: u64, max_quantum: u64, mss: u64) -> Window {
        Window { cwnd: initial, quantum: 2 * mss, prior: 0, max_quantum, recovery: Recovery::None }
    }

    pub(super) fn min_pipe(&self, mss: u64) -> u64 {
        MIN_PIPE_CWND * mss
    }

    pub(super) fn quanta(&self) -> u64 {
        OFFLOAD_QUANTA * self.quantum
    }

    /// BBRSetSendQuantum, bounded by what the hosts take.
    pub(super) fn set_quantum(&mut self, rate: f64, mss: u64) {
        self.quantum = if rate < ONE_PACKET_BELOW {
            mss
        } else if rate < TWO_PACKETS_BELOW {
            2 * mss
        } else {
            ((rate * QUANTUM_TIME) as u64).min(self.max_quantum).max(2 * mss)
        };
    }

    /// BBRSaveCwnd; `lowered` says that ProbeRTT holds the window down.
    pub(super) fn save(&mut self, lowered: bool) {
        let floor = if lowered || self.recovery != Recovery::None { self.prior } else { 0 };
        self.prior = self.cwnd.max(floor);
    }

    /// BBRRestoreCwnd.
    pub(super) fn restore(&mut self) {
        self.cwnd = self.cwnd.max(self.prior);
    }

    pub(super) fn enter_recovery(&mut self, lowered: bool) {
        self.save(lowered);
        self.recovery = Recovery::Entering;
    }

    pub(super) fn on_timeout(&mut self, lowered: bool, mss: u64) {
        self.save(lowered);
        self.recovery = Recovery::Later;
        self.cwnd = mss;
    }

    pub(super) fn leave_recovery(&mut self) {
        self.recovery = Recovery::None;
        self.restore();
    }

    /// BBRModulateCwndForRecovery, and what happens upon entering Fast Recovery; `fast` says that the stack is in it.
    pub(super) fn modulate_for_recovery(&mut self, ack: &Ack, fast: bool, round_start: bool, mss: u64) {
        let delivered = ack.delivered.get();
        match self.recovery {
            Recovery::Entering => {
                self.cwnd = ack.in_flight.get() + delivered.max(mss);
                self.recovery = Recovery::Conserving;
            }
            Recovery::None => {}
            _ if fast => {
                if round_start && self.recovery == Recovery::Conserving {
                    self.recovery = Recovery::Later;
                }
                self.cwnd = self.cwnd.saturating_sub(ack.lost.get()).max(mss);
                if self.recovery == Recovery::Conserving {
                    self.cwnd = self.cwnd.max(ack.in_flight.get() + delivered);
                }
            }
            _ => {}
        }
    }

    /// BBRSetCwnd: towards `target`, by no more than what was `delivered`.
    pub(super) fn set(&mut self, delivered: u64, target: u64, filled: bool, growing: bool, mss: u64) {
        if self.recovery == Recovery::Conserving {
            return;
        }
        let grown = self.cwnd.saturating_add(delivered);
        if filled {
            self.cwnd = grown.min(target);
        } else if self.cwnd < target || growing {
            self.cwnd = grown;
        }
        self.cwnd = self.cwnd.max(self.min_pipe(mss));
    }

    /// BBRModulateCwndForProbeRTT.
    pub(super) fn cap(&mut self, most: u64) {
        self.cwnd = self.cwnd.min(most);
    }
}
