//! What a cell runs: a network, the connections on it, and the traffic that they will carry. Endpoints come later, with the
//! time in which it runs.

use burstlab_algorithms::Builder;
use burstlab_engine::traffic::{Traffic, Transfer, UNLIMITED};
use burstlab_engine::{PacketSizes, Violation};
use burstlab_network::{Direction, FlowId, InterfaceId, Network};
use burstlab_replay as replay;
use burstlab_units::{Bytes, Span, Time, chance};
use rand::RngExt as _;

use super::layout::{Layout, Seat};
use super::{CellError, Recorded};
use crate::experiment::{self, Cell, Replay};

/// One direction of a connection that carries application bytes.
#[derive(Debug)]
pub(super) struct Lane {
    pub flow: FlowId,
    pub direction: Direction,
    /// The job or the entry of synthetic flows.
    pub name: String,
    pub copy: u32,
    /// Hosts from and to.
    pub hosts: [usize; 2],
    /// Its transfers, by number, in the order in which they are written.
    pub transfers: Vec<u32>,
}

/// One copy of a job.
#[derive(Debug)]
pub(super) struct Copy {
    /// Which job of the cell.
    pub job: usize,
    pub name: String,
    pub copy: u32,
    pub start: Time,
    /// Numbers of its transfers.
    pub transfers: std::ops::Range<u32>,
    pub iterations: u32,
}

/// A connection to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wire {
    pub from: InterfaceId,
    pub to: InterfaceId,
    pub opens: Time,
}

/// All that a cell runs but for the endpoints.
pub(super) struct Plan {
    /// By flow.
    pub wires: Vec<Wire>,
    pub traffic: Traffic,
    pub lanes: Vec<Lane>,
    pub copies: Vec<Copy>,
    /// Payload of a full packet, and the headers around it.
    pub packet: Packet,
    seed: u64,
}

/// Sizes of a full data packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet {
    pub payload: Bytes,
    pub headers: Bytes,
}

impl Packet {
    /// What the oracle has to know of packets, if `controller` asks one for its fair share.
    pub fn oracle_sizes(self, controller: &Builder) -> Option<PacketSizes> {
        let Packet { payload, headers } = self;
        let sizes = PacketSizes { payload, data: payload + headers, ack: headers };
        controller.entry().needs.fair_share.then_some(sizes)
    }
}

impl Plan {
    /// Whether each lane whose transfers are all finished delivered exactly their bytes, of which `received` tells.
    pub fn delivered(&self, received: impl Fn(FlowId, Direction) -> u64) -> Result<(), Violation> {
        let finished = |number: &u32| !self.traffic.progress()[*number as usize].finished.is_never();
        for Lane { flow, direction, transfers, .. } in &self.lanes {
            if !transfers.iter().all(finished) {
                continue;
            }
            let written = transfers.iter().map(|number| self.traffic.transfers()[*number as usize].bytes.get()).sum();
            let received = received(*flow, *direction);
            if received != written {
                return Err(Violation::Undelivered { flow: *flow, direction: *direction, received, written });
            }
        }
        Ok(())
    }

    /// Plans `cell`, and builds its network, still without flows; `recorded[j]` is what job `j` replays.
    pub fn new(cell: &Cell, recorded: &[Recorded]) -> Result<(Plan, Network), CellError> {
        let workers: Vec<_> = recorded.iter().map(|r| r.workers()).collect();
        let layout = Layout::new(cell, &workers)?;
        let network = Network::new(&layout.topology, &layout.interfaces, cell.seed);
        let payload = cell.stack.tcp.payload();
        let mut plan = Plan {
            wires: Vec::new(),
            traffic: Traffic::new(),
            lanes: Vec::new(),
            copies: Vec::new(),
            packet: Packet { payload, headers: cell.network.mtu - payload },
            seed: cell.seed,
        };
        for (number, (recorded, job)) in recorded.iter().zip(&cell.jobs).enumerate() {
            plan.add_job(number, recorded, job, &layout.jobs[number], &network)?;
        }
        for (flow, seats) in cell.flows.iter().zip(&layout.flows) {
            plan.add_flows(flow, seats, &network)?;
        }
        Ok((plan, network))
    }

    fn add_job(
        &mut self,
        number: usize,
        recorded: &Recorded,
        job: &experiment::Job,
        seats: &[Vec<Seat>],
        network: &Network,
    ) -> Result<(), CellError> {
        let Some(first) = recorded.jobs.first() else { return Ok(()) };
        let phases = replay::phases(first, seats.len(), &job.phase, self.seed, &job.name, number == 0)?;
        for ((copy, phase), seats) in (0u32..).zip(phases).zip(seats) {
            let mut first_worker = 0;
            for part in recorded.jobs.iter() {
                let seats = &seats[first_worker..first_worker + part.workers.len()];
                first_worker += part.workers.len();
                // Jobs of one recording keep the distance that they had in it.
                let distance = part.origin - recorded.jobs.iter().map(|job| job.origin).min().unwrap_or(part.origin);
                let plan = Copy {
                    job: number,
                    name: recorded.name_of(&job.name, part),
                    copy,
                    start: Time::ZERO + phase + distance,
                    transfers: 0..0,
                    iterations: part.iterations.len() as u32,
                };
                self.add_copy(plan, part, job.replay, seats, network)?;
            }
        }
        Ok(())
    }

    fn add_copy(
        &mut self,
        mut plan: Copy,
        job: &replay::Job,
        how: Replay,
        seats: &[Seat],
        network: &Network,
    ) -> Result<(), CellError> {
        let mut lanes = Vec::new();
        for connection in &job.connections {
            let (from, to) = (seats[connection.from], seats[connection.to]);
            let flow = self.connect(network, from, to, plan.start)?;
            self.traffic.open(flow, plan.start);
            lanes.push([(Direction::Forward, [from.host, to.host]), (Direction::Backward, [to.host, from.host])].map(
                |(direction, hosts)| Lane {
                    flow,
                    direction,
                    name: plan.name.clone(),
                    copy: plan.copy,
                    hosts,
                    transfers: Vec::new(),
                },
            ));
        }
        let first = self.traffic.transfers().len() as u32;
        for recorded in &job.transfers {
            let lane = &mut lanes[recorded.connection][direction(recorded.direction) as usize];
            let (after, delay) = match how {
                Replay::Closed => (recorded.after.iter().map(|i| first + *i as u32).collect(), recorded.compute),
                Replay::Open => (Vec::new(), recorded.start),
            };
            let delay = if after.is_empty() { delay + plan.start.since(Time::ZERO) } else { delay };
            let number = self.traffic.add(Transfer {
                flow: lane.flow,
                direction: lane.direction,
                bytes: recorded.bytes,
                after,
                delay,
                iteration: recorded.iteration as u32,
            });
            lane.transfers.push(number);
        }
        plan.transfers = first..self.traffic.transfers().len() as u32;
        self.copies.push(plan);
        self.lanes.extend(lanes.into_iter().flatten().filter(|lane| !lane.transfers.is_empty()));
        Ok(())
    }

    fn add_flows(&mut self, flow: &experiment::Flow, seats: &[[Seat; 2]], network: &Network) -> Result<(), CellError> {
        let mut rng = chance::stream(self.seed, &format!("stagger of {}", flow.name));
        for (copy, [from, to]) in seats.iter().enumerate() {
            let stagger = Span::from_nanos(rng.random_range(0..=flow.stagger.as_nanos()));
            let start = flow.start + stagger;
            let id = self.connect(network, *from, *to, Time::ZERO + start)?;
            self.traffic.open(id, Time::ZERO + start);
            let number = self.traffic.add(Transfer {
                flow: id,
                direction: Direction::Forward,
                bytes: flow.bytes.unwrap_or(UNLIMITED),
                after: Vec::new(),
                delay: start,
                iteration: 0,
            });
            self.lanes.push(Lane {
                flow: id,
                direction: Direction::Forward,
                name: flow.name.clone(),
                copy: copy as u32,
                hosts: [from.host, to.host],
                transfers: vec![number],
            });
        }
        Ok(())
    }

    fn connect(&mut self, network: &Network, from: Seat, to: Seat, opens: Time) -> Result<FlowId, CellError> {
        let interface = |seat: Seat| network.interface(seat.host, seat.slot).ok_or(CellError::NoSeat);
        self.wires.push(Wire { from: interface(from)?, to: interface(to)?, opens });
        Ok(FlowId(self.wires.len() as u32 - 1))
    }
}

fn direction(direction: replay::Direction) -> Direction {
    match direction {
        replay::Direction::Forward => Direction::Forward,
        replay::Direction::Backward => Direction::Backward,
    }
}
