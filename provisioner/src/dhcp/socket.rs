//! A UDP socket that says at which of our addresses a packet arrived, and answers from that one.
//!
//! The socket is bound to the interface, not to an address (broadcasts would not arrive), so the
//! kernel would choose the answer's source itself, and on an interface with two addresses takes
//! one the machine never asked: firmware drops such answers.

use crate::socket;
use nix::libc::{in_addr, in_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, sendmsg, setsockopt,
    sockopt,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd;
use tokio::io::Interest;
use tokio::net::UdpSocket;

pub(crate) struct Socket(UdpSocket);

/// Where a packet came from, and to which address it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(super) from: SocketAddrV4,
    /// `None`: a broadcast.
    pub(super) to: Option<Ipv4Addr>,
}

impl Socket {
    pub(super) fn open(interface: &str, port: u16) -> io::Result<Socket> {
        let socket = socket::udp(interface, Ipv4Addr::UNSPECIFIED.into(), port)?;
        setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        UdpSocket::from_std(socket.into()).map(Socket)
    }

    /// The next packet; its length in `buffer`. A longer one is cut.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Route)> {
        loop {
            let received = self
                .0
                .async_io(Interest::READABLE, || self.try_receive(buffer));
            if let Some(received) = received.await? {
                return Ok(received);
            }
        }
    }

    pub(super) async fn readable(&self) -> io::Result<()> {
        self.0.readable().await
    }

    /// `None`: nothing more waits.
    pub(super) fn receive_now(&self, buffer: &mut [u8]) -> io::Result<Option<(usize, Route)>> {
        loop {
            let received = self
                .0
                .try_io(Interest::READABLE, || self.try_receive(buffer));
            match received {
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                received => return received,
            }
        }
    }

    fn try_receive(&self, buffer: &mut [u8]) -> io::Result<Option<(usize, Route)>> {
        let mut slices = [IoSliceMut::new(buffer)];
        let mut space = nix::cmsg_space!(in_pktinfo);
        let message = recvmsg::<SockaddrIn>(
            self.0.as_raw_fd(),
            &mut slices,
            Some(&mut space),
            MsgFlags::MSG_DONTWAIT,
        )?;
        let Some(from) = message.address else {
            return Ok(None);
        };
        // `ipi_spec_dst` is the local address the packet was for, `ipi_addr` what its header says:
        // they differ for a broadcast.
        let to = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                let local = info.ipi_spec_dst.s_addr;
                (local == info.ipi_addr.s_addr)
                    .then(|| Ipv4Addr::from(local.to_ne_bytes()))
                    .filter(|address| !address.is_unspecified())
            }
            _ => None,
        });
        let from = SocketAddrV4::from(from);
        Ok(Some((message.bytes, Route { from, to })))
    }

    /// Sends from our address `source`.
    pub(super) async fn send(
        &self,
        bytes: &[u8],
        source: Ipv4Addr,
        to: SocketAddrV4,
    ) -> io::Result<()> {
        let send = || self.send_now(bytes, source, to);
        self.0.async_io(Interest::WRITABLE, send).await
    }

    /// The same from any thread; `WouldBlock` when the card's queue is full.
    pub(super) fn send_now(
        &self,
        bytes: &[u8],
        source: Ipv4Addr,
        to: SocketAddrV4,
    ) -> io::Result<()> {
        let info = in_pktinfo {
            ipi_ifindex: 0,
            ipi_spec_dst: in_addr {
                s_addr: u32::from_ne_bytes(source.octets()),
            },
            ipi_addr: in_addr { s_addr: 0 },
        };
        sendmsg(
            self.0.as_raw_fd(),
            &[IoSlice::new(bytes)],
            &[ControlMessage::Ipv4PacketInfo(&info)],
            MsgFlags::MSG_DONTWAIT,
            Some(&SockaddrIn::from(to)),
        )?;
        Ok(())
    }
}
