//! Wake-on-LAN: the packet, and where it goes. A sleeping card hears broadcasts only, so it is sent
//! to every network of this box, and to those that the configuration names behind a router.

use super::{Error, Host};
use crate::Mac;
use config::Registry;
use if_addrs::IfAddr;
use std::net::{Ipv4Addr, SocketAddrV4};

/// "Discard": nobody listens there; the card reads the packet, not its port.
const PORT: u16 = 9;
/// A packet that is lost wakes nobody, and nobody answers.
const TIMES: usize = 3;

/// Sends it for every card of the machine; gives the networks that it went to.
pub async fn wake(host: &Host, beyond: &[Ipv4Addr]) -> Result<Vec<Ipv4Addr>, Error> {
    if host.macs.is_empty() {
        return Err(Error::NoCard(host.name.clone()));
    }
    let mut networks = broadcasts(&if_addrs::get_if_addrs().unwrap_or_default());
    networks.extend(beyond);
    let socket = tokio::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    socket.set_broadcast(true)?;
    let mut reached = Vec::new();
    for network in networks {
        let mut sent = true;
        for mac in host.macs.iter().flat_map(|mac| [*mac; TIMES]) {
            let to = SocketAddrV4::new(network, PORT);
            sent &= socket.send_to(&packet(mac), to).await.is_ok();
        }
        if sent && !reached.contains(&network) {
            reached.push(network);
        }
    }
    match reached.is_empty() {
        true => Err(Error::NotSent(host.name.clone())),
        false => Ok(reached),
    }
}

/// The broadcast address of the network that the machine last booted in, where that is one of a `[[site]]`: its router
/// sends the packet on if it is told to ("directed broadcast"). Pure.
pub fn site_broadcast(host: &Host, registry: &Registry) -> Option<Ipv4Addr> {
    let network = host.place.as_ref()?.network?;
    let (_, (base, length)) = registry.site_of(network)?;
    let host_bits = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
    (host_bits > 1).then(|| Ipv4Addr::from(u32::from(base) | host_bits))
}

/// Six bytes of ones, and the address sixteen times (AMD, publication 20213).
fn packet(mac: Mac) -> Vec<u8> {
    let mut packet = vec![0xff; 6];
    packet.extend(mac.0.repeat(16));
    packet
}

/// Of every network this box has an address in, whether or not a broadcast address was set there.
fn broadcasts(interfaces: &[if_addrs::Interface]) -> Vec<Ipv4Addr> {
    interfaces
        .iter()
        .filter_map(|interface| match &interface.addr {
            IfAddr::V4(v4) if !v4.ip.is_loopback() && !v4.ip.is_link_local() => {
                let host_bits = !u32::from(v4.netmask);
                // Two addresses or one: nobody else is there to be reached.
                (host_bits > 1).then(|| Ipv4Addr::from(u32::from(v4.ip) | host_bits))
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packet_is_the_one_that_cards_look_for() {
        let mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
        let packet = packet(mac);
        assert_eq!(packet.len(), 102);
        assert_eq!(packet[..6], [0xff; 6]);
        assert!(packet[6..].chunks(6).all(|chunk| chunk == mac.0));
    }

    #[test]
    fn a_machine_of_a_site_is_woken_there() {
        let site = |name: &str, subnets: Vec<(Ipv4Addr, u8)>| config::Site {
            name: name.into(),
            subnets,
        };
        let registry = Registry {
            sites: vec![
                site("agen", vec![([10, 1, 0, 0].into(), 16)]),
                site(
                    "atelier",
                    vec![([10, 1, 20, 0].into(), 24), ([10, 3, 0, 9].into(), 32)],
                ),
            ],
            ..Registry::default()
        };
        for (network, want) in [
            (Some([10, 1, 20, 7]), Some([10, 1, 20, 255])),
            (Some([10, 1, 21, 7]), Some([10, 1, 255, 255])),
            (Some([10, 3, 0, 9]), None),
            (Some([192, 168, 0, 1]), None),
            (None, None),
        ] {
            let host = Host {
                id: crate::host::HostId("id".into()),
                name: "PC".into(),
                state: crate::host::HostState::Seen,
                macs: Vec::new(),
                serial: String::new(),
                uuid: String::new(),
                product: String::new(),
                pairing_code: None,
                inventory: None,
                agent_version: None,
                first_seen: state::Timestamp(0),
                last_seen: state::Timestamp(0),
                reported: None,
                approved: None,
                approved_by: None,
                details: Default::default(),
                place: Some(crate::host::place::Place {
                    network: network.map(Ipv4Addr::from),
                    port: String::new(),
                }),
            };
            assert_eq!(
                site_broadcast(&host, &registry),
                want.map(Ipv4Addr::from),
                "{network:?}"
            );
        }
    }
}
