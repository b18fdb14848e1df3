//! The endpoints of a cell: which stack each side of a connection has, and how it is made.

use std::net::{Ipv4Addr, SocketAddrV4};

use burstlab_algorithms::{Builder, EcnFeedback};
use burstlab_network::{Direction, FlowId};
#[cfg(target_os = "linux")]
use burstlab_stacks::kernel;
use burstlab_stacks::{Endpoint, Keys, PacketEndpoint, Wired, native, smoltcp};
use burstlab_units::{Span, Time, chance};

use crate::experiment::{Cell, StackKind};

/// Makes the endpoints of one cell.
pub(super) struct Endpoints<'a> {
    cell: &'a Cell,
    controller: &'a Builder,
    feedback: EcnFeedback,
}

impl<'a> Endpoints<'a> {
    pub fn new(cell: &'a Cell, controller: &'a Builder) -> Endpoints<'a> {
        Endpoints { cell, controller, feedback: controller.ecn_feedback() }
    }

    /// One of our own stack.
    pub fn native(&self, flow: FlowId, direction: Direction, opens: Time) -> native::Connection {
        let seed = self.seed(flow, direction);
        let mut config = self.cell.stack.tcp.clone();
        config.initial_sequence = seed as u32;
        if self.kind(direction.reversed()) == StackKind::Kernel {
            // A Linux listener without DCTCP answers a SYN that is ECN-capable itself as one that asks for no ECN.
            config.generalized_ecn = false;
            // Longer than Linux's least retransmission timeout (TCP_RTO_MIN, 200 ms), so that its last FIN finds somebody.
            config.time_wait = Span::from_secs(1);
        }
        let controller = self.controller.build(&config.path(opens, seed));
        native::Connection::new(config, direction, flow, controller, self.feedback)
    }

    /// One of smoltcp; `keys` if it is to have content.
    fn smoltcp(
        &self,
        flow: FlowId,
        direction: Direction,
        opens: Time,
        own: SocketAddrV4,
        peer: SocketAddrV4,
        keys: Option<Keys>,
    ) -> smoltcp::Connection {
        let seed = self.seed(flow, direction);
        let tcp = native::Config { initial_sequence: seed as u32, ..self.cell.stack.tcp.clone() };
        let mtu = u16::try_from(self.cell.network.mtu.get()).unwrap_or(u16::MAX);
        let config = smoltcp::Config { tcp, mtu, own, peer, keys, verify: true };
        let congestion = match self.cell.controller.as_str() {
            "reno" if !self.cell.stack.enforce => smoltcp::Congestion::Reno,
            "cubic" if !self.cell.stack.enforce => smoltcp::Congestion::Cubic,
            _ => smoltcp::Congestion::Enforced {
                controller: self.controller.build(&config.path(opens, seed)),
                feedback: self.feedback,
            },
        };
        smoltcp::Connection::new(config, direction, flow, congestion)
    }

    /// Which stack the side has that sends in `direction`.
    pub fn kind(&self, direction: Direction) -> StackKind {
        match direction {
            Direction::Forward => self.cell.stack.kind,
            Direction::Backward => self.cell.stack.receiver,
        }
    }

    /// One of whatever userspace stack the side that sends in `direction` has.
    pub fn boxed(&self, flow: FlowId, direction: Direction, opens: Time) -> Box<dyn Endpoint> {
        match self.kind(direction) {
            StackKind::Smoltcp => {
                // Any two will do: nobody but the peer sees them.
                let [own, peer] = [1 + direction as u8, 2 - direction as u8]
                    .map(|host| SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, host), 10_000));
                Box::new(self.smoltcp(flow, direction, opens, own, peer, None))
            }
            _ => Box::new(self.native(flow, direction, opens)),
        }
    }

    /// The same on a network that carries bytes.
    pub fn on_packets(
        &self,
        flow: FlowId,
        direction: Direction,
        opens: Time,
        own: SocketAddrV4,
        peer: SocketAddrV4,
        keys: Keys,
    ) -> Box<dyn PacketEndpoint> {
        match self.kind(direction) {
            StackKind::Smoltcp => Box::new(self.smoltcp(flow, direction, opens, own, peer, Some(keys))),
            _ => Box::new(Wired::new(self.native(flow, direction, opens), own, peer, keys)),
        }
    }

    /// What the sockets are to be of the side that sends in `direction`, where that is the kernel. A side that sends nothing
    /// but acknowledgements has whatever control there is, if the kernel does not know the cell's.
    #[cfg(target_os = "linux")]
    pub fn kernel(&self, direction: Direction) -> kernel::Config {
        let default = kernel::Config::default();
        let sends = direction == Direction::Forward || !self.cell.jobs.is_empty();
        let name = self.cell.kernel_controller();
        let known = kernel::available().is_ok_and(|names| names.iter().any(|known| known == name));
        let congestion = if sends || known { name.to_owned() } else { default.congestion.clone() };
        let tcp = &self.cell.stack.tcp;
        kernel::Config { congestion, nodelay: !tcp.nagle, quick_ack: tcp.delayed_ack.is_none(), ..default }
    }

    /// Each side of each connection has chances of its own, and begins its sequence numbers elsewhere.
    fn seed(&self, flow: FlowId, direction: Direction) -> u64 {
        chance::fnv1a(&[self.cell.seed, u64::from(flow.0), direction as u64].map(u64::to_le_bytes).concat())
    }
}
