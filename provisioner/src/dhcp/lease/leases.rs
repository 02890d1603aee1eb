//! The one book of leases of all interfaces: the pool in memory, its journal in a file.
//!
//! Its clock goes on by itself: wall time at the start (never before the newest record), then only
//! what passed. Somebody who sets the machine's clock neither ends a lease nor makes one last.

use super::journal::Journal;
use super::pool::Pool;
use super::record::Record;
use super::writer::{Job, Writer};
use crate::Mac;
use config::Dhcp;
use state::{Clock, Timestamp};
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "read the leases: this box gives no addresses; write `dhcp = \"server\"` in a [[network]] and a [[dhcp_subnet]] if it is to"
    )]
    NotServed,
    #[error("open the leases in {folder}: another reprise uses them; stop it first")]
    Busy { folder: PathBuf },
    #[error("open the leases in {folder}: {source}")]
    Unreadable { folder: PathBuf, source: io::Error },
    #[error(
        "release {0}: nobody has it and nothing keeps it; `reprise dhcp leases` shows which are given"
    )]
    NotLeased(Ipv4Addr),
    #[error("release {0}: it could not be written; look at the troubles on the home page")]
    NotWritten(Ipv4Addr),
}

/// The leases of this appliance. Cloning shares them; nothing is opened before it is needed.
#[derive(Clone, Default)]
pub struct Leases(Arc<Shared>);

#[derive(Default)]
struct Shared {
    home: Option<(PathBuf, Dhcp, Clock)>,
    book: Mutex<Option<Arc<Book>>>,
}

/// One address as people look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub address: Ipv4Addr,
    pub mac: Option<Mac>,
    pub hostname: String,
    /// `bound`; `aside` = used by somebody who did not get it here; `expired`.
    pub state: &'static str,
    /// By the clock on the wall.
    pub until: Timestamp,
}

impl Leases {
    /// `folder`: a folder of theirs in the state folder.
    pub fn new(folder: PathBuf, dhcp: Dhcp, clock: Clock) -> Leases {
        Leases(Arc::new(Shared {
            home: Some((folder, dhcp, clock)),
            book: Mutex::default(),
        }))
    }

    /// Blocks while it reads the file, the first time.
    pub(crate) fn book(&self) -> Result<Arc<Book>, Error> {
        let (folder, dhcp, clock) = self.0.home.as_ref().ok_or(Error::NotServed)?;
        if dhcp.subnets.is_empty() {
            return Err(Error::NotServed);
        }
        let mut book = self.0.book.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(book) = book.as_ref() {
            return Ok(Arc::clone(book));
        }
        let opened = Book::open(folder, dhcp.clone(), clock.clone());
        let opened = opened.map_err(|source| match source.kind() {
            io::ErrorKind::WouldBlock => Error::Busy {
                folder: folder.clone(),
            },
            _ => Error::Unreadable {
                folder: folder.clone(),
                source,
            },
        })?;
        *book = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// There are addresses to give, if an interface's role is `server`.
    pub(crate) fn are_configured(&self) -> bool {
        let home = self.0.home.as_ref();
        home.is_some_and(|(_, dhcp, _)| !dhcp.subnets.is_empty())
    }

    /// `None`: nobody needed it yet.
    pub(crate) fn opened(&self) -> Option<Arc<Book>> {
        let book = self.0.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.as_ref().map(Arc::clone)
    }

    /// Every address with a story, in their order.
    pub fn list(&self) -> Result<Vec<Shown>, Error> {
        let book = self.book()?;
        let now = book.now();
        let wall = book.clock.now();
        let mut pool = book.pool();
        pool.settle(now);
        let held = pool.held().into_iter();
        let shown = held.map(|held| Shown {
            address: held.address,
            mac: held.user,
            hostname: held.hostname,
            state: held.state,
            until: Timestamp(wall.0.saturating_add(held.until.0.saturating_sub(now.0))),
        });
        Ok(shown.collect())
    }

    /// Gives an address back in its machine's stead; returns when that is durable. The machine may
    /// go on using it: it is asked for on the network before somebody else gets it.
    pub async fn release(&self, address: Ipv4Addr) -> Result<(), Error> {
        let book = self.book()?;
        let record = {
            let now = book.now();
            let mut pool = book.pool();
            pool.settle(now);
            pool.free(address, now).ok_or(Error::NotLeased(address))?
        };
        let (done, written) = oneshot::channel();
        let done = Some(done);
        let answer = None;
        let job = Job {
            record,
            answer,
            done,
        };
        if !book.submit(job) {
            return Err(Error::NotWritten(address));
        }
        written.await.map_err(|_| Error::NotWritten(address))
    }
}

/// What was wrong with the file at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) lines: usize,
    pub(crate) kept: Option<PathBuf>,
}

/// The leases while they are open.
pub(crate) struct Book {
    // A std mutex: held for a few look-ups, never across an await.
    pool: Mutex<Pool>,
    clock: Clock,
    /// Our clock at the start, and the machine's steady one then.
    started: (Timestamp, Duration),
    writer: OnceLock<Writer>,
    damage: Mutex<Option<Damage>>,
    /// Addresses offered since somebody looked.
    pub(crate) offered: AtomicU32,
}

impl Book {
    fn open(folder: &Path, dhcp: Dhcp, clock: Clock) -> io::Result<Arc<Book>> {
        let (mut journal, found) = Journal::open(folder)?;
        let newest = found.records.iter().map(Record::at).max().max(found.lived);
        let wall = clock.now();
        let now = newest.map_or(wall, |newest| newest.max(wall));
        let mut pool = Pool::new(dhcp);
        found
            .records
            .into_iter()
            .for_each(|record| pool.restore(record));
        if let Some(newest) = newest {
            pool.distrust(newest, now);
        }
        pool.settle(now);
        journal.renew(pool.records(now), now)?;
        let damage = (found.damaged > 0).then_some(Damage {
            lines: found.damaged,
            kept: found.kept,
        });
        let book = Arc::new(Book {
            pool: Mutex::new(pool),
            started: (now, clock.steady()),
            clock,
            writer: OnceLock::new(),
            damage: Mutex::new(damage),
            offered: AtomicU32::new(0),
        });
        let writer = Writer::start(journal, Arc::downgrade(&book))?;
        let _ = book.writer.set(writer);
        Ok(book)
    }

    pub(crate) fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        let (start, steady) = self.started;
        start + self.clock.steady().saturating_sub(steady)
    }

    pub(super) fn records(&self) -> Vec<Record> {
        self.pool().records(self.now())
    }

    /// False: there is no room, or the thread is gone; nobody is answered.
    pub(crate) fn submit(&self, job: Job) -> bool {
        self.writer.get().is_some_and(|writer| writer.submit(job))
    }

    /// Why nothing can be written now.
    pub(crate) fn health(&self) -> Option<watch::Receiver<Option<String>>> {
        self.writer.get().map(Writer::health)
    }

    /// Once.
    pub(crate) fn damage(&self) -> Option<Damage> {
        let mut damage = self.damage.lock().unwrap_or_else(PoisonError::into_inner);
        damage.take()
    }

    pub(crate) fn count_offer(&self) {
        self.offered.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::holder::Holder;
    use super::*;
    use config::{Subnet, Told};

    fn site() -> Dhcp {
        Dhcp {
            subnets: vec![Subnet {
                network: [10, 0, 0, 0].into(),
                prefix: 24,
                ranges: vec![([10, 0, 0, 10].into(), [10, 0, 0, 19].into())],
                exclude: Vec::new(),
                lease: Duration::from_secs(3600),
                told: Told::default(),
                authoritative: true,
            }],
            ..Dhcp::default()
        }
    }

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// The book of an earlier start lets go of its file when its thread has ended.
    async fn opened(folder: &Folder, clock: &Clock) -> Leases {
        let leases = Leases::new(folder.0.clone(), site(), clock.clone());
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while let Err(error) = leases.book() {
            assert!(matches!(error, Error::Busy { .. }), "{error}");
            assert!(std::time::Instant::now() < deadline, "{error}");
            tokio::task::yield_now().await;
        }
        leases
    }

    async fn given(book: &Book, last: u8, lease: Duration) {
        let (written, wait) = oneshot::channel();
        {
            let mac = Mac([2, 0, 0, 0, 0, last]);
            let id = Vec::new();
            let holder = Holder { id, mac };
            let mut pool = book.pool();
            let address = Ipv4Addr::new(10, 0, 0, last);
            let record = pool.bind(0, address, &holder, "", lease, book.now());
            let mut job = Job::of(record);
            job.done = Some(written);
            assert!(book.submit(job));
        }
        wait.await.unwrap();
    }

    #[tokio::test]
    async fn what_lapsed_while_nobody_was_there_is_kept_for_one_lease_more() {
        let folder =
            Folder(std::env::temp_dir().join(format!("reprise-book-{}", state::id::new())));
        let clock = Clock::manual(Timestamp(1_800_000_000_000));
        let leases = opened(&folder, &clock).await;
        let book = leases.book().unwrap();
        // It is over before the appliance goes down, and is nobody's then.
        given(&book, 10, Duration::from_secs(60)).await;
        clock.advance(Duration::from_secs(120));
        given(&book, 11, Duration::from_secs(3600)).await;
        drop((book, leases));
        // An hour's lease, and the clock is two hours ahead: a power cut, or a clock without a battery.
        clock.set(clock.now() + Duration::from_secs(7200));
        let leases = opened(&folder, &clock).await;
        let states = |leases: &Leases| -> Vec<&'static str> {
            let shown = leases.list().unwrap();
            shown.iter().map(|shown| shown.state).collect()
        };
        assert_eq!(states(&leases), ["expired", "bound"]);
        let stranger = Holder {
            id: Vec::new(),
            mac: Mac([2, 0, 0, 0, 0, 99]),
        };
        let book = leases.book().unwrap();
        let now = book.now();
        let offered = book
            .pool()
            .offer(0, &stranger, Some([10, 0, 0, 11].into()), now);
        assert_ne!(offered.unwrap().address, Ipv4Addr::new(10, 0, 0, 11));
        drop((book, leases));
        // Not once more at the next start, unless it lapsed again unseen.
        clock.advance(Duration::from_secs(600));
        let leases = opened(&folder, &clock).await;
        clock.advance(Duration::from_secs(3100));
        assert_eq!(states(&leases), ["expired", "expired"]);
    }

    #[tokio::test]
    async fn leases_are_shown_by_the_clock_on_the_wall_and_given_back_for_good() {
        let folder =
            Folder(std::env::temp_dir().join(format!("reprise-book-{}", state::id::new())));
        let clock = Clock::manual(Timestamp(1_800_000_000_000));
        let leases = opened(&folder, &clock).await;
        let book = leases.book().unwrap();
        let (written, wait) = oneshot::channel();
        {
            let mac = Mac([2, 0, 0, 0, 0, 1]);
            let id = Vec::new();
            let holder = Holder { id, mac };
            let mut pool = book.pool();
            let lease = Duration::from_secs(3600);
            let address = Ipv4Addr::new(10, 0, 0, 12);
            let record = pool.bind(0, address, &holder, "compta-3", lease, book.now());
            let mut job = Job::of(record);
            job.done = Some(written);
            assert!(book.submit(job));
        }
        wait.await.unwrap();
        // Somebody sets the clock a day ahead: an hour is left all the same.
        clock.advance(Duration::from_secs(600));
        clock.set(clock.now() + Duration::from_secs(86_400));
        let shown = leases.list().unwrap();
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].hostname, "compta-3");
        assert_eq!(
            (shown[0].state, shown[0].until),
            ("bound", clock.now() + Duration::from_secs(3000))
        );
        drop((book, leases));

        let leases = opened(&folder, &clock).await;
        let address = shown[0].address;
        leases.release(address).await.unwrap();
        assert_eq!(leases.list().unwrap()[0].state, "expired");
        let again = leases.release(address).await;
        assert!(matches!(again, Err(Error::NotLeased(_))), "{again:?}");
        let unknown = leases.release([10, 0, 0, 19].into()).await;
        assert!(matches!(unknown, Err(Error::NotLeased(_))), "{unknown:?}");
        drop(leases);
        let leases = opened(&folder, &clock).await;
        assert_eq!(
            leases.list().unwrap()[0].state,
            "expired",
            "after a restart"
        );
        let none = Leases::default().list();
        assert!(matches!(none, Err(Error::NotServed)), "{none:?}");
    }
}
