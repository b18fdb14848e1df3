//! What the benchmarks share: an incast on the engine, without the lab around it.

use std::sync::atomic::{AtomicBool, AtomicU64};

use burstlab_algorithms::Registry;
use burstlab_engine::traffic::{Traffic, Transfer};
use burstlab_engine::{Monitor, Outcome, Simulation};
use burstlab_network::{Direction, Discipline, FlowId, Impairment, InterfaceId, Limit, LinkSpec, Network, Topology};
use burstlab_stacks::{Endpoint, native};
use burstlab_units::{Bytes, Span, Time};

/// N senders around one switch, each with the same bytes for host 0: experiments/incast-dctcp.toml without the lab.
pub struct Incast<E> {
    simulation: Simulation<(), E>,
    traffic: Traffic,
}

impl Incast<native::Connection> {
    /// An incast over TCP under `controller`.
    pub fn tcp(senders: usize, bytes: Bytes, controller: &str) -> Self {
        let builder = Registry::default().parse(controller).expect("a built-in controller");
        let feedback = builder.ecn_feedback();
        let config =
            native::Config { initial_rto: Span::from_millis(10), timestamps: false, ..native::Config::default() };
        Incast::new(senders, bytes, |flow, direction| {
            let controller = builder.build(&config.path(Time::ZERO, u64::from(flow.0)));
            native::Connection::new(config.clone(), direction, flow, controller, feedback)
        })
    }
}

impl<E: Endpoint> Incast<E> {
    /// An incast over endpoints of any kind.
    pub fn new(senders: usize, bytes: Bytes, mut endpoint: impl FnMut(FlowId, Direction) -> E) -> Self {
        let link = LinkSpec {
            rate: burstlab_units::Rate::from_bits_per_sec(10_000_000_000),
            delay: Span::from_micros(5),
            queue: Discipline::EcnStep { limit: Limit::Packets(250), mark_at: Limit::Packets(65) },
            impairment: Impairment::default(),
        };
        let network = Network::new(&Topology::star(senders + 1, link), &[], 1);
        let mut simulation = Simulation::new(network, Bytes::new(64_000), ());
        let mut traffic = Traffic::new();
        for sender in 1..=senders as u32 {
            let flow = simulation
                .add_flow(InterfaceId(sender), InterfaceId(0), &mut endpoint)
                .expect("a star joins all its hosts");
            traffic.open(flow, Time::ZERO);
            traffic.add(Transfer {
                flow,
                direction: Direction::Forward,
                bytes,
                after: Vec::new(),
                delay: Span::ZERO,
                iteration: 0,
            });
        }
        Incast { simulation, traffic }
    }

    /// Runs it to its end. Returns the data packets delivered, each counted once.
    pub fn run(mut self) -> u64 {
        let (cancel, now) = (AtomicBool::new(false), AtomicU64::new(0));
        let monitor = Monitor { cancel, now };
        let outcome = self.simulation.run(&mut self.traffic, &mut (), Time::NEVER, &monitor);
        assert_eq!(outcome, Outcome::Finished);
        let flows = 0..self.traffic.transfers().len() as u32;
        flows
            .map(|flow| {
                let receiver = self.simulation.endpoint(FlowId(flow), Direction::Backward);
                receiver.counters().unique_segments_received
            })
            .sum()
    }
}
