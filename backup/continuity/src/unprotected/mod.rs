//! What this box can see and nobody saves. Each thing is saved by a plan, or somebody accepts the risk for a while.
//!
//! - `scan`: what lies on this box; [`decide()`]: what of all that is exposed, pure; [`protect`]: the lines of a plan.

pub mod decide;
pub mod protect;
pub(crate) mod records;
mod scan;

use crate::handle::{Continuity, Error, Listed};
use crate::{blocking, place};
use decide::{Covered, decide};
use state::Timestamp;
use std::path::PathBuf;
use std::time::Duration;

/// What a thing is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The files of an application on this box, by the name of its recipe: `dolibarr`, `nextcloud`.
    Application {
        recipe: &'static str,
        folder: PathBuf,
    },
    /// A database server on this box, and one of its databases where those can be seen.
    Database {
        engine: Engine,
        name: Option<String>,
    },
    Folder(PathBuf),
    /// A machine of the network.
    Host {
        name: String,
        mac: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    MariaDb,
    PostgreSql,
}

impl Engine {
    /// As people write it.
    pub fn title(self) -> &'static str {
        match self {
            Engine::MariaDb => "MariaDB",
            Engine::PostgreSql => "PostgreSQL",
        }
    }

    pub fn scheme(self) -> &'static str {
        match self {
            Engine::MariaDb => "mariadb",
            Engine::PostgreSql => "postgresql",
        }
    }
}

impl What {
    /// The name it goes by in commands, addresses and the journal: `folder /srv/compta`, `host ATELIER-3`.
    pub fn object(&self) -> String {
        match self {
            What::Application { recipe, folder } => format!("{recipe} {}", folder.display()),
            What::Database {
                engine,
                name: Some(name),
            } => format!("{} {name}", engine.scheme()),
            What::Database { engine, name: None } => engine.scheme().to_owned(),
            What::Folder(path) => format!("folder {}", path.display()),
            What::Host { name, .. } => format!("host {name}"),
        }
    }
}

/// Somebody accepts that a thing is not saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub object: String,
    pub by: String,
    pub why: String,
    pub since: Timestamp,
    pub until: Timestamp,
}

/// What of a thing is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody saves it, and nobody said that this is all right.
    Open,
    /// A part of it is saved: these folders.
    Partly(Vec<PathBuf>),
    /// The risk was accepted, and that has run out.
    RunOut(Accepted),
    /// The risk is accepted.
    Accepted(Accepted),
}

/// A thing that no plan saves as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    pub what: What,
    pub standing: Standing,
}

impl Exposed {
    /// Somebody has to decide.
    pub fn is_open(&self) -> bool {
        !matches!(self.standing, Standing::Accepted(_))
    }
}

/// What was looked at and could not be seen: an empty list must not pass for "nothing there".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blind {
    pub object: String,
    pub what: String,
}

/// One look around.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// What somebody has to decide about first.
    pub exposed: Vec<Exposed>,
    pub blind: Vec<Blind>,
    /// How many of the things that were seen are saved.
    pub saved: usize,
}

impl Look {
    pub fn open(&self) -> impl Iterator<Item = &Exposed> {
        self.exposed.iter().filter(|exposed| exposed.is_open())
    }
}

/// Longer than this is not a decision any more.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
/// Characters of a reason.
const WHY: usize = 500;

/// Looks around: this box, and the machines of the registry.
pub async fn look(continuity: &Continuity) -> Result<Look, Error> {
    let config = &continuity.config;
    let now = continuity.clock.now();
    let own: Vec<PathBuf> = config
        .targets
        .iter()
        .filter_map(|target| target.folder().map(PathBuf::from))
        .chain([config.appliance.state_dir.clone()])
        .collect();
    let (roots, plans) = (config.appliance.scan.clone(), config.plans.clone());
    let (mut found, covered) = blocking(move || {
        let found = scan::look(&roots, &own, &scan::Servers::here());
        (found, covered(&plans))
    })
    .await?;
    match provisioner::host::list(&continuity.db).await {
        Ok(hosts) => found.seen.extend(hosts.into_iter().map(|host| What::Host {
            name: host.name,
            mac: host.macs.first().map(ToString::to_string),
        })),
        Err(error) => found.blind.push(Blind {
            object: "hosts".to_owned(),
            what: error.to_string(),
        }),
    }
    let accepted = records::accepted(&continuity.db).await?;
    let seen = found.seen.len();
    let exposed = decide(found.seen, &covered, &accepted, now);
    Ok(Look {
        saved: seen - exposed.len(),
        exposed,
        blind: found.blind,
    })
}

/// What the plans save, an application's own settings read.
fn covered(plans: &[config::Plan]) -> Covered {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut covered = Covered::default();
    for plan in plans {
        covered.folders.extend(plan.files.iter().cloned());
        covered
            .folders
            .extend(plan.recipe.iter().map(|recipe| recipe.folder.clone()));
        let mut database = plan.database.clone();
        // What cannot be read now is not known to be saved: its run says why.
        if let Ok(wanted) = crate::source::gather(plan) {
            covered.folders.extend(wanted.roots);
            database = wanted.database.map(|found| found.url);
        }
        covered.databases.extend(database.map(|url| {
            let engine = match url.kind {
                config::DatabaseKind::MariaDb => Engine::MariaDb,
                config::DatabaseKind::PostgreSql => Engine::PostgreSql,
            };
            (engine, url.name)
        }));
    }
    // Folders of a plan are among those it gathers.
    covered.folders.sort();
    covered.folders.dedup();
    let servers = covered.folders.iter();
    covered.servers = servers
        .filter_map(|folder| place::server(&mounts, folder))
        .collect();
    covered
}

/// `by` accepts until `until` that nobody saves `object`. It comes back by itself when that has run out.
pub async fn accept(
    continuity: &Continuity,
    object: &str,
    by: &str,
    why: &str,
    until: Timestamp,
) -> Result<(), Error> {
    let (now, why) = (continuity.clock.now(), why.trim());
    let wrong = |what: String| Error::Risk {
        object: object.to_owned(),
        what,
    };
    if why.is_empty() || why.chars().count() > WHY {
        return Err(wrong(format!(
            "say why, in {WHY} characters at most, for whoever reads it on the day it is lost"
        )));
    }
    if until <= now || until.since(now) > LONGEST {
        return Err(wrong(
            "choose a last day between tomorrow and one year from now".to_owned(),
        ));
    }
    let look = look(continuity).await?;
    if !look.exposed.iter().any(|e| e.what.object() == object) {
        return Err(Error::NoSuch {
            what: Listed::Exposed,
            id: object.to_owned(),
        });
    }
    let accepted = Accepted {
        object: object.to_owned(),
        by: by.to_owned(),
        why: why.to_owned(),
        since: now,
        until,
    };
    Ok(records::accept(&continuity.db, accepted, now).await?)
}

/// Nobody accepts the risk any more.
pub async fn withdraw(continuity: &Continuity, object: &str, by: &str) -> Result<(), Error> {
    let now = continuity.clock.now();
    if records::withdraw(&continuity.db, object, by, now).await? {
        return Ok(());
    }
    Err(Error::NoSuch {
        what: Listed::AcceptedRisk,
        id: object.to_owned(),
    })
}
