//! Opens the vaults of the configured targets, and keeps them open: deriving a key takes a good part
//! of a second on purpose. What is opened is yesterday's vault, or it is refused.

use crate::blocking::{Crashed, blocking};
use crate::place;
use crate::target::belongs::{self, Belongs};
use crate::target::{KnownVault, records};
use config::{Config, Distant, Place, SshLogin, Target};
use state::{Clock, Db, Timestamp};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use vault::target::LocalTarget;
use vault::{Limits, Secret, Vault};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "find the target {target}: the configuration has {known}; add it there or name one of those"
    )]
    Unknown { target: String, known: String },
    /// `what` names the file and what to write in it.
    #[error("unlock target {target}: failed to {what}")]
    Password { target: String, what: String },
    #[error("{source} (target {target})")]
    Target {
        target: String,
        source: vault::target::Error,
    },
    #[error(
        "use target {target}: {path} gave no answer within {} seconds; check that the NAS is on and the network works, then mount it again", ANSWER.as_secs()
    )]
    Silent { target: String, path: PathBuf },
    #[error("{source} (target {target})")]
    Open {
        target: String,
        source: vault::Error,
    },
    /// Another vault lies where the known one did; `now` and `was` say what is mounted, where that is known.
    #[error(
        "use target {target}: the vault there{now} is not the one this appliance saved to until {was}; put the right disk or share back, or say that this one is meant with `reprise target accept {target}`"
    )]
    Foreign {
        target: String,
        now: String,
        was: String,
    },
    /// No vault lies where the known one did.
    #[error(
        "use target {target}: {place} holds no vault any more, where this appliance saved until {was}; put the right disk or share back. If it is lost, make a new vault with `reprise vault init` and say that it is meant with `reprise target accept {target}`"
    )]
    Emptied {
        target: String,
        place: String,
        was: String,
    },
    #[error(transparent)]
    Known(#[from] state::db::Error),
    #[error(transparent)]
    Crashed(#[from] Crashed),
}

struct Slot {
    target: Target,
    limits: Limits,
    /// Kept free on the disk of the system, where the vault lies on it.
    keep_free: KeepFree,
    open: Mutex<Option<Held>>,
    /// What was last found in the place of a disk that comes and goes.
    found: Mutex<Option<(Mark, Disk, Instant)>>,
    turn: Arc<Mutex<()>>,
}

#[derive(Clone)]
struct KeepFree {
    bytes: u64,
    state_dir: PathBuf,
}

/// An open vault, and when its place was last looked at.
struct Held {
    vault: Arc<Vault>,
    /// Of a folder: what tells it from another one mounted in its place.
    mark: Option<Mark>,
    looked: Instant,
}

/// The device a folder lies on, and the names of the keys in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    device: u64,
    keys: Vec<String>,
}

/// What lies in the place of a disk that comes and goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disk {
    Away,
    /// Something is there, and does not open: a run says why.
    Unusable,
    /// A disk with this vault.
    There(String),
}

/// A disk that is there and does not open is tried again this often.
const UNUSABLE: Duration = Duration::from_secs(60);

/// The vaults of the configuration. Cloning shares them.
#[derive(Clone)]
pub struct Vaults {
    slots: Arc<BTreeMap<String, Slot>>,
    db: Db,
    clock: Clock,
    zone: jiff::tz::TimeZone,
}

impl Vaults {
    /// Opens nothing yet. The indexes of all of them share `index_memory_mb`.
    pub fn new(config: &Config, db: Db, clock: Clock) -> Vaults {
        let appliance = &config.appliance;
        let limits = share(appliance.index_memory_mb, config.targets.len());
        let slots = config.targets.iter().map(|target| {
            let slot = Slot {
                target: target.clone(),
                limits,
                keep_free: KeepFree {
                    bytes: u64::from(appliance.keep_free_mb) * 1024 * 1024,
                    state_dir: appliance.state_dir.clone(),
                },
                open: Mutex::default(),
                found: Mutex::default(),
                turn: Arc::default(),
            };
            (target.name.clone(), slot)
        });
        Vaults {
            slots: Arc::new(slots.collect()),
            db,
            clock,
            zone: jiff::tz::TimeZone::get(&appliance.timezone).unwrap_or(jiff::tz::TimeZone::UTC),
        }
    }

    fn slot(&self, target: &str) -> Result<&Slot, Error> {
        self.slots.get(target).ok_or_else(|| Error::Unknown {
            target: target.to_owned(),
            known: match self.slots.len() {
                0 => "none".to_owned(),
                _ => self.names().join(", "),
            },
        })
    }

    pub fn names(&self) -> Vec<String> {
        self.slots.keys().cloned().collect()
    }

    /// The vault of `target`, opened now or before. The folder is looked at each time: a NAS that
    /// went away is an error here, not a write to whatever lies under its mount point. Another machine
    /// is logged in to again only when that was a while ago: it has nothing that lies under it.
    pub async fn open(&self, target: &str) -> Result<Arc<Vault>, Error> {
        let slot = self.slot(target)?;
        let mut open = slot.open.lock().await;
        if slot.target.folder().is_none()
            && let Some(held) = open.as_ref()
            && held.looked.elapsed() < FRESH
        {
            return Ok(Arc::clone(&held.vault));
        }
        let held = open.take();
        let folder = reach(slot).await?;
        let mark = mark(&slot.target).await?;
        // Another disk under the same mount point has other keys: what is open belongs to the first.
        let held = held.filter(|held| held.mark == mark);
        let vault = match held {
            Some(held) => held.vault,
            None => self.unlock_known(slot, folder).await?,
        };
        *open = Some(Held {
            vault: Arc::clone(&vault),
            mark,
            looked: Instant::now(),
        });
        Ok(vault)
    }

    /// Opens what lies there, if it is a vault that belongs there.
    async fn unlock_known(&self, slot: &Slot, folder: Reached) -> Result<Arc<Vault>, Error> {
        let target = &slot.target;
        let known = records::known_vaults(&self.db, &target.name).await?;
        let (wanted, limits) = (target.clone(), slot.limits);
        let opened = blocking(move || unlock_by_file(&wanted, folder, limits)).await?;
        let device = device(target).await?;
        let id = match &opened {
            Ok(vault) => Some(vault.id()),
            Err(Error::Open {
                source: vault::Error::NotAVault { .. },
                ..
            }) => None,
            Err(_) => return opened,
        };
        let now = self.clock.now();
        match belongs::judge(target.removable.is_some(), &known, id.as_deref()) {
            Belongs::Foreign(was) => {
                let (target, was) = (target.name.clone(), self.was(was));
                Err(match opened {
                    Ok(_) => Error::Foreign {
                        target,
                        now: match device.is_empty() {
                            true => String::new(),
                            false => format!(" ({device})"),
                        },
                        was,
                    },
                    Err(_) => Error::Emptied {
                        target,
                        place: shown(&slot.target),
                        was,
                    },
                })
            }
            Belongs::New | Belongs::Known => {
                if let Some(id) = id {
                    records::saw_vault(&self.db, &target.name, &id, &device, now).await?;
                }
                opened
            }
        }
    }

    fn was(&self, known: &KnownVault) -> String {
        let at = jiff::Timestamp::from_millisecond(known.seen.0);
        let at = at.map(|at| {
            at.to_zoned(self.zone.clone())
                .strftime("%Y-%m-%d %H:%M")
                .to_string()
        });
        match (at, known.device.as_str()) {
            (Ok(at), "") => at,
            (Ok(at), device) => format!("{at} ({device})"),
            (Err(_), device) => device.to_owned(),
        }
    }

    /// Somebody says that the vault which lies there now is the one that is meant: those known before are not any more.
    pub(crate) async fn accept(
        &self,
        target: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<String, Error> {
        let slot = self.slot(target)?;
        let mut open = slot.open.lock().await;
        *open = None;
        let folder = reach(slot).await?;
        let (wanted, limits) = (slot.target.clone(), slot.limits);
        let id = blocking(move || unlock_by_file(&wanted, folder, limits).map(|vault| vault.id()))
            .await??;
        let device = device(&slot.target).await?;
        records::accept_vault(&self.db, target, &id, &device, by, now).await?;
        *slot.found.lock().await = None;
        Ok(id)
    }

    /// What lies in the place of a removable target now. A disk that was looked at is not opened again while it stays.
    pub async fn disk(&self, target: &str) -> Result<Disk, Error> {
        let slot = self.slot(target)?;
        let mut found = slot.found.lock().await;
        let there = match reach(slot).await {
            Ok(_) => mark(&slot.target)
                .await?
                .filter(|mark| !mark.keys.is_empty()),
            Err(_) => None,
        };
        let Some(mark) = there else {
            *found = None;
            *slot.open.lock().await = None;
            return Ok(Disk::Away);
        };
        if let Some((known, disk, at)) = found.as_ref()
            && *known == mark
            && (*disk != Disk::Unusable || at.elapsed() < UNUSABLE)
        {
            return Ok(disk.clone());
        }
        let disk = match self.open(target).await {
            Ok(vault) => Disk::There(vault.id()),
            Err(_) => Disk::Unusable,
        };
        *found = Some((mark, disk.clone(), Instant::now()));
        Ok(disk)
    }

    /// The targets that come and go.
    pub fn removable(&self) -> Vec<String> {
        let slots = self.slots.values();
        let removable = slots.filter(|slot| slot.target.removable.is_some());
        removable.map(|slot| slot.target.name.clone()).collect()
    }

    /// Opens the vault with a password somebody typed, whatever the password file says.
    pub async fn open_with(&self, target: &str, password: Secret) -> Result<(), Error> {
        let slot = self.slot(target)?;
        let (wanted, limits) = (slot.target.clone(), slot.limits);
        let folder = reach(slot).await?;
        blocking(move || unlock(&wanted, folder, limits, &password).map(drop)).await?
    }

    /// Forgets an opened vault, so that the next use looks at everything afresh.
    pub async fn close(&self, target: &str) {
        if let Ok(slot) = self.slot(target) {
            *slot.open.lock().await = None;
        }
    }

    /// The turn of one run on a target: hold it while writing.
    pub(crate) fn turn(&self, target: &str) -> Result<Arc<Mutex<()>>, Error> {
        Ok(Arc::clone(&self.slot(target)?.turn))
    }
}

/// What one of so many vaults may take.
fn share(index_memory_mb: u32, vaults: usize) -> Limits {
    let all = usize::try_from(index_memory_mb).unwrap_or(usize::MAX);
    Limits {
        index_bytes: all.saturating_mul(1024 * 1024) / vaults.max(1),
    }
}

/// A NAS that was switched off can hold a look at its folder for ever; nobody waits longer than this.
const ANSWER: Duration = Duration::from_secs(30);

/// How long another machine that was reached counts as there: a page asks several times, and logs in once.
const FRESH: Duration = Duration::from_secs(10);

/// What was reached: the folder of this machine, or the way to one of another.
enum Reached {
    Folder(LocalTarget),
    Distant(Box<remote::Place>),
}

impl Reached {
    /// To be read and written for hours: another machine that starts anew at night is waited for.
    fn target(self) -> Result<LocalTarget, vault::target::Error> {
        match self {
            Reached::Folder(folder) => Ok(folder),
            Reached::Distant(place) => place.open(),
        }
    }
}

/// Nobody waits longer for a folder than for an answer.
async fn patiently<T: Send + 'static>(
    target: &Target,
    path: &Path,
    look: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let Ok(looked) = tokio::time::timeout(ANSWER, blocking(look)).await else {
        return Err(Error::Silent {
            target: target.name.clone(),
            path: path.to_owned(),
        });
    };
    Ok(looked?)
}

async fn mark(target: &Target) -> Result<Option<Mark>, Error> {
    let Some(path) = target.folder().map(Path::to_owned) else {
        return Ok(None);
    };
    let folder = path.clone();
    patiently(target, &path, move || {
        let device = std::fs::metadata(&folder).map(|meta| meta.dev()).ok()?;
        let entries = std::fs::read_dir(folder.join("keys")).ok();
        let names = entries.into_iter().flatten().flatten();
        let mut keys: Vec<String> = names
            .take(MOST_KEYS)
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        keys.sort_unstable();
        Some(Mark { device, keys })
    })
    .await
}

/// More keys than a vault has; a folder of anything else is not read to its end.
const MOST_KEYS: usize = 64;

/// What is mounted at a target's folder; empty for another machine, whose vault tells enough.
async fn device(target: &Target) -> Result<String, Error> {
    let Some(path) = target.folder().map(Path::to_owned) else {
        return Ok(String::new());
    };
    let folder = path.clone();
    patiently(target, &path, move || {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let folder = folder.canonicalize().unwrap_or(folder);
        place::device(&mounts, &folder).unwrap_or_default()
    })
    .await
}

pub(crate) fn shown(target: &Target) -> String {
    match &target.place {
        Place::Folder { path, .. } => path.display().to_string(),
        Place::Sftp(there) => there.url.to_string(),
    }
}

/// Whether the folder lies on the disk that the system or the state lies on.
fn is_on_system_disk(folder: &Path, state_dir: &Path) -> bool {
    let device = |path: &Path| std::fs::metadata(path).map(|meta| meta.dev()).ok();
    let there = device(folder);
    there.is_some() && (there == device(Path::new("/")) || there == device(state_dir))
}

async fn reach(slot: &Slot) -> Result<Reached, Error> {
    let target = &slot.target;
    let wrong = |source| Error::Target {
        target: target.name.clone(),
        source,
    };
    let (path, mounted) = match &target.place {
        Place::Folder {
            path,
            must_be_mounted,
        } => (path.clone(), *must_be_mounted),
        Place::Sftp(there) => {
            let place = distant(there);
            let once = hurried(place.clone());
            blocking(move || once.open().map(drop))
                .await?
                .map_err(wrong)?;
            return Ok(Reached::Distant(Box::new(place)));
        }
    };
    let (folder, keep) = (path.clone(), slot.keep_free.clone());
    let look = move || {
        let bytes = match is_on_system_disk(&folder, &keep.state_dir) {
            true => keep.bytes,
            false => 0,
        };
        LocalTarget::open_keeping(&folder, mounted, bytes)
    };
    let looked = patiently(target, &path, look).await?;
    looked.map(Reached::Folder).map_err(wrong)
}

/// For somebody who waits for a page, and holds up everybody else: one try, which ends by itself.
pub(crate) fn hurried(place: remote::Place) -> remote::Place {
    remote::Place {
        patience: remote::Patience {
            pauses: Vec::new(),
            refused_pauses: Vec::new(),
            connect: ANSWER,
            // Discs that sleep take half a minute to turn.
            answer: 2 * ANSWER,
            ..remote::Patience::default()
        },
        ..place
    }
}

pub(crate) fn distant(there: &Distant) -> remote::Place {
    remote::Place {
        url: there.url.clone(),
        login: match &there.login {
            SshLogin::Key(file) => remote::Login::Key(file.clone()),
            SshLogin::Password(file) => remote::Login::Password(file.clone()),
        },
        known_hosts: there.known_hosts.clone(),
        host_key: None,
        patience: remote::Patience::default(),
    }
}

fn unlock_by_file(target: &Target, folder: Reached, limits: Limits) -> Result<Arc<Vault>, Error> {
    let password = Secret::from_file(&target.password_file).map_err(|source| Error::Password {
        target: target.name.clone(),
        what: source.to_string(),
    })?;
    unlock(target, folder, limits, &password).map(Arc::new)
}

fn unlock(
    target: &Target,
    folder: Reached,
    limits: Limits,
    password: &Secret,
) -> Result<Vault, Error> {
    let folder = folder.target().map_err(|source| Error::Target {
        target: target.name.clone(),
        source,
    })?;
    Vault::open_within(Arc::new(folder), password, limits).map_err(|source| Error::Open {
        target: target.name.clone(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vaults_share_the_memory_for_indexes() {
        let mib = 1024 * 1024;
        for (all, vaults, each) in [(512, 1, 512 * mib), (512, 4, 128 * mib), (16, 0, 16 * mib)] {
            assert_eq!(share(all, vaults).index_bytes, each, "{all} {vaults}");
        }
    }
}
