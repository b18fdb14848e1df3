//! Who controls what a connection sends.

use ::smoltcp::socket::tcp::CongestionControl;
use burstlab_algorithms::{Ack, Bytes, Control, Controller, EcnFeedback, Explanation};

/// The congestion control of a connection.
pub enum Congestion {
    /// None: the peer's window is the only bound.
    None,
    /// smoltcp's Reno.
    Reno,
    /// smoltcp's CUBIC.
    Cubic,
    /// A controller of ours, enforced at the device.
    Enforced {
        /// The controller.
        controller: Box<dyn Controller>,
        /// The ECN feedback that it asks of the peer, the same on both sides.
        feedback: EcnFeedback,
    },
}

impl Congestion {
    /// What smoltcp is told, and who watches: the controller and the feedback for it, and whether it is enforced.
    pub(super) fn split(self) -> (CongestionControl, Box<dyn Controller>, EcnFeedback, bool) {
        let own = |control, reason| (control, Box::new(Own(reason)) as Box<dyn Controller>, EcnFeedback::None, false);
        match self {
            Congestion::None => own(CongestionControl::None, "no congestion control"),
            Congestion::Reno => own(CongestionControl::Reno, "smoltcp's own Reno, whose state is private"),
            Congestion::Cubic => own(CongestionControl::Cubic, "smoltcp's own CUBIC, whose state is private"),
            Congestion::Enforced { controller, feedback } => (CongestionControl::None, controller, feedback, true),
        }
    }
}

/// Stands where an enforced controller would, and lets smoltcp do as it likes.
struct Own(&'static str);

impl Controller for Own {
    fn on_ack(&mut self, _: &Ack) {}

    fn on_congestion(&mut self, _: &burstlab_algorithms::Congestion) {}

    fn control(&self) -> Control {
        Control::window(Bytes::MAX)
    }

    fn explain(&self) -> Explanation {
        Explanation { reason: self.0, signals: Vec::new() }
    }
}
