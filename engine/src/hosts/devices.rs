//! Interfaces, addresses and routes of one host, by netlink.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use nix::net::if_::if_nametoindex;
use rtnetlink::packet_route::link::LinkAttribute;
use rtnetlink::packet_route::route::{RouteAttribute, RouteMetric, RouteScope};
use rtnetlink::{Handle, LinkMessageBuilder, LinkUnspec, RouteMessageBuilder};

use super::{HostError, HostPlan, RouteOptions, Subnet, Tun};

/// The interface whose other end is the switch.
const LINK: &str = "link";
/// The interface on which the userspace endpoint sits.
const STACK: &str = "stack";

/// Packets that a device keeps until they are read. A TUN device drops what comes beyond (500 by default, TUN_READQ_SIZE in
/// Linux's drivers/net/tun.c), and such a loss would be the emulator's, not the emulated network's.
const QUEUE_LENGTH: u32 = 10_000;

/// The host's devices, as this process holds them.
pub(super) struct Devices {
    pub(super) link: Tun,
    pub(super) stack: Option<Tun>,
}

/// Makes and sets up the devices of `host` in the calling thread's network namespace.
pub(super) fn make(host: &HostPlan, network: Subnet) -> Result<Devices, HostError> {
    let link = make_tun(host, LINK)?;
    let stack = host.stack.map(|_| make_tun(host, STACK)).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|source| failed(host, "netlink", source))?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(|source| failed(host, "netlink", source))?;
        let connection = tokio::spawn(connection);
        let result = set_up(&handle, host, network).await;
        connection.abort();
        result
    })?;
    Ok(Devices { link, stack })
}

fn make_tun(host: &HostPlan, device: &'static str) -> Result<Tun, HostError> {
    Tun::make(device).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => HostError::NoTun(source),
        _ => HostError::Tun { host: host.name.clone(), device, source },
    })
}

async fn set_up(netlink: &Handle, host: &HostPlan, network: Subnet) -> Result<(), HostError> {
    let loopback = index(host, "lo")?;
    up(netlink, LinkUnspec::new_with_index(loopback)).await.map_err(|e| refused(host, "the interface lo", e))?;

    let link = index(host, LINK)?;
    // Linux's TCP hands down up to 64 KB at once even where no device could segment it. Limited to one segment (it takes
    // effect: the tracepoint net:net_dev_queue shows no length above the MTU), its packets leave one by one, so that
    // what it paces is paced. It costs the host time per packet.
    let single = LinkAttribute::GsoMaxSegs(1);
    up(netlink, device(link, host.mtu).append_extra_attribute(single))
        .await
        .map_err(|e| refused(host, "the interface link", e))?;
    netlink
        .address()
        .add(link, host.address.into(), 32)
        .execute()
        .await
        .map_err(|e| refused(host, "the address of link", e))?;
    let mut route = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(network.network(), network.prefix)
        .output_interface(link)
        .scope(RouteScope::Link)
        .pref_source(host.address)
        .build();
    let metrics = metrics(&host.route);
    if !metrics.is_empty() {
        route.attributes.push(RouteAttribute::Metrics(metrics));
    }
    netlink.route().add(route).execute().await.map_err(|e| refused(host, "the route through link", e))?;

    if let Some(address) = host.stack {
        let stack = index(host, STACK)?;
        up(netlink, device(stack, host.mtu)).await.map_err(|e| refused(host, "the interface stack", e))?;
        let route = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(address, 32)
            .output_interface(stack)
            .scope(RouteScope::Link)
            .build();
        netlink.route().add(route).execute().await.map_err(|e| refused(host, "the route to the stack", e))?;
    }
    Ok(())
}

fn device(index: u32, mtu: u32) -> LinkMessageBuilder<LinkUnspec> {
    LinkUnspec::new_with_index(index).mtu(mtu).txqueuelen(QUEUE_LENGTH)
}

async fn up(netlink: &Handle, link: LinkMessageBuilder<LinkUnspec>) -> Result<(), rtnetlink::Error> {
    netlink.link().set(link.up().build()).execute().await
}

fn metrics(options: &RouteOptions) -> Vec<RouteMetric> {
    let rto_min = options.rto_min.map(|span| RouteMetric::RtoMin(whole_milliseconds(span)));
    let window = options.initial_window.map(RouteMetric::InitCwnd);
    let quick_ack = options.quick_ack.then_some(RouteMetric::QuickAck(1));
    let controller = options.controller.clone().map(RouteMetric::CcAlgo);
    [rto_min, window, quick_ack, controller].into_iter().flatten().collect()
}

fn whole_milliseconds(span: Duration) -> u32 {
    u32::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1)
}

fn index(host: &HostPlan, interface: &'static str) -> Result<u32, HostError> {
    if_nametoindex(interface).map_err(|source| failed(host, interface, source.into()))
}

fn failed(host: &HostPlan, what: &'static str, source: io::Error) -> HostError {
    HostError::Network { host: host.name.clone(), what, source }
}

fn refused(host: &HostPlan, what: &'static str, error: rtnetlink::Error) -> HostError {
    let source = match error {
        rtnetlink::Error::NetlinkError(message) => message.to_io(),
        other => io::Error::other(other.to_string()),
    };
    failed(host, what, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeouts_floor_is_in_whole_milliseconds_and_never_none() {
        assert_eq!(whole_milliseconds(Duration::from_millis(10)), 10);
        assert_eq!(whole_milliseconds(Duration::from_micros(1_001)), 2);
        assert_eq!(whole_milliseconds(Duration::ZERO), 1);
    }
}
