//! The machine that is written to.

use std::collections::VecDeque;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use vault::restore::{Ground, Overwrite, RestorePlan, RestoreStats, There, plan_on};
use vault::{Error, NodeKind, Problem, Snapshot, Vault, Watch};

use crate::link::Link;
use crate::packet::{self, Request};
use crate::reply::{Attributes, Reply};
use crate::session::{Lost, Session};
use crate::sftp::{done, is_lost, room};
use crate::{Place, SftpUrl};

/// Requests of one batch without an answer.
const WINDOW: usize = 64;
/// So many connections may be cut under one request.
pub(super) const CUTS: usize = 3;

const NO_SUCH_FILE: u32 = 2;
const KIND_FOLDER: u32 = 0o040_000;
const KIND_LINK: u32 = 0o120_000;
const KIND_FILE: u32 = 0o100_000;

/// A server to restore to: only below the folder of its address.
pub struct Server {
    link: Link,
    url: SftpUrl,
}

pub(super) fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

impl Server {
    /// Logs in; the place's folder need not be there.
    pub fn open(place: &Place) -> Result<Server, Error> {
        let refuse = |what: String| Error::BadDestination {
            destination: place.url.to_string(),
            what,
        };
        let link = Link::new(place.clone()).map_err(|trouble| refuse(trouble.to_string()))?;
        let runtime = link
            .handle()
            .map_err(|trouble| refuse(trouble.to_string()))?;
        runtime
            .block_on(link.session())
            .map_err(|trouble| refuse(trouble.to_string()))?;
        let url = place.url.clone();
        Ok(Server { link, url })
    }

    /// What a restore into `destination`, a folder of the server, will write. Writes nothing. Links on the way there are
    /// resolved: the plan names the real paths. A file there that has the saved size and second counts as the saved one:
    /// SFTP knows no finer time.
    pub fn plan(
        &self,
        vault: &Vault,
        snapshot: &Snapshot,
        selection: &[Vec<u8>],
        destination: &Path,
        overwrite: Overwrite,
    ) -> Result<RestorePlan, Error> {
        let real = self
            .real(destination)
            .and_then(|real| self.allowed(&real).map(|()| real))
            .map_err(|what| self.refuse(destination, what))?;
        let mut plan = plan_on(vault, snapshot, selection, &real, overwrite, self)?;
        plan.whole_names = true;
        Ok(plan)
    }

    /// Writes what the plan says; a file that fails is a problem and the rest goes on. Fails when the destination cannot
    /// be made or is full, when the server is gone for good, or when the watch is cancelled: the same plan made anew then
    /// goes on where this one ended. What is reported as done is on the server's disk, where it can say so
    /// (`fsync@openssh.com`).
    pub fn execute(
        &self,
        vault: &Vault,
        plan: &RestorePlan,
        watch: &Watch,
    ) -> Result<(RestoreStats, Vec<Problem>), Error> {
        super::crew::execute(self, vault, plan, watch)
    }

    pub(super) fn refuse(&self, destination: &Path, what: String) -> Error {
        let (user, address) = (&self.url.user, self.url.address());
        let path: String = String::from_utf8_lossy(bytes(destination))
            .chars()
            .flat_map(|c| match c.is_control() {
                true => c.escape_default().collect::<Vec<char>>(),
                false => vec![c],
            })
            .collect();
        Error::BadDestination {
            destination: format!("sftp://{user}@{address}{path}"),
            what,
        }
    }

    fn allowed(&self, real: &Path) -> Result<(), String> {
        let root = self.real(Path::new(&self.root()?))?;
        match real.starts_with(&root) {
            true => Ok(()),
            false => Err(format!(
                "it lies outside {}, the folder that the configuration gives for this server; choose one below it, or change `url` in [[server]]",
                root.display()
            )),
        }
    }

    /// The folder of the address; one below the login's own is asked for.
    fn root(&self) -> Result<PathBuf, String> {
        match self.url.path.starts_with('/') {
            true => Ok(PathBuf::from(&self.url.path)),
            false => {
                let home = self.resolved(Path::new("."));
                let home = home.map_err(|error| error.to_string())?;
                Ok(home.unwrap_or_default().join(&self.url.path))
            }
        }
    }

    /// The path with the links of its existing part resolved.
    fn real(&self, path: &Path) -> Result<PathBuf, String> {
        let is_plain = |part: Component<'_>| !matches!(part, Component::ParentDir);
        if !path.is_absolute() || !path.components().all(is_plain) {
            return Err(
                "it is not an absolute path without `..`; write it in full, as it is on the server"
                    .to_owned(),
            );
        }
        // A final slash, doubled ones and dots would not compare.
        let path: PathBuf = path.components().collect();
        for existing in path.ancestors() {
            let seen = self.again(async |session| {
                let reply = session.ask(Request::LookThrough(bytes(existing))).await?;
                seen(reply)
            });
            match seen.map_err(|error| error.to_string())? {
                None => {}
                Some(seen) if seen.kind() != KIND_FOLDER => {
                    return Err(format!(
                        "{} is not a folder; choose another",
                        existing.display()
                    ));
                }
                Some(_) => {
                    let real = self.resolved(existing).map_err(|error| error.to_string())?;
                    let real = real.unwrap_or_else(|| existing.to_owned());
                    let rest = path.strip_prefix(existing).unwrap_or(Path::new(""));
                    return Ok(real.join(rest).components().collect());
                }
            }
        }
        Err("the server shows no folder at all; check the user's rights there".to_owned())
    }

    /// The server's own answer to where a path leads.
    pub(super) fn resolved(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        self.again(async |session| {
            Ok(match session.ask(Request::RealPath(bytes(path))).await? {
                Reply::Names(mut names) if names.len() == 1 => names
                    .pop()
                    .map(|name| PathBuf::from(std::ffi::OsString::from_vec(name))),
                _ => None,
            })
        })
    }

    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> io::Result<T> {
        Ok(self.link.handle()?.block_on(work))
    }

    pub(super) fn session(&self) -> io::Result<Arc<Session>> {
        Ok(self.wait(self.link.session())??)
    }

    /// Does it, over another connection when one is cut: only for what may be done twice.
    pub(super) fn again<T>(&self, work: impl AsyncFn(&Session) -> io::Result<T>) -> io::Result<T> {
        let mut cuts = 0;
        loop {
            let session = self.session()?;
            match self.wait(work(&session))? {
                Err(error) if is_lost(&error) && cuts < CUTS => cuts += 1,
                other => return other,
            }
        }
    }

    /// Makes the folders, closed to others; what the server said of each.
    pub(super) fn make_folders(&self, paths: &[PathBuf]) -> io::Result<Vec<io::Result<()>>> {
        let replies = self.again(async |session| {
            let requests = paths.iter().map(|path| Request::MakeFolder(bytes(path)));
            Ok(ask_all(session, requests).await?)
        })?;
        Ok(replies.into_iter().map(done).collect())
    }
}

/// All answers, in the order of the requests; many are on their way at once.
pub(super) async fn ask_all<'a>(
    session: &Session,
    requests: impl Iterator<Item = Request<'a>>,
) -> Result<Vec<Reply>, Lost> {
    let (mut pending, mut replies) = (VecDeque::new(), Vec::new());
    for request in requests {
        if pending.len() == WINDOW
            && let Some(first) = pending.pop_front()
        {
            replies.push(first_of(first).await?);
        }
        pending.push_back(session.send(request).await?);
    }
    for waiting in pending {
        replies.push(first_of(waiting).await?);
    }
    Ok(replies)
}

async fn first_of(pending: crate::session::Pending) -> Result<Reply, Lost> {
    pending.wait().await
}

/// `None` when nothing is there, or nothing that may be looked at.
pub(super) fn seen(reply: Reply) -> io::Result<Option<Attributes>> {
    match reply {
        Reply::Attributes(seen) => Ok(Some(seen)),
        Reply::Status { code, .. } if code >= NO_SUCH_FILE => Ok(None),
        other => Err(done(other)
            .err()
            .unwrap_or_else(|| io::ErrorKind::InvalidData.into())),
    }
}

pub(super) fn is_folder(seen: &Attributes) -> bool {
    seen.kind() == KIND_FOLDER
}

fn there(seen: &Attributes, target: Option<Vec<u8>>) -> There {
    There {
        kind: match (seen.kind(), target) {
            (KIND_FOLDER, _) => NodeKind::Dir,
            (KIND_LINK, target) => NodeKind::Symlink {
                target: target.unwrap_or_default(),
            },
            (KIND_FILE, _) => NodeKind::File,
            // Some other thing, none of which is ever made here.
            _ => NodeKind::Socket,
        },
        size: seen.size,
        mtime_s: seen.mtime_s.map_or(i64::MIN, i64::from),
        mtime_ns: None,
        links: None,
    }
}

impl Ground for Server {
    fn there(&self, paths: &[PathBuf]) -> io::Result<Vec<Option<There>>> {
        let (looked, links) = self.again(async |session| {
            let looks = paths.iter().map(|path| Request::Look(bytes(path)));
            let mut looked = Vec::with_capacity(paths.len());
            for reply in ask_all(session, looks).await? {
                looked.push(seen(reply)?);
            }
            let is_link = |seen: &Option<Attributes>| seen.is_some_and(|s| s.kind() == KIND_LINK);
            let links = paths.iter().zip(&looked).filter(|(_, seen)| is_link(seen));
            let reads = links.map(|(path, _)| Request::ReadLink(bytes(path)));
            let links = ask_all(session, reads).await?;
            Ok((looked, links))
        })?;
        let mut links = links.into_iter().map(|reply| match reply {
            Reply::Names(mut names) => names.pop(),
            _ => None,
        });
        let told = looked.into_iter().map(|seen| {
            let seen = seen?;
            let target = match seen.kind() {
                KIND_LINK => links.next().flatten(),
                _ => None,
            };
            Some(there(&seen, target))
        });
        Ok(told.collect())
    }

    fn free_bytes(&self, path: &Path) -> Option<u64> {
        let session = self.session().ok()?;
        if !session.offers(packet::STATVFS) {
            return None;
        }
        path.ancestors().find_map(|path| {
            let room = self.wait(room(&session, bytes(path))).ok()??;
            Some(room.free_bytes)
        })
    }
}
