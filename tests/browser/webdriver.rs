//! A headless Chromium steered through chromedriver (W3C WebDriver, JSON over loopback HTTP).

use crate::harness::{Temp, within};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub(crate) struct Chromium {
    driver: Child,
    agent: ureq::Agent,
    session: String,
    /// Its profile; also where downloads go.
    folder: Temp,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Element(String);

impl Chromium {
    pub(crate) fn start(javascript: bool, language: &str) -> Chromium {
        let folder = Temp::new();
        let downloads = folder.join("downloads");
        std::fs::create_dir(&downloads).expect("a folder for downloads");
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            // Chromium leaves sockets and caches behind in the temporary folder otherwise.
            .env("TMPDIR", folder.path())
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver; ./test installs it");
        let mut lines = BufReader::new(driver.stdout.take().expect("its stdout")).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse::<u16>().ok()
            })
            .expect("chromedriver says its port");
        // Read on, or it stops when the pipe is full.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(120)))
            .build()
            .new_agent();
        let mut chromium = Chromium {
            driver,
            agent,
            session: format!("http://127.0.0.1:{port}"),
            folder,
        };
        let profile = format!(
            "--user-data-dir={}",
            chromium.folder.join("profile").display()
        );
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            &format!("--lang={language}"),
            &profile,
        ];
        let scripts = if javascript { 1 } else { 2 };
        let answer = chromium.call(
            "POST",
            "/session",
            &json!({"capabilities": {"alwaysMatch": {
                "browserName": "chrome",
                "acceptInsecureCerts": true,
                "goog:chromeOptions": {
                    "args": arguments,
                    "prefs": {
                        "intl.accept_languages": language,
                        "download.default_directory": downloads,
                        "profile.managed_default_content_settings.javascript": scripts,
                    },
                },
            }}}),
        );
        let id = answer["sessionId"].as_str().expect("a session");
        chromium.session = format!("{}/session/{id}", chromium.session);
        chromium.window(1280, 900);
        chromium
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_call(method, path, body)
            .unwrap_or_else(|error| panic!("{method} {path} {body}: {error}"))
    }

    fn try_call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.session);
        let answer = match method {
            "GET" => self.agent.get(url).call(),
            "DELETE" => self.agent.delete(url).call(),
            _ => self
                .agent
                .post(url)
                .header("content-type", "application/json")
                .send(body.to_string()),
        };
        let mut answer = answer.map_err(|e| e.to_string())?;
        let text = answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_string()
            .map_err(|e| e.to_string())?;
        let value: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        if answer.status().is_success() {
            Ok(value["value"].clone())
        } else {
            Err(value["value"]["message"].to_string())
        }
    }

    pub(crate) fn window(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height});
        self.call("POST", "/window/rect", &size);
    }

    pub(crate) fn open(&self, url: &str) {
        self.call("POST", "/url", &json!({"url": url}));
    }

    pub(crate) fn url(&self) -> String {
        self.call("GET", "/url", &Value::Null)
            .as_str()
            .expect("an address")
            .to_owned()
    }

    pub(crate) fn reload(&self) {
        self.call("POST", "/refresh", &json!({}));
    }

    /// The whole page's text, as shown.
    pub(crate) fn text(&self) -> String {
        // A page that is being left has no body for a moment.
        within(PATIENCE, "a page with a body", || {
            let body = self.try_find("body")?;
            let text = self.try_call("GET", &format!("/element/{}/text", body.0), &Value::Null);
            Some(text.ok()?.as_str()?.to_owned())
        })
    }

    fn try_find(&self, css: &str) -> Option<Element> {
        let asked = json!({"using": "css selector", "value": css});
        let found = self.try_call("POST", "/element", &asked).ok()?;
        Some(Element(found[ELEMENT].as_str()?.to_owned()))
    }

    /// Waits until the element is there.
    pub(crate) fn find(&self, css: &str) -> Element {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            if let Some(element) = self.try_find(css) {
                return element;
            }
            assert!(
                std::time::Instant::now() < end,
                "{css} is not on {}:\n{}",
                self.url(),
                self.text()
            );
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    pub(crate) fn has(&self, css: &str) -> bool {
        self.try_find(css).is_some()
    }

    pub(crate) fn click(&self, css: &str) {
        let element = self.find(css);
        self.call("POST", &format!("/element/{}/click", element.0), &json!({}));
    }

    /// Clicks the link whose whole text is `text`.
    pub(crate) fn follow(&self, text: &str) {
        let asked = json!({"using": "link text", "value": text});
        let found = self.call("POST", "/element", &asked);
        let id = found[ELEMENT].as_str().expect("a link");
        self.call("POST", &format!("/element/{id}/click"), &json!({}));
    }

    /// Replaces what is in a field.
    pub(crate) fn fill(&self, css: &str, text: &str) {
        let element = self.find(css);
        self.call("POST", &format!("/element/{}/clear", element.0), &json!({}));
        let keys = json!({"text": text});
        self.call("POST", &format!("/element/{}/value", element.0), &keys);
    }

    /// Waits until the page shows `text`.
    pub(crate) fn shows(&self, text: &str) {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            let shown = self.text();
            if shown.contains(text) {
                return;
            }
            assert!(
                std::time::Instant::now() < end,
                "{text:?} never shown on {}; instead:\n{shown}",
                self.url()
            );
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// Runs a script in the page (not possible without JavaScript, on purpose).
    pub(crate) fn script(&self, script: &str) -> Value {
        self.call(
            "POST",
            "/execute/sync",
            &json!({"script": script, "args": []}),
        )
    }

    /// The bytes of a downloaded file, once it is whole.
    pub(crate) fn downloaded(&self, name: &str) -> Vec<u8> {
        let path = self.folder.join("downloads").join(name);
        // Chromium writes NAME.crdownload first and renames at the end.
        within(PATIENCE, &format!("the download of {name}"), || {
            std::fs::read(&path).ok()
        })
    }

    pub(crate) fn downloads(&self) -> std::path::PathBuf {
        self.folder.join("downloads")
    }

    /// As on a machine set to dark colours.
    pub(crate) fn dark(&self) {
        let features = json!([{"name": "prefers-color-scheme", "value": "dark"}]);
        self.call(
            "POST",
            "/goog/cdp/execute",
            &json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}}),
        );
    }

    pub(crate) fn screenshot(&self, to: &Path) {
        let answer = self.call("GET", "/screenshot", &Value::Null);
        let png = base64(answer.as_str().expect("a picture"));
        assert!(png.starts_with(b"\x89PNG"), "not a picture");
        std::fs::write(to, png).unwrap_or_else(|e| panic!("write {}: {e}", to.display()));
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Ends the browser; then chromedriver, by its own handle.
        let _ = self.try_call("DELETE", "", &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut out, mut held, mut bits) = (Vec::new(), 0u32, 0);
    for six in text.bytes().filter_map(value) {
        held = held << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits & 0xff) as u8);
        }
    }
    out
}
