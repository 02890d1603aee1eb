//! A NAS that is reached by SFTP only: `reprise vault`, and the plans of an appliance.

use crate::harness::{Appliance, Start, Temp, cli, config_text, eventually, prepare, tree};
use crate::nas::{Kind, Nas};
use serde_json::Value;
use std::process::Output;

struct Away {
    nas: Nas,
    folder: Temp,
    url: String,
}

impl Away {
    fn new() -> Away {
        let folder = Temp::new();
        std::fs::write(folder.join("vault_password"), "correct horse\n").expect("a password");
        let nas = Nas::start(Kind::default());
        let url = nas.place("volume1/reprise").url.to_string();
        Away { nas, folder, url }
    }

    fn at(&self, name: &str) -> String {
        self.nas.folder.join(name).display().to_string()
    }

    fn vault(&self, arguments: &[&str]) -> Output {
        let (password, key) = (self.folder.join("vault_password"), self.at("key"));
        let mut all = vec!["vault"];
        all.extend(arguments);
        all.extend(["--password-file", password.to_str().expect("plain text")]);
        let known = self.at("known_hosts");
        all.extend(["--known-hosts", &known]);
        if !arguments.contains(&"--ssh-password-file") {
            all.extend(["--ssh-key", &key]);
        }
        cli(self.folder.path(), &all)
    }

    fn done(&self, arguments: &[&str]) -> Value {
        let output = self.vault(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.vault(arguments);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        text(&output)
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn the_vault_verbs_work_over_sftp() {
    let away = Away::new();
    let url = away.url.as_str();
    let source = away.folder.join("source");
    tree::plant(&source);
    let from = source.display().to_string();

    // The first time, the host key is shown, and nothing is done until it was confirmed.
    let fingerprint = away.nas.fingerprint("host");
    let said = away.refused(&["init", url]);
    assert!(
        said.contains(&fingerprint) && said.contains("--host-key"),
        "{said}"
    );
    assert!(!away.nas.disk().join("volume1/reprise").exists());
    away.done(&["init", url, "--host-key", &fingerprint]);
    assert!(away.refused(&["init", url]).contains("already holds one"));

    away.done(&["backup", url, &from, "--plan", "compta", "--json"]);
    let second = away.done(&["backup", url, &from, "--plan", "compta", "--json"]);
    assert_eq!(second["stored_bytes"], 0);
    let listed = away.done(&["snapshots", url, "--json"]);
    assert_eq!(listed["snapshots"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        away.done(&["ls", url, "compta@latest", "--json"])[0]["path"],
        from.as_str()
    );
    away.done(&["stats", url, "--json"]);
    away.done(&["check", url, "--read-all"]);
    away.done(&["key", "list", url, "--json"]);
    away.done(&["hold", url, "compta@latest", "--note", "audit"]);
    std::fs::write(source.join("needle.txt"), "found").expect("a file");
    away.done(&["backup", url, &from, "--plan", "compta", "--json"]);
    let found = away.done(&["find", url, "NEEDLE", "--json"]);
    let path = found[0]["path"].as_str().expect("one is found").to_owned();
    assert_eq!(away.vault(&["cat", url, "latest", &path]).stdout, b"found");
    away.done(&["forget", url, "--keep-last", "1", "--yes"]);
    away.done(&["prune", url]);
    away.done(&["check", url]);

    let to = away.folder.join("to");
    away.done(&[
        "restore",
        url,
        "latest",
        "--to",
        to.to_str().expect("plain text"),
    ]);
    assert_eq!(tree::differences(&source, &to), "");

    // By password too; and nothing that is secret is ever shown.
    let password = away.at("password");
    away.done(&["snapshots", url, "--json", "--ssh-password-file", &password]);
    let wrong = away.at("wrong_password");
    let said = away.refused(&["snapshots", url, "--ssh-password-file", &wrong]);
    assert!(
        said.contains("wrong_password") && !said.contains("portes"),
        "{said}"
    );
    let said = away.refused(&["snapshots", "sftp://nas:s3cret@127.0.0.1/v"]);
    assert!(
        said.contains("file of its own") && !said.contains("s3cret"),
        "{said}"
    );
}

/// The sentence of the one trouble with the target, when it says `what`.
fn trouble(appliance: &Appliance, what: &str) -> Option<String> {
    let status = appliance.get("/api/status?lang=en");
    let mut all = status["troubles"].as_array()?.iter();
    let ours = all.find(|t| t["object"] == "target nas")?;
    let sentence = ours["sentence"].as_str()?;
    sentence.contains(what).then(|| sentence.to_owned())
}

#[test]
fn a_plan_is_saved_proven_and_restored_over_sftp_and_a_nas_that_is_away_is_said() {
    let mut away = Away::new();
    let fingerprint = away.nas.fingerprint("host");
    away.done(&["init", &away.url, "--host-key", &fingerprint]);
    let folder = Temp::new();
    let config = format!(
        "[[target]]\nname = \"nas\"\nurl = \"{}\"\nssh_key = \"{}\"\nknown_hosts = \"{}\"\npassword_file = \"{}\"\n\
         [[plan]]\nname = \"compta\"\nfiles = [\"share\"]\ntargets = [\"nas\"]\n",
        away.url,
        away.at("key"),
        away.at("known_hosts"),
        away.folder.join("vault_password").display(),
    );
    let config = config_text(&config).replace("[console]", "image_target = \"nas\"\n[console]");
    prepare(&folder, &config);
    tree::plant(&folder.join("share"));

    // It is off when the appliance starts: said in words, with the machine and what to do.
    away.nas.stop();
    let appliance = Appliance::start(&folder, Start::default());
    let said = eventually("a trouble", || trouble(&appliance, "does not answer"));
    let host = format!("127.0.0.1:{}", away.nas.port);
    assert!(
        said.contains(&host) && said.contains("check that"),
        "{said}"
    );
    let failed = appliance.cli(&["plan", "run", "compta"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed).contains(&host), "{}", text(&failed));

    // It is back as another machine: refused, and the trouble says so in place of the first.
    away.nas.start_again("other_host");
    let failed = appliance.cli(&["plan", "run", "compta"]);
    assert_eq!(failed.status.code(), Some(1));
    let said = eventually("the other trouble", || {
        trouble(&appliance, "is not the machine it was")
    });
    assert!(said.contains(&away.at("known_hosts")), "{said}");

    // It is back as itself: saved, proven, over.
    away.nas.stop();
    away.nas.start_again("host");
    let done = appliance.cli(&["plan", "run", "compta"]);
    assert!(done.status.success(), "{}", text(&done));
    let proof = eventually("the proof", || {
        let proofs = appliance.get("/api/proofs");
        let mut proofs = proofs.as_array()?.iter();
        proofs.find(|p| p["plan"] == "compta").cloned()
    });
    assert_eq!(
        (&proof["passed"], &proof["target"]),
        (&true.into(), &"nas".into())
    );
    eventually("the trouble is over", || {
        let status = appliance.get("/api/status");
        status["troubles"].as_array()?.is_empty().then_some(())
    });

    // Images go the same way.
    let disk = folder.join("poste.raw");
    std::fs::write(&disk, vec![7; 3 << 20]).expect("a disk");
    let disk = disk.display().to_string();
    appliance.cli_json(&["image", "import", &disk, "--name", "poste"]);
    let images = appliance.cli_json(&["image", "list"]);
    assert!(images.to_string().contains("poste"), "{images}");

    // Its connections are cut while nobody looks: the next one who asks is served.
    away.nas.kill_sessions();
    let back = folder.join("back").display().to_string();
    let restored = appliance.cli(&[
        "restore",
        "compta@latest",
        "--target",
        "nas",
        "--to",
        &back,
        "--yes",
    ]);
    assert!(restored.status.success(), "{}", text(&restored));
    let share = folder.join("share");
    assert_eq!(tree::differences(&share, &folder.join("back")), "");
}
