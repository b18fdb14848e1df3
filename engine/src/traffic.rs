//! The lab's applications as one graph of transfers: which bytes go where, and what each waits for.
//!
//! A bulk flow is a transfer that waits for nothing. An openly replayed burst waits for nothing but its instant. A burst
//! in closed replay waits for the transfers that caused it, and then for the computing time that lay between.

use std::collections::VecDeque;

use burstlab_network::{Direction, FlowId};
use burstlab_units::{Bytes, Span, Time};

use crate::workload::{Commands, Workload};

/// More bytes than any run can move: a transfer that does not end.
pub const UNLIMITED: Bytes = Bytes::new(1 << 60);

/// One transfer of application bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The connection.
    pub flow: FlowId,
    /// Which way along it.
    pub direction: Direction,
    /// How much.
    pub bytes: Bytes,
    /// Transfers, by their numbers, whose last byte must have been delivered before.
    pub after: Vec<u32>,
    /// How much later it starts; from the start of the run if it waits for nothing.
    pub delay: Span,
    /// The iteration that it belongs to, for controllers that know their job.
    pub iteration: u32,
}

/// When a transfer was written and when its last byte was delivered; [`Time::NEVER`] for not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The application wrote its first byte (it writes all at once).
    pub started: Time,
    /// The receiving application has its last byte.
    pub finished: Time,
}

/// A graph of transfers, and how far it got. A [`Workload`].
#[derive(Debug, Default)]
pub struct Traffic {
    opens: Vec<(FlowId, Time)>,
    transfers: Vec<Transfer>,
    progress: Vec<Progress>,
    /// For each transfer: those that wait for it.
    dependents: Vec<Vec<u32>>,
    /// For each transfer: how many it still waits for.
    missing: Vec<u32>,
    /// For each direction of each flow: what was written and not yet delivered.
    pipes: Vec<Pipe>,
    unfinished: usize,
}

/// One direction of a flow.
#[derive(Debug, Default)]
struct Pipe {
    written: u64,
    /// Transfers on their way: the stream position behind each one's last byte.
    under_way: VecDeque<(u64, u32)>,
    /// Bytes of each iteration, known beforehand.
    expected: Vec<(u32, u64)>,
    iteration: Option<u32>,
}

impl Traffic {
    /// Nothing to do yet.
    pub fn new() -> Traffic {
        Traffic::default()
    }

    /// Opens `flow` at `at`. Each flow has to be opened once.
    pub fn open(&mut self, flow: FlowId, at: Time) {
        self.opens.push((flow, at));
    }

    /// Adds a transfer and gives its number. What it waits for must have been added before, so there are no circles;
    /// other numbers in `after` are passed over.
    pub fn add(&mut self, mut transfer: Transfer) -> u32 {
        let number = self.transfers.len() as u32;
        transfer.after.retain(|before| *before < number);
        for before in &transfer.after {
            self.dependents[*before as usize].push(number);
        }
        let pipe = self.pipe_mut(transfer.flow, transfer.direction);
        match pipe.expected.iter_mut().find(|(iteration, _)| *iteration == transfer.iteration) {
            Some((_, bytes)) => *bytes += transfer.bytes.get(),
            None => pipe.expected.push((transfer.iteration, transfer.bytes.get())),
        }
        self.missing.push(transfer.after.len() as u32);
        self.dependents.push(Vec::new());
        self.progress.push(Progress { started: Time::NEVER, finished: Time::NEVER });
        self.transfers.push(transfer);
        self.unfinished += 1;
        number
    }

    /// All transfers, by number.
    pub fn transfers(&self) -> &[Transfer] {
        &self.transfers
    }

    /// How far each got, by number.
    pub fn progress(&self) -> &[Progress] {
        &self.progress
    }

    /// Whether every transfer is done.
    pub fn is_finished(&self) -> bool {
        self.unfinished == 0
    }

    fn pipe_mut(&mut self, flow: FlowId, direction: Direction) -> &mut Pipe {
        let index = flow.0 as usize * 2 + direction as usize;
        if index >= self.pipes.len() {
            self.pipes.resize_with(index + 1, Pipe::default);
        }
        &mut self.pipes[index]
    }

    fn start(&mut self, now: Time, number: u32, commands: &mut Commands) {
        let Transfer { flow, direction, bytes, iteration, .. } = self.transfers[number as usize];
        self.progress[number as usize].started = now;
        let pipe = self.pipe_mut(flow, direction);
        if pipe.iteration != Some(iteration) {
            pipe.iteration = Some(iteration);
            let expected = pipe.expected.iter().find(|(i, _)| *i == iteration).map_or(0, |(_, bytes)| *bytes);
            commands.begin_iteration(flow, direction, Bytes::new(expected));
        }
        pipe.written += bytes.get();
        pipe.under_way.push_back((pipe.written, number));
        if pipe.under_way.len() == 1 {
            commands.notify(flow, direction, pipe.written);
        }
        commands.write(flow, direction, bytes);
    }

    fn finish(&mut self, now: Time, number: u32, commands: &mut Commands) {
        self.progress[number as usize].finished = now;
        self.unfinished -= 1;
        for next in std::mem::take(&mut self.dependents[number as usize]) {
            self.missing[next as usize] -= 1;
            if self.missing[next as usize] == 0 {
                self.begin_after(now, next, commands);
            }
        }
        if self.unfinished == 0 {
            commands.stop();
        }
    }

    /// All that `number` waited for is done.
    fn begin_after(&mut self, now: Time, number: u32, commands: &mut Commands) {
        let delay = self.transfers[number as usize].delay;
        if delay.is_zero() {
            self.start(now, number, commands);
        } else {
            commands.alarm(now + delay, self.opens.len() as u32 + number);
        }
    }
}

impl Workload for Traffic {
    fn on_start(&mut self, commands: &mut Commands) {
        // Alarms are numbered: first the flows to open, then the transfers, so that at equal times a flow opens first.
        for (number, (_, at)) in self.opens.iter().enumerate() {
            commands.alarm(*at, number as u32);
        }
        let opens = self.opens.len() as u32;
        for (number, transfer) in self.transfers.iter().enumerate().filter(|(_, t)| t.after.is_empty()) {
            commands.alarm(Time::ZERO + transfer.delay, opens + number as u32);
        }
        if self.unfinished == 0 {
            commands.stop();
        }
    }

    fn on_alarm(&mut self, now: Time, alarm: u32, commands: &mut Commands) {
        match self.opens.get(alarm as usize) {
            Some((flow, _)) => commands.connect(*flow),
            None => self.start(now, alarm - self.opens.len() as u32, commands),
        }
    }

    fn on_received(&mut self, now: Time, flow: FlowId, direction: Direction, total: u64, commands: &mut Commands) {
        while let Some((end, number)) = self.pipe_mut(flow, direction).under_way.front().copied() {
            if end > total {
                commands.notify(flow, direction, end);
                break;
            }
            self.pipe_mut(flow, direction).under_way.pop_front();
            self.finish(now, number, commands);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Command;

    fn transfer(flow: u32, bytes: u64, after: &[u32], delay_us: u64) -> Transfer {
        Transfer {
            flow: FlowId(flow),
            direction: Direction::Forward,
            bytes: Bytes::new(bytes),
            after: after.to_vec(),
            delay: Span::from_micros(delay_us),
            iteration: 0,
        }
    }

    fn writes(commands: &mut Commands) -> Vec<(u32, u64)> {
        let write = |c| if let Command::Write(flow, _, bytes) = c { Some((flow.0, bytes.get())) } else { None };
        commands.list.drain(..).filter_map(write).collect()
    }

    #[test]
    fn a_transfer_starts_when_what_it_waits_for_is_done_and_the_computing_time_has_passed() {
        let mut traffic = Traffic::new();
        let first = traffic.add(transfer(0, 100, &[], 0));
        let second = traffic.add(transfer(1, 200, &[], 5));
        traffic.add(transfer(0, 300, &[first, second], 7));
        let mut commands = Commands::default();
        traffic.on_start(&mut commands);
        assert_eq!(commands.list.len(), 2, "two alarms for two transfers that wait for nothing");
        commands.list.clear();
        traffic.on_alarm(Time::ZERO, 0, &mut commands);
        traffic.on_alarm(Time::from_nanos(5_000), 1, &mut commands);
        assert_eq!(writes(&mut commands), [(0, 100), (1, 200)]);
        traffic.on_received(Time::from_nanos(6_000), FlowId(1), Direction::Forward, 200, &mut commands);
        assert!(commands.list.is_empty(), "one of two is not enough");
        traffic.on_received(Time::from_nanos(9_000), FlowId(0), Direction::Forward, 100, &mut commands);
        assert_eq!(commands.list, [Command::Alarm(Time::from_nanos(16_000), 2)]);
    }

    #[test]
    fn transfers_on_one_pipe_finish_in_their_order() {
        let mut traffic = Traffic::new();
        traffic.add(transfer(0, 100, &[], 0));
        traffic.add(transfer(0, 50, &[], 0));
        let mut commands = Commands::default();
        traffic.on_alarm(Time::ZERO, 0, &mut commands);
        traffic.on_alarm(Time::ZERO, 1, &mut commands);
        commands.list.clear();
        traffic.on_received(Time::from_nanos(1), FlowId(0), Direction::Forward, 120, &mut commands);
        assert_eq!(commands.list, [Command::Notify(FlowId(0), Direction::Forward, 150)]);
        commands.list.clear();
        traffic.on_received(Time::from_nanos(2), FlowId(0), Direction::Forward, 150, &mut commands);
        assert_eq!(commands.list, [Command::Stop]);
        assert_eq!(traffic.progress()[1].finished, Time::from_nanos(2));
    }
}
