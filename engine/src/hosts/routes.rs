//! The machine's own routes, which are read and never changed.

use std::fs;
use std::net::Ipv4Addr;

use super::Subnet;

/// The interface of this machine, if any, that has a route into `network`. Hosts do not mind, since they are in namespaces of
/// their own; but who reads a capture of both would.
pub fn range_in_use(network: Subnet) -> Option<String> {
    // The file of the calling thread's namespace, not that of the process's first thread.
    interface_with_route_into(network, &fs::read_to_string("/proc/thread-self/net/route").unwrap_or_default())
}

fn interface_with_route_into(network: Subnet, table: &str) -> Option<String> {
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let interface = fields.next()?;
        let destination = address(fields.next()?)?;
        // Gateway, flags, reference count, use and metric lie between.
        let prefix = address(fields.nth(5)?)?.to_bits().count_ones();
        let route = Subnet { address: destination, prefix: u8::try_from(prefix).ok()? };
        // The default route leads everywhere and says nothing about a range.
        (route.prefix > 0 && route.overlaps(network)).then(|| interface.to_owned())
    })
}

/// Addresses stand there as 32-bit numbers in hexadecimal, in the machine's byte order, of bytes in the network's.
fn address(hex: &str) -> Option<Ipv4Addr> {
    u32::from_str_radix(hex, 16).ok().map(|bits| Ipv4Addr::from(bits.to_ne_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn a_route_into_the_range_is_found_and_the_default_route_is_none() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                     eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                     docker0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
                     a broken line\n";
        let subnet = |a, b, prefix| Subnet { address: Ipv4Addr::new(a, b, 0, 0), prefix };
        assert_eq!(interface_with_route_into(subnet(10, 77, 16), table).as_deref(), Some("docker0"));
        assert_eq!(interface_with_route_into(subnet(10, 78, 16), table), None);
    }
}
