//! From a frame to the IP packet in it, by the capture's link type.

use super::bytes::{be16, be32};

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// IEEE 802.1Q, 802.1ad, and the two values that QinQ used before the latter.
const VLAN: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];

/// Where a frame's IP packet begins, or `None` if it holds none. `Err` for a link that this crate does not know.
/// Numbers are those of tcpdump.org/linktypes.html.
pub(crate) fn ip_offset(link: u32, frame: &[u8]) -> Result<Option<usize>, ()> {
    let known = match link {
        0 => loopback(frame, false),
        1 => be16(frame, 12).and_then(|kind| ethertype(frame, kind, 14)),
        // 12 is what some systems wrote for raw IP before 101 was given to it.
        12 | 101 | 228 | 229 => Some(0),
        108 => loopback(frame, true),
        113 => be16(frame, 14).and_then(|kind| ethertype(frame, kind, 16)),
        276 => be16(frame, 0).and_then(|kind| ethertype(frame, kind, 20)),
        _ => return Err(()),
    };
    Ok(known)
}

/// Steps over VLAN tags: `kind` is the type field read last, `at` where the payload follows it.
fn ethertype(frame: &[u8], mut kind: u16, mut at: usize) -> Option<usize> {
    while VLAN.contains(&kind) {
        kind = be16(frame, at + 2)?;
        at += 4;
    }
    matches!(kind, ETHERTYPE_IPV4 | ETHERTYPE_IPV6).then_some(at)
}

/// Loopback has the system's own number for the protocol family in front; IPv6's differs between systems, so the
/// packet's version decides. `network_order` is how OpenBSD writes it; elsewhere it is the capturing machine's order.
fn loopback(frame: &[u8], network_order: bool) -> Option<usize> {
    const AF_INET: u32 = 2;
    const AF_INET6: [u32; 4] = [10, 24, 28, 30];
    let family = be32(frame, 0)?;
    let is_ip = |f: u32| f == AF_INET || AF_INET6.contains(&f);
    (is_ip(family) || !network_order && is_ip(family.swap_bytes())).then_some(4)
}
