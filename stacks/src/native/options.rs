//! What the application may change while a connection lives.

use burstlab_algorithms::{Bytes, Controller, Rate, Span, Time};

use super::config;
use super::connection::{Connection, State};

impl Connection {
    /// Whether a small segment waits while another is unacknowledged (RFC 9293, section 3.7.4). Off is Linux's
    /// `TCP_NODELAY`.
    pub fn set_nagle(&mut self, nagle: bool) {
        self.sender.nagle = nagle;
    }

    /// Whether a small segment waits until there is a full one, as with Linux's `TCP_CORK`: for a retransmission timeout at
    /// most.
    pub fn set_cork(&mut self, cork: bool) {
        self.sender.cork = cork;
    }

    /// The application writes `bytes`, with more to follow at once: what does not fill a segment waits for that, as with
    /// Linux's `MSG_MORE`.
    pub fn write_more(&mut self, bytes: Bytes) {
        self.sender.write(bytes.get());
        self.sender.more = true;
    }

    /// What was written so far is a record: the segment with its last byte carries nothing of the next, as with Linux's
    /// `MSG_EOR`.
    pub fn end_record(&mut self) {
        self.sender.end_record();
    }

    /// Bytes that were written and not sent yet.
    pub fn unsent(&self) -> u64 {
        self.sender.unsent()
    }

    /// Acknowledges what comes at once, or as [`Config::delayed_ack`](super::Config::delayed_ack) has it: Linux's
    /// `TCP_QUICKACK`. It lasts until this side answers with data.
    pub fn set_quick_acks(&mut self, quick: bool) {
        self.receiver.ack.set_quick(quick);
    }

    /// Payload of a segment, options not counted off, is `mss` at most from now on. Never more than it was.
    pub fn set_max_segment(&mut self, mss: u16) {
        self.config.mss = self.config.mss.min(mss);
        let timestamps = if self.state == State::Listen { self.config.timestamps } else { self.timestamps };
        self.sender.mss = self.sender.mss.min(config::payload(u32::from(self.config.mss), timestamps));
        self.sender.refresh();
    }

    /// Bytes that the receive side buffers from now on. The window's scale stays what the handshake made it, and what was
    /// offered stays offered (RFC 9293, section 3.8.6, SHLD-14).
    pub fn set_receive_buffer(&mut self, buffer: Bytes) {
        self.config.receive_buffer = buffer;
        self.receiver.set_buffer(buffer.get());
    }

    /// How long what was sent may stay unacknowledged; see [`Config::user_timeout`](super::Config::user_timeout).
    pub fn set_user_timeout(&mut self, limit: Option<Span>) {
        self.sender.user_timeout = limit;
    }

    /// Bytes leave at this rate at most, whatever the controller says; `None` for as it says. In payload, as
    /// [`Control::pacing_rate`](burstlab_algorithms::Control::pacing_rate) is.
    pub fn set_max_pacing_rate(&mut self, rate: Option<Rate>) {
        self.sender.pacing.set_limit(rate);
        self.sender.refresh();
    }

    /// Another controller takes over. It begins as [`Config::path`](super::Config::path) tells it to; ECN feedback stays
    /// what the handshake agreed.
    pub fn set_controller(&mut self, _now: Time, controller: Box<dyn Controller>) {
        self.sender.controller = controller;
        self.sender.refresh();
    }

    /// Whether a SYN that came in TIME-WAIT may open a new connection in the place of this one (RFC 9293, section 3.6.1,
    /// MAY-2; RFC 6191): its number is beyond all that this one had, or its timestamp is. Whoever drives connections
    /// opens it, with an initial number beyond [`next_sequence`](Connection::next_sequence).
    pub fn yields_to(&self, syn: &burstlab_network::Segment) -> bool {
        use burstlab_network::Flags;
        let opens = syn.flags.has(Flags::SYN) && !syn.flags.has(Flags::ACK.with(Flags::RST));
        if self.state != State::TimeWait || !opens {
            return false;
        }
        self.receiver.is_newer(syn.timestamps).unwrap_or_else(|| {
            self.receiver.numbering.position(syn.seq, self.receiver.next) >= self.receiver.next as i64
        })
    }

    /// The number that this side's next byte would have on the wire (SND.NXT).
    pub fn next_sequence(&self) -> u32 {
        self.numbering.wire(self.sender.board.next())
    }
}
