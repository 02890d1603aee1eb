//! Machines behind a relay, and on several interfaces at once.

use crate::nets::{Net, Running};
use crate::offers::{Answer, ask, proxy};
use crate::wire::{machine, machine_on, unhex};
use std::net::Ipv4Addr;

const DISCOVER: &str = include_str!("../data/dhcp/ovmf-discover.hex");
const SECOND: &str = include_str!("../data/dhcp/ovmf-request-4011.hex");

/// What hangs together: the appliance, the company's DHCP server, a router that relays, a PC.
struct Site {
    server: Net,
    company: Net,
    router: Net,
    pc: Net,
}

impl Site {
    fn new() -> Site {
        let site = Site {
            server: Net::new(),
            company: Net::new(),
            router: Net::new(),
            pc: Net::new(),
        };
        site.router.cable("up0", &site.server, "srv0");
        site.router.cable("up1", &site.company, "lan0");
        site.router.cable("down0", &site.pc, "pc0");
        site.router.ip("addr add 10.77.0.1/24 dev up0");
        site.router.ip("addr add 10.78.0.1/24 dev up1");
        site.router.ip("addr add 10.80.0.1/24 dev down0");
        site.server.ip("addr add 10.77.0.2/24 dev srv0");
        site.server.ip("route add default via 10.77.0.1");
        site.company.ip("addr add 10.78.0.2/24 dev lan0");
        site.company.ip("route add default via 10.78.0.1");
        let forward = site
            .router
            .command("sh")
            .args(["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
            .status();
        assert!(forward.unwrap().success());
        site
    }

    fn company_dhcp(&self) -> Running {
        let arguments = "--keep-in-foreground --conf-file=/dev/null --port=0 --interface=lan0 \
             --dhcp-range=10.80.0.100,10.80.0.120,255.255.255.0,1h --dhcp-leasefile=/dev/null \
             --pid-file= --user=root";
        let words: Vec<&str> = arguments.split_whitespace().collect();
        self.company.start("dnsmasq", &words.join(" "))
    }
}

/// A PC behind the router: an address from the company's server, the loader from us.
fn boots_behind(pc: &Net) {
    pc.enter();
    let boots = machine(68);
    let answers = ask(&boots, &unhex(DISCOVER), "255.255.255.255:67", |answers| {
        answers.iter().any(Answer::gives_an_address)
            && answers.iter().any(|answer| !answer.gives_an_address())
    });
    let ours = answers
        .iter()
        .find(|answer| !answer.gives_an_address())
        .unwrap();
    assert_eq!(ours.field(20), Ipv4Addr::new(10, 77, 0, 2), "siaddr");
    assert_eq!(ours.field(24), Ipv4Addr::new(10, 80, 0, 1), "giaddr");
    assert_eq!(ours.option(60), Some(b"PXEClient".as_slice()));
    // The relay takes its option out again, having found it as it wrote it.
    assert_eq!(ours.option(82), None);
    assert!(ours.from.port() == 67, "{}", ours.from);

    pc.ip("addr add 10.80.0.100/24 dev pc0");
    pc.ip("route add default via 10.80.0.1");
    let mut second = unhex(SECOND);
    second[12..16].copy_from_slice(&[10, 80, 0, 100]);
    for port in [4011, 68] {
        let socket = if port == 68 {
            boots.try_clone().unwrap()
        } else {
            machine(port)
        };
        let answers = ask(&socket, &second, "10.77.0.2:4011", |answers| {
            answers.iter().any(|answer| answer.from.port() == 4011)
        });
        let last = answers.last().unwrap();
        assert_eq!(last.from.to_string(), "10.77.0.2:4011");
        assert_eq!(last.file(), "b/525400123456/snponly.efi");
    }
    let path = "10.77.0.2/b/525400123456/snponly.efi";
    for url in [
        format!("tftp://{path}"),
        format!("http://{}", path.replace("2/", "2:8067/")),
    ] {
        let done = pc
            .command("curl")
            .args(["-sSf", "--max-time", "60", "-o", "/dev/null", "-w"])
            .args(["%{size_download}", &url])
            .output()
            .unwrap();
        let size = String::from_utf8_lossy(&done.stdout).into_owned();
        assert_eq!(
            size,
            "213444",
            "{url}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

#[test]
fn a_machine_behind_an_isc_relay_boots_beside_the_companys_dhcp() {
    let site = Site::new();
    let _dhcp = site.company_dhcp();
    proxy(&site.server, &["srv0"], || {
        let arguments = "-4 -d -a -id down0 -iu up0 -iu up1 -pf /dev/null 10.77.0.2 10.78.0.2";
        let _relay = site.router.start("dhcrelay", arguments);
        boots_behind(&site.pc);
    });
}

#[test]
fn a_machine_behind_a_dnsmasq_relay_boots_beside_the_companys_dhcp() {
    let site = Site::new();
    let _dhcp = site.company_dhcp();
    proxy(&site.server, &["srv0"], || {
        let arguments = "--keep-in-foreground --conf-file=/dev/null --port=0 --pid-file= --user=root \
             --dhcp-relay=10.80.0.1,10.77.0.2 --dhcp-relay=10.80.0.1,10.78.0.2";
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let _relay = site.router.start("dnsmasq", &words.join(" "));
        boots_behind(&site.pc);
    });
}

/// A machine behind `interface` hears only its own network's server, from port 67, and with that address inside.
pub(crate) fn is_answered_from(interface: &str, address: &str, machine: u8) {
    let mut discover = unhex(DISCOVER);
    discover[33] = machine;
    let socket = machine_on(interface, 68);
    let answers = ask(&socket, &discover, "255.255.255.255:67", |a| !a.is_empty());
    for answer in &answers {
        assert_eq!(answer.from.to_string(), format!("{address}:67"));
        assert_eq!(answer.field(20).to_string(), address);
        assert_eq!(answer.packet[33], machine);
    }
}

#[test]
fn each_interface_answers_its_own_machines_from_its_own_address() {
    let (server, first, second) = (Net::new(), Net::new(), Net::new());
    server.cable("srv0", &first, "pc0");
    server.cable("srv1", &second, "pc1");
    server.ip("addr add 10.77.0.2/24 dev srv0");
    // A second address, which the kernel would not choose by itself.
    server.ip("addr add 10.99.0.2/24 dev srv0");
    server.ip("addr add 10.79.0.2/24 dev srv1");
    proxy(&server, &["srv0", "srv1"], || {
        for (pc, interface, address, machine) in [
            (&first, "pc0", "10.77.0.2", 1),
            (&second, "pc1", "10.79.0.2", 2),
        ] {
            pc.enter();
            is_answered_from(interface, address, machine);
        }
        // Asked at its second address, it answers from there.
        first.enter();
        first.ip("addr add 10.99.0.50/24 dev pc0");
        let socket = machine_on("pc0", 4011);
        let mut second = unhex(SECOND);
        second[12..16].copy_from_slice(&[10, 99, 0, 50]);
        let answers = ask(&socket, &second, "10.99.0.2:4011", |a| !a.is_empty());
        assert_eq!(answers[0].from.to_string(), "10.99.0.2:4011");
    });
}

#[test]
fn a_second_step_that_does_not_say_its_address_is_answered_where_it_came_from() {
    let (server, pc) = (Net::new(), Net::new());
    server.cable_to(&pc);
    proxy(&server, &["srv0"], || {
        pc.enter();
        pc.ip("addr add 10.77.0.50/24 dev pc0");
        let mut second = unhex(SECOND);
        second[12..16].fill(0);
        for port in [4011, 68] {
            let socket = machine(port);
            let answers = ask(&socket, &second, "10.77.0.2:4011", |a| !a.is_empty());
            assert_eq!(answers[0].from.to_string(), "10.77.0.2:4011");
            assert_eq!(answers[0].file(), "b/525400123456/snponly.efi");
        }
    });
}
