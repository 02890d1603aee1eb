//! The appliance saves itself: its state database, its configuration, its certificates.
//!
//! They are copied to a staging folder first (the database by its own consistent copy), and saved
//! from there as the plan [`crate::APPLIANCE`]. Vault passwords are not in it: who can open the
//! vault has its password, and who cannot must not find others there.

use crate::blocking;
use crate::handle::{Continuity, Error};
use crate::scratch::Scratch;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use vault::Problem;

/// Names inside the copy.
pub(crate) const DATABASE: &str = "state.db";
pub(crate) const CONFIGURATION: &str = "reprise.toml";
const CERTIFICATES: &str = "tls";

pub(crate) struct Staging {
    pub(crate) folder: Scratch,
    /// Of the journal at the moment before it was copied: the copy holds at least that.
    pub(crate) journal_head: i64,
}

/// Copies what makes this appliance itself; what cannot be copied is a problem, the rest goes on.
pub(crate) async fn stage(
    continuity: &Continuity,
    target: &str,
) -> Result<(Staging, Vec<Problem>), Error> {
    let root = continuity.scratch_root();
    // The same name each time, so that unchanged files are known from the last snapshot.
    let name = format!("appliance-{target}");
    let folder = blocking(move || Scratch::make(&root, &name)).await??;
    let journal_head = state::journal::head(&continuity.db).await?;
    let mut problems = Vec::new();
    let database = folder.path().join(DATABASE);
    match continuity.db.copy_to(&database).await {
        Ok(()) => {}
        Err(error @ state::db::Error::CopyNotSqlite) => {
            problems.push(Problem::new("state database", format!("failed to {error}")));
        }
        Err(error) => return Err(error.into()),
    }
    let (configuration, state) = (
        continuity.config.origin.clone(),
        continuity.config.appliance.state_dir.clone(),
    );
    blocking(move || {
        let mut copied = |result: Result<(), (PathBuf, io::Error)>| {
            if let Err((path, error)) = result {
                problems.push(Problem::new(path.display().to_string(), error.to_string()));
            }
        };
        if database.exists() {
            copied(private(&database).map_err(|e| (database.clone(), e)));
        }
        copied(copy(&configuration, &folder.path().join(CONFIGURATION)));
        copied(copy_folder(
            &state.join(CERTIFICATES),
            &folder.path().join(CERTIFICATES),
        ));
        Ok((
            Staging {
                folder,
                journal_head,
            },
            problems,
        ))
    })
    .await?
}

fn private(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

fn copy(from: &Path, to: &Path) -> Result<(), (PathBuf, io::Error)> {
    // `fs::copy` keeps the mode: a private key stays private.
    fs::copy(from, to)
        .map(drop)
        .map_err(|e| (from.to_owned(), e))
}

/// Files of one folder; none of it is no problem (certificates may be made elsewhere).
fn copy_folder(from: &Path, to: &Path) -> Result<(), (PathBuf, io::Error)> {
    let failed = |e| (from.to_owned(), e);
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(failed)?,
    };
    fs::create_dir(to).map_err(|e| (to.to_owned(), e))?;
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_file() {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// What a restored copy shows: the number of its newest fact. The database it opens is changed by
/// opening it, so this comes after every comparison.
pub(crate) async fn journal_head_of(restored: &Path) -> Result<i64, state::db::Error> {
    let copy = state::Db::open_file(&restored.join(DATABASE)).await?;
    state::journal::head(&copy).await
}
