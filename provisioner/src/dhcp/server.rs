//! The sockets of ProxyDHCP: receive, gather, decide, send, then write down what was seen.

use super::Port;
use super::decide::{self, Answer, Decision, Facts, decide};
use super::lease;
use super::reply::{self, Kind};
use super::request::{self, MessageType, Request};
use super::socket::{Route, Socket};
use super::stray::{BAD_RELAY, Stray};
use crate::boot::client::Client;
use crate::boot::negotiations::Planned;
use crate::boot::{gate, loader};
use crate::flight::{self, Step};
use crate::interface::{EVERY, Served};
use crate::rate::Bucket;
use crate::serve::Boot;
use crate::session::api::KEEP_SEEN;
use crate::trouble::Trouble;
use crate::{Mac, host, socket};
use config::DhcpRole;
use std::net::{Ipv4Addr, SocketAddrV4};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Sightings waiting to be written; more are dropped, the machine asks again.
pub(crate) const SIGHTINGS: usize = 64;
/// New machines per second, and at once: the first morning of a company passes, a flood of
/// invented addresses does not fill the journal.
const NEW_PER_S: f64 = 0.5;
const NEW_AT_ONCE: f64 = 100.0;

/// Both ports of one interface, until `stop`.
pub(crate) async fn serve(served: Served, role: DhcpRole, stop: CancellationToken) {
    let gives = role == DhcpRole::Server;
    let (saw, sightings) = mpsc::channel(SIGHTINGS);
    tokio::join!(
        port(&served, Port::Bootps, gives, saw.clone(), &stop),
        port(&served, Port::Pxe, gives, saw, &stop),
        write_down(&served, sightings),
    );
}

async fn port(
    served: &Served,
    port: Port,
    gives: bool,
    saw: mpsc::Sender<Mac>,
    stop: &CancellationToken,
) {
    let number = port.number();
    let interface = &served.interface;
    let boot = &served.boot;
    let object = format!("UDP port {number} on {interface}");
    let mut trouble = Trouble::of(&boot.db, &boot.clock, object).await;
    loop {
        match Socket::open(interface, number) {
            Ok(socket) => {
                trouble.over().await;
                mark(served, port, Some(number));
                tracing::info!(interface, port = number, gives, "DHCP listens");
                tokio::select! {
                    () = stop.cancelled() => {}
                    error = answer(served, port, gives, socket, &saw, stop) => {
                        let sentence = socket::sentence("UDP", number, interface, &error);
                        trouble.begins(&sentence).await;
                    }
                }
                mark(served, port, None);
            }
            Err(error) => {
                let sentence = socket::sentence("UDP", number, interface, &error);
                trouble.begins(&sentence).await;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

fn mark(served: &Served, port: Port, number: Option<u16>) {
    served
        .boot
        .ports
        .change(&served.interface, |ports| match port {
            Port::Bootps => ports.dhcp = number,
            Port::Pxe => ports.pxe = number,
        });
}

/// Ends only when the socket cannot be read any more.
async fn answer(
    served: &Served,
    port: Port,
    gives: bool,
    socket: Socket,
    saw: &mpsc::Sender<Mac>,
    stop: &CancellationToken,
) -> std::io::Error {
    if gives && port == Port::Bootps {
        return lease::desk::serve(served, socket, saw, stop).await;
    }
    // Larger than any datagram a client sends; a longer one is cut and then malformed.
    let mut buffer = vec![0u8; 4096];
    loop {
        let (len, route) = match socket.receive(&mut buffer).await {
            Ok(received) => received,
            Err(error) => return error,
        };
        let Some(reply) = reply_to(served, port, &buffer[..len], route, saw).await else {
            continue;
        };
        // One machine that cannot be reached is no reason to stop answering the others.
        if let Err(error) = socket.send(&reply.bytes, reply.source, reply.to).await {
            tracing::warn!(to = %reply.to, %error, "failed to send a DHCP reply");
            let (port, error) = (port.number(), error.to_string());
            let recorder = &served.boot.recorder;
            recorder.note(reply.mac, Step::NotSent { port, error });
        }
    }
}

struct Reply {
    mac: Mac,
    bytes: Vec<u8>,
    /// The address of ours it leaves from.
    source: Ipv4Addr,
    to: SocketAddrV4,
}

async fn reply_to(
    served: &Served,
    port: Port,
    packet: &[u8],
    route: Route,
    saw: &mpsc::Sender<Mac>,
) -> Option<Reply> {
    let interface = &served.interface;
    let request = match request::parse(packet) {
        Ok(request) => request,
        Err(why) => {
            tracing::debug!(interface, from = %route.from, %why, "DHCP packet ignored");
            let (from, now) = ((*route.from.ip()).into(), served.boot.clock.now());
            let strays = &served.shared.strays;
            strays.malformed(interface, from, packet, why, now);
            return None;
        }
    };
    let judged = judge(served, port, false, &request, route, saw);
    let (kind, answer, planned) = served.registry.within(judged).await??;
    let (boot, mac, recorder) = (&served.boot, request.mac, &served.boot.recorder);
    let to = reply::destination(port, &request, route.from);
    match reply::encode(&request, kind, &answer, served.address) {
        Ok(bytes) => {
            tracing::info!(interface, %mac, %to, file = answer.file, hostname = request.hostname, secs = request.secs, "answered");
            recorder.note(mac, flight::answered(port.number(), kind, answer.file));
            match planned {
                Some(planned) => boot.negotiations.offered(mac, planned, boot.clock.now()),
                None if port == Port::Pxe => boot.negotiations.came_back(mac),
                None => boot.negotiations.offered_elsewhere(mac),
            }
            Some(Reply {
                mac,
                bytes,
                source: route.to.unwrap_or(served.address),
                to,
            })
        }
        Err(error) => {
            tracing::error!(%mac, %error, "a DHCP reply could not be written");
            None
        }
    }
}

/// What a machine boots that gets its address from us.
pub(crate) struct Boots {
    pub(crate) answer: Answer,
    /// How it is offered: that counts once the offer is sent.
    planned: Option<Planned>,
}

impl Boots {
    /// The offer goes out.
    pub(crate) fn offered(&self, boot: &Boot, mac: Mac) {
        match self.planned {
            Some(planned) => boot.negotiations.offered(mac, planned, boot.clock.now()),
            None => boot.negotiations.offered_elsewhere(mac),
        }
    }
}

/// What the machine boots, where the answer that gives its address says so.
pub(crate) async fn boots(
    served: &Served,
    request: &Request,
    route: Route,
    saw: &mpsc::Sender<Mac>,
) -> Option<Boots> {
    let asks = matches!(
        request.message,
        MessageType::Discover | MessageType::Request
    );
    match asks {
        true => {
            let judged = judge(served, Port::Bootps, true, request, route, saw);
            let (_, answer, planned) = served.registry.within(judged).await??;
            Some(Boots { answer, planned })
        }
        false => None,
    }
}

/// For the journal: a relay that gives an address for itself to which nothing can be sent.
pub(crate) fn bad_relay(served: &Served, request: &Request, route: Route) {
    let stray = Stray {
        interface: served.interface.clone(),
        from: (*route.from.ip()).into(),
        mac: Some(request.mac),
        why: BAD_RELAY,
    };
    let now = served.boot.clock.now();
    served.shared.strays.note(stray, now);
}

/// Whether its timeline is kept: an ordinary client's is not.
pub(crate) fn is_booting(request: &Request) -> bool {
    decide::client(request) != Client::NotBooting
}

/// Gather and decide; what is not answered is noted here. `gives`: we give its address too.
async fn judge(
    served: &Served,
    port: Port,
    gives: bool,
    request: &Request,
    route: Route,
    saw: &mpsc::Sender<Mac>,
) -> Option<(Kind, Answer, Option<Planned>)> {
    let interface = &served.interface;
    if !is_booting(request) {
        return None;
    }
    let mac = request.mac;
    let recorder = &served.boot.recorder;
    recorder.note(mac, flight::asked(port.number(), request));
    let loader = decide::client(request) == Client::Ipxe;
    let now = served.boot.clock.now();
    let said = request.said(served.address);
    served.boot.heard.note(mac, said, loader, now);
    let (step, host) = match gate::look(&served.boot, mac).await {
        Ok((step, found)) => {
            if found
                .last_seen
                .is_none_or(|seen| now.since(seen) > KEEP_SEEN)
            {
                // Full: it is written at the machine's next try.
                let _ = saw.try_send(mac);
            }
            (step, found.host)
        }
        Err(error) => {
            tracing::error!(%mac, %error, "failed to look up a machine; it is not answered");
            return None;
        }
    };
    let boot = &served.boot;
    let planned = plan(boot, port, gives, request).await;
    let way = planned.map(|planned| planned.way()).or_else(|| {
        // The answer that gives the address says what the offer said.
        let stands = || {
            boot.negotiations
                .standing(mac, decide::asking(request, true))
        };
        gives.then(stands).flatten()
    });
    let ports = served.open_ports();
    let facts = Facts {
        port,
        gives,
        to_us: route.to.is_some(),
        from: *route.from.ip(),
        server: served.address,
        http_port: ports.http.unwrap_or_default(),
        tftp: ports.tftp.is_some(),
        step,
        ready: served.is_ready() && ports.http.is_some(),
        uefi_loader: loader::for_uefi(served, host.as_ref(), gives, step).await,
        way,
    };
    let (kind, answer) = match decide(request, &facts) {
        Decision::Silent(why) => {
            if why.is_for_the_operator() {
                tracing::info!(interface, %mac, %why, "not answered");
            } else {
                tracing::debug!(interface, %mac, %why, "not answered");
            }
            if why == decide::Why::BadRelay {
                bad_relay(served, request, route);
            }
            recorder.note(mac, flight::silent(port.number(), why));
            return None;
        }
        Decision::Offer(answer) => (Kind::Offer, answer),
        Decision::Ack(answer) => (Kind::Ack, answer),
    };
    Some((kind, answer, planned))
}

/// How the first step is answered; from the others it is learnt how that went.
async fn plan(boot: &Boot, port: Port, gives: bool, request: &Request) -> Option<Planned> {
    let (mac, now) = (request.mac, boot.clock.now());
    match (port, request.message) {
        (Port::Bootps, MessageType::Discover) => {
            let asks = decide::asking(request, gives);
            let negotiations = &boot.negotiations;
            negotiations
                .plan(&boot.db, mac, asks, request.xid, now)
                .await
        }
        (Port::Bootps, MessageType::Request) => {
            boot.negotiations.took_address(mac, now);
            None
        }
        _ => None,
    }
}

/// Behind the answers: iPXE waits two seconds for an offer, a commit may take longer.
pub(crate) async fn write_down(served: &Served, mut sightings: mpsc::Receiver<Mac>) {
    let boot = &served.boot;
    let new = Bucket::new(NEW_PER_S, NEW_AT_ONCE, boot.clock.now());
    while let Some(mac) = sightings.recv().await {
        let now = boot.clock.now();
        let Ok((_, found)) = gate::look(boot, mac).await else {
            continue;
        };
        if found.host.is_none() && !new.take(now) {
            continue;
        }
        let said = boot
            .heard
            .last(mac)
            .map(|last| last.said)
            .unwrap_or_default();
        if let Err(error) = host::records::saw(&boot.db, mac, said, found.host, now).await {
            tracing::error!(%mac, %error, "failed to write down a machine");
        }
    }
}
