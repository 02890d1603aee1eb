//! `reprise setup` with a file of answers: each is tried at once, and the configuration only ever grows.

use crate::harness::{Temp, cli};
use crate::nas::{Kind, Nas, PASSWORD};
use crate::servers::{self, Server};
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

struct Machine {
    folder: Temp,
}

impl Machine {
    fn new() -> Machine {
        let folder = Temp::new();
        std::fs::create_dir(folder.join("share")).expect("a share");
        std::fs::write(folder.join("share/a"), "a").expect("a file");
        Machine { folder }
    }

    fn at(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn setup(&self, answers: &str, language: &str) -> Output {
        std::fs::write(self.folder.join("answers"), answers).expect("answers");
        let answers = self.at("answers");
        cli(
            self.folder.path(),
            &["setup", "--answers", &answers, "--language", language],
        )
    }

    fn done(&self, answers: &str) -> String {
        let output = self.setup(answers, "en");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }

    fn refused(&self, answers: &str, language: &str) -> String {
        let output = self.setup(answers, language);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn config(&self) -> String {
        std::fs::read_to_string(self.folder.join("reprise.toml")).expect("the configuration")
    }
}

#[test]
fn a_wrong_answer_is_named_and_the_configuration_stays_as_it_was() {
    let here = Machine::new();
    let share = here.at("share");
    here.done(&format!("folders = {share}\n"));
    let before = here.config();
    let gone = here.at("gone");
    for (answers, says) in [
        (
            format!("folders = {gone}\n"),
            [gone.as_str(), "cannot be read"],
        ),
        ("folders = srv\n".to_owned(), ["srv", "begin with `/`"]),
        (
            format!("folders = {share}\nhour = 25:00\n"),
            ["hour", "25:00"],
        ),
        (format!("place = {gone}/x/y\n"), [gone.as_str(), "mount"]),
        (
            "place = sftp://nas:secret@nas/x\n".to_owned(),
            ["place", "file of its own"],
        ),
        (
            "folder = /srv\n".to_owned(),
            ["line 1", "`folder` is no question"],
        ),
        (format!("folders = {share}\nmail = me\n"), ["mail", "`me`"]),
        (
            format!("folders = {share}\nmail = me@example.net\nmail_server = 127.0.0.1:1\n"),
            ["127.0.0.1:1", "port"],
        ),
    ] {
        let said = here.refused(&answers, "en");
        assert!(
            says.iter().all(|what| said.contains(what)),
            "{answers}: {said}"
        );
        assert!(!said.contains("secret"), "{said}");
        assert_eq!(here.config(), before, "{answers}");
    }
    let said = here.refused(&format!("folders = {gone}\n"), "fr");
    assert!(said.contains("n’est pas lisible\u{a0}:"), "{said}");
    let said = here.refused(&format!("folders = {share}\ngo = no\n"), "en");
    assert!(said.contains("Nothing was added"), "{said}");
    assert_eq!(here.config(), before);
}

#[test]
fn a_nas_is_recognised_first_and_what_is_there_only_grows() {
    let here = Machine::new();
    let nas = Nas::start(Kind {
        is_chrooted: true,
        ..Kind::default()
    });
    let place = format!(
        "place = sftp://nas@127.0.0.1:{}/volume1/reprise\n",
        nas.port
    );
    let password = format!(
        "ssh_password_file = {}\n",
        nas.folder.join("password").display()
    );
    let folders = format!("folders = {}\n", here.at("share"));

    // Another host key than was named: nothing is sent, not even the password's length.
    let other = nas.fingerprint("other_host");
    let wrong = format!("{place}host_key = {other}\n{password}{folders}");
    let said = here.refused(&wrong, "en");
    assert!(said.contains(&nas.fingerprint("host")), "{said}");
    assert_eq!(nas.said("Accepted") + nas.said("Failed"), 0);
    assert!(!nas.disk().join("volume1/reprise").exists());

    let known = format!("host_key = {}\n", nas.fingerprint("host"));
    let bad = nas.folder.join("wrong_password").display().to_string();
    let said = here.refused(
        &format!("{place}{known}ssh_password_file = {bad}\n{folders}"),
        "en",
    );
    assert!(said.contains("refused the login of nas"), "{said}");

    let said = here.done(&format!("{place}{known}{password}{folders}"));
    assert!(
        said.contains("Vault made") && !said.contains(PASSWORD),
        "{said}"
    );
    let first = here.config();
    assert!(!first.contains(PASSWORD));
    for secret in ["nas-login", "nas-password"] {
        let mode = std::fs::metadata(here.folder.join(secret))
            .expect("it")
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{secret}");
    }
    let saved = cli(here.folder.path(), &["plan", "run", "share"]);
    assert!(
        saved.status.success(),
        "{}",
        String::from_utf8_lossy(&saved.stderr)
    );

    // Again, with a comment of its owner: one more service to the same place, every byte before it kept.
    let edited = format!("{first}# mine\n");
    std::fs::write(here.folder.join("reprise.toml"), &edited).expect("edited");
    here.done(&format!("place = nas\n{folders}"));
    let second = here.config();
    assert!(second.starts_with(&edited), "{second}");
    assert_eq!(
        second.matches("[[target]]").count(),
        first.matches("[[target]]").count()
    );
    assert!(second.contains("name = \"share-2\""), "{second}");

    // A box set up anew finds the vault there: it is opened, never made again.
    let anew = Machine::new();
    let folders = format!("folders = {}\n", anew.at("share"));
    let vault_password = here.at("nas-password");
    let said = anew.done(&format!(
        "{place}{known}{password}vault_password_file = {vault_password}\n{folders}"
    ));
    assert!(said.contains("opens with that password"), "{said}");
    let listed = cli(anew.folder.path(), &["snapshot", "list"]);
    assert!(
        String::from_utf8_lossy(&listed.stdout).contains("share"),
        "{listed:?}"
    );
}

/// A small Dolibarr whose settings name this server; its folder.
fn dolibarr(here: &Machine, server: &Server, password: &str) -> String {
    let folder = here.folder.join("dolibarr");
    for inside in ["htdocs/conf", "documents/facture"] {
        std::fs::create_dir_all(folder.join(inside)).expect("a folder");
    }
    std::fs::write(folder.join("documents/facture/FA1.pdf"), "%PDF").expect("a document");
    let text = format!(
        "<?php\n$dolibarr_main_data_root='{}';\n$dolibarr_main_db_host='localhost:{}';\n\
         $dolibarr_main_db_name='dolibarr';\n$dolibarr_main_db_prefix='llx_';\n$dolibarr_main_db_user='erp';\n\
         $dolibarr_main_db_pass='{}';\n$dolibarr_main_db_type='mysqli';\n",
        folder.join("documents").display(),
        server.folder.join("s").display(),
        password.replace('\\', "\\\\").replace('\'', "\\'"),
    );
    std::fs::write(folder.join("htdocs/conf/conf.php"), text).expect("settings");
    folder.display().to_string()
}

#[test]
fn a_dolibarr_is_recognised_its_database_is_tried_and_it_is_saved_whole() {
    let server = Server::start(databases::Engine::MariaDb);
    server.admin("CREATE DATABASE dolibarr CHARACTER SET utf8mb4");
    server.sql(
        "dolibarr",
        "CREATE TABLE llx_user (rowid INT PRIMARY KEY, login VARCHAR(50), statut INT); INSERT INTO llx_user VALUES (1, 'admin', 1)",
    );
    let here = Machine::new();
    let folder = dolibarr(&here, &server, "wrong");
    let answers = format!("folders = {folder}, {}\n", here.at("share"));
    let said = here.refused(&answers, "en");
    assert!(said.contains("erp") && said.contains("password"), "{said}");
    assert!(!here.config().contains("[[plan]]\nname = \"dolibarr\""));

    dolibarr(&here, &server, servers::PASSWORD);
    let said = here.done(&answers);
    assert!(
        said.contains("Dolibarr found in") && !said.contains(servers::PASSWORD),
        "{said}"
    );
    assert!(here.config().contains("recipe = \"dolibarr\""));
    server.assert_no_login();
    let saved = cli(here.folder.path(), &["plan", "run", "dolibarr"]);
    assert!(
        saved.status.success(),
        "{}",
        String::from_utf8_lossy(&saved.stderr)
    );
    let listed = cli(
        here.folder.path(),
        &[
            "snapshot",
            "ls",
            "dolibarr@latest",
            "/.reprise/databases/dolibarr",
        ],
    );
    assert!(
        String::from_utf8_lossy(&listed.stdout).contains("manifest.json"),
        "{listed:?}"
    );
}
