//! A switch with three cables: the appliance, a PC, and somebody else's server.

use crate::nets::{Net, inside};
use crate::rig::{Folder, Serving, boot, until};
use provisioner::flight::{self, Flight, Step, Trace};
use provisioner::{Boot, Mac};
use state::Clock;
use std::net::UdpSocket;
use std::process::{Child, Stdio};
use std::time::Duration;

pub(crate) const MAC: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);

macro_rules! packet {
    ($name:literal) => {
        crate::wire::unhex(include_str!(concat!("../data/dhcp/", $name, ".hex")))
    };
}
pub(crate) use packet;

/// `br0` in the switch's namespace joins `srv0` of the appliance, `pc0` of the PC, `dhcp0` of the other server; its
/// ports are called `to-srv`, `to-pc` and `to-dhcp`.
pub(crate) struct Lan {
    pub(crate) switch: Net,
    pub(crate) server: Net,
    pub(crate) pc: Net,
    pub(crate) foreign: Net,
    pub(crate) folder: Folder,
}

impl Lan {
    pub(crate) fn new() -> Lan {
        let (switch, server, pc, foreign) = (Net::new(), Net::new(), Net::new(), Net::new());
        switch.ip("link add br0 type bridge");
        switch.ip("link set br0 up");
        for (other, ours, theirs) in [
            (&server, "to-srv", "srv0"),
            (&pc, "to-pc", "pc0"),
            (&foreign, "to-dhcp", "dhcp0"),
        ] {
            switch.cable(ours, other, theirs);
            switch.ip(&format!("link set {ours} master br0"));
        }
        server.ip("addr add 10.77.0.2/24 dev srv0");
        pc.ip(&format!("link set pc0 address {MAC}"));
        foreign.ip("addr add 10.77.0.1/24 dev dhcp0");
        let folder = Folder::new();
        folder.fill_assets();
        Lan {
            switch,
            server,
            pc,
            foreign,
            folder,
        }
    }

    /// The company's DHCP server, with more options of its own.
    pub(crate) fn dnsmasq(&self, more: &[&str]) -> Dnsmasq {
        dnsmasq(&self.foreign, "10.77.0.1", more)
    }

    /// Serves while `work` runs as the PC, then judges.
    pub(crate) fn serves(
        &self,
        work: impl FnOnce(&Net) + Send,
        judge: impl AsyncFnOnce(&Boot) + Send,
    ) {
        let pc = &self.pc;
        std::thread::scope(|scope| {
            let (open, opened) = std::sync::mpsc::channel();
            let (done, finished) = tokio::sync::oneshot::channel();
            let serving = scope.spawn(move || {
                inside(&self.server, async || {
                    let (boot, _) = boot(&self.folder, Clock::System).await;
                    let serving = Serving::start(&boot).await;
                    open.send(()).unwrap();
                    finished.await.unwrap();
                    judge(&boot).await;
                    serving.end().await;
                });
            });
            let ready = opened.recv_timeout(Duration::from_secs(60));
            if ready.is_ok() {
                let playing = scope.spawn(move || {
                    pc.enter();
                    work(pc);
                });
                playing.join().unwrap();
                done.send(()).unwrap();
            }
            serving.join().unwrap();
        });
    }
}

/// A DHCP server of somebody else, on `dhcp0` of its namespace, with more options.
pub(crate) fn dnsmasq(place: &Net, address: &str, more: &[&str]) -> Dnsmasq {
    let child = place
        .command("dnsmasq")
        .args([
            "--keep-in-foreground",
            "--port=0",
            "--bind-dynamic",
            "--interface=dhcp0",
            "--user=root",
            "--conf-file=/dev/null",
            "--log-facility=-",
            "--leasefile-ro",
            "--pid-file=",
        ])
        .arg(format!("--listen-address={address}"))
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|e| panic!("dnsmasq (package dnsmasq-base): {e}"));
    Dnsmasq(child)
}

pub(crate) struct Dnsmasq(Child);

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) const RANGE: &str = "--dhcp-range=10.77.0.50,10.77.0.60,255.255.255.0,1h";

/// Asks as UEFI firmware does until somebody's offer came; gives all that came.
pub(crate) fn asks_as_uefi(socket: &UdpSocket, wanted: usize) -> Vec<Vec<u8>> {
    let mut offers: Vec<Vec<u8>> = Vec::new();
    let mut buffer = vec![0; 4096];
    for _ in 0..15 {
        socket
            .send_to(&packet!("ovmf-discover"), "255.255.255.255:67")
            .unwrap();
        while let Ok(len) = socket.recv(&mut buffer) {
            let offer = buffer[..len].to_vec();
            if !offers
                .iter()
                .any(|known| server_of(known) == server_of(&offer))
            {
                offers.push(offer);
            }
        }
        if offers.len() >= wanted {
            return offers;
        }
    }
    panic!("{} offers came, not {wanted}", offers.len());
}

/// Option 54.
fn server_of(packet: &[u8]) -> Option<[u8; 4]> {
    let at = packet.windows(2).skip(240).position(|w| w == [54, 4])? + 240;
    packet.get(at + 2..at + 6)?.try_into().ok()
}

/// Takes the address that `server` offers, as firmware does: broadcast, naming the server.
pub(crate) fn takes_an_address(socket: &UdpSocket, server: [u8; 4]) {
    let mut request = packet!("ovmf-discover");
    let kind = request.windows(3).position(|w| w == [53, 1, 1]).unwrap();
    request[kind + 2] = 3;
    let end = request.iter().rposition(|b| *b == 255).unwrap();
    request.truncate(end);
    request.extend([54, 4]);
    request.extend(server);
    request.extend([50, 4, 10, 77, 0, 50, 255]);
    socket.send_to(&request, "255.255.255.255:67").unwrap();
}

/// As if the machine had been silent since: the recorder's patience, without waiting for it.
pub(crate) async fn judged(boot: &Boot) -> (Flight, Trace) {
    let flight = until("the machine's flight", async || boot.recorder.latest(MAC)).await;
    let later = Boot {
        clock: Clock::manual(flight.ended() + Duration::from_secs(60)),
        ..boot.clone()
    };
    let trace = flight::trace(&later, &[MAC], None).await.unwrap();
    (flight, trace)
}

pub(crate) async fn noted(boot: &Boot, what: &str, test: impl Fn(&Step) -> bool) {
    until(what, async || {
        let flight = boot.recorder.latest(MAC)?;
        flight
            .steps
            .iter()
            .any(|timed| test(&timed.step))
            .then_some(())
    })
    .await;
}
