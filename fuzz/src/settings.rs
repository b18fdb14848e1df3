//! Settings of one side of a connection, small enough that a run takes little time.

use std::net::SocketAddrV4;

use arbitrary::Arbitrary;
use burstlab_algorithms::{Builder, Bytes, EcnFeedback, Registry, Span, Time};
use burstlab_network::{Direction, FlowId};
use burstlab_stacks::native::{Config, Connection};
use burstlab_stacks::{Keys, smoltcp};

/// IPv4 and TCP headers without options.
const HEADERS: u16 = 40;

/// What one side is set to.
#[derive(Debug, Clone, Arbitrary)]
pub struct Settings {
    /// [`Config::timestamps`].
    pub timestamps: bool,
    /// [`Config::sack`].
    pub sack: bool,
    /// [`Config::nagle`].
    pub nagle: bool,
    /// [`Config::window_scaling`].
    pub window_scaling: bool,
    /// [`Config::tail_loss_probe`].
    pub tail_loss_probe: bool,
    /// [`Config::slow_start_after_idle`].
    pub slow_start_after_idle: bool,
    /// [`Config::generalized_ecn`].
    pub generalized_ecn: bool,
    /// [`Config::initial_sequence`].
    pub initial_sequence: u32,
    /// [`Config::delayed_ack`], in microseconds.
    pub delayed_ack: Option<u16>,
    /// [`Config::receive_buffer`] in bytes, from 1 on.
    pub receive_buffer: u16,
    /// By how much that is shifted left, modulo 5: up to 1 MB.
    pub buffer_shift: u8,
    /// [`Config::mss`], at least 64.
    pub mss: u16,
    /// [`Config::initial_window`], at least 1.
    pub initial_window: u8,
    /// Which of the built-in controllers.
    pub controller: u8,
    /// Which ECN feedback, and in every fifth case the one that the controller asks for.
    pub feedback: u8,
}

impl Settings {
    /// The stack's configuration; a connection is given up after `retries` timeouts in a row.
    pub fn config(&self, retries: u32) -> Config {
        Config {
            mss: self.mss.clamp(64, 9000),
            initial_window: u32::from(self.initial_window).max(1),
            initial_rto: Span::from_millis(20),
            min_rto: Span::from_millis(2),
            max_rto: Span::from_millis(500),
            delayed_ack: self.delayed_ack.map(|delay| Span::from_micros(u64::from(delay))),
            receive_buffer: Bytes::new(u64::from(self.receive_buffer.max(1)) << (self.buffer_shift % 5)),
            nagle: self.nagle,
            timestamps: self.timestamps,
            sack: self.sack,
            window_scaling: self.window_scaling,
            slow_start_after_idle: self.slow_start_after_idle,
            initial_sequence: self.initial_sequence,
            max_retransmissions: retries,
            tail_loss_probe: self.tail_loss_probe,
            generalized_ecn: self.generalized_ecn,
            // Where a path lets one packet in a hundred through, the last ACK may have to be sent hundreds of times.
            time_wait: Span::from_secs(1_000_000),
            ..Config::default()
        }
    }

    /// The controller, still to be built, and the ECN feedback.
    ///
    /// # Panics
    /// If a controller is not to be had under its own name.
    fn control(&self) -> (Builder, EcnFeedback) {
        let registry = Registry::default();
        let entry = registry.entries()[usize::from(self.controller) % registry.entries().len()];
        let builder = registry.parse(entry.name).expect("a controller goes by its own name");
        let feedback = match self.feedback % 5 {
            0 => builder.ecn_feedback(),
            1 => EcnFeedback::None,
            2 => EcnFeedback::Classic,
            3 => EcnFeedback::Dctcp,
            _ => EcnFeedback::Accurate,
        };
        (builder, feedback)
    }

    /// A connection of our stack with these settings.
    pub fn connection(&self, direction: Direction, retries: u32) -> Connection {
        let (builder, feedback) = self.control();
        let config = self.config(retries);
        let controller = builder.build(&config.path(Time::ZERO, 1));
        Connection::new(config, direction, FlowId(1), controller, feedback)
    }

    /// A connection of smoltcp with these settings, as far as smoltcp follows them, between the addresses `own` and `peer`.
    pub fn smoltcp(
        &self,
        direction: Direction,
        retries: u32,
        [own, peer]: [SocketAddrV4; 2],
        keys: Keys,
    ) -> smoltcp::Connection {
        let tcp = self.config(retries);
        let config = smoltcp::Config { mtu: tcp.mss + HEADERS, tcp, own, peer, keys: Some(keys), verify: true };
        let (builder, feedback) = self.control();
        let controller = builder.build(&config.path(Time::ZERO, 1));
        let congestion = smoltcp::Congestion::Enforced { controller, feedback };
        smoltcp::Connection::new(config, direction, FlowId(1), congestion)
    }
}
