//! Network boot where it cannot be served: the interface or port is named with the next action, the
//! rest goes on, and it is served by itself once it can be.

use crate::harness::{Appliance, Namespace, Start, Temp, config_text, eventually, prepare};
use serde_json::Value;
use std::net::{TcpListener, UdpSocket};

fn troubles(appliance: &Appliance) -> Vec<String> {
    let status = appliance.get("/api/status?lang=en");
    let list = status["troubles"].as_array().expect("troubles");
    let sentences = list.iter().filter_map(|t| t["sentence"].as_str());
    sentences.map(str::to_owned).collect()
}

/// Waits for a trouble whose sentence has every part.
fn said(appliance: &Appliance, parts: &[&str]) {
    eventually(&format!("a trouble with {parts:?}"), || {
        let all = troubles(appliance);
        all.iter()
            .any(|sentence| parts.iter().all(|part| sentence.contains(part)))
            .then_some(())
    });
}

/// Waits until no trouble names `part` any more.
fn over(appliance: &Appliance, part: &str) {
    eventually(&format!("no more trouble with {part}"), || {
        let all = troubles(appliance);
        (!all.iter().any(|sentence| sentence.contains(part))).then_some(())
    });
}

/// What ports.json says of the interface now.
fn ports(folder: &Temp, interface: &str) -> Option<Value> {
    let text = std::fs::read(folder.join("state/ports.json")).ok()?;
    let ports: Value = serde_json::from_slice(&text).ok()?;
    let networks = ports["networks"].as_array()?;
    networks
        .iter()
        .find(|n| n["interface"] == interface)
        .cloned()
}

fn own_backup_is_proven(appliance: &Appliance) {
    eventually("the appliance's own proof", || {
        let proofs = appliance.get("/api/proofs");
        proofs.as_array()?.first()?["passed"]
            .as_bool()?
            .then_some(())
    });
}

const NETWORK: &str = "[[network]]\ninterface = \"pc0\"\ndhcp = \"proxy\"\nhttp_port = 8067\n";

#[test]
fn an_interface_that_is_missing_or_down_is_named_and_served_once_it_is_there() {
    let (folder, mine, theirs) = (Temp::new(), Namespace::new(), Namespace::new());
    prepare(&folder, &config_text(NETWORK));
    let appliance = Appliance::start(
        &folder,
        Start {
            namespace: Some(&mine),
            ..Start::default()
        },
    );
    said(&appliance, &["interface pc0 does not exist", "`interface`"]);
    own_backup_is_proven(&appliance);
    mine.cable("pc0", "10.66.0.1/24", &theirs, "eth0", "10.66.0.2/24");
    mine.ip(&["link", "set", "pc0", "down"]);
    said(&appliance, &["interface pc0 is down", "ip link set pc0 up"]);
    mine.ip(&["link", "set", "pc0", "up"]);
    over(&appliance, "interface pc0");
    eventually("every port is served", || {
        let ports = ports(&folder, "pc0")?;
        let served = ports["dhcp"] == 67 && ports["tftp"] == 69 && ports["http"] == 8067;
        served.then_some(())
    });
    assert!(appliance.terminate().0.success());
}

#[test]
fn taken_ports_are_named_one_by_one_and_served_once_they_are_free() {
    let (folder, mine, theirs) = (Temp::new(), Namespace::new(), Namespace::new());
    mine.cable("pc0", "10.66.0.1/24", &theirs, "eth0", "10.66.0.2/24");
    let (dhcp, tftp, http) = mine.inside(|| {
        (
            UdpSocket::bind("0.0.0.0:67").expect("port 67"),
            UdpSocket::bind("0.0.0.0:69").expect("port 69"),
            TcpListener::bind("0.0.0.0:8067").expect("port 8067"),
        )
    });
    prepare(&folder, &config_text(NETWORK));
    let appliance = Appliance::start(
        &folder,
        Start {
            namespace: Some(&mine),
            ..Start::default()
        },
    );
    for port in ["67", "69", "8067"] {
        said(
            &appliance,
            &[
                &format!("port {port} on pc0 is taken by another program"),
                "ss -",
            ],
        );
    }
    own_backup_is_proven(&appliance);
    let served = |name: &str, port: u64| {
        eventually(&format!("port {port} is served"), || {
            (ports(&folder, "pc0")?[name] == port).then_some(())
        });
    };
    drop(tftp);
    served("tftp", 69);
    said(&appliance, &["port 67", "pc0"]);
    drop((dhcp, http));
    served("dhcp", 67);
    served("http", 8067);
    over(&appliance, "port ");
}

#[test]
fn an_interface_named_at_the_start_is_served_this_time_and_the_lines_to_keep_it_are_said() {
    let (folder, mine, theirs) = (Temp::new(), Namespace::new(), Namespace::new());
    mine.cable("pc0", "10.66.0.1/24", &theirs, "eth0", "10.66.0.2/24");
    let config = config_text("");
    prepare(&folder, &config);
    let appliance = Appliance::start(
        &folder,
        Start {
            namespace: Some(&mine),
            arguments: &["--interface", "pc0"],
            ..Start::default()
        },
    );
    appliance.says("[[network]]\ninterface = \"pc0\"\ndhcp = \"proxy\"");
    eventually("ProxyDHCP is served", || {
        (ports(&folder, "pc0")?["dhcp"] == 67).then_some(())
    });
    let kept = std::fs::read_to_string(folder.join("reprise.toml"));
    assert_eq!(
        kept.expect("the configuration"),
        config,
        "it is its owner's to edit"
    );
}
