//! A session: one image onto one disk of one host, or one disk erased ([`wipe`]), opened by an operator who was told
//! what will be lost, or one disk read into an image ([`capture`]). Nothing destructive exists outside one.

pub mod api;
mod arriving;
pub mod capture;
mod machine;
pub(crate) mod next;
pub(crate) mod records;
pub mod wipe;

pub use arriving::Arriving;
pub use images::wire::Task;
use machine::Event;
pub use machine::Refused;
use records::Advanced;

use crate::host::{self, HostId};
use crate::serve::Boot;
use state::{Db, Timestamp};
use std::time::Duration;

state::id! {
    /// One deployment.
    SessionId,
}

/// What an operator is asked to confirm.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmation {
    pub task: Task,
    pub host: HostId,
    pub host_name: String,
    /// Snapshot id of the image; empty where there is none (yet), whose size is then the disk's.
    pub image: String,
    pub image_name: String,
    pub image_size_bytes: u64,
    pub disk: images::wire::Disk,
    /// One sentence in the appliance's language: what will be lost.
    pub lost: String,
}

impl Confirmation {
    /// Is the disk that the inventory has now the one that was confirmed?
    fn is_of(&self, serial: &str, size_bytes: u64) -> Result<(), Error> {
        let disk = &self.disk;
        if disk.serial == serial && disk.size_bytes == size_bytes {
            return Ok(());
        }
        Err(Error::Refused {
            host: self.host_name.clone(),
            why: format!(
                "disk {} is not the one that was confirmed (serial {:?}, {} bytes now); look at the machine and confirm again",
                disk.name, disk.serial, disk.size_bytes
            ),
        })
    }
}

/// What the operator confirmed: the fields the page or command showed, sent back.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmed {
    pub host: HostId,
    pub image: String,
    /// Kernel name, as in the inventory: `sda`.
    pub disk: String,
    pub disk_serial: String,
    pub disk_size_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// Waiting for the machine's agent.
    Opened,
    /// The agent has the order and shows what will be lost on its own screen.
    Confirming,
    /// Of a disk that becomes an image.
    Reading {
        done_bytes: u64,
        total_bytes: u64,
    },
    Writing {
        done_bytes: u64,
        total_bytes: u64,
    },
    Verifying {
        done_bytes: u64,
        total_bytes: u64,
    },
    Done {
        written_bytes: u64,
        took_ms: u64,
    },
    Failed {
        why: String,
    },
    Cancelled {
        by: String,
    },
    /// Its time window passed before it was done.
    Expired,
}

impl SessionState {
    pub fn as_str(&self) -> &'static str {
        match self {
            SessionState::Opened => "opened",
            SessionState::Confirming => "confirming",
            SessionState::Reading { .. } => "reading",
            SessionState::Writing { .. } => "writing",
            SessionState::Verifying { .. } => "verifying",
            SessionState::Done { .. } => "done",
            SessionState::Failed { .. } => "failed",
            SessionState::Cancelled { .. } => "cancelled",
            SessionState::Expired => "expired",
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(
            self,
            SessionState::Done { .. }
                | SessionState::Failed { .. }
                | SessionState::Cancelled { .. }
                | SessionState::Expired
        )
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub id: SessionId,
    pub task: Task,
    pub host: HostId,
    pub host_name: String,
    /// Empty where there is none (yet).
    pub image: String,
    pub image_name: String,
    pub image_size_bytes: u64,
    pub disk_path: String,
    pub disk_serial: String,
    pub disk_model: String,
    pub disk_size_bytes: u64,
    pub lost: String,
    pub state: SessionState,
    pub opened_by: String,
    pub opened: Timestamp,
    pub expires: Timestamp,
    /// The agent's last sign of life in this session.
    pub last_beat: Option<Timestamp>,
    pub ended: Option<Timestamp>,
}

impl Session {
    /// Did its agent go quiet in the middle?
    pub fn is_stale(&self, now: Timestamp) -> bool {
        !self.state.is_over()
            && self.state != SessionState::Opened
            && self
                .last_beat
                .is_some_and(|beat| now.since(beat) > STALE_AFTER)
    }
}

/// An agent reports about once a second; it may be busy with a slow disk.
pub const STALE_AFTER: Duration = Duration::from_secs(60);

/// How long an opened session waits for its machine to begin.
const WINDOW: Duration = Duration::from_secs(4 * 3600);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    State(#[from] state::db::Error),
    #[error("read the sessions: {0}")]
    Read(#[from] sqlx::Error),
    #[error(transparent)]
    Host(#[from] host::Error),
    #[error("find session {0}; `reprise session list` shows them")]
    Unknown(String),
    /// A whole sentence of whoever opens the vault.
    #[error("{0}")]
    Vault(String),
    #[error(transparent)]
    Image(#[from] images::Error),
    #[error("use a disk of {host}: {why}")]
    Refused { host: String, why: String },
    #[error("{0}")]
    Disk(#[from] images::deploy::Refused),
    #[error("{0}")]
    Wipe(#[from] images::wipe::Refused),
    #[error("{0}")]
    Capture(#[from] images::capture::Refused),
    #[error("change session {id}: {why}")]
    Over { id: String, why: Refused },
    #[error("read the vault of images: the task crashed; the log has the reason")]
    Crashed,
}

/// What deploying `image` (name or id prefix) to `host` would do; `disk` is a serial number or
/// kernel name, needed only when the machine has several disks.
pub async fn preview(
    boot: &Boot,
    host: &HostId,
    image: &str,
    disk: Option<&str>,
) -> Result<Confirmation, Error> {
    let host = host::get(&boot.db, host).await?;
    let Some(inventory) = host.inventory else {
        return Err(Error::Refused {
            host: host.name,
            why: "its disks are not known yet; boot it from the network once".to_owned(),
        });
    };
    let vault = (boot.images)().await.map_err(Error::Vault)?;
    let wanted = image.to_owned();
    let image = blocking(move || images::catalogue::find(&vault, &wanted)).await??;
    let plan = images::deploy::plan(&image, &inventory, disk)?;
    let language = images::language::Language::from_code(boot.locale.code());
    Ok(Confirmation {
        task: Task::Deploy,
        host: host.id,
        lost: plan.lost(&host.name, language),
        host_name: host.name,
        image: image.id,
        image_name: image.name,
        image_size_bytes: image.size_bytes,
        disk: plan.disk,
    })
}

/// Opens a session, if what was confirmed is still what the inventory says.
pub async fn open(boot: &Boot, confirmed: &Confirmed, by: &str) -> Result<Session, Error> {
    let now = boot.clock.now();
    // Sessions nobody will finish must not stand in the way.
    expire(boot).await?;
    let confirmation = preview(
        boot,
        &confirmed.host,
        &confirmed.image,
        Some(&confirmed.disk),
    )
    .await?;
    confirmation.is_of(&confirmed.disk_serial, confirmed.disk_size_bytes)?;
    let id = records::open(&boot.db, confirmation, by, now, now + WINDOW).await?;
    get(&boot.db, &id).await
}

/// Newest first.
pub async fn list(db: &Db, limit: i64) -> Result<Vec<Session>, Error> {
    Ok(records::list(db, limit).await?)
}

pub async fn get(db: &Db, id: &SessionId) -> Result<Session, Error> {
    match records::get(db, id).await? {
        Some(bound) => Ok(bound.session),
        None => Err(Error::Unknown(id.to_string())),
    }
}

/// Ends a session; its agent is told at its next word. A disk that was being written stays
/// incomplete.
pub async fn cancel(boot: &Boot, id: &SessionId, by: &str) -> Result<Session, Error> {
    let event = Event::Cancel { by: by.to_owned() };
    let advanced = records::advance(&boot.db, id, event, None, boot.clock.now()).await?;
    boot.board.remove(id.as_str());
    settled(id, advanced)
}

/// Ends the sessions whose time window passed, and takes what is over (or forgotten with its host)
/// off the board.
pub(crate) async fn expire(boot: &Boot) -> Result<(), Error> {
    let now = boot.clock.now();
    // Looked at before the sessions: one opened in between is not taken off.
    let shown = boot.board.all();
    let open = records::open_ones(&boot.db).await?;
    for (key, _) in shown.iter().filter(|(_, p)| p.kind == "session") {
        if !open.iter().any(|session| session.id.as_str() == key) {
            boot.board.remove(key);
        }
    }
    for session in open {
        if now < session.expires {
            continue;
        }
        let advanced = records::advance(&boot.db, &session.id, Event::Tick, None, now).await?;
        if settled(&session.id, advanced)?.state.is_over() {
            boot.board.remove(session.id.as_str());
        }
    }
    Ok(())
}

fn settled(id: &SessionId, advanced: Advanced) -> Result<Session, Error> {
    match advanced {
        Advanced::Now(session) => Ok(*session),
        Advanced::Refused(why) => Err(Error::Over {
            id: id.to_string(),
            why,
        }),
        Advanced::Unknown => Err(Error::Unknown(id.to_string())),
    }
}

/// The vault is synchronous: this is the one way into it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::Crashed)
}
