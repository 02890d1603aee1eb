//! What a plan saves: folders, a database, an application whole.
//!
//! - [`recipe`]: an application, found by its own settings; [`settings`]: those settings; [`wire`]: a recipe's data file.
//! - [`dump`]: a database as a folder of the snapshot; [`part`]: a part that should hold something.

pub(crate) mod dump;
pub(crate) mod part;
pub mod recipe;
mod settings;
pub mod wire;

use config::{DatabaseUrl, Plan};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use vault::Problem;

/// All that a plan names, found.
#[derive(Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) exclude: Vec<Vec<u8>>,
    pub(crate) skip_caches: bool,
    pub(crate) database: Option<Database>,
    /// Parts of an application that must hold something.
    pub(crate) required: Vec<recipe::Part>,
    /// What could not be found; the rest is saved.
    pub(crate) problems: Vec<Problem>,
}

#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) url: DatabaseUrl,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) password: Option<String>,
}

impl Database {
    /// Its place in the snapshot.
    pub(crate) fn place(&self) -> PathBuf {
        Path::new(databases::manifest::FOLDER).join(&self.url.name)
    }

    /// What people call it.
    pub(crate) fn label(&self) -> String {
        format!("database {}", self.url)
    }
}

/// Reads the settings of an application, if the plan names one. Blocks.
pub(crate) fn gather(plan: &Plan) -> Result<Wanted, recipe::Error> {
    let mut wanted = Wanted {
        roots: plan.files.clone(),
        exclude: lines(&plan.exclude),
        skip_caches: plan.skip_caches,
        ..Wanted::default()
    };
    let written = plan.database.as_ref().map(|url| Database {
        url: url.clone(),
        password_file: plan.database_password_file.clone(),
        password: None,
    });
    let Some(named) = &plan.recipe else {
        wanted.database = written;
        return Ok(wanted);
    };
    let recipe = recipe::Recipe::named(&named.name)?;
    let found = recipe.find(&named.folder, &read)?;
    wanted.exclude.extend(lines(recipe.exclude()));
    for part in found.parts {
        if part.required {
            wanted.required.push(part.clone());
        } else if !part.path.exists() {
            continue;
        }
        wanted.roots.push(part.path);
    }
    wanted.database = match (written, found.database) {
        (Some(written), _) => Some(written),
        (None, Ok(url)) => Some(Database {
            url,
            password: match plan.database_password_file {
                Some(_) => None,
                None => found.password,
            },
            password_file: plan.database_password_file.clone(),
        }),
        (None, Err(what)) => {
            let object = format!("database of {}", recipe.title());
            let what = format!("nothing of it is saved: failed to {what}");
            wanted.problems.push(Problem::new(object, what));
            None
        }
    };
    Ok(wanted)
}

fn lines(patterns: &[String]) -> Vec<Vec<u8>> {
    patterns
        .iter()
        .map(|line| line.clone().into_bytes())
        .collect()
}

/// A file of this box, if it is no longer than settings are.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(settings::MOST_BYTES + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 > settings::MOST_BYTES {
        true => Err(io::Error::other("it is too long for settings")),
        false => Ok(bytes),
    }
}

/// The recipe's questions for a restore point, whose own settings are read; `None` without a recipe.
pub fn checks(
    plan: &Plan,
    read: recipe::Read<'_>,
) -> Result<Option<Vec<recipe::Check>>, recipe::Error> {
    let Some(named) = &plan.recipe else {
        return Ok(None);
    };
    let recipe = recipe::Recipe::named(&named.name)?;
    let found = recipe.find(&named.folder, read)?;
    Ok(Some(recipe.checks(&found)))
}
