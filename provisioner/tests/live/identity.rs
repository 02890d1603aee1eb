//! One dock, several machines: who gets what, over DHCP, TFTP and HTTP, and what their agents are
//! told. Every question goes over a cable; every answer of the three protocols must agree.

use crate::nets::{Net, inside};
use crate::rig::{Folder, Serving, boot, manual_clock, until};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use images::wire::{Disk, Hello, Inventory, Next, Nic, Welcome};
use provisioner::host::{self, HostId, HostState, adapter};
use provisioner::{Boot, agent_router, session};
use rustix::net::sockopt;
use state::journal;
use state::wire::Fact;
use std::net::{SocketAddr, UdpSocket};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;
use vault::Watch;

/// SMBIOS UUIDs as the operating system shows them; on the wire the first three fields are turned.
pub(crate) const UUID_A: &str = "a0a1a2a3-b0b1-c0c1-d0d1-e0e1e2e3e4e5";
const UUID_B: &str = "b0a1a2a3-b0b1-c0c1-d0d1-e0e1e2e3e4e5";
const DOCK: &str = "02:d0:c0:00:00:01";

fn on_the_wire(uuid: &str) -> [u8; 17] {
    let mut bytes = [0; 17];
    let digits: Vec<u8> = uuid
        .chars()
        .filter_map(|c| c.to_digit(16))
        .map(|digit| u8::try_from(digit).unwrap())
        .collect();
    for (at, pair) in digits.chunks(2).enumerate() {
        bytes[at + 1] = pair[0] << 4 | pair[1];
    }
    bytes[1..5].reverse();
    bytes[5..7].reverse();
    bytes[7..9].reverse();
    bytes
}

fn mac_bytes(mac: &str) -> [u8; 6] {
    let mut bytes = [0; 6];
    for (at, pair) in mac.split(':').enumerate() {
        bytes[at] = u8::from_str_radix(pair, 16).unwrap();
    }
    bytes
}

/// What UEFI firmware asks first. `uuid` empty: sixteen zeros, as OVMF without SMBIOS has.
fn discover(mac: &str, uuid: &str, number: u32) -> Vec<u8> {
    let mut packet = vec![1, 1, 6, 0];
    packet.extend(number.to_be_bytes());
    packet.extend([0, 0, 0x80, 0]);
    packet.resize(28, 0);
    packet.extend(mac_bytes(mac));
    packet.resize(236, 0);
    packet.extend([99, 130, 83, 99, 53, 1, 1, 93, 2, 0, 7, 97, 17]);
    packet.extend(match uuid {
        "" => [0; 17],
        uuid => on_the_wire(uuid),
    });
    let class = b"PXEClient:Arch:00007:UNDI:003000";
    packet.extend([60, u8::try_from(class.len()).unwrap()]);
    packet.extend(class);
    packet.push(255);
    packet
}

/// The other end of the cable.
pub(crate) struct Pc {
    pub(crate) net: Arc<Net>,
    number: u32,
}

impl Pc {
    /// Asked by all three protocols; they must agree. True: it is offered a boot.
    async fn is_offered(&mut self, mac: &str, uuid: &str) -> bool {
        let net = Arc::clone(&self.net);
        self.number += 10;
        let number = self.number;
        let (mac, uuid) = (mac.to_owned(), uuid.to_owned());
        let asked = tokio::task::spawn_blocking(move || {
            std::thread::spawn(move || {
                net.enter();
                let dhcp = dhcp_offers(&mac, &uuid, number);
                let bare = mac.replace(':', "");
                let fetch = |url: String| {
                    let done = net
                        .command("curl")
                        .args(["-sS", "--max-time", "20", &url, "-o", "-"])
                        .stderr(Stdio::null())
                        .output()
                        .unwrap();
                    (
                        done.status.success(),
                        String::from_utf8_lossy(&done.stdout).into_owned(),
                    )
                };
                let tftp = fetch(format!("tftp://10.77.0.2/b/{bare}/snponly.efi")).0;
                let script = fetch(format!("http://10.77.0.2:8067/b/{bare}/boot.ipxe")).1;
                (dhcp, tftp, script.contains("starting the agent"))
            })
            .join()
            .unwrap()
        });
        let (dhcp, tftp, http) = asked.await.unwrap();
        assert_eq!((tftp, http), (dhcp, dhcp), "TFTP and HTTP beside DHCP");
        dhcp
    }
}

/// Silence is heard by what is answered after it: a machine nobody knows, asked next on the same
/// socket, always gets an offer.
fn dhcp_offers(mac: &str, uuid: &str, number: u32) -> bool {
    let socket = socket2::Socket::new(
        socket2::Domain::IPV4,
        socket2::Type::DGRAM,
        Some(socket2::Protocol::UDP),
    )
    .unwrap();
    sockopt::set_socket_broadcast(&socket, true).unwrap();
    socket.bind_device(Some(b"pc0")).unwrap();
    let any: SocketAddr = ([0, 0, 0, 0], 68).into();
    socket.bind(&any.into()).unwrap();
    let socket: UdpSocket = socket.into();
    socket
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    let [_, b, c, d] = number.to_be_bytes();
    let marker = format!("02:ff:00:{b:02x}:{c:02x}:{d:02x}");
    let mut buffer = [0; 2048];
    let mut offered = false;
    for _ in 0..15 {
        socket
            .send_to(&discover(mac, uuid, number), "255.255.255.255:67")
            .unwrap();
        socket
            .send_to(&discover(&marker, "", number + 1), "255.255.255.255:67")
            .unwrap();
        while let Ok((len, _)) = socket.recv_from(&mut buffer) {
            assert!(len > 240);
            offered |= buffer[4..8] == number.to_be_bytes();
            if buffer[4..8] == (number + 1).to_be_bytes() {
                return offered;
            }
        }
    }
    panic!("nobody is answered");
}

/// A machine with an agent.
pub(crate) struct Machine {
    key: String,
    serial: &'static str,
    uuid: &'static str,
    card: &'static str,
}

impl Machine {
    async fn send(&self, router: &Router, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let answer = router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        (
            parts.status,
            to_bytes(body, usize::MAX).await.unwrap().into(),
        )
    }

    pub(crate) async fn hello(&self, router: &Router, mac: &str) -> Welcome {
        let mut inventory = Inventory::default();
        inventory.system.serial = self.serial.to_owned();
        inventory.system.uuid = self.uuid.to_owned();
        inventory.system.product = "Test PC".to_owned();
        let nic = |mac: &str, external| Nic {
            mac: mac.to_owned(),
            external: Some(external),
            ..Nic::default()
        };
        inventory.nics = vec![nic(self.card, false), nic(mac, mac != self.card)];
        inventory.disks = vec![Disk {
            name: "sda".to_owned(),
            path: "/dev/sda".to_owned(),
            serial: format!("DISK-{}", self.card),
            model: "Model".to_owned(),
            size_bytes: 8 << 20,
            sector_bytes: 512,
            ..Disk::default()
        }];
        let hello = Hello {
            mac: mac.to_owned(),
            agent_key: self.key.clone(),
            inventory,
            version: "test".to_owned(),
        };
        let request = Request::post("/agent/hello")
            .body(serde_json::to_vec(&hello).unwrap().into())
            .unwrap();
        let (status, body) = self.send(router, request).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    async fn next(&self, router: &Router, host: &str) -> Next {
        let request = Request::get(format!("/agent/next?host={host}"))
            .header("authorization", format!("Bearer {}", self.key))
            .body(Body::empty())
            .unwrap();
        let (status, body) = self.send(router, request).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }
}

pub(crate) fn machine(
    key: u8,
    serial: &'static str,
    uuid: &'static str,
    card: &'static str,
) -> Machine {
    Machine {
        key: format!("{key:064x}"),
        serial,
        uuid,
        card,
    }
}

async fn session_for(boot: &Boot, host: &HostId) {
    let shown = session::preview(boot, host, "debian", None).await.unwrap();
    let confirmed = session::Confirmed {
        host: shown.host,
        image: shown.image,
        disk: shown.disk.name,
        disk_serial: shown.disk.serial,
        disk_size_bytes: shown.disk.size_bytes,
    };
    session::open(boot, &confirmed, "admin").await.unwrap();
}

pub(crate) async fn facts(boot: &Boot) -> Vec<Fact> {
    let events = journal::latest(&boot.db, 500).await.unwrap();
    events.into_iter().map(|event| event.fact).collect()
}

/// Boot server and cable; `work` runs beside them.
fn on_a_cable(work: impl AsyncFnOnce(Boot, Pc, state::Clock, Router) + Send) {
    on_a_cable_with(config::BootChoices::default(), work);
}

pub(crate) fn on_a_cable_with(
    choices: config::BootChoices,
    work: impl AsyncFnOnce(Boot, Pc, state::Clock, Router) + Send,
) {
    let (server, pc) = (Net::new(), Net::new());
    server.cable_to(&pc);
    pc.ip("addr add 10.77.0.50/24 dev pc0");
    let folder = Folder::new();
    folder.fill_assets();
    inside(&server, async || {
        let clock = manual_clock();
        let (mut boot, vault) = boot(&folder, clock.clone()).await;
        boot.choices = Arc::new(choices);
        let image = vec![7u8; 1 << 20];
        let watch = Watch::default();
        images::import::import(&vault, "debian", &mut image.as_slice(), None, &|| 1, &watch)
            .unwrap();
        let serving = Serving::start(&boot).await;
        let pc = Pc {
            net: Arc::new(pc),
            number: 0,
        };
        work(boot.clone(), pc, clock, agent_router(boot)).await;
        serving.end().await;
    });
}

pub(crate) fn pass(clock: &state::Clock, seconds: u64) {
    clock.advance(Duration::from_secs(seconds));
}

#[test]
fn dhcp_tftp_and_http_agree_in_every_state() {
    on_a_cable(async |boot, mut pc, clock, router| {
        let card = "02:00:00:00:00:0a";
        let a = machine(1, "SERIAL-A", UUID_A, card);
        assert!(pc.is_offered(card, UUID_A).await, "never seen");
        until("the sighting", async || {
            host::find(&boot.db, card).await.ok()
        })
        .await;
        assert!(pc.is_offered(card, UUID_A).await, "just seen");
        pass(&clock, 15 * 60);
        assert!(!pc.is_offered(card, UUID_A).await, "never reported");
        let id = HostId(a.hello(&router, card).await.host);
        assert!(pc.is_offered(card, UUID_A).await, "waits for approval");
        pass(&clock, 60);
        assert!(!pc.is_offered(card, UUID_A).await, "not approved in time");
        host::ask_again(&boot.db, &id, clock.now()).await.unwrap();
        assert!(pc.is_offered(card, UUID_A).await, "asked again");
        a.hello(&router, card).await;
        let now = clock.now();
        host::approve(&boot.db, &id, None, "admin", now)
            .await
            .unwrap();
        assert!(
            !pc.is_offered(card, UUID_A).await,
            "approved, nothing to do"
        );
        // The firmware may say nothing of its UUID, or be asked by another card.
        assert!(!pc.is_offered(card, "").await, "known by its card");
        let dongle = "02:00:00:00:00:0b";
        assert!(!pc.is_offered(dongle, UUID_A).await, "known by its UUID");
        session_for(&boot, &id).await;
        assert!(pc.is_offered(card, UUID_A).await, "with a session");
        assert!(pc.is_offered(dongle, UUID_A).await, "with a session, UUID");
        pass(&clock, 4 * 3600);
        assert!(!pc.is_offered(card, UUID_A).await, "its window passed");
    });
}

#[test]
fn a_dock_never_gives_one_machine_what_is_anothers() {
    on_a_cable(async |boot, mut pc, clock, router| {
        let a = machine(1, "SERIAL-A", UUID_A, "02:00:00:00:00:0a");
        let b = machine(2, "SERIAL-B", UUID_B, "02:00:00:00:00:0b");
        // A came by the dock, was approved, and has a session.
        assert!(pc.is_offered(DOCK, UUID_A).await);
        let host_a = HostId(a.hello(&router, DOCK).await.host);
        let now = clock.now();
        host::approve(&boot.db, &host_a, None, "admin", now)
            .await
            .unwrap();
        session_for(&boot, &host_a).await;
        assert!(adapter::shared(&boot.db).await.unwrap().is_empty());

        // B comes by the same dock: its own entry, its own name, no approval, no order.
        assert!(pc.is_offered(DOCK, UUID_B).await, "a stranger reports");
        let welcome = b.hello(&router, DOCK).await;
        let host_b = HostId(welcome.host.clone());
        assert_ne!(host_b, host_a);
        let seen = host::get(&boot.db, &host_b).await.unwrap();
        assert_eq!(seen.state, HostState::Waiting);
        assert_ne!(seen.name, host::get(&boot.db, &host_a).await.unwrap().name);
        pass(&clock, 60);
        let told = b.next(&router, &welcome.host).await;
        assert!(matches!(told, Next::LocalDisk { .. }), "{told:?}");

        // The dock is learnt, and said once.
        let shared = adapter::shared(&boot.db).await.unwrap();
        assert_eq!(shared.len(), 1);
        assert_eq!(shared[0].mac.to_string(), DOCK);
        let users: Vec<&HostId> = shared[0].users.iter().map(|user| &user.host).collect();
        assert_eq!(users.len(), 2);
        assert!(users.contains(&&host_a) && users.contains(&&host_b));
        b.hello(&router, DOCK).await;
        let said = facts(&boot).await;
        let shared = |fact: &&Fact| matches!(fact, Fact::AdapterShared { .. });
        assert_eq!(said.iter().filter(shared).count(), 1);

        // By its UUID, B is left alone although A's session is open; A is not. Who says nothing
        // gets the agent, and no more.
        pass(&clock, 60);
        assert!(!pc.is_offered(DOCK, UUID_B).await, "B, nothing to do");
        assert!(pc.is_offered(DOCK, UUID_A).await, "A, its session");
        assert!(pc.is_offered(DOCK, "").await, "one of the two");
        let told = a.next(&router, host_a.as_str()).await;
        assert!(matches!(told, Next::Deploy(_)), "{told:?}");
    });
}

#[test]
fn machines_without_a_name_are_not_mixed_up_by_a_dock() {
    on_a_cable(async |boot, _, clock, router| {
        let filler = "To Be Filled By O.E.M.";
        let ami = "03000200-0400-0500-0006-000700080009";
        let c = machine(3, filler, ami, "02:00:00:00:00:0c");
        let d = machine(4, "Default string", ami, "02:00:00:00:00:0d");
        let host_c = HostId(c.hello(&router, DOCK).await.host);
        let now = clock.now();
        host::approve(&boot.db, &host_c, None, "admin", now)
            .await
            .unwrap();
        let host_d = HostId(d.hello(&router, DOCK).await.host);
        assert_ne!(host_c, host_d);
        let state = |id: HostId| {
            let db = boot.db.clone();
            async move { host::get(&db, &id).await.unwrap().state }
        };
        assert_eq!(state(host_d.clone()).await, HostState::Waiting);
        // Each comes back as itself.
        assert_eq!(c.hello(&router, DOCK).await.host, host_c.0);
        assert_eq!(d.hello(&router, DOCK).await.host, host_d.0);
        assert_eq!(state(host_c).await, HostState::Approved);
    });
}

#[test]
fn two_machines_that_run_with_one_serial_number_are_two() {
    on_a_cable(async |boot, _, clock, router| {
        let card = "02:00:00:00:00:0a";
        let copied = "02:00:00:00:00:0e";
        let a = machine(1, "SERIAL-A", UUID_A, card);
        let copy = machine(5, "SERIAL-A", UUID_A, copied);
        let first = HostId(a.hello(&router, card).await.host);
        let second = HostId(copy.hello(&router, copied).await.host);
        assert_ne!(first, second);
        let said = facts(&boot).await;
        let doubled = said.iter().find_map(|fact| match fact {
            Fact::HostDoubled { host, other, .. } => Some((host.clone(), other.clone())),
            _ => None,
        });
        let name = host::get(&boot.db, &first).await.unwrap().name;
        assert_eq!(doubled, Some((second.0.clone(), name)));
        // Later, one after the other: each is itself.
        pass(&clock, 3600);
        assert_eq!(copy.hello(&router, copied).await.host, second.0);
        assert_eq!(a.hello(&router, card).await.host, first.0);
    });
}

/// The script that a machine gets by HTTP, or by HEAD its answer without body.
pub(crate) async fn script(net: &Arc<Net>, mac: &str, head: bool) -> String {
    let net = Arc::clone(net);
    let url = format!("http://10.77.0.2:8067/b/{}/boot.ipxe", mac.replace(':', ""));
    let fetched = tokio::task::spawn_blocking(move || {
        let mut curl = net.command("curl");
        curl.args(["-sS", "--max-time", "20", &url]);
        if head {
            curl.arg("--head");
        }
        curl.output().unwrap()
    });
    String::from_utf8(fetched.await.unwrap().stdout).unwrap()
}

pub(crate) async fn firmware_asks(pc: &mut Pc, mac: &str, uuid: &str) -> bool {
    let net = Arc::clone(&pc.net);
    pc.number += 10;
    let number = pc.number;
    let (mac, uuid) = (mac.to_owned(), uuid.to_owned());
    let asked = tokio::task::spawn_blocking(move || {
        std::thread::spawn(move || {
            net.enter();
            dhcp_offers(&mac, &uuid, number)
        })
        .join()
        .unwrap()
    });
    asked.await.unwrap()
}

#[test]
fn what_is_asked_for_once_is_given_once() {
    let rule = config::BootRule {
        serial: Some("SERIAL-K*".to_owned()),
        give: config::BootGive::Entry(0),
        ..Default::default()
    };
    let quiet = config::BootRule {
        mac: Some("02:5e:*".to_owned()),
        give: config::BootGive::Silence,
        ..Default::default()
    };
    let choices = config::BootChoices {
        menu_password: None,
        entries: vec![config::BootEntry {
            name: "kiosk".to_owned(),
            title: "Kiosk".to_owned(),
            what: config::BootWhat::Efi("http://10.0.0.1/kiosk.efi".to_owned()),
        }],
        rules: vec![quiet, rule],
    };
    on_a_cable_with(choices, async |boot, mut pc, clock, router| {
        let card = "02:00:00:00:00:0a";
        let a = machine(1, "SERIAL-A", UUID_A, card);
        let id = HostId(a.hello(&router, card).await.host);
        let now = clock.now();
        host::approve(&boot.db, &id, None, "admin", now)
            .await
            .unwrap();
        assert!(!firmware_asks(&mut pc, card, UUID_A).await, "silence");
        let wrong = host::next::ask(&boot.db, &boot.choices, &id, "kiosc", "admin", now).await;
        assert!(
            wrong
                .unwrap_err()
                .to_string()
                .contains("menu, memtest, rescue, kiosk")
        );
        let ask = async |entry| {
            let now = clock.now();
            host::next::ask(&boot.db, &boot.choices, &id, entry, "admin", now)
                .await
                .unwrap();
        };

        // Offers and questions that fetch nothing use nothing up; the script does. What the script
        // names is fetched after it.
        ask("menu").await;
        for _ in 0..3 {
            assert!(firmware_asks(&mut pc, card, UUID_A).await, "the menu");
        }
        script(&pc.net, card, true).await;
        let next = host::next::of(&boot.db, &id, clock.now()).await.unwrap();
        assert_eq!(next.map(|next| next.entry).as_deref(), Some("menu"));
        let menu = script(&pc.net, card, false).await;
        assert!(menu.contains("item own0 Kiosk"), "{menu}");
        pass(&clock, 60);
        assert_eq!(script(&pc.net, card, false).await, menu, "the same start");
        assert!(!firmware_asks(&mut pc, card, UUID_A).await, "another start");
        let after = script(&pc.net, card, false).await;
        assert!(after.contains("nothing is to be done"), "{after}");
        let said = facts(&boot).await;
        let given = |fact: &&Fact| matches!(fact, Fact::NextBootGiven { .. });
        assert_eq!(said.iter().filter(given).count(), 1);

        // A wish that nobody fetched is over after a day.
        ask("kiosk").await;
        assert!(firmware_asks(&mut pc, card, UUID_A).await, "the kiosk");
        pass(&clock, 24 * 3600);
        assert!(!firmware_asks(&mut pc, card, UUID_A).await, "a day later");

        // Behind a card that two machines have, and that says no UUID, the agent at most.
        let b = machine(2, "SERIAL-B", UUID_B, "02:00:00:00:00:0b");
        b.hello(&router, card).await;
        pass(&clock, 60);
        ask("kiosk").await;
        assert!(firmware_asks(&mut pc, card, "").await, "one of two");
        let either = script(&pc.net, card, false).await;
        assert!(either.contains("starting the agent"), "{either}");
        assert!(firmware_asks(&mut pc, card, UUID_A).await, "A");
        let kiosk = script(&pc.net, card, false).await;
        assert!(kiosk.contains("chain http://10.0.0.1/kiosk.efi"), "{kiosk}");

        // Rules: by the serial number of a machine that reported, and by card before it did.
        let k = machine(6, "SERIAL-K1", "", "02:00:00:00:00:0c");
        let host_k = HostId(k.hello(&router, k.card).await.host);
        assert!(firmware_asks(&mut pc, k.card, "").await, "to be approved");
        let agent = script(&pc.net, k.card, false).await;
        assert!(agent.contains("starting the agent"), "{agent}");
        host::approve(&boot.db, &host_k, None, "admin", clock.now())
            .await
            .unwrap();
        assert!(firmware_asks(&mut pc, k.card, "").await, "by its serial");
        let kiosk = script(&pc.net, k.card, false).await;
        assert!(kiosk.contains("chain http://10.0.0.1/kiosk.efi"), "{kiosk}");
        assert!(
            !firmware_asks(&mut pc, "02:5e:00:00:00:01", "").await,
            "by its card"
        );
        let host_k = host::get(&boot.db, &host_k).await.unwrap();
        let why = provisioner::explain(&boot, &host_k).await.unwrap();
        assert_eq!((why[0].gets.as_str(), why[0].rule), ("kiosk", Some(2)));
    });
}

#[test]
fn a_machine_is_woken_by_its_card() {
    on_a_cable(async |boot, pc, _, router| {
        let card = "02:00:00:00:00:0a";
        let a = machine(1, "SERIAL-A", UUID_A, card);
        let id = HostId(a.hello(&router, card).await.host);
        let host = host::get(&boot.db, &id).await.unwrap();
        let net = Arc::clone(&pc.net);
        let (listens, ready) = tokio::sync::oneshot::channel();
        let heard = tokio::task::spawn_blocking(move || {
            std::thread::spawn(move || {
                net.enter();
                let socket = UdpSocket::bind("0.0.0.0:9").unwrap();
                socket
                    .set_read_timeout(Some(Duration::from_secs(20)))
                    .unwrap();
                listens.send(()).unwrap();
                let mut buffer = [0; 256];
                let len = socket.recv(&mut buffer).unwrap();
                buffer[..len].to_vec()
            })
            .join()
            .unwrap()
        });
        ready.await.unwrap();
        let reached = host::wake(&host, &[]).await.unwrap();
        assert_eq!(reached, [std::net::Ipv4Addr::new(10, 77, 0, 255)]);
        let packet = heard.await.unwrap();
        assert_eq!(packet[..6], [0xff; 6]);
        assert_eq!(packet[6..], mac_bytes(card).repeat(16));
    });
}
