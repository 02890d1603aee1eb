//! The sockets of network boot over IPv6: receive, gather, decide, send, then write down what was
//! seen.

use super::decide::{Decision, Facts, decide};
use super::message::{self, Request};
use super::repeat::Repeats;
use super::reply::{self, Kind};
use super::socket::{Route, Socket};
use super::who::{self, Cards};
use super::{Port, records};
use crate::boot::client::Client;
use crate::boot::heard::Said;
use crate::boot::{gate, loader};
use crate::dhcp::server::{SIGHTINGS, write_down};
use crate::dhcp::stray::Stray;
use crate::flight::{self, Step};
use crate::interface::{EVERY, Served};
use crate::session::api::KEEP_SEEN;
use crate::trouble::Trouble;
use crate::{Mac, ipv6, socket};
use std::net::Ipv6Addr;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What the two ports of an interface share.
struct Server {
    served: Served,
    /// Our address, where the files are.
    address: Ipv6Addr,
    duid: Vec<u8>,
    cards: Cards,
    saw: mpsc::Sender<Mac>,
}

/// Both ports of one interface, until `stop`; nothing where it has no address of IPv6.
pub(crate) async fn serve(served: Served, stop: CancellationToken) {
    let Some(address) = served.six else {
        return stop.cancelled().await;
    };
    let Some(duid) = duid(&served, &stop).await else {
        return;
    };
    let (saw, sightings) = mpsc::channel(SIGHTINGS);
    let written = served.clone();
    let server = Server {
        served,
        address,
        duid,
        cards: Cards::default(),
        saw,
    };
    let ports = async move {
        tokio::join!(
            port(&server, Port::Dhcp, &stop),
            port(&server, Port::Pxe, &stop),
        );
    };
    tokio::join!(ports, write_down(&written, sightings));
}

async fn duid(served: &Served, stop: &CancellationToken) -> Option<Vec<u8>> {
    loop {
        match records::duid(&served.boot.db).await {
            Ok(duid) => return Some(duid),
            Err(error) => {
                tracing::error!(%error, "failed to read our own name as a DHCPv6 server; it is tried again");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn port(server: &Server, port: Port, stop: &CancellationToken) {
    let number = port.number();
    let served = &server.served;
    let interface = &served.interface;
    let boot = &served.boot;
    let object = served.port_name("UDP", number);
    let mut trouble = Trouble::of(&boot.db, &boot.clock, object).await;
    loop {
        let error = match Socket::open(interface, number) {
            Ok(socket) => {
                trouble.over().await;
                mark(served, port, Some(number));
                tracing::info!(interface, address = %server.address, port = number, "network boot over IPv6 listens");
                let ended = tokio::select! {
                    () = stop.cancelled() => None,
                    error = answer(server, port, &socket) => Some(error),
                };
                mark(served, port, None);
                ended
            }
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            let sentence = socket::sentence("UDP", number, interface, &error);
            trouble.begins(&sentence).await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

fn mark(served: &Served, port: Port, number: Option<u16>) {
    let ports = &served.boot.ports;
    ports.change(&served.interface, |ports| match port {
        Port::Dhcp => ports.dhcp6 = number,
        Port::Pxe => ports.pxe6 = number,
    });
}

/// Ends only when the socket cannot be read any more.
async fn answer(server: &Server, port: Port, socket: &Socket) -> std::io::Error {
    // Larger than any datagram a client sends; a longer one is cut and then malformed.
    let mut buffer = vec![0u8; 4096];
    let mut repeats = Repeats::default();
    loop {
        let received = tokio::select! {
            received = socket.receive(&mut buffer) => Some(received),
            () = repeats.wait() => None,
        };
        let (reply, route) = match received {
            Some(Err(error)) => return error,
            Some(Ok((len, route))) => {
                let Some(reply) = reply_to(server, port, &buffer[..len], route).await else {
                    continue;
                };
                // An address from elsewhere may be borrowed: its owner is sent one packet, not three.
                let near = ipv6::is_on_link(&server.served.interface, route.from.ip());
                if port == Port::Pxe && near {
                    repeats.said(&(reply.clone(), route), Instant::now());
                }
                (reply, route)
            }
            None => match repeats.due(Instant::now()) {
                Some(again) => again,
                None => continue,
            },
        };
        // One machine that cannot be reached is no reason to stop answering the others.
        if let Err(error) = socket.send(&reply.bytes, route, reply.to_port).await {
            tracing::warn!(to = %route.from, %error, "failed to send a DHCPv6 reply");
            let (port, error) = (port.number(), error.to_string());
            let recorder = &server.served.boot.recorder;
            recorder.note(reply.mac, Step::NotSent { port, error });
        }
    }
}

#[derive(Clone)]
struct Reply {
    mac: Mac,
    bytes: Vec<u8>,
    to_port: u16,
}

async fn reply_to(server: &Server, port: Port, packet: &[u8], route: Route) -> Option<Reply> {
    let served = &server.served;
    let interface = &served.interface;
    let request = match message::parse(packet) {
        Ok(request) => request,
        Err(why) => {
            tracing::debug!(interface, from = %route.from, %why, "DHCPv6 packet ignored");
            let stray = Stray {
                interface: interface.clone(),
                from: (*route.from.ip()).into(),
                mac: None,
                why: why.code(),
            };
            served.shared.strays.note(stray, served.boot.clock.now());
            return None;
        }
    };
    if request.client_kind(Mac([0; 6])) == Client::NotBooting {
        return None;
    }
    if !may_be_answered(port, &request, *route.from.ip()) {
        tracing::debug!(interface, from = %route.from, "a DHCPv6 message from where none comes from");
        return None;
    }
    let Some(mac) = server.cards.of(&request, *route.from.ip()) else {
        tracing::info!(interface, from = %route.from, "a machine boots over IPv6 and does not tell which card it has; give the relay the option client-link-layer-address (RFC 6939)");
        return None;
    };
    let boot = &served.boot;
    let recorder = &boot.recorder;
    recorder.note(mac, request.step(port.number(), mac));
    let now = boot.clock.now();
    let loader = request.client_kind(mac) == Client::Ipxe;
    boot.heard.note(mac, said(&request, served), loader, now);
    let (step, host) = match gate::look(boot, mac).await {
        Ok((step, found)) => {
            if found
                .last_seen
                .is_none_or(|seen| now.since(seen) > KEEP_SEEN)
            {
                // Full: it is written at the machine's next try.
                let _ = server.saw.try_send(mac);
            }
            (step, found.host)
        }
        Err(error) => {
            tracing::error!(%mac, %error, "failed to look up a machine; it is not answered");
            return None;
        }
    };
    let ports = served.open_ports();
    let facts = Facts {
        port,
        to_us: route.to.is_some(),
        mac,
        duid: &server.duid,
        server: server.address,
        http_port: ports.http6.unwrap_or_default(),
        tftp: ports.tftp6.is_some(),
        step,
        ready: served.is_ready() && ports.http6.is_some(),
        uefi_loader: loader::for_uefi(served, host.as_ref(), false, step).await,
    };
    let (kind, answer) = match decide(&request, &facts) {
        Decision::Silent(why) => {
            if why.is_for_the_operator() {
                tracing::info!(interface, %mac, %why, "not answered over IPv6");
            } else {
                tracing::debug!(interface, %mac, %why, "not answered over IPv6");
            }
            recorder.note(mac, flight::silent(port.number(), why));
            return None;
        }
        Decision::Advertise(answer) => (Kind::Advertise, answer),
        Decision::Reply(answer) => (Kind::Reply, answer),
    };
    match reply::encode(&request, kind, &answer, &server.duid) {
        Ok(bytes) => {
            tracing::info!(interface, %mac, from = %route.from, url = answer.url, secs = request.secs, "answered over IPv6");
            recorder.note(
                mac,
                flight::answered_six(port.number(), kind == Kind::Advertise, answer.url),
            );
            // What it fetches now is no merit of what it was offered over IPv4.
            boot.negotiations.offered_elsewhere(mac);
            let to_port = to_port(&request, route.from.port());
            Some(Reply {
                mac,
                bytes,
                to_port,
            })
        }
        Err(error) => {
            tracing::error!(%mac, %error, "a DHCPv6 reply could not be written");
            None
        }
    }
}

/// A machine without an address asks from its link-local one (RFC 8415 §13.1): whoever asks on 547
/// from elsewhere lends us somebody's address.
fn may_be_answered(port: Port, request: &Request, from: Ipv6Addr) -> bool {
    let near = from.is_unicast_link_local();
    match port {
        Port::Dhcp if request.hops.is_empty() => near,
        _ => near || ipv6::is_routable(&from),
    }
}

/// A relay listens on 547, unless it says that it is answered where it asked from (RFC 8357).
fn to_port(request: &Request, from: u16) -> u16 {
    match request.hops.first() {
        Some(hop) if !hop.has_own_port() => Port::Dhcp.number(),
        _ => from,
    }
}

fn said(request: &Request, served: &Served) -> Said {
    let relay = request.hops.last();
    Said {
        uuid: who::uuid(request),
        // Rules name networks of IPv4; behind a relay ours is another one.
        network: relay.is_none().then_some(served.address),
        circuit: relay
            .and_then(|hop| hop.interface_id.clone())
            .unwrap_or_default(),
    }
}
