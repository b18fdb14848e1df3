//! What hosts are to be made.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::HostError;

/// The smallest MTU that Linux allows for IPv4: a header of 60 bytes and 8 bytes of payload (RFC 791, section 3.2).
const MTU_MIN: u32 = 68;
/// The largest MTU: the total length of an IPv4 packet has 16 bits (RFC 791, section 3.1). One that TUN takes.
const MTU_MAX: u32 = 65_535;

/// A range of IPv4 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Any address in it.
    pub address: Ipv4Addr,
    /// Bits that all its addresses share, 0 to 32.
    pub prefix: u8,
}

impl Subnet {
    /// The lowest address of the range.
    pub fn network(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address.to_bits() & self.mask())
    }

    /// Whether `address` is in the range.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        (address.to_bits() ^ self.address.to_bits()) & self.mask() == 0
    }

    /// Whether the two ranges have an address in common.
    pub fn overlaps(self, other: Subnet) -> bool {
        (self.address.to_bits() ^ other.address.to_bits()) & self.mask() & other.mask() == 0
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32))).unwrap_or(0)
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network(), self.prefix)
    }
}

/// What the kernel's own TCP takes from the route through `link`. `None` leaves what Linux does by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteOptions {
    /// The lower bound of the retransmission timeout (RTAX_RTO_MIN). Linux takes whole milliseconds; what is between is
    /// rounded up.
    pub rto_min: Option<Duration>,
    /// The initial congestion window in packets (RTAX_INITCWND).
    pub initial_window: Option<u32>,
    /// Every segment is acknowledged at once (RTAX_QUICKACK).
    pub quick_ack: bool,
    /// The congestion controller (RTAX_CC_ALGO), by the kernel's name. Unlike the sysctl, it may be one that only root may
    /// choose.
    pub controller: Option<String>,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPlan {
    /// Its name within the network, as `host0` or `host0.1`.
    pub name: String,
    /// The address of `link`, for sockets and programs on the host.
    pub address: Ipv4Addr,
    /// The address of the userspace endpoint, routed to `stack`.
    pub stack: Option<Ipv4Addr>,
    /// The MTU of its devices in bytes.
    pub mtu: u32,
    /// For the kernel's TCP.
    pub route: RouteOptions,
    /// Sysctls of the namespace, as (`net.ipv4.tcp_ecn`, `1`), written in this order when all else is set up.
    pub sysctls: Vec<(String, String)>,
}

/// The hosts of one emulated network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The network's name on this machine, as `burstlab-1234`.
    pub name: String,
    /// Whether the namespaces get names, NAME-HOST in /run/netns, so that `ip netns exec` and tcpdump reach them. Ignored
    /// where [`Hosts::names_available`](super::Hosts::names_available) is false.
    pub named: bool,
    /// The range that every host routes into its `link`.
    pub network: Subnet,
    /// The hosts.
    pub hosts: Vec<HostPlan>,
}

impl Plan {
    pub(super) fn check(&self) -> Result<(), HostError> {
        check_name(&self.name)?;
        if self.network.prefix > 32 {
            return Err(HostError::Plan(format!("a prefix of {} bits is longer than an address", self.network.prefix)));
        }
        let mut names = BTreeSet::new();
        let mut addresses = BTreeSet::new();
        for host in &self.hosts {
            check_name(&host.name)?;
            if !names.insert(&host.name) {
                return Err(HostError::Plan(format!("two hosts have the name {}", host.name)));
            }
            for address in [Some(host.address), host.stack].into_iter().flatten() {
                if !self.network.contains(address) {
                    return Err(HostError::Plan(format!("{address} of {} is not in {}", host.name, self.network)));
                }
                if !addresses.insert(address) {
                    return Err(HostError::Plan(format!("{address} is given to two endpoints")));
                }
            }
            if !(MTU_MIN..=MTU_MAX).contains(&host.mtu) {
                return Err(HostError::Plan(format!(
                    "an MTU of {} on {} is not between {MTU_MIN} and {MTU_MAX} bytes",
                    host.mtu, host.name
                )));
            }
        }
        Ok(())
    }
}

/// Names become names of files in /run/netns and parts of command lines.
fn check_name(name: &str) -> Result<(), HostError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && name.len() <= 64 && name.chars().all(plain) {
        Ok(())
    } else {
        Err(HostError::BadName(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(a: u8, b: u8, prefix: u8) -> Subnet {
        Subnet { address: Ipv4Addr::new(a, b, 3, 4), prefix }
    }

    fn plan() -> Plan {
        let host = |name: &str, last| HostPlan {
            name: name.into(),
            address: Ipv4Addr::new(10, 77, 0, last),
            stack: Some(Ipv4Addr::new(10, 77, 1, last)),
            mtu: 1500,
            route: RouteOptions::default(),
            sysctls: vec![],
        };
        Plan {
            name: "a-plan".into(),
            named: false,
            network: subnet(10, 77, 16),
            hosts: vec![host("host0", 1), host("host1", 2)],
        }
    }

    #[test]
    fn a_subnet_knows_its_addresses_and_its_neighbours() {
        let net = subnet(10, 77, 16);
        assert_eq!(net.to_string(), "10.77.0.0/16");
        assert!(net.contains(Ipv4Addr::new(10, 77, 255, 255)) && !net.contains(Ipv4Addr::new(10, 78, 0, 0)));
        assert!(net.overlaps(subnet(10, 0, 8)) && subnet(10, 0, 8).overlaps(net));
        assert!(!net.overlaps(subnet(10, 78, 24)));
        assert!(subnet(1, 2, 0).contains(Ipv4Addr::BROADCAST));
        assert!(!subnet(1, 2, 32).contains(Ipv4Addr::BROADCAST));
    }

    #[test]
    fn a_plan_with_a_mistake_is_refused_with_the_reason() {
        assert!(plan().check().is_ok());
        let refused = |change: fn(&mut Plan)| {
            let mut plan = plan();
            change(&mut plan);
            plan.check().unwrap_err().to_string()
        };
        assert!(refused(|p| p.name = "../../etc".into()).contains("../../etc"));
        assert!(refused(|p| p.name = String::new()).contains("letter or digit"));
        assert!(refused(|p| p.hosts[1].name = "host0".into()).contains("host0"));
        assert!(refused(|p| p.hosts[1].stack = Some(p.hosts[0].address)).contains("10.77.0.1"));
        assert!(refused(|p| p.hosts[0].address = Ipv4Addr::LOCALHOST).contains("127.0.0.1"));
        assert!(refused(|p| p.hosts[0].mtu = 20).contains("MTU of 20"));
        assert!(refused(|p| p.network.prefix = 40).contains("40"));
    }
}
