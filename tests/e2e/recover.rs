//! The box burns; what is left is the NAS, and a password or a paper. `reprise recover` brings the appliance back.

use crate::harness::{Appliance, Start, Temp, cli, config_text, make_vault, within};
use serde_json::Value;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

const PASSWORD: &str = "correct horse battery staple\n";

/// What outlives the box, and what the box knew.
struct Fire {
    /// The NAS, the password written down elsewhere, the words on paper, what was saved.
    safe: Temp,
    nas: String,
    run: Value,
    proof: Value,
    certificate: Vec<u8>,
}

/// An appliance that saved, proved and copied itself; then kill -9, and its disk is gone.
fn fire() -> Fire {
    let (safe, lost) = (Temp::new(), Temp::new());
    std::fs::create_dir(safe.join("nas")).expect("the NAS");
    make_vault(&safe.join("nas"));
    std::fs::write(safe.join("password"), PASSWORD).expect("a copy of the password");
    std::fs::create_dir(safe.join("share")).expect("a folder");
    std::fs::write(safe.join("share/note"), "a note").expect("a file");
    let nas = safe.join("nas").display().to_string();
    let share = safe.join("share").display().to_string();
    let config = config_text(&format!(
        "[[target]]\nname = \"nas\"\nurl = \"{nas}\"\npassword_file = \"secrets/nas\"\n\
         [notify]\nmattermost_url_file = \"secrets/hook\"\n\
         [[plan]]\nname = \"compta\"\nfiles = [\"{share}\"]\ntargets = [\"nas\"]\n"
    ));
    std::fs::create_dir(lost.join("secrets")).expect("a folder");
    std::fs::write(lost.join("secrets/nas"), PASSWORD).expect("the password");
    // Nobody listens there.
    std::fs::write(lost.join("secrets/hook"), "http://127.0.0.1:9/hook").expect("an address");
    let paper = safe.join("paper").display().to_string();
    let password = safe.join("password").display().to_string();
    done(&cli(
        safe.path(),
        &[
            "vault",
            "key",
            "recovery",
            &nas,
            "--out",
            &paper,
            "--password-file",
            &password,
        ],
    ));
    let appliance = Appliance::first_start(&lost, &config);
    done(&appliance.cli(&["plan", "run", "compta"]));
    let run = newest(&appliance.get("/api/runs"), "compta").expect("the run");
    let proof = within(Duration::from_secs(120), "the run is proven", || {
        newest(&appliance.get("/api/proofs"), "compta")
    });
    done(&appliance.cli(&["plan", "run", "appliance"]));
    let certificate = std::fs::read(lost.join("state/tls/certificate.pem")).expect("certificate");
    appliance.kill();
    Fire {
        safe,
        nas,
        run,
        proof,
        certificate,
    }
}

fn newest(list: &Value, plan: &str) -> Option<Value> {
    let list = list.as_array()?;
    list.iter().find(|entry| entry["plan"] == plan).cloned()
}

fn done(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(output: &Output, says: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(says), "{said}");
}

impl Fire {
    /// `reprise recover` into a bare folder, with `--password-file` or `--recovery-key`.
    fn recover(&self, into: &Temp, with: (&str, &str), more: &[&str]) -> Output {
        let (secret, dir) = (self.path(with.1), into.path().display().to_string());
        let mut all = vec!["recover", &self.nas, with.0, &secret, "--dir", &dir];
        all.extend(more);
        cli(self.safe.path(), &all)
    }

    fn path(&self, name: &str) -> String {
        self.safe.join(name).display().to_string()
    }

    /// It serves again, with its evidence, its certificate and its plan.
    fn is_back(&self, into: &Temp) {
        let appliance = Appliance::start(into, Start::default());
        for (list, known) in [("/api/runs", &self.run), ("/api/proofs", &self.proof)] {
            let entries = appliance.get(list);
            let ids = entries.as_array().expect("a list").iter().map(|e| &e["id"]);
            assert!(
                ids.clone().any(|id| *id == known["id"]),
                "{list}: {entries}"
            );
        }
        let certificate = std::fs::read(into.join("state/tls/certificate.pem")).expect("one");
        assert!(certificate == self.certificate, "another certificate");
        let journal = appliance.get("/api/journal");
        let facts = journal.as_array().expect("a list");
        let told = facts.iter().find(|line| line["fact"] == "recovered");
        let told = told.unwrap_or_else(|| panic!("not told: {journal}"));
        assert_eq!(told["target"], "nas", "{told}");
        done(&appliance.cli(&["plan", "run", "compta"]));
        let again = newest(&appliance.get("/api/runs"), "compta").expect("the run");
        assert_eq!(again["outcome"], "done", "{again}");
        assert_ne!(again["id"], self.run["id"]);
        // It goes on where the lost one stopped: nothing is stored twice.
        let back = into.join("back").display().to_string();
        let restore = [
            "restore",
            "compta@latest",
            "--target",
            "nas",
            "--to",
            &back,
            "--yes",
        ];
        done(&appliance.cli(&restore));
        assert_eq!(
            std::fs::read(into.join("back/note")).expect("the file"),
            b"a note"
        );
        let (status, log) = appliance.terminate();
        assert!(status.success(), "{log}");
    }
}

#[test]
fn a_burnt_box_is_back_with_its_plans_and_its_evidence() {
    let fire = fire();
    let bare = Temp::new();
    let with = ("--password-file", "password");
    // Looking changes nothing, also where not even the folder is there; and nobody can be asked here.
    std::fs::remove_dir(bare.path()).expect("an empty folder");
    let seen: Value =
        serde_json::from_str(&done(&fire.recover(&bare, with, &["--dry-run", "--json"])))
            .expect("JSON");
    assert_eq!(
        (&seen["target"], &seen["recovered"]),
        (&"nas".into(), &false.into())
    );
    refused(&fire.recover(&bare, with, &[]), "--yes");
    assert!(!bare.path().exists());

    let said = done(&fire.recover(&bare, with, &["--yes"]));
    assert!(said.contains("recovered in"), "{said}");
    // The other target died with the box: what it needs is named.
    assert!(said.contains("password of target local"), "{said}");
    assert!(said.contains("address of the Mattermost webhook"), "{said}");
    assert_eq!(
        std::fs::read_to_string(bare.join("secrets/nas")).expect("the password"),
        PASSWORD
    );
    fire.is_back(&bare);
}

#[test]
fn the_paper_alone_brings_it_back() {
    let fire = fire();
    let bare = Temp::new();
    done(&fire.recover(&bare, ("--recovery-key", "paper"), &["--yes"]));
    let own = std::fs::read_to_string(bare.join("secrets/nas")).expect("a password of its own");
    assert_ne!(own, PASSWORD);
    fire.is_back(&bare);
}

#[test]
fn a_recovery_overwrites_nothing_and_can_be_begun_again() {
    let fire = fire();
    let bare = Temp::new();
    let with = ("--password-file", "password");
    std::fs::write(fire.safe.join("wrong"), "another password\n").expect("a password");
    refused(
        &fire.recover(&bare, ("--password-file", "wrong"), &["--yes"]),
        "wrong password",
    );
    // A vault that no appliance saved itself to.
    let other = Temp::new();
    std::fs::create_dir(other.join("vault")).expect("a folder");
    make_vault(&other.join("vault"));
    let (url, dir) = (other.join("vault"), bare.path().display().to_string());
    let (url, password) = (url.display().to_string(), fire.path("password"));
    let none = [
        "recover",
        &url,
        "--password-file",
        &password,
        "--dir",
        &dir,
        "--yes",
    ];
    refused(&cli(other.path(), &none), "none of its 0 snapshots");

    // Somebody's state lies there.
    std::fs::create_dir(bare.join("state")).expect("a folder");
    std::fs::write(bare.join("state/state.db"), "precious").expect("a file");
    refused(&fire.recover(&bare, with, &["--yes"]), "move it away first");
    assert_eq!(
        std::fs::read(bare.join("state/state.db")).expect("the file"),
        b"precious"
    );
    assert_eq!(names(bare.path()), ["state"]);

    // The rest of a recovery that was cut off.
    std::fs::write(bare.join("state/unfinished-recovery"), "an id").expect("a mark");
    done(&fire.recover(&bare, with, &["--yes"]));
    assert!(!bare.join("state/unfinished-recovery").exists());
    fire.is_back(&bare);
    refused(&fire.recover(&bare, with, &["--yes"]), "move it away first");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    };
    entries.map(name).collect()
}
