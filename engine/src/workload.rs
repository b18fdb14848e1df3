//! What the applications do: when they write, and what they do when something arrived.

use burstlab_network::{Direction, FlowId};
use burstlab_units::{Bytes, Time};

/// The applications of a run. It is told what happens and answers with commands.
pub trait Workload {
    /// The run begins.
    fn on_start(&mut self, commands: &mut Commands);

    /// An alarm that was asked for with [`Commands::alarm`] went off.
    fn on_alarm(&mut self, now: Time, alarm: u32, commands: &mut Commands);

    /// `direction` of `flow` has delivered `total` bytes in order, at least as many as asked for with
    /// [`Commands::notify`].
    fn on_received(&mut self, now: Time, flow: FlowId, direction: Direction, total: u64, commands: &mut Commands);
}

/// What applications can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Connect(FlowId),
    Write(FlowId, Direction, Bytes),
    Close(FlowId, Direction),
    Notify(FlowId, Direction, u64),
    BeginIteration(FlowId, Direction, Bytes),
    Alarm(Time, u32),
    Stop,
}

/// Commands of the applications, carried out in their order when the callback returns.
#[derive(Debug, Default)]
pub struct Commands {
    pub(crate) list: Vec<Command>,
}

impl Commands {
    /// Opens a connection.
    pub fn connect(&mut self, flow: FlowId) {
        self.list.push(Command::Connect(flow));
    }

    /// Writes `bytes` into one direction of a connection.
    pub fn write(&mut self, flow: FlowId, direction: Direction, bytes: Bytes) {
        self.list.push(Command::Write(flow, direction, bytes));
    }

    /// Ends one direction of a connection after what was written.
    pub fn close(&mut self, flow: FlowId, direction: Direction) {
        self.list.push(Command::Close(flow, direction));
    }

    /// Asks to be told once `direction` has delivered `total` bytes. One such wish a direction: a new one replaces it.
    pub fn notify(&mut self, flow: FlowId, direction: Direction, total: u64) {
        self.list.push(Command::Notify(flow, direction, total));
    }

    /// Tells the sender of `direction` that an iteration begins in which it will write `expected` bytes.
    pub fn begin_iteration(&mut self, flow: FlowId, direction: Direction, expected: Bytes) {
        self.list.push(Command::BeginIteration(flow, direction, expected));
    }

    /// Asks for [`Workload::on_alarm`] with the number `alarm` at `at`.
    pub fn alarm(&mut self, at: Time, alarm: u32) {
        self.list.push(Command::Alarm(at, alarm));
    }

    /// Ends the run.
    pub fn stop(&mut self) {
        self.list.push(Command::Stop);
    }
}
