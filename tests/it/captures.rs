//! Captures by hand: pcap with nanosecond stamps, Ethernet, IPv4, TCP.

const TCP: u8 = 6;
const UDP: u8 = 17;

/// A packet from worker 1 to worker 2 with `payload` bytes from stream position `sequence`.
fn packet(protocol: u8, sequence: u32, payload: u16) -> Vec<u8> {
    let mut packet = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00];
    packet.extend([0x45, 0]);
    packet.extend((40 + payload).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend([29_500u16, 40_000].map(u16::to_be_bytes).concat());
    packet.extend([sequence, 1].map(u32::to_be_bytes).concat());
    packet.extend([0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
    packet.resize(packet.len() + usize::from(payload), 0);
    packet
}

/// A file of packets with their times in ns.
fn file(packets: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let word = |n: u64| (n as u32).to_le_bytes();
    let mut file = [0xa1b2_3c4d, 0x0004_0002, 0, 0, 262_144, 1].map(word).concat();
    for (time, packet) in packets {
        let length = packet.len() as u64;
        file.extend([1_700_000_000 + time / 1_000_000_000, time % 1_000_000_000, length, length].map(word).concat());
        file.extend(packet);
    }
    file
}

/// Ten packets of 1000 bytes, a millisecond apart.
fn ten(protocol: u8) -> Vec<(u64, Vec<u8>)> {
    (0..10).map(|i| (10_000_000_000 + i * 1_000_000, packet(protocol, 1 + 1000 * i as u32, 1000))).collect()
}

pub fn good() -> Vec<u8> {
    file(&ten(TCP))
}

/// The tenth packet ends early.
pub fn truncated() -> Vec<u8> {
    let file = good();
    file[..file.len() - 500].to_vec()
}

pub fn without_tcp() -> Vec<u8> {
    file(&ten(UDP))
}

/// The sixth packet is three seconds before the fifth.
pub fn clock_backwards() -> Vec<u8> {
    let mut packets = ten(TCP);
    packets[5..].iter_mut().for_each(|(time, _)| *time -= 3_000_000_000);
    file(&packets)
}
