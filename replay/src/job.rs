//! A training job as it can be replayed: who sends how much to whom, and what each transfer waits for.

use burstlab_units::{Bytes, Rate, Span};

/// Which way a transfer goes on its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From [`Connection::from`] to [`Connection::to`].
    Forward,
    /// The other way.
    Backward,
}

/// A TCP connection between two workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// The worker that opened it (index into [`Job::workers`]).
    pub from: usize,
    /// The worker that accepted it.
    pub to: usize,
    /// The opener's port.
    pub from_port: u16,
    /// The acceptor's port.
    pub to_port: u16,
}

/// Bytes that a worker's application wrote in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Index into [`Job::connections`].
    pub connection: usize,
    /// Which way.
    pub direction: Direction,
    /// Application bytes.
    pub bytes: Bytes,
    /// When the first byte was sent, since the job's start. Open replay sends at this time.
    pub start: Span,
    /// When the last byte was sent.
    pub end: Span,
    /// How long the network had something to carry of it: `end - start` without the application's own pauses. On an
    /// idle network of the recorded rate it takes about this long.
    pub busy: Span,
    /// Index into [`Job::iterations`].
    pub iteration: usize,
    /// The transfers that it waits for, as indices into [`Job::transfers`]; each is smaller than its own.
    pub after: Vec<usize>,
    /// The computing between the last of `after` being delivered and this start; for a transfer that waits for
    /// nothing, between the job's start and this one.
    pub compute: Span,
}

/// One step of training. Times are since the job's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Iteration {
    /// The end of the iteration before; zero for the first.
    pub start: Span,
    /// When its last byte was sent.
    pub end: Span,
    /// When its first byte was sent.
    pub comm_start: Span,
    /// When its last byte was sent.
    pub comm_end: Span,
    /// Application bytes in both directions of all connections.
    pub bytes: Bytes,
}

/// A job: workers, what they send each other, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What to call it.
    pub name: String,
    /// The workers' addresses, in ascending order.
    pub workers: Vec<String>,
    /// The connections between them.
    pub connections: Vec<Connection>,
    /// What was sent, in order of start.
    pub transfers: Vec<Transfer>,
    /// The steps of training.
    pub iterations: Vec<Iteration>,
    /// The job's start, since the start of the capture: where traffic that only sets it up ends.
    pub origin: Span,
    /// The highest rate at which a worker was seen to send over 5 ms: what its link carried at least.
    /// Zero if it is not known.
    pub peak_rate: Rate,
    /// Bytes before the first iteration and after the last that are no part of the job: its set-up and end.
    pub left_out: Bytes,
}

impl Job {
    /// The sender of a transfer, and its receiver.
    pub fn ends(&self, transfer: &Transfer) -> (usize, usize) {
        let connection = &self.connections[transfer.connection];
        match transfer.direction {
            Direction::Forward => (connection.from, connection.to),
            Direction::Backward => (connection.to, connection.from),
        }
    }

    /// The mean time of an iteration; zero if there is none.
    pub fn period(&self) -> Span {
        match (self.iterations.first(), self.iterations.last()) {
            (Some(first), Some(last)) => (last.end - first.start) / self.iterations.len() as u64,
            _ => Span::ZERO,
        }
    }

    /// All application bytes.
    pub fn bytes(&self) -> Bytes {
        self.transfers.iter().map(|t| t.bytes).sum()
    }

    /// Keeps the first `n` iterations.
    pub fn take_iterations(&mut self, n: usize) {
        self.iterations.truncate(n);
        // In a designed job a worker may be an iteration ahead of another, so what is left out need not come last.
        let mut kept = 0;
        let place = |transfer: &Transfer| {
            kept += usize::from(transfer.iteration < n);
            (transfer.iteration < n).then(|| kept - 1)
        };
        let places: Vec<Option<usize>> = self.transfers.iter().map(place).collect();
        self.transfers.retain(|transfer| transfer.iteration < n);
        for transfer in &mut self.transfers {
            transfer.after = transfer.after.iter().filter_map(|&i| places[i]).collect();
        }
    }

    /// Plays the computing `factor` times as long as it was recorded, as on faster or slower workers. Starts, ends and
    /// iterations move along, as they would on the recorded network.
    pub fn scale_compute(&mut self, factor: f64) {
        for transfer in &mut self.transfers {
            transfer.compute = transfer.compute.scaled(factor);
        }
        self.reschedule();
    }

    /// Recomputes when each transfer starts and ends from what it waits for.
    fn reschedule(&mut self) {
        for i in 0..self.transfers.len() {
            let ready = ready_at(&self.transfers, &self.transfers[i].after);
            let transfer = &mut self.transfers[i];
            transfer.start = ready + transfer.compute;
            transfer.end = transfer.start + transfer.busy;
        }
        self.iterations = lay_out_iterations(&self.transfers);
    }
}

/// The iterations that transfers make up.
pub(crate) fn lay_out_iterations(transfers: &[Transfer]) -> Vec<Iteration> {
    let count = transfers.iter().map(|t| t.iteration + 1).max().unwrap_or(0);
    let none = Iteration {
        start: Span::MAX,
        end: Span::ZERO,
        comm_start: Span::MAX,
        comm_end: Span::ZERO,
        bytes: Bytes::ZERO,
    };
    let mut iterations = vec![none; count];
    for transfer in transfers {
        let iteration = &mut iterations[transfer.iteration];
        iteration.comm_start = iteration.comm_start.min(transfer.start);
        iteration.comm_end = iteration.comm_end.max(transfer.end);
        iteration.bytes += transfer.bytes;
    }
    let mut before = Span::ZERO;
    for iteration in &mut iterations {
        // One without a transfer takes no time.
        iteration.comm_start = iteration.comm_start.min(iteration.comm_end.max(before));
        iteration.comm_end = iteration.comm_end.max(iteration.comm_start);
        (iteration.start, iteration.end) = (before, iteration.comm_end);
        before = iteration.end;
    }
    iterations
}

/// When the last of `after` is delivered by a network of the recorded rate that carries nothing else.
pub(crate) fn ready_at(transfers: &[Transfer], after: &[usize]) -> Span {
    after.iter().map(|&i| transfers[i].start + transfers[i].busy).max().unwrap_or(Span::ZERO)
}
