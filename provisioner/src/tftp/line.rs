//! The socket of one transfer, and how bursts of blocks go out of it.

use super::packet::{HEADER_BYTES, data_head};
use super::server::Place;
use super::transfer::Transfer;
use nix::sys::socket::{setsockopt, sockopt::UdpGsoSegment};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// UDP_MAX_SEGMENTS of the kernels we know is 64 or more.
const MOST_SEGMENTS: usize = 64;
/// Headers.
const IPV4_AND_UDP: u32 = 28;
const IPV6_AND_UDP: u32 = 48;
/// What fits into one UDP datagram over IPv4; over IPv6 a little more does.
const LONGEST_DATAGRAM: usize = 65_507;
/// Below it there is little to gain, and our ERROR packets could be longer than a segment.
const LEAST_SEGMENTED: usize = 256;
/// A window at most; the kernel counts its own overhead too, and takes no more than its limit.
const SEND_BUFFER: usize = 1 << 20;

const SHORTEST_WAIT: Duration = Duration::from_millis(1);

pub(super) struct Line {
    socket: Arc<Socket>,
    bursts: Bursts,
    /// What the kernel was told to wait at most; telling it costs as much as receiving.
    waits: Duration,
}

/// Whether a burst is handed to the kernel as one buffer that it cuts into datagrams
/// (UDP_SEGMENT): for windows that is 1.4 to 1.9 times as fast as one call per block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bursts {
    Untried,
    Cut,
    /// An interface that computes no checksums refuses.
    Refused,
}

impl Line {
    /// From the address the machine asked, to the machine and nobody else: what others send here
    /// never arrives.
    pub(super) fn open(place: &Place, machine: SocketAddr) -> io::Result<Line> {
        let family = Domain::for_address(machine);
        let socket = Socket::new(family, Type::DGRAM, Some(Protocol::UDP))?;
        socket.bind_device(Some(place.interface.as_bytes()))?;
        // An interface that takes nothing more holds a transfer up no longer than this.
        socket.set_write_timeout(Some(Duration::from_secs(1)))?;
        socket.bind(&SocketAddr::from((place.address, 0)).into())?;
        socket.connect(&machine.into())?;
        Ok(Line {
            socket: Arc::new(socket),
            bursts: Bursts::Untried,
            waits: Duration::ZERO,
        })
    }

    /// To interrupt [`Line::receive`] by shutting its reading side.
    pub(super) fn socket(&self) -> Arc<Socket> {
        Arc::clone(&self.socket)
    }

    /// What fits into one packet on the way to the machine, headers of IP and UDP taken off, as far
    /// as the kernel knows it.
    pub(super) fn room_bytes(&self) -> io::Result<u32> {
        let (mtu, headers) = match self.socket.domain()? {
            Domain::IPV6 => (rustix::net::sockopt::ipv6_mtu(&*self.socket)?, IPV6_AND_UDP),
            _ => (rustix::net::sockopt::ip_mtu(&*self.socket)?, IPV4_AND_UDP),
        };
        Ok(mtu.saturating_sub(headers))
    }

    /// Waits about as long as `wait`; `None` = nothing came, or it was interrupted.
    pub(super) fn receive<'b>(
        &mut self,
        buffer: &'b mut [u8],
        wait: Duration,
    ) -> io::Result<Option<&'b [u8]>> {
        let wait = wait.max(SHORTEST_WAIT);
        if wait < self.waits / 2 || wait > self.waits * 2 {
            self.socket.set_read_timeout(Some(wait))?;
            self.waits = wait;
        }
        let room = buffer.len();
        match rustix::net::recv(&*self.socket, &mut *buffer, rustix::net::RecvFlags::empty()) {
            Ok((_, len)) => Ok(buffer.get(..len.min(room))),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn send(&self, packet: &[u8]) -> io::Result<()> {
        self.write(&[IoSlice::new(packet)]).map(|_| ())
    }

    /// A packet that the kernel has no room for counts as lost on the way.
    pub(super) fn send_blocks(
        &mut self,
        transfer: &Transfer,
        file: &[u8],
        blocks: RangeInclusive<u64>,
    ) -> io::Result<()> {
        let segment = usize::from(transfer.terms().block_bytes) + HEADER_BYTES;
        if self.bursts == Bursts::Untried && blocks.start() != blocks.end() {
            self.bursts = self.try_bursts(segment);
        }
        let mut next = *blocks.start();
        while next <= *blocks.end() {
            let at_once = match self.bursts {
                Bursts::Cut => MOST_SEGMENTS.min(LONGEST_DATAGRAM / segment).max(1),
                _ => 1,
            };
            let left = usize::try_from(blocks.end() - next + 1).unwrap_or(usize::MAX);
            let count = at_once.min(left);
            match self.send_run(transfer, file, next, count) {
                Ok(true) => next += count as u64,
                Ok(false) => return Ok(()),
                Err(error) if count > 1 && is_refusal(&error) => {
                    self.bursts = Bursts::Refused;
                    let _ = setsockopt(&*self.socket, UdpGsoSegment, &0);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn try_bursts(&self, segment: usize) -> Bursts {
        let Ok(size) = i32::try_from(segment) else {
            return Bursts::Refused;
        };
        let _ = self.socket.set_send_buffer_size(SEND_BUFFER);
        if segment < LEAST_SEGMENTED || setsockopt(&*self.socket, UdpGsoSegment, &size).is_err() {
            return Bursts::Refused;
        }
        Bursts::Cut
    }

    /// `false` = the kernel had no room.
    fn send_run(
        &self,
        transfer: &Transfer,
        file: &[u8],
        first: u64,
        count: usize,
    ) -> io::Result<bool> {
        let bytes = |number| {
            let (wire, range) = transfer.block(number);
            let start = usize::try_from(range.start).unwrap_or(usize::MAX);
            let end = usize::try_from(range.end).unwrap_or(usize::MAX);
            (data_head(wire), file.get(start..end).unwrap_or_default())
        };
        if count == 1 {
            let (head, bytes) = bytes(first);
            return self.write(&[IoSlice::new(&head), IoSlice::new(bytes)]);
        }
        let mut heads = [[0; HEADER_BYTES]; MOST_SEGMENTS];
        let mut parts = [IoSlice::new(&[]); 2 * MOST_SEGMENTS];
        let numbers = first..first + count as u64;
        for (number, head) in numbers.clone().zip(&mut heads) {
            *head = bytes(number).0;
        }
        for ((number, head), parts) in numbers.zip(&heads).zip(parts.chunks_exact_mut(2)) {
            if let [first, second] = parts {
                *first = IoSlice::new(head);
                *second = IoSlice::new(bytes(number).1);
            }
        }
        self.write(parts.get(..2 * count).unwrap_or_default())
    }

    fn write(&self, parts: &[IoSlice<'_>]) -> io::Result<bool> {
        match rustix::io::writev(&*self.socket, parts) {
            Ok(_) => Ok(true),
            Err(Errno::AGAIN | Errno::NOBUFS | Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_refusal(error: &io::Error) -> bool {
    let refusals = [Errno::INVAL, Errno::IO, Errno::MSGSIZE, Errno::OPNOTSUPP];
    refusals
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
