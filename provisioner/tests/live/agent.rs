//! The agent's API from the first report to a verified disk, and everything that is refused.

use crate::rig::{FINGERPRINT, Folder, boot, manual_clock, noise, until};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use images::wire::{
    self, Disk, Finished, Hello, Inventory, Manifest, Next, ProgressReport, Step, Welcome,
};
use provisioner::host::{self, HostId, HostState};
use provisioner::session::{self, Confirmed, SessionId, SessionState};
use provisioner::{Boot, agent_router};
use state::journal;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;
use vault::{Vault, Watch};

pub(crate) const DISK_BYTES: u64 = 8 << 20;

/// An agent of one machine.
#[derive(Clone)]
pub(crate) struct Agent {
    router: Router,
    pub(crate) key: String,
    mac: String,
    serial: String,
}

pub(crate) struct Heard {
    pub(crate) status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Vec<u8>,
}

impl Heard {
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Agent {
    pub(crate) fn new(router: &Router, number: u8) -> Agent {
        Agent {
            router: router.clone(),
            key: format!("{number:064x}"),
            mac: format!("52:54:00:00:00:{number:02x}"),
            serial: format!("SERIAL-{number:04}"),
        }
    }

    async fn send(&self, method: Method, path: &str, body: Body) -> Heard {
        self.send_encoded(method, path, "none", body).await
    }

    pub(crate) async fn send_encoded(
        &self,
        method: Method,
        path: &str,
        encoding: &str,
        body: Body,
    ) -> Heard {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(wire::ENCODING_HEADER, encoding)
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        Heard {
            status: parts.status,
            headers: parts.headers,
            body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Heard {
        self.send(Method::GET, path, Body::empty()).await
    }

    async fn post(&self, path: &str, body: &impl serde::Serialize) -> Heard {
        let body = serde_json::to_vec(body).unwrap();
        self.send(Method::POST, path, body.into()).await
    }

    fn report(&self) -> Hello {
        let mut inventory = Inventory::default();
        inventory.system.serial = self.serial.clone();
        inventory.system.product = "Test PC".to_owned();
        inventory.disks = vec![Disk {
            name: "sda".to_owned(),
            path: "/dev/sda".to_owned(),
            serial: format!("DISK-{}", self.serial),
            model: "Model".to_owned(),
            size_bytes: DISK_BYTES,
            sector_bytes: 512,
            ..Disk::default()
        }];
        Hello {
            mac: self.mac.clone(),
            agent_key: self.key.clone(),
            inventory,
            version: "test".to_owned(),
        }
    }

    pub(crate) async fn hello(&self) -> Welcome {
        self.post("/agent/hello", &self.report()).await.json()
    }

    pub(crate) async fn next(&self, host: &str) -> Next {
        self.get(&format!("/agent/next?host={host}")).await.json()
    }

    pub(crate) async fn progress(&self, session: &str, step: Step, done_bytes: u64) -> Heard {
        let report = ProgressReport {
            session: session.to_owned(),
            step,
            done_bytes,
            total_bytes: DISK_BYTES,
            fetched_bytes: 0,
        };
        self.post("/agent/progress", &report).await
    }

    pub(crate) async fn finished(&self, session: &str, ok: bool) -> Heard {
        let report = Finished {
            session: session.to_owned(),
            ok,
            detail: if ok { "" } else { "a key was pressed" }.to_owned(),
            written_bytes: DISK_BYTES,
            fetched_bytes: 0,
            took_ms: 1234,
            wiped: None,
        };
        self.post("/agent/finished", &report).await
    }
}

pub(crate) fn disk() -> Vec<u8> {
    let mut disk = noise(usize::try_from(DISK_BYTES).unwrap() - 1536, 42);
    disk[2 << 20..4 << 20].fill(0);
    disk.resize(usize::try_from(DISK_BYTES).unwrap() - 512, 0);
    disk
}

fn import(vault: &Vault) {
    let disk = disk();
    let mut source = disk.as_slice();
    let watch = Watch::default();
    images::import::import(vault, "debian", &mut source, None, &|| 1, &watch).unwrap();
}

async fn confirmed(boot: &Boot, host: &HostId) -> Confirmed {
    let shown = session::preview(boot, host, "debian", None).await.unwrap();
    Confirmed {
        host: shown.host,
        image: shown.image,
        disk: shown.disk.name,
        disk_serial: shown.disk.serial,
        disk_size_bytes: shown.disk.size_bytes,
    }
}

/// An approved machine with an open session.
async fn opened(boot: &Boot, agent: &Agent) -> (HostId, SessionId) {
    let host = HostId(agent.hello().await.host);
    let now = boot.clock.now();
    host::approve(&boot.db, &host, None, "admin", now)
        .await
        .unwrap();
    let confirmed = confirmed(boot, &host).await;
    let session = session::open(boot, &confirmed, "admin").await.unwrap();
    (host, session.id)
}

#[tokio::test]
async fn a_machine_is_paired_approved_and_deployed() {
    let folder = Folder::new();
    let (boot, vault) = boot(&folder, manual_clock()).await;
    import(&vault);
    let router = agent_router(boot.clone());
    let agent = Agent::new(&router, 1);

    let welcome = agent.hello().await;
    assert_eq!(welcome.name, "PC-AL0001");
    let code = images::pairing_code(&agent.key, FINGERPRINT);
    assert_eq!(welcome.pairing_code, code);
    let host = HostId(welcome.host.clone());
    let seen = host::get(&boot.db, &host).await.unwrap();
    assert_eq!(seen.state, HostState::Waiting);
    assert_eq!(seen.pairing_code.as_deref(), Some(code.as_str()));
    assert_eq!(seen.inventory.unwrap().disks.len(), 1);

    // Not approved: no session can be opened, and no data is given.
    let wanted = confirmed(&boot, &host).await;
    let refused = session::open(&boot, &wanted, "admin").await.unwrap_err();
    assert!(refused.to_string().contains("not approved"), "{refused}");
    for path in ["manifest", "chunk/0"] {
        let heard = agent.get(&format!("/agent/session/any/{path}")).await;
        assert_eq!(heard.status, StatusCode::FORBIDDEN, "{path}");
    }

    // It asks, and is held until something changes.
    let asking = tokio::spawn({
        let agent = agent.clone();
        let host = welcome.host.clone();
        async move { agent.next(&host).await }
    });
    let now = boot.clock.now();
    let other = host::approve(&boot.db, &host, Some("XXXX-0000"), "admin", now).await;
    assert!(
        matches!(other, Err(host::Error::OtherCode(..))),
        "{other:?}"
    );
    host::approve(&boot.db, &host, Some(&code), "admin", now)
        .await
        .unwrap();
    let swapped = Confirmed {
        disk_serial: "ANOTHER".to_owned(),
        ..wanted.clone()
    };
    let refused = session::open(&boot, &swapped, "admin").await.unwrap_err();
    assert!(refused.to_string().contains("not the one"), "{refused}");
    let smaller = Confirmed {
        disk_size_bytes: 1,
        ..wanted.clone()
    };
    assert!(session::open(&boot, &smaller, "admin").await.is_err());
    let opened = session::open(&boot, &wanted, "admin").await.unwrap();
    assert_eq!(opened.state, SessionState::Opened);
    let twice = session::open(&boot, &wanted, "admin").await.unwrap_err();
    assert!(twice.to_string().contains("a session already"), "{twice}");

    let Next::Deploy(order) = asking.await.unwrap() else {
        panic!("no order");
    };
    assert_eq!(order.session, opened.id.to_string());
    assert_eq!(order.disk_serial, "DISK-SERIAL-0001");
    assert_eq!(order.disk_size_bytes, DISK_BYTES);
    assert!(order.lost.contains("PC-AL0001"), "{}", order.lost);
    assert!(order.lost.contains("DISK-SERIAL-0001"), "{}", order.lost);

    // Every chunk, checked as the agent checks them, makes the disk.
    let session = &order.session;
    let path = format!("/agent/session/{session}");
    let manifest: Manifest = agent.get(&format!("{path}/manifest")).await.json();
    assert_eq!(manifest.size_bytes, DISK_BYTES - 512);
    let mut written = Vec::new();
    for (index, chunk) in manifest.chunks.iter().enumerate() {
        let heard = agent.get(&format!("{path}/chunk/{index}")).await;
        assert_eq!(heard.status, StatusCode::OK, "{}", heard.text());
        let length: usize = heard.headers[wire::LENGTH_HEADER]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        let plain = match heard.headers[wire::ENCODING_HEADER].to_str().unwrap() {
            wire::ENCODING_ZSTD => zstd::decode_all(heard.body.as_slice()).unwrap(),
            _ => heard.body,
        };
        assert_eq!(plain.len(), length);
        assert_eq!(
            blake3::hash(&plain).as_bytes(),
            &chunk.plain,
            "chunk {index}"
        );
        written.extend(plain);
    }
    assert!(written == disk(), "the disk differs");
    let beyond = agent.get(&format!("{path}/chunk/99999")).await;
    assert_eq!(beyond.status, StatusCode::BAD_REQUEST);

    let state = async || session::get(&boot.db, &opened.id).await.unwrap().state;
    assert_eq!(state().await, SessionState::Confirming);
    assert_eq!(
        agent.progress(session, Step::Write, 1 << 20).await.status,
        200
    );
    let shown = boot.board.get(session).unwrap();
    assert_eq!((shown.done_bytes, shown.percent()), (1 << 20, Some(12)));
    assert_eq!(shown.step, "writing");
    // A disk that was not read back is not done.
    assert_eq!(
        agent.finished(session, true).await.status,
        StatusCode::CONFLICT
    );
    assert_eq!(
        agent
            .progress(session, Step::Verify, DISK_BYTES)
            .await
            .status,
        200
    );
    assert_eq!(agent.finished(session, true).await.status, 200);
    // The answer was lost: it says so again.
    assert_eq!(agent.finished(session, true).await.status, 200);
    let done = SessionState::Done {
        written_bytes: DISK_BYTES,
        took_ms: 1234,
    };
    assert_eq!(state().await, done);
    assert_eq!(boot.board.get(session), None);
    let over = agent.get(&format!("{path}/chunk/0")).await;
    assert_eq!(over.status, StatusCode::CONFLICT);

    let facts: Vec<&str> = journal::after(&boot.db, 0, 100)
        .await
        .unwrap()
        .iter()
        .map(|entry| entry.fact.kind())
        .collect();
    assert_eq!(
        facts,
        [
            "host_seen",
            "host_reported",
            "host_approved",
            "session_opened",
            "session_advanced",
            "session_advanced",
            "session_advanced",
            "session_advanced",
        ]
    );
}

#[tokio::test]
async fn nobody_acts_for_another_machine() {
    let folder = Folder::new();
    let (boot, vault) = boot(&folder, manual_clock()).await;
    import(&vault);
    let router = agent_router(boot.clone());
    let (first, second) = (Agent::new(&router, 1), Agent::new(&router, 2));
    let (host, session) = opened(&boot, &first).await;
    let other = HostId(second.hello().await.host);
    assert_ne!(host, other);
    assert!(matches!(first.next(&host.0).await, Next::Deploy(_)));

    let asked = second.get(&format!("/agent/next?host={host}")).await;
    assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
    let manifest = format!("/agent/session/{session}/manifest");
    assert_eq!(second.get(&manifest).await.status, StatusCode::FORBIDDEN);
    let chunk = format!("/agent/session/{session}/chunk/0");
    assert_eq!(second.get(&chunk).await.status, StatusCode::FORBIDDEN);
    let progress = second.progress(&session.0, Step::Write, 1).await;
    assert_eq!(progress.status, StatusCode::FORBIDDEN);
    let finished = second.finished(&session.0, false).await;
    assert_eq!(finished.status, StatusCode::FORBIDDEN);

    let nobody = Agent::new(&router, 9);
    assert_eq!(nobody.get(&manifest).await.status, StatusCode::FORBIDDEN);
    let asked = nobody.get(&format!("/agent/next?host={host}")).await;
    assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
    let keyless = Agent {
        key: "not a key".to_owned(),
        ..first.clone()
    };
    assert_eq!(
        keyless.get(&manifest).await.status,
        StatusCode::UNAUTHORIZED
    );

    // The first is the one that works on.
    assert_eq!(first.get(&manifest).await.status, StatusCode::OK);
    // Forgotten, it has nothing any more.
    host::forget(&boot.db, &host, "admin", boot.clock.now())
        .await
        .unwrap();
    assert_eq!(first.get(&manifest).await.status, StatusCode::FORBIDDEN);
    assert!(session::get(&boot.db, &session).await.is_err());
}

#[tokio::test]
async fn a_cancelled_session_stops_its_agent() {
    let folder = Folder::new();
    let (boot, vault) = boot(&folder, manual_clock()).await;
    import(&vault);
    let agent = Agent::new(&agent_router(boot.clone()), 1);
    let (host, id) = opened(&boot, &agent).await;
    assert!(matches!(agent.next(&host.0).await, Next::Deploy(_)));
    assert_eq!(agent.progress(&id.0, Step::Write, 1).await.status, 200);
    session::cancel(&boot, &id, "admin").await.unwrap();
    let told = agent.progress(&id.0, Step::Write, 2).await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(told.text().contains("cancelled"), "{}", told.text());
    assert_eq!(boot.board.get(&id.0), None);
    let again = session::cancel(&boot, &id, "admin").await.unwrap_err();
    assert!(again.to_string().contains("it is over"), "{again}");
}

#[tokio::test]
async fn a_machine_that_lost_power_goes_on_with_another_key() {
    let folder = Folder::new();
    let (boot, vault) = boot(&folder, manual_clock()).await;
    import(&vault);
    let router = agent_router(boot.clone());
    let agent = Agent::new(&router, 1);
    let (host, id) = opened(&boot, &agent).await;
    assert!(matches!(agent.next(&host.0).await, Next::Deploy(_)));
    assert_eq!(agent.progress(&id.0, Step::Write, 5).await.status, 200);

    let back = Agent {
        key: format!("{:064x}", 77),
        ..agent.clone()
    };
    // Not while the first one works: anybody could say so who knows its serial number.
    let held = back.post("/agent/hello", &back.report()).await;
    assert_eq!(held.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(agent.progress(&id.0, Step::Write, 6).await.status, 200);
    boot.clock.advance(Duration::from_secs(31));
    let welcome = back.hello().await;
    assert_eq!(welcome.host, host.0);
    // The old key is worth nothing from then on.
    let old = agent.progress(&id.0, Step::Write, 7).await;
    assert_eq!(old.status, StatusCode::FORBIDDEN);
    let session = session::get(&boot.db, &id).await.unwrap();
    assert!(!session.is_stale(boot.clock.now()));
    boot.clock.advance(Duration::from_secs(30));
    assert!(session.is_stale(boot.clock.now()), "its silence shows");
    assert!(matches!(back.next(&host.0).await, Next::Deploy(_)));
    let session = session::get(&boot.db, &id).await.unwrap();
    assert_eq!(session.state, SessionState::Confirming);
}

#[tokio::test]
async fn waiting_ends_with_the_machines_own_disk() {
    let folder = Folder::new();
    let (boot, vault) = boot(&folder, manual_clock()).await;
    import(&vault);
    let agent = Agent::new(&agent_router(boot.clone()), 1);
    let host = agent.hello().await.host;
    boot.clock.advance(Duration::from_secs(61));
    let Next::LocalDisk { why } = agent.next(&host).await else {
        panic!("still waiting");
    };
    assert!(why.contains("nobody approved"), "{why}");

    // A session nobody began ends with its time window, and another may be opened.
    let (host, id) = opened(&boot, &agent).await;
    boot.clock.advance(Duration::from_secs(4 * 3600));
    assert!(matches!(agent.next(&host.0).await, Next::LocalDisk { .. }));
    let confirmed = confirmed(&boot, &host).await;
    session::open(&boot, &confirmed, "admin").await.unwrap();
    let first = session::get(&boot.db, &id).await.unwrap();
    assert_eq!(first.state, SessionState::Expired);
    assert!(matches!(agent.next(&host.0).await, Next::Deploy(_)));
}

#[tokio::test]
async fn a_failed_deployment_says_why() {
    let folder = Folder::new();
    let (boot, vault) = boot(&folder, manual_clock()).await;
    import(&vault);
    let agent = Agent::new(&agent_router(boot.clone()), 1);
    let (host, id) = opened(&boot, &agent).await;
    assert!(matches!(agent.next(&host.0).await, Next::Deploy(_)));
    assert_eq!(agent.finished(&id.0, false).await.status, 200);
    let session = session::get(&boot.db, &id).await.unwrap();
    let why = "a key was pressed".to_owned();
    assert_eq!(session.state, SessionState::Failed { why });
    assert!(session.ended.is_some());
}

#[tokio::test]
async fn what_is_not_a_report_is_refused() {
    let folder = Folder::new();
    let (boot, _) = boot(&folder, manual_clock()).await;
    let agent = Agent::new(&agent_router(boot.clone()), 1);
    let long = vec![b' '; 300 << 10];
    let heard = agent.send(Method::POST, "/agent/hello", long.into()).await;
    assert_eq!(heard.status, StatusCode::PAYLOAD_TOO_LARGE);
    let heard = agent.send(Method::POST, "/agent/hello", "{".into()).await;
    assert_eq!(heard.status, StatusCode::BAD_REQUEST);
    let hello = |mac: &str, key: &str| Hello {
        mac: mac.to_owned(),
        agent_key: key.to_owned(),
        inventory: Inventory::default(),
        version: String::new(),
    };
    for (mac, key) in [
        ("ff:ff:ff:ff:ff:ff", agent.key.as_str()),
        ("nonsense", agent.key.as_str()),
        ("52:54:00:00:00:01", "short"),
    ] {
        let heard = agent.post("/agent/hello", &hello(mac, key)).await;
        assert_eq!(heard.status, StatusCode::BAD_REQUEST, "{mac} {key}");
    }
    assert!(host::list(&boot.db).await.unwrap().is_empty());

    // A flood of reports is told to come back.
    let agent = Arc::new(agent);
    let busy = until("the limit of reports", async || {
        let heard = agent.post("/agent/hello", &hello("x", "y")).await;
        (heard.status == StatusCode::SERVICE_UNAVAILABLE).then_some(heard)
    });
    let fast = async {
        loop {
            let _ = agent.post("/agent/hello", &hello("x", "y")).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        heard = busy => assert!(heard.text().contains("try again"), "{}", heard.text()),
        () = fast => {}
    }
}
