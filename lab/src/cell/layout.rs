//! Who sits where: the hosts of a cell, the workers and flows on them, and the topology that joins them.

use burstlab_network::{LinkSpec, Topology};
use burstlab_units::chance;
use rand::seq::SliceRandom as _;

use super::CellError;
use crate::experiment::{self, Cell, Flow, Group, Placement};

/// Which row of hosts: a dumbbell has two, every other topology one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Left,
    Right,
}

/// A host before it is known how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spot {
    row: Row,
    index: usize,
}

/// A place at a host, with a network interface of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    /// The host, counted from 0.
    pub host: usize,
    /// Which of the host's interfaces.
    pub slot: usize,
}

/// All seats of a cell.
#[derive(Debug)]
pub(super) struct Layout {
    /// The plan of the network.
    pub topology: Topology,
    /// Interfaces of each host.
    pub interfaces: Vec<usize>,
    /// For each job, each copy: the workers' seats.
    pub jobs: Vec<Vec<Vec<Seat>>>,
    /// For each entry of synthetic flows: the seats of sender and receiver of each.
    pub flows: Vec<Vec<[Seat; 2]>>,
}

impl Layout {
    /// Seats everyone in `cell`; `workers[j]` is how many workers the parts of job `j` have, which are recorded jobs.
    pub fn new(cell: &Cell, workers: &[Vec<usize>]) -> Result<Layout, CellError> {
        let dumbbell = matches!(cell.network.topology, experiment::Topology::Dumbbell { .. });
        let jobs = job_spots(cell, workers, dumbbell);
        let flows: Vec<_> = cell.flows.iter().map(|flow| flow_spots(cell, flow)).collect();
        let all = || jobs.iter().flatten().flatten().chain(flows.iter().flatten().flatten());
        let needed = |row| all().filter(|s| s.row == row).map(|s| s.index + 1).max().unwrap_or(0);
        let (mut left, mut right) = (needed(Row::Left), needed(Row::Right));
        if dumbbell {
            let hosts = cell.network.hosts as usize;
            (left, right) = (left.max(hosts.div_ceil(2)), right.max(hosts / 2));
        }
        let topology = plan(cell, left, right)?;
        let mut seats =
            Seats { left, taken: vec![0; topology.host_count()], for_flows: vec![None; topology.host_count()] };
        let jobs = map3(&jobs, |spot| seats.own(*spot));
        let flows =
            flows.iter().map(|pairs| pairs.iter().map(|pair| pair.map(|s| seats.shared(s))).collect()).collect();
        let interfaces = seats.taken.iter().map(|taken| (*taken).max(1)).collect();
        Ok(Layout { topology, interfaces, jobs, flows })
    }
}

/// Hands out interfaces.
struct Seats {
    left: usize,
    taken: Vec<usize>,
    for_flows: Vec<Option<usize>>,
}

impl Seats {
    /// A job's worker has an interface of its own, as a container or a virtual machine has.
    fn own(&mut self, spot: Spot) -> Seat {
        let host = self.host(spot);
        let slot = self.taken[host];
        self.taken[host] += 1;
        Seat { host, slot }
    }

    /// The synthetic flows of a host share one.
    fn shared(&mut self, spot: Spot) -> Seat {
        let host = self.host(spot);
        if let Some(slot) = self.for_flows[host] {
            return Seat { host, slot };
        }
        let seat = self.own(spot);
        self.for_flows[host] = Some(seat.slot);
        seat
    }

    fn host(&self, spot: Spot) -> usize {
        match spot.row {
            Row::Left => spot.index,
            Row::Right => self.left + spot.index,
        }
    }
}

fn map3<A, B>(nested: &[Vec<Vec<A>>], mut f: impl FnMut(&A) -> B) -> Vec<Vec<Vec<B>>> {
    nested.iter().map(|b| b.iter().map(|c| c.iter().map(&mut f).collect()).collect()).collect()
}

/// Workers sit on one host after another; in a dumbbell the first half of each recorded job sits left, the second right.
fn job_spots(cell: &Cell, workers: &[Vec<usize>], dumbbell: bool) -> Vec<Vec<Vec<Spot>>> {
    // Spread copies sit behind each other, whichever job they belong to.
    let mut spread = [0, 0];
    let mut place = |job: &experiment::Job, parts: &[usize]| {
        let mut taken = if job.placement == Placement::Spread { spread } else { [0, 0] };
        let spots: Vec<Spot> = parts.iter().flat_map(|count| part_spots(*count, dumbbell, &mut taken)).collect();
        if job.placement == Placement::Spread {
            spread = taken;
        }
        spots
    };
    let copies = |(job, parts): (&experiment::Job, &Vec<usize>)| (0..job.copies).map(|_| place(job, parts)).collect();
    cell.jobs.iter().zip(workers).map(copies).collect()
}

/// The next hosts on either side for `count` workers.
fn part_spots(count: usize, dumbbell: bool, taken: &mut [usize; 2]) -> Vec<Spot> {
    let on_left = if dumbbell { count.div_ceil(2) } else { count };
    let [left, right] = *taken;
    *taken = [left + on_left, right + count - on_left];
    let spot = |worker| match worker < on_left {
        true => Spot { row: Row::Left, index: left + worker },
        false => Spot { row: Row::Right, index: right + worker - on_left },
    };
    (0..count).map(spot).collect()
}

fn flow_spots(cell: &Cell, flow: &Flow) -> Vec<[Spot; 2]> {
    let count = flow.count as usize;
    let hosts = host_count(cell).unwrap_or(count.max(2));
    let left = |index| Spot { row: Row::Left, index };
    let spot = |group, i: usize| match group {
        Group::Senders => left(i + 1),
        Group::Receiver => left(0),
        Group::Left => left(i),
        Group::Right => Spot { row: Row::Right, index: i },
        Group::Hosts => left(i % hosts),
        Group::Host(host) => left(host as usize),
        Group::Named(group) => {
            let (first, count) = named(cell, group);
            left(first + i % count)
        }
    };
    if (flow.from, flow.to) == (Group::Hosts, Group::Hosts) {
        let next = permutation(hosts, cell.seed);
        return (0..count).map(|i| [left(i % hosts), left(next[i % hosts])]).collect();
    }
    (0..count)
        .map(|i| {
            let (from, to) = (spot(flow.from, i), spot(flow.to, i));
            // A host has nothing to send to itself: its neighbour takes its turn.
            if from == to { [left((from.index + 1) % hosts.max(2)), to] } else { [from, to] }
        })
        .collect()
}

/// The first host of a custom topology's group, and how many it has.
fn named(cell: &Cell, group: usize) -> (usize, usize) {
    match &cell.network.topology {
        experiment::Topology::Custom(custom) => custom.hosts_of(group),
        _ => (0, 1),
    }
}

/// A custom topology as it was drawn.
fn drawn(custom: &experiment::Custom) -> Topology {
    let mut plan = Topology::new();
    let switches: Vec<_> = custom.switches.iter().map(|name| plan.add_switch(name.clone())).collect();
    for ([one, other], link) in &custom.links {
        plan.connect(switches[*one], switches[*other], *link);
    }
    for group in &custom.groups {
        for _ in 0..group.count {
            let host = plan.add_host();
            plan.connect(host, switches[group.at], group.link);
        }
    }
    plan
}

/// A random permutation of one cycle, so that nobody is sent to himself.
fn permutation(hosts: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..hosts).collect();
    order.shuffle(&mut chance::stream(seed, "permutation of hosts"));
    let mut next = vec![0; hosts];
    for (i, host) in order.iter().enumerate() {
        next[*host] = order[(i + 1) % hosts];
    }
    next
}

/// Hosts of a topology whose number is given; `None` where it follows from the traffic.
fn host_count(cell: &Cell) -> Option<usize> {
    cell.network.topology.host_count().map(|hosts| usize::try_from(hosts).unwrap_or(usize::MAX))
}

fn plan(cell: &Cell, left: usize, right: usize) -> Result<Topology, CellError> {
    let network = &cell.network;
    let access = network.link;
    if let Some(hosts) = host_count(cell)
        && left > hosts
    {
        return Err(CellError::TooFewHosts { needed: left, hosts });
    }
    Ok(match &network.topology {
        experiment::Topology::Star => Topology::star(left.max(network.hosts as usize), access),
        experiment::Topology::Dumbbell { bottleneck } => Topology::dumbbell(left, right, access, *bottleneck),
        experiment::Topology::LeafSpine { leaves, spines, hosts_per_leaf, spine_rate } => {
            let up = LinkSpec { rate: *spine_rate, ..access };
            Topology::leaf_spine(*leaves as usize, *spines as usize, *hosts_per_leaf as usize, access, up)
        }
        experiment::Topology::FatTree { k } => Topology::fat_tree(*k as usize, access),
        experiment::Topology::Custom(custom) => drawn(custom),
    })
}
