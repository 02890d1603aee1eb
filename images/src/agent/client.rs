//! What the agent says to the appliance, and what it gets back. A network that goes away for a
//! while is waited for; a server that says no is believed at once.

use super::pinned::{PinnedConnector, client_config};
use crate::wire::{
    ENCODING_HEADER, ENCODING_RAW, ENCODING_ZERO, ENCODING_ZSTD, Finished, Hello, LENGTH_HEADER,
    Manifest, Next, ProgressReport, Wanted, Welcome,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, TcpConnector};

/// The server holds `/agent/next` for up to 20 s.
const ANSWER: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// 3 TiB at 70 bytes per MiB.
const MAX_MANIFEST_BYTES: u64 = 256 << 20;
const MAX_ANSWER_BYTES: u64 = 1 << 20;
/// A chunk of a vault has at most 4 MiB, and is kept plain if compression does not shrink it.
pub(crate) const MAX_CHUNK_BYTES: u64 = 4 << 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error(
        "talk to {server}: its certificate is not the one of the boot script; another machine answers at its address, or its certificate was renewed: restart the PC, then compare the fingerprint with the one in the console"
    )]
    WrongCertificate { server: String },
    #[error(
        "reach {server} for {waited_s} s: {cause}; check the cable, the switch and that reprise serve is running"
    )]
    Unreachable {
        server: String,
        waited_s: u64,
        cause: String,
    },
    #[error("{what}: the server refused ({status}: {answer})")]
    Refused {
        what: &'static str,
        status: u16,
        answer: String,
    },
    #[error(
        "{what}: the answer makes no sense ({cause}); agent and server may be of different versions: build the boot assets again"
    )]
    Nonsense { what: &'static str, cause: String },
}

/// A chunk as it came: nothing of it is verified yet.
#[derive(Debug)]
pub struct Packed {
    pub zstd: bool,
    pub plain_len: u64,
    pub bytes: Vec<u8>,
}

#[derive(Debug)]
pub struct Client {
    agent: ureq::Agent,
    server: String,
    bearer: String,
    patience: Duration,
    fetched_bytes: AtomicU64,
}

impl Client {
    pub fn new(
        server: &str,
        sha256: [u8; 32],
        agent_key: &str,
        patience: Duration,
    ) -> Result<Client, Error> {
        let config = ureq::Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            // Never through a proxy that some environment names.
            .proxy(None)
            .user_agent("reprise-agent")
            .timeout_connect(Some(CONNECT))
            .timeout_send_body(Some(ANSWER))
            .timeout_recv_response(Some(ANSWER))
            .timeout_recv_body(Some(ANSWER))
            .max_idle_connections_per_host(8)
            .build();
        let connector =
            ().chain(TcpConnector::default())
                .chain(PinnedConnector::new(client_config(sha256)?));
        Ok(Client {
            agent: ureq::Agent::with_parts(config, connector, DefaultResolver::default()),
            server: server.to_owned(),
            bearer: format!("Bearer {agent_key}"),
            patience,
            fetched_bytes: AtomicU64::new(0),
        })
    }

    /// Bytes of chunks that went over the network so far, either way.
    pub fn fetched_bytes(&self) -> u64 {
        self.fetched_bytes.load(Ordering::Relaxed)
    }

    pub fn hello(&self, hello: &Hello) -> Result<Welcome, Error> {
        self.post("report this machine", "/agent/hello", hello)
    }

    pub fn next(&self, host: &str) -> Result<Next, Error> {
        let path = format!("/agent/next?host={host}");
        self.get("ask what to do", &path, MAX_ANSWER_BYTES)
    }

    pub fn manifest(&self, session: &str) -> Result<Manifest, Error> {
        let path = format!("/agent/session/{session}/manifest");
        self.get("fetch the image's manifest", &path, MAX_MANIFEST_BYTES)
    }

    pub fn chunk(&self, session: &str, index: usize) -> Result<Packed, Error> {
        const WHAT: &str = "fetch a chunk of the image";
        let path = format!("/agent/session/{session}/chunk/{index}");
        self.patiently(|| {
            let mut answer = self.send_get(&path)?;
            if answer.status() != 200 {
                return Err(refusal(WHAT, &mut answer));
            }
            let header = |name: &str| {
                answer
                    .headers()
                    .get(name)
                    .and_then(|value| value.to_str().ok())
                    .unwrap_or_default()
            };
            let zstd = match header(ENCODING_HEADER) {
                ENCODING_ZSTD => true,
                ENCODING_RAW => false,
                other => return Err(Attempt::nonsense(WHAT, format!("encoding {other:?}"))),
            };
            let plain_len: u64 = header(LENGTH_HEADER)
                .parse()
                .map_err(|_| Attempt::nonsense(WHAT, "no plain length".to_owned()))?;
            let bytes = answer
                .body_mut()
                .with_config()
                .limit(MAX_CHUNK_BYTES + 1024)
                .read_to_vec()
                .map_err(|error| self.explain(error))?;
            self.fetched_bytes
                .fetch_add(bytes.len() as u64, Ordering::Relaxed);
            Ok(Packed {
                zstd,
                plain_len,
                bytes,
            })
        })
    }

    /// Chunk `index` of the disk that is captured; without bytes it is zeros, or the end after the last one.
    pub fn give(
        &self,
        session: &str,
        index: usize,
        packed: Option<&Packed>,
    ) -> Result<Wanted, Error> {
        const WHAT: &str = "hand over a chunk of the disk";
        let place = format!("{}/agent/session/{session}/disk/{index}", self.server);
        let (encoding, bytes) = match packed {
            None => (ENCODING_ZERO, &[][..]),
            Some(packed) if packed.zstd => (ENCODING_ZSTD, &packed.bytes[..]),
            Some(packed) => (ENCODING_RAW, &packed.bytes[..]),
        };
        self.patiently(|| {
            let mut answer = self
                .agent
                .post(&place)
                .header("authorization", &self.bearer)
                .header("content-type", "application/octet-stream")
                .header(ENCODING_HEADER, encoding)
                .send(bytes)
                .map_err(|error| self.explain(error))?;
            let wanted = self.read_json(WHAT, &mut answer, MAX_ANSWER_BYTES)?;
            self.fetched_bytes
                .fetch_add(bytes.len() as u64, Ordering::Relaxed);
            Ok(wanted)
        })
    }

    /// One try, no waiting: the next report comes in a second anyway.
    pub fn progress(&self, report: &ProgressReport) -> Result<(), Error> {
        let outcome: Result<serde_json::Value, Attempt> =
            self.post_once("report progress", "/agent/progress", report);
        match outcome {
            Err(Attempt::Final(error)) => Err(error),
            Ok(_) | Err(Attempt::Again(_)) => Ok(()),
        }
    }

    pub fn finished(&self, finished: &Finished) -> Result<(), Error> {
        self.patiently(|| {
            self.post_once::<_, serde_json::Value>("report the end", "/agent/finished", finished)
        })
        .map(|_| ())
    }

    fn get<T: DeserializeOwned>(
        &self,
        what: &'static str,
        path: &str,
        limit: u64,
    ) -> Result<T, Error> {
        self.patiently(|| {
            let mut answer = self.send_get(path)?;
            self.read_json(what, &mut answer, limit)
        })
    }

    fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        what: &'static str,
        path: &str,
        body: &B,
    ) -> Result<T, Error> {
        self.patiently(|| self.post_once(what, path, body))
    }

    fn send_get(&self, path: &str) -> Result<Answer, Attempt> {
        self.agent
            .get(format!("{}{path}", self.server))
            .header("authorization", &self.bearer)
            .call()
            .map_err(|error| self.explain(error))
    }

    fn post_once<B: Serialize, T: DeserializeOwned>(
        &self,
        what: &'static str,
        path: &str,
        body: &B,
    ) -> Result<T, Attempt> {
        let text =
            serde_json::to_vec(body).map_err(|error| Attempt::nonsense(what, error.to_string()))?;
        let mut answer = self
            .agent
            .post(format!("{}{path}", self.server))
            .header("authorization", &self.bearer)
            .header("content-type", "application/json")
            .send(&text[..])
            .map_err(|error| self.explain(error))?;
        self.read_json(what, &mut answer, MAX_ANSWER_BYTES)
    }

    fn read_json<T: DeserializeOwned>(
        &self,
        what: &'static str,
        answer: &mut Answer,
        limit: u64,
    ) -> Result<T, Attempt> {
        if !answer.status().is_success() {
            return Err(refusal(what, answer));
        }
        let text = answer
            .body_mut()
            .with_config()
            .limit(limit)
            .read_to_vec()
            .map_err(|error| self.explain(error))?;
        // `204 No Content` and an empty 200 are as good as `null`.
        let text = if text.is_empty() {
            b"null".to_vec()
        } else {
            text
        };
        serde_json::from_slice(&text).map_err(|error| Attempt::nonsense(what, error.to_string()))
    }

    /// Tries until it works, the server says no, or nothing was heard for `patience`.
    fn patiently<T>(&self, attempt: impl Fn() -> Result<T, Attempt>) -> Result<T, Error> {
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let cause = match attempt() {
                Ok(value) => return Ok(value),
                Err(Attempt::Final(error)) => return Err(error),
                Err(Attempt::Again(cause)) => cause,
            };
            if start.elapsed() + pause > self.patience {
                return Err(Error::Unreachable {
                    server: self.server.clone(),
                    waited_s: start.elapsed().as_secs(),
                    cause,
                });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn explain(&self, error: ureq::Error) -> Attempt {
        if is_wrong_certificate(&error) {
            return Attempt::Final(Error::WrongCertificate {
                server: self.server.clone(),
            });
        }
        match error {
            ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) => {
                Attempt::nonsense("ask the server", error.to_string())
            }
            ureq::Error::BodyExceedsLimit(_) => {
                Attempt::nonsense("ask the server", error.to_string())
            }
            other => Attempt::Again(other.to_string()),
        }
    }
}

type Answer = ureq::http::Response<ureq::Body>;

/// One request that did not work.
enum Attempt {
    Again(String),
    Final(Error),
}

impl Attempt {
    fn nonsense(what: &'static str, cause: String) -> Attempt {
        Attempt::Final(Error::Nonsense { what, cause })
    }
}

/// Too busy and broken inside may pass; every other answer is the server's decision.
fn refusal(what: &'static str, answer: &mut Answer) -> Attempt {
    let status = answer.status().as_u16();
    let text = answer
        .body_mut()
        .with_config()
        .limit(4096)
        .read_to_string()
        .unwrap_or_default();
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect();
    if matches!(status, 408 | 429 | 500 | 502 | 503 | 504) {
        Attempt::Again(format!("the server answers {status}: {}", text.trim()))
    } else {
        Attempt::Final(Error::Refused {
            what,
            status,
            answer: text.trim().to_owned(),
        })
    }
}

/// rustls reports it as an `io::Error` around its own.
fn is_wrong_certificate(error: &ureq::Error) -> bool {
    let ureq::Error::Io(error) = error else {
        return false;
    };
    matches!(
        error.get_ref().and_then(|inner| inner.downcast_ref()),
        Some(rustls::Error::InvalidCertificate(_))
    )
}
