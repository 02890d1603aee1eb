//! The thread that makes leases durable: one flush for all that wait, then their answers leave.

use super::journal::Journal;
use super::leases::Book;
use super::record::Record;
use crate::dhcp::socket::Socket;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// Records waiting; a client whose record finds no room asks again.
const WAITING: usize = 8192;

/// How long records of a crowd are gathered for one flush.
const GATHER: Duration = Duration::from_millis(1);
/// What a slow flush held back does not leave in one go: a relay's socket holds some 160 packets
/// (Linux' default), and a relay takes about 20 µs for each.
const IN_A_ROW: usize = 16;
const BREATH: Duration = Duration::from_micros(250);

/// How often it is marked that time passed while nothing was written: a start tells by it how long
/// nobody was there.
const LIVES_EVERY: Duration = Duration::from_secs(30);
/// How long the mark may be behind the file.
const MARKED_WITHIN: Duration = Duration::from_millis(250);

/// A packet that leaves when its lease is durable.
pub(crate) struct Parting {
    pub(crate) socket: Arc<Socket>,
    pub(crate) bytes: Vec<u8>,
    /// The address of ours it leaves from.
    pub(crate) source: Ipv4Addr,
    pub(crate) to: SocketAddrV4,
}

pub(crate) struct Job {
    pub(crate) record: Record,
    pub(crate) answer: Option<Parting>,
    /// Told when it is durable; dropped when it could not be written.
    pub(crate) done: Option<oneshot::Sender<()>>,
}

impl Job {
    /// Nobody waits for it.
    pub(crate) fn of(record: Record) -> Job {
        Job {
            record,
            answer: None,
            done: None,
        }
    }
}

/// Hands records over. The thread ends when this is gone.
pub(super) struct Writer {
    jobs: SyncSender<Job>,
    /// Why nothing can be written now.
    health: watch::Receiver<Option<String>>,
}

impl Writer {
    /// `book`: where the records for a new file come from.
    pub(super) fn start(journal: Journal, book: Weak<Book>) -> io::Result<Writer> {
        let (jobs, waiting) = sync_channel(WAITING);
        let (said, health) = watch::channel(None);
        std::thread::Builder::new()
            .name("leases".to_owned())
            .spawn(move || write(journal, &waiting, &book, &said))?;
        Ok(Writer { jobs, health })
    }

    /// False: there is no room; nobody is answered.
    pub(super) fn submit(&self, job: Job) -> bool {
        self.jobs.try_send(job).is_ok()
    }

    pub(super) fn health(&self) -> watch::Receiver<Option<String>> {
        self.health.clone()
    }
}

fn write(
    mut journal: Journal,
    waiting: &Receiver<Job>,
    book: &Weak<Book>,
    health: &watch::Sender<Option<String>>,
) {
    // After an error the file may end in half a line, or say less than what was answered.
    let mut sound = true;
    let mut crowd = false;
    // When it was marked last how far the file goes, and by our clock what is not marked yet.
    let (mut marked, mut unmarked) = (Instant::now(), None);
    loop {
        let patience = match unmarked {
            Some(_) => MARKED_WITHIN,
            None => LIVES_EVERY,
        };
        let first = match waiting.recv_timeout(patience) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout) => {
                let now = book.upgrade().map(|book| book.now());
                if let Some(now) = now.or(unmarked.take()).filter(|_| sound) {
                    journal.live(now);
                }
                unmarked = None;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => {
                if let Some(now) = unmarked.filter(|_| sound) {
                    journal.live(now);
                }
                return;
            }
        };
        // Who comes alone is not kept waiting; in a crowd a flush for each would cost more than it
        // brings.
        if crowd {
            std::thread::sleep(GATHER);
        }
        let mut batch = vec![first];
        batch.extend(waiting.try_iter().take(WAITING));
        crowd = batch.len() > 1;
        let records = batch.iter().map(|job| &job.record);
        let newest = batch.iter().map(|job| job.record.at()).max();
        let book = book.upgrade();
        let now = book.as_ref().map(|book| book.now());
        // The book is gone: what waits is the newest there is.
        let now = now.or(newest).unwrap_or_default();
        let renewed = match (sound, &book) {
            (false, Some(book)) => journal.renew(book.records(), now),
            _ => Ok(()),
        };
        let appended = batch.len();
        let written = renewed
            .and_then(|()| journal.append(records))
            .and_then(|()| {
                part(batch);
                match (journal.has_grown(), book) {
                    (true, Some(book)) => journal.begin_renewal(book.records()),
                    _ => journal.go_on(appended, now),
                }
            });
        sound = written.is_ok();
        match written {
            Ok(()) => {
                health.send_if_modified(|trouble| trouble.take().is_some());
                // Behind the answers, and in a crowd not every time.
                unmarked = Some(now);
                if !crowd || marked.elapsed() >= MARKED_WITHIN {
                    journal.live(now);
                    (marked, unmarked) = (Instant::now(), None);
                }
            }
            Err(error) => {
                let sentence = format!(
                    "leases cannot be written ({error}), so no address is given; make room on the disk of the state folder, or look at it with `dmesg`"
                );
                health.send_if_modified(|trouble| {
                    trouble.replace(sentence.clone()) != Some(sentence)
                });
            }
        }
    }
}

/// Their leases are durable.
fn part(batch: Vec<Job>) {
    for (rank, job) in batch.into_iter().enumerate() {
        if let Some(answer) = job.answer
            && let Err(error) = answer
                .socket
                .send_now(&answer.bytes, answer.source, answer.to)
        {
            tracing::warn!(to = %answer.to, %error, "failed to send a lease; its machine asks again");
        }
        if let Some(done) = job.done {
            // Nobody waits any more: it is durable all the same.
            let _ = done.send(());
        }
        if (rank + 1).is_multiple_of(IN_A_ROW) {
            std::thread::sleep(BREATH);
        }
    }
}
