//! A PC's disk becomes an image, and that image another PC's disk. Both ends are the real binary; a machine is a folder
//! and its disk a file.

use crate::deploy::{Agent, MIB, Machine, confirmed, host_waiting, noise};
use crate::harness::{Appliance, Start, Temp, config_text, within};
use serde_json::{Value, json};
use std::time::Duration;

fn approve(appliance: &Appliance, host: &Value) -> String {
    let id = host["id"].as_str().expect("an id");
    let approval = json!({ "code": host["pairing_code"] });
    let (status, body) = appliance.post(&format!("/api/hosts/{id}/approve"), &approval);
    assert_eq!(status, 200, "{body}");
    id.to_owned()
}

fn session(appliance: &Appliance, id: &Value) -> Value {
    appliance.get(&format!("/api/sessions/{}", id.as_str().expect("an id")))
}

#[test]
fn a_disk_becomes_an_image_and_the_image_another_disk() {
    let folder = Temp::new();
    let appliance = Appliance::first_start(&folder, &config_text(""));
    let model = Machine::new(&folder, "M", "52:54:00:0c:0a:01");
    let disk = noise(20 * MIB, 60 * MIB + 512);
    model.has(&disk);
    let mut agent = model.agent(&appliance, 1);
    let host = host_waiting(&appliance, model.mac);

    let capture = |arguments: &[&str]| {
        let host = host["id"].as_str().expect("an id");
        let output = appliance.cli(&[&["image", "capture", host], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), said)
    };
    let (ok, said) = capture(&["--name", "poste"]);
    assert!(!ok && said.contains("not approved"), "{said}");
    approve(&appliance, &host);
    let (ok, said) = capture(&["--name", "poste modèle"]);
    assert!(!ok && said.contains("choose another"), "{said}");
    let (ok, said) = capture(&["--name", "poste", "--disk", "sdz"]);
    assert!(!ok && said.contains("find disk sdz"), "{said}");
    assert_eq!(appliance.get("/api/sessions"), json!([]));

    let (ok, said) = capture(&["--name", "poste"]);
    assert!(ok && said.contains("nothing on it is changed"), "{said}");
    agent.shows("ABOUT TO READ A DISK");
    assert!(agent.ends().success(), "{}", agent.screen());
    assert!(agent.screen().contains("is in the image poste"));
    assert!(model.holds() == disk, "the disk is as it was");
    let sessions = appliance.get("/api/sessions");
    let done = &sessions[0];
    assert_eq!(
        (&done["task"], &done["state"]),
        (&json!("capture"), &json!("done"))
    );
    let images = appliance.get("/api/images");
    let image = &images["images"][0];
    assert_eq!(
        (&image["name"], &image["id"]),
        (&json!("poste"), &done["image"])
    );
    assert_eq!(image["size_bytes"], disk.len(), "{image}");
    let journal = appliance.get("/api/journal").to_string();
    for fact in ["capture_opened", "image_imported"] {
        assert_eq!(journal.matches(fact).count(), 1, "{fact} in {journal}");
    }

    let other = Machine::new(&folder, "N", "52:54:00:0c:0a:02");
    other.has(&vec![0xee; disk.len()]);
    let mut agent = other.agent(&appliance, 1);
    let host = host_waiting(&appliance, other.mac);
    let id = approve(&appliance, &host);
    let asked = json!({ "host": id, "image": "poste" });
    let (_, preview) = appliance.post("/api/sessions/preview", &asked);
    let (status, opened) = appliance.post("/api/sessions", &confirmed(&preview));
    assert_eq!(status, 200, "{opened}");
    assert!(agent.ends().success(), "{}", agent.screen());
    assert!(other.holds() == disk, "the other disk, byte for byte");
}

/// Waits until the disk is being read.
fn reading(appliance: &Appliance, id: &Value, agent: &Agent) {
    within(Duration::from_secs(60), "the disk is being read", || {
        let state = session(appliance, id)["state"].clone();
        assert_ne!(state, "done", "it was over before anybody looked");
        assert_ne!(state, "failed", "{}", agent.screen());
        (state == "reading").then_some(())
    });
}

#[test]
fn an_appliance_that_is_killed_in_the_middle_goes_on_and_a_cancel_leaves_no_image() {
    let folder = Temp::new();
    let mut appliance = Appliance::first_start(&folder, &config_text(""));
    // The PC knows one port: it has to be the same after the restart.
    let port = appliance.console_port();
    let config = config_text("").replace("127.0.0.1:0", &format!("127.0.0.1:{port}"));
    std::fs::write(folder.join("reprise.toml"), config).expect("the configuration");
    let machine = Machine::new(&folder, "K", "52:54:00:0c:0a:03");
    let disk = noise(256 * MIB, 256 * MIB);
    machine.has(&disk);
    let open = |appliance: &Appliance, id: &str| {
        let session = appliance.cli_json(&["image", "capture", id, "--name", "poste"]);
        session["id"].clone()
    };

    let mut agent = machine.agent(&appliance, 1);
    let id = approve(&appliance, &host_waiting(&appliance, machine.mac));
    let first = open(&appliance, &id);
    reading(&appliance, &first, &agent);
    let path = format!("/api/sessions/{}/cancel", first.as_str().expect("an id"));
    assert_eq!(appliance.post(&path, &Value::Null).0, 200);
    assert_eq!(agent.ends().code(), Some(1), "{}", agent.screen());
    assert!(
        agent.screen().contains("there is no image"),
        "{}",
        agent.screen()
    );
    assert_eq!(appliance.get("/api/images")["images"], json!([]));

    let mut agent = machine.agent(&appliance, 1);
    let second = open(&appliance, &id);
    reading(&appliance, &second, &agent);
    appliance.kill_and_start(&folder, Start::default());
    assert!(agent.ends().success(), "{}", agent.screen());
    assert_eq!(session(&appliance, &second)["state"], "done");
    let images = appliance.get("/api/images");
    assert_eq!(
        images["images"].as_array().map(Vec::len),
        Some(1),
        "{images}"
    );
    assert!(machine.holds() == disk);
}
