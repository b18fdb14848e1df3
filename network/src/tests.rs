//! Networks driven by hand: each test is its own event loop.

use burstlab_units::{Bytes, Rate, Span, Time};
use proptest::prelude::*;

use crate::*;

/// What happened at the queues, in the order in which the probe was told.
#[derive(Debug, Default)]
struct Log {
    arrivals: Vec<(PortId, Time, Span, u64)>,
    departures: Vec<(PortId, Time, u64)>,
    drops: usize,
    marks: usize,
    losses: usize,
}

impl Probe for Log {
    fn on_arrival(&mut self, port: PortId, now: Time, _: &Segment, wait: Span, ahead: Occupancy) {
        self.arrivals.push((port, now, wait, ahead.packets));
    }
    fn on_departure(&mut self, port: PortId, at: Time, left: Occupancy) {
        self.departures.push((port, at, left.packets));
    }
    fn on_drop(&mut self, _: PortId, _: Time, _: &Segment) {
        self.drops += 1;
    }
    fn on_mark(&mut self, _: PortId, _: Time, _: &Segment) {
        self.marks += 1;
    }
    fn on_loss(&mut self, _: PortId, _: Time, _: &Segment) {
        self.losses += 1;
    }
}

fn link(rate: &str, queue: Discipline) -> LinkSpec {
    LinkSpec { rate: rate.parse().unwrap(), delay: Span::from_micros(5), queue, impairment: Impairment::default() }
}

fn tail(packets: u64) -> Discipline {
    Discipline::DropTail { limit: Limit::Packets(packets) }
}

/// A full-sized segment: 1500 bytes on the wire.
fn full(flow: FlowId, seq: u32) -> Segment {
    Segment { flow, seq, payload: 1460, codepoint: Codepoint::Ect0, ..Segment::default() }
}

/// Sends each segment at its time and gives what was delivered, when.
fn carry(network: &mut Network, sends: &[(u64, Segment)], log: &mut Log) -> Vec<(Time, Segment)> {
    let mut heads: Vec<(Time, PortId)> = Vec::new();
    let mut delivered = Vec::new();
    let mut sends = sends.iter().peekable();
    loop {
        heads.sort();
        let head = heads.first().copied();
        let send = sends.peek().map(|(at, _)| Time::from_nanos(*at));
        match (head, send) {
            (None, None) => return delivered,
            (Some((at, port)), send) if send.is_none_or(|s| at <= s) => {
                heads.remove(0);
                let (arriving, next) = network.take(port, at, log);
                if !next.is_never() {
                    heads.push((next, port));
                }
                match arriving.map(|arriving| network.pass_on(arriving, at, log)) {
                    Some(Arrival::Delivered(packet)) => {
                        delivered.push((at, *network.segment(packet)));
                        network.remove(packet);
                    }
                    Some(Arrival::Forwarded(next)) => heads.extend(next.map(|(port, at)| (at, port))),
                    None => {}
                }
            }
            (_, Some(now)) => {
                *network.blank() = sends.next().unwrap().1;
                heads.extend(network.send(now, log).news.map(|(port, at)| (at, port)));
            }
            (Some(_), None) => unreachable!(),
        }
    }
}

fn star(hosts: usize, queue: Discipline) -> Network {
    Network::new(&Topology::star(hosts, link("10Gbit/s", queue)), &[], 1)
}

fn flow(network: &mut Network, from: usize, to: usize) -> FlowId {
    let (from, to) = (network.interface(from, 0).unwrap(), network.interface(to, 0).unwrap());
    network.add_flow(from, to).unwrap()
}

#[test]
fn a_packet_takes_its_transmission_time_and_delay_on_each_hop() {
    let mut network = star(2, tail(10));
    let flow = flow(&mut network, 0, 1);
    let delivered = carry(&mut network, &[(0, full(flow, 0))], &mut Log::default());
    assert_eq!(delivered[0].0, Time::from_nanos(2 * (1_200 + 5_000)));
}

#[test]
fn two_senders_meet_in_the_queue_to_the_receiver() {
    let mut network = star(3, tail(100));
    let (a, b) = (flow(&mut network, 0, 2), flow(&mut network, 1, 2));
    let sends: Vec<_> =
        (0..10).flat_map(|i| [(i * 1_200, full(a, i as u32)), (i * 1_200, full(b, i as u32))]).collect();
    let mut log = Log::default();
    let delivered = carry(&mut network, &sends, &mut log);
    assert_eq!(delivered.len(), 20);
    let gaps: Vec<_> = delivered.windows(2).map(|w| w[1].0.since(w[0].0).as_nanos()).collect();
    assert!(gaps.iter().all(|gap| *gap == 1_200), "the shared link is never idle: {gaps:?}");
    let bottleneck = network.path(a, Direction::Forward)[1];
    let waits: Vec<_> = log.arrivals.iter().filter(|a| a.0 == bottleneck).map(|a| a.2.as_nanos()).collect();
    assert_eq!(waits.last(), Some(&(10 * 1_200)), "ten packets too many arrived in the time of ten");
}

#[test]
fn a_full_queue_drops_and_a_step_marks_only_what_is_capable() {
    let step = Discipline::EcnStep { limit: Limit::Packets(8), mark_at: Limit::Packets(4) };
    let mut network = star(21, step);
    let flows: Vec<_> = (1..21).map(|host| flow(&mut network, host, 0)).collect();
    let mut log = Log::default();
    let sends: Vec<_> = flows.iter().map(|f| (0, full(*f, 0))).collect();
    let delivered = carry(&mut network, &sends, &mut log);
    assert_eq!((delivered.len(), log.drops, log.marks), (9, 11, 4), "one in transmission, eight wait, four are marked");
    let mut log = Log::default();
    let plain: Vec<_> =
        sends.iter().map(|(_, s)| (1_000_000, Segment { codepoint: Codepoint::NotEct, ..*s })).collect();
    let delivered = carry(&mut network, &plain, &mut log);
    assert_eq!((delivered.len(), log.drops, log.marks), (9, 11, 0));
}

#[test]
fn workers_of_one_host_meet_at_its_uplink_and_one_alone_does_not_queue() {
    let plan = Topology::star(2, link("10Gbit/s", tail(100)));
    let mut network = Network::new(&plan, &[2, 1], 1);
    let to = network.interface(1, 0).unwrap();
    let flows = [0, 1].map(|worker| {
        let from = network.interface(0, worker).unwrap();
        network.add_flow(from, to).unwrap()
    });
    let uplink = network.path(flows[0], Direction::Forward)[1];
    assert_eq!(network.ports()[uplink.0 as usize].name, "host0>switch");
    assert_eq!(network.ports()[uplink.0 as usize].kind, PortKind::Queue);
    let alone: Vec<_> = (0..50).map(|i| (0, full(flows[0], i))).collect();
    let mut log = Log::default();
    carry(&mut network, &alone, &mut log);
    let waited = |log: &Log| log.arrivals.iter().filter(|a| a.0 == uplink).map(|a| a.2).max();
    assert_eq!(waited(&log), Some(Span::ZERO));
    let both: Vec<_> = (0..50).flat_map(|i| flows.map(|f| (1_000_000, full(f, i)))).collect();
    let mut log = Log::default();
    carry(&mut network, &both, &mut log);
    assert_eq!(waited(&log), Some(Span::from_nanos(50 * 1_200)));
}

#[test]
fn paths_are_shortest_and_spread_over_equal_ones() {
    let any = link("10Gbit/s", tail(100));
    let mut network = Network::new(&Topology::leaf_spine(4, 4, 4, any, any), &[], 1);
    let mut spines = std::collections::BTreeSet::new();
    for _ in 0..64 {
        let across = flow(&mut network, 0, 15);
        assert_eq!(network.path(across, Direction::Forward).len(), 4);
        spines.insert(network.path(across, Direction::Forward)[1]);
    }
    assert_eq!(spines.len(), 4, "64 flows leave none of four spines idle");
    let near = flow(&mut network, 0, 1);
    assert_eq!(network.path(near, Direction::Backward).len(), 2);
    let mut tree = Network::new(&Topology::fat_tree(4, any), &[], 1);
    let far = flow(&mut tree, 0, 15);
    assert_eq!(tree.path(far, Direction::Forward).len(), 6);
}

#[test]
fn a_dumbbell_has_one_link_in_the_middle() {
    let plan = Topology::dumbbell(2, 2, link("10Gbit/s", tail(100)), link("1Gbit/s", tail(100)));
    let mut network = Network::new(&plan, &[], 1);
    let (a, b) = (flow(&mut network, 0, 2), flow(&mut network, 1, 3));
    assert_eq!(network.path(a, Direction::Forward)[1], network.path(b, Direction::Forward)[1]);
    assert_eq!(network.ports()[network.path(a, Direction::Forward)[1].0 as usize].name, "left>right");
}

#[test]
fn hosts_without_a_link_between_them_are_an_error() {
    let mut plan = Topology::new();
    let (a, b) = (plan.add_host(), plan.add_host());
    let (x, y) = (plan.add_switch("x".into()), plan.add_switch("y".into()));
    plan.connect(a, x, link("1Gbit/s", tail(1)));
    plan.connect(b, y, link("1Gbit/s", tail(1)));
    let mut network = Network::new(&plan, &[], 1);
    let (from, to) = (network.interface(0, 0).unwrap(), network.interface(1, 0).unwrap());
    assert_eq!(network.add_flow(from, to).unwrap_err().to_string(), "there is no path from host0 to host1");
}

#[test]
fn an_impaired_link_loses_repeats_and_delays_as_often_as_asked() {
    let mut impaired = link("10Gbit/s", tail(100_000));
    impaired.impairment = Impairment { loss: 0.1, duplicate: 0.05, reorder: 0.2, reorder_by: Span::from_nanos(3_000) };
    let mut network = Network::new(&Topology::star(2, impaired), &[], 1);
    let flow = flow(&mut network, 0, 1);
    let mut log = Log::default();
    let sends: Vec<_> = (0..10_000).map(|i| (u64::from(i) * 1_200, full(flow, i))).collect();
    let delivered = carry(&mut network, &sends, &mut log);
    let kept = 0.9 * 0.9 * 10_000.0 * (1.0 + 0.05 * 0.8) * (1.0 + 0.05 * 0.8);
    assert!((delivered.len() as f64 - kept).abs() < 250.0, "{} of about {kept}", delivered.len());
    assert!((1700..2100).contains(&log.losses), "{}", log.losses);
    assert!(delivered.windows(2).all(|w| w[0].0 <= w[1].0), "time does not run backwards");
    let late = delivered.windows(2).filter(|w| w[1].1.seq < w[0].1.seq).count();
    assert!(late > 1_000, "{late} packets came late");
}

proptest! {
    /// Lindley's recursion: W' = max(0, W + S - A), to the nanosecond; departures in order, occupancy as counted.
    #[test]
    fn waiting_times_follow_lindleys_recursion(gaps in proptest::collection::vec((0u64..4_000, 1u32..1460), 1..300)) {
        // The access link is so fast that it does not hold packets apart.
        let plan = Topology::dumbbell(1, 1, link("10Tbit/s", tail(u64::MAX)), link("10Gbit/s", tail(u64::MAX)));
        let mut network = Network::new(&plan, &[], 1);
        let flow = flow(&mut network, 0, 1);
        let mut now = 0;
        let sends: Vec<_> = gaps.iter().map(|(gap, payload)| {
            now += gap;
            (now, Segment { flow, payload: *payload, ..Segment::default() })
        }).collect();
        let mut log = Log::default();
        carry(&mut network, &sends, &mut log);
        let middle = network.path(flow, Direction::Forward)[1];
        let arrivals: Vec<_> = log.arrivals.iter().filter(|a| a.0 == middle).collect();
        let rate: Rate = "10Gbit/s".parse().unwrap();
        let (mut wait, mut last) = (Span::ZERO, None);
        let mut starts = Vec::new();
        for (arrival, (_, segment)) in arrivals.iter().zip(&sends) {
            if let Some((before, service)) = last {
                wait = wait + service - arrival.1.since(before);
            }
            prop_assert_eq!(arrival.2, wait);
            let ahead = starts.iter().filter(|start| **start > arrival.1).count() as u64;
            prop_assert_eq!(arrival.3, ahead);
            starts.push(arrival.1 + wait);
            last = Some((arrival.1, rate.transmission_time(Bytes::new(u64::from(segment.payload) + 40))));
        }
        let departures: Vec<_> = log.departures.iter().filter(|d| d.0 == middle).map(|d| d.1).collect();
        prop_assert!(departures.is_sorted());
    }
}

/// Packets of 1500 bytes, one each `gap` ns, into a link of 100 Mbit/s (120 us a packet) behind a CoDel queue.
fn through_codel(count: u32, gap: u64, settings: CodelSettings) -> (Vec<(Time, Segment)>, Log, Network) {
    let codel = Discipline::Codel { limit: Limit::Packets(10_000), settings };
    let mut plan = Topology::new();
    let (a, b) = (plan.add_host(), plan.add_host());
    let switch = plan.add_switch("switch".into());
    plan.connect(a, switch, link("10Gbit/s", tail(u64::MAX)));
    plan.connect(switch, b, link("100Mbit/s", codel));
    let mut network = Network::new(&plan, &[1, 1], 1);
    let flow = network.add_flow(InterfaceId(0), InterfaceId(1)).unwrap();
    let sends: Vec<_> = (0..count).map(|i| (u64::from(i) * gap, full(flow, i))).collect();
    let mut log = Log::default();
    let delivered = carry(&mut network, &sends, &mut log);
    (delivered, log, network)
}

#[test]
fn codel_leaves_a_burst_alone_that_is_gone_within_its_interval() {
    let (delivered, log, mut network) = through_codel(800, 1_200, CodelSettings::default());
    assert_eq!((delivered.len(), log.drops), (800, 0));
    assert!(delivered.windows(2).all(|pair| pair[1].0.since(pair[0].0) == Span::from_micros(120)));
    assert_eq!(network.audit(delivered[799].0, &mut ()), Ok(()));
}

#[test]
fn codel_drops_more_and_more_of_what_does_not_respond_and_the_link_stays_busy() {
    // A tenth too much for ten seconds. What is dropped leaves no gap: the next packet goes in its place.
    let (delivered, log, mut network) = through_codel(90_000, 109_000, CodelSettings::default());
    assert_eq!(delivered.len() + log.drops, 90_000);
    let quarter = |from: usize| delivered[from].1.seq as usize - from;
    let drops = [20_000, 40_000, 60_000, 80_000].map(quarter);
    assert!(drops.windows(3).all(|d| d[2] - d[1] > d[1] - d[0]), "{drops:?}");
    let busy = &delivered[100..80_000];
    assert!(busy.windows(2).all(|pair| pair[1].0.since(pair[0].0) == Span::from_micros(120)));
    assert_eq!(network.audit(delivered.last().unwrap().0, &mut ()), Ok(()));
}

#[test]
fn codel_marks_what_can_be_marked_and_keeps_it() {
    let settings = CodelSettings { ecn: true, ..CodelSettings::default() };
    let (delivered, log, _) = through_codel(20_000, 109_000, settings);
    assert_eq!((delivered.len(), log.drops), (20_000, 0));
    let marked = delivered.iter().filter(|(_, segment)| segment.codepoint == Codepoint::Ce).count();
    assert!(marked > 10 && marked == log.marks, "{marked}");
}
