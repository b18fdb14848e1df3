//! What drives a connection: the application, the network and the clock.

use std::net::SocketAddrV4;

use ::smoltcp::socket::tcp::{self, State};
use ::smoltcp::wire::{IpAddress, IpEndpoint};
use burstlab_algorithms::{Bytes, Explanation, JobView, Rate, Time};
use burstlab_network::{Segment, wire};

use super::super::frame;
use super::Connection;
use crate::content::Reader;
use crate::{Counters, Endpoint, PacketEndpoint, Snapshot, Status};

impl Endpoint for Connection {
    fn connect(&mut self, now: Time) {
        if self.state() != State::Listen {
            return;
        }
        let (own, peer) = (endpoint(self.config.own), endpoint(self.config.peer));
        let context = self.interface.context();
        let socket = self.sockets.get_mut::<tcp::Socket>(self.socket);
        // A socket that listens counts as open.
        socket.abort();
        if socket.connect(context, peer, own).is_err() {
            self.ended = Some(Status::Failed);
        }
        self.run(now);
    }

    fn write(&mut self, now: Time, bytes: Bytes) {
        if !self.closing {
            self.written = self.written.saturating_add(bytes.get());
            self.run(now);
        }
    }

    fn close(&mut self, now: Time) {
        self.closing = true;
        self.run(now);
    }

    fn abort(&mut self, now: Time) {
        if self.ended.is_none() {
            self.abort_socket(now);
        }
    }

    fn on_segment(&mut self, now: Time, segment: &Segment) {
        self.take_in(now, segment, None);
    }

    fn on_wake(&mut self, now: Time) {
        if self.line.paced_until <= now {
            self.line.paced_until = Time::NEVER;
        }
        if self.observer.alarm <= now {
            self.observer.controller.on_timer(now);
            self.observer.refresh();
            if self.observer.alarm <= now {
                // A controller that leaves its timer in the past is not to be called without end.
                self.observer.alarm = Time::NEVER;
            }
            self.follow_controller();
        }
        if self.wake <= now {
            self.run(now);
        }
    }

    fn transmit(&mut self, now: Time, segment: &mut Segment) -> bool {
        let Some(packet) = self.next_packet(now) else { return false };
        *segment = packet.segment;
        self.device.recycle(packet.bytes);
        true
    }

    fn next_wake(&self) -> Time {
        self.wake.min(self.line.paced_until).min(self.observer.alarm)
    }

    fn host_limited(&mut self, _now: Time) {
        self.observer.host_limited();
    }

    fn received(&self) -> u64 {
        self.receiver.read
    }

    fn acknowledged(&self) -> u64 {
        self.observer.una().min(self.written)
    }

    fn written(&self) -> u64 {
        self.written
    }

    fn status(&self) -> Status {
        match (self.ended, self.state()) {
            (Some(status), _) => status,
            (None, State::Listen | State::SynSent | State::SynReceived | State::Closed) => Status::Opening,
            (None, State::TimeWait) => Status::Closed,
            (None, _) => Status::Open,
        }
    }

    fn begin_iteration(&mut self, expected: Bytes) {
        self.observer.job_base = self.written;
        self.observer.job = JobView { sent: Bytes::ZERO, expected };
    }

    fn set_fair_share(&mut self, share: Rate) {
        self.observer.fair_share = Some(share);
    }

    /// Whether a recovery or timeout was spurious cannot be told from outside; tail loss probes there are none.
    fn counters(&self) -> Counters {
        self.observer.counters
    }

    /// smoltcp's own congestion window is private: what is in flight stands in its place, which is the same as long as
    /// there is data to fill the window with.
    fn snapshot(&self) -> Snapshot {
        let observer = &self.observer;
        Snapshot {
            window: Bytes::new(observer.controlled_window().unwrap_or(observer.in_flight())),
            in_flight: Bytes::new(observer.in_flight()),
            pacing_rate: self.line.rate(),
            smoothed_rtt: observer.smoothed_rtt(),
            delivered: observer.delivered(),
        }
    }

    fn explain(&self) -> Explanation {
        self.observer.controller.explain()
    }
}

/// With [`Config::keys`](super::Config::keys) unset, payloads are zeros.
impl PacketEndpoint for Connection {
    fn on_packet(&mut self, now: Time, packet: &[u8]) {
        let (from, to) = (self.config.peer, self.config.own);
        match wire::from_bytes(packet, self.config.verify) {
            Ok((segment, source, target)) if (source, target) == (from, to) => {
                self.take_in(now, &segment, Some(packet));
            }
            _ => self.reader.count_garbage(),
        }
    }

    fn transmit_packet(&mut self, now: Time, packet: &mut Vec<u8>) -> bool {
        let Some(mut next) = self.next_packet(now) else { return false };
        if next.bytes.is_empty() {
            // Of our own making, or without content.
            wire::write(&next.segment, self.config.own, self.config.peer, |_| (), packet);
            return true;
        }
        frame::seal(&mut next.bytes, &next.segment);
        std::mem::swap(packet, &mut next.bytes);
        self.device.recycle(next.bytes);
        true
    }

    fn reader(&self) -> &Reader {
        &self.reader
    }
}

fn endpoint(address: SocketAddrV4) -> IpEndpoint {
    IpEndpoint::new(IpAddress::Ipv4(*address.ip()), address.port())
}
