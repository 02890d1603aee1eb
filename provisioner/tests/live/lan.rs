//! One LAN: the company's DHCP server, one appliance or two, and everybody else's clients.

use crate::nets::{Net, Running};
use crate::offers::{Answer, ask, proxy};
use crate::rig::Folder;
use crate::wire::{machine, unhex};
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;

const DISCOVER: &str = include_str!("../data/dhcp/ovmf-discover.hex");
const SECOND: &str = include_str!("../data/dhcp/ovmf-request-4011.hex");

/// A switch with a cable to each of `others`, whose end is called as given.
pub(crate) fn switch(others: &[(&Net, &str)]) -> Net {
    let switch = Net::new();
    switch.ip("link add br0 type bridge forward_delay 0");
    switch.ip("link set br0 up");
    for (number, (other, name)) in others.iter().enumerate() {
        let port = format!("port{number}");
        switch.cable(&port, other, name);
        switch.ip(&format!("link set {port} master br0"));
    }
    switch
}

pub(crate) fn company_dhcp(company: &Net) -> Running {
    company.ip("addr add 10.77.0.1/24 dev lan0");
    let arguments = "--keep-in-foreground --conf-file=/dev/null --port=0 --interface=lan0 \
         --dhcp-range=10.77.0.100,10.77.0.120,255.255.255.0,1h --dhcp-leasefile=/dev/null \
         --pid-file= --user=root --no-ping";
    let words: Vec<&str> = arguments.split_whitespace().collect();
    company.start("dnsmasq", &words.join(" "))
}

pub(crate) fn said(pc: &Net, line: &str) -> (bool, String) {
    let mut words = line.split(' ');
    let done = pc
        .command("timeout")
        .arg("60")
        .arg(words.next().unwrap())
        .args(words)
        .output()
        .unwrap();
    let text = [done.stdout, done.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (done.status.success(), text)
}

#[test]
fn ordinary_clients_get_their_address_as_if_we_were_not_there() {
    let (company, server, pc) = (Net::new(), Net::new(), Net::new());
    let _switch = switch(&[(&company, "lan0"), (&server, "srv0"), (&pc, "pc0")]);
    server.ip("addr add 10.77.0.2/24 dev srv0");
    let _dhcp = company_dhcp(&company);
    proxy(&server, &["srv0"], || {
        let (ok, text) = said(&pc, "udhcpc -i pc0 -f -n -q -t 15 -T 2 -s /bin/true");
        assert!(ok && text.contains("obtained from 10.77.0.1"), "{text}");
        let folder = Folder::new();
        // dhclient stays to renew its lease: its own script ends it.
        let script = folder.path().join("script");
        let text = "#!/bin/sh\n[ \"$reason\" != BOUND ] || kill $PPID\n";
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        let line = format!(
            "dhclient -4 -d -1 -sf {} -lf {} -pf /dev/null pc0",
            script.display(),
            folder.path().join("leases").display()
        );
        let (_, text) = said(&pc, &line);
        assert!(text.contains("from 10.77.0.1"), "{text}");
        // These want an address to ask from.
        pc.ip("addr add 10.77.0.60/24 dev pc0");
        let (_, text) = said(&pc, "nmap --script broadcast-dhcp-discover -e pc0");
        assert!(text.contains("Server Identifier: 10.77.0.1"), "{text}");
        assert!(text.contains("Response 1 of 1"), "{text}");
        let (ok, text) = said(&pc, "dhcping -i -c 10.77.0.60 -s 10.77.0.2 -t 3");
        assert!(!ok && text.contains("no answer"), "{text}");

        // And a machine that boots is answered by both, each with its part.
        pc.enter();
        let socket = machine(68);
        ask(&socket, &unhex(DISCOVER), "255.255.255.255:67", |answers| {
            answers.iter().any(Answer::gives_an_address)
                && answers.iter().any(|answer| !answer.gives_an_address())
        });
    });
}

#[test]
fn two_appliances_on_one_lan_each_answer_for_themselves() {
    let (first, second, pc) = (Net::new(), Net::new(), Net::new());
    let _switch = switch(&[(&first, "srv0"), (&second, "srv0"), (&pc, "pc0")]);
    first.ip("addr add 10.77.0.2/24 dev srv0");
    second.ip("addr add 10.77.0.3/24 dev srv0");
    pc.ip("addr add 10.77.0.50/24 dev pc0");
    proxy(&first, &["srv0"], || {
        proxy(&second, &["srv0"], || {
            pc.enter();
            let socket = machine(68);
            let by = |address: [u8; 4]| {
                move |answer: &Answer| answer.field(20) == Ipv4Addr::from(address)
            };
            let (a, b) = (by([10, 77, 0, 2]), by([10, 77, 0, 3]));
            let answers = ask(&socket, &unhex(DISCOVER), "255.255.255.255:67", |answers| {
                answers.iter().any(&a) && answers.iter().any(&b)
            });
            for answer in &answers {
                let identity = answer.field(20).octets();
                assert_eq!(answer.option(54), Some(identity.as_slice()));
            }
            // The second step names one of them: the other is silent, though all hear it.
            let firmware = machine(4011);
            let mut named = unhex(SECOND);
            let end = named.iter().rposition(|byte| *byte == 255).unwrap();
            named.splice(end..end, [54, 4, 10, 77, 0, 3]);
            let answers = ask(&firmware, &named, "255.255.255.255:4011", |answers| {
                answers.iter().any(&b)
            });
            assert!(!answers.iter().any(&a), "the other one answered too");
            assert_eq!(answers[0].from.to_string(), "10.77.0.3:4011");
        });
    });
}
