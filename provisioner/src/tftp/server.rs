//! The engine beside the asynchronous rest: it asks for files, which takes a look into the
//! database, and goes on with other machines meanwhile.

use super::engine::{Engine, Question};
use super::mailbox::{Letter, Mailbox};
use super::packet::Refusal;
use super::transfer::End;
use socket2::Socket;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Questions that wait to be looked at; more are forgotten, and machines ask again.
const MOST_WAITING: usize = 256;
/// Files looked for at once.
const MOST_LOOKING: usize = 32;

/// The database is asked, which somebody may hold; the machine asks again meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where transfers' sockets are opened.
#[derive(Clone, Debug)]
pub struct Place {
    pub interface: String,
    pub address: IpAddr,
}

/// A file to send.
pub struct Content {
    pub bytes: Arc<[u8]>,
    /// Called once, by the engine's thread: it must not wait for anything.
    pub ended: Box<dyn FnOnce(Ended) + Send>,
}

/// How a transfer went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub how: End,
    pub acknowledged_bytes: u64,
    pub resent_blocks: u64,
    pub took: Duration,
}

/// The file being found.
pub type Opening = Pin<Box<dyn Future<Output = Result<Content, Refusal>> + Send>>;

/// Finds files.
pub trait Files: Send + Sync {
    /// `path` as the machine wrote it: any slashes, any case, anything.
    fn open(&self, machine: SocketAddr, path: String) -> Opening;
}

/// Serves requests that arrive at `socket` (nonblocking, bound) until `stop`.
///
/// Fails when the engine cannot be set up, or the socket breaks (its interface vanished).
pub async fn serve(
    socket: Socket,
    place: Place,
    files: Arc<dyn Files>,
    stop: CancellationToken,
) -> io::Result<()> {
    let mailbox = Arc::new(Mailbox::new()?);
    let (ask, mut questions) = mpsc::channel(MOST_WAITING);
    let name = format!("tftp {}", place.interface);
    let engine = Engine::new(socket, place, ask, Arc::clone(&mailbox));
    // Threads: sending a window takes no turn of the tasks, and they none of its.
    let thread = std::thread::Builder::new()
        .name(name)
        .spawn(move || engine.run())?;
    // However this future ends, the thread does.
    let stopping = StopsEngine(Arc::clone(&mailbox));
    let mut looking = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            question = questions.recv(), if looking.len() < MOST_LOOKING => {
                let Some(Question { number, machine, path }) = question else { break };
                let opening = files.open(machine, path);
                let owed = Owed { number, answer: None, mailbox: Arc::clone(&mailbox) };
                looking.spawn(async move {
                    owed.pay(tokio::time::timeout(PATIENCE, opening).await.ok());
                });
            }
            Some(looked) = looking.join_next() => {
                if let Err(crash) = looked {
                    tracing::error!(%crash, "looking for a boot file crashed; the machine was refused");
                }
            }
        }
    }
    drop(stopping);
    // Closed when the engine has ended, which is at once.
    while questions.recv().await.is_some() {}
    thread
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the TFTP server crashed")))
}

/// Each question gets its answer, or the machine's place would stay taken: also when looking for
/// the file takes too long, or crashes.
struct Owed {
    number: u64,
    answer: Option<Result<Content, Refusal>>,
    mailbox: Arc<Mailbox>,
}

impl Owed {
    fn pay(mut self, answer: Option<Result<Content, Refusal>>) {
        self.answer = answer;
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        let sentence = "the appliance has a problem; its log says which";
        let answer = self.answer.take();
        let answer = answer.unwrap_or_else(|| Err(Refusal::because(sentence)));
        self.mailbox.put(Letter::Answer(self.number, answer));
    }
}

struct StopsEngine(Arc<Mailbox>);

impl Drop for StopsEngine {
    fn drop(&mut self) {
        self.0.put(Letter::Stop);
    }
}
