//! A question of our own, now and then: a DHCP server that answers machines alone, by their own
//! address, is heard by nobody else. Nothing follows it, so no address is taken.

use crate::Mac;
use crate::dhcp::request::{MessageType, Request};
use crate::socket;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::Duration;

/// When the first one goes out after an interface came up, and how often after that.
pub(super) const FIRST: Duration = Duration::from_secs(30);
pub(super) const EVERY: Duration = Duration::from_secs(5 * 60);

/// Option 61: by this every Reprise knows it for no machine's.
const NAME: &[u8] = b"\0reprise-scout";

/// Asked by a Reprise, who wants nothing.
pub(crate) fn is_scout(request: &Request) -> bool {
    request.message == MessageType::Discover && request.client_id == NAME
}

/// Asks everybody on the wire, from our own address: it is known by that when it goes by.
pub(super) fn ask(interface: &str, address: Ipv4Addr, xid: u32) -> io::Result<()> {
    let card = card(interface)?;
    let socket: UdpSocket = socket::udp(interface, address.into(), 0)?.into();
    let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);
    socket.send_to(&discover(card, xid), to).map(drop)
}

/// The card of an interface; switches with DHCP snooping let no other pass.
fn card(interface: &str) -> io::Result<Mac> {
    let found = nix::ifaddrs::getifaddrs()?.find_map(|found| {
        let address = found
            .address
            .filter(|_| found.interface_name == interface)?;
        address.as_link_addr()?.addr().map(Mac)
    });
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the interface has gone"))
}

/// A DISCOVER whose answers everybody hears. It does not say that it boots: whoever offers boots
/// only is heard when machines boot.
fn discover(mac: Mac, xid: u32) -> Vec<u8> {
    let mut packet = vec![1, 1, 6, 0];
    packet.extend(xid.to_be_bytes());
    // Asking for no time; answers to everybody.
    packet.extend([0, 0, 0x80, 0]);
    packet.resize(28, 0);
    packet.extend(mac.0);
    packet.resize(236, 0);
    packet.extend([99, 130, 83, 99]);
    packet.extend([53, 1, 1]);
    packet.extend([61, u8::try_from(NAME.len()).unwrap_or(u8::MAX)]);
    packet.extend(NAME);
    packet.extend([55, 4, 1, 3, 51, 54]);
    packet.push(255);
    packet.resize(300, 0);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::client::Client;
    use crate::dhcp::decide;
    use crate::dhcp::packets;
    use crate::dhcp::request::parse;

    #[test]
    fn our_question_is_known_for_what_it_is_and_no_machine_s_is_taken_for_it() {
        let mac = Mac([2, 0, 0, 0, 0, 9]);
        let request = parse(&discover(mac, 7)).unwrap();
        assert_eq!((request.mac, request.xid), (mac, [0, 0, 0, 7]));
        assert!(request.broadcast && is_scout(&request));
        assert_eq!(decide::client(&request), Client::NotBooting);
        for packet in packets::all() {
            if let Ok(request) = parse(&packet) {
                assert!(!is_scout(&request));
            }
        }
    }
}
