//! One connection, and a peer that sends whatever it likes.

mod peer;
mod watch;

use arbitrary::Arbitrary;
use burstlab_algorithms::{Bytes, Rate, Span, Time};
use burstlab_network::{Direction, Segment};
use burstlab_stacks::native::Connection;
use burstlab_stacks::{Endpoint, Status};

use crate::settings::Settings;
use peer::{Forged, Peer};
use watch::Watch;

/// Steps of one input; more say nothing new.
const MOST_STEPS: usize = 500;
/// Bytes that the application writes at most: each may become a packet.
const MOST_WRITTEN: u64 = 1 << 17;
/// Timeouts in a row until the connection is given up.
const RETRIES: u32 = 5;
/// Wake-ups in which a connection that nobody talks to comes to rest.
const MOST_WAKES: usize = 20_000;

#[derive(Debug, Arbitrary)]
struct Input {
    settings: Settings,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
enum Step {
    /// The application.
    Connect,
    Write(u16),
    Read(u16),
    SetReading(bool),
    Close,
    Abort,
    /// The host.
    FullInterface,
    Iteration(u16),
    FairShare(u32),
    /// Nothing is taken from the connection in the next so many steps.
    Hold(u8),
    /// The clock.
    Wait(u16),
    WaitLong(u16),
    WakeUp,
    /// The peer: what an honest one would say next to open a connection.
    Handshake,
    /// An acknowledgement of all that was sent, and the next bytes in order.
    Honest(u16),
    /// Any segment.
    Forged(Forged),
    /// The same segment, and each following one moved on by the distance.
    Flood(u8, u16, Forged),
}

/// Whatever comes in and whoever calls: no panic, and everything that [`Watch`] holds.
pub fn run(data: &[u8]) {
    let Some(input) = crate::input::<Input>(data) else { return };
    let mut run = Run {
        connection: input.settings.connection(Direction::Forward, RETRIES),
        now: Time::from_nanos(1_000_000),
        peer: Peer::new(input.settings.initial_sequence),
        watch: Watch::new(&input.settings),
        held: 0,
    };
    for step in input.steps.iter().take(MOST_STEPS) {
        run.step(step);
        run.after();
    }
    run.leave_alone();
}

struct Run {
    connection: Connection,
    now: Time,
    peer: Peer,
    watch: Watch,
    held: u8,
}

impl Run {
    fn step(&mut self, step: &Step) {
        let (now, connection) = (self.now, &mut self.connection);
        match step {
            Step::Connect => connection.connect(now),
            Step::Write(bytes) => {
                let room = MOST_WRITTEN.saturating_sub(connection.written());
                connection.write(now, Bytes::new(u64::from(*bytes).min(room)));
            }
            Step::Read(bytes) => connection.read(Bytes::new(u64::from(*bytes))),
            Step::SetReading(reading) => connection.set_reading(*reading),
            Step::Close => connection.close(now),
            Step::Abort => connection.abort(now),
            Step::FullInterface => connection.host_limited(now),
            Step::Iteration(bytes) => connection.begin_iteration(Bytes::new(u64::from(*bytes))),
            Step::FairShare(rate) => connection.set_fair_share(Rate::from_bits_per_sec(u64::from(*rate))),
            Step::Hold(steps) => self.held = *steps,
            Step::Wait(micros) => self.now += Span::from_micros(u64::from(*micros)),
            Step::WaitLong(millis) => self.now += Span::from_millis(100 * u64::from(*millis)),
            Step::WakeUp => {
                let next = connection.next_wake();
                if !next.is_never() {
                    self.now = self.now.max(next);
                }
            }
            Step::Handshake => {
                let segment = self.peer.handshake();
                self.take(&segment);
            }
            Step::Honest(bytes) => {
                let segment = self.peer.honest(u32::from(*bytes));
                self.take(&segment);
            }
            Step::Forged(forged) => {
                let segment = self.peer.forge(forged, 0);
                self.take(&segment);
            }
            Step::Flood(count, distance, forged) => {
                for n in 0..u32::from(*count) {
                    let segment = self.peer.forge(forged, n * u32::from(*distance));
                    self.take(&segment);
                }
            }
        }
    }

    fn take(&mut self, segment: &Segment) {
        self.watch.before_segment(segment);
        self.connection.on_segment(self.now, segment);
        if self.held == 0 {
            self.drain(Some(segment));
        }
    }

    fn after(&mut self) {
        self.held = self.held.saturating_sub(1);
        if self.held == 0 {
            self.settle();
        }
        self.watch.look(&self.connection);
    }

    /// Takes what the connection has to send until it has no more. `cause`: the segment that it answers.
    fn drain(&mut self, cause: Option<&Segment>) {
        self.watch.begin_transmissions();
        while let Some(segment) = self.connection.poll_transmit(self.now) {
            self.watch.on_transmit(&self.connection, &segment);
            self.peer.hear(&segment);
        }
        self.watch.end_transmissions(cause);
    }

    /// Wakes the connection as often as it asks for this very instant; it must come to the end of that.
    fn settle(&mut self) {
        for _ in 0..16 {
            self.connection.on_wake(self.now);
            self.drain(None);
            if self.connection.next_wake() > self.now {
                return;
            }
        }
        panic!("at {} it asks to be woken at {} over and over", self.now, self.connection.next_wake());
    }

    /// Nobody says anything any more: the connection comes to rest, and does not wait for an answer for ever.
    fn leave_alone(&mut self) {
        self.held = 0;
        self.settle();
        for _ in 0..MOST_WAKES {
            let next = self.connection.next_wake();
            if next.is_never() {
                self.watch.look(&self.connection);
                let waits = self.connection.status() == Status::Open
                    && self.connection.acknowledged() < self.connection.written();
                assert!(!waits, "it rests with data that the peer never acknowledged");
                return;
            }
            self.now = self.now.max(next);
            self.settle();
        }
        panic!("it does not come to rest: next at {}, now {}", self.connection.next_wake(), self.now);
    }
}
