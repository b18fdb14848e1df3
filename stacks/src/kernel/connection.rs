//! One side of a connection of Linux's TCP.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddrV4};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use burstlab_algorithms::{Bytes, Explanation, Rate, Span, Time};
use burstlab_network::Segment;
use nix::libc;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::stream::{Incoming, Outgoing};
use super::{Config, Error, available, info};
use crate::content::Reader;
use crate::{Counters, Endpoint, Keys, Snapshot, Status};

/// `TCP_INFINITE_SSTHRESH` of Linux's include/net/tcp.h: no threshold yet.
const NO_THRESHOLD: u32 = 0x7fff_ffff;

/// What the socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It has its address.
    Bound,
    Listening,
    Connecting,
    Open,
    Failed,
}

/// One side of one TCP connection between sockets.
///
/// The socket belongs to the network namespace in which the thread was that made it, and stays there.
///
/// To be driven by readiness: whoever watches [`watch`](Self::watch) calls [`on_ready`](Self::on_ready) when there is
/// something to read, and, as long as [`wants_write`](Self::wants_write), when there is room to write. As an
/// [`Endpoint`] it takes and gives no segments and needs no timer.
pub struct Connection {
    config: Config,
    peer: SocketAddrV4,
    stage: Stage,
    /// None once it was torn down.
    socket: Option<Socket>,
    /// Whether this side opened.
    active: bool,
    closing: bool,
    /// The kernel knows that no more will be written.
    shut: bool,
    /// The peer forgot the connection after both had closed.
    forgotten: bool,
    outgoing: Outgoing,
    incoming: Incoming,
    /// What a socket told last that is gone.
    last: Option<libc::tcp_info>,
    error: Option<io::Error>,
}

impl Connection {
    /// A side that opens the connection from `own` to `peer`, when [`connect`](Endpoint::connect) is called.
    pub fn dialing(own: SocketAddrV4, peer: SocketAddrV4, keys: Keys, config: &Config) -> Result<Connection, Error> {
        let socket = bound(own, config)?;
        Ok(Connection::with(socket, peer, keys, config, Stage::Bound))
    }

    /// A side that listens on `own` from now on, for one connection from `peer`. If `peer` has port 0, from any port.
    pub fn listening(own: SocketAddrV4, peer: SocketAddrV4, keys: Keys, config: &Config) -> Result<Connection, Error> {
        let socket = bound(own, config)?;
        socket.listen(1).map_err(|source| Error::Address { address: own, source })?;
        Ok(Connection::with(socket, peer, keys, config, Stage::Listening))
    }

    fn with(socket: Socket, peer: SocketAddrV4, keys: Keys, config: &Config, stage: Stage) -> Connection {
        Connection {
            config: config.clone(),
            peer,
            stage,
            socket: Some(socket),
            active: stage == Stage::Bound,
            closing: false,
            shut: false,
            forgotten: false,
            outgoing: Outgoing::new(keys.outgoing),
            incoming: Incoming::new(keys.incoming),
            last: None,
            error: None,
        }
    }

    /// The address of this side, with the port that the kernel chose if `own` had none.
    pub fn address(&self) -> io::Result<SocketAddrV4> {
        let socket = self.socket.as_ref().ok_or(ErrorKind::NotConnected)?;
        socket.local_addr()?.as_socket_ipv4().ok_or_else(|| ErrorKind::Unsupported.into())
    }

    /// What to watch for readiness now: the listener, then the connection; `None` if nothing more can come.
    ///
    /// Once the peer has closed, there is always something to read, namely the end: whoever watches for a level, and
    /// not for its changes, should then look at [`wants_read`](Self::wants_read).
    pub fn watch(&self) -> Option<BorrowedFd<'_>> {
        let watched = match self.stage {
            Stage::Bound | Stage::Failed => false,
            Stage::Listening | Stage::Connecting => true,
            Stage::Open => !self.is_over(),
        };
        self.socket.as_ref().filter(|_| watched).map(AsFd::as_fd)
    }

    /// Whether bytes wait that did not fit into the send buffer, or the connection is being opened.
    pub fn wants_write(&self) -> bool {
        match self.stage {
            Stage::Connecting => true,
            Stage::Open => self.outgoing.waits(),
            Stage::Bound | Stage::Listening | Stage::Failed => false,
        }
    }

    /// Whether a peer or its bytes may come in.
    pub fn wants_read(&self) -> bool {
        match self.stage {
            Stage::Listening => true,
            Stage::Open => !self.incoming.ended,
            Stage::Bound | Stage::Connecting | Stage::Failed => false,
        }
    }

    /// The socket is ready: takes the connection, reads what came (a bounded amount a call) and writes what fits.
    ///
    /// What ends the connection is no error of this call: see [`error`](Self::error). It fails if the process cannot
    /// take the connection, for want of file descriptors for instance.
    pub fn on_ready(&mut self, _now: Time) -> io::Result<()> {
        match self.stage {
            Stage::Listening => self.accept()?,
            Stage::Connecting => self.finish_connecting(),
            Stage::Bound | Stage::Open | Stage::Failed => {}
        }
        self.read();
        self.flush();
        self.look_behind_the_end();
        Ok(())
    }

    /// What the application on this side has read.
    pub fn reader(&self) -> &Reader {
        &self.incoming.reader
    }

    /// What ended the connection, if it did not end in good order.
    pub fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// The kernel's name of the congestion controller.
    pub fn congestion(&self) -> &str {
        &self.config.congestion
    }

    /// Takes the peer's connection, if it is among those that came.
    fn accept(&mut self) -> io::Result<()> {
        while let (Stage::Listening, Some(listener)) = (self.stage, &self.socket) {
            let (socket, from) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // The one who came may have left again; another may be waiting.
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => continue,
                Err(error) => return Err(error),
            };
            if !from.as_socket_ipv4().is_some_and(|from| self.is_peer(from)) {
                self.incoming.reader.count_garbage();
                continue;
            }
            socket.set_nonblocking(true)?;
            self.socket = Some(socket);
            self.begin();
        }
        Ok(())
    }

    fn is_peer(&self, from: SocketAddrV4) -> bool {
        from.ip() == self.peer.ip() && (self.peer.port() == 0 || from.port() == self.peer.port())
    }

    fn finish_connecting(&mut self) {
        let Some(socket) = &self.socket else { return };
        match socket.take_error() {
            Ok(Some(error)) | Err(error) => self.fail(error),
            Ok(None) if socket.peer_addr().is_ok() => self.begin(),
            // Ready for another reason: it is still under way.
            Ok(None) => {}
        }
    }

    fn begin(&mut self) {
        self.stage = Stage::Open;
        self.prompt_acks();
    }

    /// tcp(7): `TCP_QUICKACK` is not permanent. That it cannot be set for a connection that just ended does no harm.
    fn prompt_acks(&self) {
        if let Some(socket) = self.socket.as_ref().filter(|_| self.config.quick_ack) {
            let _ = socket.set_tcp_quickack(true);
        }
    }

    fn read(&mut self) {
        let Some(socket) = self.socket.as_ref().filter(|_| self.stage == Stage::Open) else { return };
        match self.incoming.drain(socket) {
            Ok(()) => self.prompt_acks(),
            Err(error) => self.fail(error),
        }
    }

    fn flush(&mut self) {
        let Some(socket) = self.socket.as_ref().filter(|_| self.stage == Stage::Open) else { return };
        let mut result = self.outgoing.flush(socket);
        if result.is_ok() && self.closing && !self.shut && !self.outgoing.waits() {
            result = socket.shutdown(Shutdown::Write);
            self.shut = true;
        }
        if let Err(error) = result {
            self.fail(error);
        }
    }

    /// After both sides closed, neither reading nor writing tells of errors. A reset then ends the connection in good
    /// order (RFC 9293, section 3.10.7.4): the peer is gone that had acknowledged all, and its last ACK was lost.
    fn look_behind_the_end(&mut self) {
        let Some(socket) = self.socket.as_ref().filter(|_| self.stage == Stage::Open) else { return };
        if !(self.incoming.ended && self.shut) {
            return;
        }
        match socket.take_error() {
            Ok(None) => {}
            Ok(Some(error)) if error.kind() == ErrorKind::ConnectionReset => self.forgotten = true,
            Ok(Some(error)) | Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.stage = Stage::Failed;
        self.error.get_or_insert(error);
    }

    fn info(&self) -> Option<libc::tcp_info> {
        match &self.socket {
            Some(socket) if self.stage != Stage::Listening => info::tcp_info(socket.as_fd()).ok(),
            _ => self.last,
        }
    }

    /// What the peer acknowledged of this side's numbers behind the SYN: bytes, and the FIN.
    ///
    /// The kernel's count includes the SYN of the side that opened: it moves on with each advance of SND.UNA, and the
    /// passive side's starts behind its SYN.
    fn numbers_acknowledged(&self) -> u64 {
        self.info().map_or(0, |info| info.tcpi_bytes_acked.saturating_sub(u64::from(self.active)))
    }

    /// Whether both sides closed in good order, and each knows of the other.
    fn is_over(&self) -> bool {
        self.forgotten || self.incoming.ended && self.shut && self.numbers_acknowledged() > self.outgoing.written
    }
}

/// A socket with its settings, which must be there before the handshake, and its address.
fn bound(own: SocketAddrV4, config: &Config) -> Result<Socket, Error> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).map_err(Error::Socket)?;
    socket.set_nonblocking(true).map_err(Error::Socket)?;
    set_congestion(&socket, &config.congestion)?;
    let setting = |what: &str, value: u64, result: io::Result<()>| {
        result.map_err(|source| Error::Setting { what: format!("{what} = {value}"), source })
    };
    let size = |bytes: Bytes| usize::try_from(bytes.get()).unwrap_or(usize::MAX);
    if let Some(bytes) = config.send_buffer {
        setting("SO_SNDBUF", bytes.get(), socket.set_send_buffer_size(size(bytes)))?;
    }
    if let Some(bytes) = config.receive_buffer {
        setting("SO_RCVBUF", bytes.get(), socket.set_recv_buffer_size(size(bytes)))?;
    }
    if let Some(mss) = config.mss {
        setting("TCP_MAXSEG", mss.into(), socket.set_tcp_mss(mss.into()))?;
    }
    setting("TCP_NODELAY", config.nodelay.into(), socket.set_tcp_nodelay(config.nodelay))?;
    setting("SO_REUSEADDR", 1, socket.set_reuse_address(true))?;
    socket.bind(&SockAddr::from(own)).map_err(|source| Error::Address { address: own, source })?;
    Ok(socket)
}

fn set_congestion(socket: &Socket, name: &str) -> Result<(), Error> {
    // Asked first: to set a name that the kernel does not know makes it look for a module to load.
    if let Ok(available) = available()
        && !available.iter().any(|known| known == name)
    {
        return Err(Error::Congestion { name: name.to_owned(), available });
    }
    socket
        .set_tcp_congestion(name.as_bytes())
        .map_err(|source| Error::Setting { what: format!("TCP_CONGESTION = {name}"), source })
}

impl Drop for Connection {
    /// What is not delivered by now never will be: without this, the kernel would go on sending it for a while, and keep the
    /// host's network namespace for it (socket(7), SO_LINGER).
    fn drop(&mut self) {
        if let Some(socket) = &self.socket {
            let _ = socket.set_linger(Some(Duration::ZERO));
        }
    }
}

impl Endpoint for Connection {
    fn connect(&mut self, _now: Time) {
        let Some(socket) = self.socket.as_ref().filter(|_| self.stage == Stage::Bound) else { return };
        self.stage = Stage::Connecting;
        match socket.connect(&SockAddr::from(self.peer)) {
            Ok(()) => self.begin(),
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
            Err(error) => self.fail(error),
        }
        self.flush();
    }

    fn write(&mut self, _now: Time, bytes: Bytes) {
        if !self.closing {
            self.outgoing.written = self.outgoing.written.saturating_add(bytes.get());
            self.flush();
        }
    }

    fn close(&mut self, _now: Time) {
        self.closing = true;
        self.flush();
    }

    fn abort(&mut self, _now: Time) {
        if self.status() == Status::Closed {
            return;
        }
        self.last = self.info();
        if let Some(socket) = self.socket.take() {
            // socket(7): to linger for no time is to reset. Where that fails the connection ends by a FIN.
            let _ = socket.set_linger(Some(Duration::ZERO));
        }
        self.fail(ErrorKind::ConnectionAborted.into());
    }

    /// Nothing: segments go to the kernel.
    fn on_segment(&mut self, _now: Time, _segment: &Segment) {}

    /// Nothing: timers are the kernel's.
    fn on_wake(&mut self, _now: Time) {}

    /// Never: segments leave by the kernel.
    fn transmit(&mut self, _now: Time, _segment: &mut Segment) -> bool {
        false
    }

    fn next_wake(&self) -> Time {
        Time::NEVER
    }

    /// Nothing: the kernel knows its interfaces.
    fn host_limited(&mut self, _now: Time) {}

    fn received(&self) -> u64 {
        self.incoming.reader.position()
    }

    fn acknowledged(&self) -> u64 {
        self.numbers_acknowledged().min(self.outgoing.queued)
    }

    fn written(&self) -> u64 {
        self.outgoing.written
    }

    fn status(&self) -> Status {
        match self.stage {
            Stage::Bound | Stage::Listening | Stage::Connecting => Status::Opening,
            Stage::Open if self.is_over() => Status::Closed,
            Stage::Open => Status::Open,
            Stage::Failed => Status::Failed,
        }
    }

    /// Nothing: no controller of the kernel's asks for it.
    fn begin_iteration(&mut self, _expected: Bytes) {}

    /// Nothing: no controller of the kernel's asks for it.
    fn set_fair_share(&mut self, _share: Rate) {}

    /// What the kernel counts. It does not tell probes, recoveries, spurious ones and duplicates, which stay zero, so
    /// that all data segments received count as unique; timeouts are told since Linux 6.7, marks received since 6.18.
    fn counters(&self) -> Counters {
        let Some(info) = self.info() else { return Counters::default() };
        Counters {
            data_segments_sent: info.tcpi_data_segs_out.into(),
            retransmitted_segments: info.tcpi_total_retrans.into(),
            retransmitted_bytes: info.tcpi_bytes_retrans,
            timeouts: info.tcpi_total_rto.into(),
            unique_segments_received: info.tcpi_data_segs_in.into(),
            marked_segments_received: info.tcpi_received_ce.into(),
            ..Counters::default()
        }
    }

    fn snapshot(&self) -> Snapshot {
        let Some(info) = self.info() else { return Snapshot::default() };
        let packets = |count: u32| Bytes::new(u64::from(count) * u64::from(info.tcpi_snd_mss));
        // tcp_packets_in_flight() of Linux's include/net/tcp.h.
        let gone = info.tcpi_sacked.saturating_add(info.tcpi_lost);
        let in_flight = info.tcpi_unacked.saturating_sub(gone).saturating_add(info.tcpi_retrans);
        // Bytes a second; all ones if it does not pace.
        let pacing = Some(info.tcpi_pacing_rate).filter(|rate| *rate != u64::MAX && *rate != 0);
        Snapshot {
            window: packets(info.tcpi_snd_cwnd),
            in_flight: packets(in_flight),
            pacing_rate: pacing.map(|rate| Rate::from_bits_per_sec(rate.saturating_mul(8))),
            smoothed_rtt: Span::from_micros(info.tcpi_rtt.into()),
            delivered: self.acknowledged(),
        }
    }

    /// The state of the congestion machine, and what of the controller's inside the kernel shows.
    fn explain(&self) -> Explanation {
        let Some(info) = self.info() else { return Explanation::default() };
        // enum tcp_ca_state of Linux's include/uapi/linux/tcp.h.
        let states = ["open", "disorder", "window reduced for marks", "recovery", "loss"];
        let reason = states.get(usize::from(info.tcpi_ca_state)).copied().unwrap_or_default();
        let mut signals = vec![
            ("rto_us", f64::from(info.tcpi_rto)),
            ("min_rtt_us", f64::from(info.tcpi_min_rtt)),
            ("delivery_rate_bps", info.tcpi_delivery_rate as f64 * 8.0),
            ("reordering_packets", f64::from(info.tcpi_reordering)),
        ];
        if info.tcpi_snd_ssthresh < NO_THRESHOLD {
            signals.push(("ssthresh_packets", f64::from(info.tcpi_snd_ssthresh)));
        }
        Explanation { reason, signals }
    }
}
