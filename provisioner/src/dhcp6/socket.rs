//! A UDP socket of IPv6 that says at which of our addresses a packet arrived, and answers from that
//! one, by the interface it came in by.

use crate::socket;
use nix::libc::{in6_addr, in6_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg, sendmsg, setsockopt,
    sockopt,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::os::fd::AsRawFd;
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// All_DHCP_Relay_Agents_and_Servers.
pub(super) const EVERY_SERVER: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);

pub(super) struct Socket {
    udp: UdpSocket,
    index: u32,
}

/// Where a packet came from, and to which address it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) from: SocketAddrV6,
    /// `None`: to all servers.
    pub(super) to: Option<Ipv6Addr>,
}

impl Socket {
    pub(super) fn open(interface: &str, port: u16) -> io::Result<Socket> {
        let socket = socket::udp(interface, Ipv6Addr::UNSPECIFIED.into(), port)?;
        let index = rustix::net::netdevice::name_to_index(&socket, interface)?;
        // On 4011 too: firmware without a URL asks everybody there.
        socket.join_multicast_v6(&EVERY_SERVER, index)?;
        setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        let udp = UdpSocket::from_std(socket.into())?;
        Ok(Socket { udp, index })
    }

    /// The next packet; its length in `buffer`. A longer one is cut.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Route)> {
        loop {
            let received = self
                .udp
                .async_io(Interest::READABLE, || self.try_receive(buffer));
            if let Some(received) = received.await? {
                return Ok(received);
            }
        }
    }

    fn try_receive(&self, buffer: &mut [u8]) -> io::Result<Option<(usize, Route)>> {
        let mut slices = [IoSliceMut::new(buffer)];
        let mut space = nix::cmsg_space!(in6_pktinfo);
        let message = recvmsg::<SockaddrIn6>(
            self.udp.as_raw_fd(),
            &mut slices,
            Some(&mut space),
            MsgFlags::MSG_DONTWAIT,
        )?;
        let Some(from) = message.address else {
            return Ok(None);
        };
        let to = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                Some(Ipv6Addr::from(info.ipi6_addr.s6_addr)).filter(|to| !to.is_multicast())
            }
            _ => None,
        });
        let from = SocketAddrV6::from(from);
        Ok(Some((message.bytes, Route { from, to })))
    }

    /// Back where `route` came from, to `port` there.
    pub(super) async fn send(&self, bytes: &[u8], route: Route, port: u16) -> io::Result<()> {
        let mut to = route.from;
        to.set_port(port);
        let info = in6_pktinfo {
            // Asked as one of all servers, the kernel chooses: link-local to link-local.
            ipi6_addr: in6_addr {
                s6_addr: route.to.unwrap_or(Ipv6Addr::UNSPECIFIED).octets(),
            },
            ipi6_ifindex: self.index,
        };
        let send = || {
            sendmsg(
                self.udp.as_raw_fd(),
                &[IoSlice::new(bytes)],
                &[ControlMessage::Ipv6PacketInfo(&info)],
                MsgFlags::MSG_DONTWAIT,
                Some(&SockaddrIn6::from(to)),
            )
            .map_err(io::Error::from)
        };
        self.udp.async_io(Interest::WRITABLE, send).await.map(drop)
    }
}
