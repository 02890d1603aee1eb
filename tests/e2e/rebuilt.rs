//! A saved database in a new one of a real server: by the command, and from the restore point's page.

use crate::harness::{Appliance, Browser, Start, within};
use crate::notify::{logged_in, token};
use crate::proofs::Erp;
use crate::servers;
use databases::Engine;
use serde_json::Value;
use std::process::Output;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(240);
/// Of the table of bills: how many, and of the last of them.
const COUNT: &str = "SELECT COUNT(*) FROM llx_facture";
const LAST: &str = "SELECT ref FROM llx_facture WHERE rowid = 20000";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// What stands in a hidden field of a form.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap_or_else(|| panic!("no {name}: {page}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}

struct Back {
    erp: Erp,
    appliance: Appliance,
}

impl Back {
    fn new(engine: Engine) -> Back {
        let erp = Erp::new(engine, "listed");
        let appliance = Appliance::start(&erp.folder, Start::default());
        let saved = appliance.cli(&["plan", "run", "erp"]);
        assert!(saved.status.success(), "{}", said(&saved));
        Back { erp, appliance }
    }

    fn url(&self, name: &str) -> String {
        self.erp.server.source(name).url.to_string()
    }

    fn command(&self, name: &str, more: &[&str]) -> Output {
        let (url, password) = (self.url(name), self.erp.folder.join("database-password"));
        let password = password.display().to_string();
        let all = ["restore", "erp@latest", "--database", &url];
        let all = [&all[..], &["--database-password-file", &password], more].concat();
        self.appliance.cli(&all)
    }

    /// Its rows are there, says the server's own client.
    fn holds(&self, name: &str) {
        let server = &self.erp.server;
        assert_eq!(server.sql(name, COUNT), "20000");
        assert_eq!(server.sql(name, LAST), server.sql("dolibarr", LAST));
    }

    fn is_not_there(&self, name: &str) {
        let there = self.erp.server.client(name, COUNT.as_bytes());
        assert!(!there.status.success(), "{}", said(&there));
    }
}

#[test]
fn a_database_is_restored_into_a_new_one_by_the_command() {
    for engine in [Engine::MariaDb, Engine::PostgreSql] {
        let back = Back::new(engine);
        let shown = back.command("erp_back", &["--dry-run"]);
        assert!(shown.status.success(), "{}", said(&shown));
        let text = said(&shown);
        assert!(
            text.contains("20000") && text.contains("erp_back"),
            "{text}"
        );
        back.is_not_there("erp_back");

        let made = back.command("erp_back", &["--yes"]);
        assert!(made.status.success(), "{}", said(&made));
        assert!(said(&made).contains("verified"), "{}", said(&made));
        back.holds("erp_back");

        // Once more, and over the one that is in use: refused, and nothing is changed.
        back.erp
            .server
            .sql("erp_back", "DELETE FROM llx_facture WHERE rowid > 10");
        for name in ["erp_back", "dolibarr"] {
            let again = back.command(name, &["--yes"]);
            assert_eq!(again.status.code(), Some(1), "{}", said(&again));
            assert!(said(&again).contains("exists already"), "{}", said(&again));
        }
        assert_eq!(back.erp.server.sql("erp_back", COUNT), "10");
        back.holds("dolibarr");
        let outside = [
            said(&made),
            back.appliance.get("/api/restores").to_string(),
            back.appliance.get("/api/journal").to_string(),
            back.appliance.log(),
        ];
        for text in outside {
            assert!(!text.contains(servers::PASSWORD), "{text}");
        }
    }
}

/// The page of the newest restore point of the plan.
fn point(appliance: &Appliance, browser: &mut Browser) -> String {
    let runs = appliance.get("/api/runs");
    let mut runs = runs.as_array().expect("a list").iter();
    let run = runs.find(|run| run["plan"] == "erp").expect("its run");
    let snapshot = run["snapshot"].as_str().expect("a restore point");
    let address = format!("/snapshots/local/{snapshot}");
    let page = browser.get(&address).text();
    assert!(
        page.contains(&format!("href=\"{address}/database\"")),
        "{page}"
    );
    address
}

#[test]
fn a_database_is_restored_from_the_page_of_its_restore_point() {
    for engine in [Engine::MariaDb, Engine::PostgreSql] {
        let back = Back::new(engine);
        let mut browser = logged_in(&back.appliance);
        let point = point(&back.appliance, &mut browser);
        let address = format!("{point}/database");
        let form = browser.get(&address);
        assert_eq!(form.status, 200, "{}", form.text());
        let token = token(&form.text());
        let mut ask = |to: &str, password: &str| {
            let fields = [
                ("token", token.as_str()),
                ("to", to),
                ("password", password),
            ];
            let page = browser.post(&address, &fields);
            let text = page.text();
            assert!(
                !text.contains("#or:d"),
                "the password is on the page: {text}"
            );
            (page.status, text)
        };
        for (to, password, says) in [
            ("erp_back", servers::PASSWORD, "cannot be read"),
            (&back.url("erp_back"), "wrong", "erp_back"),
            (&back.url("dolibarr"), servers::PASSWORD, "exists already"),
        ] {
            let (status, text) = ask(to, password);
            assert_eq!(status, 422, "{to}: {text}");
            assert!(
                text.contains(says) && !text.contains("id=\"preview\""),
                "{text}"
            );
        }
        let (status, shown) = ask(&back.url("erp_back"), servers::PASSWORD);
        assert_eq!(status, 200, "{shown}");
        for what in [
            "id=\"preview\"",
            "dolibarr, as it was on",
            "erp_back, which does not exist yet",
            "20,000 rows",
        ] {
            assert!(shown.contains(what), "{what}: {shown}");
        }
        back.is_not_there("erp_back");

        let confirm = hidden(&shown, "confirm");
        let fields = [("token", token.as_str()), ("confirm", confirm.as_str())];
        let begun = browser.post("/restores/database", &fields);
        assert_eq!(begun.status, 303, "{}", begun.text());
        let followed = begun.header("location").to_owned();
        let page = browser.get(&followed).text();
        assert!(page.contains("erp_back"), "{page}");
        let id = followed.rsplit('/').next().expect("an id");
        let restore: Value = within(LONG, "it ends", || {
            let restore = back.appliance.get(&format!("/api/restores/{id}"));
            restore["outcome"].is_string().then_some(restore)
        });
        assert_eq!(restore["outcome"], "done", "{restore}");
        back.holds("erp_back");
        assert!(
            browser.get(&followed).text().contains("verified: 1 tables"),
            "{restore}"
        );
        // What was shown is done once.
        let again = browser.post("/restores/database", &fields);
        assert_eq!(again.status, 400, "{}", again.text());
    }
}
