//! An application in a folder that was named: recognised by its own settings, its database tried at once.

use super::words::{Words, fill};
use crate::{file as files, terminal};
use anyhow::{Context, bail};
use config::DatabaseUrl;
use continuity::source::recipe::{self, Recipe};
use databases::{Engine, Limits, Source, Tools};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Settings are texts; what is longer is none.
const MOST_BYTES: u64 = 1024 * 1024;
/// A server that says nothing for so long is said not to answer: a person waits.
const SILENCE: Duration = Duration::from_secs(30);
/// The applications that are saved whole.
const RECIPES: &[&str] = &["dolibarr", "nextcloud"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Application {
    /// The recipe's name, as a plan gives it.
    pub(crate) recipe: String,
    /// Where it is installed.
    pub(crate) folder: PathBuf,
}

/// The application that is installed in `folder`, if one is, after a log-in at its database. `scratch` is private.
pub(crate) fn in_folder(
    folder: &Path,
    words: &Words,
    scratch: &Path,
) -> anyhow::Result<Option<Application>> {
    for name in RECIPES {
        let recipe = Recipe::named(name)?;
        let found = match recipe.find(folder, &read) {
            Ok(found) => found,
            Err(recipe::Error::NotThere { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let url = match found.database {
            Ok(url) => url,
            Err(what) => bail!("{what}"),
        };
        for part in found.parts.iter().filter(|part| part.required) {
            if !part.path.exists() {
                bail!(
                    "find {} of {} in {}: it is not there; mount it, or correct the settings of {}",
                    part.name,
                    recipe.title(),
                    part.path.display(),
                    recipe.title()
                );
            }
        }
        log_in(&url, found.password, scratch)?;
        terminal::note(&fill(
            words.application,
            &[
                recipe.title(),
                &folder.display().to_string(),
                &url.to_string(),
            ],
        ));
        return Ok(Some(Application {
            recipe: (*name).to_owned(),
            folder: folder.to_owned(),
        }));
    }
    Ok(None)
}

/// One session, opened as each night's dump opens it.
fn log_in(url: &DatabaseUrl, password: Option<String>, scratch: &Path) -> anyhow::Result<()> {
    let scratch = scratch.join(format!("setup-{}", state::id::new()));
    files::folder(&scratch)?;
    let engine = Engine::from(url.kind);
    let tried = Tools::find(engine).and_then(|tools| {
        let source = Source {
            url: url.clone(),
            password_file: None,
            password,
            scratch: scratch.clone(),
            tools,
        };
        let limits = Limits {
            silence: SILENCE,
            ..Limits::default()
        };
        databases::open(&source, &limits).map(drop)
    });
    std::fs::remove_dir_all(&scratch).with_context(|| format!("remove {}", scratch.display()))?;
    Ok(tried?)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MOST_BYTES {
        true => Err(io::Error::other("it is too long for settings")),
        false => Ok(bytes),
    }
}
