//! What GLPI is sent, by a real boot server to a real HTTP server: its three answers, and everything else that a
//! server, or what stands before it, may say.

use crate::rig::{Folder, boot, manual_clock};
use config::{Glpi, GlpiLogin};
use flate2::read::ZlibDecoder;
use flate2::write::GzEncoder;
use provisioner::Boot;
use provisioner::host::{self, Host, HostId, HostState};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use sqlx::Row;
use state::wire::Fact;
use state::{Clock, journal};
use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle as Thread;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Waits until `ready` gives something, or fails with `what`.
async fn until<T>(what: &str, mut ready: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(180);
    loop {
        if let Some(found) = ready().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const OK: &str = r#"{"status":"ok","expiration":24}"#;

/// What the server does with one request.
#[derive(Clone)]
enum Does {
    /// Status, further header lines, body.
    Says(u16, &'static str, Vec<u8>),
    /// Reads the request and closes.
    Cuts,
    /// Promises more than it sends.
    CutsTheAnswer,
    /// Sends the answer byte by byte.
    Dribbles,
}

fn says(status: u16, body: &str) -> Does {
    Does::Says(status, "", body.into())
}

#[derive(Clone, Debug)]
struct Asked {
    method: String,
    path: String,
    headers: HashMap<String, String>,
    /// What it holds, unpacked.
    document: Value,
}

/// An inventory server; what it was told to do first, then `ok` for ever.
struct Server {
    address: SocketAddr,
    script: Arc<Mutex<VecDeque<Does>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// The name of a machine that it refuses whatever the script says.
    refused: Arc<Mutex<String>>,
    stop: Arc<AtomicBool>,
    thread: Option<Thread<()>>,
}

impl Server {
    fn start(script: impl IntoIterator<Item = Does>) -> Server {
        Server::at("127.0.0.1:0", script, None)
    }

    fn at(
        address: &str,
        script: impl IntoIterator<Item = Does>,
        tls: Option<Arc<ServerConfig>>,
    ) -> Server {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(script.into_iter().collect::<VecDeque<_>>()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let refused = Arc::new(Mutex::new(String::new()));
        let refused_of = refused.clone();
        let stop = Arc::new(AtomicBool::new(false));
        let (script_of, asked_of, stop_of) = (script.clone(), asked.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop_of.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.unwrap();
                stream
                    .set_read_timeout(Some(Duration::from_secs(40)))
                    .unwrap();
                match &tls {
                    None => serve(stream, &script_of, &asked_of, &refused_of),
                    Some(config) => {
                        let connection = ServerConnection::new(config.clone()).unwrap();
                        serve(
                            StreamOwned::new(connection, stream),
                            &script_of,
                            &asked_of,
                            &refused_of,
                        );
                    }
                }
            }
        });
        Server {
            address,
            script,
            asked,
            refused,
            stop,
            thread: Some(thread),
        }
    }

    fn url(&self) -> String {
        format!("http://{}/glpi/front/inventory.php", self.address)
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn will(&self, script: impl IntoIterator<Item = Does>) {
        self.script.lock().unwrap().extend(script);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the server broke"
            );
        }
    }
}

/// Requests of one connection. A connection that breaks is the client's business.
fn serve(
    mut stream: impl Read + Write,
    script: &Mutex<VecDeque<Does>>,
    asked: &Mutex<Vec<Asked>>,
    refused: &Mutex<String>,
) {
    let Some(request) = request(&mut stream) else {
        return;
    };
    let name = request.document["content"]["hardware"]["name"].as_str();
    let does = match name == Some(refused.lock().unwrap().as_str()) {
        true => Some(says(
            400,
            r#"{"status":"error","message":"Refused by a rule","expiration":24}"#,
        )),
        false => script.lock().unwrap().pop_front(),
    };
    asked.lock().unwrap().push(request);
    let head = |status: u16, more: &str, length: usize| {
        format!(
            "HTTP/1.1 {status} X\r\n{more}Connection: close\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let bytes = match does.unwrap_or_else(|| says(200, OK)) {
        Does::Cuts => Vec::new(),
        Does::Says(status, more, body) => {
            [head(status, more, body.len()).into_bytes(), body].concat()
        }
        Does::CutsTheAnswer => format!("{}{}", head(200, "", OK.len()), &OK[..20]).into_bytes(),
        Does::Dribbles => {
            for byte in format!("{}{OK}", head(200, "", OK.len())).bytes() {
                if stream
                    .write_all(&[byte])
                    .and_then(|()| stream.flush())
                    .is_err()
                {
                    return;
                }
                std::thread::yield_now();
            }
            return;
        }
    };
    let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
}

fn request(stream: &mut impl Read) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut text = String::new();
        let read = reader.read_line(&mut text).ok()?;
        (read > 0).then(|| text.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let text = line()?;
        let Some((name, value)) = text.split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(Some(0), |n| n.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut text = String::new();
    if !body.is_empty() {
        ZlibDecoder::new(&body[..])
            .read_to_string(&mut text)
            .unwrap();
    }
    Some(Asked {
        method,
        path,
        headers,
        document: serde_json::from_str(&text).unwrap_or(Value::Null),
    })
}

/// A boot server that sends to GLPI, without a network of PCs.
struct Sender {
    boot: Boot,
    clock: Clock,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn glpi(url: &str) -> Glpi {
    Glpi {
        url: url.to_owned(),
        login: None,
        tag: Some("agen".into()),
        ca_file: None,
    }
}

impl Sender {
    async fn start(folder: &Folder, glpi: Glpi) -> Sender {
        Sender::at(folder, glpi, manual_clock()).await
    }

    async fn at(folder: &Folder, glpi: Glpi, clock: Clock) -> Sender {
        let (boot, _) = boot(folder, clock.clone()).await;
        let boot = Boot {
            glpi: Some(glpi),
            ..boot
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(provisioner::serve(boot.clone(), Vec::new(), stop.clone()));
        Sender {
            boot,
            clock,
            stop,
            task,
        }
    }

    async fn end(self) -> Clock {
        self.stop.cancel();
        self.task.await.unwrap();
        self.clock
    }

    /// An approved machine whose agent reported.
    async fn host(&self, number: u8) -> HostId {
        let id = HostId(format!("host{number:012}"));
        let (key, json) = (id.clone(), inventory(number).to_string());
        self.boot
            .db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO host (id, name, state, serial, uuid, product, inventory, \
                         first_seen_ms, last_seen_ms, asked_ms, approved_ms, approved_by) \
                         VALUES ($1, $2, 'approved', $3, '', 'Latitude 5520', $4, 0, 0, 0, 0, 'it')",
                    )
                    .bind(key.as_str())
                    .bind(format!("PC-{number}"))
                    .bind(format!("SERIAL-{number}"))
                    .bind(json)
                    .execute(&mut *conn)
                    .await?;
                    let fact = Fact::HostApproved {
                        host: key.to_string(),
                        by: "it".into(),
                    };
                    journal::append(conn, state::Timestamp(1), &fact).await
                })
            })
            .await
            .unwrap();
        id
    }

    async fn standing(&self, id: &HostId) -> host::glpi::Standing {
        let mut all = host::glpi::standings(&self.boot.db).await.unwrap();
        all.remove(id.as_str()).unwrap_or_default()
    }

    /// Time goes on until GLPI has accepted it.
    async fn accepted(&self, id: &HostId, step: u64) {
        until("GLPI accepts the inventory", async || {
            self.clock.advance(Duration::from_secs(step));
            let standing = self.standing(id).await;
            (standing.accepted.is_some() && standing.problem.is_empty()).then_some(())
        })
        .await;
    }

    /// Time goes on until there is a problem of which the text says this; `step` 0: the first attempt is the one meant,
    /// and no second one follows before it is seen.
    async fn problem(&self, id: &HostId, step: u64, says: &str) {
        until(says, async || {
            self.clock.advance(Duration::from_secs(step));
            self.standing(id).await.problem.contains(says).then_some(())
        })
        .await;
    }

    async fn troubles(&self) -> Vec<Fact> {
        let entries = journal::troubles(&self.boot.db, 100).await.unwrap();
        entries.into_iter().map(|entry| entry.fact).collect()
    }
}

fn inventory(number: u8) -> Value {
    json!({
        "system": {"manufacturer": "Dell Inc.", "product": "Latitude 5520", "serial": format!("SERIAL-{number}"),
            "uuid": "4c4c4544-0046-4710-8047-b2c04f503732", "bios_vendor": "Dell Inc.",
            "bios_version": "1.3.3", "bios_date": "01/03/2024"},
        "cpu": {"model": "AMD Ryzen 5 PRO é\u{7}", "cores": 12},
        "memory_bytes": 8_210_345_984_u64,
        "disks": [{"name": "sda", "path": "/dev/sda", "serial": "D1", "model": "TOSHIBA", "size_bytes": 250_059_350_016_u64}],
        "nics": [
            {"name": "eth0", "mac": "52:54:00:12:34:56", "link": true, "speed_mbits": 1000, "address": "fd00::20/64"},
            {"name": "wlan0", "mac": "52:54:00:12:34:57", "link": false},
        ],
        "firmware": "bios",
    })
}

/// By GLPI's own schema, with a validator of somebody else's.
fn assert_valid(folder: &Folder, documents: &[Value]) {
    let file = folder.path().join("sent.json");
    std::fs::write(&file, serde_json::to_vec(documents).unwrap()).unwrap();
    let schema =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/glpi/inventory.schema.json");
    let program = "import json, sys, jsonschema\n\
        schema = json.load(open(sys.argv[1]))\n\
        jsonschema.Draft7Validator.check_schema(schema)\n\
        check = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())\n\
        found = [e.message for d in json.load(open(sys.argv[2])) for e in check.iter_errors(d)]\n\
        print(found); sys.exit(1 if found else 0)";
    let output = Command::new("/usr/bin/python3")
        .args(["-c", program])
        .arg(schema)
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_is_sent_as_glpi_wants_it_and_once() {
    let folder = Folder::new();
    let server = Server::start([]);
    let sender = Sender::start(&folder, glpi(&server.url())).await;
    let id = sender.host(1).await;
    sender.accepted(&id, 1).await;
    let asked = server.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    let first = asked[0].clone();
    assert_eq!(
        (first.method.as_str(), first.path.as_str()),
        ("POST", "/glpi/front/inventory.php")
    );
    assert_eq!(first.headers["content-type"], "application/x-compress-zlib");
    let agent = first.headers["glpi-agent-id"].clone();
    assert_eq!(agent.len(), 36);
    let request = &first.headers["glpi-request-id"];
    assert!(
        request.len() == 8
            && request
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)),
        "{request}"
    );
    assert!(!first.headers.contains_key("authorization"));
    // A new name is sent; the agent stays the same; what did not change is not sent again.
    let db = &sender.boot.db;
    host::rename(db, &id, "COMPTA-PC01", "it", sender.clock.now())
        .await
        .unwrap();
    until("the new name is sent", async || {
        sender.clock.advance(Duration::from_secs(1));
        (server.asked().len() == 2).then_some(())
    })
    .await;
    let second = server.asked()[1].clone();
    assert_eq!(second.headers["glpi-agent-id"], agent);
    assert_eq!(second.document["deviceid"], first.document["deviceid"]);
    assert_eq!(
        second.document["content"]["hardware"]["name"],
        "COMPTA-PC01"
    );
    assert_ne!(&second.headers["glpi-request-id"], request);
    // Another machine, of which nothing is known but that it is there, and one that nobody approved.
    let bare = sender.host(2).await;
    sender.accepted(&bare, 1).await;
    let sent: Vec<Value> = server
        .asked()
        .into_iter()
        .map(|asked| asked.document)
        .collect();
    assert_eq!(sent.len(), 3);
    assert_ne!(sent[2]["deviceid"], sent[0]["deviceid"]);
    assert_valid(&folder, &sent);
    // The same is sent again when somebody asks for it.
    let host = host::get(db, &id).await.unwrap();
    host::glpi::push(db, vec![host], sender.clock.now())
        .await
        .unwrap();
    until("sent again", async || {
        (server.asked().len() == 4).then_some(())
    })
    .await;
    assert_eq!(server.asked()[3].document, sent[1]);
    sender.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_schema_refuses_would_be_seen() {
    let folder = Folder::new();
    let wrong =
        json!({"deviceid": "a", "content": {"versionclient": "a", "hardware": {"memory": "much"}}});
    let seen = std::panic::catch_unwind(|| assert_valid(&folder, &[wrong]));
    assert!(seen.is_err(), "the validator checks nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_answer_is_asked_about_by_the_same_id() {
    let folder = Folder::new();
    let pending = |after: &str| {
        says(
            202,
            &format!(r#"{{"status":"pending","expiration":"{after}"}}"#),
        )
    };
    let server = Server::start([
        pending("10s"),
        Does::Says(
            200,
            "GLPI-Request-ID: 0123ABCD\r\n",
            br#"{"status":"pending","expiration":"5s"}"#.to_vec(),
        ),
        Does::Cuts,
        says(200, OK),
    ]);
    let sender = Sender::start(&folder, glpi(&server.url())).await;
    let id = sender.host(1).await;
    sender.accepted(&id, 5).await;
    let asked = server.asked();
    let told: Vec<(&str, &str)> = asked
        .iter()
        .map(|a| (a.method.as_str(), a.headers["glpi-request-id"].as_str()))
        .collect();
    let first = told[0].1;
    assert_eq!(
        told,
        [
            ("POST", first),
            ("GET", first),
            ("GET", "0123ABCD"),
            ("GET", "0123ABCD")
        ]
    );
    let same = |name: &str| {
        asked
            .iter()
            .all(|a| a.headers[name] == asked[0].headers[name])
    };
    assert!(same("glpi-agent-id"));
    assert_eq!(asked[1].document, Value::Null);

    // For ever pending: twelve questions, then it is sent anew, and nothing is lost.
    server.will((0..13).map(|_| pending("1s")));
    let other = sender.host(2).await;
    sender.accepted(&other, 30).await;
    let methods: Vec<String> = server.asked()[4..]
        .iter()
        .map(|a| a.method.clone())
        .collect();
    let want: Vec<&str> = std::iter::once("POST")
        .chain(std::iter::repeat_n("GET", 12))
        .chain(["POST"])
        .collect();
    assert_eq!(methods, want);
    sender.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_server_does_the_inventory_arrives_in_the_end() {
    let mut packer = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(OK.as_bytes()).unwrap();
    let gzip = packer.finish().unwrap();
    let folder = Folder::new();
    let server = Server::start([]);
    let sender = Sender::start(&folder, glpi(&server.url())).await;
    let error = r#"{"status":"error","message":"Access denied","expiration":24}"#;
    let rows: Vec<(Does, Option<&str>)> = vec![
        (Does::Cuts, Some("does not answer")),
        (Does::CutsTheAnswer, Some("does not answer")),
        (
            says(401, error),
            Some("another log-in (answer 401: Access denied)"),
        ),
        (
            says(500, "<h1>Fatal error"),
            Some("fault of its own (answer 500: <h1>Fatal error)"),
        ),
        (
            says(200, error),
            Some("refuses this inventory (Access denied)"),
        ),
        (
            says(400, error),
            Some("refuses this inventory (Access denied)"),
        ),
        (says(200, "<html>It works!"), Some("no GLPI 10 or later")),
        (says(200, ""), Some("no GLPI 10 or later")),
        (
            Does::Says(200, "", vec![0x1f, 0x8b, 8, 0, 1, 2, 3]),
            Some("no GLPI 10 or later"),
        ),
        (
            Does::Says(200, "", vec![b' '; 300 * 1024]),
            Some("no GLPI 10 or later"),
        ),
        (says(404, ""), Some("takes no inventory at this address")),
        (
            Does::Says(301, "Location: https://new.lan/\r\n", Vec::new()),
            Some("(https://new.lan/)"),
        ),
        (
            Does::Says(503, "Retry-After: 600\r\n", Vec::new()),
            Some("is busy"),
        ),
        (Does::Dribbles, None),
        (
            Does::Says(200, "Content-Type: application/x-compress-gzip\r\n", gzip),
            None,
        ),
    ];
    for (number, (does, problem)) in (1..).zip(rows) {
        server.will([does]);
        let id = sender.host(number).await;
        if let Some(problem) = problem {
            sender.problem(&id, 0, problem).await;
        }
        sender.accepted(&id, 60).await;
    }
    sender.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_the_server_is_down_and_the_console_is_told() {
    let folder = Folder::new();
    // An address that no other test of this process gets a port of.
    let server = Server::at("127.77.0.1:0", [], None);
    let (address, url) = (server.address.to_string(), server.url());
    drop(server);
    let sender = Sender::start(&folder, glpi(&url)).await;
    let mut ids = Vec::new();
    for number in 1..=20 {
        ids.push(sender.host(number).await);
    }
    let told = until("the console is told", async || {
        sender.clock.advance(Duration::from_secs(30));
        sender.troubles().await.into_iter().next()
    })
    .await;
    let Fact::Trouble { object, sentence } = told else {
        panic!("{told:?}");
    };
    assert_eq!(object, "GLPI");
    assert!(
        sentence.starts_with("failed to send inventories to GLPI: it does not answer ("),
        "{sentence}"
    );
    // The appliance stops, a machine changes, and one is forgotten; only the newest is sent, to those that are left.
    let clock = sender.end().await;
    let sender = Sender::at(&folder, glpi(&url), clock).await;
    let db = &sender.boot.db;
    let now = sender.clock.now();
    host::rename(db, &ids[0], "NEWEST", "it", now)
        .await
        .unwrap();
    host::forget(db, &ids[1], "it", now).await.unwrap();
    let server = Server::at(&address, [], None);
    for id in ids.iter().filter(|id| **id != ids[1]) {
        sender.accepted(id, 30).await;
    }
    let sent = server.asked();
    let mut names: Vec<&str> = sent
        .iter()
        .map(|asked| {
            asked.document["content"]["hardware"]["name"]
                .as_str()
                .unwrap()
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 19, "{names:?}");
    assert!(
        names.contains(&"NEWEST") && !names.contains(&"PC-1"),
        "{names:?}"
    );
    let rows = sqlx::query("SELECT COUNT(*) AS rows FROM glpi_push")
        .fetch_one(db.read())
        .await
        .unwrap();
    assert_eq!(rows.get::<i64, _>("rows"), 19);
    assert!(
        host::list(db)
            .await
            .unwrap()
            .iter()
            .all(|h: &Host| h.state == HostState::Approved)
    );
    sender.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_refused_holds_up_nobody_and_is_told_of() {
    let folder = Folder::new();
    let server = Server::start([]);
    *server.refused.lock().unwrap() = "PC-1".to_owned();
    let sender = Sender::start(&folder, glpi(&server.url())).await;
    let first = sender.host(1).await;
    let told = until("the console is told", async || {
        sender.clock.advance(Duration::from_secs(100));
        sender.troubles().await.into_iter().next()
    })
    .await;
    let Fact::Trouble { sentence, .. } = told else {
        panic!("{told:?}");
    };
    let wanted = "failed to send the inventory of PC-1 to GLPI: it refuses this inventory (Refused by a rule);";
    assert!(sentence.starts_with(wanted), "{sentence}");
    let other = sender.host(2).await;
    sender.accepted(&other, 1).await;
    assert_eq!(sender.standing(&first).await.accepted, None);
    server.refused.lock().unwrap().clear();
    sender.accepted(&first, 600).await;
    until("the trouble is over", async || {
        let newest = sender.troubles().await.into_iter().next();
        matches!(newest, Some(Fact::TroubleOver { object }) if object == "GLPI").then_some(())
    })
    .await;
    sender.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_is_read_each_time_and_a_named_certificate_is_trusted() {
    let folder = Folder::new();
    let (ca, tls) = certificates();
    let server = Server::at("127.0.0.1:0", [], Some(tls));
    let url = format!(
        "https://localhost:{}/front/inventory.php",
        server.address.port()
    );
    let (secret, ca_file) = (folder.path().join("password"), folder.path().join("ca.pem"));
    let with = |ca_file: Option<&Path>| Glpi {
        login: Some(GlpiLogin {
            user: "reprise".into(),
            password_file: secret.clone(),
        }),
        ca_file: ca_file.map(Path::to_owned),
        ..glpi(&url)
    };
    std::fs::write(&secret, "\n").unwrap();
    let sender = Sender::start(&folder, with(Some(&ca_file))).await;
    let id = sender.host(1).await;
    sender.problem(&id, 0, "use the certificates in").await;
    std::fs::write(&ca_file, ca).unwrap();
    sender.problem(&id, 10, "read the password in").await;
    std::fs::write(&secret, "p\u{e9}ch\u{e9}\nrest\n").unwrap();
    sender.accepted(&id, 30).await;
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].headers["authorization"],
        "Basic cmVwcmlzZTpww6ljaMOp"
    );
    let clock = sender.end().await;
    // Without it the certificate is nobody's, and neither password nor inventory leaves.
    let sender = Sender::at(&folder, with(None), clock).await;
    let other = sender.host(2).await;
    sender.problem(&other, 0, "does not answer").await;
    assert!(
        !sender
            .standing(&other)
            .await
            .problem
            .contains("p\u{e9}ch\u{e9}")
    );
    assert_eq!(server.asked().len(), 1);
    sender.end().await;
}

/// A company's own authority (PEM), and a server that it vouches for.
fn certificates() -> (String, Arc<ServerConfig>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(authority, key);
    let own_key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&own_key, &issuer)
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], private)
        .unwrap();
    (root.pem(), Arc::new(config))
}
