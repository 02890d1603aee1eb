//! Copies of the SQLite database that are kept from before each upgrade, and the way back to one.
//!
//! A newer version changes tables in ways that an older one cannot read, so before the first step of an upgrade the database
//! is copied into `kept/` beside it. A program that meets tables newer than it knows changes nothing and names the copy.
//! Going back sets aside what it replaces: nothing is lost by it, in either direction.

use crate::clock::Timestamp;
use crate::db::{self, Steps, Tables};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The database inside a state folder.
pub const DATABASE: &str = "state.db";
/// The folder of copies inside a state folder.
const FOLDER: &str = "kept";
/// Copies that stay; the oldest go.
const MOST: usize = 5;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "use the state {database}: its tables of {package} are at step {found}, and this version knows {known}: a newer reprise wrote it. Nothing was changed. Start that newer version again, or go back: {way}"
    )]
    Newer {
        database: PathBuf,
        package: String,
        found: i64,
        known: usize,
        way: String,
    },
    #[error(
        "keep a copy of the state {database} before the upgrade: {source}; make room in {folder}, or make it writable, then start again: nothing was changed"
    )]
    Keep {
        database: PathBuf,
        folder: PathBuf,
        source: Box<db::Error>,
    },
    #[error(
        "work in the folder of kept copies {path}: {source}; make it writable and see that there is room"
    )]
    Folder { path: PathBuf, source: io::Error },
    #[error("find kept copy {number} in {folder}: `reprise state list` shows those there are")]
    Unknown { number: u32, folder: PathBuf },
    #[error(
        "go back to a kept copy: {folder} has none that this version can read; `reprise recover` brings one out of a vault"
    )]
    None { folder: PathBuf },
    #[error(
        "go back to the copy {path}: a newer reprise wrote it; choose another of `reprise state list`, or start that newer version"
    )]
    CopyNewer { path: PathBuf },
    #[error("read the copy {path}: {source}; choose another of `reprise state list`")]
    Unreadable { path: PathBuf, source: db::Error },
    #[error(
        "set aside the state {database}: {source}; if it is damaged, move it and the files that begin with its name away yourself, then go back again"
    )]
    Aside {
        database: PathBuf,
        source: db::Error,
    },
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// What an older or newer database means for a program that knows `known`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No tables yet: a first start.
    Fresh,
    Current,
    /// Steps are missing: an upgrade.
    Older,
    /// Tables of `package` are beyond what is known here.
    Newer {
        package: String,
        found: i64,
        known: usize,
    },
}

/// Compares how far the tables are with what this program knows. Tables of a package unknown here are newer too: what they
/// hold would not be kept up.
pub fn judge(found: &Steps, known: &[Tables]) -> Verdict {
    let steps_of = |package: &str| {
        let tables = known.iter().find(|tables| tables.package == package);
        tables.map_or(0, |tables| tables.steps.len())
    };
    for (package, step) in found {
        let known = steps_of(package);
        if usize::try_from(*step).is_ok_and(|step| step > known) {
            return Verdict::Newer {
                package: package.clone(),
                found: *step,
                known,
            };
        }
    }
    let is_behind = |tables: &Tables| {
        let step = found.get(tables.package).copied().unwrap_or(0);
        usize::try_from(step).unwrap_or(0) < tables.steps.len()
    };
    match (found.is_empty(), known.iter().any(is_behind)) {
        (true, _) => Verdict::Fresh,
        (false, true) => Verdict::Older,
        (false, false) => Verdict::Current,
    }
}

/// Why a copy was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Before a version brought the tables up to date.
    Before,
    /// When a version went back to an older copy.
    Aside,
}

impl Why {
    fn text(self) -> &'static str {
        match self {
            Why::Before => "before",
            Why::Aside => "aside",
        }
    }
}

/// One kept copy, as its file's name tells: `state-0003-20261123T020343Z-before-0.2.0.db`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Counts up: the order in which copies were made, whatever the clock said.
    pub number: u32,
    pub at: Timestamp,
    pub why: Why,
    /// The version that made the copy: that was about to upgrade, or that went back.
    pub version: String,
    pub path: PathBuf,
}

const TIME: &str = "%Y%m%dT%H%M%SZ";

impl Kept {
    fn name(number: u32, at: Timestamp, why: Why, version: &str) -> String {
        let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        let version: String = version
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || ".+~".contains(*c))
            .collect();
        let (time, why) = (time.strftime(TIME), why.text());
        format!("state-{number:04}-{time}-{why}-{version}.db")
    }

    fn of(path: PathBuf) -> Option<Kept> {
        let name = path.file_name()?.to_str()?;
        let mut parts = name
            .strip_prefix("state-")?
            .strip_suffix(".db")?
            .splitn(4, '-');
        let number = parts.next()?.parse().ok()?;
        let time = jiff::civil::DateTime::strptime(TIME, parts.next()?).ok()?;
        let at = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        let why = match parts.next()? {
            "before" => Why::Before,
            "aside" => Why::Aside,
            _ => return None,
        };
        let version = parts.next()?.to_owned();
        Some(Kept {
            number,
            at: Timestamp(at.as_millisecond()),
            why,
            version,
            path,
        })
    }
}

/// Every copy kept in the state folder `state`, oldest first.
pub fn list(state: &Path) -> Result<Vec<Kept>, Error> {
    let folder = state.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(in_folder(&folder))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        found.extend(Kept::of(entry.map_err(in_folder(&folder))?.path()));
    }
    found.sort_by_key(|kept| kept.number);
    Ok(found)
}

/// Before a program that knows `known` opens the database in `state`: refuses a newer one, and keeps a copy of an older one.
///
/// The caller holds the lock of the folder. `Some`: the copy that was made.
pub async fn before_opening(
    state: &Path,
    known: &[Tables],
    version: &str,
    now: Timestamp,
) -> Result<Option<Kept>, Error> {
    let database = state.join(DATABASE);
    if !database.exists() {
        return Ok(None);
    }
    match judge(&db::contents(&database).await?.steps, known) {
        Verdict::Fresh | Verdict::Current => Ok(None),
        Verdict::Older => {
            let kept = keep(state, Why::Before, version, now).await;
            kept.map(Some).map_err(|error| match error {
                Error::Database(source) => Error::Keep {
                    database,
                    folder: state.join(FOLDER),
                    source: Box::new(source),
                },
                other => other,
            })
        }
        Verdict::Newer {
            package,
            found,
            known: steps,
        } => Err(Error::Newer {
            way: way_back(newest_readable(state, known).await?.as_ref()),
            database,
            package,
            found,
            known: steps,
        }),
    }
}

fn way_back(kept: Option<&Kept>) -> String {
    match kept {
        Some(kept) => format!(
            "{} was kept before that upgrade; stop reprise, then `reprise state rollback` puts it back and sets the newer state aside",
            kept.path.display()
        ),
        None => "no copy that this version can read is kept; `reprise recover` brings one out of a vault"
            .to_owned(),
    }
}

/// The newest copy that a program that knows `known` can start on.
pub async fn newest_readable(state: &Path, known: &[Tables]) -> Result<Option<Kept>, Error> {
    for kept in list(state)?.into_iter().rev() {
        if is_readable(&kept, known).await {
            return Ok(Some(kept));
        }
    }
    Ok(None)
}

/// Can a program that knows `known` start on this copy?
pub async fn is_readable(kept: &Kept, known: &[Tables]) -> bool {
    let contents = db::contents(&kept.path).await;
    contents.is_ok_and(|c| matches!(judge(&c.steps, known), Verdict::Current | Verdict::Older))
}

/// The way back to a copy, to be shown before it is taken.
#[derive(Debug, PartialEq, Eq)]
pub struct WayBack {
    pub to: Kept,
    /// Facts in the journal now that the copy does not know.
    pub facts_since: i64,
}

/// Plans the way back to copy `number`, or to the newest that can be read.
pub async fn plan(state: &Path, number: Option<u32>, known: &[Tables]) -> Result<WayBack, Error> {
    let folder = state.join(FOLDER);
    let to = match number {
        Some(number) => {
            let all = list(state)?;
            let named = all.into_iter().find(|kept| kept.number == number);
            named.ok_or(Error::Unknown { number, folder })?
        }
        None => newest_readable(state, known)
            .await?
            .ok_or(Error::None { folder })?,
    };
    let unreadable = |source| Error::Unreadable {
        path: to.path.clone(),
        source,
    };
    db::check_file(&to.path).await.map_err(unreadable)?;
    let contents = db::contents(&to.path).await.map_err(unreadable)?;
    if !matches!(
        judge(&contents.steps, known),
        Verdict::Current | Verdict::Older
    ) {
        return Err(Error::CopyNewer { path: to.path });
    }
    let database = state.join(DATABASE);
    let head = match database.exists() {
        true => aside(&database, db::contents(&database).await)?.journal_head,
        false => contents.journal_head,
    };
    Ok(WayBack {
        facts_since: (head - contents.journal_head).max(0),
        to,
    })
}

/// Puts the copy in place of the database, which is set aside as a copy itself. The caller holds the lock of the folder.
///
/// Cut off anywhere, the database is the old one or the copy, whole.
pub async fn go_back(
    state: &Path,
    way: &WayBack,
    version: &str,
    now: Timestamp,
) -> Result<Option<Kept>, Error> {
    let database = state.join(DATABASE);
    let kept = match database.exists() {
        true => Some(set_aside(state, version, now).await?),
        false => None,
    };
    let beside = state.join(format!("{DATABASE}.back"));
    remove(&beside)?;
    fs::copy(&way.to.path, &beside).map_err(in_folder(&beside))?;
    File::open(&beside)
        .and_then(|file| file.sync_all())
        .map_err(in_folder(&beside))?;
    fs::rename(&beside, &database).map_err(in_folder(&database))?;
    sync(state)?;
    Ok(kept)
}

/// Copies the database aside, and leaves it one file that another may replace. The caller holds the lock of the folder.
pub async fn set_aside(state: &Path, version: &str, now: Timestamp) -> Result<Kept, Error> {
    let database = state.join(DATABASE);
    let kept = keep(state, Why::Aside, version, now).await;
    let kept = kept.map_err(|error| match error {
        Error::Database(source) => Error::Aside { database, source },
        other => other,
    })?;
    // Left empty by the copy. They must be gone before another takes the name, or SQLite would take them for its own.
    for tail in ["-wal", "-shm"] {
        remove(&state.join(format!("{DATABASE}{tail}")))?;
    }
    Ok(kept)
}

/// Copies the database into the folder of copies, whole or not at all, and lets the oldest copies go.
async fn keep(state: &Path, why: Why, version: &str, now: Timestamp) -> Result<Kept, Error> {
    let folder = state.join(FOLDER);
    if !folder.is_dir() {
        let made = DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(in_folder(&folder))?;
    }
    let all = list(state)?;
    let number = all.last().map_or(1, |kept| kept.number.saturating_add(1));
    let path = folder.join(Kept::name(number, now, why, version));
    let part = folder.join("unfinished");
    remove(&part)?;
    let copied = db::copy_file(&state.join(DATABASE), &part).await;
    if let Err(error) = copied {
        remove(&part)?;
        return Err(error.into());
    }
    File::open(&part)
        .and_then(|file| file.sync_all())
        .map_err(in_folder(&part))?;
    fs::rename(&part, &path).map_err(in_folder(&path))?;
    sync(&folder)?;
    // The new one is not among them: at most MOST stay with it.
    for old in all.iter().take((all.len() + 1).saturating_sub(MOST)) {
        remove(&old.path)?;
    }
    let made = Kept::of(path.clone());
    made.ok_or_else(|| in_folder(&path)(io::Error::other("its name cannot be read back")))
}

fn aside<T>(database: &Path, result: Result<T, db::Error>) -> Result<T, Error> {
    result.map_err(|source| Error::Aside {
        database: database.to_owned(),
        source,
    })
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(in_folder(path)(e)),
        _ => Ok(()),
    }
}

/// The names in a folder survive a power cut.
fn sync(folder: &Path) -> Result<(), Error> {
    let synced = File::open(folder).and_then(|file| file.sync_all());
    synced.map_err(in_folder(folder))
}

fn in_folder(path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Folder {
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests;
