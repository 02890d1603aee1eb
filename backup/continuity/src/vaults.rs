//! Opens the vaults of the configured targets, and keeps them open: deriving a key takes a good part
//! of a second on purpose.

use crate::blocking::{Crashed, blocking};
use config::Target;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Mutex;
use vault::target::LocalTarget;
use vault::{Secret, Vault};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "find the target {target}: the configuration has {known}; add it there or name one of those"
    )]
    Unknown { target: String, known: String },
    /// `what` names the file and what to write in it.
    #[error("unlock target {target}: failed to {what}")]
    Password { target: String, what: String },
    #[error("use target {target}: {source}")]
    Target {
        target: String,
        source: vault::target::Error,
    },
    #[error("open the vault of target {target}: {source}")]
    Open {
        target: String,
        source: vault::Error,
    },
    #[error(transparent)]
    Crashed(#[from] Crashed),
}

struct Slot {
    target: Target,
    open: Mutex<Option<Arc<Vault>>>,
    turn: Arc<Mutex<()>>,
}

/// The vaults of the configuration. Cloning shares them.
#[derive(Clone)]
pub struct Vaults {
    slots: Arc<BTreeMap<String, Slot>>,
}

impl Vaults {
    /// Opens nothing yet.
    pub fn new(targets: &[Target]) -> Vaults {
        let slots = targets.iter().map(|target| {
            let slot = Slot {
                target: target.clone(),
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
    /// went away is an error here, not a write to whatever lies under its mount point.
    pub async fn open(&self, target: &str) -> Result<Arc<Vault>, Error> {
        let slot = self.slot(target)?;
        let mut open = slot.open.lock().await;
        let (wanted, held) = (slot.target.clone(), open.take());
        let vault = blocking(move || reopen(&wanted, held)).await??;
        *open = Some(Arc::clone(&vault));
        Ok(vault)
    }

    /// Opens the vault with a password somebody typed, whatever the password file says.
    pub async fn open_with(&self, target: &str, password: Secret) -> Result<(), Error> {
        let wanted = self.slot(target)?.target.clone();
        blocking(move || unlock(&wanted, &password).map(drop)).await?
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

fn reach(target: &Target) -> Result<LocalTarget, Error> {
    LocalTarget::open(&target.path, target.must_be_mounted).map_err(|source| Error::Target {
        target: target.name.clone(),
        source,
    })
}

fn reopen(target: &Target, held: Option<Arc<Vault>>) -> Result<Arc<Vault>, Error> {
    if let Some(vault) = held {
        reach(target)?;
        return Ok(vault);
    }
    let password = Secret::from_file(&target.password_file).map_err(|source| Error::Password {
        target: target.name.clone(),
        what: source.to_string(),
    })?;
    unlock(target, &password).map(Arc::new)
}

fn unlock(target: &Target, password: &Secret) -> Result<Vault, Error> {
    Vault::open(Arc::new(reach(target)?), password).map_err(|source| Error::Open {
        target: target.name.clone(),
        source,
    })
}
