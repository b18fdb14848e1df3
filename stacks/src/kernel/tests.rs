use std::net::Ipv4Addr;

use burstlab_algorithms::{Bytes, Time};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::*;
use crate::content;
use crate::{Endpoint, Keys, Status};

const ANY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
const FORWARD: u64 = 11;
const BACKWARD: u64 = 22;

/// A side that listens, and one that has begun to connect to it.
fn pair(config: &Config) -> [Connection; 2] {
    let b = Connection::listening(ANY, ANY, Keys { outgoing: BACKWARD, incoming: FORWARD }, config).unwrap();
    let keys = Keys { outgoing: FORWARD, incoming: BACKWARD };
    let mut a = Connection::dialing(ANY, b.address().unwrap(), keys, config).unwrap();
    a.connect(Time::ZERO);
    [a, b]
}

/// Drives both until `done`, for ten seconds at most.
fn drive(ends: &mut [Connection; 2], done: impl Fn(&[Connection; 2]) -> bool) {
    for _ in 0..10_000 {
        if done(ends) {
            return;
        }
        let mut watched = Vec::new();
        for end in ends.iter() {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::POLLIN, end.wants_read());
            flags.set(PollFlags::POLLOUT, end.wants_write());
            watched.extend(end.watch().map(|fd| PollFd::new(fd, flags)));
        }
        poll(&mut watched, PollTimeout::from(1u8)).unwrap();
        ends.iter_mut().for_each(|end| end.on_ready(Time::ZERO).unwrap());
    }
    panic!("not done: {:?}", ends.each_ref().map(|end| (end.status(), end.received(), end.acknowledged())));
}

fn both(ends: &[Connection; 2], status: Status) -> bool {
    ends.iter().all(|end| end.status() == status)
}

#[test]
fn both_streams_arrive_whole() {
    let mut ends = pair(&Config::default());
    for (end, bytes) in ends.iter_mut().zip([5_000_000, 1_234_567]) {
        end.write(Time::ZERO, Bytes::new(bytes));
        end.close(Time::ZERO);
    }
    drive(&mut ends, |ends| both(ends, Status::Closed));
    let [a, b] = &ends;
    assert_eq!((b.received(), b.reader().damaged()), (5_000_000, 0));
    assert_eq!((a.received(), a.reader().damaged()), (1_234_567, 0));
    assert_eq!(b.reader().sha256(), content::sha256(FORWARD, 5_000_000));
    assert_eq!(a.reader().sha256(), content::sha256(BACKWARD, 1_234_567));
    assert_eq!((a.acknowledged(), b.acknowledged()), (5_000_000, 1_234_567));
    assert!(a.counters().data_segments_sent > 0 && b.counters().unique_segments_received > 0);
    assert!(a.watch().is_none() && b.watch().is_none());
}

#[test]
fn acknowledged_bytes_are_neither_the_syn_nor_the_fin() {
    let mut ends = pair(&Config::default());
    drive(&mut ends, |ends| both(ends, Status::Open));
    assert_eq!(ends.each_ref().map(Endpoint::acknowledged), [0, 0]);
    ends.iter_mut().for_each(|end| end.write(Time::ZERO, Bytes::new(1000)));
    drive(&mut ends, |ends| ends.iter().all(|end| end.received() == 1000 && end.acknowledged() == 1000));
    ends[0].close(Time::ZERO);
    drive(&mut ends, |ends| !ends[1].wants_read());
    assert_eq!((ends[0].acknowledged(), ends[0].status()), (1000, Status::Open));
    assert!(ends[0].snapshot().window > Bytes::ZERO);
    assert_eq!(ends[0].explain().reason, "open");
    ends[1].close(Time::ZERO);
    drive(&mut ends, |ends| both(ends, Status::Closed));
}

#[test]
fn every_controller_that_the_kernel_has_is_accepted() {
    for name in available().unwrap() {
        let mut ends = pair(&Config { congestion: name.clone(), mss: Some(1000), ..Config::default() });
        ends[0].write(Time::ZERO, Bytes::new(100_000));
        drive(&mut ends, |ends| ends[1].received() == 100_000);
        assert_eq!(ends[0].congestion(), name);
    }
}

#[test]
fn an_unknown_controller_is_answered_with_those_that_there_are() {
    let config = Config { congestion: "prague2".to_owned(), ..Config::default() };
    let error = Connection::dialing(ANY, ANY, Keys { outgoing: 0, incoming: 0 }, &config).err().unwrap();
    let expected =
        format!("this kernel has no congestion controller \"prague2\"; it has {}", available().unwrap().join(", "));
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_address_of_another_host_is_refused_in_a_sentence() {
    let own = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 0);
    let error = Connection::dialing(own, ANY, Keys { outgoing: 0, incoming: 0 }, &Config::default()).err().unwrap();
    assert!(error.to_string().starts_with("cannot use the address 192.0.2.1:0 on this host: "), "{error}");
}

#[test]
fn a_peer_that_resets_fails_the_connection() {
    let mut ends = pair(&Config::default());
    ends[0].write(Time::ZERO, Bytes::new(10_000));
    drive(&mut ends, |ends| ends[1].received() == 10_000);
    ends[1].abort(Time::ZERO);
    drive(&mut ends, |ends| both(ends, Status::Failed));
    assert_eq!(ends[0].error().unwrap().kind(), io::ErrorKind::ConnectionReset);
    assert!(ends[0].watch().is_none() && ends[1].watch().is_none());
    assert!(ends[1].counters().unique_segments_received > 0, "what was counted is kept");
}

#[test]
fn a_port_where_nobody_listens_fails_the_connection() {
    let closed = Connection::dialing(ANY, ANY, Keys { outgoing: 0, incoming: 0 }, &Config::default()).unwrap();
    let mut ends = pair(&Config::default());
    ends[0] =
        Connection::dialing(ANY, closed.address().unwrap(), Keys { outgoing: 0, incoming: 0 }, &Config::default())
            .unwrap();
    ends[0].connect(Time::ZERO);
    drive(&mut ends, |ends| ends[0].status() == Status::Failed);
    assert_eq!(ends[0].error().unwrap().kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_stranger_is_not_taken_for_the_peer() {
    let keys = Keys { outgoing: 0, incoming: 0 };
    let expected = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 77), 0);
    let b = Connection::listening(ANY, expected, keys, &Config::default()).unwrap();
    let address = b.address().unwrap();
    let a = Connection::dialing(ANY, address, keys, &Config::default()).unwrap();
    let mut ends = [a, b];
    ends[0].connect(Time::ZERO);
    drive(&mut ends, |ends| ends[1].reader().garbage() == 1);
    assert_eq!(ends[1].status(), Status::Opening);
    ends[0] = Connection::dialing(expected, address, keys, &Config::default()).unwrap();
    ends[0].connect(Time::ZERO);
    drive(&mut ends, |ends| both(ends, Status::Open));
}
