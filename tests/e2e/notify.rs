//! Messages against real servers: a mail server (aiosmtpd) and an HTTP server, up, down, and down when it counts.

use crate::harness::{Appliance, Browser, Start, Temp, config_text, prepare, within};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SERVERS: &str = include_str!("harness/servers.py");
/// Pauses after failures grow up to a quarter of an hour; the first of them are seconds.
const SOON: Duration = Duration::from_secs(150);

/// A server of `servers.py`; ends with the test.
pub(crate) struct Server {
    child: Child,
    folder: PathBuf,
    pub(crate) port: u16,
}

impl Server {
    /// `more`: port, then certificate, key and password.
    pub(crate) fn start(folder: &Temp, kind: &str, more: &[&str]) -> Server {
        let place = folder.join(&format!("{kind}-server"));
        std::fs::create_dir_all(&place).expect("its folder");
        let told = place.join("port");
        let _ = std::fs::remove_file(&told);
        // Debian's own python3: that is the one python3-aiosmtpd was installed for.
        let child = Command::new("/usr/bin/python3")
            .args(["-c", SERVERS, kind])
            .arg(&place)
            .args(more)
            .stdin(Stdio::null())
            .spawn()
            .expect("start python3; ./test installs python3-aiosmtpd");
        let mut server = Server {
            child,
            folder: place,
            port: 0,
        };
        server.port = within(Duration::from_secs(60), "the server answers", || {
            if let Ok(Some(status)) = server.child.try_wait() {
                panic!("the {kind} server ended with {status}");
            }
            std::fs::read_to_string(&told).ok()?.parse().ok()
        });
        server
    }

    /// What it received, in order.
    pub(crate) fn received(&self) -> Vec<Value> {
        let mut names: Vec<PathBuf> = std::fs::read_dir(&self.folder)
            .expect("its folder")
            .map(|e| e.expect("an entry").path())
            .filter(|p| p.extension().is_some_and(|e| e == "json"))
            .collect();
        names.sort();
        let read = |path: &PathBuf| {
            serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
        };
        names.iter().map(read).collect()
    }

    /// Waits until so many things came.
    fn waits_for(&self, count: usize) -> Vec<Value> {
        within(SOON, "what was sent arrives", || {
            let found = self.received();
            (found.len() >= count).then_some(found)
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    mail["headers"][name].as_str().unwrap_or_default()
}

fn to(mail: &Value) -> &str {
    mail["to"][0].as_str().expect("a recipient")
}

pub(crate) fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("its address").port()
}

pub(crate) fn mail_text(port: u16, to: &str, more: &str) -> String {
    format!(
        "[notify]\nsmtp = \"127.0.0.1:{port}\"\nsmtp_security = \"none\"\nmail_from = \"reprise@example.net\"\n\
         mail_to = [{to}]\n{more}"
    )
}

#[test]
fn messages_wait_for_their_server_also_over_a_kill_and_each_arrives_once() {
    let folder = Temp::new();
    let port = free_port();
    let plan = "[[plan]]\nname = \"compta\"\nfiles = [\"share\"]\ntargets = [\"local\"]\n";
    let two = "\"admin@example.net\", \"chef@example.net\"";
    let config = config_text(&format!("{}{plan}", mail_text(port, two, "")));
    let appliance = Appliance::first_start(&folder, &config.replace("\"en\"", "\"fr\""));
    let run = |appliance: &Appliance| appliance.cli(&["plan", "run", "compta"]).status.code();
    // Nobody answers at the mail server's port, and the folder of the plan is not there.
    assert_eq!(run(&appliance), Some(1));
    within(SOON, "both mails were tried", || {
        let outbox = appliance.get("/api/notify")["outbox"].clone();
        let tried = outbox.as_array()?.iter().filter(|m| {
            m["state"] == "waiting" && m["attempts"].as_u64() > Some(0) && m["answer"].is_string()
        });
        (tried.count() == 2).then_some(())
    });
    appliance.kill();
    let server = Server::start(&folder, "smtp", &[&port.to_string()]);
    let appliance = Appliance::start(&folder, Start::default());
    let opened = server.waits_for(2);
    // It fails on: nothing is told between the beginning and the end.
    assert_eq!(run(&appliance), Some(1));
    std::fs::create_dir(folder.join("share")).expect("the folder");
    std::fs::write(folder.join("share/note"), "a note").expect("a file");
    assert_eq!(run(&appliance), Some(0));
    let all = server.waits_for(4);
    for recipient in ["admin@example.net", "chef@example.net"] {
        let mails: Vec<&Value> = all.iter().filter(|m| to(m) == recipient).collect();
        assert_eq!(
            mails.len(),
            2,
            "one when it began, one when it was over: {all:?}"
        );
        let (first, last) = (mails[0], mails[1]);
        assert_eq!(
            header(first, "subject"),
            "test\u{a0}: ennui\u{a0}: le plan compta"
        );
        assert_eq!(
            header(last, "subject"),
            "test\u{a0}: réglé\u{a0}: le plan compta"
        );
        assert!(
            last["raw_subject"]
                .as_str()
                .is_some_and(|s| s.contains("=?utf-8?"))
        );
        assert!(
            first["plain"].as_str().is_some_and(|t| t.contains("share")),
            "{first}"
        );
        assert!(
            first["html"]
                .as_str()
                .is_some_and(|t| t.contains("<html lang=\"fr\">"))
        );
        for mail in [first, last] {
            assert_eq!(header(mail, "auto-submitted"), "auto-generated");
            assert_eq!(header(mail, "from"), "reprise@example.net");
            assert_eq!(header(mail, "to"), recipient);
        }
        let id = header(first, "message-id");
        assert!(id.ends_with("@example.net>"), "{id}");
        assert_eq!(header(last, "in-reply-to"), id);
        assert_eq!(header(last, "references"), id);
        assert_ne!(header(last, "message-id"), id);
    }
    assert_eq!(opened.len(), 2);
    let outbox = appliance.cli_json(&["notify", "list"])["outbox"].clone();
    let outbox = outbox.as_array().expect("a list");
    assert_eq!(outbox.len(), 4, "{outbox:?}");
    for message in outbox {
        assert_eq!(message["state"], "sent", "{message}");
        let answer = message["answer"].as_str().expect("an answer");
        assert!(answer.contains("taken, says the test"), "{answer}");
    }
}

#[test]
fn a_recipient_that_is_refused_holds_up_nobody_else() {
    let folder = Temp::new();
    let server = Server::start(&folder, "smtp", &[]);
    let plan = "[[plan]]\nname = \"compta\"\nfiles = [\"gone\"]\ntargets = [\"local\"]\n";
    let two = "\"nobody@example.net\", \"admin@example.net\"";
    let config = config_text(&format!("{}{plan}", mail_text(server.port, two, "")));
    let appliance = Appliance::first_start(&folder, &config);
    assert_eq!(
        appliance.cli(&["plan", "run", "compta"]).status.code(),
        Some(1)
    );
    assert_eq!(to(&server.waits_for(1)[0]), "admin@example.net");
    let refused = within(SOON, "the other is refused", || {
        let outbox = appliance.get("/api/notify")["outbox"].clone();
        let mut all = outbox.as_array()?.iter();
        all.find(|m| m["state"] == "refused").cloned()
    });
    assert_eq!(refused["channel"], "mail to nobody@example.net");
    let why = refused["answer"].as_str().expect("why");
    assert!(
        why.contains("no such mailbox here") && why.contains("`mail_to`"),
        "{why}"
    );
}

#[test]
fn mail_and_webhooks_go_by_tls_to_the_server_whose_authority_is_known_and_to_no_other() {
    let folder = Temp::new();
    let path = |name: &str| folder.join(name).display().to_string();
    for name in ["own", "stranger"] {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])
            .expect("a certificate");
        std::fs::write(folder.join(&format!("{name}.pem")), made.cert.pem()).expect("it");
        let key = made.signing_key.serialize_pem();
        std::fs::write(folder.join(&format!("{name}.key")), key).expect("its key");
    }
    let more = |password: &str| {
        let all = ["0", &path("own.pem"), &path("own.key"), password];
        all.map(str::to_owned)
    };
    let start = |kind: &str| {
        let more = more("s3same");
        Server::start(&folder, kind, &more.each_ref().map(String::as_str))
    };
    let (mail, web) = (start("smtps"), start("https"));
    std::fs::write(folder.join("smtp-password"), "s3same\n").expect("a password");
    std::fs::write(
        folder.join("hook"),
        format!("https://127.0.0.1:{}/hooks/s3cret\n", web.port),
    )
    .expect("an address");
    let config = |authority: &str| {
        config_text(&format!(
            "[notify]\nsmtp = \"127.0.0.1:{}\"\nsmtp_security = \"tls\"\nsmtp_user = \"reprise\"\n\
             smtp_password_file = \"smtp-password\"\nmail_from = \"reprise@example.net\"\n\
             mail_to = [\"admin@example.net\"]\nmattermost_url_file = \"hook\"\nca_file = \"{authority}.pem\"\n",
            mail.port
        ))
    };
    let tried = |appliance: &Appliance| {
        let output = appliance.cli(&["notify", "test", "--json"]);
        let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let all = all.as_array().expect("a list").clone();
        assert_eq!(all.len(), 2, "{all:?}");
        all
    };
    // Somebody else's authority: nothing is handed over, the password least of all.
    let appliance = Appliance::first_start(&folder, &config("stranger"));
    for one in tried(&appliance) {
        assert_eq!(one["sent"], false, "{one}");
        let why = one["answer"].as_str().expect("why");
        assert!(why.contains("certificate"), "{why}");
        assert!(!why.contains("s3"), "{why}");
    }
    assert!(mail.received().is_empty() && web.received().is_empty());
    appliance.kill();
    std::fs::write(folder.join("reprise.toml"), config("own")).expect("the configuration");
    let appliance = Appliance::start(&folder, Start::default());
    for one in tried(&appliance) {
        assert_eq!(one["sent"], true, "{one}");
    }
    assert_eq!(mail.waits_for(1)[0]["tls"], true);
    assert_eq!(web.waits_for(1)[0]["path"], "/hooks/s3cret");
}

#[test]
fn a_try_says_what_each_server_answers_and_tells_no_secret() {
    let folder = Temp::new();
    let own =
        rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(folder.join("smtp.pem"), own.cert.pem()).expect("the certificate");
    std::fs::write(folder.join("smtp.key"), own.signing_key.serialize_pem()).expect("the key");
    let mail = Server::start(
        &folder,
        "smtp",
        &["0", &path("smtp.pem"), &path("smtp.key"), "s3same"],
    );
    let web = Server::start(&folder, "http", &[]);
    std::fs::write(folder.join("smtp-password"), "s3cret-wrong\n").expect("a password");
    let hook = |name: &str| format!("http://127.0.0.1:{}/{name}\n", web.port);
    std::fs::write(folder.join("hook"), hook("unknown/s3cret-hook")).expect("an address");
    std::fs::write(folder.join("ping"), hook("s3cret-ping")).expect("an address");
    let config = config_text(&format!(
        "[notify]\nsmtp = \"127.0.0.1:{}\"\nsmtp_user = \"reprise\"\nsmtp_password_file = \"smtp-password\"\n\
         mail_from = \"reprise@example.net\"\nmail_to = [\"admin@example.net\"]\nca_file = \"smtp.pem\"\n\
         mattermost_url_file = \"hook\"\nping_url_file = \"ping\"\nping_fail_suffix = \"/fail\"\n",
        mail.port
    ));
    let appliance = Appliance::first_start(&folder, &config);
    let tried = |appliance: &Appliance| {
        let output = appliance.cli(&["notify", "test", "--json"]);
        let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.code(), all)
    };
    let (code, all) = tried(&appliance);
    assert_eq!(code, Some(1), "{all}");
    let answer = |all: &Value, n: usize| {
        let one = &all[n];
        (
            one["sent"].clone(),
            one["answer"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let (sent, why) = answer(&all, 0);
    assert!(sent == false && why.contains("535"), "{why}");
    let (sent, why) = answer(&all, 1);
    assert!(sent == false && why.contains("404 no webhook at"), "{why}");
    let (sent, why) = answer(&all, 2);
    assert!(sent == true && why == "200 ok", "{why}");

    // Corrected in their files, without a restart; once more from the page.
    std::fs::write(folder.join("smtp-password"), "s3same\n").expect("a password");
    std::fs::write(folder.join("hook"), hook("hooks/s3cret-hook")).expect("an address");
    let (code, all) = tried(&appliance);
    assert_eq!(code, Some(0), "{all}");
    assert!(answer(&all, 0).1.contains("taken, says the test"), "{all}");
    assert_eq!(answer(&all, 1).1, "200 ok");
    let mails = mail.waits_for(1);
    assert_eq!(mails[0]["tls"], true, "{mails:?}");
    let asked = web.received();
    let posted = asked
        .iter()
        .find(|r| r["path"] == "/hooks/s3cret-hook")
        .expect("the post");
    let body: Value = serde_json::from_str(posted["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(body["username"], "Reprise");
    assert!(
        body["text"]
            .as_str()
            .is_some_and(|t| t.contains("as a try")),
        "{body}"
    );
    assert_eq!(posted["type"], "application/json");
    let mut browser = logged_in(&appliance);
    let page = browser.get("/notify").text();
    let token = token(&page);
    let page = browser.post("/notify/try", &[("token", &token)]);
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(
        page.text().contains("taken, says the test"),
        "{}",
        page.text()
    );
    mail.waits_for(2);

    let outside = [
        appliance.get("/api/notify").to_string(),
        appliance.get("/api/journal").to_string(),
        page.text(),
        appliance.log(),
    ];
    for text in outside {
        assert!(
            !text.contains("s3cret") && !text.contains("s3same"),
            "{text}"
        );
    }
}

pub(crate) fn token(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"token\" value=\"").expect("a form");
    rest.split('"').next().unwrap_or_default().to_owned()
}

pub(crate) fn logged_in(appliance: &Appliance) -> Browser {
    let mut browser = appliance.browser();
    let password = appliance.one_time_password();
    browser.get("/login");
    browser.post("/login", &[("user", "admin"), ("password", &password)]);
    let form = browser.get("/account/password").text();
    let chosen = "une phrase bien assez longue";
    let fields = [
        ("token", token(&form)),
        ("new", chosen.into()),
        ("repeated", chosen.into()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let page = browser.post("/account/password", &fields);
    assert_eq!(page.status, 303, "{}", page.text());
    browser
}

#[test]
fn the_morning_message_and_the_ping_come_once_at_their_hour_also_over_a_restart() {
    let folder = Temp::new();
    let mail = Server::start(&folder, "smtp", &[]);
    let web = Server::start(&folder, "http", &[]);
    std::fs::write(
        folder.join("ping"),
        format!("http://127.0.0.1:{}/ping\n", web.port),
    )
    .expect("an address");
    // 50 to 110 seconds from now: the first start must have been before, on a busy machine too.
    let zone = jiff::tz::TimeZone::get("Europe/Paris").expect("the zone of the configuration");
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(110);
    let hour = soon.to_zoned(zone).strftime("%H:%M").to_string();
    let more =
        format!("morning = \"{hour}\"\nping_url_file = \"ping\"\nping_fail_suffix = \"/fail\"\n");
    let config = config_text(&mail_text(mail.port, "\"admin@example.net\"", &more));
    prepare(&folder, &config.replace("\"en\"", "\"fr\""));
    let appliance = Appliance::start(&folder, Start::default());
    assert!(mail.received().is_empty(), "not before its hour");
    let mails = within(Duration::from_secs(240), "the morning message", || {
        let found = mail.received();
        (!found.is_empty()).then_some(found)
    });
    let pings = web.waits_for(1);
    assert_eq!(
        header(&mails[0], "subject"),
        "test\u{a0}: 0 de vos services sont protégés."
    );
    let plain = mails[0]["plain"].as_str().expect("text");
    for said in [
        "Sauvé sur local",
        "Restauré pour de vrai depuis local",
        "Non protégé",
    ] {
        assert!(plain.contains(said), "{said}: {plain}");
    }
    assert_eq!(
        (&pings[0]["method"], &pings[0]["path"]),
        (&"GET".into(), &"/ping".into())
    );
    // Killed between a server's answer and its own note of it, it would send again, under the same Message-ID.
    within(SOON, "the answers of the servers are noted", || {
        let outbox = appliance.get("/api/notify")["outbox"].clone();
        let all = outbox.as_array().filter(|all| !all.is_empty())?;
        all.iter().all(|m| m["state"] == "sent").then_some(())
    });
    appliance.kill();
    let appliance = Appliance::start(&folder, Start::default());
    // What would come again would come before this.
    let tried = appliance.cli(&["notify", "test"]);
    assert!(
        tried.status.success(),
        "{}",
        String::from_utf8_lossy(&tried.stderr)
    );
    let (mails, pings) = (mail.waits_for(2), web.waits_for(2));
    assert_eq!((mails.len(), pings.len()), (2, 2), "{mails:?} {pings:?}");
    assert!(header(&mails[1], "subject").contains("essai"), "{mails:?}");
    let (status, log) = appliance.terminate();
    assert!(status.success(), "{log}");
    assert_eq!((mail.received().len(), web.received().len()), (2, 2));
}
