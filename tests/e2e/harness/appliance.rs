//! A running `reprise serve`, and its command line.

use super::{Browser, Namespace, Temp, Time, within};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const BINARY: &str = env!("CARGO_BIN_EXE_reprise");

/// A configuration like the one of a first start, on a port of the kernel's choice; `more` is appended.
pub(crate) fn config_text(more: &str) -> String {
    format!(
        "[appliance]\nname = \"test\"\nstate_dir = \"state\"\nlocale = \"en\"\ntimezone = \"Europe/Paris\"\n\
         [console]\nlisten = \"127.0.0.1:0\"\n\
         [[target]]\nname = \"local\"\nurl = \"vault\"\npassword_file = \"password\"\n{more}"
    )
}

/// How to start; the default is what most tests want.
#[derive(Default)]
pub(crate) struct Start<'a> {
    /// More arguments after `serve`.
    pub(crate) arguments: &'a [&'a str],
    pub(crate) environment: &'a [(&'a str, &'a str)],
    pub(crate) namespace: Option<&'a Namespace>,
    /// Not together with a namespace.
    pub(crate) time: Option<&'a Time>,
}

pub(crate) struct Appliance {
    child: Child,
    folder: PathBuf,
    log: Arc<Mutex<String>>,
    reader: Option<std::thread::JoinHandle<()>>,
    /// As in ports.json at the start.
    pub(crate) ports: Value,
}

/// `reprise --config FOLDER/reprise.toml ARGUMENTS…`, to its end.
pub(crate) fn cli(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .arg("--config")
        .arg(folder.join("reprise.toml"))
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("NOTIFY_SOCKET")
        .output()
        .expect("start reprise")
}

impl Appliance {
    /// Writes `config` into `folder` and makes its vault, then starts and waits until it answers.
    pub(crate) fn first_start(folder: &Temp, config: &str) -> Appliance {
        prepare(folder, config);
        Appliance::start(folder, Start::default())
    }

    /// Starts on the configuration that lies in `folder`, and waits until it answers.
    pub(crate) fn start(folder: &Temp, how: Start<'_>) -> Appliance {
        let mut started = Appliance::launch(folder, how);
        started.ready();
        started
    }

    /// Starts without waiting.
    pub(crate) fn launch(folder: &Temp, how: Start<'_>) -> Appliance {
        let mut command = match (how.namespace, how.time) {
            (Some(namespace), _) => namespace.command(BINARY),
            (None, Some(_)) => Time::command(BINARY),
            (None, None) => Command::new(BINARY),
        };
        command
            .arg("--config")
            .arg(folder.join("reprise.toml"))
            .arg("serve")
            .args(how.arguments)
            .env_remove("NOTIFY_SOCKET")
            .envs(how.environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = match how.time {
            Some(time) => time.spawn(&mut command),
            None => command.spawn().expect("start reprise"),
        };
        let log = Arc::new(Mutex::new(String::new()));
        let lines = BufReader::new(child.stderr.take().expect("its stderr"));
        let kept = log.clone();
        let reader = std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut log = kept.lock().expect("log");
                log.push_str(&line);
                log.push('\n');
            }
        });
        Appliance {
            child,
            folder: folder.path().to_owned(),
            log,
            reader: Some(reader),
            ports: Value::Null,
        }
    }

    /// Waits for ports.json of this very process.
    pub(crate) fn ready(&mut self) {
        let path = self.folder.join("state/ports.json");
        let pid = u64::from(self.child.id());
        self.ports = within(Duration::from_secs(60), "reprise answers", || {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("reprise ended with {status}:\n{}", self.log());
            }
            let text = std::fs::read(&path).ok()?;
            let ports: Value = serde_json::from_slice(&text).ok()?;
            (ports["pid"].as_u64() == Some(pid)).then_some(ports)
        });
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has said on stderr.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("log").clone()
    }

    /// Waits until the log has `text`.
    pub(crate) fn says(&self, text: &str) {
        let end = std::time::Instant::now() + Duration::from_secs(60);
        while !self.log().contains(text) {
            assert!(
                std::time::Instant::now() < end,
                "the log never said {text:?}:\n{}",
                self.log()
            );
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    pub(crate) fn console_port(&self) -> u16 {
        let port = self.ports["console"].as_u64().expect("the console's port");
        u16::try_from(port).expect("a port")
    }

    pub(crate) fn console_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.console_port())
    }

    /// A fresh browser, not logged in.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(
            &self.console_url(),
            &self.folder.join("state/tls/certificate.pem"),
        )
    }

    /// The one-time password of `admin`, as left beside the state; the console may answer a moment before.
    pub(crate) fn one_time_password(&self) -> String {
        let file = self.folder.join("state/admin-password");
        let text = within(
            Duration::from_secs(10),
            "the one-time password's file",
            || std::fs::read_to_string(&file).ok(),
        );
        text.trim().to_owned()
    }

    /// `reprise …` beside it, to its end.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Output {
        cli(&self.folder, arguments)
    }

    /// `reprise … --json`, which must end well.
    pub(crate) fn cli_json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let output = self.cli(&all);
        assert!(
            output.status.success(),
            "reprise {all:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("JSON on stdout")
    }

    /// GET of the API through the control socket: status and body.
    pub(crate) fn api(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, "")
    }

    /// The body of a GET that must answer 200.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.api(path);
        assert_eq!(status, 200, "GET {path}: {body}\n{}", self.log());
        body
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask("POST", path, &body.to_string())
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        ask(&self.folder.join("state/control.sock"), method, path, body)
    }

    /// SIGTERM, then its end.
    pub(crate) fn terminate(mut self) -> (ExitStatus, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("SIGTERM");
        let status = self.wait();
        (status, self.log())
    }

    /// kill -9.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().expect("SIGKILL");
        self.wait();
        self.log()
    }

    /// kill -9, and started again on what lies in `folder`; waits until it answers.
    pub(crate) fn kill_and_start(&mut self, folder: &Temp, how: Start<'_>) {
        self.child.kill().expect("SIGKILL");
        self.wait();
        *self = Appliance::start(folder, how);
    }

    /// Waits until it ends by itself.
    pub(crate) fn ends(mut self) -> (ExitStatus, String) {
        let status = self.wait();
        (status, self.log())
    }

    fn wait(&mut self) -> ExitStatus {
        let child = &mut self.child;
        let status = within(Duration::from_secs(60), "reprise ends", || {
            child.try_wait().expect("its status")
        });
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the rest of its log");
        }
        status
    }
}

/// One request through a control socket: status and body.
pub(crate) fn ask(socket: &Path, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = UnixStream::connect(socket).expect("the control socket");
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a timeout");
    // One write: an answer may come, and the connection end, before a body is read.
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: reprise\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("asked");
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        // A body that nobody read is a reset after the whole answer.
        Err(e) if e.kind() != std::io::ErrorKind::ConnectionReset => panic!("{path}: {e}"),
        _ => {}
    }
    let answer = String::from_utf8(bytes).expect("text");
    let status = answer.get(9..12).and_then(|s| s.parse().ok());
    let (_, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    let value = serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()));
    (status.expect("a status"), value)
}

impl Drop for Appliance {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the log of reprise:\n{}", self.log());
        }
    }
}

/// Writes the configuration and the password, and makes the vault, as a first start would.
pub(crate) fn prepare(folder: &Temp, config: &str) {
    std::fs::write(folder.join("reprise.toml"), config).expect("the configuration");
    std::fs::write(folder.join("password"), "correct horse battery staple\n").expect("password");
    std::fs::create_dir_all(folder.join("vault")).expect("the vault's folder");
    make_vault(&folder.join("vault"));
}

/// A vault with the harness's password and the cheapest key derivation.
pub(crate) fn make_vault(path: &Path) {
    let target = vault::target::LocalTarget::open(path, false).expect("the vault's folder");
    let password = vault::Secret::new(b"correct horse battery staple".to_vec());
    vault::Vault::create(Arc::new(target), &password, vault::KdfCost::MINIMUM)
        .expect("a new vault");
}
