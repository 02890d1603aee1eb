//! The console's port taken: the console waits, the rest goes on.

use crate::harness::{Appliance, Start, Temp, config_text, eventually, prepare};
use serde_json::Value;
use std::net::TcpListener;

#[test]
fn a_taken_console_port_is_said_the_rest_goes_on_and_the_console_comes_by_itself() {
    let folder = Temp::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let listen = format!("listen = \"{address}\"");
    prepare(
        &folder,
        &config_text("").replace("listen = \"127.0.0.1:0\"", &listen),
    );
    let appliance = Appliance::start(&folder, Start::default());
    assert_eq!(appliance.ports["console"], Value::Null);
    let sentence = format!("failed to open the console on {address}");
    appliance.says(&sentence);
    let journal = appliance.get("/api/journal");
    let facts = journal.as_array().expect("facts");
    let trouble = facts
        .iter()
        .find(|f| f["fact"] == "trouble")
        .expect("a trouble");
    let said = trouble["sentence"].as_str().expect("a sentence");
    assert!(
        said.starts_with(&sentence) && said.contains("`listen` in [console]"),
        "{said}"
    );
    eventually("the appliance's own proof, without a console", || {
        let proofs = appliance.get("/api/proofs");
        let passed = proofs.as_array()?.first()?["passed"].as_bool()?;
        passed.then_some(())
    });
    drop(taken);
    let ports = folder.join("state/ports.json");
    eventually("the console answers by itself", || {
        let text = std::fs::read(&ports).ok()?;
        let ports: Value = serde_json::from_slice(&text).ok()?;
        (ports["console"] == u64::from(address.port())).then_some(())
    });
    let page = crate::harness::Browser::new(
        &format!("https://{address}"),
        &folder.join("state/tls/certificate.pem"),
    )
    .get("/login");
    assert_eq!(page.status, 200, "{}", page.text());
    let journal = appliance.get("/api/journal");
    let mut facts = journal.as_array().expect("facts").iter();
    assert!(facts.any(|f| f["fact"] == "trouble_over"), "{journal}");
}
