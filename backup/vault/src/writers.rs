//! Sessions: how writers and a sweep know of each other, without locks and without a clock.
//!
//! A writer puts `sessions/ID`, *then* looks for tombs; a sweep puts its tomb, *then* looks for sessions. So at least one
//! of them sees the other: a writer that began after the tomb does not count on what the tomb names, and one that the
//! sweep sees is waited for, or revoked. Revoking takes two objects: after `ID.stop` the sweep looks what the session has
//! committed, and `ID.revoked` says just that; whatever else the session commits is void, however long it was stopped
//! before. A writer that finds no `ID.stop` after its commit was seen by whoever stops it later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::format::Bad;
use crate::format::session::{self, Begin, SessionObject, Step};
use crate::id::{SnapshotName, parse_hex};
use crate::index::PackName;
use crate::inner::{Inner, damaged, hex_name};
use crate::keys::random;
use crate::ledger::foreign;
use crate::target::ObjectKind;
use crate::tombs::Tombs;
use crate::{Error, Problem};

const END: &str = ".end";
const STOP: &str = ".stop";
const REVOKED: &str = ".revoked";

/// What a writer says of itself when it begins.
#[derive(Clone, Debug)]
pub(crate) struct Purpose {
    /// The plan, or the verb.
    pub(crate) what: String,
    pub(crate) sweeps: bool,
    pub(crate) now_ms: i64,
}

/// Sessions that are open in this process, on whatever vault.
static HERE: Mutex<BTreeSet<[u8; 16]>> = Mutex::new(BTreeSet::new());

fn here() -> MutexGuard<'static, BTreeSet<[u8; 16]>> {
    HERE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes at the beginning of a pack's id that are those of the session that made it.
const TAG: usize = 4;

/// Whether a session made this pack (or, very rarely, one with a name alike).
pub(crate) fn made(session: &[u8; 16], (_, pack): &PackName) -> bool {
    session[..TAG] == pack[..TAG]
}

/// The id of a new pack of a session.
pub(crate) fn pack_id(session: &[u8; 16]) -> Result<[u8; 16], Error> {
    let mut id: [u8; 16] = random()?;
    id[..TAG].copy_from_slice(&session[..TAG]);
    Ok(id)
}

/// An open session of this process. Dropped without an end, it ends without a snapshot.
pub(crate) struct Writer {
    inner: Arc<Inner>,
    pub(crate) id: [u8; 16],
    /// As of the beginning.
    pub(crate) tombs: Tombs,
    is_open: bool,
}

impl Writer {
    pub(crate) fn begin(inner: &Arc<Inner>, purpose: &Purpose) -> Result<Writer, Error> {
        let id = random()?;
        let begin = Begin {
            purpose: purpose.what.clone(),
            sweeps: purpose.sweeps,
            host: this_host(),
            pid: std::process::id(),
            started_ms: purpose.now_ms,
        };
        let plain = session::encode(&SessionObject {
            session: id,
            step: Step::Begin(begin),
        });
        // Before it is seen by others.
        here().insert(id);
        let mut writer = Writer {
            inner: Arc::clone(inner),
            id,
            tombs: Tombs::default(),
            is_open: true,
        };
        inner.put_named(ObjectKind::Session, &hex_name(&id), &id, &plain)?;
        // Not before: see above.
        writer.tombs = Tombs::read(inner)?;
        Ok(writer)
    }

    /// Asked before a commit and after it.
    pub(crate) fn is_stopped(&self) -> Result<bool, Error> {
        let name = format!("{}{STOP}", hex_name(&self.id));
        Ok(self
            .inner
            .target
            .size(ObjectKind::Session, &name)?
            .is_some())
    }

    /// Ends, after a look whether what was committed counts.
    pub(crate) fn end(mut self, committed: Option<SnapshotName>) -> Result<(), Error> {
        if committed.is_some() && self.is_stopped()? {
            return Err(Error::Revoked);
        }
        self.is_open = false;
        let said = put(&self.inner, &self.id, END, Step::End(committed));
        match committed {
            // It is committed, whether or not its session could say so: the next sweep finds the process gone.
            Some(_) => Ok(()),
            None => said,
        }
    }
}

impl Writer {
    /// Ends without a trace, having committed nothing.
    pub(crate) fn vanish(mut self) -> Result<(), Error> {
        let name = hex_name(&self.id);
        let removed = self.inner.target.remove(ObjectKind::Session, &[&name]);
        self.is_open = removed.is_err();
        Ok(removed?)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        here().remove(&self.id);
        if self.is_open {
            // Not possible: the session stays open, and the next sweep asks or finds its process gone.
            let _ = put(&self.inner, &self.id, END, Step::End(None));
        }
    }
}

fn put(inner: &Inner, session: &[u8; 16], suffix: &str, step: Step) -> Result<(), Error> {
    let name = format!("{}{suffix}", hex_name(session));
    let plain = session::encode(&SessionObject {
        session: *session,
        step,
    });
    match inner.put_named(ObjectKind::Session, &name, &random()?, &plain) {
        // Somebody else said it.
        Err(Error::Target(crate::target::Error::Exists { .. })) => Ok(()),
        other => other,
    }
}

pub(crate) fn this_host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// A session as the vault shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Unreadable: nothing is known of it but that it began.
    pub(crate) begin: Option<Begin>,
    pub(crate) began: bool,
    pub(crate) ended: bool,
    /// The tip it left, if that can be read.
    pub(crate) committed: Option<SnapshotName>,
    pub(crate) stopped: bool,
    pub(crate) revoked: bool,
    /// What counts of a revoked one; `None` when that cannot be read.
    pub(crate) counted: Option<Vec<SnapshotName>>,
}

impl Known {
    pub(crate) fn is_open(&self) -> bool {
        self.began && !self.ended && !self.revoked
    }

    /// Its process was on this machine and is gone. (A number used again by another process only means: not known. Were
    /// it alive nevertheless, in a container that calls itself the same, it would be revoked and save nothing.)
    pub(crate) fn is_dead(&self, id: &[u8; 16]) -> bool {
        let Some(begin) = &self.begin else {
            return false;
        };
        if begin.host != this_host() {
            return false;
        }
        if begin.pid == std::process::id() {
            return !here().contains(id);
        }
        let pid = i32::try_from(begin.pid).ok();
        let pid = pid.and_then(rustix::process::Pid::from_raw);
        pid.is_some_and(|pid| {
            rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
        })
    }

    /// For people: what, where, since when.
    pub(crate) fn describe(&self) -> String {
        match &self.begin {
            Some(begin) => format!(
                "{} on {} (process {}) since {}",
                begin.purpose,
                begin.host,
                begin.pid,
                crate::calendar::minute(begin.started_ms)
            ),
            None => "a writer whose session object cannot be read".to_owned(),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    pub(crate) known: BTreeMap<[u8; 16], Known>,
    pub(crate) problems: Vec<Problem>,
}

impl Sessions {
    pub(crate) fn read(inner: &Inner) -> Result<Sessions, Error> {
        let mut sessions = Sessions::default();
        let mut names = inner.target.names(ObjectKind::Session)?;
        names.sort();
        for name in names {
            let Some((id, suffix)) = split(&name) else {
                sessions.problems.push(foreign(ObjectKind::Session, &name));
                continue;
            };
            let known = sessions.known.entry(id).or_default();
            let step = match read(inner, &name, &id, suffix) {
                Ok(step) => Some(step),
                Err(Error::Target(crate::target::Error::NotFound { .. })) => continue,
                Err(error) => {
                    let object = ObjectKind::Session.object(&name);
                    sessions
                        .problems
                        .push(Problem::new(object, error.to_string()));
                    None
                }
            };
            match suffix {
                "" => known.began = true,
                END => known.ended = true,
                STOP => known.stopped = true,
                _ => known.revoked = true,
            }
            match step {
                Some(Step::Begin(begin)) => known.begin = Some(begin),
                Some(Step::End(committed)) => known.committed = committed,
                Some(Step::Revoked(counted)) => known.counted = Some(counted),
                Some(Step::Stop) | None => {}
            }
        }
        Ok(sessions)
    }

    pub(crate) fn open(&self) -> impl Iterator<Item = (&[u8; 16], &Known)> {
        self.known.iter().filter(|(_, known)| known.is_open())
    }

    /// Whether a snapshot was committed by a session after that was revoked.
    pub(crate) fn is_void(&self, session: &[u8; 16], name: &SnapshotName) -> bool {
        let counted = self
            .known
            .get(session)
            .and_then(|known| known.counted.as_ref());
        counted.is_some_and(|counted| !counted.contains(name))
    }
}

/// What revoked sessions may still commit is void; the others are not read.
pub(crate) fn revocations(inner: &Inner) -> Result<Sessions, Error> {
    let mut sessions = Sessions::default();
    for name in inner.target.names(ObjectKind::Session)? {
        let Some((id, REVOKED)) = split(&name) else {
            continue;
        };
        if let Ok(Step::Revoked(counted)) = read(inner, &name, &id, REVOKED) {
            let known = sessions.known.entry(id).or_default();
            (known.revoked, known.counted) = (true, Some(counted));
        }
    }
    Ok(sessions)
}

/// Asked by name: listings may lag.
pub(crate) fn has_ended(inner: &Inner, session: &[u8; 16]) -> Result<bool, Error> {
    let name = format!("{}{END}", hex_name(session));
    Ok(inner.target.size(ObjectKind::Session, &name)?.is_some())
}

/// Asks a session to stop, looks what it has committed after `settle` (a listing may leave out for a while what is there),
/// and voids everything else. False when it has ended, which is asked for by name.
pub(crate) fn revoke(inner: &Inner, session: &[u8; 16], settle: &dyn Fn()) -> Result<bool, Error> {
    put(inner, session, STOP, Step::Stop)?;
    settle();
    // One that ended before it saw the stop: what it committed counts, listed or not.
    if has_ended(inner, session)? {
        return Ok(false);
    }
    put(
        inner,
        session,
        REVOKED,
        Step::Revoked(inner.committed_by(session)?),
    )?;
    Ok(true)
}

/// Only one may delete objects: another one that is at work refuses this one, or is revoked. Of two that begin at once, at
/// least one sees the other. Sessions whose process is gone are revoked. Returns those that were, described.
pub(crate) fn alone(
    inner: &Inner,
    writer: &Writer,
    sessions: &Sessions,
    revokes: bool,
    settle: &dyn Fn(),
) -> Result<Vec<String>, Error> {
    let mut revoked = Vec::new();
    for (id, known) in sessions.open().filter(|(id, _)| **id != writer.id) {
        let sweeps = known.begin.as_ref().is_some_and(|begin| begin.sweeps);
        if known.is_dead(id) || (sweeps && revokes) {
            if revoke(inner, id, settle)? {
                revoked.push(known.describe());
            }
        } else if sweeps {
            return Err(Error::AnotherSweep {
                who: known.describe(),
            });
        }
    }
    Ok(revoked)
}

/// Asked for by name: a listing may leave out what is there.
pub(crate) fn is_there(inner: &Inner, session: &[u8; 16]) -> Result<bool, Error> {
    let size = inner.target.size(ObjectKind::Session, &hex_name(session))?;
    Ok(size.is_some())
}

/// The names under which a session's objects lie.
pub(crate) fn names(session: &[u8; 16]) -> [String; 4] {
    let id = hex_name(session);
    ["", STOP, REVOKED, END].map(|suffix| format!("{id}{suffix}"))
}

fn split(name: &str) -> Option<([u8; 16], &str)> {
    let (id, suffix) = name.split_at_checked(32)?;
    let id = parse_hex(id)?;
    matches!(suffix, "" | END | STOP | REVOKED).then_some((id, suffix))
}

fn read(inner: &Inner, name: &str, id: &[u8; 16], suffix: &str) -> Result<Step, Error> {
    let (_, plain) = inner.get_named(ObjectKind::Session, name)?;
    let object = session::decode(&plain).and_then(|object| {
        let fits = match object.step {
            Step::Begin(_) => suffix.is_empty(),
            Step::End(_) => suffix == END,
            Step::Stop => suffix == STOP,
            Step::Revoked(_) => suffix == REVOKED,
        };
        match fits && object.session == *id {
            true => Ok(object.step),
            false => Err(Bad::Value("name")),
        }
    });
    object.map_err(|bad| damaged(ObjectKind::Session, name, bad))
}
