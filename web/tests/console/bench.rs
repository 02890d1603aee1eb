//! A console over a state of its own, and its visitors.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use config::{Appliance, Config, Console, Locale, Log, LogFormat};
use continuity::Continuity;
use provisioner::{Boot, PortsBoard};
use state::progress::Board;
use state::{Clock, Db, Timestamp};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A console over a state of its own, with its folder.
pub(crate) struct Bench {
    pub(crate) app: web::App,
    pub(crate) router: Router,
    pub(crate) clock: Clock,
    pub(crate) folder: PathBuf,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One browser.
#[derive(Clone, Default)]
pub(crate) struct Visitor {
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) language: Option<&'static str>,
}

impl Visitor {
    pub(crate) fn jar(&self) -> String {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        pairs.join("; ")
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |v| v.to_str().unwrap_or("not text"))
    }

    /// The token of the page's forms.
    pub(crate) fn token(&self) -> String {
        let (_, rest) = self
            .text
            .split_once("name=\"token\" value=\"")
            .expect("a form with a token");
        rest.split('"').next().unwrap().to_owned()
    }
}

pub(crate) const PASSWORD: &str = "une phrase bien assez longue";
pub(crate) const START: Timestamp = Timestamp(1_795_000_000_000);

pub(crate) async fn bench() -> Bench {
    bench_with(|_| {}).await
}

/// The same; `change` may add targets and plans to its configuration.
pub(crate) async fn bench_with(change: impl FnOnce(&mut Config)) -> Bench {
    let folder = std::env::temp_dir().join(format!("reprise-web-{}", state::id::new()));
    std::fs::create_dir_all(folder.join("state")).unwrap();
    let db = Db::open_file(&folder.join("state.db")).await.unwrap();
    provisioner::migrate(&db).await.unwrap();
    continuity::migrate(&db).await.unwrap();
    web::migrate(&db).await.unwrap();
    let mut config = Config {
        origin: folder.join("reprise.toml"),
        appliance: Appliance {
            name: "agen".into(),
            state_dir: folder.join("state"),
            database_url: None,
            locale: Locale::Fr,
            timezone: "Europe/Paris".into(),
            image_target: None,
            index_memory_mb: 512,
            keep_free_mb: 0,
            scan: Vec::new(),
        },
        console: Console {
            listen: ([127, 0, 0, 1], 0).into(),
        },
        log: Log {
            format: LogFormat::Human,
            filter: "info".into(),
        },
        notify: config::Notify::default(),
        networks: Vec::new(),
        dhcp: config::Dhcp::default(),
        registry: config::Registry::default(),
        boot: config::BootChoices::default(),
        targets: Vec::new(),
        servers: Vec::new(),
        plans: Vec::new(),
    };
    change(&mut config);
    let config = Arc::new(config);
    let clock = Clock::manual(START);
    let board = Board::default();
    let continuity = Continuity::new(db.clone(), clock.clone(), board.clone(), config.clone());
    let app = web::App {
        db: db.clone(),
        clock: clock.clone(),
        board: board.clone(),
        config: config.clone(),
        continuity: continuity.clone(),
        notifier: continuity::Notifier::new(
            continuity.clone(),
            web::compose(&config, clock.clone()),
        ),
        boot: Boot {
            db,
            clock: clock.clone(),
            board,
            assets_dir: folder.join("boot"),
            console_port: 8443,
            fingerprint: "00".repeat(32),
            appliance: "agen".into(),
            locale: Locale::Fr,
            choices: Arc::new(config.boot.clone()),
            glpi: config.registry.glpi.clone(),
            heard: provisioner::Heard::default(),
            ports: PortsBoard::default(),
            recorder: provisioner::flight::Recorder::new(clock.clone()),
            leases: provisioner::lease::Leases::default(),
            negotiations: provisioner::Negotiations::default(),
            attempts: provisioner::Attempts::default(),
            images: vault_of_images(&continuity, &config),
            store: Arc::new(|_, _, _| Box::pin(async { Err("no machine is here".to_owned()) })),
        },
        version: "0.1.0 (test)".into(),
        fingerprint: "00".repeat(32),
        shutdown: CancellationToken::new(),
    };
    let router = web::console(app.clone());
    Bench {
        app,
        router,
        clock,
        folder,
    }
}

impl Bench {
    pub(crate) async fn send(&self, visitor: &mut Visitor, request: Request<Body>) -> Answer {
        let (mut parts, body) = request.into_parts();
        if !visitor.cookies.is_empty() {
            parts
                .headers
                .insert(header::COOKIE, visitor.jar().parse().unwrap());
        }
        if let Some(language) = visitor.language {
            parts
                .headers
                .insert(header::ACCEPT_LANGUAGE, language.parse().unwrap());
        }
        let response = self
            .router
            .clone()
            .oneshot(Request::from_parts(parts, body))
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            visitor.cookies.retain(|(k, _)| k != name);
            visitor.cookies.push((name.to_owned(), value.to_owned()));
        }
        let bytes = to_bytes(body, 10 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(crate) async fn get(&self, visitor: &mut Visitor, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.send(visitor, request).await
    }

    /// Status, headers and the bytes as they are.
    pub(crate) async fn get_bytes(
        &self,
        visitor: &mut Visitor,
        path: &str,
        range: Option<&str>,
    ) -> (StatusCode, BTreeMap<String, String>, Vec<u8>) {
        let mut request = Request::get(path).header(header::COOKIE, visitor.jar());
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_str().unwrap().to_owned()))
            .collect();
        let bytes = to_bytes(body, 100 << 20).await.unwrap();
        (parts.status, headers, bytes.to_vec())
    }

    pub(crate) async fn post(
        &self,
        visitor: &mut Visitor,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let request = form(path)
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(encoded(fields)))
            .unwrap();
        self.send(visitor, request).await
    }

    pub(crate) async fn log_in(&self, visitor: &mut Visitor, password: &str) -> Answer {
        let fields = [("user", "admin"), ("password", password)];
        self.post(visitor, "/login", &fields).await
    }

    pub(crate) async fn app_sessions(&self) -> Vec<provisioner::session::Session> {
        provisioner::session::list(&self.app.db, 10).await.unwrap()
    }

    /// Somebody logged in with a password of their own.
    pub(crate) async fn admin(&self) -> Visitor {
        let now = self.clock.now();
        web::ensure_admin(&self.app.db, now).await.unwrap();
        web::auth::set_password(&self.app.db, "admin", PASSWORD, now)
            .await
            .unwrap();
        let mut visitor = Visitor::default();
        let answer = self.log_in(&mut visitor, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        visitor
    }
}

pub(crate) fn form(path: &str) -> axum::http::request::Builder {
    Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        text.bytes()
            .map(|b| match b {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(b).to_string(),
                _ => format!("%{b:02X}"),
            })
            .collect::<String>()
    };
    fields
        .iter()
        .map(|(k, v)| format!("{}={}", escape(k), escape(v)))
        .collect::<Vec<_>>()
        .join("&")
}

/// As the pages percent-encode a path.
pub(crate) fn encoded_path(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                char::from(*b).to_string()
            }
            _ => format!("%{b:02X}"),
        })
        .collect()
}

fn vault_of_images(continuity: &Continuity, config: &Config) -> provisioner::OpenVault {
    let vaults = continuity.vaults.clone();
    let target = config.image_target().map(|t| t.name.clone());
    Arc::new(move || {
        let (vaults, target) = (vaults.clone(), target.clone().unwrap_or_default());
        Box::pin(async move { vaults.open(&target).await.map_err(|e| e.to_string()) })
    })
}

/// The bench's own folder: what is saved, vaults and what comes back lie beside the state.
pub(crate) fn folder_of(config: &Config) -> PathBuf {
    config.origin.parent().unwrap().to_owned()
}

/// Adds a target `nas` with a vault beside the state folder.
pub(crate) fn add_vault(config: &mut Config) {
    let folder = folder_of(config);
    let place = folder.join("vault");
    std::fs::create_dir(&place).unwrap();
    std::fs::write(folder.join("password"), "vault password\n").unwrap();
    let target = vault::target::LocalTarget::open(&place, false).unwrap();
    let password = vault::Secret::new(b"vault password".to_vec());
    vault::Vault::create(Arc::new(target), &password, vault::KdfCost::MINIMUM).unwrap();
    config.targets.push(config::Target {
        name: "nas".into(),
        place: config::Place::Folder {
            path: place,
            must_be_mounted: false,
        },
        removable: None,
        password_file: folder.join("password"),
    });
}
