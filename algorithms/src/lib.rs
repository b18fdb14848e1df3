//! Congestion controllers: one trait, one algorithm a file.
//!
//! A [`Controller`] is a pure state machine. It has no clock, does no I/O and draws no random numbers but from the seed
//! that it is given ([`Path::seed`]): everything that it may know comes in with each call, and
//! [`Controller::control`] says what it wants done. A whole one:
//!
//! ```
//! use burstlab_algorithms::{Ack, Bytes, Congestion, Control, Controller, Explanation, Path};
//!
//! /// One packet more per round trip, half as many on congestion.
//! struct Aimd { window: f64, mss: Bytes }
//!
//! impl Controller for Aimd {
//!     fn on_ack(&mut self, ack: &Ack) {
//!         if ack.window_limited {
//!             self.window += ack.acked.get() as f64 / self.window * self.mss.get() as f64;
//!         }
//!     }
//!     fn on_congestion(&mut self, _: &Congestion) {
//!         self.window = (self.window / 2.0).max(self.mss.get() as f64);
//!     }
//!     fn control(&self) -> Control {
//!         Control::window(Bytes::new(self.window as u64))
//!     }
//!     fn explain(&self) -> Explanation {
//!         Explanation { reason: "additive increase", signals: vec![("window", self.window)] }
//!     }
//! }
//!
//! let path = Path::default();
//! let mut aimd = Aimd { window: path.initial_window.get() as f64, mss: path.mss };
//! aimd.on_congestion(&Congestion::default());
//! assert_eq!(aimd.control().window, Bytes::new(path.initial_window.get() / 2));
//! ```
//!
//! To run it beside the built-in ones, give it a name in the [`Registry`]; a spec then sets its parameters:
//!
//! ```
//! use burstlab_algorithms::{Path, Registry};
//!
//! let dctcp = Registry::default().parse("dctcp?g=0.125")?;
//! assert_eq!(dctcp.params().number("g"), 0.125);
//! let controller = dctcp.build(&Path::default());
//! assert_eq!(controller.control().window, Path::default().initial_window);
//! # Ok::<(), burstlab_algorithms::SpecError>(())
//! ```

pub use burstlab_units::{Bytes, Rate, Span, Time};

mod aimd;
mod bbr;
mod bbr1;
mod cubic;
mod dctcp;
mod hystart;
mod paced;
#[cfg(test)]
mod properties;
mod registry;
mod reno;
mod signal;
#[cfg(test)]
mod testing;

pub use registry::{Builder, Entry, Kind, NameTaken, Needs, Parameter, Params, Registry, SpecError, Value};
pub use signal::{
    Ack, Cause, Congestion, Control, Ecn, EcnFeedback, Explanation, Hop, JobView, LostPacket, Path, Phase, RateSample,
    Sent,
};

/// A congestion controller of one direction of one connection.
///
/// The stack detects loss, retransmits, and reduces the window smoothly through a recovery (PRR, RFC 9937) unless the
/// controller sets [`Control::own_recovery`]. The controller decides how much may be in flight and how fast it leaves.
pub trait Controller: Send {
    /// An acknowledgement came in; called once for each, after the stack has taken everything out of it.
    fn on_ack(&mut self, ack: &Ack);

    /// A congestion episode begins: at most one a round trip for loss and ECN, and each retransmission timeout.
    fn on_congestion(&mut self, congestion: &Congestion);

    /// The episode is over: everything that was in flight when it began has been delivered.
    fn on_recovered(&mut self, _now: Time) {}

    /// The last episode was spurious (Eifel, D-SACK, F-RTO): take its reduction back.
    fn on_undo(&mut self, _now: Time) {}

    /// One packet was marked lost; called before the [`on_ack`](Self::on_ack) that found it.
    fn on_lost(&mut self, _lost: &LostPacket) {}

    /// A packet left.
    fn on_sent(&mut self, _sent: &Sent) {}

    /// The timer asked for with [`Control::timer`] expired.
    fn on_timer(&mut self, _now: Time) {}

    /// What the controller wants now; the stack asks after every other call.
    fn control(&self) -> Control;

    /// How congestion marks must be echoed for this controller; asked once, before the handshake.
    fn ecn_feedback(&self) -> EcnFeedback {
        EcnFeedback::None
    }

    /// Window below which it is in slow start, in bytes; `None` while it is arbitrarily high (RFC 5681, section 3.1), and for
    /// a controller that knows no such thing. Off the fast path.
    fn slow_start_threshold(&self) -> Option<Bytes> {
        None
    }

    /// Its inner signals by name, and why it last changed its mind. For traces and reports; off the fast path.
    fn explain(&self) -> Explanation;
}
