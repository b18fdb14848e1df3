//! What a program is told of the network that it is on.

use std::ffi::{OsStr, OsString};
use std::net::Ipv4Addr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// The interface of a host that leads into the network.
const LINK: &str = "link";
/// Where PyTorch's workers meet unless they are told otherwise.
const MASTER_PORT: &str = "29500";

/// The environment of a program on host number `host` of those with these addresses: the network, and what
/// torch.distributed's `env://` and its backends gloo and NCCL look for, so that each host is a worker.
pub(super) fn of(host: usize, addresses: &[Ipv4Addr]) -> Vec<(OsString, OsString)> {
    let address = |host: usize| addresses.get(host).map(Ipv4Addr::to_string).unwrap_or_default();
    let own = [
        ("BURSTLAB_HOST", host.to_string()),
        ("BURSTLAB_HOSTS", addresses.len().to_string()),
        ("BURSTLAB_ADDRESS", address(host)),
        ("RANK", host.to_string()),
        ("WORLD_SIZE", addresses.len().to_string()),
        ("LOCAL_RANK", "0".to_owned()),
        ("MASTER_ADDR", address(0)),
        ("MASTER_PORT", MASTER_PORT.to_owned()),
        ("GLOO_SOCKET_IFNAME", LINK.to_owned()),
        ("NCCL_SOCKET_IFNAME", LINK.to_owned()),
    ];
    let own = own.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let of_others = addresses.iter().enumerate();
    let of_others =
        of_others.map(|(host, address)| (format!("BURSTLAB_ADDRESS_{host}").into(), address.to_string().into()));
    own.into_iter().chain(of_others).collect()
}

/// A word of a command line, with the host's own in the place of `{host}` and `{address}`. Other bytes stay as they are.
pub(super) fn filled(word: &OsStr, host: usize, address: Ipv4Addr) -> OsString {
    let word = replaced(word.as_bytes(), b"{host}", host.to_string().as_bytes());
    OsString::from_vec(replaced(&word, b"{address}", address.to_string().as_bytes()))
}

fn replaced(mut text: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(text.len());
    while let Some(at) = text.windows(what.len()).position(|window| window == what) {
        all.extend_from_slice(&text[..at]);
        all.extend_from_slice(by);
        text = &text[at + what.len()..];
    }
    all.extend_from_slice(text);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 2)];

    #[test]
    fn placeholders_become_the_hosts_own() {
        let filled = |word: &str| filled(word.as_ref(), 1, ADDRESSES[1]).into_string().unwrap();
        assert_eq!(filled("--bind={address}:80{host}{host}"), "--bind=10.77.0.2:8011");
        assert_eq!(filled("{other}{hos"), "{other}{hos");
    }

    #[test]
    fn every_host_is_a_worker_that_meets_the_others_at_host_0() {
        let all = of(1, &ADDRESSES);
        let value = |name: &str| all.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.to_str()).unwrap();
        assert_eq!((value("RANK"), value("WORLD_SIZE"), value("MASTER_ADDR")), ("1", "2", "10.77.0.1"));
        assert_eq!((value("BURSTLAB_ADDRESS"), value("BURSTLAB_ADDRESS_0")), ("10.77.0.2", "10.77.0.1"));
    }
}
