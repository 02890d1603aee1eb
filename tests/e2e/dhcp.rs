//! `reprise dhcp` and fixed addresses of hosts: a real client gets them, the commands show, keep and take back.

use crate::harness::{Appliance, Namespace, Start, Temp, config_text, eventually, prepare};
use serde_json::Value;
use std::process::Output;

const NETWORK: &str = "[[network]]\ninterface = \"pc0\"\ndhcp = \"server\"\nhttp_port = 8067\n\
    [[dhcp_subnet]]\nnetwork = \"10.66.0.0/24\"\nranges = [\"10.66.0.100-10.66.0.120\"]\n\
    [[dhcp_reservation]]\nmac = \"02:00:00:00:66:09\"\naddress = \"10.66.0.9\"\n";

const CARD: &str = "02:00:00:00:66:01";

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", told(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// It is refused, and says so.
fn refused(output: &Output, says: &str) {
    let told = told(output);
    assert!(!output.status.success() && told.contains(says), "{told}");
}

fn lease(appliance: &Appliance, address: &str) -> Option<Value> {
    let leases = appliance.cli_json(&["dhcp", "leases"]);
    let mut leases = leases.as_array().expect("a list").iter();
    leases.find(|lease| lease["address"] == address).cloned()
}

/// The address that udhcpc gets.
fn address_of(pc: &Namespace) -> Option<String> {
    let done = pc
        .command("udhcpc")
        .args("-i eth0 -f -n -q -t 10 -T 2 -x hostname:atelier -s /bin/true".split(' '))
        .output()
        .expect("udhcpc");
    let text = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    let (_, rest) = text.split_once("lease of ")?;
    rest.split(' ').next().map(str::to_owned)
}

#[test]
fn a_host_is_given_the_address_that_is_noted_and_the_commands_say_what_is_given() {
    let (folder, mine, theirs) = (Temp::new(), Namespace::new(), Namespace::new());
    mine.cable("pc0", "10.66.0.1/24", &theirs, "eth0", "10.66.9.9/32");
    theirs.ip(&["link", "set", "eth0", "address", CARD]);
    prepare(&folder, &config_text(NETWORK));
    let start = Start {
        namespace: Some(&mine),
        ..Start::default()
    };
    let appliance = Appliance::start(&folder, start);
    eventually("the DHCP server answers", || address_of(&theirs));
    let found = lease(&appliance, "10.66.0.100").expect("its lease");
    assert_eq!(found["state"], "bound");
    assert_eq!(
        (&found["mac"], &found["hostname"]),
        (&CARD.into(), &"atelier".into())
    );
    let table = printed(&appliance.cli(&["dhcp", "leases"]));
    assert!(
        table.contains("10.66.0.100") && table.contains("atelier"),
        "{table}"
    );

    // Into the registry, with an address; what does not fit is refused with the reason.
    let list = folder.join("hosts.csv");
    std::fs::write(&list, format!("name,mac\nATELIER-1,{CARD}\nATELIER-2,\n")).expect("the list");
    printed(&appliance.cli(&["host", "import", list.to_str().expect("a path")]));
    let set =
        |host: &str, address: &str| appliance.cli(&["host", "set", host, "--address", address]);
    printed(&set("ATELIER-1", "10.66.0.20"));
    for (host, address, says) in [
        ("ATELIER-2", "10.66.0.20", "kept for ATELIER-1"),
        ("ATELIER-2", "10.66.0.9", "02:00:00:00:66:09"),
        ("ATELIER-2", "10.66.0.1", "of this box"),
        ("ATELIER-2", "10.66.0.255", "broadcast"),
        ("ATELIER-2", "10.67.0.20", "choose one of 10.66.0.0/24"),
        ("ATELIER-2", "vingt", "write such as"),
    ] {
        refused(&set(host, address), says);
    }
    let host = appliance.cli_json(&["host", "show", "ATELIER-1"]);
    assert_eq!(host["address"], "10.66.0.20");
    let shown = printed(&appliance.cli(&["host", "show", "ATELIER-1"]));
    assert!(shown.contains("10.66.0.20"), "{shown}");
    let csv = printed(&appliance.cli(&["host", "export"]));
    assert!(csv.contains(",10.66.0.20,"), "{csv}");
    eventually("the next request brings it", || {
        (address_of(&theirs)? == "10.66.0.20").then_some(())
    });
    let given = lease(&appliance, "10.66.0.20").expect("its lease");
    assert_eq!(
        (&given["host"], &given["state"]),
        (&"ATELIER-1".into(), &"bound".into())
    );

    // Taking back: what is lost is said first, and nothing happens unasked.
    let asked = appliance.cli(&["dhcp", "release", "10.66.0.20"]);
    assert!(!asked.status.success(), "{}", told(&asked));
    assert!(
        told(&asked).contains("ATELIER-1's until"),
        "{}",
        told(&asked)
    );
    assert_eq!(
        lease(&appliance, "10.66.0.20").expect("its lease")["state"],
        "bound"
    );
    printed(&appliance.cli(&["dhcp", "release", "10.66.0.20", "--yes"]));
    assert_eq!(
        lease(&appliance, "10.66.0.20").expect("its lease")["state"],
        "expired"
    );
    refused(
        &appliance.cli(&["dhcp", "release", "10.66.0.20", "--yes"]),
        "nobody has it",
    );
    refused(
        &appliance.cli(&["dhcp", "release", "10.66.0.77", "--yes"]),
        "nobody has it",
    );
    let journal = appliance.get("/api/journal?lang=en").to_string();
    assert!(journal.contains("10.66.0.20"), "{journal}");

    // Over a restart it stays its; then any address will do again.
    assert!(appliance.terminate().0.success());
    let start = Start {
        namespace: Some(&mine),
        ..Start::default()
    };
    let appliance = Appliance::start(&folder, start);
    let again = eventually("the DHCP server answers", || address_of(&theirs));
    assert_eq!(again, "10.66.0.20");
    printed(&appliance.cli(&["host", "set", "ATELIER-1", "--no-address"]));
    let host = appliance.cli_json(&["host", "show", "ATELIER-1"]);
    assert_eq!(host["address"], Value::Null);
    assert!(appliance.terminate().0.success());
}

#[test]
fn without_a_subnet_the_commands_say_what_to_write() {
    let folder = Temp::new();
    let appliance = Appliance::first_start(&folder, &config_text(""));
    refused(&appliance.cli(&["dhcp", "leases"]), "[[dhcp_subnet]]");
    refused(
        &appliance.cli(&["dhcp", "release", "10.66.0.20"]),
        "[[dhcp_subnet]]",
    );
    let list = folder.join("hosts.csv");
    std::fs::write(&list, "name\nATELIER-1\n").expect("the list");
    printed(&appliance.cli(&["host", "import", list.to_str().expect("a path")]));
    refused(
        &appliance.cli(&["host", "set", "ATELIER-1", "--address", "10.66.0.20"]),
        "this box gives no addresses",
    );
    assert!(appliance.terminate().0.success());
}
