//! One entry, whole or not at all: made under another name, which becomes its own at the end.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use vault::restore::{Ground, Overwrite, fate};
use vault::{Node, NodeKind};

use super::carry;
use super::crew::{Folder, Shared, below};
use super::server::{CUTS, ask_all, bytes, is_folder, seen};
use crate::packet::{self, Change, Request};
use crate::reply::Reply;
use crate::session::{Pending, Session};
use crate::sftp::{BLOCK, WINDOW, done, explained, handle_in, is_lost};

/// Read from the vault in one go.
pub(super) const BUFFER: usize = 1 << 20;

pub(super) struct Job {
    pub(super) folder: Arc<Folder>,
    pub(super) node: Node,
    /// Something is under the name already.
    pub(super) replaces: bool,
    pub(super) what: What,
}

pub(super) enum What {
    Itself,
    /// A hard link of the file that has its first name there.
    NameOf(PathBuf),
}

pub(super) fn run(shared: &Shared<'_>, job: Job, buffer: &mut Vec<u8>) {
    let mut result = Err(stopped());
    if !shared.stopping() {
        let mut upload = Upload {
            shared,
            node: &job.node,
            path: below(&job.folder.path, &job.node.name),
            unfinished: below(&job.folder.path, &shared.plan.unfinished(&job.node.name)),
            replaces: job.replaces,
            passed: 0,
        };
        result = match &job.what {
            What::NameOf(first) => upload.name_of(first, buffer),
            What::Itself => upload.itself(buffer),
        };
    }
    shared.finished(&job.node, result);
    shared.leave(job.folder);
}

fn stopped() -> io::Error {
    io::Error::other("the restore was stopped")
}

struct Upload<'a> {
    shared: &'a Shared<'a>,
    node: &'a Node,
    path: PathBuf,
    unfinished: PathBuf,
    replaces: bool,
    /// Bytes that were counted already: what is written once more after a cut is not counted twice.
    passed: u64,
}

impl Upload<'_> {
    fn itself(&mut self, buffer: &mut Vec<u8>) -> io::Result<Vec<String>> {
        match &self.node.kind {
            NodeKind::Symlink { target } => self.link(target),
            _ => self.file(buffer),
        }
    }

    fn file(&mut self, buffer: &mut Vec<u8>) -> io::Result<Vec<String>> {
        let mut cuts = 0;
        loop {
            let session = self.shared.server.session()?;
            let written = self.write(&session, buffer);
            let named = written.and_then(|notes| self.give_name(&session).map(|()| notes));
            match named {
                Err(error) if is_lost(&error) && cuts < CUTS && !self.shared.stopping() => {
                    cuts += 1;
                }
                Err(error) => {
                    self.take_away(&session);
                    return Err(error);
                }
                done => return done,
            }
        }
    }

    fn wait<T>(&self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        self.shared.server.wait(work)?
    }

    /// A restore that is stopped for good leaves nothing half done; one that is cut off is found by the next.
    fn take_away(&self, session: &Session) {
        let remove = async {
            Ok(session
                .ask(Request::Remove(bytes(&self.unfinished)))
                .await?)
        };
        let _ = self.wait(remove);
    }

    fn create(&self, session: &Session) -> io::Result<Vec<u8>> {
        let name = bytes(&self.unfinished);
        self.wait(async {
            match handle_in(session.ask(Request::Create(name)).await?) {
                Ok(handle) => Ok(handle),
                // One that was cut off left it there; whatever it is, its name is what goes.
                Err(_) => {
                    let _ = session.ask(Request::Remove(name)).await?;
                    match handle_in(session.ask(Request::Create(name)).await?) {
                        Ok(handle) => Ok(handle),
                        Err(error) => Err(self.explained(session, error).await),
                    }
                }
            }
        })
    }

    async fn explained(&self, session: &Session, error: io::Error) -> io::Error {
        explained(session, bytes(&self.shared.plan.destination), error).await
    }

    fn write(&mut self, session: &Session, buffer: &mut Vec<u8>) -> io::Result<Vec<String>> {
        let mut from = self
            .shared
            .vault
            .open_file(self.node)
            .map_err(io::Error::other)?;
        let has_holes = self.node.segments.hole_bytes() > 0;
        let handle = self.create(session)?;
        let mut pending = VecDeque::new();
        let (mut at, mut ends_in_hole) = (0, false);
        buffer.resize(BUFFER, 0);
        loop {
            if self.shared.stopping() {
                return Err(stopped());
            }
            let filled = fill(&mut from, buffer)?;
            if filled == 0 {
                break;
            }
            self.wait(async {
                for block in buffer[..filled].chunks(BLOCK) {
                    ends_in_hole = has_holes && block.iter().all(|byte| *byte == 0);
                    if !ends_in_hole {
                        self.send(session, &handle, at, block, &mut pending).await?;
                    }
                    at += block.len() as u64;
                }
                Ok(())
            })?;
            self.count(at);
        }
        if at != self.node.size {
            let size = self.node.size;
            let what = format!("its parts make up {at} bytes instead of {size}");
            return Err(io::Error::other(what));
        }
        self.wait(async {
            for waiting in pending {
                self.written(session, waiting).await?;
            }
            let size = ends_in_hole.then_some(at);
            self.complete(session, &handle, size).await
        })
    }

    async fn send(
        &self,
        session: &Session,
        handle: &[u8],
        offset: u64,
        bytes: &[u8],
        pending: &mut VecDeque<Pending>,
    ) -> io::Result<()> {
        if pending.len() == WINDOW
            && let Some(first) = pending.pop_front()
        {
            self.written(session, first).await?;
        }
        let write = Request::Write {
            handle,
            offset,
            bytes,
        };
        pending.push_back(session.send(write).await?);
        Ok(())
    }

    async fn written(&self, session: &Session, waiting: Pending) -> io::Result<()> {
        match done(waiting.wait().await?) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explained(session, error).await),
        }
    }

    fn count(&mut self, at: u64) {
        if at > self.passed {
            let more = at - self.passed;
            self.shared
                .watch
                .bytes_done
                .fetch_add(more, Ordering::Relaxed);
            self.passed = at;
        }
    }

    /// Everything about the file, one request behind the other: the server keeps their order for one file.
    async fn complete(
        &self,
        session: &Session,
        handle: &[u8],
        size: Option<u64>,
    ) -> io::Result<Vec<String>> {
        let node = self.node;
        let change = |change: Change| Request::ChangeAt(handle, change);
        let mut is_owned = None;
        if node.mode & carry::RUNS_AS != 0 {
            let owned = [change(carry::owner(node)), Request::LookAt(handle)];
            let replies = ask_all(session, owned.into_iter()).await?;
            is_owned = Some(belongs(node, &replies));
        }
        let size = size.map(|size| Change {
            size: Some(size),
            ..Change::default()
        });
        let requests = size
            .map(change)
            .into_iter()
            .chain([
                change(carry::owner(node)),
                change(carry::mode(node, is_owned.unwrap_or(true))),
                change(carry::times(node)),
                Request::LookAt(handle),
            ])
            .chain(
                (self.shared.plan.durable && session.offers(packet::FSYNC))
                    .then_some(Request::Sync(handle)),
            )
            .chain([Request::Close(handle)]);
        let mut replies = ask_all(session, requests).await?;
        if size.is_some() {
            done(replies.remove(0))?;
        }
        let is_owned = is_owned.unwrap_or_else(|| belongs(node, &replies));
        let mut notes = carry::notes(node);
        for (rank, reply) in replies.into_iter().enumerate() {
            match (rank, reply) {
                (0, _) => {}
                (1 | 2, reply) => {
                    if let Err(error) = done(reply) {
                        let what = ["", "its mode was", "its times were"][rank];
                        notes.push(format!("{what} not set: {error}"));
                    }
                }
                (3, reply) => match seen(reply)? {
                    Some(seen) if seen.size == node.size => {}
                    _ => {
                        return Err(io::Error::other(
                            "the server shows another size than was written; check its disk",
                        ));
                    }
                },
                (_, reply) => {
                    if let Err(error) = done(reply) {
                        return Err(self.explained(session, error).await);
                    }
                }
            }
        }
        self.shared.bare(node, is_owned);
        Ok(notes)
    }

    /// Never over something that came meanwhile; over what is there only when that was decided.
    fn give_name(&self, session: &Session) -> io::Result<()> {
        let (from, to) = (bytes(&self.unfinished), bytes(&self.path));
        let named = self.wait(async {
            if !self.replaces {
                return done(session.ask(Request::Rename(from, to)).await?);
            }
            if session.offers(packet::POSIX_RENAME) {
                return done(session.ask(Request::RenameOver(from, to)).await?);
            }
            let _ = session.ask(Request::Remove(to)).await?;
            done(session.ask(Request::Rename(from, to)).await?)
        });
        match named {
            // The answer to the first try may have been lost with its connection.
            Err(error) if !is_lost(&error) && self.is_there()? => {
                self.take_away(session);
                Ok(())
            }
            Err(error) if error.raw_os_error() == Some(EIO) && !self.replaces => Err(
                io::Error::other("something came under its name meanwhile; it was left as it is"),
            ),
            other => other,
        }
    }

    fn is_there(&self) -> io::Result<bool> {
        let there = self.shared.server.there(std::slice::from_ref(&self.path))?;
        let there = there.first().and_then(Option::as_ref);
        Ok(fate(self.node, there, Overwrite::Keep) == vault::restore::Fate::Same)
    }

    fn link(&self, target: &[u8]) -> io::Result<Vec<String>> {
        let session = self.shared.server.session()?;
        // Where links are made in the order of the draft, what it leads to would be made instead.
        if !session.offers(packet::POSIX_RENAME) {
            return Err(io::Error::other(
                "symbolic links are only made on servers that speak SFTP as OpenSSH does; make it there by hand",
            ));
        }
        let name = bytes(&self.unfinished);
        self.shared.server.again(async |session| {
            let made = done(session.ask(Request::SymbolicLink(target, name)).await?);
            if made.is_err() {
                let _ = session.ask(Request::Remove(name)).await?;
                match done(session.ask(Request::SymbolicLink(target, name)).await?) {
                    Ok(()) => {}
                    Err(error) => return Err(self.explained(session, error).await),
                }
            }
            Ok(())
        })?;
        let settled = self.settle_link(&session);
        let named = settled.and_then(|notes| self.give_name(&session).map(|()| notes));
        if named.is_err() {
            self.take_away(&session);
        }
        named
    }

    fn settle_link(&self, session: &Session) -> io::Result<Vec<String>> {
        let (node, name) = (self.node, bytes(&self.unfinished));
        if !session.offers(packet::LINK_ATTRIBUTES) {
            self.shared.bare(node, false);
            return Ok(carry::notes(node));
        }
        let replies = self.wait(async {
            let changes = [carry::owner(node), carry::times(node)];
            let changes = changes.map(|change| Request::ChangeLink(name, change));
            let requests = changes.into_iter().chain([Request::Look(name)]);
            Ok(ask_all(session, requests).await?)
        })?;
        self.shared.bare(node, belongs(node, &replies));
        Ok(carry::notes(node))
    }

    fn name_of(&mut self, first: &Path, buffer: &mut Vec<u8>) -> io::Result<Vec<String>> {
        match self.hard_link(first) {
            Ok(()) => {
                self.count(self.node.size);
                Ok(Vec::new())
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(error),
            Err(error) => {
                let mut notes = self.itself(buffer)?;
                notes.push(format!("is a copy, no longer a hard link: {error}"));
                Ok(notes)
            }
        }
    }

    fn hard_link(&self, first: &Path) -> io::Result<()> {
        let session = self.shared.server.session()?;
        if !session.offers(packet::HARDLINK) {
            return Err(io::Error::other("the server offers none"));
        }
        let (first, name) = (bytes(first), bytes(&self.unfinished));
        self.shared.server.again(async |session| {
            if done(session.ask(Request::Link(first, name)).await?).is_err() {
                let _ = session.ask(Request::Remove(name)).await?;
                return done(session.ask(Request::Link(first, name)).await?);
            }
            Ok(())
        })?;
        let named = self.give_name(&session);
        // Two names of one file: renaming one to the other does nothing, and leaves both.
        self.take_away(&session);
        named
    }
}

const EIO: i32 = 5;

/// Until the buffer is full or the file ends.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// The owner was set, or was the right one already: the answer to that, and what was seen afterwards.
fn belongs(node: &Node, replies: &[Reply]) -> bool {
    let is_set = matches!(replies.first(), Some(Reply::Status { code: 0, .. }));
    let is_seen = replies.iter().any(|reply| {
        matches!(reply, Reply::Attributes(seen) if seen.owner == Some((node.uid, node.gid)))
    });
    is_set || is_seen
}

/// A folder's own attributes, when everything in it is there.
pub(super) fn settle(shared: &Shared<'_>, path: &Path, node: &Node) -> io::Result<Vec<String>> {
    let name = bytes(path);
    let (replies, is_owned) = shared.server.again(async |session| {
        let before = seen(session.ask(Request::Look(name)).await?)?;
        if !before.as_ref().is_some_and(is_folder) {
            return Err(io::Error::other("it is no folder any more"));
        }
        let change = |change: Change| match session.offers(packet::LINK_ATTRIBUTES) {
            true => Request::ChangeLink(name, change),
            false => Request::Change(name, change),
        };
        let owned = [change(carry::owner(node)), Request::Look(name)];
        let owned = ask_all(session, owned.into_iter()).await?;
        let is_owned = belongs(node, &owned);
        // Where a link's mode cannot be changed, neither can a folder's in this way.
        let mode = Request::Change(name, carry::mode(node, is_owned));
        let rest = [mode, change(carry::times(node))];
        Ok((ask_all(session, rest.into_iter()).await?, is_owned))
    })?;
    for reply in replies {
        done(reply)?;
    }
    shared.bare(node, is_owned);
    Ok(carry::notes(node))
}
