//! Socket buffers by Linux's rules: how large they are, when a write blocks and when it goes on.
//!
//! Linux counts the memory of its buffers, not their payload. How much that is depends on the kernel; the scripts of
//! others show 9/64 more than the payload, which is what is charged here. A buffer is filled by chunks of the size that
//! segmentation offload takes at once, and a chunk that is begun is filled.

use burstlab_algorithms::{Bytes, Time};
use burstlab_stacks::Endpoint;

use super::settings::Settings;
use super::socket::{Role, Socket, SocketOptions, Stream};

/// Largest chunk: what an IP packet's length can say, less headers.
const LARGEST_CHUNK: u64 = 65_160;

/// Bytes that the receive side buffers. Linux offers half of `SO_RCVBUF`'s doubled value (`tcp_adv_win_scale` 1); without
/// it, the buffer grows up to `tcp_rmem`'s limit. By that the shift of the window field is chosen, which is given as well.
pub fn receive_buffer(settings: &Settings, doubled: Option<u64>) -> (Bytes, u8) {
    let grown = settings.receive_memory.largest.max(settings.receive_memory_limit);
    let buffer = doubled.map_or(grown, |doubled| doubled / 2);
    // RFC 7323, section 2.3: 14 at most.
    let shift = (0..14).find(|shift| buffer >> shift <= u64::from(u16::MAX)).unwrap_or(14);
    (Bytes::new(buffer), shift)
}

/// Memory that a payload takes.
fn charge(payload: u64) -> u64 {
    payload + payload * 9 / 64
}

/// How much of a chunk that is begun, or of a new one, may be filled now; zero if the buffer is full.
pub fn room(stream: &Stream, options: &SocketOptions) -> u64 {
    let mss = stream.peer.payload;
    // Not more than half of the largest window, so that what is in flight can be acknowledged in time.
    let limit = (stream.peer.largest_window / 2).min(LARGEST_CHUNK).max(mss);
    let chunk = limit / mss * mss;
    let unsent = stream.connection.unsent();
    match unsent % chunk {
        0 if charge(stream.queued()) < options.send_buffer && unsent < options.notsent_lowat => chunk,
        0 => 0,
        begun => chunk - begun,
    }
}

/// Whether there is so much room that who waits for it is told: a third of what is there.
pub fn is_roomy(stream: &Stream, send_buffer: u64) -> bool {
    let used = charge(stream.queued());
    send_buffer.saturating_sub(used) >= used / 2
}

/// After an acknowledgement: a buffer that turned out too small grows with the congestion window, to hold two of it.
pub fn on_progress(socket: &mut Socket, now: Time) {
    let fixed = socket.options.send_buffer_fixed;
    let Role::Stream(stream) = &mut socket.role else { return };
    let (wants_room, short) = (stream.wants_room, stream.connection.unsent() == 0 && stream.queued() > 0);
    stream.short_of_room.note(now, wants_room && short);
    if !wants_room {
        return;
    }
    if !fixed {
        grow(socket);
    }
    let send_buffer = socket.options.send_buffer;
    if let Role::Stream(stream) = &mut socket.role
        && is_roomy(stream, send_buffer)
    {
        stream.wants_room = false;
    }
}

/// The handshake is over: the buffer holds two initial windows.
pub fn on_established(socket: &mut Socket) {
    if !socket.options.send_buffer_fixed {
        grow(socket);
    }
}

fn grow(socket: &mut Socket) {
    let Role::Stream(stream) = &socket.role else { return };
    let mss = stream.peer.payload;
    let packets = (stream.connection.snapshot().window.get() / mss).max(10);
    // Linux's per-packet memory: payload and headers in a power of two, and the descriptor of the buffer.
    let packet = (mss + 640).next_power_of_two() + 256;
    socket.options.send_buffer = socket.options.send_buffer.max(2 * packets * packet);
}
