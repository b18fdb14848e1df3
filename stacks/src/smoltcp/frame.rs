//! A segment as the packet that smoltcp takes, and what is changed in packets on their way.

use std::net::SocketAddrV4;

use ::smoltcp::phy::ChecksumCapabilities;
use ::smoltcp::wire::{
    IpProtocol, Ipv4Packet, Ipv4Repr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, TcpTimestampRepr,
};
use burstlab_network::{Flags, Segment};

const IP_HEADER: usize = 20;

/// Writes `segment` into `packet`, without checksums, and with whatever was in `packet` as its payload: nobody reads
/// that in virtual time. Options that smoltcp's sender ignores (SACK, AccECN) are left out. Gives `false` for flags
/// that contradict each other, which smoltcp would drop.
pub(super) fn encode(segment: &Segment, from: SocketAddrV4, to: SocketAddrV4, packet: &mut Vec<u8>) -> bool {
    let Some(control) = control(segment.flags) else { return false };
    let syn = segment.flags.has(Flags::SYN);
    let repr = TcpRepr {
        src_port: from.port(),
        dst_port: to.port(),
        control,
        seq_number: TcpSeqNumber(segment.seq as i32),
        ack_number: segment.flags.has(Flags::ACK).then_some(TcpSeqNumber(segment.ack as i32)),
        window_len: segment.window,
        window_scale: segment.syn.window_scale,
        max_seg_size: (segment.syn.mss > 0).then_some(segment.syn.mss),
        sack_permitted: syn && segment.syn.sack_permitted,
        sack_ranges: [None; 3],
        timestamp: segment.timestamps.map(|t| TcpTimestampRepr::new(t.value, t.echo)),
        payload: &[],
    };
    let ip = Ipv4Repr {
        src_addr: *from.ip(),
        dst_addr: *to.ip(),
        next_header: IpProtocol::Tcp,
        payload_len: repr.header_len() + segment.payload as usize,
        hop_limit: 64,
    };
    let len = IP_HEADER + ip.payload_len;
    if len > usize::from(u16::MAX) {
        return false;
    }
    packet.resize(len, 0);
    let unchecked = ChecksumCapabilities::ignored();
    ip.emit(&mut Ipv4Packet::new_unchecked(&mut packet[..]), &unchecked);
    let (from, to) = ((*from.ip()).into(), (*to.ip()).into());
    repr.emit(&mut TcpPacket::new_unchecked(&mut packet[IP_HEADER..]), &from, &to, &unchecked);
    true
}

fn control(flags: Flags) -> Option<TcpControl> {
    match (flags.has(Flags::SYN), flags.has(Flags::FIN), flags.has(Flags::RST)) {
        (false, false, false) if flags.has(Flags::PSH) => Some(TcpControl::Psh),
        (false, false, false) => Some(TcpControl::None),
        (true, false, false) => Some(TcpControl::Syn),
        (false, true, false) => Some(TcpControl::Fin),
        (false, false, true) => Some(TcpControl::Rst),
        _ => None,
    }
}

/// Cuts the window of a packet. The packet is a whole one.
pub(super) fn set_window(packet: &mut [u8], window: u16) {
    let header = usize::from(Ipv4Packet::new_unchecked(&*packet).header_len());
    TcpPacket::new_unchecked(&mut packet[header..]).set_window_len(window);
}

/// Takes what was changed in the headers of a packet that smoltcp sent over into its bytes, and writes the checksums.
pub(super) fn seal(packet: &mut [u8], segment: &Segment) {
    let mut ip = Ipv4Packet::new_unchecked(&mut *packet);
    ip.set_ecn(segment.codepoint as u8);
    ip.set_dont_frag(true);
    ip.fill_checksum();
    let (from, to) = (ip.src_addr().into(), ip.dst_addr().into());
    let mut tcp = TcpPacket::new_unchecked(&mut packet[IP_HEADER..]);
    tcp.set_ece(segment.flags.has(Flags::ECE));
    tcp.set_cwr(segment.flags.has(Flags::CWR));
    tcp.set_seq_number(TcpSeqNumber(segment.seq as i32));
    tcp.set_ack_number(TcpSeqNumber(segment.ack as i32));
    tcp.set_window_len(segment.window);
    tcp.fill_checksum(&from, &to);
}
