//! A machine from its first report to a deployment that was confirmed in words.

use crate::bench::{Answer, Bench, Visitor, add_vault, bench_with};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use images::wire::{Disk, Hello, Inventory, System, Task, Welcome};
use state::journal;
use state::wire::Fact;

const MIB: u64 = 1 << 20;

/// A console with one image, and a machine that has just reported.
async fn with_waiting_host(serial: &str) -> (Bench, Visitor, Welcome, String) {
    let bench = bench_with(add_vault).await;
    let vault = bench.app.continuity.vaults.open("nas").await.unwrap();
    let image = continuity::blocking(move || {
        let disk = vec![0x5a; usize::try_from(2 * MIB).unwrap()];
        let watch = vault::Watch::new();
        images::import::import(
            &vault,
            "win11",
            &mut disk.as_slice(),
            Some(2 * MIB),
            &|| 1_795_000_000_000,
            &watch,
        )
        .unwrap()
    })
    .await
    .unwrap();
    let hello = Hello {
        mac: "52:54:00:12:34:56".into(),
        agent_key: "5a".repeat(32),
        version: "0.1.0".into(),
        inventory: Inventory {
            system: System {
                manufacturer: "Dell".into(),
                product: "<b>OptiPlex".into(),
                serial: "7XK2M43".into(),
                ..System::default()
            },
            disks: vec![Disk {
                name: "sda".into(),
                path: "/dev/sda".into(),
                serial: serial.into(),
                model: "Samsung".into(),
                size_bytes: 64 * MIB,
                sector_bytes: 512,
                ..Disk::default()
            }],
            ..Inventory::default()
        },
    };
    let request = Request::post("/agent/hello")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", hello.agent_key))
        .body(Body::from(serde_json::to_string(&hello).unwrap()))
        .unwrap();
    let answer = bench.send(&mut Visitor::default(), request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let welcome = serde_json::from_str(&answer.text).unwrap();
    let visitor = bench.admin().await;
    (bench, visitor, welcome, image.id)
}

/// The value of a hidden field.
fn field(page: &Answer, name: &str) -> String {
    let marker = format!("name=\"{name}\" value=\"");
    let (_, rest) = page
        .text
        .split_once(&marker)
        .unwrap_or_else(|| panic!("{name}"));
    rest.split('"')
        .next()
        .unwrap()
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#34;", "\"")
        .replace("&#38;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_names_what_will_be_lost_and_needs_the_hosts_name_typed() {
    let serial = "S4<EW>\"N&X";
    let (bench, mut visitor, welcome, image) = with_waiting_host(serial).await;
    let home = bench.get(&mut visitor, "/?lang=en").await;
    assert!(
        home.text.contains("1 host waits for approval"),
        "{}",
        home.text
    );
    assert!(home.text.contains(&welcome.pairing_code));
    let page = bench
        .get(&mut visitor, &format!("/hosts/{}", welcome.host))
        .await;
    assert!(page.text.contains(&welcome.pairing_code));
    assert!(page.text.contains("win11"), "{}", page.text);
    assert!(
        !page.text.contains("<b>OptiPlex"),
        "hostile inventory shown raw"
    );

    let ask = format!("/hosts/{}/deploy?image={image}&disk=sda", welcome.host);
    let confirm = bench.get(&mut visitor, &ask).await;
    assert_eq!(confirm.status, StatusCode::OK, "{}", confirm.text);
    for named in [
        welcome.name.as_str(),
        "sda",
        "Samsung",
        "win11",
        "64.0\u{a0}MiB",
    ] {
        assert!(confirm.text.contains(named), "{named} in {}", confirm.text);
    }
    assert_eq!(field(&confirm, "disk_serial"), serial);
    assert!(
        bench.app_sessions().await.is_empty(),
        "a preview opened a session"
    );

    let values: Vec<(&str, String)> = [
        "token",
        "image",
        "disk",
        "disk_serial",
        "disk_size_bytes",
        "code",
    ]
    .into_iter()
    .map(|name| (name, field(&confirm, name)))
    .collect();
    let send = |typed: &'static str, change: Option<(&'static str, &'static str)>| {
        let mut fields = values.clone();
        fields.push((
            "typed",
            if typed.is_empty() {
                welcome.name.clone()
            } else {
                typed.to_owned()
            },
        ));
        if let Some((name, value)) = change {
            for field in &mut fields {
                if field.0 == name {
                    field.1 = value.to_owned();
                }
            }
        }
        fields
    };
    let url = format!("/hosts/{}/deploy", welcome.host);
    for (fields, status) in [
        (send("PC-autre", None), StatusCode::UNPROCESSABLE_ENTITY),
        (
            send("", Some(("disk_serial", "another"))),
            StatusCode::CONFLICT,
        ),
        (
            send("", Some(("disk_size_bytes", "1"))),
            StatusCode::CONFLICT,
        ),
        (
            send("", Some(("disk_size_bytes", "x"))),
            StatusCode::BAD_REQUEST,
        ),
        (send("", Some(("token", "0"))), StatusCode::FORBIDDEN),
    ] {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let answer = bench.post(&mut visitor, &url, &fields).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(
            bench.app_sessions().await.is_empty(),
            "{fields:?} opened a session"
        );
    }
    let fields = send("", None);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let answer = bench.post(&mut visitor, &url, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let sessions = bench.app_sessions().await;
    assert_eq!(sessions.len(), 1);
    let page = bench.get(&mut visitor, answer.header("location")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("waits for the host"), "{}", page.text);
    let facts = journal::latest(&bench.app.db, 20).await.unwrap();
    assert!(
        facts
            .iter()
            .any(|e| matches!(&e.fact, Fact::SessionOpened { by, .. } if by == "admin"))
    );
    assert!(
        facts
            .iter()
            .any(|e| matches!(&e.fact, Fact::HostApproved { by, .. } if by == "admin"))
    );

    let token = page.token();
    let cancel = format!("{}/cancel", answer.header("location"));
    let answer = bench
        .post(&mut visitor, &cancel, &[("token", &token)])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(bench.app_sessions().await.iter().all(|s| s.state.is_over()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_pairing_code_approves_nobody() {
    let (bench, mut visitor, welcome, _) = with_waiting_host("S1").await;
    let page = bench.get(&mut visitor, "/hosts").await;
    let token = page.token();
    let url = format!("/hosts/{}/approve", welcome.host);
    let old = [("token", token.as_str()), ("code", "AAAA-0000")];
    let answer = bench.post(&mut visitor, &url, &old).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    let right = [
        ("token", token.as_str()),
        ("code", welcome.pairing_code.as_str()),
    ];
    let answer = bench.post(&mut visitor, &url, &right).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let page = bench.get(&mut visitor, "/hosts?lang=en").await;
    assert!(page.text.contains("approved"));
    let forget = format!("/hosts/{}/forget", welcome.host);
    let answer = bench
        .post(&mut visitor, &forget, &[("token", &token)])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let gone = bench
        .get(&mut visitor, &format!("/hosts/{}", welcome.host))
        .await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_is_erased_only_after_its_host_s_name_was_typed() {
    let (bench, mut visitor, welcome, _) = with_waiting_host("S1").await;
    let page_of = format!("/hosts/{}", welcome.host);
    let ask = format!("{page_of}/wipe?disk=sda&lang=en");
    let confirm = bench.get(&mut visitor, &ask).await;
    assert_eq!(confirm.status, StatusCode::OK, "{}", confirm.text);
    for named in [
        welcome.name.as_str(),
        "sda",
        "Samsung",
        "effacé pour de bon",
    ] {
        assert!(confirm.text.contains(named), "{named} in {}", confirm.text);
    }
    let values = ["token", "disk", "disk_serial", "disk_size_bytes"]
        .map(|name| (name, field(&confirm, name)));
    let send = |typed: &str, serial: Option<&str>| {
        let mut fields = values.to_vec();
        fields.push(("typed", typed.to_owned()));
        if let (Some(serial), Some(field)) = (serial, fields.get_mut(2)) {
            field.1 = serial.to_owned();
        }
        fields
    };
    let url = format!("{page_of}/wipe");
    let name = welcome.name.as_str();
    let refused = [
        (send("PC-autre", None), StatusCode::UNPROCESSABLE_ENTITY),
        (send(name, Some("another")), StatusCode::CONFLICT),
        // Nobody approved it yet.
        (send(name, None), StatusCode::CONFLICT),
    ];
    for (fields, status) in refused {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let answer = bench.post(&mut visitor, &url, &fields).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(bench.app_sessions().await.is_empty(), "{fields:?}");
    }
    let token = values[0].1.clone();
    let code = [
        ("token", token.as_str()),
        ("code", welcome.pairing_code.as_str()),
    ];
    let approve = format!("{page_of}/approve");
    let answer = bench.post(&mut visitor, &approve, &code).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let page = bench.get(&mut visitor, &format!("{page_of}?lang=en")).await;
    assert!(page.text.contains("Erase a disk"), "{}", page.text);
    let fields = send(name, None);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let answer = bench.post(&mut visitor, &url, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let sessions = bench.app_sessions().await;
    assert!(sessions.len() == 1 && sessions[0].task == Task::Wipe);
    let location = answer.header("location").to_owned();
    let page = bench
        .get(&mut visitor, &format!("{location}?lang=en"))
        .await;
    assert!(
        page.text.contains("none: the disk is erased"),
        "{}",
        page.text
    );
    let facts = journal::latest(&bench.app.db, 20).await.unwrap();
    let opened = |fact: &Fact| matches!(fact, Fact::WipeOpened { by, .. } if by == "admin");
    assert!(facts.iter().any(|entry| opened(&entry.fact)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_a_disk_is_asked_for_on_its_host_s_page() {
    let (bench, mut visitor, welcome, _) = with_waiting_host("S1").await;
    let page_of = format!("/hosts/{}", welcome.host);
    let page = bench.get(&mut visitor, &format!("{page_of}?lang=en")).await;
    assert!(!page.text.contains("Make an image"), "nobody approved it");
    let token = page.token();
    let code = [
        ("token", token.as_str()),
        ("code", welcome.pairing_code.as_str()),
    ];
    let approve = format!("{page_of}/approve");
    let answer = bench.post(&mut visitor, &approve, &code).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let page = bench.get(&mut visitor, &page_of).await;
    assert!(
        page.text.contains("Make an image of a disk"),
        "{}",
        page.text
    );

    let url = format!("{page_of}/capture");
    let ask = |token: &str, image: &str, disk: &str| {
        [("token", token), ("image", image), ("disk", disk)].map(|(k, v)| (k, v.to_owned()))
    };
    for (fields, part) in [
        (ask("of nobody", "model", "sda"), ""),
        (ask(&token, "a model", "sda"), "choose another"),
        (ask(&token, "model", "sdz"), "find disk sdz"),
    ] {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let answer = bench.post(&mut visitor, &url, &fields).await;
        assert!(
            answer.status.is_client_error(),
            "{fields:?}: {}",
            answer.status
        );
        assert!(answer.text.contains(part), "{part} in {}", answer.text);
        assert!(bench.app_sessions().await.is_empty(), "{fields:?}");
    }
    let fields = ask(&token, "model", "sda");
    let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let answer = bench.post(&mut visitor, &url, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let sessions = bench.app_sessions().await;
    assert!(sessions.len() == 1 && sessions[0].task == Task::Capture);
    let location = answer.header("location").to_owned();
    for (language, parts) in [
        ("en", ["Image model of a disk of", "What happens"]),
        ("fr", ["Image model d", "Ce qui se passe"]),
    ] {
        let page = bench
            .get(&mut visitor, &format!("{location}?lang={language}"))
            .await;
        for part in parts {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        assert!(!page.text.contains("<dt>Lost</dt>"), "{}", page.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_boots_next_is_asked_shown_explained_and_withdrawn() {
    let (bench, mut visitor, welcome, _) = with_waiting_host("S1").await;
    let page_of = format!("/hosts/{}", welcome.host);
    let page = bench.get(&mut visitor, &format!("{page_of}?lang=en")).await;
    assert!(page.text.contains("The menu, on its screen"));
    let token = page.token();
    let next = format!("{page_of}/next");
    let nobody = [("token", "of nobody"), ("entry", "menu")];
    let answer = bench.post(&mut visitor, &next, &nobody).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    let unknown = [("token", token.as_str()), ("entry", "kiosk")];
    let answer = bench.post(&mut visitor, &next, &unknown).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    let api = format!("/api{page_of}/boot");
    let none = bench.get(&mut visitor, &api).await;
    assert!(none.text.contains("\"next\":null"), "{}", none.text);

    let menu = [("token", token.as_str()), ("entry", "menu")];
    let answer = bench.post(&mut visitor, &next, &menu).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let page = bench.get(&mut visitor, &page_of).await;
    assert!(
        page.text.contains("once, asked by admin, until"),
        "{}",
        page.text
    );
    let asked = bench.get(&mut visitor, &api).await;
    assert!(asked.text.contains("\"entry\":\"menu\""), "{}", asked.text);
    assert!(asked.text.contains("52:54:00:12:34:56"), "{}", asked.text);
    let facts = journal::latest(&bench.app.db, 20).await.unwrap();
    assert!(facts.iter().any(|e| matches!(&e.fact,
        Fact::NextBootAsked { entry, by, .. } if entry == "menu" && by == "admin")));

    let nothing = [("token", token.as_str()), ("entry", "")];
    let answer = bench.post(&mut visitor, &next, &nothing).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let withdrawn = bench.get(&mut visitor, &api).await;
    assert!(
        withdrawn.text.contains("\"next\":null"),
        "{}",
        withdrawn.text
    );
}

/// A PC's agent reports; its id and pairing code.
async fn reports(bench: &Bench, number: u8) -> Welcome {
    let hello = Hello {
        mac: format!("52:54:00:00:00:{number:02x}"),
        agent_key: format!("{number:064x}"),
        version: "0.1.0".into(),
        inventory: Inventory {
            system: System {
                manufacturer: "Dell".into(),
                product: "OptiPlex".into(),
                serial: format!("SERIAL{number:04}"),
                ..System::default()
            },
            ..Inventory::default()
        },
    };
    let request = Request::post("/agent/hello")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", hello.agent_key))
        .body(Body::from(serde_json::to_string(&hello).unwrap()))
        .unwrap();
    let answer = bench.send(&mut Visitor::default(), request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    serde_json::from_str(&answer.text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_are_ticked_and_approved_with_the_names_that_were_shown() {
    let bench = bench_with(|config| {
        let written = format!(
            "{}\n[[profile]]\nname = \"compta\"\nnaming = \"COMPTA-PC{{n:02}}\"\n",
            config::example()
        );
        let path = std::path::Path::new("/etc/reprise/reprise.toml");
        config.registry = config::parse(&written, path).unwrap().registry;
    })
    .await;
    let mut visitor = bench.admin().await;
    let mut hosts = Vec::new();
    for number in 1..=3 {
        hosts.push(reports(&bench, number).await);
    }
    let page = bench.get(&mut visitor, "/hosts?lang=en").await;
    assert!(!page.text.contains("It will be called"), "{}", page.text);
    let page = bench
        .get(&mut visitor, "/hosts?lang=en&profile=compta")
        .await;
    for name in ["COMPTA-PC01", "COMPTA-PC02", "COMPTA-PC03"] {
        assert!(
            page.text.contains(&format!("It will be called {name}")),
            "{}",
            page.text
        );
    }
    assert_eq!(field(&page, "profile"), "compta");
    let token = page.token();
    let ticked: Vec<String> = hosts
        .iter()
        .map(|host| format!("{} {}", host.host, host.pairing_code))
        .collect();
    // One code that is not on its screen any more: nobody is approved.
    let old = format!("{} AAAA-0000", hosts[1].host);
    let form = |boxes: [&str; 2]| {
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            of("token", &token),
            of("profile", "compta"),
            of("host", boxes[0]),
            of("host", boxes[1]),
        ]
    };
    for (boxes, status, approved) in [
        ([ticked[0].as_str(), old.as_str()], StatusCode::CONFLICT, 0),
        (
            [ticked[0].as_str(), ticked[2].as_str()],
            StatusCode::SEE_OTHER,
            2,
        ),
    ] {
        let fields = form(boxes);
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        let answer = bench.post(&mut visitor, "/hosts/approve", &fields).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        let all = provisioner::host::list(&bench.app.db).await.unwrap();
        let done = all.iter().filter(|host| host.approved.is_some()).count();
        assert_eq!(done, approved);
    }
    // A warranty that ended is seen in the list, and the list goes out as the reader's spreadsheet wants it.
    let id = provisioner::host::HostId(hosts[0].host.clone());
    let change = provisioner::host::details::Change {
        user: Some("=jean".into()),
        warranty_end: Some("2020-01-01".into()),
        ..Default::default()
    };
    let (db, registry) = (&bench.app.db, &bench.app.config.registry);
    let now = bench.app.clock.now();
    let grounds = provisioner::host::details::Grounds::default();
    provisioner::host::details::set(db, registry, &grounds, &id, change, "it", now)
        .await
        .unwrap();
    let page = bench.get(&mut visitor, "/hosts?lang=en").await;
    assert!(page.text.contains("over since 2020-01-01"), "{}", page.text);
    let csv = bench.get(&mut visitor, "/hosts/export.csv?lang=fr").await;
    assert_eq!(csv.status, StatusCode::OK);
    assert!(csv.text.starts_with("\u{feff}name;mac;"), "{}", csv.text);
    assert!(csv.text.contains(";'=jean;"), "{}", csv.text);
}
