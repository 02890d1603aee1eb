//! One connection: many requests in flight, each answered to whoever asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use russh::client::{self, Handle, Msg};
use russh::keys::PublicKey;
use russh::keys::PublicKeyOrCertificate;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Preferred};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use crate::host::{self, Pins, Verdict};
use crate::login::{self, Secret};
use crate::packet::{self, Request};
use crate::reply::{self, NotSftp, Reply};
use crate::trouble::Tries;
use crate::{Place, Trouble};

/// Requests without an answer yet, all threads together: with blocks of 32 KiB, what is held in memory is 4 MiB.
const IN_FLIGHT: usize = 128;
/// So that a firewall between does not forget a connection that waits.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// What the server may send before it is read: one window of answers.
const WINDOW: u32 = 4 << 20;

/// The connection is gone; what was asked last may have been done or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost;

type Waiter = (oneshot::Sender<Reply>, OwnedSemaphorePermit);

/// `None` once the connection is lost.
type Waiters = Arc<Mutex<Option<HashMap<u32, Waiter>>>>;

pub(crate) struct Session {
    /// Held for as long as the connection is wanted.
    _handle: Handle<Guard>,
    to_server: tokio::sync::Mutex<ChannelWriteHalf<Msg>>,
    waiters: Waiters,
    slots: Arc<Semaphore>,
    next: AtomicU32,
    extensions: Vec<String>,
    answer: Duration,
    pub(crate) began: Instant,
}

/// An answer to come.
pub(crate) struct Pending {
    answer: oneshot::Receiver<Reply>,
    within: Duration,
    waiters: Waiters,
}

impl Pending {
    pub(crate) async fn wait(self) -> Result<Reply, Lost> {
        match timeout(self.within, self.answer).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) => Err(Lost),
            Err(_) => {
                // What comes later would be taken for the answer to something else by nobody, but a server this slow
                // is not waited for a second time.
                close(&self.waiters);
                Err(Lost)
            }
        }
    }
}

fn close(waiters: &Waiters) {
    *waiters.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

impl Session {
    /// Reaches the machine, recognises it, logs in, starts SFTP.
    pub(crate) async fn begin(place: &Place) -> Result<Session, Trouble> {
        let host = place.url.address();
        let silent = |what: String| Trouble::Silent {
            host: host.clone(),
            what,
            tries: Tries(1),
        };
        let patience = &place.patience;
        let pins = Pins::read(place)?;
        let secret = Secret::read(&place.login)?;
        let too_long = |step: &str| {
            silent(format!(
                "no answer to {step} within {} s",
                patience.connect.as_secs()
            ))
        };
        let address = (place.url.host.as_str(), place.url.port);
        let stream = timeout(patience.connect, TcpStream::connect(address))
            .await
            .map_err(|_| too_long("a connection"))?
            .map_err(|error| silent(error.to_string()))?;
        // Requests are small and answered one by one.
        stream
            .set_nodelay(true)
            .map_err(|error| silent(error.to_string()))?;
        let verdict = Arc::new(Mutex::new(None));
        let guard = Guard {
            place: place.clone(),
            pins: pins.clone(),
            verdict: Arc::clone(&verdict),
        };
        let begun = timeout(patience.connect, async {
            let config = Arc::new(config(&pins, patience.answer));
            let mut handle = client::connect_stream(config, stream, guard).await?;
            match login::log_in(&mut handle, place, secret).await? {
                Ok(()) => match start(&handle).await {
                    Ok(started) => Ok((started, handle)),
                    Err(Failed::Ssh(error)) => Err(Failed::HungUp(error)),
                    Err(failed) => Err(failed),
                },
                Err(trouble) => Err(Failed::Trouble(trouble)),
            }
        })
        .await
        .map_err(|_| too_long("the login"))?;
        let ((from_server, to_server, rest, extensions), handle) = begun.map_err(|failed| {
            let refused = verdict
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            match (refused, failed) {
                (Some(trouble), _) | (None, Failed::Trouble(trouble)) => trouble,
                (None, Failed::NoSftp(what)) => Trouble::NoSftp {
                    host: host.clone(),
                    user: place.url.user.clone(),
                    what,
                },
                (None, Failed::Ssh(error)) => silent(error.to_string()),
                (None, Failed::HungUp(error)) => {
                    silent(format!("it accepts the login and hangs up ({error})"))
                }
            }
        })?;
        let waiters: Waiters = Arc::new(Mutex::new(Some(HashMap::new())));
        tokio::spawn(listen(from_server, rest, Arc::clone(&waiters)));
        Ok(Session {
            _handle: handle,
            to_server: tokio::sync::Mutex::new(to_server),
            waiters,
            slots: Arc::new(Semaphore::new(IN_FLIGHT)),
            next: AtomicU32::new(0),
            extensions,
            answer: patience.answer,
            began: Instant::now(),
        })
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.waiters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
    }

    pub(crate) fn offers(&self, extension: &str) -> bool {
        self.extensions.iter().any(|offered| offered == extension)
    }

    pub(crate) async fn ask(&self, request: Request<'_>) -> Result<Reply, Lost> {
        self.send(request).await?.wait().await
    }

    /// Sends the request; the answer is waited for apart, so that others can follow before it comes.
    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Pending, Lost> {
        let sent = timeout(self.answer, async {
            // Given back by whoever hears the answer, so that nobody who waits holds up another.
            let slot = Arc::clone(&self.slots)
                .acquire_owned()
                .await
                .map_err(|_| Lost)?;
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            let (tell, answer) = oneshot::channel();
            match &mut *self.waiters.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(waiters) => waiters.insert(id, (tell, slot)),
                None => return Err(Lost),
            };
            let packet = packet::encode(id, request);
            let to_server = self.to_server.lock().await;
            to_server.data_bytes(packet).await.map_err(|_| Lost)?;
            Ok(answer)
        });
        match sent.await {
            Ok(Ok(answer)) => Ok(Pending {
                answer,
                within: self.answer,
                waiters: Arc::clone(&self.waiters),
            }),
            Ok(Err(Lost)) | Err(_) => {
                // A packet may be cut in half: nothing sensible can follow it.
                close(&self.waiters);
                Err(Lost)
            }
        }
    }
}

/// Looks at the host's key and hangs up.
pub(crate) async fn recognise(place: &Place) -> Result<(), Trouble> {
    let silent = |what: String| Trouble::Silent {
        host: place.url.address(),
        what,
        tries: Tries(1),
    };
    let pins = Pins::read(place)?;
    let verdict = Arc::new(Mutex::new(None));
    let guard = Guard {
        place: place.clone(),
        pins: pins.clone(),
        verdict: Arc::clone(&verdict),
    };
    let address = (place.url.host.as_str(), place.url.port);
    let met = timeout(place.patience.connect, async {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| error.to_string())?;
        let config = Arc::new(config(&pins, place.patience.answer));
        let handle = client::connect_stream(config, stream, guard).await;
        handle.map(drop).map_err(|error| error.to_string())
    });
    let met = met.await.map_err(|_| {
        let seconds = place.patience.connect.as_secs();
        silent(format!("no answer to a connection within {seconds} s"))
    })?;
    let refused = verdict
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    match (refused, met) {
        (Some(trouble), _) => Err(trouble),
        (None, Err(what)) => Err(silent(what)),
        (None, Ok(())) => Ok(()),
    }
}

fn config(pins: &Pins, answer: Duration) -> client::Config {
    let mut preferred = Preferred::DEFAULT;
    // ring's AES is three times as fast as its ChaCha20 on any processor with AES instructions.
    preferred.cipher = vec![
        russh::cipher::AES_256_GCM,
        russh::cipher::CHACHA20_POLY1305,
        russh::cipher::AES_256_CTR,
        russh::cipher::AES_128_CTR,
    ]
    .into();
    let pinned = pins.algorithms();
    if !pinned.is_empty() {
        preferred.key = pinned.into();
    }
    let beats = answer.as_secs() / KEEP_ALIVE.as_secs() + 1;
    client::Config {
        preferred,
        window_size: WINDOW,
        maximum_packet_size: 65_535,
        keepalive_interval: Some(KEEP_ALIVE),
        keepalive_max: usize::try_from(beats).unwrap_or(usize::MAX),
        nodelay: true,
        ..client::Config::default()
    }
}

/// Lets only the right machine in.
pub(crate) struct Guard {
    place: Place,
    pins: Pins,
    verdict: Arc<Mutex<Option<Trouble>>>,
}

impl Guard {
    fn look(&self, key: &PublicKey) -> Result<(), Trouble> {
        match self.pins.judge(&self.place, key) {
            Verdict::Known => Ok(()),
            Verdict::Confirmed => host::pin(&self.place, key),
            Verdict::Refused(trouble) => Err(trouble),
        }
    }
}

impl client::Handler for Guard {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        offered: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = offered else {
            return Ok(false);
        };
        match self.look(key) {
            Ok(()) => Ok(true),
            Err(trouble) => {
                *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
                Ok(false)
            }
        }
    }
}

enum Failed {
    Trouble(Trouble),
    NoSftp(String),
    Ssh(russh::Error),
    /// After the login.
    HungUp(russh::Error),
}

impl From<russh::Error> for Failed {
    fn from(error: russh::Error) -> Failed {
        Failed::Ssh(error)
    }
}

type Started = (ChannelReadHalf, ChannelWriteHalf<Msg>, Vec<u8>, Vec<String>);

/// Opens the channel and greets; with what came after the greeting, and what the server can.
async fn start(handle: &Handle<Guard>) -> Result<Started, Failed> {
    let mut channel = handle.channel_open_session().await?;
    channel.request_subsystem(true, "sftp").await?;
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => break,
            Some(ChannelMsg::Failure) => {
                return Err(Failed::NoSftp("it refuses the subsystem".to_owned()));
            }
            Some(ChannelMsg::Close | ChannelMsg::Eof) | None => {
                return Err(Failed::NoSftp("it closed the channel".to_owned()));
            }
            Some(_) => {}
        }
    }
    let (mut from_server, to_server) = channel.split();
    to_server.data_bytes(packet::hello()).await?;
    let mut heard = Vec::new();
    loop {
        match packet_in(&mut heard) {
            Ok(Some(greeting)) => {
                let extensions = reply::greeting(&greeting)
                    .map_err(|error| Failed::NoSftp(error.to_string()))?;
                return Ok((from_server, to_server, heard, extensions));
            }
            Ok(None) => {}
            Err(error) => return Err(Failed::NoSftp(error.to_string())),
        }
        match from_server.wait().await {
            Some(ChannelMsg::Data { data }) => heard.extend_from_slice(&data),
            Some(ChannelMsg::Close | ChannelMsg::Eof) | None => {
                return Err(Failed::NoSftp("it ended before it greeted".to_owned()));
            }
            Some(_) => {}
        }
    }
}

/// Takes the first whole packet off what was heard.
fn packet_in(heard: &mut Vec<u8>) -> Result<Option<Vec<u8>>, NotSftp> {
    let Some((len, _)) = heard.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| NotSftp)?;
    if len > reply::LONGEST {
        return Err(NotSftp);
    }
    if heard.len() < 4 + len {
        return Ok(None);
    }
    let packet = heard[4..4 + len].to_vec();
    heard.drain(..4 + len);
    Ok(Some(packet))
}

/// Gives every answer to whoever asked, until the connection ends.
async fn listen(mut from_server: ChannelReadHalf, mut heard: Vec<u8>, waiters: Waiters) {
    loop {
        match packet_in(&mut heard).and_then(|packet| packet.map(|p| reply::decode(&p)).transpose())
        {
            Ok(Some((id, reply))) => {
                let waiter = match &mut *waiters.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some(waiters) => waiters.remove(&id),
                    None => return,
                };
                // Whoever asked may not wait any more.
                if let Some((tell, _slot)) = waiter {
                    let _ = tell.send(reply);
                }
                continue;
            }
            Ok(None) => {}
            Err(NotSftp) => break,
        }
        match from_server.wait().await {
            Some(ChannelMsg::Data { data }) => heard.extend_from_slice(&data),
            Some(ChannelMsg::Close | ChannelMsg::Eof) | None => break,
            Some(_) => {}
        }
    }
    close(&waiters);
}
