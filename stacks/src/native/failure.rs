//! Why a connection failed.

use super::Connection;

/// What ended a connection that did not close in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The peer refused it: a reset in answer to the SYN (`ECONNREFUSED`).
    Refused,
    /// The peer reset it (`ECONNRESET`).
    Reset,
    /// This side's application tore it down, or closed it without reading all (RFC 9293, section 3.6.1).
    Aborted,
    /// Nobody answered: retransmissions, window probes or keep-alive probes ran out, or the user timeout did
    /// (`ETIMEDOUT`).
    TimedOut,
    /// The network told why (RFC 9293, section 3.9.2.2).
    Unreachable(Unreachable),
}

/// What an ICMP message said of the destination: RFC 792, RFC 1122, section 3.2.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// There is no route to its network (`ENETUNREACH`).
    Network,
    /// It does not answer its last router, a packet lived too long, or a header was faulty (`EHOSTUNREACH`).
    Host,
    /// It does not speak TCP (`ENOPROTOOPT`).
    Protocol,
    /// Nobody listens there (`ECONNREFUSED`).
    Port,
    /// A filter forbids it (`EACCES` or `EHOSTUNREACH`).
    Prohibited,
}

impl Connection {
    /// Why the connection failed; none as long as it did not.
    pub fn failure(&self) -> Option<Failure> {
        self.life.failure
    }

    /// The last ICMP error that did not end the connection (RFC 9293, section 3.9.2.2, SHLD-25), until the peer is heard
    /// of again.
    pub fn soft_error(&self) -> Option<Unreachable> {
        self.life.soft_error.filter(|(_, at)| *at >= self.sender.account.heard).map(|(why, _)| why)
    }
}
