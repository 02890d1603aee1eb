//! The calls on files that a vault is made of, over SFTP.
//!
//! Version 3 has one error for most of what goes wrong; the room left tells a full disk from the rest, and what is
//! there afterwards tells whether a name was given. It has no fsync of folders: see `sync_folder`.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vault::target::{Error, Files, OpenFile, Seen};

use crate::link::Link;
use crate::packet::{self, Request};
use crate::reply::{Reply, Room};
use crate::session::{Lost, Pending, Session};
use crate::{Place, Trouble};

/// What every server takes in one request (the draft asks for 32 KiB at least in all).
pub(crate) const BLOCK: usize = 32 << 10;
/// Blocks of one file in flight: 2 MiB, enough for 100 MB/s over 20 ms.
pub(crate) const WINDOW: usize = 64;
/// Less room than this is a full disk, whatever is about to be written.
const NO_ROOM: u64 = 1 << 20;

/// So many connections may be cut under one look at the folder.
const CUTS: usize = 3;

const ENOENT: i32 = 2;
const EIO: i32 = 5;
const EACCES: i32 = 13;
const EEXIST: i32 = 17;
const EINVAL: i32 = 22;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
const EOPNOTSUPP: i32 = 95;
const ESTALE: i32 = 116;
const EDQUOT: i32 = 122;

const OK: u32 = 0;
const END_OF_FILE: u32 = 1;

pub(crate) struct Sftp {
    link: Arc<Link>,
    root: String,
    shown: String,
    /// The name given last in each folder, until it was synced.
    given: Mutex<BTreeMap<String, String>>,
}

/// A handle is lost with its connection: opened anew, it is a fresh one.
impl From<Lost> for io::Error {
    fn from(_: Lost) -> io::Error {
        io::Error::from_raw_os_error(ESTALE)
    }
}

/// Whether the connection was, and another may do better.
pub(crate) fn is_lost(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ESTALE)
}

/// The draft's codes, and those of later versions that some servers send in this one.
fn error_of(code: u32, message: &str) -> io::Error {
    let said = message.to_lowercase();
    io::Error::from_raw_os_error(match code {
        2 | 10 => ENOENT,
        3 => EACCES,
        5 => EINVAL,
        6 | 7 => ESTALE,
        8 => EOPNOTSUPP,
        11 => EEXIST,
        12 => EROFS,
        14 => ENOSPC,
        15 => EDQUOT,
        _ if said.contains("no space") || said.contains("quota") => ENOSPC,
        _ if said.contains("read-only file system") => EROFS,
        _ => EIO,
    })
}

fn odd() -> io::Error {
    io::Error::from_raw_os_error(EINVAL)
}

pub(crate) fn done(reply: Reply) -> io::Result<()> {
    match reply {
        Reply::Status { code: OK, .. } => Ok(()),
        Reply::Status { code, message } => Err(error_of(code, &message)),
        _ => Err(odd()),
    }
}

pub(crate) fn handle_in(reply: Reply) -> io::Result<Vec<u8>> {
    match reply {
        Reply::Handle(handle) => Ok(handle),
        other => Err(done(other).err().unwrap_or_else(odd)),
    }
}

fn seen_in(reply: Reply) -> io::Result<Seen> {
    match reply {
        Reply::Attributes(seen) => Ok(Seen {
            len: seen.size,
            is_file: seen.is_file(),
        }),
        other => Err(done(other).err().unwrap_or_else(odd)),
    }
}

impl Sftp {
    pub(crate) fn connect(place: &Place) -> Result<Sftp, Error> {
        let unreachable = |trouble: Trouble| Error::Unreachable {
            folder: place.url.to_string(),
            cause: trouble.cause(),
            what: trouble.to_string(),
        };
        let link = Link::new(place.clone()).map_err(unreachable)?;
        let runtime = link.handle().map_err(unreachable)?;
        runtime.block_on(link.session()).map_err(unreachable)?;
        Ok(Sftp {
            link: Arc::new(link),
            root: place.url.path.clone(),
            shown: place.url.to_string(),
            given: Mutex::default(),
        })
    }

    fn at(&self, path: &str) -> String {
        match path {
            "" => self.root.clone(),
            _ => format!("{}/{path}", self.root),
        }
    }

    fn wait<T>(&self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        self.link.handle()?.block_on(work)
    }

    async fn ask(&self, request: Request<'_>) -> io::Result<Reply> {
        Ok(self.link.session().await?.ask(request).await?)
    }

    /// For calls that change something: a plain failure is told from a full or read-only disk.
    async fn change(&self, request: Request<'_>) -> io::Result<()> {
        let session = self.link.session().await?;
        let reply = session.ask(request).await?;
        let Err(error) = done(reply) else {
            return Ok(());
        };
        Err(explained(&session, self.root.as_bytes(), error).await)
    }

    async fn room(&self) -> io::Result<Option<Room>> {
        let session = self.link.session().await?;
        Ok(room(&session, self.root.as_bytes()).await)
    }

    async fn sync_file(&self, path: &str) -> io::Result<()> {
        let session = self.link.session().await?;
        if !session.offers(packet::FSYNC) {
            return Ok(());
        }
        let handle = handle_in(
            session
                .ask(Request::OpenForReading(path.as_bytes()))
                .await?,
        )?;
        let synced = session.ask(Request::Sync(&handle)).await?;
        done(session.ask(Request::Close(&handle)).await?)?;
        done(synced)
    }

    async fn created(&self, path: &[u8]) -> io::Result<Box<dyn OpenFile>> {
        let session = self.link.session().await?;
        let reply = session.ask(Request::Create(path)).await?;
        self.file(session, reply, None).await
    }

    /// How long the file is is asked together with it: whoever opens one asks that first, and a round trip is saved.
    async fn opened(&self, path: &[u8]) -> io::Result<Box<dyn OpenFile>> {
        let session = self.link.session().await?;
        let opened = session.send(Request::OpenForReading(path)).await?;
        let looked = session.send(Request::LookThrough(path)).await?;
        let (opened, looked) = (opened.wait().await?, looked.wait().await?);
        let len = seen_in(looked).ok().map(|seen| seen.len);
        self.file(session, opened, len).await
    }

    async fn file(
        &self,
        session: Arc<Session>,
        reply: Reply,
        len: Option<u64>,
    ) -> io::Result<Box<dyn OpenFile>> {
        let handle = match handle_in(reply) {
            Ok(handle) => handle,
            Err(error) => return Err(explained(&session, self.root.as_bytes(), error).await),
        };
        Ok(Box::new(File {
            link: Arc::clone(&self.link),
            session,
            handle,
            len,
            written: 0,
            pending: Mutex::default(),
            root: self.root.clone(),
        }))
    }
}

pub(crate) async fn room(session: &Session, root: &[u8]) -> Option<Room> {
    if !session.offers(packet::STATVFS) {
        return None;
    }
    match session.ask(Request::Room(root)).await {
        Ok(Reply::Room(room)) => Some(room),
        _ => None,
    }
}

pub(crate) async fn explained(session: &Session, root: &[u8], error: io::Error) -> io::Error {
    if error.raw_os_error() != Some(EIO) {
        return error;
    }
    match room(session, root).await {
        Some(room) if room.is_read_only => io::Error::from_raw_os_error(EROFS),
        Some(room) if room.free_bytes < NO_ROOM => io::Error::from_raw_os_error(ENOSPC),
        _ => error,
    }
}

/// "It did not work" of a way to give a name: the caller looks whether it is there, then takes the next way.
fn other_way(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(EIO | EINVAL) => io::Error::from_raw_os_error(EOPNOTSUPP),
        _ => error,
    }
}

impl Files for Sftp {
    fn usable(&self) -> Result<(), Error> {
        let folder = || self.shown.clone();
        let look = || {
            self.wait(async {
                seen_in(self.ask(Request::LookThrough(self.root.as_bytes())).await?)
            })
        };
        let mut looked = look();
        for _ in 0..CUTS {
            match &looked {
                Err(error) if error.raw_os_error() == Some(ESTALE) => looked = look(),
                _ => break,
            }
        }
        match looked {
            Ok(seen) if !seen.is_file => Ok(()),
            Ok(_) => Err(Error::NotAFolder { folder: folder() }),
            Err(error) => Err(match error.raw_os_error() {
                Some(ENOENT) => Error::Missing { folder: folder() },
                Some(EACCES) => Error::Denied {
                    folder: folder(),
                    object: "the folder itself".to_owned(),
                },
                _ => Error::unreachable(&folder(), &error).unwrap_or_else(|| Error::Io {
                    folder: folder(),
                    object: "the folder itself".to_owned(),
                    source: error,
                }),
            }),
        }
    }

    fn free_bytes(&self) -> u64 {
        let room = self.wait(self.room());
        room.ok().flatten().map_or(0, |room| room.free_bytes)
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        self.wait(self.created(self.at(path).as_bytes()))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        self.wait(self.opened(self.at(path).as_bytes()))
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        let (old, new) = (self.at(from), self.at(to));
        self.remember(to);
        self.wait(async {
            match self.link.session().await?.offers(packet::HARDLINK) {
                true => {
                    self.change(Request::Link(old.as_bytes(), new.as_bytes()))
                        .await
                }
                false => Err(io::Error::from_raw_os_error(EOPNOTSUPP)),
            }
        })
        .map_err(other_way)
    }

    fn rename(&self, from: &str, to: &str, replace: bool) -> io::Result<()> {
        let (old, new) = (self.at(from), self.at(to));
        self.remember(to);
        self.wait(async {
            if !replace {
                // Version 3: fails when the name is taken.
                return self
                    .change(Request::Rename(old.as_bytes(), new.as_bytes()))
                    .await
                    .map_err(other_way);
            }
            match self.link.session().await?.offers(packet::POSIX_RENAME) {
                true => {
                    self.change(Request::RenameOver(old.as_bytes(), new.as_bytes()))
                        .await
                }
                false => Err(io::Error::from_raw_os_error(EOPNOTSUPP)),
            }
        })
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.wait(self.change(Request::Remove(self.at(path).as_bytes())))
    }

    fn make_folder(&self, path: &str) -> io::Result<()> {
        self.wait(self.change(Request::MakeFolder(self.at(path).as_bytes())))
    }

    /// SFTP cannot sync a folder. The file that got its name there is synced under that name: ext4, XFS and Btrfs then
    /// write the name too. Removed names follow in the order of the file system's journal.
    fn sync_folder(&self, path: &str) -> io::Result<()> {
        let given = self
            .given
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(path);
        let Some(name) = given else {
            return Ok(());
        };
        match self.wait(self.sync_file(&self.at(&name))) {
            // Swept away meanwhile: the name needs no disk any more.
            Err(error) if error.raw_os_error() == Some(ENOENT) => Ok(()),
            Err(error) => {
                self.remember(&name);
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let folder = self.at(path);
        self.wait(async {
            let session = self.link.session().await?;
            let handle = handle_in(session.ask(Request::OpenFolder(folder.as_bytes())).await?)?;
            let mut all = Vec::new();
            loop {
                match session.ask(Request::ReadFolder(&handle)).await? {
                    Reply::Names(names) => all.extend(names),
                    Reply::Status {
                        code: END_OF_FILE, ..
                    } => break,
                    other => return Err(done(other).err().unwrap_or_else(odd)),
                }
            }
            done(session.ask(Request::Close(&handle)).await?)?;
            let names = all.iter().map(|name| String::from_utf8_lossy(name));
            let names = names.filter(|name| !matches!(&**name, "." | ".."));
            Ok(names.map(std::borrow::Cow::into_owned).collect())
        })
    }

    fn look(&self, path: &str) -> io::Result<Seen> {
        self.wait(async { seen_in(self.ask(Request::Look(self.at(path).as_bytes())).await?) })
    }
}

impl Sftp {
    fn remember(&self, name: &str) {
        if let Some((folder, _)) = name.split_once('/') {
            let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
            given.insert(folder.to_owned(), name.to_owned());
        }
    }
}

struct File {
    link: Arc<Link>,
    session: Arc<Session>,
    handle: Vec<u8>,
    /// As it was when it was opened for reading: nothing that is read here is written to any more.
    len: Option<u64>,
    written: u64,
    /// Blocks whose answer was not waited for yet: `sync` does.
    pending: Mutex<VecDeque<Pending>>,
    root: String,
}

impl Drop for File {
    fn drop(&mut self) {
        let (session, handle) = (Arc::clone(&self.session), std::mem::take(&mut self.handle));
        // Nobody waits for it: what was written is looked at through another handle.
        if let Ok(runtime) = self.link.handle() {
            runtime.spawn(async move {
                let _ = session.ask(Request::Close(&handle)).await;
            });
        }
    }
}

impl File {
    fn wait<T>(&self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        self.link.handle()?.block_on(work)
    }

    async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let mut pending = std::mem::take(&mut *self.pending());
        let mut offset = self.written;
        for bytes in bytes.chunks(BLOCK) {
            if pending.len() == WINDOW
                && let Some(first) = pending.pop_front()
            {
                self.written(first).await?;
            }
            let write = Request::Write {
                handle: &self.handle,
                offset,
                bytes,
            };
            pending.push_back(self.session.send(write).await?);
            offset += bytes.len() as u64;
        }
        *self.pending() = pending;
        Ok(())
    }

    async fn written(&self, waiting: Pending) -> io::Result<()> {
        match done(waiting.wait().await?) {
            Ok(()) => Ok(()),
            Err(error) => Err(explained(&self.session, self.root.as_bytes(), error).await),
        }
    }

    fn pending(&self) -> MutexGuard<'_, VecDeque<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much of the block was there: fewer bytes only at the end of the file.
    async fn read_block(&self, into: &mut [u8], offset: u64, first: Reply) -> io::Result<usize> {
        let (mut filled, mut reply) = (0, first);
        loop {
            match reply {
                Reply::Data(data) if !data.is_empty() && data.len() <= into.len() - filled => {
                    into[filled..filled + data.len()].copy_from_slice(&data);
                    filled += data.len();
                }
                Reply::Status {
                    code: END_OF_FILE, ..
                } => return Ok(filled),
                other => return Err(done(other).err().unwrap_or_else(odd)),
            }
            if filled == into.len() {
                return Ok(filled);
            }
            reply = self
                .session
                .ask(Request::Read {
                    handle: &self.handle,
                    offset: offset + filled as u64,
                    len: length(into.len() - filled),
                })
                .await?;
        }
    }

    async fn read(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let total = into.len();
        let mut pending = VecDeque::new();
        let (mut asked, mut read) = (0, 0);
        for block in into.chunks_mut(BLOCK) {
            while pending.len() < WINDOW && asked < total {
                let len = (total - asked).min(BLOCK);
                let request = Request::Read {
                    handle: &self.handle,
                    offset: offset + asked as u64,
                    len: length(len),
                };
                pending.push_back(self.session.send(request).await?);
                asked += len;
            }
            let Some(first) = pending.pop_front() else {
                return Err(odd());
            };
            let filled = self
                .read_block(block, offset + read as u64, first.wait().await?)
                .await?;
            read += filled;
            if filled < block.len() {
                break;
            }
        }
        Ok(read)
    }
}

impl OpenFile for File {
    fn size(&self) -> io::Result<u64> {
        if let Some(len) = self.len {
            return Ok(len);
        }
        let look = async { seen_in(self.session.ask(Request::LookAt(&self.handle)).await?) };
        Ok(self.wait(look)?.len)
    }

    /// On its way: whether all of it arrived is told by `sync`.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait(self.write_all(bytes))?;
        self.written += bytes.len() as u64;
        Ok(bytes.len())
    }

    /// Where the server cannot, what it acknowledged is all that is known.
    fn sync(&self) -> io::Result<()> {
        let pending = std::mem::take(&mut *self.pending());
        self.wait(async {
            let synced = match self.session.offers(packet::FSYNC) {
                true => Some(self.session.send(Request::Sync(&self.handle)).await?),
                false => None,
            };
            for waiting in pending.into_iter().chain(synced) {
                self.written(waiting).await?;
            }
            Ok(())
        })
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.wait(self.read(into, offset))
    }
}

/// Never above a block.
fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
