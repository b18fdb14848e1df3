//! Claims that a script makes about the connection's state, by the names of Linux's `tcp_info`.

use burstlab_algorithms::{EcnFeedback, Rate, Span};
use burstlab_stacks::native::Info;

use super::execution::{Execution, Stop};
use super::socket::Stream;
use crate::expression::{ErrorKind, Program, Value};

/// Linux's threshold while it is arbitrarily high (`TCP_INFINITE_SSTHRESH`).
const INFINITE_THRESHOLD: i128 = 0x7fff_ffff;

/// State of a socket, read once for a block.
struct State {
    info: Info,
    /// Time since the connection began: nothing that it tells of was before.
    age: Span,
    /// Whether the handshake is over.
    established: bool,
    /// Sequence numbers of SYN and FIN that Linux counts with the bytes acknowledged, and those that came.
    control_acked: u64,
    control_received: u64,
    /// Time in which the send buffer was the limit.
    short_of_room: Span,
}

impl Execution<'_> {
    /// Evaluates the claims of `text`, which begins at `line`.
    pub fn claim(&mut self, text: &str, line: usize) -> Result<(), Stop> {
        let program = Program::parse(text).map_err(|error| self.unclear(line + error.line - 1, &error.message))?;
        let stream = self.host.under_test.and_then(|id| self.host.sockets[id].stream());
        let Some(state) = stream.map(|stream| State::of(stream, self.host.now)) else {
            return Err(self.failure("there is no connection to claim anything of".to_owned()));
        };
        let mut scope = std::mem::take(&mut self.scope);
        let ended = program.run(&mut scope, &|name| state.value(name));
        self.scope = scope;
        match ended {
            Ok(printed) => {
                self.notes.extend(printed.into_iter().map(|said| format!("line {line}: printed: {said}")));
                Ok(())
            }
            Err(error) if error.kind == ErrorKind::Failed => {
                self.line = line + error.line - 1;
                Err(self.failure(format!("the claim does not hold: {}", error.message)))
            }
            Err(error) => Err(self.unclear(line + error.line - 1, &error.message)),
        }
    }

    fn unclear(&self, line: usize, message: &str) -> Stop {
        Stop::Skipped(format!("line {line}: the claim cannot be checked: {message}"))
    }
}

impl State {
    fn of(stream: &Stream, now: burstlab_algorithms::Time) -> State {
        let info = stream.connection.info(now);
        let finished = u64::from(stream.connection.is_finished());
        State {
            info,
            age: now.since(stream.born),
            established: stream.established,
            control_acked: finished + u64::from(stream.established && stream.opened),
            control_received: u64::from(stream.connection.peer_closed()),
            short_of_room: stream.short_of_room.total(now),
        }
    }

    /// A field of `tcp_info` in Linux's unit; none if the stack does not have it.
    fn value(&self, name: &str) -> Option<Value> {
        let info = &self.info;
        let number = match name.strip_prefix("tcpi_")? {
            "state" => i128::from(info.state),
            "ca_state" => info.ca_state as i128,
            "retransmits" => info.retransmits.into(),
            "probes" => info.probes.into(),
            "backoff" => info.backoff.into(),
            "options" => self.options(),
            "snd_wscale" => info.snd_wscale.into(),
            "rcv_wscale" => info.rcv_wscale.into(),
            "delivery_rate_app_limited" => info.delivery_rate_app_limited.into(),
            "rto" => micros(info.rto),
            "ato" => micros(info.ato),
            "snd_mss" => info.snd_mss.into(),
            "rcv_mss" => info.rcv_mss.into(),
            // A SYN that is out counts as a packet.
            "unacked" if matches!(info.state, 2 | 3) => 1,
            "unacked" => info.unacked.into(),
            "sacked" => info.sacked.into(),
            "lost" => info.lost.into(),
            "retrans" => info.retrans.into(),
            // Forward acknowledgement is no more.
            "fackets" => 0,
            "last_data_sent" => millis(info.last_data_sent.min(self.age)),
            "last_ack_sent" => 0,
            "last_data_recv" => millis(info.last_data_recv.min(self.age)),
            "last_ack_recv" => millis(info.last_ack_recv.min(self.age)),
            "pmtu" => info.pmtu.into(),
            "rcv_ssthresh" => info.rcv_ssthresh.into(),
            "rtt" => micros(info.rtt),
            "rttvar" => micros(info.rttvar),
            "min_rtt" => info.min_rtt.map_or(i128::from(u32::MAX), micros),
            "snd_ssthresh" => info.snd_ssthresh.map_or(INFINITE_THRESHOLD, i128::from),
            "snd_cwnd" => info.snd_cwnd.into(),
            "advmss" => info.advmss.into(),
            "reordering" => info.reordering.into(),
            "reord_seen" => info.reord_seen.into(),
            "total_retrans" => info.total_retrans.into(),
            "pacing_rate" => rate(info.pacing_rate),
            "max_pacing_rate" => rate(info.max_pacing_rate),
            "bytes_acked" => (info.bytes_acked + self.control_acked).into(),
            "bytes_received" => (info.bytes_received + self.control_received).into(),
            "bytes_sent" => info.bytes_sent.into(),
            "bytes_retrans" => info.bytes_retrans.into(),
            "notsent_bytes" => info.notsent_bytes.into(),
            "segs_out" => info.segs_out.into(),
            "segs_in" => info.segs_in.into(),
            "data_segs_in" => info.data_segs_in.into(),
            "data_segs_out" => info.data_segs_out.into(),
            "delivery_rate" => info.delivery_rate.map_or(0, bytes_a_second),
            "busy_time" => micros(info.busy_time),
            "rwnd_limited" => micros(info.rwnd_limited),
            "sndbuf_limited" => micros(self.short_of_room),
            "delivered" => (info.delivered + u64::from(self.established)).into(),
            "delivered_ce" => info.delivered_ce.into(),
            "dsack_dups" => info.dsack_dups.into(),
            "rcv_ooopack" => info.rcv_ooopack.into(),
            "snd_wnd" => info.snd_wnd.into(),
            "rcv_wnd" => info.rcv_wnd.into(),
            _ => return None,
        };
        Some(Value::Integer(number))
    }

    /// `TCPI_OPT_*` of include/uapi/linux/tcp.h.
    fn options(&self) -> i128 {
        let info = &self.info;
        let bit = |agreed: bool, bit: i128| if agreed { bit } else { 0 };
        bit(info.timestamps, 1)
            | bit(info.sack, 2)
            | bit(info.window_scaling, 4)
            | bit(info.ecn != EcnFeedback::None, 8)
    }
}

fn micros(span: Span) -> i128 {
    i128::from(span.as_nanos() / 1000)
}

fn millis(span: Span) -> i128 {
    i128::from(span.as_nanos() / 1_000_000)
}

fn bytes_a_second(rate: Rate) -> i128 {
    i128::from(rate.bits_per_sec() / 8)
}

/// All ones where there is no limit.
fn rate(rate: Option<Rate>) -> i128 {
    rate.map_or(i128::from(u64::MAX), bytes_a_second)
}
