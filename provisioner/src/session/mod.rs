//! A session: one image onto one disk of one host, opened by an operator who was told what will be
//! lost. Nothing destructive exists outside one.

pub mod api;

use crate::host::{self, HostId};
use crate::serve::Boot;
use state::{Db, Timestamp};

state::id! {
    /// One deployment.
    SessionId,
}

/// What an operator is asked to confirm.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmation {
    pub host: HostId,
    pub host_name: String,
    /// Snapshot id of the image.
    pub image: String,
    pub image_name: String,
    pub image_size_bytes: u64,
    pub disk: images::wire::Disk,
    /// One sentence in the appliance's language: what will be lost.
    pub lost: String,
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
    pub host: HostId,
    pub host_name: String,
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
            && self
                .last_beat
                .is_some_and(|beat| now.since(beat) > STALE_AFTER)
    }
}

/// An agent reports about once a second; it may be busy with a slow disk.
pub const STALE_AFTER: std::time::Duration = std::time::Duration::from_secs(60);

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
    #[error("open the vault of images: {0}")]
    Vault(String),
    #[error("deploy to {host}: {why}")]
    Refused { host: String, why: String },
}

/// What deploying `image` (id prefix, `latest` or name) to `host` would do; `disk` is a serial
/// number or kernel name, needed only when the machine has several disks.
pub async fn preview(
    _boot: &Boot,
    host: &HostId,
    _image: &str,
    _disk: Option<&str>,
) -> Result<Confirmation, Error> {
    Err(host::Error::Unknown(host.to_string()).into())
}

/// Opens a session, if what was confirmed is still what the inventory says.
pub async fn open(_boot: &Boot, confirmed: &Confirmed, _by: &str) -> Result<Session, Error> {
    Err(host::Error::Unknown(confirmed.host.to_string()).into())
}

/// Newest first.
pub async fn list(_db: &Db, _limit: i64) -> Result<Vec<Session>, Error> {
    Ok(Vec::new())
}

pub async fn get(_db: &Db, id: &SessionId) -> Result<Session, Error> {
    Err(Error::Unknown(id.to_string()))
}

pub async fn cancel(_boot: &Boot, id: &SessionId, _by: &str) -> Result<Session, Error> {
    Err(Error::Unknown(id.to_string()))
}
