//! What our own stacks say in real time, held against each other.
//!
//! Packets are looked at as a stack gives them, not on their way: programs on the hosts may write whatever they like into
//! packets, those of a connection of ours included.

use burstlab_network::{Segment, wire};

use crate::checks::{Heard, Violation};
use crate::sides;

/// What each side's peer has sent, and the first fault that was found.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub heard: Vec<Heard>,
    fault: Option<Box<Violation>>,
}

impl Said {
    /// The stack of side `index` sends `packet`. Where the `peer` is a stack of ours too, nothing may be acknowledged that
    /// the peer did not send.
    pub fn on_sent(&mut self, index: usize, packet: &[u8], peer: bool) {
        let Ok((segment, ..)) = wire::from_bytes(packet, false) else { return };
        let (flow, direction) = sides::flow(index);
        let segment = Segment { flow, direction, ..segment };
        self.heard[index ^ 1].on_arrival(&segment);
        if peer && !self.heard[index].covers(&segment) {
            let fault = self.heard[index].complain(&segment);
            self.fault.get_or_insert_with(|| Box::new(fault));
        }
    }

    /// The first fault, once.
    pub fn take_fault(&mut self) -> Option<Box<Violation>> {
        self.fault.take()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4};

    use burstlab_network::Flags;

    use super::*;

    fn packet(segment: Segment) -> Vec<u8> {
        let [from, to] = [1, 2].map(|host| SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, host), 1000));
        wire::to_bytes(&segment, from, to, &vec![0; segment.payload as usize])
    }

    #[test]
    fn what_a_stack_of_ours_did_not_send_is_not_acknowledged_by_another() {
        for peer in [true, false] {
            let mut said = Said { heard: vec![Heard::default(); 4], fault: None };
            said.on_sent(
                2,
                &packet(Segment { seq: 500, payload: 1000, flags: Flags::PSH, ..Segment::default() }),
                true,
            );
            let mut acknowledge = |ack| {
                said.on_sent(3, &packet(Segment { ack, flags: Flags::ACK, ..Segment::default() }), peer);
                said.take_fault().map(|fault| fault.to_string())
            };
            assert_eq!(acknowledge(1500), None);
            let told = "flow 1, backward: a segment acknowledges everything below 1501, and only what is below 1500 has arrived";
            assert_eq!(acknowledge(1501), peer.then(|| told.to_owned()));
        }
    }
}
