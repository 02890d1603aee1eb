//! Several networks on one cable: tagged frames, and at each end an interface for each VLAN.

use crate::nets::Net;
use crate::offers::proxy;
use crate::relays::is_answered_from;
use crate::wire::machine_on;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

/// The 802.1Q device of one end, which not every kernel has.
struct Device(Child);

impl Device {
    /// `vlans`: interfaces to make, and the number that each one's frames carry.
    fn on(net: &Net, cable: &str, vlans: &[&str]) -> Device {
        let mut child = net
            .command("python3")
            .args(["-c", include_str!("vlans.py"), cable])
            .args(vlans)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("python3 (package python3): {e}"));
        let mut said = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "vlans.py says on its standard error why");
        Device(child)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn each_vlan_of_one_cable_is_answered_as_a_network_of_its_own() {
    let (server, pcs) = (Net::new(), Net::new());
    server.cable("trunk0", &pcs, "trunk1");
    let _devices = [
        Device::on(&server, "trunk0", &["vlan10=10", "vlan20=20"]),
        Device::on(&pcs, "trunk1", &["pc10=10", "pc20=20"]),
    ];
    for (interface, address) in [("vlan10", "10.77.0.2"), ("vlan20", "10.79.0.2")] {
        server.ip(&format!("addr add {address}/24 dev {interface}"));
        server.ip(&format!("link set {interface} up"));
    }
    for interface in ["pc10", "pc20"] {
        pcs.ip(&format!("link set {interface} up"));
    }
    proxy(&server, &["vlan10", "vlan20"], || {
        pcs.enter();
        for (interface, other, address, machine) in [
            ("pc10", "pc20", "10.77.0.2", 1),
            ("pc20", "pc10", "10.79.0.2", 2),
        ] {
            let other = machine_on(other, 68);
            is_answered_from(interface, address, machine);
            other.set_nonblocking(true).unwrap();
            let heard = other.recv(&mut [0; 2048]);
            assert!(heard.is_err(), "the other VLAN heard it");
        }
    });
}
