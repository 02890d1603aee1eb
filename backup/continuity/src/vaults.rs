//! Opens the vaults of the configured targets, and keeps them open: deriving a key takes a good part
//! of a second on purpose.

use crate::blocking::{Crashed, blocking};
use config::{Distant, Place, SshLogin, Target};
use std::collections::BTreeMap;
use std::path::PathBuf;
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
    #[error(transparent)]
    Crashed(#[from] Crashed),
}

struct Slot {
    target: Target,
    limits: Limits,
    open: Mutex<Option<Held>>,
    turn: Arc<Mutex<()>>,
}

/// An open vault, and when its place was last looked at.
struct Held {
    vault: Arc<Vault>,
    looked: Instant,
}

/// The vaults of the configuration. Cloning shares them.
#[derive(Clone)]
pub struct Vaults {
    slots: Arc<BTreeMap<String, Slot>>,
}

impl Vaults {
    /// Opens nothing yet. The indexes of all of them share `index_memory_mb`.
    pub fn new(targets: &[Target], index_memory_mb: u32) -> Vaults {
        let limits = share(index_memory_mb, targets.len());
        let slots = targets.iter().map(|target| {
            let slot = Slot {
                target: target.clone(),
                limits,
                open: Mutex::default(),
                turn: Arc::default(),
            };
            (target.name.clone(), slot)
        });
        Vaults {
            slots: Arc::new(slots.collect()),
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
        let folder = reach(&slot.target).await?;
        let (wanted, limits) = (slot.target.clone(), slot.limits);
        let vault = match held {
            Some(held) => held.vault,
            None => blocking(move || unlock_by_file(&wanted, folder, limits)).await??,
        };
        *open = Some(Held {
            vault: Arc::clone(&vault),
            looked: Instant::now(),
        });
        Ok(vault)
    }

    /// Opens the vault with a password somebody typed, whatever the password file says.
    pub async fn open_with(&self, target: &str, password: Secret) -> Result<(), Error> {
        let slot = self.slot(target)?;
        let (wanted, limits) = (slot.target.clone(), slot.limits);
        let folder = reach(&wanted).await?;
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

async fn reach(target: &Target) -> Result<Reached, Error> {
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
    let folder = path.clone();
    let look = blocking(move || LocalTarget::open(&folder, mounted));
    let Ok(looked) = tokio::time::timeout(ANSWER, look).await else {
        return Err(Error::Silent {
            target: target.name.clone(),
            path,
        });
    };
    looked?.map(Reached::Folder).map_err(wrong)
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
