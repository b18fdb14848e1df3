//! The network between the hosts' devices: the same queues, marks and delays as in virtual time, driven by the clock.
//!
//! A packet enters at the instant at which it was read. From there on each of its steps has an instant of its own that is
//! computed, not read from a clock: whatever the machine does meanwhile, queues build up and drain as if every step
//! had been in time. Only the last one, to the host's device, can be late.

use std::collections::VecDeque;

use burstlab_network::{Arrival, Codepoint, InterfaceId, Network, NoPath, PortId, Probe, Segment, Tuple, wire};
use burstlab_units::{Bytes, Span, Time};

use super::flows::Flows;
use crate::schedule::Schedule;

/// IPv4 and TCP headers without options: what is not payload of a packet of another protocol, for want of a better idea.
const HEADERS: u32 = 40;

/// A network that carries the packets of devices.
pub(super) struct Switch<P> {
    pub network: Network,
    pub probe: P,
    pub flows: Flows,
    heads: Schedule,
    /// Up to when everything has happened.
    now: Time,
    /// Packets that went nowhere: no IPv4, or to an address that no host has.
    strays: u64,
    marked: Vec<u8>,
    /// The last packets that entered or arrived: the same run does not come again.
    recent: VecDeque<Passed>,
}

/// How many packets are remembered: a few round trips of a connection among others.
const REMEMBERED: usize = 1024;

/// A packet that entered the network, or arrived at its host.
#[derive(Debug, Clone, Copy)]
pub struct Passed {
    /// When.
    pub at: Time,
    /// Whether it arrived.
    pub arrived: bool,
    /// Its header.
    pub segment: Segment,
}

/// What became of a packet that a host sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is on its way; the interface needs so long to send what it holds.
    Backlog(Span),
    /// It goes nowhere.
    Stray,
}

impl<P: Probe> Switch<P> {
    pub fn new(mut network: Network, probe: P) -> Switch<P> {
        network.carry_bytes();
        Switch {
            heads: Schedule::new(network.ports().len()),
            network,
            probe,
            flows: Flows::default(),
            now: Time::ZERO,
            strays: 0,
            marked: Vec::new(),
            recent: VecDeque::with_capacity(REMEMBERED),
        }
    }

    /// The last packets that entered or arrived, the oldest first.
    pub fn recent(&self) -> impl Iterator<Item = &Passed> {
        self.recent.iter()
    }

    fn remember(&mut self, at: Time, arrived: bool, segment: Segment) {
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(Passed { at, arrived, segment });
    }

    /// Packets that went nowhere.
    pub fn strays(&self) -> u64 {
        self.strays
    }

    /// Up to when everything has happened.
    pub fn now(&self) -> Time {
        self.now
    }

    /// When the next packet reaches the end of a link.
    pub fn next_at(&self) -> Time {
        self.heads.first().at()
    }

    /// A host sends `packet` at `now`.
    pub fn take(&mut self, from: InterfaceId, now: Time, packet: &[u8]) -> Result<Taken, NoPath> {
        let Some((segment, now)) = self.classify(from, now, packet)? else {
            self.strays += 1;
            return Ok(Taken::Stray);
        };
        self.remember(now, false, segment);
        *self.network.blank() = segment;
        self.probe.on_bytes(packet);
        let sent = self.network.send_bytes(now, packet, &mut self.probe);
        if let Some((port, at)) = sent.news {
            self.heads.push(at, port.0);
        }
        Ok(Taken::Backlog(sent.backlog))
    }

    /// What is known of a packet; `None` if it goes nowhere.
    fn classify(&mut self, from: InterfaceId, now: Time, packet: &[u8]) -> Result<Option<(Segment, Time)>, NoPath> {
        let Ok(tuple) = Tuple::of(packet) else { return Ok(None) };
        let Some((flow, direction)) = self.flows.find(tuple, from, &mut self.network)? else { return Ok(None) };
        let segment = match wire::from_bytes(packet, false) {
            Ok((segment, ..)) => segment,
            // Not TCP: the queues need no more than its length and its ECN field.
            Err(_) => Segment {
                payload: (packet.len() as u32).saturating_sub(HEADERS),
                codepoint: wire::codepoint_of(packet),
                ..Segment::default()
            },
        };
        // Queues hear of packets in the order of time.
        Ok(Some((Segment { flow, direction, ..segment }, now.max(self.now))))
    }

    /// Lets everything happen that is due by `until`, and hands each packet that arrives to `deliver`, with the interface
    /// and the instant at which it was due.
    pub fn advance<E>(
        &mut self,
        until: Time,
        mut deliver: impl FnMut(InterfaceId, Time, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let head = self.heads.first();
            let at = head.at();
            if at > until || at.is_never() {
                self.now = self.now.max(until);
                return Ok(());
            }
            self.now = at;
            let port = PortId(head.port());
            // What the probe hears of now is a loss on the link, of a packet whose bytes it has seen before.
            self.probe.on_bytes(&[]);
            let (arriving, next) = self.network.take(port, at, &mut self.probe);
            self.heads.remove(head);
            if !next.is_never() {
                self.heads.push(next, port.0);
            }
            let Some(arriving) = arriving else { continue };
            self.probe.on_bytes(self.network.bytes(arriving.packet()));
            match self.network.pass_on(arriving, at, &mut self.probe) {
                Arrival::Delivered(packet) => {
                    let segment @ Segment { flow, direction, codepoint, .. } = *self.network.segment(packet);
                    self.remember(at, true, segment);
                    let target = self.flows.target(flow, direction);
                    let bytes = as_marked(self.network.bytes(packet), codepoint, &mut self.marked);
                    let delivered = deliver(target, at, bytes);
                    self.network.remove(packet);
                    delivered?;
                }
                Arrival::Forwarded(Some((port, at))) => self.heads.push(at, port.0),
                Arrival::Forwarded(None) => {}
            }
        }
    }

    /// Ends it at `now`: all that departed by then has been reported to the probe.
    pub fn settle(&mut self, now: Time) {
        for port in 0..self.network.ports().len() as u32 {
            self.network.occupancy(PortId(port), now, &mut self.probe);
        }
    }

    /// How long an interface needs to send what it holds at `now`.
    pub fn backlog(&self, interface: InterfaceId, now: Time) -> Span {
        self.network.backlog(interface, now)
    }

    /// How long an interface needs to send `bytes`.
    pub fn sending_time(&self, interface: InterfaceId, bytes: Bytes) -> Span {
        self.network.interface_rate(interface).transmission_time(bytes)
    }
}

/// The packet as it arrives: with the CE mark, if a queue set it.
fn as_marked<'a>(packet: &'a [u8], codepoint: Codepoint, copy: &'a mut Vec<u8>) -> &'a [u8] {
    if codepoint != Codepoint::Ce || wire::codepoint_of(packet) == Codepoint::Ce {
        return packet;
    }
    copy.clear();
    copy.extend_from_slice(packet);
    wire::mark_ce(copy);
    copy
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4};

    use burstlab_network::{Discipline, Impairment, Limit, LinkSpec, Topology};
    use burstlab_units::Rate;

    use super::*;

    fn switch(mark_at: u64, impairment: Impairment) -> Switch<()> {
        let link = LinkSpec {
            rate: Rate::from_bits_per_sec(1_000_000_000),
            delay: Span::from_micros(5),
            queue: Discipline::EcnStep { limit: Limit::Packets(10), mark_at: Limit::Packets(mark_at) },
            impairment,
        };
        let mut switch = Switch::new(Network::new(&Topology::star(3, link), &[1, 1, 1], 1), ());
        for i in 0..3 {
            switch.flows.add_address(address(i), InterfaceId(u32::from(i)));
        }
        switch
    }

    fn address(host: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, host + 1)
    }

    fn packet(from: u8, to: u8, content: u8) -> Vec<u8> {
        let segment = Segment { payload: 1000, codepoint: Codepoint::Ect0, ..Segment::default() };
        let end = |host| SocketAddrV4::new(address(host), 1000);
        wire::to_bytes(&segment, end(from), end(to), &[content; 1000])
    }

    fn arrivals(switch: &mut Switch<()>, until: Time) -> Vec<(InterfaceId, Time, Vec<u8>)> {
        let mut arrivals = Vec::new();
        let deliver = |to, at, bytes: &[u8]| -> Result<(), ()> {
            arrivals.push((to, at, bytes.to_vec()));
            Ok(())
        };
        switch.advance(until, deliver).unwrap();
        arrivals
    }

    #[test]
    fn a_packet_arrives_whole_at_the_instant_that_rates_and_delays_give() {
        let mut switch = switch(5, Impairment::default());
        let sent = packet(1, 0, 9);
        switch.take(InterfaceId(1), Time::from_nanos(100), &sent).unwrap();
        // 1040 bytes at 1 Gbit/s, twice, and 5 us, twice.
        let due = Time::from_nanos(100 + 2 * (8320 + 5000));
        assert_eq!(arrivals(&mut switch, due + Span::from_millis(1)), [(InterfaceId(0), due, sent)]);
    }

    #[test]
    fn a_late_look_changes_no_queue() {
        let looks = |step: u64| {
            let mut switch = switch(5, Impairment::default());
            for sender in [1, 2] {
                for content in 0..6 {
                    let now = Time::from_nanos(u64::from(content));
                    switch.take(InterfaceId(u32::from(sender)), now, &packet(sender, 0, content)).unwrap();
                }
            }
            (1..).map(|i| Time::from_nanos(i * step)).take_while(|at| at.as_nanos() <= 1_000_000).fold(
                Vec::new(),
                |mut all, at| {
                    all.extend(arrivals(&mut switch, at));
                    all
                },
            )
        };
        let often = looks(1_000);
        assert_eq!(often.len(), 12);
        assert_eq!(often, looks(500_000));
        assert!(often.iter().any(|(.., bytes)| wire::codepoint_of(bytes) == Codepoint::Ce));
    }

    #[test]
    fn a_mark_is_in_the_bytes_and_the_checksum_right() {
        let mut switch = switch(0, Impairment::default());
        for sender in [1, 2] {
            switch.take(InterfaceId(u32::from(sender)), Time::ZERO, &packet(sender, 0, 3)).unwrap();
        }
        let all = arrivals(&mut switch, Time::from_nanos(1_000_000));
        let codepoints: Vec<_> =
            all.iter().map(|(.., bytes)| wire::from_bytes(bytes, true).unwrap().0.codepoint).collect();
        assert_eq!(codepoints, [Codepoint::Ect0, Codepoint::Ce]);
    }

    #[test]
    fn a_duplicate_has_the_bytes_of_its_original() {
        let mut switch = switch(5, Impairment { duplicate: 1.0, ..Impairment::default() });
        let sent = packet(1, 0, 4);
        switch.take(InterfaceId(1), Time::ZERO, &sent).unwrap();
        let all = arrivals(&mut switch, Time::from_nanos(1_000_000));
        assert_eq!(all.len(), 4, "doubled on two links");
        assert!(all.iter().all(|(.., bytes)| *bytes == sent));
    }

    #[test]
    fn the_last_packets_that_entered_and_arrived_are_remembered() {
        let mut switch = switch(5, Impairment::default());
        for number in 0..2_000 {
            let now = Time::from_nanos(1_000_000 * number);
            switch.take(InterfaceId(1), now, &packet(1, 0, 1)).unwrap();
            arrivals(&mut switch, now + Span::from_micros(999));
        }
        let seen: Vec<_> = switch.recent().map(|passed| (passed.at.as_nanos() / 1_000_000, passed.arrived)).collect();
        let expected: Vec<_> = (1_488..2_000).flat_map(|number| [(number, false), (number, true)]).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn garbage_and_strangers_go_nowhere() {
        let mut switch = switch(5, Impairment::default());
        let from = InterfaceId(0);
        for stray in [vec![], vec![0x60; 60], vec![0x45; 3], packet(0, 77, 1), packet(0, 0, 1)] {
            assert_eq!(switch.take(from, Time::ZERO, &stray).unwrap(), Taken::Stray);
        }
        assert_eq!(switch.strays(), 5);
        assert!(switch.next_at().is_never());
    }
}
