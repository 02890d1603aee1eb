//! A small HTTPS server with a certificate of its own, whose answers the test decides.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) struct Request {
    /// With the query.
    pub path: String,
    pub bearer: String,
    /// `x-reprise-encoding`
    pub encoding: String,
    pub body: Vec<u8>,
}

pub(crate) enum Reply {
    Json(String),
    Chunk {
        zstd: bool,
        plain_len: usize,
        bytes: Vec<u8>,
    },
    Status(u16, &'static str),
    /// Closes the connection without an answer: a switch that restarts.
    Gone,
}

pub(crate) struct Server {
    pub url: String,
    pub fingerprint: String,
    port: u16,
    stop: Arc<AtomicBool>,
    /// Every `METHOD path` that was asked, how often.
    asked: Arc<Mutex<BTreeMap<String, u32>>>,
    listener: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
        let made = rcgen::generate_simple_self_signed(vec!["appliance".to_owned()]).unwrap();
        let der: CertificateDer<'static> = made.cert.der().clone();
        let fingerprint = ring::digest::digest(&ring::digest::SHA256, &der)
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![der], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(Mutex::new(BTreeMap::new()));
        let answer = Arc::new(answer);
        let thread = std::thread::spawn({
            let stop = stop.clone();
            let asked = asked.clone();
            move || {
                let mut connections = Vec::new();
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let (config, asked) = (config.clone(), asked.clone());
                    let (answer, stop) = (answer.clone(), stop.clone());
                    connections.push(std::thread::spawn(move || {
                        let stream = stream.unwrap();
                        // An idle connection looks now and then whether the test has ended.
                        stream
                            .set_read_timeout(Some(Duration::from_secs(30)))
                            .unwrap();
                        let tls = ServerConnection::new(config).unwrap();
                        // What goes wrong here is what the test wants to go wrong on the other side.
                        let _ = converse(StreamOwned::new(tls, stream), &stop, &asked, &*answer);
                    }));
                }
                drop(connections);
            }
        });
        Server {
            url: format!("https://127.0.0.1:{port}"),
            fingerprint,
            port,
            stop,
            asked,
            listener: Some(thread),
        }
    }

    /// How many requests began with this.
    pub(crate) fn asked(&self, start: &str) -> u32 {
        let asked = self.asked.lock().unwrap();
        let matching = asked.iter().filter(|(what, _)| what.starts_with(start));
        matching.map(|(_, count)| count).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.listener.take() {
            let _ = thread.join();
        }
    }
}

fn converse(
    stream: StreamOwned<ServerConnection, TcpStream>,
    stop: &AtomicBool,
    asked: &Mutex<BTreeMap<String, u32>>,
    answer: &dyn Fn(&Request) -> Reply,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while !stop.load(Ordering::SeqCst) {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace();
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().to_owned();
        let (mut length, mut bearer, mut encoding) = (0, String::new(), String::new());
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "x-reprise-encoding" => encoding = value.trim().to_owned(),
                "authorization" => {
                    bearer = value
                        .trim()
                        .strip_prefix("Bearer ")
                        .unwrap_or_default()
                        .to_owned();
                }
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        *asked
            .lock()
            .unwrap()
            .entry(format!("{method} {path}"))
            .or_default() += 1;
        let request = Request {
            path,
            bearer,
            encoding,
            body,
        };
        let (status, headers, body) = match answer(&request) {
            Reply::Gone => return Ok(()),
            Reply::Json(text) => (200, String::new(), text.into_bytes()),
            Reply::Status(status, text) => (status, String::new(), text.as_bytes().to_vec()),
            Reply::Chunk {
                zstd,
                plain_len,
                bytes,
            } => {
                let encoding = if zstd { "zstd" } else { "raw" };
                let headers =
                    format!("x-reprise-encoding: {encoding}\r\nx-reprise-length: {plain_len}\r\n");
                (200, headers, bytes)
            }
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        let out = stream.get_mut();
        out.write_all(head.as_bytes())?;
        out.write_all(&body)?;
        out.flush()?;
    }
    Ok(())
}
