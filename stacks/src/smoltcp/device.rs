//! The network device that smoltcp sees: it takes every packet, and keeps it for the line.

use ::smoltcp::phy::{self, ChecksumCapabilities, DeviceCapabilities, Medium};
use ::smoltcp::time::Instant;
use burstlab_network::{Segment, wire};

/// A packet that smoltcp sent.
#[derive(Debug, Default)]
pub(super) struct Packet {
    /// Its headers.
    pub segment: Segment,
    /// All of it, where packets carry bytes; else empty.
    pub bytes: Vec<u8>,
}

/// What lies between smoltcp and us.
#[derive(Debug)]
pub(super) struct Device {
    mtu: usize,
    /// Whether packets are kept whole.
    whole: bool,
    /// The packet for smoltcp to take.
    pub incoming: Vec<u8>,
    /// Whether it has not been taken yet.
    pub waiting: bool,
    sent: Outbox,
}

#[derive(Debug, Default)]
struct Outbox {
    whole: bool,
    packets: std::collections::VecDeque<Packet>,
    scratch: Vec<u8>,
    /// Buffers to be used again.
    spare: Vec<Vec<u8>>,
}

/// Buffers kept for later: a window of usual size.
const SPARE: usize = 256;

impl Device {
    /// A device for packets of up to `mtu` bytes.
    pub fn new(mtu: usize, whole: bool) -> Device {
        let sent = Outbox { whole, ..Outbox::default() };
        Device { mtu, whole, incoming: Vec::new(), waiting: false, sent }
    }

    /// Whether packets are kept whole.
    pub fn keeps_bytes(&self) -> bool {
        self.whole
    }

    /// The next packet that smoltcp sent.
    pub fn take(&mut self) -> Option<Packet> {
        self.sent.packets.pop_front()
    }

    /// Gives a buffer back.
    pub fn recycle(&mut self, bytes: Vec<u8>) {
        if self.whole && self.sent.spare.len() < SPARE && bytes.capacity() > 0 {
            self.sent.spare.push(bytes);
        }
    }
}

impl Outbox {
    fn emit<R>(&mut self, len: usize, write: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut bytes =
            if self.whole { self.spare.pop().unwrap_or_default() } else { std::mem::take(&mut self.scratch) };
        // What was there before is overwritten, so only growth has to be filled.
        if self.whole || bytes.len() < len {
            bytes.resize(len, 0);
        }
        let result = write(&mut bytes[..len]);
        // smoltcp sends nothing but TCP here: other packets are not given to it, so it answers none.
        if let Ok((segment, ..)) = wire::from_bytes(&bytes[..len], false) {
            let kept = if self.whole { std::mem::take(&mut bytes) } else { Vec::new() };
            self.packets.push_back(Packet { segment, bytes: kept });
        }
        if !self.whole {
            self.scratch = bytes;
        }
        result
    }
}

/// The packet that waits.
pub(super) struct Incoming<'a>(&'a [u8]);

/// The permission to send one.
pub(super) struct Outgoing<'a>(&'a mut Outbox);

impl phy::RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl phy::TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        self.0.emit(len, write)
    }
}

impl phy::Device for Device {
    type RxToken<'a> = Incoming<'a>;
    type TxToken<'a> = Outgoing<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        std::mem::take(&mut self.waiting).then_some((Incoming(&self.incoming), Outgoing(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outgoing<'_>> {
        Some(Outgoing(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        // Checksums are verified before smoltcp sees a packet, and written when it leaves, behind all that changes it.
        capabilities.checksum = ChecksumCapabilities::ignored();
        capabilities
    }
}
