//! Addresses that the registry keeps for its machines, given to real clients.

use crate::lease::{
    ALL, answer, facts, ip, kind, lan, packet, reboots, said, script, served, site, subnet, takes,
};
use crate::nets::Net;
use crate::rig::{Folder, manual_clock};
use crate::wire::machine;
use config::{Dhcp, Registry};
use provisioner::host::details::{Change, Grounds};
use provisioner::host::{self, HostId};
use state::wire::Fact;
use state::{Clock, Db, Timestamp};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

const CABLE: &str = "02:00:00:00:77:01";
const DOCK: u32 = 0x7702;

/// With the registry of the server that runs, as the console has it.
fn registry<T>(folder: &Folder, work: impl AsyncFnOnce(&Db) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let db = Db::open_file(&folder.path().join("state.db"))
            .await
            .unwrap();
        work(&db).await
    })
}

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn list(folder: &Folder, dhcp: &Dhcp, text: &str) -> Result<(), String> {
    registry(folder, async |db| {
        let grounds = Grounds::here(dhcp);
        let registry = Registry::default();
        let done = host::import(db, &registry, &grounds, text, false, "it", NOW).await;
        done.map(drop).map_err(|error| error.to_string())
    })
}

fn set(folder: &Folder, dhcp: &Dhcp, name: &str, address: &str) -> Result<(), String> {
    registry(folder, async |db| {
        let id: HostId = host::find(db, name).await.unwrap().id;
        let change = Change {
            address: Some(address.to_owned()),
            ..Change::default()
        };
        let (registry, grounds) = (Registry::default(), Grounds::here(dhcp));
        let done = host::details::set(db, &registry, &grounds, &id, change, "it", NOW).await;
        done.map_err(|error| error.to_string())
    })
}

/// What the card is offered.
fn offered(socket: &UdpSocket, card: u32, wish: Option<Ipv4Addr>) -> Ipv4Addr {
    let wish = wish.map(|wish| wish.octets().to_vec());
    let wish: Vec<(u8, &[u8])> = wish.iter().map(|w| (50, w.as_slice())).collect();
    answer(socket, &packet(card, 1, &wish), ALL).field(16)
}

/// Asks until the card is offered `want`: the registry is read every other second.
fn comes_to(socket: &UdpSocket, card: u32, want: impl Fn(Ipv4Addr) -> bool) -> Ipv4Addr {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let offer = offered(socket, card, None);
        if want(offer) {
            return offer;
        }
        assert!(Instant::now() < deadline, "it is still offered {offer}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn udhcpc(pc: &Net, script: &str) -> String {
    said(
        pc,
        &format!("udhcpc -i pc0 -f -n -q -t 15 -T 2 -O hostname -s {script}"),
    )
}

#[test]
fn a_host_keeps_its_address_by_every_card_and_over_a_restart() {
    let (server, pc) = lan();
    pc.ip(&format!("link set pc0 address {CABLE}"));
    let folder = Folder::new();
    folder.fill_assets();
    let dhcp = site(120);
    let told = folder.path().join("told");
    let text = format!(
        "#!/bin/sh\n[ $1 = bound ] || exit 0\nenv > {0}.new\nmv {0}.new {0}\n",
        told.display()
    );
    let script = script(&folder, "script", &text);
    let dock = "02:00:00:00:77:02";
    served(&folder, &server, &dhcp, Clock::System, || {
        pc.enter();
        let socket = machine(68);
        // A stranger has what is to become the host's.
        let stranger = 5;
        assert_eq!(takes(&socket, stranger), ip(100));
        let listed = format!("name,mac,address\nATELIER-1,{CABLE} {dock},10.77.0.100\n");
        list(&folder, &dhcp, &listed).unwrap();
        // It is told to go when it asks the next time, and gets another.
        let deadline = Instant::now() + Duration::from_secs(60);
        while reboots(&socket, stranger, ip(100)) != 6 {
            assert!(Instant::now() < deadline, "the stranger keeps it");
            std::thread::sleep(Duration::from_millis(200));
        }
        assert_ne!(offered(&socket, stranger, Some(ip(100))), ip(100));
        drop(socket);

        let said = udhcpc(&pc, &script);
        assert!(
            said.contains("lease of 10.77.0.100 obtained from 10.77.0.2"),
            "{said}"
        );
        let env = std::fs::read_to_string(&told).unwrap();
        assert!(
            env.lines().any(|line| line == "hostname=ATELIER-1"),
            "{env}"
        );

        // Its dock, while the cable is out (nobody answers there): the same address.
        let socket = machine(68);
        assert_eq!(takes(&socket, DOCK), ip(100));
        assert_eq!(reboots(&socket, DOCK, ip(100)), 5);
        drop(socket);
        // And by the cable again.
        let said = udhcpc(&pc, &script);
        assert!(said.contains("lease of 10.77.0.100 obtained"), "{said}");
        // Both at once: the one that has it and answers keeps it.
        pc.ip("addr add 10.77.0.100/24 dev pc0");
        let socket = machine(68);
        let other = takes(&socket, DOCK);
        assert_ne!(other, ip(100));
        assert_eq!(reboots(&socket, DOCK, other), 5);
        pc.ip("addr del 10.77.0.100/24 dev pc0");

        // Another address, while it runs; one that does not fit is refused with its reason.
        let taken = list(&folder, &dhcp, "name,address\nATELIER-2,10.77.0.100\n");
        assert!(taken.is_err_and(|why| why.contains("kept for ATELIER-1")));
        let ours = set(&folder, &dhcp, "ATELIER-1", "10.77.0.1");
        assert!(ours.is_err_and(|why| why.contains("a router")));
        set(&folder, &dhcp, "ATELIER-1", "10.77.0.30").unwrap();
        assert_eq!(comes_to(&socket, DOCK, |offer| offer == ip(30)), ip(30));
        drop(socket);
        let said = udhcpc(&pc, &script);
        assert!(said.contains("lease of 10.77.0.30 obtained"), "{said}");
    });
    // A new start knows it before the first question.
    served(&folder, &server, &dhcp, Clock::System, || {
        pc.enter();
        let socket = machine(68);
        assert_eq!(reboots(&socket, 9, ip(30)), 6, "it is nobody else's");
        drop(socket);
        let said = udhcpc(&pc, &script);
        assert!(said.contains("lease of 10.77.0.30 obtained"), "{said}");
        // Any address will do again: the lease that is given goes on.
        set(&folder, &dhcp, "ATELIER-1", "").unwrap();
        let socket = machine(68);
        let any = comes_to(&socket, DOCK, |offer| offer != ip(30));
        assert_eq!(
            kind(&answer(
                &socket,
                &packet(9, 3, &[(50, &ip(30).octets())]),
                ALL
            )),
            6
        );
        assert!(any.octets()[3] >= 100, "{any}");
    });
}

#[test]
fn a_subnet_that_no_wire_and_no_relay_reaches_is_named_until_somebody_asks() {
    let (server, pc) = lan();
    let folder = Folder::new();
    folder.fill_assets();
    let mut dhcp = site(120);
    dhcp.subnets.push(subnet(81, 100, 110));
    let clock = manual_clock();
    let later = clock.clone();
    let object = "DHCP for 10.81.0.0/24";
    served(&folder, &server, &dhcp, clock, || {
        pc.enter();
        let socket = machine(68);
        assert_eq!(takes(&socket, 1), ip(100));
        later.advance(Duration::from_secs(11 * 60));
        let told = facts(
            &folder,
            |fact| matches!(fact, Fact::Trouble { object, .. } if object.starts_with("DHCP for ")),
        );
        let [
            Fact::Trouble {
                object: of,
                sentence,
            },
        ] = &told[..]
        else {
            panic!("{told:?}");
        };
        assert_eq!(of, object);
        assert!(sentence.contains("helper-address"), "{sentence}");
        // Its relay is set: the first question through it ends the trouble.
        let mut relayed = packet(2, 1, &[]);
        relayed[24..28].copy_from_slice(&[10, 81, 0, 1]);
        socket.send_to(&relayed, ALL).unwrap();
        facts(
            &folder,
            |fact| matches!(fact, Fact::TroubleOver { object: over } if over == object),
        );
    });
}
