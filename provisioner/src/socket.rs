//! Opens sockets that see one interface only, and says in a sentence why one cannot be opened.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A peer that acknowledges nothing for this long is gone.
const PEER_GONE: Duration = Duration::from_secs(30);

/// No SO_REUSEADDR: with it two DHCP servers share a port without a word, and each misses half.
pub(crate) fn udp(interface: &str, address: IpAddr, port: u16) -> io::Result<Socket> {
    let socket = new(address, Type::DGRAM, Protocol::UDP)?;
    socket.bind_device(Some(interface.as_bytes()))?;
    if address.is_ipv4() {
        socket.set_broadcast(true)?;
    }
    // A classroom is switched on at once; the kernel gives what its own limit allows.
    socket.set_recv_buffer_size(1 << 20)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(address, port).into())?;
    Ok(socket)
}

/// SO_REUSEADDR means something else for TCP: it only lets a restart pass closed connections.
pub(crate) fn tcp(interface: &str, address: IpAddr, port: u16) -> io::Result<Socket> {
    let socket = new(address, Type::STREAM, Protocol::TCP)?;
    socket.bind_device(Some(interface.as_bytes()))?;
    socket.set_reuse_address(true)?;
    // Inherited by the connections: firmware that stops reading must not hold one for ever.
    socket.set_tcp_user_timeout(Some(PEER_GONE))?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(address, port).into())?;
    socket.listen(128)?;
    Ok(socket)
}

/// One family each: a socket of both would give IPv4 machines addresses of IPv6, and take the port
/// that the other listens on.
fn new(address: IpAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(SocketAddr::new(address, 0)),
        kind,
        Some(protocol),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// Why a port could not be opened, and what to do.
pub(crate) fn sentence(protocol: &str, port: u16, interface: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{protocol} port {port} on {interface} is taken by another program; find it with `ss -{}lpn 'sport = :{port}'` and stop it, it is tried again every few seconds",
            if protocol == "TCP" { 't' } else { 'u' }
        ),
        io::ErrorKind::PermissionDenied => format!(
            "{protocol} port {port} on {interface} may not be opened by this user; run reprise as root, or give it the capabilities CAP_NET_BIND_SERVICE and CAP_NET_RAW"
        ),
        _ => format!(
            "{protocol} port {port} on {interface} cannot be opened ({error}); look at the interface with `ip addr show dev {interface}`, it is tried again every few seconds"
        ),
    }
}
