//! The appliance's own copy goes to every target, and any one of them brings it back.

use crate::harness::{Appliance, Start, Temp, cli, config_text, make_vault, prepare, within};
use crate::nas::{Kind, Nas};
use serde_json::Value;
use std::process::Output;
use std::time::Duration;

const PASSWORD: &str = "correct horse battery staple\n";

fn done(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The entries of `list` about the appliance itself, the newest of each target.
fn own(appliance: &Appliance, list: &str, target: &str) -> Option<Value> {
    let all = appliance.get(list);
    let mut all = all.as_array()?.iter();
    all.find(|entry| entry["plan"] == "appliance" && entry["target"] == target)
        .cloned()
}

#[test]
fn the_appliance_saves_itself_to_every_target_and_comes_back_from_the_second_alone() {
    let (safe, lost) = (Temp::new(), Temp::new());
    let nas = Nas::start(Kind::default());
    let at = |name: &str| nas.folder.join(name).display().to_string();
    let url = nas.place("volume1/reprise").url.to_string();
    std::fs::write(safe.join("password"), PASSWORD).expect("a copy of the password");
    let password = safe.join("password").display().to_string();
    let (key, known_hosts) = (at("key"), at("known_hosts"));
    let ssh = ["--ssh-key", &key, "--known-hosts", &known_hosts];
    let fingerprint = nas.fingerprint("host");
    let init = ["vault", "init", &url, "--host-key", &fingerprint];
    done(&cli(
        safe.path(),
        &[&init[..], &["--password-file", &password], &ssh].concat(),
    ));

    // A folder on the box, a folder on another disk, and a NAS by SFTP: three places, each with its own password file.
    std::fs::create_dir(lost.join("disk")).expect("a folder");
    make_vault(&lost.join("disk"));
    std::fs::create_dir(lost.join("share")).expect("a folder");
    std::fs::write(lost.join("share/note"), "a note").expect("a file");
    std::fs::write(lost.join("nas-password"), PASSWORD).expect("the password");
    let config = config_text(&format!(
        "[[target]]\nname = \"disk\"\nurl = \"disk\"\npassword_file = \"password\"\n\
         [[target]]\nname = \"nas\"\nurl = \"{url}\"\nssh_key = \"{key}\"\nknown_hosts = \"{known_hosts}\"\n\
         password_file = \"nas-password\"\n\
         [[plan]]\nname = \"compta\"\nfiles = [\"share\"]\ntargets = [\"nas\"]\n"
    ));
    prepare(&lost, &config);
    let appliance = Appliance::start(&lost, Start::default());
    // By itself, at its first start: to each of them, and each is restored for real.
    for target in ["local", "disk", "nas"] {
        let proof = within(Duration::from_secs(120), "its own copy is proven", || {
            own(&appliance, "/api/proofs", target)
        });
        assert_eq!(proof["passed"], true, "{proof}");
        let run = own(&appliance, "/api/runs", target).expect("its run");
        assert_eq!(run["outcome"], "done", "{run}");
    }
    done(&appliance.cli(&["plan", "run", "compta"]));
    // What is known now goes to each of them too, when somebody asks for it.
    done(&appliance.cli(&["plan", "run", "appliance"]));
    let journal = appliance.get("/api/journal");
    let compta = own_run(&appliance).expect("the run of compta");
    assert!(journal.to_string().contains("run_finished"), "{journal}");
    appliance.kill();
    // The box burns, with the vault in it and the disk beside it.
    drop(lost);

    let bare = Temp::new();
    let dir = bare.path().display().to_string();
    let recover = [
        "recover",
        &url,
        "--password-file",
        &password,
        "--dir",
        &dir,
        "--yes",
    ];
    let said = done(&cli(safe.path(), &[&recover[..], &ssh].concat()));
    assert!(said.contains("recovered in"), "{said}");
    // What the other two need is named; the third is ready.
    for named in ["password of target local", "password of target disk"] {
        assert!(said.contains(named), "{named}: {said}");
    }
    assert!(!said.contains("password of target nas"), "{said}");
    let appliance = Appliance::start(&bare, Start::default());
    let runs = appliance.get("/api/runs");
    let mut known = runs.as_array().expect("a list").iter();
    assert!(known.any(|run| run["id"] == compta["id"]), "{runs}");
    let back = bare.join("back").display().to_string();
    let restore = ["restore", "compta@latest", "--target", "nas"];
    done(&appliance.cli(&[&restore[..], &["--to", &back, "--yes"]].concat()));
    let note = std::fs::read(bare.join("back/note")).expect("the file");
    assert_eq!(note, b"a note");
    let (status, log) = appliance.terminate();
    assert!(status.success(), "{log}");
}

fn own_run(appliance: &Appliance) -> Option<Value> {
    let all = appliance.get("/api/runs");
    let mut all = all.as_array()?.iter();
    all.find(|run| run["plan"] == "compta").cloned()
}
